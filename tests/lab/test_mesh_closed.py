"""Who is let into a closed mesh: invitations, certificates, the charter, the policy."""

import shutil

import pytest
from mesh import Lan, MeshMember, all_alive, counted, up, wait_counted
from test_mesh_trouble import flow

from lab import sandbox, wait


@pytest.fixture
def closed(lab):
    """A founder on a LAN."""
    lan = Lan(lab)
    return lan, MeshMember(lab, lan.host("founder")).start("--founder")


def test_an_invitation_lets_in_once(lab, closed):
    lan, founder = closed
    assert founder.own["admission"] == "closed" and founder.own["is_admitted"] and "OPEN" not in founder.said()
    invitation = founder.invite("--tag", "db")
    first = MeshMember(lab, lan.host("first")).start("--join", invitation)
    all_alive([founder, first])
    assert first.reaches(founder) and first.own["is_admitted"]
    assert founder.peer(first)["tags"] == ["db"]
    second = MeshMember(lab, lan.host("second")).start("--join", invitation)
    wait.until(lambda: second.own["refusal"], 20, f"it to be refused: {second.own}", 0.1)
    assert not second.own["is_admitted"] and not second.reaches(founder, 1, 1)
    assert founder.living() == {"first"}


def test_an_invitation_that_has_expired_lets_nobody_in(lab, closed):
    lan, founder = closed
    invitation = founder.invite("--expires", "1s")
    listed = founder.does("invite", "--list", "--json")
    assert "expires" in listed
    wait.until(lambda: founder.does("invite", "--list", "--json").strip() == "[]", 10, "it to expire", 0.2)
    late = MeshMember(lab, lan.host("late"))
    late.launch("--join", invitation)
    wait.until(lambda: not late.is_running() or (late.state.glob("*/control.sock") and _refused(late)), 20, lambda: f"it to be refused: {late.said()}", 0.2)
    assert founder.living() == set()


def _refused(member):
    try:
        return bool(member.own["refusal"])
    except OSError:
        return False


def test_somebody_without_an_invitation_waits_and_is_admitted_by_hand(lab, closed):
    lan, founder = closed
    # It knows the name alone: the mesh's keys follow from that, and no more is needed to knock.
    guest = MeshMember(lab, lan.host("guest")).start()
    waiting = wait.until(lambda: [one for one in founder.own["guests"] if one["name"] == "guest"], 20, "the guest to be shown", 0.1)
    assert not guest.reaches(founder, 1, 1)
    founder.does("admit", waiting[0]["identity"])
    all_alive([founder, guest])
    assert guest.reaches(founder)


def test_an_open_mesh_is_closed_and_a_flow_goes_on(lab):
    lan = Lan(lab)
    members = a, b, c = up(lab, lan, 3)
    all_alive(members)
    flowing, back = flow(b, c), flow(c, b, 7778)
    wait.until(lambda: len(flowing.came) > 50, 10, "a flow")
    assert "3 members" in a.does("admit", "--close")
    for member in members:
        wait.until(lambda member=member: member.own["admission"] == "closed" and member.own["is_admitted"], 20, f"{member.name} to hear of it", 0.1)
    flowing.stop()
    back.stop()
    assert not flowing.lost() and not back.lost(), (len(flowing.lost()), len(back.lost()), len(flowing.sent))
    outsider = MeshMember(lab, lan.host("outsider")).start()
    wait.until(lambda: any(one["name"] == "outsider" for one in a.own["guests"]), 20, "it to be a guest", 0.1)
    assert not outsider.reaches(b, 1, 1) and b.living() == {a.name, c.name}


def test_a_stolen_but_revoked_certificate_is_worth_nothing(lab, closed):
    lan, founder = closed
    friend = MeshMember(lab, lan.host("friend")).start("--join", founder.invite())
    victim = MeshMember(lab, lan.host("victim")).start("--join", founder.invite())
    all_alive([founder, friend, victim])
    stolen = sandbox.scratch("stolen")
    shutil.copytree(victim.state, stolen / "state", ignore=shutil.ignore_patterns("*.sock"))
    flowing = flow(founder, friend)
    founder.does("revoke", "victim")
    all_alive([founder, friend])
    wait.until(lambda: not victim.reaches(friend, 1, 0.5), 10, "the revoked one to be shut out")
    victim.kill()
    thief = MeshMember(lab, lan.host("thief"), folder=stolen)
    thief.starts = 1  # its state has its name
    thief.start()
    wait.until(lambda: "shut out" in thief.own["refusal"], 20, lambda: f"it to hear why: {thief.own}", 0.1)
    assert not thief.reaches(friend, 3, 1) and founder.living() == {"friend"} and friend.living() == {"founder"}
    assert not flowing.stop().lost()


def test_policy_is_set_at_the_founder_and_enforced_by_members(lab, closed):
    lan, founder = closed
    a = MeshMember(lab, lan.host("atlas")).start("--join", founder.invite())
    b = MeshMember(lab, lan.host("birch")).start("--join", founder.invite())
    members = [founder, a, b]
    all_alive(members)
    assert a.reaches(b)
    first = set_policy(founder, "allow founder -> *\ndefault deny\n", members)
    wait.until(lambda: not a.reaches(b, 1, 0.5), 10, "the policy to be in force")
    assert founder.reaches(a) and founder.reaches(b)
    done = a.cli("policy", "set", "-", input="default allow\n")
    assert done.returncode != 0, "a member cannot set it"
    old = sandbox.scratch("old")
    b.stop()
    shutil.copytree(b.state, old / "state", ignore=shutil.ignore_patterns("*.sock"))
    second = set_policy(founder, "allow founder -> *\nallow atlas -> birch\ndefault deny\n", [founder, a])
    assert second > first
    # An old state of a member's cannot bring the older one back: it takes the newer one.
    shutil.rmtree(b.state)
    shutil.copytree(old / "state", b.state)
    b.start()
    all_alive(members)
    wait.until(lambda: b.own["policy_version"] == second, 20, "the newer policy")
    assert {member.own["policy_version"] for member in members} == {second}
    wait.until(lambda: a.reaches(b, 1, 0.5), 20, "the newer policy to be in force")


def set_policy(founder, text, members):
    """Its version, once all these have it."""
    before = founder.own["policy_version"]
    founder.does("policy", "set", "-", input=text)
    version = wait.until(lambda: founder.own["policy_version"] if founder.own["policy_version"] != before else 0, 20, "the policy at the founder", 0.1)
    for member in members:
        wait.until(lambda member=member: member.own["policy_version"] == version, 20, f"the policy at {member.name}", 0.1)
    return version


def test_a_mesh_with_a_secret(lab):
    lan = Lan(lab)
    a, b = (MeshMember(lab, lan.host(name)).start(secret="correct horse battery") for name in ("atlas", "birch"))
    stranger = MeshMember(lab, lan.host("stranger")).start(secret="another secret it is")
    all_alive([a, b])
    assert a.own["admission"] == "secret" and "OPEN" not in a.said() and a.reaches(b)
    assert "correct horse" not in a.said()
    wait_counted(a, "knocks", "foreign")
    assert stranger.living() == set() and not stranger.own["guests"]


def test_a_guest_that_waits_costs_little(lab, closed):
    """It is told nothing, and asked for nothing that is known of it."""
    lan, founder = closed
    guest = MeshMember(lab, lan.host("guest")).start()
    wait.until(lambda: any(one["name"] == "guest" and "waits" in one["state"] for one in founder.own["guests"]), 20, "the guest to be shown", 0.1)
    was, knocks = founder.own["gossip"], counted(guest, "knocks", "sent")
    # They are paced, whatever the two say to each other beside them.
    wait_counted(guest, "knocks", "sent", knocks + 3)
    now = founder.own["gossip"]
    assert now["frames_in"] - was["frames_in"] < 100 and now["bytes_in"] - was["bytes_in"] < 40000, (was, now)
    founder.does("admit", "guest")
    all_alive([founder, guest])
