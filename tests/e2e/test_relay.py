"""Two machines that have each other as peers at the hub's endpoint: the port passes on what it cannot open."""

import os
import re
import secrets
import socket
import struct

import pytest

from lab import machine as machines
from lab import traffic, wait
from lab.served import Served

KINDS = pytest.mark.parametrize("kinds", [("warren", "go"), ("go", "warren")], ids="-".join)
MAGIC = 0x2112A442
PACKETS, BYTES = "warren_hub_relayed_packets_total", "warren_hub_relayed_bytes_total"
REFUSED = "warren_hub_relay_refused_total"


@pytest.fixture
def served(lab):
    return Served(lab)


def introduce(machine, other, keepalive=0):
    """`other` becomes a peer of its own, beside the hub, at the hub's endpoint."""
    allowed = ",".join(f"{address}/{128 if ':' in address else 32}"
                       for address in (other.address4, other.address6) if address)
    machine.wg("set wg0 peer", machines.public_of(other.private), "endpoint", machine.fields["Peer"]["Endpoint"],
               "allowed-ips", allowed, "persistent-keepalive", keepalive)


def part(machine, other):
    machine.wg("set wg0 peer", machines.public_of(other.private), "remove")


def acquaint(a, b):
    introduce(a, b)
    introduce(b, a)


def heard(machine, other):
    """Bytes that `machine` has of `other`, directly sealed by it."""
    rows = (row.split() for row in machine.wg("show wg0 transfer").splitlines())
    return next(int(rx) for key, rx, _ in rows if key == machines.public_of(other.private))


def forwarded(served):
    return sum(value for name, value in served.server.metrics().items()
               if name.startswith("warren_org_forwarded_packets_total"))


def relayed(served, name=PACKETS):
    return served.server.metrics()[name]


@pytest.fixture
def org(served):
    return served.org("Relay")


@pytest.fixture
def pair(served, org):
    """Two machines that the hub knows, and that are acquainted; it has never forwarded for them."""
    a, b = (served.machine(org, name, kind) for name, kind in (("atlas", "warren"), ("birch", "go")))
    for one in (a, b):
        wait.until(lambda: one.ping("10.100.0.1", 1, timeout=0.5), 20, "the hub")
    acquaint(a, b)
    return a, b


@KINDS
@pytest.mark.parametrize("family", [4, 6], ids=["v4", "v6"])
def test_machines_talk_through_the_port_and_it_opens_nothing(served, org, kinds, family):
    a, b = served.pair(org, kinds)
    acquaint(a, b)
    a.reach(b, family)
    wait.until(lambda: heard(a, b) and heard(b, a), 10, "a session of their own")
    before, passed = forwarded(served), relayed(served)
    for size in (0, 56, 1200, 1372):
        assert len(a.ping(b.address(family), 3, size)) == 3, size
    traffic.transfer(a.host, b.host, b.address(family), 8 << 20, both_ways=True)
    traffic.udp_echo(a.host, b.host, b.address(family), [0, 1, 1000, 1372])
    assert forwarded(served) == before
    assert relayed(served) > passed + (16 << 20) / 1400
    assert relayed(served, BYTES) > 16 << 20


def test_underlays_of_both_families(served, org):
    a, b = served.pair(org)
    acquaint(a, b)
    b.fields["Peer"]["Endpoint"] = "[2001:db8:2::1]:51820"
    b.wg("set wg0 peer", b.hub_key, "endpoint", b.fields["Peer"]["Endpoint"])
    introduce(b, a)
    wait.until(lambda: b.ping("10.100.0.1", 1) and a.ping(b.address4, 1, timeout=0.5) and heard(a, b), 20, "each other")
    before = forwarded(served)
    traffic.transfer(a.host, b.host, b.address4, 4 << 20, both_ways=True)
    assert forwarded(served) == before


# --- What the port can read. ---


# A sanitizer's shadow of the address space: terabytes that are hardly there, and hold no packet's bytes.
SHADOW = 1 << 38


def is_in_memory(pid, canary):
    """Is it anywhere in the process's memory?"""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            first, last, mode = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            start, end = int(first, 16), int(last, 16)
            if not mode.startswith("rw") or "[v" in line or end - start >= SHADOW:
                continue
            if holds(memory, start, end, canary):
                return True
    return False


def holds(memory, at, end, canary, step=1 << 20):
    while at < end:
        try:
            if canary in os.pread(memory.fileno(), min(step + len(canary), end - at), at):
                return True
        except OSError:
            pass  # a page that is not there
        at += step
    return False


def say(a, b, canary):
    """So often that it lies in many a buffer; heard by b, so it has passed."""
    with a.udp() as near, b.udp(port=7000) as far:
        for _ in range(50):
            near.sendto(canary * 20, (b.address4, 7000))
            assert canary in far.recv(2048)


def test_port_never_holds_what_machines_say(served, pair):
    a, b = pair
    a.reach(b)
    wait.until(lambda: heard(b, a), 10, "a session of their own")
    secret, control = secrets.token_bytes(24), secrets.token_bytes(24)
    say(a, b, secret)
    assert relayed(served) >= 50
    assert not is_in_memory(served.server.pid, secret)
    # The machine knows, so that the search is one.
    part(a, b)
    part(b, a)
    a.reach(b)
    say(a, b, control)  # in the forwarding mode the hub opens and seals
    assert is_in_memory(served.server.pid, control)
    assert not is_in_memory(served.server.pid, secret)


# --- Who may. ---


def test_another_organisation_gets_nothing(served, pair):
    a, b = pair
    stranger = served.machine(served.org("Strangers"), "crow")
    wait.until(lambda: stranger.ping("10.100.0.1", 1, timeout=0.5), 20, "its hub")
    stranger.wg("set wg0 peer", stranger.hub_key, "allowed-ips", "10.100.0.1/32")
    introduce(stranger, a, keepalive=1)
    a.wg("set wg0 peer", machines.public_of(stranger.private), "allowed-ips", "10.99.0.1/32")
    wait.until(lambda: served.server.metrics()['warren_hub_drops_total{reason="mac1"}'] > 1, 20, "the stranger to try")
    a.reach(b)  # what comes after it has come, and the stranger's has not
    assert heard(a, stranger) == 0 and heard(stranger, a) == 0


def test_policy_says_who_may(served, org):
    a, b = served.pair(org)
    served.policy(org, "default deny\n")
    acquaint(a, b)
    before = relayed(served)
    assert not a.ping(b.address4, 6, timeout=6)
    assert relayed(served) == before and relayed(served, REFUSED) > 0
    served.policy(org, "allow atlas -> birch tcp 22\ndefault deny\n")
    a.reach(b)  # what is inside is theirs to judge
    passed = relayed(served)
    served.policy(org, "default deny\n")
    assert not a.ping(b.address4, 3, timeout=1)
    assert not b.ping(a.address4, 3, timeout=1)
    assert relayed(served) <= passed + 2  # what was on its way


@pytest.mark.parametrize("what", ["machine", "organisation"])
def test_revocation_stops_at_once(served, org, pair, what):
    a, b = pair
    a.reach(b)
    wait.until(lambda: heard(a, b), 10, "a session of their own")
    path = f"/orgs/{org['uid']}"
    served.local.patch(f"{path}/machines/{b.made['uid']}" if what == "machine" else path, {"is_disabled": True})
    passed = relayed(served)
    assert not a.ping(b.address4, 3, timeout=1)
    assert not b.ping(a.address4, 3, timeout=1)
    assert relayed(served) == passed


@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_conversation_survives_a_new_port(served, pair, who):
    """A NAT that forgets gives a machine another port; the hub hears it from there, and all moves along."""
    a, b = pair
    a.reach(b)
    wait.until(lambda: heard(a, b), 10, "a session of their own")
    moved = a if who == "sender" else b
    stream = traffic.Stream(a.host, b.host, b.address4)
    stream.wait_for(1 << 20)
    before = forwarded(served)
    moved.wg("set wg0 listen-port 40404")
    moved.ping("10.100.0.1", 1, timeout=1)
    stream.wait_for(4 << 20)
    stream.end()
    assert forwarded(served) <= before + 2


# --- STUN. ---


def ask(host, port, address="192.0.2.1", timeout=2.0):
    """What STUN says of us: ((address, port), our own port); None without an answer."""
    request = struct.pack("!HHI12s", 1, 0, MAGIC, secrets.token_bytes(12))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.socket(family, socket.SOCK_DGRAM) as asker:
        asker.settimeout(timeout)
        asker.sendto(request, (address, port))
        try:
            answer, sender = asker.recvfrom(2048)
        except (TimeoutError, ConnectionRefusedError):
            return None
        assert sender[:2] == (address, port)
        return mapped_in(answer, request), asker.getsockname()[1]


def mapped_in(answer, request):
    kind, length, magic, ident, name, size = struct.unpack("!HHI12sHH", answer[:24])
    assert (kind, magic, ident, name) == (0x0101, MAGIC, request[8:20], 0x0020) and length == size + 4 == len(answer) - 20
    pad = request[4:20]
    port = struct.unpack("!H", answer[26:28])[0] ^ (MAGIC >> 16)
    address = bytes(one ^ other for one, other in zip(answer[28:], pad))
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address), port


@pytest.mark.parametrize("port", [51820, 3478])
def test_stun_tells_the_address_that_is_seen(served, port):
    for own, address in (("192.0.2.2", "192.0.2.1"), ("2001:db8:2::2", "2001:db8:2::1")):
        mapped, bound = ask(served.office, port, address)
        assert mapped == (own, bound)
    # An answer is counted after it was sent.
    wait.until(lambda: relayed(served, "warren_hub_stun_answers_total") == 2, 5, "two answers to be counted")


def test_stun_answers_from_the_address_that_was_asked(served):
    served.host.ip("address add 192.0.2.99/24 dev eth0")
    for port in (51820, 3478):
        assert ask(served.office, port, "192.0.2.99")


def test_stun_can_be_off(lab):
    served = Served(lab, args=["--no-stun"])
    for port in (51820, 3478):
        assert ask(served.office, port, timeout=0.5) is None


def test_stun_port_that_is_taken_is_no_failure(lab):
    served = Served(lab, start=False, env={"LOG_LEVEL": "error"})
    with served.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 3478))
        served.server.start()
        assert "--stun-port" in served.server.said()
        assert ask(served.office, 51820) and ask(served.office, 3478, timeout=0.5) is None


def test_stun_is_told_no_faster_than_it_may(served):
    request = struct.pack("!HHI12s", 1, 0, MAGIC, bytes(12))
    with served.office.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        for port in (51820, 3478):
            for _ in range(1000):
                asker.sendto(request, ("192.0.2.1", port))
            assert 60 <= count(asker) <= 300
    assert served.local.get("/orgs") is not None


def count(sock):
    answers = 0
    while True:
        try:
            sock.recv(2048)
        except TimeoutError:
            return answers
        answers += 1
