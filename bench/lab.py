"""Machines and wires: network namespaces joined by veth pairs.

A machine is a process that holds a network namespace and a mount namespace with a /run of its own, so that
each has its own /var/run/wireguard.  Nothing gets a name outside.  The bench is process 1 of a PID namespace (see
isolate.py): nothing that it starts outlives it, however it ends.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import tools
from .errors import BenchError

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

SET_UP = """
set -e
mount -t tmpfs tmpfs "$(readlink -f /var/run)"
mount -t sysfs sysfs /sys
mkdir -m 0755 /var/run/wireguard
ip link set lo up
# A flood comes from addresses that no route leads back to.
echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter
echo ready
exec sleep infinity
"""


def end_everything() -> None:
    """Ends and reaps all that the bench started, daemons too: all of its PID namespace but itself."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        return


class Machine:
    """A network namespace with a /run of its own, for as long as its holder process lives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", SET_UP],
            stdout=subprocess.PIPE, text=True)
        self.pid = self._holder.pid
        if self._holder.stdout.readline() != "ready\n":
            raise BenchError("cannot make a network namespace; root and Linux namespaces are needed")

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs argv on this machine; its working directory is /."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--", *argv]

    def run(self, *argv: str, stdin: str | None = None, timeout: float = 60) -> str:
        return tools.output_of(self.inside(argv), stdin=stdin, timeout=timeout)

    def spawn(self, *argv: str, **options) -> subprocess.Popen:
        """Starts argv on this machine; the Popen's pid is that of the program itself."""
        return subprocess.Popen(self.inside(argv), **options)

    def path(self, inside: str) -> Path:
        """How a file of this machine is reached from the bench."""
        # /var/run is an absolute symbolic link, which would lead back to the bench's own /run.
        return Path(f"/proc/{self.pid}/root{os.path.realpath(inside)}")

    @contextlib.contextmanager
    def net(self) -> Iterator[None]:
        """Sockets that this thread makes meanwhile belong to the machine."""
        with (open("/proc/self/task/%d/ns/net" % threading.get_native_id(), "rb") as own,
              open(f"/proc/{self.pid}/ns/net", "rb") as its):
            enter_net(its.fileno())
            try:
                yield
            finally:
                enter_net(own.fileno())

    def others(self) -> list[int]:
        """The processes on this machine, without its holder."""
        mine = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        return [pid for pid in all_pids() if pid != self.pid and net_namespace(pid) == mine]

    def end_all(self) -> None:
        """Ends every process on this machine, those that daemonised too."""
        for pid in self.others():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def await_no_link(self, name: str) -> None:
        """Returns once the interface is gone, which is after its last user is."""
        deadline = time.monotonic() + 10
        while name in self.links():
            if time.monotonic() > deadline:
                raise BenchError(f"{name} is still there on {self.name}")
            time.sleep(0.002)

    def links(self) -> list[str]:
        return os.listdir(self.path("/sys/class/net"))

    def close(self) -> None:
        self.end_all()
        self._holder.kill()
        self._holder.wait()
        self._holder.stdout.close()


class Machines:
    """What a bench runs on, from the constructor to close()."""

    def __init__(self) -> None:
        self._made: list[Machine] = []
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        raise NotImplementedError

    def _machine(self, name: str) -> Machine:
        machine = Machine(name)
        self._made.append(machine)
        return machine

    def close(self) -> None:
        for machine in self._made:
            machine.close()
        end_everything()

    def __enter__(self) -> "Machines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lab(Machines):
    """Two machines, left and right, and the veth pair between them."""

    LEFT, RIGHT = "10.99.0.1", "10.99.0.2"

    def _build(self) -> None:
        self.left = self._machine("left")
        self.right = self._machine("right")
        join(self.left, self.right, "wire")
        for machine, address in ((self.left, self.LEFT), (self.right, self.RIGHT)):
            give_wire(machine, "wire", address)


class Star(Machines):
    """A hub, and two machines that each have a wire to it and none to each other."""

    HUB_LEFT, LEFT, HUB_RIGHT, RIGHT = "10.99.1.254", "10.99.1.1", "10.99.2.254", "10.99.2.1"

    def _build(self) -> None:
        self.hub = self._machine("hub")
        for name, hub_address, address in (("left", self.HUB_LEFT, self.LEFT), ("right", self.HUB_RIGHT, self.RIGHT)):
            machine = self._machine(name)
            setattr(self, name, machine)
            join(machine, self.hub, "wire", name)
            give_wire(self.hub, name, hub_address)
            give_wire(machine, "wire", address)
            # One address of the hub is what all are told.
            machine.run("ip", "route", "add", "default", "via", hub_address)


def join(machine: Machine, other: Machine, name: str, other_name: str | None = None) -> None:
    machine.run("ip", "link", "add", name, "type", "veth",
                "peer", "name", other_name or name, "netns", f"/proc/{other.pid}/ns/net")


def give_wire(machine: Machine, name: str, address: str) -> None:
    machine.run("ip", "address", "add", f"{address}/24", "dev", name)
    machine.run("ip", "link", "set", name, "up")


def enter_net(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise BenchError(f"setns: {os.strerror(ctypes.get_errno())}")


def all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def net_namespace(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:  # it ended meanwhile
        return None
