"""Floods of a bounded size: an established tunnel stays alive, and honest peers still get in."""

import random
import socket
import threading
import time

import pytest

from lab import capture, forge, traffic, tunnel, wait

SECONDS = 3
MOST_PACKETS = 200_000  # of one flood


class Flood(threading.Thread):
    """Sends what `make(end)` makes, as fast as one thread can, for a while."""

    def __init__(self, host, end, make):
        super().__init__(daemon=True)
        self.socket = host.socket(traffic.family_of(end.outer), socket.SOCK_DGRAM)
        self.socket.connect((end.outer, end.port))
        # Made beforehand, so that the flood is one of packets and not of Python.
        self.messages = [make(end) for _ in range(2000)]
        self.sent = 0
        self.ending = threading.Event()

    def run(self):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.sent < MOST_PACKETS and not self.ending.is_set():
            for message in self.messages:
                try:
                    self.socket.send(message)
                except (ConnectionRefusedError, BlockingIOError, OSError):
                    continue
                self.sent += 1

    def end(self):
        self.ending.set()
        self.join(SECONDS + 1)
        self.socket.close()


FLOODS = {
    "noise": lambda end: random.randbytes(random.randrange(1400)),
    "initiations for nobody": lambda end: forge.initiation_for_nobody(),
    "initiations with a valid mac1": lambda end: forge.initiation(forge.mac1_key(end.public)),
    "data for nobody": lambda end: forge.data(random.getrandbits(32), length=1400),
    "responses": lambda end: forge.response(random.getrandbits(32)),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_established_tunnel_stays_alive_in_a_flood(lab, kind):
    a, b = lab.neighbours()
    tunnel.connect(a, b, initiator=a)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(1 << 20)
    flood = Flood(a.host, b, FLOODS[kind])
    flood.start()
    try:
        while flood.is_alive():
            stream.wait_for(1 << 18, timeout=10)
    finally:
        flood.end()
    assert flood.sent > 10_000
    stream.end()
    a.ping(b)
    assert b.peer().endpoint == a.endpoint()
    assert b.daemon.said() == "", "what strangers send is logged"


@pytest.mark.parametrize("initiator,family", [("go", 4), ("warren", 4), ("warren", 6)])
def test_newcomer_gets_in_under_load_by_showing_a_cookie(lab, initiator, family):
    a, b = lab.neighbours(initiator, "warren", family)
    watch = lab.keep(capture.Capture(a.host))
    flood = Flood(a.host, b, FLOODS["initiations with a valid mac1"])
    tunnel.connect(a, b, initiator=a)
    flood.start()
    try:
        watch.until(lambda packet: packet.kind == 3, SECONDS, "a cookie reply")
        gets_in(a, b, flood)
    finally:
        flood.end()
    wait.until(lambda: a.ping(b, count=1, check=False) == 1, 15, "an answer after the flood")
    cookies = [packet for packet in watch.take() if packet.kind == 3]
    assert all(len(packet.payload) == 64 for packet in cookies)


def gets_in(a, b, flood):
    """a's handshake is done, by the time that the flood and a's next try after it are over."""
    with a.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        def is_in():
            sock.sendto(b"x", (b.inner4, 9))
            return a.peer().handshake
        wait.until(is_in, SECONDS + 12, "a handshake", 0.1)


def test_kernel_gets_in_under_load_by_showing_a_cookie(lab, guest):
    from test_interop_kernel import GATE, GUEST, set_addresses
    set_addresses(guest.gate, "tap0", GATE)
    set_addresses(guest, "eth0", GUEST)
    ours, kernel = lab.end(guest.gate, 1, outer=GATE[6]), guest.end(2, GUEST[6])
    watch = lab.keep(capture.Capture(guest.gate, "lo"))
    tunnel.connect(ours, kernel, initiator=kernel)
    flood = Flood(guest.gate, ours, FLOODS["initiations with a valid mac1"])
    flood.start()
    try:
        watch.until(lambda packet: packet.kind == 3, SECONDS, "a cookie reply")
        wait.until(lambda: kernel.ping(ours, count=1, check=False) == 1, SECONDS + 15, "an answer")
    finally:
        flood.end()
    kernel.ping(ours)


def test_load_asks_no_cookie_when_there_is_none(lab):
    """Cookies cost a round trip: without a flood nobody is asked for one."""
    a, b = lab.neighbours()
    watch = lab.keep(capture.Capture(b.host))
    tunnel.connect(a, b)
    a.ping(b)
    traffic.transfer(a.host, b.host, b.inner4, 16 << 20, both_ways=True)
    assert not [packet for packet in watch.take() if packet.kind == 3]
