"""Every ordered pair of NAT kinds: traffic at once, and by the path that the table says; counted on the core.

Two hosts of each kind, each behind a NAT of its own, in one network: the first of one kind with the second of the
other, so that no pair has met before."""

import pytest
from internet import KINDS, Internet
from member import Network

from lab import wait
from lab.lab import Lab

# Where one side's mapping is endpoint-independent, the other can be told where to send; what comes
# from a port that nobody was told of passes only a filter that looks at addresses or at nothing.
EASY = {"public", "full", "address"}
PINGS = 10


def expected(a, b):
    if "blocked" in (a, b):
        return "relayed"
    if "symmetric" in (a, b):
        return "direct" if {a, b} - {"symmetric"} and ({a, b} - {"symmetric"}) <= EASY else "relayed"
    return "direct"


@pytest.fixture(scope="module")
def world():
    """{(kind, 1 or 2): member}, and the internet that they are in."""
    lab = Lab()
    try:
        internet = Internet(lab)
        network = Network(internet)
        key = network.key("--uses", str(2 * len(KINDS)))
        members = {(kind, number): network.join(internet.host(kind, f"{kind}-{number}"), key=key)
                   for kind in KINDS for number in (1, 2)}
        for member in members.values():
            member.wait_connected(60)
        for one in members.values():
            wait.until(lambda one=one: len(one.status()["peers"]) == len(members) - 1, 20, f"{one.name} to know all")
        yield internet, members
    finally:
        lab.close()


@pytest.mark.parametrize("a_kind, b_kind", [pytest.param(a, b, id=f"{a}-{b}") for a in KINDS for b in KINDS])
def test_pair(world, a_kind, b_kind):
    internet, members = world
    a, b = members[a_kind, 1], members[b_kind, 2]
    assert len(a.reaches(b)) == 3, "traffic flows at once, whatever the path"
    wanted = expected(a_kind, b_kind)
    if wanted == "direct":
        a.wait_path(b, "direct", 12)
        b.wait_path(a, "direct", 12)
    passed = internet.watch(a.host.site.outside, b.host.site.outside)
    assert len(a.reaches(b, PINGS)) == PINGS
    assert len(b.reaches(a, PINGS)) == PINGS
    assert a.path(b) == wanted and b.path(a) == wanted, (a.peer(b), b.peer(a))
    directly = passed()
    # Each ping is two datagrams; pulses and probes pass too.
    assert directly > 3 * PINGS if wanted == "direct" else directly < 2 * PINGS, f"{directly} datagrams passed the core"
