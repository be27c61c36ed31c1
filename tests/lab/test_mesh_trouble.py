"""Members die, networks are cut and heal, old states come back, clocks are wrong: the mesh mends itself."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from mesh import Lan, MeshMember, all_alive, everybody_reaches_everybody, give_names, up
from test_paths import Flow

from lab import sandbox, wait


class Meeting:
    """What a Flow wants of its ends: IPv4 inside."""

    def __init__(self, member):
        self.host, self.address = member.host, member.addresses[4]


def flow(a, b, port=7777):
    return Flow(Meeting(a), Meeting(b), port)


def test_half_of_the_members_are_killed_at_once(lab):
    members = up(lab, Lan(lab), 10)
    all_alive(members)
    survivors, victims = members[:5], members[5:]
    flowing = flow(*survivors[:2])
    for victim in victims:
        os.kill(victim.process.pid, signal.SIGKILL)
    all_alive(survivors, timeout=30)
    flowing.stop()
    assert not flowing.lost(), f"{len(flowing.lost())} of {len(flowing.sent)} lost between the living"
    everybody_reaches_everybody(survivors)


def test_a_network_is_cut_and_heals(lab):
    lan = Lan(lab)
    members = up(lab, lan, 6)
    all_alive(members)
    other = Lan(lab)  # the second half's
    _move(lan, other, members[3:])
    all_alive(members[:3], timeout=40)
    all_alive(members[3:], timeout=40)
    _move(other, lan, members[3:])
    began = time.monotonic()
    all_alive(members, timeout=60)
    assert time.monotonic() - began < 60
    everybody_reaches_everybody(members)


def _move(old, new, members):
    """Their ports go from one switch to the other, whose namespaces differ: the cable goes with the port."""
    for member in members:
        old.switch.ip(f"link set {member.host.port} netns {new.switch.pid}")
        new.switch.ip(f"link set {member.host.port} master lan")
        new.switch.ip(f"link set {member.host.port} up")


def test_a_member_returns_with_an_old_state(lab):
    members = up(lab, Lan(lab), 3)
    all_alive(members)
    old, *others = members
    identity = old.own["identity"]
    old.stop()
    copy = sandbox.scratch("copy")
    shutil.copytree(old.state, copy / "state", ignore=shutil.ignore_patterns("*.sock"))
    old.start()
    all_alive(members)
    old.kill()
    shutil.rmtree(old.state)
    shutil.copytree(copy / "state", old.state)
    old.start()
    all_alive(members)
    assert old.own["identity"] == identity
    everybody_reaches_everybody(members)


def test_a_member_that_is_killed_is_back(lab):
    a, b = up(lab, Lan(lab), 2)
    all_alive([a, b])
    a.kill()
    a.start()
    all_alive([a, b])
    wait.until(lambda: a.reaches(b, 1, 1), 20, "traffic again")


def test_a_member_that_ends_is_gone_at_once(lab):
    members = up(lab, Lan(lab), 3)
    all_alive(members)
    members[0].stop()
    began = time.monotonic()
    all_alive(members[1:])
    assert time.monotonic() - began < 5


def test_a_member_that_sleeps_is_back(lab):
    a, b, c = members = up(lab, Lan(lab), 3)
    all_alive(members)
    os.kill(a.process.pid, signal.SIGSTOP)
    all_alive([b, c])
    os.kill(a.process.pid, signal.SIGCONT)
    all_alive(members)
    everybody_reaches_everybody(members)


@pytest.mark.parametrize("offset", ["-400d", "+400d"])
def test_a_wrong_clock_does_not_matter(lab, offset):
    library = next(iter(_faketime()), None) or pytest.fail("install the Debian package faketime")
    lan = Lan(lab)
    a = MeshMember(lab, lan.host("atlas")).start()
    b = MeshMember(lab, lan.host("birch"), env={"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}).start()
    all_alive([a, b])
    assert a.reaches(b) and b.reaches(a)
    b.kill()
    all_alive([a])
    b.start()
    all_alive([a, b])


def _faketime():
    return Path("/usr/lib").glob("*/faketime/libfaketime.so.1")


# Bad input


@pytest.mark.parametrize("trouble", ["state", "port", "interface", "full disk"])
def test_a_start_that_fails_says_why_in_a_line_and_changes_nothing(lab, trouble):
    member = MeshMember(lab, Lan(lab).host("atlas"))
    member.start()
    member.stop()
    file = next(member.state.glob("*/mesh.json"))
    options, taken = [], None
    if trouble == "state":
        file.write_text(file.read_text()[:-20])
    if trouble == "port":
        taken = member.host.socket(2, 2)
        taken.bind(("0.0.0.0", 4711))
        options = ["--listen", ":4711"]
    if trouble == "interface":
        member.host.ip("link add warren0 type bridge")
    if trouble == "full disk":
        member.host.run("mount", "-t", "tmpfs", "-o", "size=4k", "full", str(member.state))
        member.host.run("sh", "-c", f"cat /dev/zero >{member.state}/filler 2>/dev/null; true")
    before = file.read_bytes() if trouble != "full disk" else None
    member.launch(*options)
    status = member.process.wait(20)
    if taken:
        taken.close()
    assert status == 1 or status == 2, member.said()
    complaints = [line for line in member.said().splitlines() if line.startswith("warren")]
    assert len(complaints) == 1, member.said()
    assert before is None or file.read_bytes() == before


def test_a_host_on_no_lan_is_told_and_waits(lab):
    lan = Lan(lab)
    host = give_names(lab.host("alone"))
    a = MeshMember(lab, host).start()
    assert "no LAN" in a.said() or "no lan" in a.said().lower()
    b = MeshMember(lab, lan.host("birch")).start()
    lan.plug(host)
    all_alive([a, b])
