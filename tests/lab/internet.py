"""An internet: a core that routes, a server on it, and sites behind NATs of every kind of RFC 4787.

    server 203.0.113.1, .2 ── core ── 198.51.N.2 router ── 192.168.N.0/24 ── hosts .10, .11
                               2001:db8:N::/64

What a NAT does is nftables on the site's router:

| kind | mapping | filtering |
|---|---|---|
| public | none: the host has an address of the internet | none |
| six | none: IPv6 only | none |
| full | endpoint-independent | endpoint-independent |
| address | endpoint-independent | address-dependent |
| port | endpoint-independent | address- and port-dependent |
| symmetric | address- and port-dependent | address- and port-dependent |
| blocked | as port, and UDP does not pass at all | |
| double | two layers of `port` | |
"""

import itertools

from lab import host as hosts
from lab import sandbox

SERVER4 = "203.0.113.1"
SERVER4_SECOND = "203.0.113.2"
SERVER6 = "2001:db8:ffff::1"
KINDS = ("public", "full", "address", "port", "symmetric", "blocked", "double")

_BASE = """
table ip warren_nat
delete table ip warren_nat
table ip warren_nat {
%s
}
"""
# What nobody asked for never becomes a connection of the router's own: it would take the port.
_CLOSED = """
  chain input { type filter hook input priority 0; policy accept; iifname "wan" meta l4proto udp drop; }
"""
_OUT = """
  chain out { type nat hook postrouting priority srcnat; oifname "wan" %s; }
"""
_IN = """
  chain in { type nat hook prerouting priority dstnat; iifname "wan" udp dport 1024-65535 %s dnat to %s; }
"""
_NOTE = """
  set sent { type ipv4_addr; flags dynamic, timeout; timeout 5m; }
  chain note { type filter hook forward priority 0; oifname "wan" meta l4proto udp update @sent { ip daddr }; }
"""
_NO_UDP = """
  chain nothing { type filter hook forward priority 0; meta l4proto udp drop; }
"""


def _rules(kind, inside):
    """nftables for a router of that kind, with `inside` as the host that it opens itself to."""
    masquerade = _OUT % "masquerade"
    return {
        "full": masquerade + _IN % ("", inside),
        "address": masquerade + _NOTE + _IN % ("ip saddr @sent", inside) + _CLOSED,
        "port": masquerade + _CLOSED,
        "symmetric": _OUT % "masquerade random,fully-random" + _CLOSED,
        "blocked": masquerade + _NO_UDP + _CLOSED,
    }[kind]


class Site:
    """A router of one kind with a LAN behind it; a public one is a host alone."""

    def __init__(self, internet, number, kind, mtu=1500):
        self.internet, self.number, self.kind, self.mtu = internet, number, kind, mtu
        self.lan = f"192.168.{number}"
        self.hosts = itertools.count(10)
        self.outer = self.outermost = None
        if kind in ("public", "six"):
            return
        if kind == "double":
            self.outermost = self._router(f"cgn{number}", internet.core, f"198.51.{number}", "core", "port", f"100.64.{number}.2")
            self.outermost.ip(f"route add default via 198.51.{number}.1")
            self.router = self._router(f"router{number}", self.outermost, f"100.64.{number}", "cgn", "port", f"{self.lan}.10")
            self.router.ip(f"route add default via 100.64.{number}.1")
        else:
            self.router = self._router(f"router{number}", internet.core, f"198.51.{number}", "core", kind, f"{self.lan}.10")
            self.router.ip(f"route add default via 198.51.{number}.1")
        self.router.ip("link add lan type bridge")
        self.router.ip(f"address add {self.lan}.1/24 dev lan")
        self.router.ip("link set lan up")

    def _router(self, name, above, prefix, label, kind, inside):
        router = self.internet.lab.host(name)
        router.sysctl("net.ipv4.ip_forward", 1)
        hosts.link(router, "wan", above, f"{label}{self.number}"[:15], self.mtu)
        above.ip(f"address add {prefix}.1/24 dev {label}{self.number}")
        router.ip(f"address add {prefix}.2/24 dev wan")
        router.run("nft", "-f", "-", input=_BASE % _rules(kind, inside))
        return router

    def host(self, name):
        """A host of the site, with a file of names of its own."""
        host = self.internet.lab.host(name)
        names = sandbox.scratch("etc") / "hosts"
        names.write_text("127.0.0.1 localhost\n")
        host.run("mount", "--bind", str(names), "/etc/hosts")
        number = next(self.hosts)
        if self.kind == "six":
            return self._plug_six(host, number)
        if self.kind == "public":
            core = self.internet.core
            hosts.link(host, "eth0", core, f"core{self.number}x{number}", self.mtu)
            prefix = f"198.51.{self.number}"
            core.ip(f"address add {prefix}.1/32 dev core{self.number}x{number}")
            core.ip(f"route add {prefix}.{number}/32 dev core{self.number}x{number}")
            host.ip(f"address add {prefix}.{number}/24 dev eth0")
            host.ip(f"route add default via {prefix}.1")
            return host
        hosts.link(host, "eth0", self.router, f"lan{number}", self.mtu)
        self.router.ip(f"link set lan{number} master lan")
        host.ip(f"address add {self.lan}.{number}/24 dev eth0")
        host.ip(f"route add default via {self.lan}.1")
        return host

    def _plug_six(self, host, number):
        core, prefix = self.internet.core, f"2001:db8:{self.number}:{number}"
        hosts.link(host, "eth0", core, f"six{self.number}x{number}", self.mtu)
        core.ip(f"address add {prefix}::1/64 dev six{self.number}x{number} nodad")
        host.ip(f"address add {prefix}::10/64 dev eth0 nodad")
        host.ip(f"-6 route add default via {prefix}::1")
        return host

    @property
    def outside(self):
        """The address that the internet sees."""
        return f"198.51.{self.number}.{10 if self.kind == 'public' else 2}"

    def hairpin(self):
        """What hosts of the LAN send to the router's own address comes back in, as from there."""
        self.router.run("nft", "-f", "-", input=f"""
table ip warren_hairpin {{
  chain in {{ type nat hook prerouting priority dstnat; iifname "lan" ip daddr 198.51.{self.number}.2 udp dport 1024-65535 dnat to {self.lan}.10; }}
  chain out {{ type nat hook postrouting priority srcnat; iifname "lan" oifname "lan" masquerade; }}
}}
""")

    def forget(self):
        """The NAT loses its mappings, as a router that starts again."""
        for router in filter(None, (self.router, self.outermost)):
            router.run("conntrack", "-F", check=False)


class Internet:
    def __init__(self, lab):
        self.lab = lab
        self.core = lab.host("core")
        self.core.sysctl("net.ipv4.ip_forward", 1)
        self.core.sysctl("net.ipv6.conf.all.forwarding", 1)
        self.numbers = itertools.count(1)
        self.server_host = lab.host("server")
        hosts.link(self.server_host, "eth0", self.core, "server")
        self.core.ip("address add 203.0.113.254/24 dev server")
        self.core.ip("address add 2001:db8:ffff::254/64 dev server nodad")
        for address in (SERVER4, SERVER4_SECOND):
            self.server_host.ip(f"address add {address}/24 dev eth0")
        self.server_host.ip(f"address add {SERVER6}/64 dev eth0 nodad")
        self.server_host.ip("route add default via 203.0.113.254")
        self.server_host.ip("-6 route add default via 2001:db8:ffff::254")

    def site(self, kind, **options):
        return Site(self, next(self.numbers), kind, **options)

    def host(self, kind, name=None):
        """A host at a site of its own."""
        site = self.site(kind)
        host = site.host(name or f"{kind}{site.number}")
        host.site = site
        return host

    def watch(self, a, b):
        """Counts what passes between two addresses directly, from now on: returns how much did."""
        self.core.nft("forward", f"ip saddr {a} ip daddr {b} counter name direct", f"ip saddr {b} ip daddr {a} counter name direct",
                      counters=("direct",))
        return lambda: self.core.nft_counter("direct")

    def cut(self, a, b):
        """Nothing passes between the two addresses any more, either way."""
        self.core.nft("forward", f"ip saddr {a} ip daddr {b} drop", f"ip saddr {b} ip daddr {a} drop")

    def mend(self):
        self.core.nft("forward")
