"""An end of a tunnel: a host, its daemon, its key and its addresses inside and outside."""

import base64
import os
import subprocess
from dataclasses import dataclass, field

from . import wait


def new_key():
    return subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()


def public_key(private):
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


def random_key():
    """32 random bytes: a preshared key, or the public key of somebody who is never there."""
    return base64.b64encode(os.urandom(32)).decode()


def hex_of(key):
    return base64.b64decode(key).hex()


@dataclass
class Peer:
    """A row of `wg show IFACE dump`."""
    public: str
    psk: str
    endpoint: str
    allowed_ips: str
    handshake: int
    rx: int
    tx: int
    keepalive: str


@dataclass
class End:
    """One end.  `host` is anything with run(): a namespace here, or a guest."""
    host: object
    number: int
    iface: str = "wg0"
    port: int = 51820
    daemon: object = None
    private: str = field(default_factory=new_key)
    outer: str = None  # its address outside

    def __post_init__(self):
        self.public = public_key(self.private)
        self.inner4 = f"10.77.0.{self.number}"
        self.inner6 = f"fd77::{self.number}"

    @property
    def name(self):
        return self.host.name

    def endpoint(self):
        return f"[{self.outer}]:{self.port}" if ":" in self.outer else f"{self.outer}:{self.port}"

    def inner(self, family):
        return self.inner6 if family == 6 else self.inner4

    def setconf(self, text, verb="setconf"):
        self.host.run("wg", verb, self.iface, "/dev/stdin", input=text)

    def configuration(self, peer, psk=None, with_endpoint=True, keepalive=None):
        lines = ["[Interface]", f"PrivateKey = {self.private}", f"ListenPort = {self.port}",
                 "[Peer]", f"PublicKey = {peer.public}", f"AllowedIPs = {peer.inner4}/32, {peer.inner6}/128"]
        if psk:
            lines.append(f"PresharedKey = {psk}")
        if with_endpoint:
            lines.append(f"Endpoint = {peer.endpoint()}")
        if keepalive:
            lines.append(f"PersistentKeepalive = {keepalive}")
        return "\n".join(lines) + "\n"

    def bring_up(self, mtu=1420):
        for command in (f"address add {self.inner4}/24 dev {self.iface}",
                        f"address add {self.inner6}/64 dev {self.iface} nodad",
                        f"link set {self.iface} mtu {mtu} up"):
            self.host.run("ip", *command.split())
        # Userspace learns from netlink that its interface is up, and only then opens its sockets.
        wait.until(lambda: self.host.is_listening(self.port), 10, f"{self.name} to listen on {self.port}")

    def wg(self, *args):
        return self.host.run("wg", *" ".join(map(str, args)).split())

    def peers(self):
        rows = self.host.run("wg", "show", self.iface, "dump").splitlines()[1:]
        return [_peer(row.split("\t")) for row in rows]

    def peer(self):
        (peer,) = self.peers()
        return peer

    def ping(self, peer, family=4, count=3, size=56, timeout=3.0):
        """Pings; every answer must come."""
        answered = self.host.ping(peer.inner(family), count, size, timeout)
        lost = set(range(1, count + 1)) - answered
        assert not lost, f"{self.name} pings {peer.inner(family)} with {size} bytes: of {count}, lost {sorted(lost)}"

    def can_ping(self, peer, family=4, count=1, size=56, timeout=1.0):
        """Does any answer come?"""
        return bool(self.host.ping(peer.inner(family), count, size, timeout))


def _peer(row):
    public, psk, endpoint, allowed, handshake, rx, tx, keepalive = row
    return Peer(public, psk, endpoint, allowed, int(handshake), int(rx), int(tx), keepalive)


def connect(a, b, psk=None, initiator=None, mtu=1420, keepalive=None):
    """Configures both ends for each other and brings them up.

    With `initiator`, only that one knows where the other is: no other can begin."""
    for me, other in ((a, b), (b, a)):
        me.setconf(me.configuration(other, psk, initiator in (None, me), keepalive))
    for me in (a, b):
        me.bring_up(mtu)
