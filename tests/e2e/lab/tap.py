"""Counts the packets inside a tunnel: what the kernel gives to an interface and gets from it."""

import contextlib
import select
import socket
import struct
import time
from dataclasses import dataclass

ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_VNET_HDR, VNET_HDR_LEN = 263, 15, 10
ARPHRD_ETHER, ETHER_LEN = 1, 14
UDP, TCP, ICMP, ICMP6 = 17, 6, 1, 58


@dataclass(frozen=True)
class Inner:
    """An IP packet. Ports are 0 where there are none; of ICMP, `target_port` is the type."""
    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int
    payload: bytes  # what follows the ports (UDP: after its header)
    is_outgoing: bool


def parse(packet, is_outgoing, segment=0):
    """The packets that an IP packet is: several where programs pass them on joined, `segment` bytes each."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        at, protocol = (packet[0] & 15) * 4, packet[9]
        source, target = (socket.inet_ntop(socket.AF_INET, packet[i:i + 4]) for i in (12, 16))
        is_later = struct.unpack_from("!H", packet, 6)[0] & 0x1fff
    elif len(packet) >= 40 and packet[0] >> 4 == 6:
        at, protocol, is_later = 40, packet[6], 0
        source, target = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
    else:
        return [Inner("", "", -1, 0, 0, packet, is_outgoing)]
    ports, rest, head = (0, 0), packet[at:], 8
    if not is_later and protocol in (UDP, TCP) and len(rest) >= 8:
        ports = struct.unpack_from("!HH", rest)
        head = 8 if protocol == UDP or len(rest) < 20 else (rest[12] >> 4) * 4
    elif not is_later and protocol in (ICMP, ICMP6) and rest:
        ports = (0, rest[0])
    payload = rest[head:]
    parts = [payload[i:i + segment] for i in range(0, len(payload), segment)] if segment else [payload]
    return [Inner(source, target, protocol, *ports, part, is_outgoing) for part in parts]


class Tap:
    """All IP packets on an interface of a host, from now on."""

    def __init__(self, host, iface="wg0"):
        self.host, self.iface = host, iface
        with host.net():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)  # tells how joined packets are to be cut
            self.socket.bind((iface, ETH_P_ALL))
        self.seen = []

    def close(self):
        self.socket.close()

    def take(self, timeout=0):
        """Reads what has come; with a timeout, waits for the first."""
        while select.select([self.socket], [], [], timeout)[0]:
            try:
                packet, address = self.socket.recvfrom(1 << 17)
            except OSError:  # the interface went down: what came before it was read
                continue
            self._add(packet, address)
            timeout = 0
        return self.seen

    def _add(self, packet, address):
        segment = struct.unpack_from("<H", packet, 4)[0] if packet[1] else 0
        packet = packet[VNET_HDR_LEN:]
        if address[3] == ARPHRD_ETHER:
            if packet[12:14] not in (b"\x08\x00", b"\x86\xdd"):
                return
            packet = packet[ETHER_LEN:]
        self.seen += parse(packet, address[2] == PACKET_OUTGOING, segment)

    def forget(self):
        self.take()
        self.seen.clear()

    def count(self, is_wanted):
        return sum(1 for packet in self.take() if is_wanted(packet))

    def until(self, is_wanted, timeout=10, what="a packet"):
        """Waits for the first packet that is wanted."""
        deadline, checked = time.monotonic() + timeout, 0
        while True:
            for packet in self.seen[checked:]:
                if is_wanted(packet):
                    return packet
            checked = len(self.seen)
            assert time.monotonic() < deadline, f"waited {timeout} s in vain for {what} on {self.iface} of {self.host.name}"
            self.take(0.1)


@contextlib.contextmanager
def taps(*machines):
    """A tap on the tunnel of each machine."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Tap(machine.host))) for machine in machines]
