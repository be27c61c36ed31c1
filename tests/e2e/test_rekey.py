"""New keys while traffic flows: nothing stalls, nothing is lost.

The quick tests run builds with test hooks on both sides, whose timers
WARREN_TEST_TIME_SCALE divides; the nightly ones wait for the real two minutes."""

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from lab import traffic, tunnel, uapi, wait

SCALE = 40  # keys are renewed every 3 s
LONGEST_STALL = 1.0
INITIATION_GAP = 0.02  # one that comes sooner after the last is dropped (paper, section 5.1; kernel: 50 a second)


class Handshakes:
    """Counts handshakes by watching the time of the last one."""

    def __init__(self, end):
        self.end = end
        self.times = set()

    def look(self):
        pairs = dict(uapi.get(self.end.host, self.end.iface))
        self.times.add((pairs["last_handshake_time_sec"], pairs["last_handshake_time_nsec"]))
        return len(self.times)


class Datagrams:
    """Numbered datagrams at a steady pace; knows which are missing."""

    def __init__(self, a, b):
        self.near, self.far = traffic.udp_pair(a.host, b.host, b.inner4, timeout=1)
        self.ending = threading.Event()
        self.sent, self.got = 0, set()
        self.threads = [threading.Thread(target=part, daemon=True) for part in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        while not self.ending.is_set():
            self.near.send(self.sent.to_bytes(8, "big") + bytes(500))
            self.sent += 1
            time.sleep(0.002)

    def _receive(self):
        while True:
            try:
                self.got.add(int.from_bytes(self.far.recv(2048)[:8], "big"))
            except TimeoutError:
                return

    def lost(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(5)
        self.near.close()
        self.far.close()
        return self.sent - len(self.got)


def flow_until_rekeyed(a, b, times, timeout):
    """TCP both ways and UDP flow until `times` handshakes were seen."""
    handshakes = Handshakes(a)
    a.ping(b)
    handshakes.look()
    streams = [traffic.Stream(a.host, b.host, b.inner4), traffic.Stream(b.host, a.host, a.inner6)]
    datagrams = Datagrams(a, b)
    wait.until(lambda: handshakes.look() >= times, timeout, f"{times} handshakes", every=0.1)
    for stream in streams:
        stream.wait_for(1 << 20)
        stream.end()
    assert datagrams.lost() == 0
    assert max(stream.longest_stall for stream in streams) < LONGEST_STALL


@pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
def test_keys_are_renewed_while_traffic_flows(lab, family):
    a, b = lab.neighbours("hooks", "hooks", family, env={"WARREN_TEST_TIME_SCALE": str(SCALE)})
    tunnel.connect(a, b, initiator=a)
    flow_until_rekeyed(a, b, 4, 5 * 120 / SCALE + 10)


def test_tunnel_that_was_silent_past_the_life_of_its_keys_works_at_once(lab):
    a, b = lab.neighbours("hooks", "hooks", env={"WARREN_TEST_TIME_SCALE": str(SCALE * 4)})
    tunnel.connect(a, b)
    a.ping(b)
    before = Handshakes(a)
    before.look()
    # Three times REJECT_AFTER_TIME: keys are wiped, only the endpoint is remembered.
    time.sleep(3 * 180 / (SCALE * 4) + 0.5)
    b.ping(a)
    assert before.look() == 2


def test_other_side_recovers_by_itself_when_one_is_killed_and_started_again(lab):
    """b never hears of it but by silence; only b knows where the other is."""
    env = {"WARREN_TEST_TIME_SCALE": str(SCALE)}
    a, b = lab.neighbours("hooks", "hooks", env=env)
    tunnel.connect(a, b, initiator=b)
    b.ping(a)
    a.daemon.kill()
    wait.until(lambda: "wg0" not in a.host.links(), what="the interface to go")
    a.daemon = lab.daemon(a.host, kind="hooks", env=env)
    a.setconf(a.configuration(b, with_endpoint=False))
    a.bring_up()
    wait.until(lambda: b.can_ping(a), 20, "an answer")
    a.ping(b)


@pytest.mark.limit(90)
def test_warren_and_wireguard_go_recover_from_each_others_death(lab):
    """With the real timers: 15 s of silence, then a handshake; both pairs at the same time."""
    pairs = [lab.neighbours("warren", "go"), lab.neighbours("go", "warren")]
    for killed, other in pairs:
        tunnel.connect(killed, other, initiator=other)
        other.ping(killed)
        killed.daemon.kill()
        wait.until(lambda killed=killed: "wg0" not in killed.host.links(), what="the interface to go")
        killed.daemon = lab.daemon(killed.host, kind=killed.daemon.kind)
        killed.setconf(killed.configuration(other, with_endpoint=False))
        killed.bring_up()
    wait_handshakes(*pairs)
    for killed, other in pairs:
        other.ping(killed)
        killed.ping(other)


def wait_handshakes(*pairs):
    """pairs: (silent, talker).  A talker has data to send all the time, until the silent one tells of a handshake."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(talker.host.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _, talker in pairs]

        def all_answered():
            for sock, (silent, _) in zip(sockets, pairs):
                sock.sendto(b"x", (silent.inner4, 9))
            return all(silent.peer().handshake for silent, _ in pairs)

        wait.until(all_answered, 40, "new handshakes", 0.2)


@pytest.mark.parametrize("initiator", ["warren", "go"])
def test_first_answer_to_a_peer_that_forgot_its_keys_is_not_lost(lab, initiator):
    """The answer must already be sealed with the new keys: the initiator has no others."""
    a, b = lab.neighbours(initiator, "warren")
    tunnel.connect(a, b)
    a.ping(b)
    for _ in range(5):
        time.sleep(2 * INITIATION_GAP)
        a.wg(f"set wg0 peer {b.public} remove")
        a.setconf(a.configuration(b))
        a.ping(b, count=1, timeout=2)


@pytest.mark.nightly
@pytest.mark.limit(400)
@pytest.mark.parametrize("pair", [("warren", "go"), ("go", "warren"), ("warren", "warren")], ids="-".join)
def test_keys_are_renewed_after_two_real_minutes(lab, pair):
    a, b = lab.neighbours(*pair)
    tunnel.connect(a, b, initiator=a)
    flow_until_rekeyed(a, b, 2, 150)
