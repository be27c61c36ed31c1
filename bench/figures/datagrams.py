"""UDP datagrams a second that arrive with less than 1 % loss."""

from .. import search, traffic
from ..implementations import Implementation
from ..tunnel import Tunnel
from .figure import Bench, Figure, Measure, ratio_at_least


# IPv4 and UDP: `size` is that of the packet in the tunnel, so that one of 1,400 B fits its MTU of 1,420.
HEADERS = 20 + 8


class Udp(Figure):
    has_limits = True

    def __init__(self, size: int) -> None:
        self.size = size
        self.name = f"udp{size}"

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"UDP, packets of {self.size:,} B, loss < 1 %"
        return (Measure(self.name, label, "1,000/s", 1e-3, ratio_at_least(3.5)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with (Tunnel(bench.lab, implementation) as tunnel,
              traffic.Datagrams(tunnel, bench.build).counting() as counter):
            rate = search.highest_rate(
                lambda rate: counter.trial(self.size - HEADERS, rate, bench.effort.trial_seconds))
        return {self.name: rate}
