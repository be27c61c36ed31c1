"""Two machines through the hub's port, unopened, beside a WireGuard program that opens and seals again."""

from .. import relay, search, traffic
from ..implementations import Implementation
from ..through import Through
from .datagrams import HEADERS
from .figure import Bench, Figure, Measure, ratio_at_least, ratio_at_most

WARM_UP_SECONDS = 1


class RelayTcp(Figure):
    def __init__(self, streams: int) -> None:
        self.streams = streams
        self.name = f"relay-tcp{streams}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"relayed, unopened: TCP, {self.streams} stream{'s' if self.streams > 1 else ''}"
        return (Measure(self.name, label, "Gbit/s", 1e-9, ratio_at_least(3)),
                Measure(f"{self.name}.cpu", f"{label}: CPU of the hub", "s/GB", 1, ratio_at_most(0.15)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with relay.relayed(bench.lab, bench.build, implementation) as path:
            traffic.tcp(path, self.streams, WARM_UP_SECONDS)
            before = path.hub_cpu_seconds()
            stream = traffic.tcp(path, self.streams, bench.effort.tcp_seconds)
            cpu = path.hub_cpu_seconds() - before
            return {self.name: stream.bits_per_second, f"{self.name}.cpu": cpu / stream.gigabytes}


class RelayUdp(Figure):
    def __init__(self, size: int) -> None:
        self.size = size
        self.name = f"relay-udp{size}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure(self.name, f"relayed, unopened: UDP, packets of {self.size:,} B, loss < 1 %", "1,000/s", 1e-3,
                        ratio_at_least(3)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with relay.relayed(bench.lab, bench.build, implementation) as path:
            return {self.name: self._highest(bench, path)}

    def _highest(self, bench: Bench, path: Through) -> float:
        with traffic.Datagrams(path, bench.build).counting() as counter:
            return search.highest_rate(
                lambda rate: counter.trial(self.size - HEADERS, rate, bench.effort.trial_seconds))
