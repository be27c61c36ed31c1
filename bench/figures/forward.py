"""Two machines through a hub: Warren's, or a WireGuard program behind which the kernel forwards."""

from .. import search, traffic
from ..implementations import Implementation
from ..through import Through, ThroughServer, through
from .figure import Bench, Figure, Measure, at_least, ratio_at_least

HEADERS = 20 + 8
SMALL = 64
RULES, TAGS = 10_000, 1_000
# Machines that have the tags, each its share of them.
TAGGED = 100
WARM_UP_SECONDS = 1


class HubTcp(Figure):
    def __init__(self, streams: int) -> None:
        self.streams = streams
        self.name = f"hub-tcp{streams}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"through the hub: TCP, {self.streams} stream{'s' if self.streams > 1 else ''}"
        return (Measure(self.name, label, "Gbit/s", 1e-9, ratio_at_least(3)),
                Measure(f"{self.name}.cpu", f"{label}: CPU of the hub", "s/GB", 1))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with through(bench.lab, bench.build, implementation) as path:
            traffic.tcp(path, self.streams, WARM_UP_SECONDS)
            before = path.hub_cpu_seconds()
            stream = traffic.tcp(path, self.streams, bench.effort.tcp_seconds)
            cpu = path.hub_cpu_seconds() - before
            return {self.name: stream.bits_per_second, f"{self.name}.cpu": cpu / stream.gigabytes}


class HubUdp(Figure):
    name = f"hub-udp{SMALL}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure(self.name, f"through the hub: UDP, packets of {SMALL} B, loss < 1 %", "1,000/s", 1e-3,
                        ratio_at_least(3)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with through(bench.lab, bench.build, implementation) as path:
            return {self.name: small_packets(bench, path)}


def small_packets(bench: Bench, path: Through) -> float:
    with traffic.Datagrams(path, bench.build).counting() as counter:
        return search.highest_rate(
            lambda rate: counter.trial(SMALL - HEADERS, rate, bench.effort.trial_seconds))


class ManyRules(Figure):
    """The measured policy stands between two runs under the empty one, so that a machine that drifts does not count."""

    name = "hub-rules"
    is_ours_alone = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"{RULES:,} rules over {TAGS:,} tags / no rules"
        return (Measure("hub-rules.tcp", f"TCP: {label}", "", 1, at_least(0.95)),
                Measure("hub-rules.udp", f"UDP, packets of {SMALL} B: {label}", "", 1, at_least(0.95)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with ThroughServer(bench.lab, bench.build) as path:
            each = TAGS // TAGGED
            path.served.at_once(8, lambda number: path.served.add(
                path.org, "tagged", tags=[f"t{number * each + i}" for i in range(each)]), range(TAGGED))

            def stream() -> float:
                traffic.tcp(path, 1, WARM_UP_SECONDS)
                return traffic.tcp(path, 1, bench.effort.tcp_seconds).bits_per_second

            return {"hub-rules.tcp": kept(path, stream),
                    "hub-rules.udp": kept(path, lambda: small_packets(bench, path))}


def kept(path: ThroughServer, take) -> float:
    """The share that is kept under many rules."""
    found = []
    for text in ("default allow\n", many_rules(), "default allow\n"):
        path.served.set_policy(path.org, text)
        found.append(take())
    return 2 * found[1] / (found[0] + found[2])


def many_rules() -> str:
    """Rules between tags, none of which is for the two machines; the last allows them."""
    rules = [f"allow tag:t{number * 7 % TAGS} -> tag:t{number * 13 % TAGS} tcp {1000 + number}" for number in range(RULES - 1)]
    return "\n".join([*rules, "allow tag:left tag:right -> tag:left tag:right", "default deny", ""])
