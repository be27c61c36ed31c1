"""Echo requests, sent by this process itself.

ping(8) stops listening two round trips after its last request; on a busy machine
that is too soon to tell late from lost."""

import os
import select
import socket
import struct
import time

ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
INTERVAL = 0.02


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _request(family, ident, number, payload):
    head = struct.pack("!BBHHH", ECHO_REQUEST[family], 0, 0, ident, number)
    # The kernel fills in the checksum of ICMPv6: it knows the source address.
    checksum = _checksum(head + payload) if family == 4 else 0
    return struct.pack("!BBHHH", ECHO_REQUEST[family], 0, checksum, ident, number) + payload


def _open(host, family):
    if family == 4:
        return host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)


def ping(host, address, count=3, size=56, timeout=3.0):
    """Numbers of the requests (from 1) that were answered, each with the right bytes."""
    family = 6 if ":" in address else 4
    ident, payload = int.from_bytes(os.urandom(2), "big"), os.urandom(size)
    answered = set()
    with _open(host, family) as sock:
        sock.connect((address, 0))

        def listen(until):
            while len(answered) < count and select.select([sock], [], [], max(0, until - time.monotonic()))[0]:
                number = _reply(family, sock.recv(65536), ident, payload)
                if number:
                    answered.add(number)

        for number in range(1, count + 1):
            sock.send(_request(family, ident, number, payload))
            listen(time.monotonic() + INTERVAL)
        listen(time.monotonic() + timeout)
    return answered


def _reply(family, packet, ident, payload):
    if family == 4:
        packet = packet[(packet[0] & 15) * 4:]  # a raw IPv4 socket gives the IP header too
    if len(packet) < 8:
        return None
    kind, _, _, its_ident, number = struct.unpack_from("!BBHHH", packet)
    is_ours = kind == ECHO_REPLY[family] and its_ident == ident and packet[8:] == payload
    return number if is_ours else None
