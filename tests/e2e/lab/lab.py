"""The lab of one test: it makes hosts, links and daemons, and clears them all away."""

from contextlib import ExitStack

from . import daemon, host, tunnel


class Lab:
    def __init__(self):
        self._stack = ExitStack()
        self.daemons = []

    def host(self, name):
        new = host.Host(name)
        self._stack.callback(new.close)
        return new

    def daemon(self, on, iface="wg0", kind="warren", env=None, **options):
        """A daemon on host `on`, usable."""
        new = daemon.Daemon(on, iface, kind, env, **options)
        self.daemons.append(new)
        self._stack.callback(new.stop)
        return new.wait_usable()

    def keep(self, thing):
        """Closes `thing` when the test ends."""
        self._stack.callback(thing.close)
        return thing

    def end(self, on, number, kind="warren", env=None, iface="wg0", **options):
        """An end of a tunnel: a daemon with a key, not yet configured."""
        running = self.daemon(on, iface, kind, env) if kind != "none" else None
        return tunnel.End(on, number, iface=iface, daemon=running, **options)

    def neighbours(self, kind_a="warren", kind_b="warren", family=4, mtu=1500, env=None):
        """Two hosts side by side, joined by one veth pair (v0 on both), each with an end."""
        a_host, b_host = self.host("a"), self.host("b")
        host.link(a_host, "v0", b_host, "v0", mtu)
        return self._ends(a_host, b_host, kind_a, kind_b, family, env)

    def routed(self, kind_a="warren", kind_b="warren", family=4, mtu_a=1500, mtu_b=1500, env=None):
        """Two hosts with a router between them: (end a, end b, router).

        The router's interfaces are `to-a` and `to-b`."""
        a_host, router, b_host = self.host("a"), self.host("router"), self.host("b")
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            router.sysctl(name, 1)
        host.link(a_host, "v0", router, "to-a", mtu_a)
        host.link(b_host, "v0", router, "to-b", mtu_b)
        for number, (side, iface) in enumerate(((a_host, "to-a"), (b_host, "to-b")), 1):
            router.ip(f"address add 192.168.{number}.254/24 dev {iface}")
            router.ip(f"address add fd00:{number}::254/64 dev {iface} nodad")
            side.ip(f"address add 192.168.{number}.1/24 dev v0")
            side.ip(f"address add fd00:{number}::1/64 dev v0 nodad")
            side.ip(f"route add default via 192.168.{number}.254")
            side.ip(f"-6 route add default via fd00:{number}::254")
        a, b = (self.end(on, number, kind, env) for number, (on, kind) in
                enumerate(((a_host, kind_a), (b_host, kind_b)), 1))
        for end in (a, b):
            end.outer = f"fd00:{end.number}::1" if family == 6 else f"192.168.{end.number}.1"
        return a, b, router

    def _ends(self, a_host, b_host, kind_a, kind_b, family, env):
        ends = []
        for number, (on, kind) in enumerate(((a_host, kind_a), (b_host, kind_b)), 1):
            on.ip(f"address add 192.168.7.{number}/24 dev v0")
            on.ip(f"address add fd07::{number}/64 dev v0 nodad")
            end = self.end(on, number, kind, env)
            end.outer = f"fd07::{number}" if family == 6 else f"192.168.7.{number}"
            ends.append(end)
        return ends

    def logs(self):
        return [(f"{one.kind} on {one.host.name}", one.said()) for one in self.daemons]

    def close(self):
        self._stack.close()
