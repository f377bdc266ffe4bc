# SPDX-License-Identifier: MIT
# advertise.py INTERFACE PREFIX: sends an IPv6 router advertisement with a default route and PREFIX/64.
import socket
import struct
import sys

index = socket.if_nametoindex(sys.argv[1])
lifetime = 1800
router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0)
on_link_and_autonomous = 0xC0
prefix = struct.pack("!BBBBIII", 3, 4, 64, on_link_and_autonomous, 86400, 14400, 0)
prefix += socket.inet_pton(socket.AF_INET6, sys.argv[2])
out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
# Receivers ignore packets that a router may have passed on.
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
out.sendto(router + prefix, ("ff02::1", 0, 0, index))
