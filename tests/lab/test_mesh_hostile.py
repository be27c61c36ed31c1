"""Those of another mind on the LAN: refused, counted, and the mesh unharmed."""

import json
import os
import shutil
import socket
import struct
from pathlib import Path

import pytest
from mesh import Lan, MeshMember, all_alive, counted, everybody_reaches_everybody, up
from test_mesh_trouble import flow

from lab import programs, sandbox, wait


def intruder(host, *options):
    """It runs to its end; what it says it did."""
    program = Path(os.environ.get("WARREN_INTRUDER") or Path(programs.warren()).parent / "tests/lab/intruder")
    if not program.exists():
        program = programs.TREE / "build/tests/lab/intruder"
    assert program.exists(), f"{program} is missing: script/build"
    said = host.run(str(program), "--interface", "eth0", *options, timeout=110)
    return json.loads(said.strip().splitlines()[-1])


@pytest.fixture
def mesh(lab):
    lan = Lan(lab)
    members = up(lab, lan, 3)
    all_alive(members)
    return members, lan.host("intruder")


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
