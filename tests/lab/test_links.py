"""Networks that are odd: IPv6 only, narrow, lossy one way, flapping; routers that help."""

import shutil
import subprocess
import time

import pytest
from internet import SERVER6
from member import Member, Network, settle
from test_paths import Flow

from lab import sandbox, traffic, wait

MEGABYTE = 1 << 20


def test_ipv6_only(internet):
    network = Network(internet, address=SERVER6)
    a = network.join(internet.host("six", "atlas"))
    b = network.join(internet.host("six", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    assert a.peer(b)["endpoint"].startswith("[2001:db8:")
    traffic.transfer(a.host, b.host, b.address, MEGABYTE, both_ways=True)


def test_narrow_paths(internet):
    """1,280 bytes at both sites, over the relay and directly."""
    network = Network(internet)
    a = network.join(internet.site("port", mtu=1280).host("atlas"))
    b = network.join(internet.site("port", mtu=1280).host("birch"))
    settle(a, b)
    traffic.transfer(a.host, b.host, b.address, MEGABYTE, both_ways=True)
    a.wait_path(b, "direct")
    traffic.transfer(a.host, b.host, b.address, MEGABYTE, both_ways=True)


def test_two_hosts_behind_one_hairpin_nat(internet):
    """Different LANs of one carrier: they meet at its router, which turns packets around."""
    network = Network(internet)
    site = internet.site("port")
    site.hairpin()
    a = network.join(site.host("atlas"))
    b = network.join(site.host("birch"))
    # The two do not see each other on the LAN itself.
    site.router.run("nft", "-f", "-", input="""
table bridge warren_apart {
  chain apart { type filter hook forward priority 0; ip protocol udp ip saddr 192.168.0.0/16 ip daddr 192.168.0.0/16 drop; }
}
""")
    settle(a, b)
    assert len(a.reaches(b)) == 3
    time.sleep(5)
    assert len(a.reaches(b)) == 3 and len(b.reaches(a)) == 3, "directly or over the relay: it goes on"


def test_one_way_loss(internet):
    """Nothing of birch's comes directly any more, all of atlas's does: the relay takes over."""
    network = Network(internet)
    a = network.join(internet.host("port", "atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    flow, back = Flow(a, b), Flow(b, a, 7778)
    time.sleep(0.5)
    internet.core.nft("forward", "ip saddr 198.51.2.2 ip daddr 198.51.1.2 drop")
    wait.until(lambda: a.path(b) == "relayed" and b.path(a) == "relayed", 20, "the relay", 0.05)
    time.sleep(1)
    flow.stop()
    back.stop()
    assert max(flow.gap(), back.gap()) < 7, f"{flow.gap():.1f} s, {back.gap():.1f} s without a packet"


@pytest.mark.limit(120)
def test_a_link_that_flaps(internet):
    """Two seconds gone in each six: traffic never stops for longer than the link, and some."""
    network = Network(internet)
    a = network.join(internet.host("port", "atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    flow = Flow(a, b)
    for _ in range(4):
        internet.cut("198.51.1.2", "198.51.2.2")
        time.sleep(2)
        internet.mend()
        time.sleep(4)
    flow.stop()
    assert flow.gap() < 7, f"{flow.gap():.1f} s without a packet"


def test_a_router_that_maps_ports(internet):
    """Two NATs that are too hard for punching, one of which maps a port when it is asked."""
    network = Network(internet)
    site = internet.site("symmetric")
    upnp = _Miniupnpd(site)
    try:
        a = network.join(site.host("atlas"))
        b = network.join(internet.host("symmetric", "birch"))
        settle(a, b)
        wait.until(lambda: any(one["kind"] == "mapped" for one in a.status()["candidates"]), 20, "a mapping")
        a.wait_path(b, "direct", 30)
        assert "port mapping" in a.cli("netcheck").stdout.lower()
    finally:
        upnp.close()


class _Miniupnpd:
    """miniupnpd on a site's router, for NAT-PMP, PCP and UPnP."""

    def __init__(self, site):
        program = shutil.which("miniupnpd", path="/usr/sbin:/usr/bin") or pytest.fail("install the Debian package miniupnpd-nftables")
        folder = self.folder = sandbox.scratch("upnp")
        config = folder / "miniupnpd.conf"
        config.write_text(f"""
ext_ifname=wan
listening_ip=lan
system_uptime=yes
secure_mode=yes
uuid=12345678-0000-0000-0000-000000000000
enable_natpmp=yes
enable_upnp=no
allow 1024-65535 {site.lan}.0/24 1024-65535
""")
        # The tables and chains that it is built for.
        site.router.run("nft", "-f", "-", input="""
table inet filter {
  chain forward { type filter hook forward priority 0; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -110; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 90; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }
}
""")
        self.process = site.router.popen(program, "-d", "-f", str(config), "-P", str(folder / "pid"), stdin=subprocess.DEVNULL,
                                         stdout=open(folder / "log", "wb"), stderr=subprocess.STDOUT)

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.mark.limit(150)
def test_many_agents_start_again_at_once(internet):
    network = Network(internet)
    site = internet.site("public")
    key = network.key("--uses", "50")
    members = [Member(network, site.host(f"m{number}"), f"m{number}") for number in range(50)]
    for member in members:
        network.lab.keep(member)
        assert member.try_join(key).returncode == 0
    for member in members:
        member.start()
    for member in members:
        member.wait_connected(60)
    for member in members:
        member.kill()
    began = time.monotonic()
    for member in members:
        member.start()
    for member in members:
        member.wait_connected(60)
    assert time.monotonic() - began < 60
    for one, other in zip(members, members[1:]):
        assert len(one.reaches(other, 3, 5)) == 3
