"""A tunnel between the lab's two machines, of a given implementation, ready for traffic."""

from dataclasses import dataclass

from . import config
from .daemon import INTERFACE, Daemon
from .implementations import Implementation
from .lab import Lab, Machine

LEFT, RIGHT = "10.98.0.1", "10.98.0.2"
PORT = 51820
# As wg-quick sets it on Ethernet: 1500 less 40 (IPv6), 8 (UDP) and 32 (WireGuard).
MTU = 1420
# Where a configuration lies for `wg setconf`: on the machine's own /run.
CONF = "/var/run/bench.conf"


@dataclass
class Address:
    """Where traffic goes: from the left machine to this address on the right one."""

    left: str
    right: str


class Tunnel:
    """Left and right joined by two daemons; the right one may have strangers as further peers."""

    def __init__(self, lab: Lab, implementation: Implementation, strangers: int = 0) -> None:
        self.lab = lab
        self._daemons: list[Daemon] = []
        self.address = Address(Lab.LEFT, Lab.RIGHT)
        try:
            if implementation.command:
                self._bring_up(implementation, strangers)
            self.check()
        except BaseException:
            self.close()
            raise

    def _bring_up(self, implementation: Implementation, strangers: int) -> None:
        self.address = Address(LEFT, RIGHT)
        left_key, right_key = config.new_key(), config.new_key()
        for machine in (self.lab.left, self.lab.right):
            self._daemons.append(Daemon(machine, implementation))
        give_address(self.lab.left, LEFT)
        give_address(self.lab.right, RIGHT)
        set_conf(self.lab.right, config.text(right_key, PORT, [
            config.Peer(left_key.public, f"{LEFT}/32"), *config.strangers(strangers)]))
        set_conf(self.lab.left, config.text(left_key, PORT, [
            config.Peer(right_key.public, f"{RIGHT}/32", f"{Lab.RIGHT}:{PORT}")]))

    def check(self) -> None:
        """Fails unless packets go through; makes the handshake happen."""
        self.lab.left.run("ping", "-q", "-c", "3", "-i", "0.01", "-W", "5", self.address.right)

    @property
    def left_daemon(self) -> Daemon:
        return self._daemons[0]

    @property
    def right_daemon(self) -> Daemon:
        return self._daemons[1]

    def cpu_seconds(self) -> float:
        """CPU time of the daemons on both ends so far."""
        return sum(daemon.cpu_seconds() for daemon in self._daemons)

    def close(self) -> None:
        for daemon in self._daemons:
            daemon.close()

    def __enter__(self) -> "Tunnel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def give_address(machine: Machine, address: str) -> None:
    machine.run("ip", "address", "add", f"{address}/24", "dev", INTERFACE)
    machine.run("ip", "link", "set", INTERFACE, "mtu", str(MTU), "up")


def set_conf(machine: Machine, text: str) -> None:
    machine.path(CONF).write_text(text, encoding="ascii")
    machine.run("wg", "setconf", INTERFACE, CONF)
