"""Floods of a bounded size: an established tunnel stays alive, and honest peers still get in."""

import random
import socket
import threading
import time
from contextlib import suppress

import pytest

from lab import capture, forge, traffic, tunnel, wait
from test_bad_packets import dropped
from test_rekey import wait_handshakes

SECONDS = 2  # of one flood
LOAD = 20_000  # initiations a second: more than anybody can answer, less than what fills every queue


class Flood(threading.Thread):
    """Sends what `make(end)` makes, at most `rate` a second, for some seconds or until it is ended."""

    def __init__(self, host, end, make, rate=200_000, seconds=SECONDS):
        super().__init__(daemon=True)
        self.socket = host.socket(traffic.family_of(end.outer), socket.SOCK_DGRAM)
        self.socket.connect((end.outer, end.port))
        # Made beforehand, so that the flood is one of packets and not of Python.
        self.messages = [make(end) for _ in range(rate // 100)]
        self.rate, self.seconds = rate, seconds
        self.sent = 0
        self.ending = threading.Event()

    def run(self):
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < self.seconds and not self.ending.is_set():
            time.sleep(max(0, self.sent / self.rate - passed))
            for message in self.messages:
                with suppress(OSError):  # ICMP's word that nobody listens, or a full queue
                    self.socket.send(message)
            self.sent += len(self.messages)

    def end(self):
        self.ending.set()
        self.join(10)
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


def test_initiation_that_comes_while_the_interface_goes_up_is_for_its_key(lab):
    """Whoever sees the port open must be answered: no initiation may fall between the socket and the device."""
    a, b = lab.neighbours(kind_a="none")
    a.port = 1
    b.setconf(b.configuration(a, with_endpoint=False))
    flood = Flood(a.host, b, FLOODS["initiations with a valid mac1"], rate=5000, seconds=30)
    flood.start()
    try:
        for _ in range(25):
            before = dropped(b)
            b.host.ip("link set wg0 up")
            wait.until(lambda before=before: looked_at(b) > before["forged"] + before["cookie"], 5,
                       "initiations to be looked at")
            assert dropped(b)["mac1"] == before["mac1"]
            b.host.ip("link set wg0 down")
            wait.until(lambda: not b.host.is_listening(b.port), 5, "the port to be closed")
    finally:
        flood.end()


def looked_at(end):
    counts = dropped(end)
    return counts["forged"] + counts["cookie"]


@pytest.mark.parametrize("initiator,family", [("go", 4), ("hooks", 4), ("hooks", 6)])
def test_newcomer_gets_in_under_load_by_showing_a_cookie(lab, initiator, family):
    """It begins when the flood is there. Warren as initiator has quicker timers here, so that its next try comes soon."""
    a, b = lab.neighbours(initiator, "warren", family, env={"WARREN_TEST_TIME_SCALE": "10"})
    b.setconf(b.configuration(a, with_endpoint=False))
    b.bring_up()
    flood = Flood(a.host, b, FLOODS["initiations with a valid mac1"], LOAD, seconds=60 if initiator == "hooks" else SECONDS)
    flooded = lab.keep(capture.Capture(a.host, port=flood.socket.getsockname()[1]))
    watch = lab.keep(capture.Capture(a.host, port=a.port))
    flood.start()
    try:
        flooded.until(lambda packet: packet.kind == 3, 10, "a cookie reply to the flood")
        flooded.close()
        a.setconf(a.configuration(b))
        a.bring_up()
        if initiator == "hooks":
            with a.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as talker:
                talker.sendto(b"x", (b.inner4, 9))
                watch.until(lambda packet: packet.kind == 1 and packet.source_port == a.port and any(packet.payload[132:148]),
                            10, "a to show a cookie")
        wait_handshakes((b, a))
    finally:
        flood.end()
    a.ping(b)
    assert all(len(packet.payload) == 64 for packet in (*flooded.seen, *watch.take()) if packet.kind == 3)


def test_kernel_gets_in_under_load_by_showing_a_cookie(lab, guest):
    from test_interop_kernel import GATE, GUEST, set_addresses
    set_addresses(guest.gate, "tap0", GATE)
    set_addresses(guest, "eth0", GUEST)
    ours, kernel = lab.end(guest.gate, 1, outer=GATE[6]), guest.end(2, GUEST[6])
    watch = lab.keep(capture.Capture(guest.gate, "lo"))
    tunnel.connect(ours, kernel, initiator=kernel)
    flood = Flood(guest.gate, ours, FLOODS["initiations with a valid mac1"], LOAD)
    flood.start()
    try:
        watch.until(lambda packet: packet.kind == 3, SECONDS, "a cookie reply")
        wait.until(lambda: kernel.can_ping(ours), SECONDS + 15, "an answer")
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
