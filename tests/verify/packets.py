"""UDP packets built by hand, for what no honest kernel would send."""

import socket
import struct

SOURCE_PORT = 40000


def sum16(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, target, port, payload):
    """An IPv4 packet with UDP in it, which goes without a checksum."""
    udp = struct.pack("!HHHH", SOURCE_PORT, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", sum16(head)) + head[12:] + udp


def datagram6(source, target, port, payload):
    """An IPv6 packet with UDP in it."""
    length = 8 + len(payload)
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    udp = struct.pack("!HHHH", SOURCE_PORT, port, length, 0) + payload
    checksum = sum16(addresses + struct.pack("!II", length, socket.IPPROTO_UDP) + udp) or 0xffff
    return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_UDP, 64) + addresses + udp[:6] + struct.pack("!H", checksum) + payload
