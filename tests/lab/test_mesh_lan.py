"""`warren up` on each machine of a LAN, and they are one network."""

import pytest
from mesh import INTERFACE, Lan, MeshMember, all_alive, everybody_reaches_everybody, up, who_reaches

from lab import wait


def by_name(member, other):
    return member.host.try_run("ping", "-n", "-q", "-c", "1", "-W", "5", f"{other.name}.{other.mesh}.warren").returncode == 0


def test_two_members_reach_each_other_by_address_and_by_name(lab):
    a, b = up(lab, Lan(lab), 2)
    wait.until(lambda: b.name in a.living() and a.name in b.living(), 10, "them to meet", 0.02)
    for family in (4, 6):
        assert a.reaches(b, family=family) and b.reaches(a, family=family), family
    wait.until(lambda: by_name(a, b) and by_name(b, a), 5, "names")
    assert "OPEN" in a.said(), "an open mesh is told at each start"


def test_ten_members_reach_all_others(lab):
    members = up(lab, Lan(lab), 10)
    all_alive(members)
    everybody_reaches_everybody(members)
    assert len({member.address for member in members} | {member.addresses[4] for member in members}) == 20


@pytest.mark.limit(240)
def test_fifty_members_reach_all_others(lab):
    members = up(lab, Lan(lab), 50)
    all_alive(members, timeout=90)
    for member in members[::10]:
        others = [other for other in members if other is not member]
        assert who_reaches(member, others, 20) == {other.name for other in others}, member


@pytest.mark.parametrize("families", [(6,), (4,)], ids=["v6", "v4"])
def test_a_lan_of_one_family(lab, families):
    a, b = up(lab, Lan(lab, families), 2)
    all_alive([a, b])
    assert a.reaches(b, family=4) and a.reaches(b, family=6)
    assert a.peer(b)["endpoint"].startswith("[fe80:" if families == (6,) else "192.168.")


@pytest.mark.limit(120)
@pytest.mark.parametrize("is_late", [False, True], ids=["always", "later"])
def test_two_that_the_lan_keeps_apart_meet_through_a_third(lab, is_late):
    """Nobody has an address that all reach; a wireless network often lets its stations talk only to what has a cable."""
    lan = Lan(lab)
    a, b, c = (MeshMember(lab, lan.host(name)) for name in ("atlas", "birch", "cedar"))
    if not is_late:
        lan.isolate(a.host, b.host)
    for member in (a, b, c):
        member.start()
    if is_late:
        all_alive([a, b, c])
        assert a.reaches(b, 1)
        lan.isolate(a.host, b.host)
        wait.until(lambda: a.path(b) != "direct" != b.path(a), 30, lambda: f"the direct path to be lost: {a.peer(b)} {b.peer(a)}", 0.1)
    wait.until(lambda: a.reaches(b, 1, 1) and b.reaches(a, 1, 1), 60, lambda: f"a way: {a.peer(b)} {b.peer(a)}", 0.1)
    # The first packet may come sooner than the word of who relays it.
    wait.until(lambda: a.path(b) == b.path(a) == "relayed", 20, lambda: f"both to know that they are relayed: {a.peer(b)} {b.peer(a)}", 0.1)
    assert "cedar" in a.own["relays"] + b.own["relays"]
    all_alive([a, b, c])
    assert len(a.reaches(b, 10, 5)) == 10
    if is_late:
        return
    # It would be looked for by itself after some minutes; who asks for it has it soon.
    lan.isolate(a.host, b.host, is_on=False)
    wait.until(lambda: "directly at" in a.does("ping", "birch"), 30, lambda: f"a direct path: {a.peer(b)}")
    assert a.path(b) == "direct"


def test_meshes_of_other_names_stay_apart(lab):
    lan = Lan(lab)
    home, work = up(lab, lan, 2, "home", "h"), up(lab, lan, 2, "work", "w")
    all_alive(home)
    all_alive(work)
    assert home[0].reaches(home[1]) and work[0].reaches(work[1])
    assert not home[0].reaches(work[0], 1, 1)
    wait.until(lambda: home[0].own["knocks"]["foreign"] > 0, 10, "knocks of the other mesh to be counted")


def test_names_that_clash_are_settled_the_same_way_everywhere(lab):
    lan = Lan(lab)
    members = [MeshMember(lab, lan.host(f"c{number}"), name="db") for number in range(3)]
    for member in members:
        member.start()

    def names():
        return sorted(member.status()["name"] for member in members)

    wait.until(lambda: names() == ["db", "db-2", "db-3"], 20, "names of their own", 0.1)
    for member in members:
        member.name = member.status()["name"]
    all_alive(members)


def test_status_and_ping_tell_of_a_mesh(lab):
    a, b = up(lab, Lan(lab), 2)
    all_alive([a, b])
    assert b.name in a.does("peers") and "home" in a.does("status")
    assert "directly at" in a.does("ping", "-c", "2", b.name)
    assert b.name in a.does("whois", b.addresses[4])
    a.does("down")
    wait.until(lambda: not a.is_running(), 15, "it to end")
    assert INTERFACE not in a.host.links()
    wait.until(lambda: a.name not in b.living(), 10, "the other to hear of it", 0.1)
