"""A host: a network namespace and a mount namespace with a /run/wireguard of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess

from . import ping, sandbox

_SET_UP = """
mount -t tmpfs wireguard /run/wireguard
mount -t sysfs sysfs /sys
ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo ready
exec sleep infinity
"""


class CommandFailed(AssertionError):
    """A command ended with a status other than 0."""


class Host:
    def __init__(self, name):
        self.name = name
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec", _SET_UP],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise RuntimeError(f"no namespaces for host {name}")
        self.pid = self.holder.pid
        self._own_net = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._net = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __repr__(self):
        return f"<host {self.name}>"

    def processes(self):
        """{pid: command} of what runs in the host's namespaces, but for what holds them open."""
        net = os.readlink(f"/proc/{self.pid}/ns/net")
        return {pid: command for pid, command in sandbox.processes().items()
                if pid != self.pid and sandbox.net_of(pid) == net}

    def end_all(self):
        """Ends every process on this host."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self):
        """Ends what a failed test may have left running on this host, and the host."""
        self.end_all()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        os.close(self._net)
        os.close(self._own_net)

    # Commands

    def wrap(self, *argv):
        """The command line that runs `argv` on this host."""
        return ["nsenter", f"--target={self.pid}", "--net", "--mount", f"--wd={os.getcwd()}", "--", *map(str, argv)]

    def popen(self, *argv, **options):
        return subprocess.Popen(self.wrap(*argv), **options)

    def run(self, *argv, check=True, input=None, env=None, timeout=30):
        """Runs a command; returns what it printed.  Fails the test if it fails."""
        done = self.try_run(*argv, input=input, env=env, timeout=timeout)
        if check and done.returncode != 0:
            raise CommandFailed(f"{self.name}: {' '.join(map(str, argv))}: status {done.returncode}\n"
                                f"{done.stdout}{done.stderr}")
        return done.stdout

    def try_run(self, *argv, input=None, env=None, timeout=30):
        return subprocess.run(self.wrap(*argv), input=input, text=True, capture_output=True, timeout=timeout,
                              env=None if env is None else dict(os.environ, **env))

    def ip(self, *args):
        return self.run("ip", *" ".join(map(str, args)).split())

    def nft(self, hook, *rules, counters=(), priority=0):
        """A filter chain with `rules`, in a table of its own; the one of before goes."""
        lines = ["table inet warren_test", "delete table inet warren_test", "table inet warren_test {"]
        lines += [f"counter {name} {{ }}" for name in counters]
        lines += [f"chain {hook} {{", f"type filter hook {hook} priority {priority}; policy accept;", *rules, "}", "}"]
        self.run("nft", "-f", "-", input="\n".join(lines) + "\n")

    def nft_counter(self, name):
        """Packets that the counter saw."""
        listed = json.loads(self.run("nft", "-j", "list", "counters"))["nftables"]
        return next(one["counter"]["packets"] for one in listed if one.get("counter", {}).get("name") == name)

    def nstat(self, name):
        """One of the kernel's network counters."""
        return json.loads(self.run("nstat", "--json", "--zeros", "--ignore", "--noupdate", name))["kernel"][name]

    def sysctl(self, name, value):
        with open_in(self, f"/proc/sys/{name.replace('.', '/')}", "w") as file:
            file.write(str(value))

    # What a test does itself, in this host's namespaces

    @contextlib.contextmanager
    def net(self):
        """Sockets made in here belong to this host."""
        sandbox.setns(self._net, sandbox.CLONE_NEWNET)
        try:
            yield self
        finally:
            sandbox.setns(self._own_net, sandbox.CLONE_NEWNET)

    def ping(self, address, count, size, timeout):
        """Which of `count` echo requests were answered: their numbers, from 1."""
        return ping.ping(self, address, count, size, timeout)

    def is_listening(self, port):
        """Is a UDP socket bound to `port`?"""
        with open(f"/proc/{self.pid}/net/udp") as v4, open(f"/proc/{self.pid}/net/udp6") as v6:
            locals_ = [line.split()[1] for file in (v4, v6) for line in file.readlines()[1:]]
        return any(address.endswith(f":{port:04X}") for address in locals_)

    def socket(self, family, kind, proto=0):
        with self.net():
            return socket.socket(family, kind, proto)

    def path(self, path):
        """Where this process finds a file of the host."""
        return f"/proc/{self.pid}/root{path}"

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def links(self):
        with self.net():
            return [name for _, name in socket.if_nameindex()]


@contextlib.contextmanager
def open_in(host, path, mode):
    # /proc/sys/net shows the namespace of whoever opens it.
    with host.net():
        file = open(path, mode)
    with file:
        yield file


def link(a, a_name, b, b_name, mtu=1500):
    """Joins two hosts with a veth pair, up."""
    a.ip(f"link add {a_name} mtu {mtu} type veth peer name {b_name} mtu {mtu} netns {b.pid}")
    a.ip(f"link set {a_name} up")
    b.ip(f"link set {b_name} up")
