"""Resident memory: when configured, and after the throughput test."""

from .. import traffic
from ..implementations import Implementation
from ..tunnel import Tunnel
from .figure import Bench, Figure, Measure, Target, at_most

MIB = 2 ** 20
STREAMS = 8


class Memory(Figure):
    """Of the receiving daemon, which is the one with many peers."""

    def __init__(self, peers: int) -> None:
        self.peers = peers
        self.name = f"rss{peers}"

    @property
    def target(self) -> Target:
        return at_most((16 if self.peers == 1 else 40) * MIB)

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"resident memory, {self.peers:,} peer{'s' if self.peers > 1 else ''}"
        return (Measure(f"{self.name}.idle", f"{label}, configured", "MiB", 1 / MIB, self.target),
                Measure(f"{self.name}.after", f"{label}, after TCP", "MiB", 1 / MIB, self.target),
                Measure(f"{self.name}.peak", f"{label}, at most", "MiB", 1 / MIB))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with Tunnel(bench.lab, implementation, strangers=self.peers - 1) as tunnel:
            idle = tunnel.right_daemon.memory()
            for streams in (1, STREAMS):
                traffic.tcp(tunnel, streams, bench.effort.tcp_seconds)
            # The sender has one peer in both cases, and its memory counts too.
            after = [daemon.memory() for daemon in (tunnel.left_daemon, tunnel.right_daemon)]
        return {f"{self.name}.idle": idle["VmRSS"],
                f"{self.name}.after": max(memory["VmRSS"] for memory in after),
                f"{self.name}.peak": max(memory["VmHWM"] for memory in after)}
