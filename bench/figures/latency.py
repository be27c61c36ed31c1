"""Round-trip times through the tunnel: idle, and beside a TCP stream that fills it."""

from .. import traffic
from ..implementations import Implementation
from ..tunnel import Tunnel
from .figure import Bench, Figure, Measure, ratio_at_most

IDLE_INTERVAL = 0.002
LOAD_INTERVAL = 0.004
# TCP first has to fill the queues; then, after the pings, there is the wait for the last of them.
RAMP_PINGS = 100
SPARE_SECONDS = 3


class PingIdle(Figure):
    name = "ping-idle"
    has_limits = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("ping-idle.p50", "ping, idle, p50", "ms", 1e3, ratio_at_most(0.6)),
                Measure("ping-idle.p99", "ping, idle, p99", "ms", 1e3))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with Tunnel(bench.lab, implementation) as tunnel:
            times = traffic.ping(tunnel, bench.build, bench.effort.pings, IDLE_INTERVAL)
        return {f"ping-idle.{name}": times[name] for name in ("p50", "p99")}


class PingLoad(Figure):
    name = "ping-load"
    has_limits = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("ping-load.p50", "ping beside 1 TCP stream, p50", "ms", 1e3),
                Measure("ping-load.p99", "ping beside 1 TCP stream, p99", "ms", 1e3, ratio_at_most(0.5)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        seconds = (RAMP_PINGS + bench.effort.pings) * LOAD_INTERVAL + SPARE_SECONDS
        with Tunnel(bench.lab, implementation) as tunnel, traffic.tcp_meanwhile(tunnel, 1, seconds):
            traffic.ping(tunnel, bench.build, RAMP_PINGS, LOAD_INTERVAL)
            times = traffic.ping(tunnel, bench.build, bench.effort.pings, LOAD_INTERVAL)
        return {f"ping-load.{name}": times[name] for name in ("p50", "p99")}
