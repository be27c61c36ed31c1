"""Every ordered pair of NAT kinds: traffic at once, and by the path that the table says."""

import pytest
from internet import KINDS
from member import Network, settle

# Where one side's mapping is endpoint-independent, the other can be told where to send; what comes
# from a port that nobody was told of passes only a filter that looks at addresses or at nothing.
EASY = {"public", "full", "address"}


def expected(a, b):
    if "blocked" in (a, b):
        return "relayed"
    if "symmetric" in (a, b):
        return "direct" if {a, b} - {"symmetric"} and ({a, b} - {"symmetric"}) <= EASY else "relayed"
    return "direct"


def pairs():
    return [pytest.param(a, b, id=f"{a}-{b}") for a in KINDS for b in KINDS]


@pytest.mark.parametrize("a_kind, b_kind", pairs())
@pytest.mark.limit(120)
def test_pair(internet, a_kind, b_kind):
    network = Network(internet)
    a = network.join(internet.host(a_kind, "atlas"))
    b = network.join(internet.host(b_kind, "birch"))
    settle(a, b)
    assert len(a.reaches(b)) == 3, "traffic flows at once, whatever the path"
    wanted = expected(a_kind, b_kind)
    if wanted == "direct":
        a.wait_path(b, "direct", 12)
        b.wait_path(a, "direct", 12)
    assert len(a.reaches(b)) == 3
    assert len(b.reaches(a)) == 3
    assert a.path(b) == wanted and b.path(a) == wanted
