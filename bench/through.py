"""Two machines joined through a hub: `warren serve`, or a WireGuard program behind which the kernel forwards."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from . import config, implementations
from .daemon import INTERFACE, Daemon
from .implementations import Implementation
from .lab import Machine, Star
from .served import HUB_PORT, Served
from .tunnel import MTU, Address, set_conf

LEFT, RIGHT, RANGE = "10.100.0.2", "10.100.0.3", "10.100.0.0/16"
ADDRESS = re.compile(r"^Address\s*=\s*([\d.]+)", re.MULTILINE)
NOT_FOR_WG = re.compile(r"^(Address|MTU)\s*=.*\n", re.MULTILINE)


class Through(contextlib.ExitStack):
    """What traffic.py takes for a tunnel. The machines run Warren, whatever the hub is."""

    def __init__(self, star: Star, build: Path) -> None:
        super().__init__()
        self.lab = star
        self.address = Address(LEFT, RIGHT)
        self.ends = implementations.warren(build)
        self.hub_cpu_seconds: Callable[[], float]  # of its process, in user and kernel mode

    def machine(self, machine: Machine, address: str, text: str) -> None:
        """A machine's WireGuard program, with a text that wg(8) reads."""
        daemon = Daemon(machine, self.ends)
        self.callback(daemon.close)
        machine.run("ip", "address", "add", f"{address}/16", "dev", INTERFACE)
        machine.run("ip", "link", "set", INTERFACE, "mtu", str(MTU), "up")
        set_conf(machine, text)

    def check(self) -> None:
        """Fails unless packets go through; makes the handshakes happen."""
        # The hub learns where a machine is when that begins: the first ping is lost for want of the other's.
        for machine, other, wanted in ((self.lab.right, LEFT, "true"), (self.lab.left, RIGHT, "false")):
            machine.run("sh", "-c", f"for i in 1 2 3 4 5 6; do ping -q -c 1 -W 1 {other} && exit; {wanted} && exit; done; exit 1")


class ThroughServer(Through):
    """The hub is `warren serve`; its first organisation has the two machines."""

    def __init__(self, star: Star, build: Path) -> None:
        super().__init__(star, build)
        try:
            self.served: Served = self.enter_context(Served(star, build))
            self.hub_cpu_seconds = self.served.cpu_seconds
            self.org = self.served.org("Bench", machine_quota=65000)
            self.made = [self.served.add(self.org, name, tags=[name]) for name in ("left", "right")]
            for machine, made in zip((star.left, star.right), self.made):
                self.machine(machine, ADDRESS.search(made["config"])[1], NOT_FOR_WG.sub("", made["config"]))
            self.check()
        except BaseException:
            self.close()
            raise


class ThroughKernel(Through):
    """The hub is a WireGuard program with two peers; the kernel forwards from its interface to its interface."""

    def __init__(self, star: Star, build: Path, implementation: Implementation) -> None:
        super().__init__(star, build)
        try:
            self._bring_up(implementation)
            self.check()
        except BaseException:
            self.close()
            raise

    def _bring_up(self, implementation: Implementation) -> None:
        hub, left, right = (config.new_key() for _ in range(3))
        machine = self.lab.hub
        daemon = Daemon(machine, implementation)
        self.callback(daemon.close)
        self.hub_cpu_seconds = daemon.cpu_seconds
        machine.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        machine.run("ip", "address", "add", "10.100.0.1/16", "dev", INTERFACE)
        machine.run("ip", "link", "set", INTERFACE, "mtu", str(MTU), "up")
        set_conf(machine, config.text(hub, HUB_PORT, [
            config.Peer(left.public, f"{LEFT}/32"), config.Peer(right.public, f"{RIGHT}/32")]))
        for end, key, address in ((self.lab.left, left, LEFT), (self.lab.right, right, RIGHT)):
            self.machine(end, address, config.text(key, HUB_PORT, [
                config.Peer(hub.public, RANGE, f"{Star.HUB_LEFT}:{HUB_PORT}")]))


def through(star: Star, build: Path, implementation: Implementation) -> Through:
    """Warren's hub for Warren; for every other program the kernel behind it."""
    if implementation.name == "warren":
        return ThroughServer(star, build)
    return ThroughKernel(star, build, implementation)
