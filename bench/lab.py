"""Two machines and a wire: network namespaces joined by a veth pair.

A machine is a process that holds a network namespace and a mount namespace with a /run of its own, so that
each has its own /var/run/wireguard.  Nothing gets a name outside.  The bench itself was started with
`unshare --pid` (see isolate.py): its first child, which must be the anchor, is process 1 of a PID namespace in which
everything else runs, and dies with the bench.  So nothing outlives a bench, however it ends.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from . import tools
from .errors import BenchError

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


class Anchor:
    """Process 1 of the bench's PID namespace: when it goes, all that the bench started goes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "sleep", "infinity"])

    def close(self) -> None:
        """Ends and reaps all of the bench's children: the anchor does not end before the others are reaped."""
        self._process.kill()
        while True:
            try:
                os.wait()
            except ChildProcessError:
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


class Lab:
    """Two machines, left and right, and the veth pair between them."""

    LEFT, RIGHT = "10.99.0.1", "10.99.0.2"

    def __init__(self) -> None:
        self._anchor = Anchor()
        self._made: list[Machine] = []
        try:
            self.left = self._machine("left")
            self.right = self._machine("right")
            self._wire()
        except BaseException:
            self.close()
            raise

    def _machine(self, name: str) -> Machine:
        machine = Machine(name)
        self._made.append(machine)
        return machine

    def _wire(self) -> None:
        self.left.run("ip", "link", "add", "wire", "type", "veth",
                      "peer", "name", "wire", "netns", f"/proc/{self.right.pid}/ns/net")
        for machine, address in ((self.left, self.LEFT), (self.right, self.RIGHT)):
            machine.run("ip", "address", "add", f"{address}/24", "dev", "wire")
            machine.run("ip", "link", "set", "wire", "up")

    def close(self) -> None:
        for machine in self._made:
            machine.close()
        self._anchor.close()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def all_pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def net_namespace(pid: int) -> int | None:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:  # it ended meanwhile
        return None
