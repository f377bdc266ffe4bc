#!/usr/bin/env python3
"""A system bus that root of a container could run in place of the real one.

usage: fake-bus.py SOCKET LOG [SILENT...]

It answers the calls that a command needs, but not those to the methods and properties named SILENT. Instead of a name,
NAME=ERROR answers with this error, and NAME=NUMBER with this value of a property. "huge" lets it refuse the start with
a text of 1 MB, "vast" with one of 100 MB; with "flood", it sends 200 MB of calls before it answers. Each call is a line
of LOG. Prints a line when it listens.
"""
import os, socket, struct, sys, threading

path, log, silent = sys.argv[1], open(sys.argv[2], 'a', buffering=1), [a for a in sys.argv[3:] if '=' not in a]
chosen = dict(a.split('=') for a in sys.argv[3:] if '=' in a)


def string(s):
    return struct.pack('<I', len(s)) + s.encode() + b'\0'


def pad(data, to):
    return data + b'\0' * (-len(data) % to)


def fields(data):
    """Header fields by number; all that matter here are strings."""
    found, at = {}, 0
    while at < len(data):
        at += -at % 8
        number, kind = data[at], chr(data[at + 2])
        at += 4
        if kind == 'g':
            size = data[at]
            found[number] = data[at + 1:at + 1 + size].decode()
            at += size + 2
        elif kind == 'u':
            found[number] = struct.unpack_from('<I', data, at)[0]
            at += 4
        else:
            size = struct.unpack_from('<I', data, at)[0]
            found[number] = data[at + 4:at + 4 + size].decode()
            at += 4 + size + 1
    return found


def reply(to, signature='', body=b'', error=None):
    head = struct.pack('<BBBBI', 5, 1, ord('u'), 0, to)
    if error:
        head = pad(head, 8) + struct.pack('<BBBB', 4, 1, ord('s'), 0) + string(error)
    head = pad(head, 8) + struct.pack('<BBBB', 7, 1, ord('s'), 0) + string('org.freedesktop.systemd1')
    if signature:
        head = pad(head, 8) + struct.pack('<BBBB', 8, 1, ord('g'), 0) + bytes([len(signature)]) + signature.encode() + b'\0'
    start = struct.pack('<cBBBIII', b'l', 3 if error else 2, 1, 1, len(body), 1, len(head))
    return pad(start + head, 8) + body


def call():
    """To an object with a long path, which the answer to it would repeat."""
    head = struct.pack('<BBBB', 1, 1, ord('o'), 0) + string('/' + 'a' * 60000)
    head = pad(head, 8) + struct.pack('<BBBB', 3, 1, ord('s'), 0) + string('Call')
    start = struct.pack('<cBBBIII', b'l', 1, 0, 1, 0, 7, len(head))
    return pad(start + head, 8)


def variant(signature, value):
    return bytes([len(signature)]) + signature.encode() + b'\0' + value


def number(name, value):
    return variant('i', b'\0' + struct.pack('<i', int(chosen.get(name, value))))


PROPERTIES = {
    'ActiveState': variant('s', b'\0' + string('inactive')),
    'SystemState': variant('s', b'\0' + string('running')),
    'ExecMainCode': number('ExecMainCode', 1),
    'ExecMainStatus': number('ExecMainStatus', 0),
    'Job': pad(variant('(uo)', b''), 8) + struct.pack('<I', 0) + string('/'),
}


def answer(serial, member, body):
    what = member
    if member == 'Get':
        size = struct.unpack_from('<I', body)[0]
        at = 4 + size + 1
        at += -at % 4
        size = struct.unpack_from('<I', body, at)[0]
        what = body[at + 4:at + 4 + size].decode()
    log.write(what + '\n')
    if what in silent:
        return b''
    if '.' in chosen.get(what, ''):
        return reply(serial, 's', string('No.'), chosen[what])
    if member == 'Hello':
        return reply(serial, 's', string(':1.1'))
    if member == 'StartTransientUnit' and ('huge' in silent or 'vast' in silent):
        text = 'x' * (1000000 if 'huge' in silent else 100000000)
        return reply(serial, 's', string(text), 'org.freedesktop.DBus.Error.AccessDenied')
    if member == 'StartTransientUnit':
        return reply(serial, 'o', string('/job/1'))
    if what in PROPERTIES:
        return reply(serial, 'v', PROPERTIES[what])
    return reply(serial)


def exactly(file, size):
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def serve(client):
    file = client.makefile('rb')
    file.read(1)
    for line in file:
        word = line.split()[0] if line.split() else b''
        if word == b'BEGIN':
            break
        client.sendall({b'AUTH': b'DATA\r\n', b'DATA': b'OK 0123456789abcdef0123456789abcdef\r\n'}.get(word, b'AGREE_UNIX_FD\r\n'))
    try:
        while True:
            start = exactly(file, 16)
            _, _, _, _, size, serial, length = struct.unpack('<cBBBIII', start)
            found = fields(exactly(file, length))
            exactly(file, -length % 8)
            body = exactly(file, size)
            if 'flood' in silent and found.get(3) == 'StartTransientUnit':
                for _ in range(3300):
                    client.sendall(call())
            client.sendall(answer(serial, found.get(3, ''), body))
    except (EOFError, OSError):
        pass


if os.path.lexists(path):
    os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
# Users of the container have other numbers.
os.chmod(path, 0o777)
listener.listen(64)
print('listening', flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
