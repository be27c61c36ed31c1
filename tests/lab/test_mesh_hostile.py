"""Those of another mind on the LAN: refused, counted, and the mesh unharmed."""

import json
import os
import shutil
import socket
import struct
import threading
from pathlib import Path

import pytest
from mesh import Lan, MeshMember, all_alive, counted, everybody_reaches_everybody, up
from test_mesh_trouble import flow

from lab import programs, sandbox, wait


def play(host, part, *options):
    """One of the programs beside these tests runs to its end; what it says it did."""
    program = Path(programs.warren()).parent / "tests/lab" / part
    if not program.exists():
        program = programs.TREE / "build/tests/lab" / part
    assert program.exists(), f"{program} is missing: script/build"
    said = host.run(str(program), *options, timeout=110)
    return json.loads(said.strip().splitlines()[-1])


def intruder(host, *options):
    return play(host, "intruder", "--interface", "eth0", *options)


@pytest.fixture
def mesh(lab):
    lan = Lan(lab)
    members = up(lab, lan, 3)
    all_alive(members)
    host = lan.host("intruder")
    host.lan = lan
    return members, host


ATTACKS = {
    "stranger": (["--mesh", "home", "--secret", "not this one", "--rate", "50", "--seconds", "2", "announce"], "foreign"),
    "wrong key": (["--mesh", "home", "--secret", "not this one", "--rate", "20", "--seconds", "2", "claim"], "forged"),
    "forged": (["--rate", "20", "--seconds", "2", "forge"], "forged"),
    "replayed": (["--rate", "20", "--seconds", "2", "replay"], "replayed"),
    "garbage": (["--rate", "200", "--seconds", "2", "garbage"], "malformed"),
    "flood": (["--mesh", "home", "--rate", "1000", "--seconds", "4", "--identities", "5000", "announce"], "limited"),
}


@pytest.mark.limit(150)
@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused_counted_and_harms_nobody(mesh, attack):
    members, host = mesh
    options, counter = ATTACKS[attack]
    before = [counted(member, "knocks", counter) for member in members]
    flowing = flow(*members[:2])
    intruder(host, *options)
    for member, was in zip(members, before):
        wait.until(lambda member=member, was=was: counted(member, "knocks", counter) > was, 10, lambda: f"{counter} at {member.name}: {member.own['knocks']}", 0.1)
    assert not flowing.stop().lost(), f"{len(flowing.lost())} of {len(flowing.sent)} lost"
    everybody_reaches_everybody(members)
    for member in members:
        assert len(member.own["guests"]) <= 64
        assert {peer["name"] for peer in member.status()["peers"] if peer["liveness"] == "alive"} >= {one.name for one in members if one is not member}


@pytest.mark.limit(150)
def test_a_stranger_that_takes_all_places_keeps_out_nobody(lab, mesh):
    """It knows the open mesh's name, has any number of identities, and shakes hands with none."""
    members, host = mesh
    crowd = threading.Thread(target=intruder, args=(host, "--mesh", "home", "--rate", "100", "--seconds", "25", "--identities", "2000", "announce"))
    crowd.start()
    wait.until(lambda: len(members[0].own["guests"]) >= 60, 20, lambda: f"the places to be taken: {len(members[0].own['guests'])}", 0.1)
    late = MeshMember(lab, host.lan.host("late")).start()
    wait.until(lambda: len(late.living()) == 3, 15, "it to be let in", 0.05)
    assert crowd.is_alive(), "too late to tell"
    crowd.join()
    all_alive([*members, late])


def test_frames_of_an_intruder_are_not_heard(mesh):
    """Gossip's port takes what came through the tunnel, from a member's own address; nothing of the LAN."""
    members, host = mesh
    victim, other, _ = members
    host.ip("address add fd77::1/64 dev eth0 nodad")
    host.ip(f"-6 neighbour add {victim.address} lladdr {mac(victim)} dev eth0")
    host.ip(f"-6 route add {victim.address}/128 dev eth0")
    sender = host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
    host.sysctl("net.ipv6.ip_nonlocal_bind", 1)
    for source in ("fd77::1", other.address):
        sender.bind((source, 0))
        for _ in range(200):
            sender.sendto(udp(os.urandom(120), source, victim.address, 51818), (victim.address, 0))
    sender.close()
    everybody_reaches_everybody(members)
    all_alive(members)
    assert counted(victim, "gossip", "malformed") == 0, "as another member, from the LAN"


def mac(member):
    with open(member.host.path("/sys/class/net/eth0/address")) as file:
        return file.read().strip()


def test_a_member_that_vanishes_cannot_be_played_by_its_copy_at_the_same_time(lab):
    """Two programs with one state, on two hosts: the mesh stays whole for the others."""
    lan = Lan(lab)
    members = up(lab, lan, 3)
    all_alive(members)
    copied = members[2]
    folder = sandbox.scratch("twin")
    shutil.copytree(copied.state, folder / "state", ignore=shutil.ignore_patterns("*.sock"))
    flowing = flow(*members[:2])
    twin = MeshMember(lab, lan.host("twin"), folder=folder)
    twin.starts = 1
    twin.start()
    wait.until(lambda: twin.own["alive"] >= 2, 20, "the twin to be heard", 0.1)
    twin.kill()
    all_alive(members, timeout=60)
    assert not flowing.stop().lost()


def udp(payload, source, target, port):
    """A datagram from and to that port, with the checksum that IPv6 wants."""
    length = 8 + len(payload)
    head = struct.pack("!HHHH", port, port, length, 0)
    pseudo = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target) + struct.pack("!II", length, 17)
    data = pseudo + head + payload + bytes(len(payload) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!HHHH", port, port, length, ~total & 0xffff or 0xffff) + payload


def test_a_member_with_noise_inside_the_tunnel_is_counted(mesh):
    """An admitted member sends what is no frame to gossip's port of another, as if its daemon did."""
    members, _ = mesh
    liar, victim, other = members
    flowing = flow(victim, other)
    sender = liar.host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
    for number in range(2000):
        sender.sendto(udp(os.urandom(1 + number % 1100), liar.address, victim.address, 51818), (victim.address, 0))
    sender.close()
    wait.until(lambda: counted(victim, "gossip", "malformed") > 0, 10, f"noise to be counted: {victim.own['gossip']}", 0.1)
    all_alive(members)
    assert not flowing.stop().lost()


# A member gone bad: it was let in, and what it says comes through its own tunnel.


class Liar:
    def __init__(self, member):
        self.member = member

    def _play(self, victims, identity, *options):
        to = [word for victim in victims for word in ("--to", victim.address)]
        return play(self.member.host, "liar", "--from", self.member.address, *to, "--about", identity, *options)

    def tells(self, victims, what, about, rate=50, seconds=2, file=None):
        options = ["--rate", str(rate), "--seconds", str(seconds), *(["--file", str(file)] if file else [])]
        return self._play(victims, victims[0].peer(about)["identity"], *options, what)

    def lies_to(self, victim, what):
        """About the victim itself."""
        return self._play([victim], victim.own["identity"], "--rate", "10", "--seconds", "1", what)

    def fetch(self, victim, identity, file):
        """What the victim has of somebody, who may be gone."""
        return self._play([victim], identity, "--file", str(file), "fetch")


@pytest.fixture
def betrayed(lab):
    """Four members of an open mesh, of whom the first lies."""
    members = up(lab, Lan(lab), 4)
    all_alive(members)
    return Liar(members[0]), members


LIES = {
    "records of another's that it did not sign": ("forge", "items", "forged"),
    "a record of another mesh": ("foreign", "items", "foreign"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_member_forges_is_refused_counted_and_harms_nobody(betrayed, lie):
    liar, members = betrayed
    _, about, *victims = members
    what, group, counter = LIES[lie]
    names = {member.name for member in members}
    before = [(counted(victim, group, counter), counted(victim, "gossip", "refused")) for victim in victims]
    flowing = flow(about, victims[0])
    assert liar.tells(victims, what, about)["refused"] == 0
    for victim, (was, refused) in zip(victims, before):
        wait.until(lambda victim=victim, was=was: counted(victim, group, counter) > was, 10, lambda: f"{counter} at {victim.name}: {victim.own}", 0.1)
        assert counted(victim, "gossip", "refused") > refused
        assert victim.living() == names - {victim.name}, "a forged name"
    assert not flowing.stop().lost()
    everybody_reaches_everybody(members)


@pytest.mark.limit(120)
def test_old_records_and_farewells_of_a_member_are_worth_nothing(betrayed):
    """They are authentic, and it lives again with a newer one."""
    liar, members = betrayed
    victim, other = members[2:]
    identity, folder = victim.peer(other)["identity"], sandbox.scratch("heard")
    first = liar.fetch(victim, identity, folder / "first")
    other.stop()
    farewell = wait.until(lambda: (said := liar.fetch(victim, identity, folder / "farewell")) and said["left"] and said, 15, "its farewell", 0.2)
    assert farewell["version"] > first["version"] and not first["left"]
    other.start()
    all_alive(members)
    flowing = flow(victim, other)
    for name in ("first", "farewell"):
        liar.tells([victim, members[1]], "replay", other, file=folder / name)
    for member in (victim, members[1]):
        assert liar.fetch(member, identity, folder / "last")["version"] > farewell["version"]
    assert not flowing.stop().lost()
    all_alive(members)
    everybody_reaches_everybody(members)


@pytest.mark.limit(120)
def test_a_member_that_is_called_dead_by_one_alone_lives(betrayed):
    """For longer than there is time to object, in all the ways that gossip knows."""
    liar, members = betrayed
    _, about, *victims = members
    died = [counted(victim, "gossip", "died") for victim in victims]
    heard = [counted(victim, "gossip", "frames_in") for victim in victims]
    flowing = flow(about, victims[0])
    liar.tells(victims, "dead", about, rate=20, seconds=12)
    for victim, had_died, had_heard in zip(victims, died, heard):
        assert counted(victim, "gossip", "died") == had_died
        assert counted(victim, "gossip", "frames_in") - had_heard > 100, "the lies came"
        assert victim.peer(about)["liveness"] != "dead"
    assert not flowing.stop().lost()
    all_alive(members)
    everybody_reaches_everybody(members)


def test_promises_of_what_does_not_exist_cost_little(betrayed):
    liar, members = betrayed
    victims = members[2:]
    before = [victim.own["gossip"] for victim in victims]
    flowing = flow(*victims)
    liar.tells(victims, "promise", members[1], rate=500, seconds=4)
    for victim, was in zip(victims, before):
        now = victim.own["gossip"]
        assert now["frames_in"] - was["frames_in"] > 500, "they came"
        assert now["bytes_out"] - was["bytes_out"] < 4 * 64 * 1024 + 512 * 1024, "what it asks for has a budget"
        assert now["memory"] - was["memory"] < 1024 * 1024
    assert not flowing.stop().lost()
    all_alive(members)
    everybody_reaches_everybody(members)


@pytest.mark.limit(120)
def test_what_a_false_founder_signs_is_refused_and_counted(lab):
    lan = Lan(lab)
    founder = MeshMember(lab, lan.host("founder")).start("--founder")
    invitation = founder.invite("--uses", "3")
    a, b, c = (MeshMember(lab, lan.host(name)).start("--join", invitation) for name in ("atlas", "birch", "cedar"))
    members = [founder, a, b, c]
    all_alive(members)
    true = founder.own["founder"]
    flowing = flow(b, c)
    liar = Liar(a)
    liar.tells([founder, b], "found", c)
    for victim in (founder, b):
        wait.until(lambda victim=victim: counted(victim, "items", "other_founders") > 0 and counted(victim, "items", "forged") > 0,
                   10, lambda: f"it to be counted at {victim.name}: {victim.own['items']}", 0.1)
        assert victim.own["founder"] == true and victim.own["policy_version"] == 0
    # Only the founder's signature shuts out; a word that it was so is asked about at the door.
    assert liar.lies_to(b, "refuse")["refused"] == 0
    wait.until(lambda: b.own["is_admitted"] and not b.own["refusal"], 15, lambda: f"birch to know better: {b.own}", 0.1)
    assert not flowing.stop().lost()
    all_alive(members)
    everybody_reaches_everybody(members)
