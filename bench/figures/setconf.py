"""The time of `wg setconf` with many peers, and whether it is linear in their number."""

import statistics
import time

from .. import config
from ..daemon import INTERFACE, Daemon
from ..implementations import Implementation
from ..tunnel import CONF, PORT
from .figure import Bench, Figure, Measure, at_most

SIZES = (1_000, 5_000, 10_000)
REPEATS = 3
# A peer among 10,000 may cost this much more than one among 1,000: caches, not a worse algorithm, which shows as 10.
LINEAR = 2.0


class Setconf(Figure):
    name = "setconf"

    @property
    def measures(self) -> tuple[Measure, ...]:
        times = [Measure(f"setconf.{size}", f"wg setconf, {size:,} peers", "ms", 1e3,
                         at_most(0.5) if size == SIZES[-1] else None) for size in SIZES]
        return (*times, Measure("setconf.linear", "wg setconf, a peer of 10,000 / of 1,000", "x", 1,
                                at_most(LINEAR)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        times = {size: statistics.median(once(bench, implementation, size) for _ in range(REPEATS))
                 for size in SIZES}
        linear = (times[SIZES[-1]] / SIZES[-1]) / (times[SIZES[0]] / SIZES[0])
        return {**{f"setconf.{size}": taken for size, taken in times.items()}, "setconf.linear": linear}


def once(bench: Bench, implementation: Implementation, size: int) -> float:
    machine = bench.lab.right
    machine.path(CONF).write_text(config.text(config.new_key(), PORT, config.strangers(size)),
                                  encoding="ascii")
    daemon = Daemon(machine, implementation)
    try:
        start = time.monotonic()
        machine.run("wg", "setconf", INTERFACE, CONF)
        taken = time.monotonic() - start
        known = len(machine.run("wg", "show", INTERFACE, "peers").split())
    finally:
        daemon.close()
    assert known == size, f"{implementation.name} knows {known} of {size} peers"
    return taken
