"""Warren and wireguard-go carry real packets for each other, whoever begins."""

import pytest

from lab import traffic, tunnel, wait

PAIRS = [("warren", "go"), ("go", "warren"), ("warren", "warren")]
MEGABYTE = 1 << 20

# Around every edge: nothing, one byte, the padding to 16, the tunnel's MTU, fragments, the largest.
UDP_SIZES = [0, 1, 15, 16, 17, 100, 1371, 1372, 1373, 1391, 1392, 1393, 1400, 1472, 1473, 2800, 9000, 20000, 65000]


@pytest.fixture(params=PAIRS, ids="-".join)
def ends(request, lab):
    """(initiator, responder): only the first knows the other's endpoint."""
    a, b = lab.neighbours(*request.param)
    tunnel.connect(a, b, initiator=a)
    return a, b


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("psk", [None, tunnel.random_key()], ids=["no psk", "psk"])
def test_initiator_pings_responder_in_both_families(lab, pair, psk):
    a, b = lab.neighbours(*pair)
    tunnel.connect(a, b, psk=psk, initiator=a)
    for family in (4, 6):
        a.ping(b, family)
        b.ping(a, family)
    assert a.peer().handshake > 0 and b.peer().handshake > 0
    assert b.peer().endpoint == a.endpoint()


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_wrong_preshared_key_lets_nothing_through(lab, pair):
    a, b = lab.neighbours(*pair)
    tunnel.connect(a, b, psk=tunnel.random_key(), initiator=a)
    b.setconf(b.configuration(a, tunnel.random_key(), with_endpoint=False))
    assert not a.can_ping(b)
    assert a.peer().handshake == 0


@pytest.mark.parametrize("streams", [1, 8])
def test_tcp_arrives_whole_in_each_direction_and_both(ends, streams):
    a, b = ends
    length = 16 * MEGABYTE // streams
    traffic.transfer(a.host, b.host, b.inner4, length, streams)
    traffic.transfer(b.host, a.host, a.inner6, length, streams)
    traffic.transfer(a.host, b.host, b.inner6, length // 2, streams, both_ways=True)


@pytest.mark.parametrize("family", [4, 6])
def test_udp_of_every_size_is_echoed_fragments_too(ends, family):
    a, b = ends
    traffic.udp_echo(a.host, b.host, b.inner(family), UDP_SIZES)
    traffic.udp_echo(b.host, a.host, a.inner(family), UDP_SIZES)


def test_counters_of_bytes_agree(ends):
    a, b = ends
    traffic.transfer(a.host, b.host, b.inner4, MEGABYTE)
    assert a.peer().tx >= MEGABYTE and b.peer().rx >= MEGABYTE

    def agree():
        near, far = a.peer(), b.peer()
        return (near.tx, near.rx) == (far.rx, far.tx)

    wait.until(agree, 5, "the last answers to arrive")
