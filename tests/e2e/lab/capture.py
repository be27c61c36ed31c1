"""Watches what really goes over a link, below any tunnel."""

import ctypes
import select
import socket
import struct
import time
from dataclasses import dataclass

from . import wait

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SO_ATTACH_FILTER = 26


@dataclass
class Outer:
    """An IP packet with UDP in it."""
    source: str
    target: str
    source_port: int
    target_port: int
    tos: int
    payload: bytes
    is_outgoing: bool

    @property
    def ecn(self):
        return self.tos & 3

    @property
    def dscp(self):
        return self.tos >> 2

    @property
    def kind(self):
        """Type of the WireGuard message."""
        return self.payload[0] if self.payload else None


def _parse(packet, is_outgoing):
    if len(packet) >= 28 and packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_UDP:
        if struct.unpack_from("!H", packet, 6)[0] & 0x1fff:
            return None  # a later fragment
        at = (packet[0] & 15) * 4
        names = (socket.inet_ntop(socket.AF_INET, packet[i:i + 4]) for i in (12, 16))
        tos = packet[1]
    elif len(packet) >= 48 and packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_UDP:
        at = 40
        names = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
        tos = struct.unpack_from("!H", packet)[0] >> 4 & 255
    else:
        return None
    return Outer(*names, *struct.unpack_from("!HH", packet, at), tos, packet[at + 8:], is_outgoing)


def _filter(packets, port):
    """Lets through what has the port, by a program for the kernel: bpf(4), linux/filter.h. IPv4 without options."""
    load_byte, load_half, right, equal, give = 0x30, 0x28, 0x74, 0x15, 0x06
    at = {4: 20, 6: 40}
    program = [(load_byte, 0, 0, 0), (right, 0, 0, 4), (equal, 0, 4, 4),
               (load_half, 0, 0, at[4]), (equal, 6, 0, port), (load_half, 0, 0, at[4] + 2), (equal, 4, 5, port),
               (load_half, 0, 0, at[6]), (equal, 2, 0, port), (load_half, 0, 0, at[6] + 2), (equal, 0, 1, port),
               (give, 0, 0, 0x40000), (give, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    packets.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))


class Capture:
    """All UDP packets on an interface of a host, from now on; or those from or to one port: the kernel leaves out the others."""

    def __init__(self, host, iface="v0", port=None):
        with host.net():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
            if port is not None:
                _filter(self.socket, port)
            self.socket.bind((iface, ETH_P_ALL))
        self.seen = []

    def close(self):
        self.socket.close()

    def take(self, timeout=0):
        """Reads what has come; with a timeout, waits for the first. Of more than can be read, what is read in a second."""
        until = time.monotonic() + 1
        while time.monotonic() < until and select.select([self.socket], [], [], timeout)[0]:
            packet, address = self.socket.recvfrom(1 << 17)
            outer = _parse(packet, address[2] == PACKET_OUTGOING)
            if outer:
                self.seen.append(outer)
            timeout = 0
        return self.seen

    def until(self, condition, timeout=10, what="a packet"):
        """Waits for the first packet for which `condition` holds."""
        deadline = time.monotonic() + wait.PATIENCE * timeout
        checked = 0
        while True:
            for outer in self.seen[checked:]:
                if condition(outer):
                    return outer
            checked = len(self.seen)
            assert time.monotonic() < deadline, f"waited {wait.PATIENCE * timeout} s in vain for {what}"
            self.take(0.1)
