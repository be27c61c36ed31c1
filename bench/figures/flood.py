"""What strangers can do: the share of its throughput that a tunnel keeps while its port is flooded with garbage
initiations, each from another address, and the rate at which initiations are matched among many keys."""

import json

from .. import tools, traffic
from ..hub import HubTunnel
from ..implementations import Implementation
from ..tunnel import Tunnel
from .figure import Bench, Figure, Measure, at_least

# With 10,000 keys and no bound on the work for strangers, this would take both cores of a small machine.
RATE = 10_000
KEYS = 10_000
INITIATIONS = 2_000


class Flood(Figure):
    name = "flood"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("flood.kept", f"TCP kept under {RATE:,}/s of garbage, 1 key", "", 1, at_least(0.9)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with Tunnel(bench.lab, implementation) as tunnel:
            return {"flood.kept": kept(bench, tunnel)}


class ManyKeys(Figure):
    name = "manykeys"
    is_ours_alone = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("manykeys.matched", f"initiations matched among {KEYS:,} keys", "/s", 1, at_least(5_000)),
                Measure("manykeys.named", "the same with the Diffie-Hellman that names the sender", "/s"),
                Measure("manykeys.garbage", f"initiations refused among {KEYS:,} keys", "/s"),
                Measure("manykeys.kept", f"TCP kept under {RATE:,}/s of garbage, {KEYS:,} keys", "", 1,
                        at_least(0.9)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        rates = json.loads(tools.output_of([str(bench.build / "bench/manykeys"), str(KEYS), str(INITIATIONS)]))
        with HubTunnel(bench.lab, implementation, bench.build, KEYS) as tunnel:
            share = kept(bench, tunnel)
        return {"manykeys.matched": rates["matched"], "manykeys.named": rates["named"],
                "manykeys.garbage": rates["garbage"], "manykeys.kept": share}


def kept(bench: Bench, tunnel: Tunnel) -> float:
    """The flooded run stands between two quiet ones, so that a machine that drifts does not count."""
    seconds = bench.effort.tcp_seconds
    before = traffic.tcp(tunnel, 1, seconds)
    with traffic.flood(tunnel, bench.build, RATE):
        flooded = traffic.tcp(tunnel, 1, seconds)
    after = traffic.tcp(tunnel, 1, seconds)
    return 2 * flooded.bits_per_second / (before.bits_per_second + after.bits_per_second)
