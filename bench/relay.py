"""Two machines that have each other as peers at the hub's endpoint: its port passes on what it cannot open."""

from pathlib import Path

from . import tools
from .daemon import INTERFACE
from .errors import BenchError
from .implementations import Implementation
from .lab import Machine, Star
from .served import HUB_PORT
from .through import LEFT, RIGHT, Through, ThroughKernel, ThroughServer


class ThroughRelay(ThroughServer):
    """As ThroughServer; but each machine seals for the other, and the hub forwards nothing."""

    def __init__(self, star: Star, build: Path) -> None:
        super().__init__(star, build)
        try:
            self._keys = [tools.output_of(["wg", "pubkey"], stdin=private_of(made)).strip() for made in self.made]
            for machine, other, address in ((star.left, 1, RIGHT), (star.right, 0, LEFT)):
                machine.run("wg", "set", INTERFACE, "peer", self._keys[other],
                            "endpoint", f"{Star.HUB_LEFT}:{HUB_PORT}", "allowed-ips", f"{address}/32")
            self.check()
            self.require_relayed(star.left)
        except BaseException:
            self.close()
            raise

    def require_relayed(self, machine: Machine) -> None:
        """Fails unless the machine has a session with the other one itself."""
        for line in machine.run("wg", "show", INTERFACE, "latest-handshakes").splitlines():
            key, when = line.split()
            if key == self._keys[1] and int(when):
                return
        raise BenchError("the machines have no session with each other: the hub would be measured")


def private_of(made: dict) -> str:
    return next(line.split("=", 1)[1].strip() for line in made["config"].splitlines() if line.startswith("PrivateKey"))


def relayed(star: Star, build: Path, implementation: Implementation) -> Through:
    """Warren's relay; for every other program what it can do instead: open, let the kernel forward, seal."""
    if implementation.name == "warren":
        return ThroughRelay(star, build)
    return ThroughKernel(star, build, implementation)
