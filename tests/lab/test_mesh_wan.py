"""Across the internet: one invitation, NATs on both sides, members that relay for others."""

import itertools
import time

import pytest
from internet import KINDS, Internet
from mesh import Lan, MeshMember, all_alive, everybody_reaches_everybody
from test_mesh_trouble import flow
from test_pairs import expected

from lab import host as hosts
from lab import wait
from lab.lab import Lab

PAIRS = [pair for pair in itertools.combinations_with_replacement(KINDS, 2) if "blocked" not in pair]


def join(lab, host, invitation, *options):
    member = MeshMember(lab, host)
    member.launch("--join", invitation, *options)
    return member.wait_running()


def test_an_invitation_lets_in_across_the_internet(lab, internet):
    a = MeshMember(lab, internet.host("public", "atlas")).start()
    wait.until(lambda: a.own["is_open"], 10, "it to see that it is open", 0.05)
    b = join(lab, internet.host("port", "birch"), a.invite())
    all_alive([a, b])
    assert a.reaches(b) and b.reaches(a)


def test_two_lans_are_joined_by_one_invitation(lab, internet):
    lan = Lan(lab)
    gate = internet.host("public", "gate")
    hosts.link(gate, "eth1", lan.switch, "gate")
    lan.switch.ip("link set gate master lan")
    gate.ip(f"address add 192.168.{lan.number}.254/24 dev eth1")
    gate = MeshMember(lab, gate).start()
    inner = MeshMember(lab, lan.host("inner")).start()
    all_alive([gate, inner])
    other = internet.site("port")
    first = join(lab, other.host("first"), gate.invite())
    second = MeshMember(lab, other.host("second")).start()
    members = [gate, inner, first, second]
    all_alive(members, timeout=40)
    for one in (first, second):
        assert one.reaches(inner, 3) and inner.reaches(one, 3), "by way of the member at the gate"


@pytest.mark.limit(120)
def test_a_member_that_first_meets_a_newcomer_goes_on_to_its_past(lab, internet):
    """The newcomer at its LAN knows nobody: those that it knew itself are visited all the same, and kept until they are met."""
    oak = MeshMember(lab, internet.host("public", "oak")).start()
    wait.until(lambda: oak.own["is_open"], 10, "it to be open", 0.05)
    site = internet.site("port")
    atlas = join(lab, site.host("atlas"), oak.invite())
    all_alive([oak, atlas])
    atlas.stop()
    wait.until(lambda: not oak.living(), 10, "its farewell", 0.1)
    internet.cut(site.outside, oak.host.site.outside)
    fresh = MeshMember(lab, site.host("fresh")).start()
    for _ in range(2):  # what is on its disk the second time was written when it knew the newcomer alone
        atlas.start()
        all_alive([atlas, fresh])
        atlas.stop()
    atlas.start()
    all_alive([atlas, fresh])
    internet.mend()
    all_alive([oak, atlas, fresh], timeout=90)
    everybody_reaches_everybody([oak, atlas, fresh])


@pytest.fixture(scope="module")
def world():
    """{(kind, 1 or 2): member}: each behind a NAT of its own; and an open one that invited all."""
    lab = Lab()
    try:
        internet = Internet(lab)
        gate = MeshMember(lab, internet.host("public", "gate")).start()
        wait.until(lambda: gate.own["is_open"], 10, "it to be open", 0.05)
        invitation = gate.invite()
        members = {}
        for kind, number in itertools.product((kind for kind in KINDS if kind != "blocked"), (1, 2)):
            members[kind, number] = MeshMember(lab, internet.host(kind, f"{kind}-{number}"))
            members[kind, number].launch("--join", invitation)
        for member in members.values():
            member.wait_running()
        all_alive([gate, *members.values()], timeout=60)
        yield internet, members
    finally:
        lab.close()


def test_a_nat_that_maps_by_destination_is_told_of_once(world):
    """Each of three that are open sees who is behind it at another address; that is no news for all with each pulse."""
    _internet, members = world
    watched, talker = members["full", 2], members["symmetric", 1]
    before = watched.said().count(" is alive")
    for _ in range(4):
        for other in members.values():
            assert other is talker or talker.reaches(other)
        time.sleep(2)
    # Some 40 before.
    assert watched.said().count(" is alive") - before < 20, watched.said()[-3000:]


def goes_directly(internet, a, b):
    """Five pings and their answers, of which none is lost: counted on the core."""
    passed = internet.watch(a.host.site.outside, b.host.site.outside)
    assert len(a.reaches(b, 5)) == 5
    return passed() >= 10


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_nat_on_both_sides(world, kinds):
    """Traffic flows at once, and directly where the table of tests/lab/test_pairs.py says so."""
    internet, members = world
    a, b = members[kinds[0], 1], members[kinds[1], 2]
    assert len(a.reaches(b, 3)) >= 2, "traffic flows at once, whatever the path\n" + "\n".join(
        f"{one.peer(other)}\nrelays: {one.own['relays']}\n{one.said()[-1500:]}" for one, other in ((a, b), (b, a)))
    if expected(*kinds) == "direct":
        a.wait_path(b, "direct", 20)
        b.wait_path(a, "direct", 20)
        # On a busy machine a path is doubted now and then, and the relay carries meanwhile.
        wait.until(lambda: goes_directly(internet, a, b), 30, "five pings and their answers to pass the core directly")
    else:
        assert len(a.reaches(b, 5)) == 5 and a.path(b) == "relayed", a.peer(b)


def test_a_relay_that_is_killed_is_replaced(lab, internet):
    relays = [MeshMember(lab, internet.host("public", "oak")).start()]
    wait.until(lambda: relays[0].own["is_open"], 10, "it to be open", 0.05)
    invitation = relays[0].invite()
    relays.append(join(lab, internet.host("public", "pine"), invitation))
    a = join(lab, internet.host("symmetric", "atlas"), invitation)
    b = join(lab, internet.host("symmetric", "birch"), invitation)
    all_alive([*relays, a, b])
    for member in (a, b):
        wait.until(lambda member=member: len(member.own["relays"]) == 2, 30, lambda: f"two relays of {member.name}: {member.own['relays']}", 0.1)
    wait.until(lambda: a.reaches(b, 1, 1), 20, "traffic over a relay")
    flowing, back = flow(a, b), flow(b, a, 7778)
    wait.until(lambda: len(flowing.came) > 100 and len(back.came) > 100, 10, "a flow")
    relays[0].kill()
    began = time.monotonic()
    wait.until(lambda: a.own["relays"] == ["pine"] and b.own["relays"] == ["pine"], 40, "the other relay", 0.1)
    wait.until(lambda: max(flowing.came.values()) > time.monotonic() - 0.3, 20, "the flow to go on")
    flowing.stop()
    back.stop()
    assert max(flowing.gap(), back.gap()) < 10, f"{flowing.gap():.1f} s, {back.gap():.1f} s without a packet; {time.monotonic() - began:.1f} s in all"
    everybody_reaches_everybody([relays[1], a, b])
