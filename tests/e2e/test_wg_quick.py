"""`wg-quick up` and `down`, with `warren-wg` as the userspace implementation."""

import os
from pathlib import Path

import pytest

from lab import host, programs, sandbox, traffic, tunnel, wait

FILE = """[Interface]
PrivateKey = {me.private}
ListenPort = {me.port}
Address = {me.inner4}/24, {me.inner6}/64
{interface}
[Peer]
PublicKey = {other.public}
AllowedIPs = {allowed}
Endpoint = {endpoint}
{peer}
"""


class Quick:
    """A host whose tunnel wg-quick makes."""

    def __init__(self, end):
        self.end = end
        self.host = end.host
        self.folder = sandbox.scratch("wg-quick")
        os.symlink(programs.warren(), self.folder / "warren-wg")
        self.file = self.folder / "wg0.conf"

    def write(self, other, allowed=None, interface="", peer=""):
        self.file.touch(mode=0o600)
        self.file.write_text(FILE.format(me=self.end, other=other, endpoint=other.endpoint(), interface=interface, peer=peer,
                                         allowed=allowed or f"{other.inner4}/32, {other.inner6}/128"))

    def do(self, verb):
        env = {"WG_QUICK_USERSPACE_IMPLEMENTATION": "warren-wg", "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = self.host.try_run("wg-quick", verb, self.file, env=env)
        assert done.returncode == 0, f"wg-quick {verb}: {done.stdout}{done.stderr}"

    def is_gone(self):
        return ("wg0" not in self.host.links() and not self.host.processes()
                and not self.host.exists("/run/wireguard/wg0.sock"))


@pytest.fixture
def ends(lab):
    """(wg-quick's side, the other end, already configured).  The other end's host is the way to everywhere."""
    a_host, b_host = lab.host("a"), lab.host("b")
    host.link(a_host, "v0", b_host, "v0")
    for number, on in enumerate((a_host, b_host), 1):
        on.ip(f"address add 192.168.7.{number}/24 dev v0")
        on.ip(f"address add fd07::{number}/64 dev v0 nodad")
    me, other = tunnel.End(a_host, 1, outer="192.168.7.1"), lab.end(b_host, 2, outer="192.168.7.2")
    other.setconf(other.configuration(me, with_endpoint=False))
    other.bring_up()
    return Quick(me), other


def routes(on, *args):
    return on.ip("route show table all", *args)


def test_up_connects_and_down_leaves_nothing(ends):
    quick, other = ends
    before = routes(quick.host), quick.host.ip("rule")
    quick.write(other)
    quick.do("up")
    for family in (4, 6):
        quick.end.ping(other, family)
    traffic.transfer(quick.host, other.host, other.inner4, 1 << 20)
    quick.do("down")
    wait.until(quick.is_gone, what=lambda: f"the end of {quick.host.processes()}, {quick.host.links()}")
    assert (routes(quick.host), quick.host.ip("rule")) == before
    # and once more
    quick.do("up")
    quick.end.ping(other)
    quick.do("down")
    wait.until(quick.is_gone)


def test_outside_over_ipv6(ends):
    quick, other = ends
    other.outer, quick.end.outer = "fd07::2", "fd07::1"
    quick.write(other)
    quick.do("up")
    quick.end.ping(other)
    assert other.peer().endpoint == quick.end.endpoint()
    quick.do("down")


def test_default_route_goes_through_the_tunnel_and_the_tunnel_does_not(ends):
    """AllowedIPs = 0.0.0.0/0, ::/0: wg-quick marks the outer packets and routes all others by a rule."""
    quick, other = ends
    for address in ("10.200.0.1/32", "fd99::1/128"):
        other.host.ip(f"address add {address} dev lo")
    quick.write(other, allowed="0.0.0.0/0, ::/0")
    quick.do("up")
    assert quick.end.wg("show wg0 fwmark").strip() == "0xca6c"
    for address in ("10.200.0.1", "fd99::1"):
        quick.host.run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "3", address)
    assert "lookup 51820" in quick.host.ip("rule")
    quick.do("down")
    wait.until(quick.is_gone)
    assert "51820" not in quick.host.ip("rule")


def test_table_mtu_and_hooks_are_honoured(ends):
    quick, other = ends
    quick.write(other, allowed=f"{other.inner4}/32, {other.inner6}/128, 10.55.0.0/16", interface="\n".join((
        "Table = 1234", "MTU = 1333", f"PreUp = touch {quick.folder}/pre-up",
        f"PostUp = wg show %i >{quick.folder}/post-up", f"PreDown = wg show %i >{quick.folder}/pre-down",
        f"PostDown = touch {quick.folder}/post-down")), peer="PersistentKeepalive = 7")
    quick.do("up")
    assert "mtu 1333" in quick.host.ip("link show wg0")
    assert "10.55.0.0/16 dev wg0" in quick.host.ip("route show table 1234")
    assert quick.end.peer().keepalive == "7"
    quick.do("down")
    for hook in ("pre-up", "post-up", "pre-down", "post-down"):
        assert (quick.folder / hook).exists()
    assert quick.end.public in Path(quick.folder / "post-up").read_text()
    wait.until(quick.is_gone)


def test_save_and_strip_keep_what_was_set(ends):
    quick, other = ends
    quick.write(other)
    quick.do("up")
    extra = tunnel.random_key()
    quick.end.wg(f"set wg0 peer {extra} allowed-ips 10.9.0.0/16")
    quick.do("save")
    assert extra in quick.file.read_text() and quick.end.private in quick.file.read_text()
    quick.do("down")
    quick.do("up")
    assert {peer.public for peer in quick.end.peers()} == {extra, other.public}
    quick.do("down")
