"""A peer changes its address or port in the middle of a transfer, and the transfer goes on."""

import pytest

from lab import capture, traffic, tunnel, wait

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
SOME = 1 << 20


def move(end, family, new):
    """The host's address in its network becomes number `new`."""
    if family == 4:
        subnet = f"192.168.{end.number}"
        end.host.sysctl("net.ipv4.conf.v0.promote_secondaries", 1)
        end.host.ip(f"address add {subnet}.{new}/24 dev v0")
        end.host.ip(f"address del {subnet}.1/24 dev v0")
        end.host.ip(f"route replace default via {subnet}.254")
        end.outer = f"{subnet}.{new}"
    else:
        subnet = f"fd00:{end.number}::"
        end.host.ip(f"address add {subnet}{new}/64 dev v0 nodad")
        end.host.ip(f"address del {subnet}1/64 dev v0")
        end.outer = f"{subnet}{new}"


def wait_known(other, moved):
    wait.until(lambda: other.peer().endpoint == moved.endpoint(), 10, lambda: f"{other.name} to learn {moved.endpoint()}")


@FAMILIES
@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_address_changes_in_the_middle_of_a_transfer(lab, family, who):
    a, b, _ = lab.routed(family=family)
    tunnel.connect(a, b, keepalive=1)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(SOME)
    moved, other = (a, b) if who == "sender" else (b, a)
    move(moved, family, 77)
    wait_known(other, moved)
    stream.wait_for(SOME)
    stream.end()


@pytest.mark.parametrize("pair", [("warren", "go"), ("go", "warren")], ids="-".join)
def test_address_changes_with_wireguard_go_at_the_other_end(lab, pair):
    a, b, _ = lab.routed(*pair)
    tunnel.connect(a, b, keepalive=1)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(SOME)
    move(a, 4, 77)
    wait_known(b, a)
    stream.wait_for(SOME)
    stream.end()


@FAMILIES
@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_port_changes_in_the_middle_of_a_transfer(lab, family, who):
    a, b, _ = lab.routed(family=family)
    tunnel.connect(a, b, keepalive=1)
    stream = traffic.Stream(a.host, b.host, b.inner6)
    stream.wait_for(SOME)
    moved, other = (a, b) if who == "sender" else (b, a)
    moved.port = 40004
    moved.wg("set wg0 listen-port 40004")
    wait_known(other, moved)
    stream.wait_for(SOME)
    stream.end()


def test_peer_moves_from_one_family_to_the_other(lab):
    a, b, _ = lab.routed(family=4)
    tunnel.connect(a, b, initiator=a)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(SOME)
    b.outer, a.outer = "fd00:2::1", "fd00:1::1"

    def moves():
        # What b has sent already takes the endpoint back, if it comes before anything has left by the new one.
        a.wg(f"set wg0 peer {b.public} endpoint {b.endpoint()}")
        return b.peer().endpoint == a.endpoint()

    wait.until(moves, 10, f"b to learn {a.endpoint()}", 0.1)
    stream.wait_for(SOME)
    stream.end()


@FAMILIES
def test_answers_leave_from_the_address_that_was_asked(lab, family):
    """The responder has two addresses; the initiator knows only the second, which no route prefers."""
    a, b = lab.neighbours(family=family)
    b.outer = "fd07::99" if family == 6 else "192.168.7.99"
    b.host.ip(f"address add {b.outer}/{128 if family == 6 else 32} dev v0" + (" nodad" if family == 6 else ""))
    watch = lab.keep(capture.Capture(a.host))
    tunnel.connect(a, b, initiator=a)
    a.ping(b)
    traffic.transfer(a.host, b.host, b.inner4, 4 * SOME, both_ways=True)
    sources = {packet.source for packet in watch.take() if not packet.is_outgoing and packet.source_port == b.port}
    assert sources == {b.outer}
    assert a.peer().endpoint == b.endpoint()


@FAMILIES
def test_tunnel_survives_its_link_going_down_and_up(lab, family):
    a, b = lab.neighbours(family=family)
    tunnel.connect(a, b)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(SOME)
    for end in (a, b):
        end.host.ip("link set v0 down")
    for end in (a, b):
        end.host.ip("link set v0 up")
        if family == 6:
            end.host.ip(f"address replace {end.outer}/64 dev v0 nodad")
    stream.wait_for(SOME)
    stream.end()
    b.ping(a)
