"""What the world between the peers sees: families, traffic class, marks, and paths that are too narrow."""

import socket
from contextlib import closing

import pytest

from lab import capture, traffic, tunnel

FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
NOT_ECT, ECT1, ECT0, CE = range(4)
NAMES = {NOT_ECT: "not-ect", ECT1: "ect1", ECT0: "ect0", CE: "ce"}
EF, AF11 = 46, 10  # DSCPs that are not the default
MEGABYTE = 1 << 20
MARK = 0x51
SO_RCVBUFFORCE = 33


@FAMILIES
def test_everything_passes_in_both_families_inside(lab, family):
    a, b = lab.neighbours(family=family)
    tunnel.connect(a, b, psk=tunnel.random_key(), initiator=a)
    for inside in (4, 6):
        a.ping(b, inside)
        b.ping(a, inside)
        traffic.transfer(a.host, b.host, b.inner(inside), 8 * MEGABYTE, both_ways=True)
        traffic.udp_echo(a.host, b.host, b.inner(inside), [0, 1, 1392, 1393, 9000])


def test_link_local_endpoint_keeps_its_scope(lab):
    a, b = lab.neighbours(family=6)
    for end in (a, b):
        end.host.ip(f"address add fe80::{end.number}/64 dev v0 nodad")
        end.outer = f"fe80::{end.number}%v0"
    tunnel.connect(a, b, initiator=a)
    a.ping(b)
    b.ping(a)
    assert a.peer().endpoint == b.endpoint()
    assert b.peer().endpoint == a.endpoint()


# Traffic class


def tos_socket(end, family, tos):
    sock = end.host.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    set_tos(sock, family, tos)
    return sock


def set_tos(sock, family, tos):
    if family == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)


def tos_listener(end, family):
    """A UDP socket on the end's inner address that tells the traffic class of what it gets."""
    sock = end.host.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(*((socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS) if family == 6
                      else (socket.IPPROTO_IP, socket.IP_RECVTOS)), 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    sock.bind((end.inner(family), 0))
    sock.settimeout(5)
    return sock


def receive_tos(sock):
    data, ancillary, _, _ = sock.recvmsg(2048, 64)
    (value,) = (item[2] for item in ancillary)
    return data, value[0]


@FAMILIES
@pytest.mark.parametrize("inside", [4, 6], ids=["inside v4", "inside v6"])
def test_outer_packet_has_the_inner_ecn_and_no_dscp(lab, family, inside):
    """RFC 6040 section 4.1, normal mode; a batch of mixed packets keeps each one's own."""
    a, b = lab.neighbours(family=family)
    tunnel.connect(a, b)
    a.ping(b)
    sink = lab.keep(tos_listener(b, inside))
    sock = lab.keep(tos_socket(a, inside, 0))
    watch = lab.keep(capture.Capture(b.host))
    for ecn in range(4):
        del watch.seen[:]
        set_tos(sock, inside, EF << 2 | ecn)
        sock.sendto(b"x" * 700, sink.getsockname()[:2])
        data = watch.until(lambda packet: packet.kind == 4 and len(packet.payload) > 700, what="the data message")
        assert (data.dscp, NAMES[data.ecn]) == (0, NAMES[ecn])
        assert receive_tos(sink)[1] == EF << 2 | ecn


@FAMILIES
def test_ecn_of_each_packet_survives_a_mixed_burst(lab, family):
    """Segmentation and coalescing must not mix packets of different classes."""
    a, b = lab.neighbours(family=family)
    tunnel.connect(a, b)
    a.ping(b)
    sink = lab.keep(tos_listener(b, 4))
    sock = lab.keep(tos_socket(a, 4, 0))
    for number in range(200):
        set_tos(sock, 4, number % 3 * 4 << 2 | number % 4)
        sock.sendto(number.to_bytes(2, "big") * 300, sink.getsockname())
    for number in range(200):
        data, tos = receive_tos(sink)
        number = int.from_bytes(data[:2], "big")
        assert tos == number % 3 * 4 << 2 | number % 4


# RFC 6040 section 4.2, figure 4: {(inner, outer): inner afterwards, None for dropped}
DECAPSULATED = {
    (NOT_ECT, NOT_ECT): NOT_ECT, (NOT_ECT, ECT0): NOT_ECT, (NOT_ECT, ECT1): NOT_ECT, (NOT_ECT, CE): None,
    (ECT0, NOT_ECT): ECT0, (ECT0, ECT0): ECT0, (ECT0, ECT1): ECT1, (ECT0, CE): CE,
    (ECT1, NOT_ECT): ECT1, (ECT1, ECT0): ECT1, (ECT1, ECT1): ECT1, (ECT1, CE): CE,
    (CE, NOT_ECT): CE, (CE, ECT0): CE, (CE, ECT1): CE, (CE, CE): CE,
}


@FAMILIES
@pytest.mark.parametrize("inside", [4, 6], ids=["inside v4", "inside v6"])
def test_congestion_seen_outside_is_told_inside(lab, family, inside):
    a, b, router = lab.routed(family=family)
    tunnel.connect(a, b)
    a.ping(b)
    sink = lab.keep(tos_listener(b, inside))
    sock = lab.keep(tos_socket(a, inside, 0))
    for outer, name in NAMES.items():
        mark_outer_packets(router, family, name)
        with closing(capture.Capture(b.host)) as watch:
            arrived = send_each_class(sock, sink, inside)
            assert {packet.tos for packet in watch.take() if not packet.is_outgoing} == {AF11 << 2 | outer}
        wanted = {inner: EF << 2 | DECAPSULATED[inner, outer] for inner in range(4)
                  if DECAPSULATED[inner, outer] is not None}
        assert arrived == wanted, f"outside: {name}"


def mark_outer_packets(router, family, name):
    ip = "ip6" if family == 6 else "ip"
    router.nft("forward", f"iifname to-a udp dport 51820 {ip} dscp set af11 {ip} ecn set {name}")


def send_each_class(sock, sink, inside):
    """{inner ECN as sent: traffic class as received}"""
    arrived = {}
    for inner in range(4):
        set_tos(sock, inside, EF << 2 | inner)
        sock.sendto(bytes([inner]) * 100, sink.getsockname()[:2])
    # Order holds within a flow: what had to come before this one has come.
    set_tos(sock, inside, EF << 2 | CE)
    sock.sendto(b"end", sink.getsockname()[:2])
    while (got := receive_tos(sink))[0] != b"end":
        arrived[got[0][0]] = got[1]
    return arrived


def test_congestion_is_told_to_tcp(lab):
    """A bulk transfer is coalesced; the mark must reach the receiver all the same, and the data be whole."""
    a, b, router = lab.routed()
    for end in (a, b):
        end.host.sysctl("net.ipv4.tcp_ecn", 1)
    tunnel.connect(a, b)
    a.ping(b)
    router.nft("forward", "iifname to-a udp dport 51820 ip ecn != not-ect numgen random mod 20 == 0 ip ecn set ce")
    traffic.transfer(a.host, b.host, b.inner4, 8 * MEGABYTE)
    assert b.host.nstat("IpExtInCEPkts") > 0
    assert b.host.nstat("TcpInCsumErrors") == 0


# Narrow paths


@FAMILIES
@pytest.mark.parametrize("inside", [4, 6], ids=["inside v4", "inside v6"])
def test_first_link_is_narrower_than_the_tunnel(lab, family, inside):
    a, b = lab.neighbours(family=family, mtu=1300)
    tunnel.connect(a, b)
    pass_through(a, b, inside)


@FAMILIES
@pytest.mark.parametrize("inside", [4, 6], ids=["inside v4", "inside v6"])
def test_link_in_the_middle_is_narrower_than_the_tunnel(lab, family, inside):
    a, b, _ = lab.routed(family=family, mtu_b=1300)
    tunnel.connect(a, b)
    pass_through(a, b, inside)


def pass_through(a, b, inside):
    # The first large packets may be lost, while the path's MTU is found out.
    a.can_ping(b, inside, size=1350)
    b.can_ping(a, inside, size=1350)
    a.ping(b, inside, size=1350)
    a.ping(b, inside, size=4000)
    traffic.transfer(a.host, b.host, b.inner(inside), 2 * MEGABYTE)
    traffic.transfer(b.host, a.host, a.inner(inside), 2 * MEGABYTE)


@FAMILIES
def test_small_mtu_inside_leaves_no_outer_fragments(lab, family):
    a, b = lab.neighbours(family=family, mtu=1360)
    tunnel.connect(a, b, mtu=1280)
    a.ping(b, size=1252)
    traffic.transfer(a.host, b.host, b.inner4, 2 * MEGABYTE)
    assert a.host.nstat("IpFragCreates") == 0
    assert a.host.nstat("Ip6FragCreates") == 0


def test_mtu_changed_while_running_is_followed(lab):
    a, b = lab.neighbours()
    tunnel.connect(a, b)
    a.ping(b, size=1392)
    for end in (a, b):
        end.host.ip("link set wg0 mtu 9000")
    a.ping(b, size=8972)
    for end in (a, b):
        end.host.ip("link set wg0 mtu 1280")
    a.ping(b, size=1252)
    traffic.transfer(a.host, b.host, b.inner4, MEGABYTE)


# Marks


def count_marks(end, port):
    end.host.nft("output", f"udp sport {port} meta mark {MARK} counter name marked",
                 f"udp sport {port} meta mark != {MARK} counter name unmarked", counters=("marked", "unmarked"))


@FAMILIES
def test_fwmark_is_on_every_outer_packet(lab, family):
    a, b = lab.neighbours(family=family)
    tunnel.connect(a, b)
    a.wg(f"set wg0 fwmark {MARK}")
    count_marks(a, 51820)
    a.ping(b)
    traffic.transfer(a.host, b.host, b.inner4, MEGABYTE)
    assert a.host.nft_counter("marked") > 0
    assert a.host.nft_counter("unmarked") == 0
    a.wg("set wg0 fwmark 0")
    marked = a.host.nft_counter("marked")
    a.ping(b)
    assert a.host.nft_counter("marked") == marked
    assert a.host.nft_counter("unmarked") > 0


def test_fwmark_stays_when_the_port_changes(lab):
    a, b = lab.neighbours()
    tunnel.connect(a, b)
    a.wg(f"set wg0 fwmark {MARK}")
    a.wg("set wg0 listen-port 40404")
    count_marks(a, 40404)
    a.ping(b)
    assert a.host.nft_counter("unmarked") == 0


def test_port_below_1024_can_be_listened_on(lab):
    a, b = lab.neighbours(env={"WARREN_LOW_PORTS": "1"})
    b.port = 53
    tunnel.connect(a, b, initiator=a)
    a.ping(b)


# Not sent, not accepted


def test_packet_for_nobody_is_refused_to_its_sender(lab):
    a, b = lab.neighbours()
    tunnel.connect(a, b)
    a.host.ip("route add 10.99.0.0/16 dev wg0")
    done = a.host.try_run("ping", "-n", "-c", "1", "-W", "1", "10.99.0.1")
    assert done.returncode != 0
    a.ping(b)


def test_source_outside_the_allowed_ips_is_dropped(lab):
    a, b = lab.neighbours()
    tunnel.connect(a, b)
    a.ping(b)
    a.host.ip("address add 10.66.0.1/32 dev wg0")
    b.host.ip("route add 10.66.0.1/32 dev wg0")
    done = a.host.try_run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", "-I", "10.66.0.1", b.inner4)
    assert done.returncode != 0
    a.ping(b)
