"""Malformed, truncated, replayed and forged packets are counted by kind; nothing else happens."""

import json
import os
import random
import socket

import pytest

from lab import capture, forge, programs, traffic, tunnel, wait


@pytest.fixture
def ends(lab):
    """(a, b) with an established tunnel; b is the one that is attacked."""
    a, b = lab.neighbours()
    tunnel.connect(a, b, initiator=a)
    a.ping(b)
    return a, b


@pytest.fixture
def attacker(lab, ends):
    """A socket on a's host that is not WireGuard's, connected to b's port."""
    a, b = ends
    sock = lab.keep(a.host.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.connect((b.outer, b.port))
    return sock


def stats(end):
    """{name: value} as `warren wg --stats` prints them."""
    lines = end.host.run(programs.warren_cli(), "wg", "--stats", end.iface).splitlines()
    return {name: int(value) for name, value in (line.split() for line in lines)}


def dropped(end):
    """How many were dropped, by kind."""
    return {name.replace("_", "-"): value for name, value in stats(end).items()}


def data_messages(lab, a, b):
    """Data messages that a sends to b, as they are on the wire, one a datagram."""
    watch = lab.keep(capture.Capture(a.host))
    a.ping(b, count=3)
    return [packet.payload for packet in watch.take() if packet.is_outgoing and packet.kind == 4]


def send_and_count(attacker, end, kind, messages):
    """All of them are counted as `kind`, and none as anything else."""
    before = dropped(end)
    grown = {}
    for message in messages:
        attacker.send(message)

    def all_counted():
        grown.clear()
        grown.update({name: value - before[name] for name, value in dropped(end).items()
                      if value > before[name] and name not in FLOWING})
        return sum(grown.values()) >= len(messages)

    wait.until(all_counted, 5, f"{len(messages)} messages to be counted")
    assert grown == {kind: len(messages)}


def still_works(a, b):
    a.ping(b)
    b.ping(a)
    assert a.daemon.is_running() and b.daemon.is_running()
    assert b.peer().endpoint == a.endpoint()


FLOWING = ("rx-packets", "tx-packets")  # an honest keepalive may come in between

CASES = {
    "empty": ("short", lambda message: b""),
    "one byte": ("short", lambda message: b"\4"),
    "header only": ("short", lambda message: message[:16]),
    "data without tag": ("short", lambda message: message[:31]),
    "initiation too short": ("short", lambda message: b"\1\0\0\0" + os.urandom(143)),
    "initiation too long": ("short", lambda message: b"\1\0\0\0" + os.urandom(145)),
    "response too short": ("short", lambda message: b"\2\0\0\0" + os.urandom(87)),
    "cookie too short": ("short", lambda message: b"\3\0\0\0" + os.urandom(59)),
    "type 0": ("type", lambda message: bytes(4) + message[4:]),
    "type 5": ("type", lambda message: b"\5\0\0\0" + message[4:]),
    "reserved bytes set": ("type", lambda message: b"\4\0\0\1" + message[4:]),
    "initiation for nobody": ("mac1", lambda message: forge.initiation_for_nobody()),
    "response to nobody": ("index", lambda message: forge.response(random.getrandbits(32))),
    "cookie for nobody": ("index", lambda message: forge.cookie_reply(random.getrandbits(32))),
    "data for nobody": ("index", lambda message: forge.data(random.getrandbits(32))),
    "replay": ("replay", lambda message: message),
    "tag changed": ("forged", lambda message: forge.with_bit_flipped(later(message), -1)),
    "text changed": ("forged", lambda message: forge.with_bit_flipped(later(message), 20)),
    "counter changed": ("forged", lambda message: later(message)),
    "tail cut off": ("forged", lambda message: later(message)[:-16]),
    "noise for a known index": ("forged", lambda message: forge.data(forge.index_of(message), 1 << 32)),
}


def later(message):
    """The same message with a counter that has not been seen."""
    return message[:8] + (1 << 20).to_bytes(8, "little") + message[16:]


@pytest.mark.parametrize("case", CASES)
def test_counted_as_what_it_is_and_forgotten(lab, ends, attacker, case):
    kind, make = CASES[case]
    a, b = ends
    original = data_messages(lab, a, b)[0]
    send_and_count(attacker, b, kind, [make(original) for _ in range(20)])
    still_works(a, b)


def test_replayed_initiation_starts_nothing(lab):
    a, b = lab.neighbours()
    watch = lab.keep(capture.Capture(b.host))
    tunnel.connect(a, b, initiator=a)
    a.ping(b)
    initiation = watch.until(lambda packet: packet.kind == 1).payload
    handshake = b.peer().handshake
    attacker = lab.keep(a.host.socket(socket.AF_INET, socket.SOCK_DGRAM))
    attacker.connect((b.outer, b.port))
    del watch.seen[:]
    before = dropped(b)
    for _ in range(5):
        attacker.send(initiation)
    wait.until(lambda: sum(dropped(b)[kind] - before[kind] for kind in ("replay", "rate")) == 5, 5,
               f"5 refusals in {before}; last: {dropped(b)}")
    still_works(a, b)
    assert b.peer().handshake == handshake
    assert not [packet for packet in watch.take() if packet.kind == 2]


def test_handshake_of_a_stranger_is_refused(lab):
    """A well-made initiation, by somebody who is no peer."""
    a, b = lab.neighbours()
    stranger = tunnel.new_key()
    tunnel.connect(a, b, initiator=a)
    a.ping(b)
    watch = lab.keep(capture.Capture(b.host))
    own = a.private
    a.private = stranger
    a.setconf(a.configuration(b))
    assert not a.can_ping(b)
    assert dropped(b)["peer"] >= 1
    assert not [packet for packet in watch.take() if packet.is_outgoing]
    a.private = own
    a.setconf(a.configuration(b))
    still_works(a, b)


def test_strangers_get_no_answer_at_all(lab, ends, attacker):
    a, b = ends
    attacker.settimeout(0.5)
    for message in (forge.initiation_for_nobody(), forge.initiation(forge.mac1_key(b.public)),
                    forge.response(7), forge.cookie_reply(7), forge.data(7), b"hello", b""):
        attacker.send(message)
    with pytest.raises(TimeoutError):
        attacker.recv(2048)


def test_random_noise_of_every_length_is_survived_silently(lab, ends, attacker):
    a, b = ends
    source = random.Random(11)
    for length in [*range(200), 1000, 1472, 9000, 65507]:
        attacker.send(source.randbytes(length))
        attacker.send((bytes([source.randrange(1, 5), 0, 0, 0]) + source.randbytes(length))[:length])
    still_works(a, b)
    assert b.daemon.said() == "", "what strangers send is logged"


def test_noise_inside_the_tunnel_is_survived(lab, ends):
    """An authenticated peer whose packets are no IP: what comes out of its tunnel is whatever it put in."""
    a, b = ends
    with a.host.net():
        raw = lab.keep(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM))
    source = random.Random(12)
    for length in [1, 2, 19, 20, 21, 39, 40, 41, 100, 1400]:
        for first in (0x00, 0x40, 0x45, 0x4f, 0x60, 0xf0):
            packet = bytes([first]) + source.randbytes(length - 1)
            raw.sendto(packet, ("wg0", 0x86dd if first == 0x60 else 0x0800))
    still_works(a, b)
    assert a.daemon.said() == b.daemon.said() == ""


def test_counters_come_as_json_too(ends):
    _, b = ends
    done = b.host.run(programs.warren_cli(), "wg", "--stats", "--json", b.iface)
    told = json.loads(done)
    assert set(flat(told)) >= set(stats(b)) or set(told) >= set(stats(b))


def flat(tree):
    return {key: value for name, branch in tree.items()
            for key, value in (flat(branch) if isinstance(branch, dict) else {name: branch}).items()}


def test_traffic_is_counted_and_nothing_is_dropped_by_an_honest_transfer(ends):
    a, b = ends
    before = stats(b)
    traffic.transfer(a.host, b.host, b.inner4, 8 << 20)
    after = stats(b)
    for kind in ("short", "type", "mac1", "forged", "replay", "inner", "source", "ecn", "expired"):
        assert dropped(b)[kind] == 0
    grown = [name for name in after if after[name] > before.get(name, 0)]
    assert grown


def test_stats_of_an_interface_that_is_not_there_are_refused(lab):
    host = lab.host("a")
    done = host.try_run(programs.warren_cli(), "wg", "--stats", "wg7")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "wg7" in done.stderr
