"""TCP throughput, and the CPU time that the daemons on both ends spend for it."""

from .. import traffic
from ..implementations import Implementation
from ..tunnel import Tunnel
from .figure import Bench, Figure, Measure, ratio_at_least, ratio_at_most

WARM_UP_SECONDS = 1


class Tcp(Figure):
    has_limits = True

    def __init__(self, streams: int) -> None:
        self.streams = streams
        self.name = f"tcp{streams}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"TCP, {self.streams} stream{'s' if self.streams > 1 else ''}"
        return (
            Measure(self.name, label, "Gbit/s", 1e-9, ratio_at_least(2.2)),
            Measure(f"{self.name}.cpu", f"{label}: CPU of both daemons", "s/GB", 1, ratio_at_most(0.4)),
        )

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with Tunnel(bench.lab, implementation) as tunnel:
            traffic.tcp(tunnel, self.streams, WARM_UP_SECONDS)
            before = tunnel.cpu_seconds()
            stream = traffic.tcp(tunnel, self.streams, bench.effort.tcp_seconds)
            cpu = tunnel.cpu_seconds() - before
        return {self.name: stream.bits_per_second, f"{self.name}.cpu": cpu / stream.gigabytes}
