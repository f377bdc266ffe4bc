# SPDX-License-Identifier: MIT
# packet.py udp SOURCE PORT TARGET PORT TEXT: sends a UDP packet, whatever its source.
# packet.py icmp TYPE CODE SOURCE TARGET WORD SENT_SOURCE PORT SENT_TARGET PORT: sends an ICMP error about a UDP packet;
# WORD is an address, such as the gateway of a redirect.
# packet.py part first|last SOURCE PORT TARGET PORT TEXT: one of the two fragments of a UDP packet, with 8 bytes of text.
# With --by INTERFACE MAC before that, the packet leaves by this interface, wherever it is sent to.
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, target, protocol, payload, fragment=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, fragment, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, port, target, target_port, text):
    data = text.encode()
    return packet(source, target, socket.IPPROTO_UDP,
                  struct.pack("!HHHH", int(port), int(target_port), 8 + len(data), 0) + data)


def part(which, source, port, target, target_port, text):
    if which == "last":
        return packet(source, target, socket.IPPROTO_UDP, text.encode(), 2)
    return packet(source, target, socket.IPPROTO_UDP,
                  struct.pack("!HHHH", int(port), int(target_port), 24, 0) + text.encode(), 0x2000)


def icmp(kind, code, source, target, word, *sent):
    message = struct.pack("!BBH4s", int(kind), int(code), 0, socket.inet_aton(word)) + udp(*sent, "sent")
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return packet(source, target, socket.IPPROTO_ICMP, message)


by = None
if sys.argv[1] == "--by":
    by = (sys.argv[2], 0x0800, 0, 0, bytes.fromhex(sys.argv[3].replace(":", "")))
    del sys.argv[1:4]
made = {"udp": udp, "icmp": icmp, "part": part}[sys.argv[1]](*sys.argv[2:])
if by:
    socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).sendto(made, by)
    sys.exit()
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
out.sendto(made, (socket.inet_ntoa(made[16:20]), 0))
