"""Warren and the kernel's own WireGuard carry real packets for each other.

The kernel is Debian's, in an emulated machine; its cable ends at host `gate`,
where Warren runs."""

import pytest

from lab import guest_traffic, tunnel, wait

MEGABYTE = 1 << 20
GATE = {4: "192.168.8.1", 6: "fd08::1"}
GUEST = {4: "192.168.8.2", 6: "fd08::2"}
SECOND_GUEST = {4: "192.168.8.3", 6: "fd08::3"}


def set_addresses(on, iface, addresses):
    on.ip(f"address flush dev {iface}")
    on.ip(f"address add {addresses[4]}/24 dev {iface}")
    on.ip(f"address add {addresses[6]}/64 dev {iface} nodad")
    on.ip(f"link set {iface} up")


@pytest.fixture
def make(lab, guest):
    """make(family): (Warren's end, the kernel's end), not yet configured."""
    def make(family=4, kind="warren", env=None):
        set_addresses(guest.gate, "tap0", GATE)
        set_addresses(guest, "eth0", GUEST)
        ours = lab.end(guest.gate, 1, kind, env, outer=GATE[family])
        return ours, guest.end(2, GUEST[family])
    return make


@pytest.mark.parametrize("psk", [None, tunnel.random_key()], ids=["no psk", "psk"])
@pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
@pytest.mark.parametrize("initiator", ["warren", "kernel"])
def test_ping_in_both_families(make, initiator, family, psk):
    ours, kernel = make(family)
    first, second = (ours, kernel) if initiator == "warren" else (kernel, ours)
    tunnel.connect(ours, kernel, psk=psk, initiator=first)
    for inside in (4, 6):
        first.ping(second, inside, count=2)
        second.ping(first, inside, count=1)
    assert second.peer().endpoint == first.endpoint()


@pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
def test_tcp_arrives_whole_in_each_direction(make, family):
    ours, kernel = make(family)
    tunnel.connect(ours, kernel)
    guest_traffic.send(ours.host, kernel.host, kernel.inner4, 2 * MEGABYTE)
    guest_traffic.receive(ours.host, kernel.host, ours.inner6, 2 * MEGABYTE)


def test_udp_of_every_size_is_echoed_fragments_too(make):
    ours, kernel = make()
    tunnel.connect(ours, kernel)
    for address in (kernel.inner4, kernel.inner6):
        guest_traffic.udp_echo(ours.host, kernel.host, address, [1, 16, 100, 1372, 1373, 1392, 1393, 1472, 4000, 20000])


@pytest.mark.parametrize("mtu", [1280, 1420, 1500, 9000])
def test_mtu_of_the_tunnel_may_be_smaller_or_larger_than_the_path(make, mtu):
    ours, kernel = make()
    tunnel.connect(ours, kernel, mtu=mtu)
    for size in (1200, mtu - 28, mtu + 1000):
        ours.ping(kernel, 4, size=size)
        kernel.ping(ours, 4, count=1, size=size)


@pytest.mark.parametrize("family", [4, 6], ids=["outside v4", "outside v6"])
def test_kernel_roams_to_another_address(make, family):
    ours, kernel = make(family)
    tunnel.connect(ours, kernel, initiator=kernel)
    kernel.ping(ours)
    set_addresses(kernel.host, "eth0", SECOND_GUEST)
    kernel.ping(ours)
    kernel.outer = SECOND_GUEST[family]
    assert ours.peer().endpoint == kernel.endpoint()
    ours.ping(kernel)


def test_warren_roams_to_another_port(make):
    ours, kernel = make()
    tunnel.connect(ours, kernel)
    ours.ping(kernel)
    ours.wg("set wg0 listen-port 40404")
    ours.ping(kernel)
    ours.port = 40404
    assert kernel.peer().endpoint == ours.endpoint()


def test_rekey_by_warren_under_traffic_loses_nothing(make):
    """Warren's timers run 24 times as fast: it begins a handshake every 5 s; the kernel answers."""
    ours, kernel = make(kind="hooks", env={"WARREN_TEST_TIME_SCALE": "24"})
    tunnel.connect(ours, kernel, initiator=ours)
    ours.ping(kernel)
    first = kernel.peer().handshake

    def is_rekeyed():
        ours.ping(kernel, count=5)
        return kernel.peer().handshake > first

    wait.until(is_rekeyed, 20, "a new handshake")
    kernel.ping(ours)


def test_kernel_that_forgot_its_keys_gets_the_first_answer(make):
    ours, kernel = make()
    tunnel.connect(ours, kernel)
    kernel.ping(ours)
    kernel.wg(f"set wg0 peer {ours.public} remove")
    kernel.setconf(kernel.configuration(ours))
    kernel.ping(ours)


def test_either_side_recovers_when_the_other_starts_anew(make, lab):
    ours, kernel = make()
    tunnel.connect(ours, kernel)
    ours.ping(kernel)
    ours.daemon.kill()
    wait.until(lambda: "wg0" not in ours.host.links(), 10, "the interface to go")
    ours.daemon = lab.daemon(ours.host)
    ours.setconf(ours.configuration(kernel))
    ours.bring_up()
    ours.ping(kernel)
    kernel.ping(ours)
    kernel.host.ip("link del wg0")
    kernel.host.ip("link add wg0 type wireguard")
    kernel.setconf(kernel.configuration(ours))
    kernel.bring_up()
    kernel.ping(ours)
    ours.ping(kernel)
