"""Many organisations: what they take when nothing happens, and how fast new ones come to work."""

import time

from ..implementations import Implementation
from ..machines import Machines
from ..served import Served
from .figure import QUICK, Bench, Figure, Measure, at_least, at_most

MIB = 2 ** 20
ORGS, EACH, CLIENTS = 1_000, 10, 16
PAIRS, PAIRS_QUICK = 500, 200
# Handshakes under way: more than a hub does in the time after which they are begun again would never end.
AT_ONCE = 100
# What was done for the setup comes to rest: figures are written behind, sessions confirmed.
REST_SECONDS = 3


class Idle(Figure):
    name = "orgs"
    is_ours_alone = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        label = f"{ORGS:,} organisations of {EACH} machines"
        return (Measure("orgs.rss", f"{label}: resident", "MiB", 1 / MIB, at_most(64 * MIB)),
                Measure("orgs.shaken", f"{label}: resident, after each shook hands", "MiB", 1 / MIB, at_most(64 * MIB)),
                Measure("orgs.cpu", f"{label}: CPU when idle", "%", 100, at_most(0.01)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with Served(bench.lab, bench.build) as served, Machines(bench.lab, bench.build) as machines:
            made = [one for org in served.at_once(CLIENTS, lambda number: filled(served, number), range(ORGS)) for one in org]
            # Setting it up is not what it is: a fresh start holds what there is and no more.
            served.stop()
            served.start()
            time.sleep(REST_SECONDS)
            resident = served.memory()
            for number, one in enumerate(made, 1):
                machines.shake(f"m{number}", one)
                if number % AT_ONCE == 0:
                    machines.await_all(number)
            machines.await_all(len(made))
            time.sleep(REST_SECONDS)
            shaken = served.memory()
            seconds = 2.5 * bench.effort.tcp_seconds
            before = served.cpu_seconds()
            time.sleep(seconds)
            cpu = (served.cpu_seconds() - before) / seconds
        return {"orgs.rss": resident, "orgs.shaken": shaken, "orgs.cpu": cpu}


def filled(served: Served, number: int) -> list[dict]:
    org = served.org(f"Organisation {number}")
    return [served.add(org, f"machine {i}") for i in range(EACH)]


class Pairs(Figure):
    name = "pairs"
    is_ours_alone = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("pairs", "new organisations, each with a working pair of machines", "/s", 1, at_least(100)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        count = PAIRS_QUICK if bench.effort is QUICK else PAIRS
        with Served(bench.lab, bench.build) as served, Machines(bench.lab, bench.build) as machines:
            begun = time.monotonic()
            served.at_once(CLIENTS, lambda number: work(served, machines, number), range(count))
            machines.await_all(count)
            spent = time.monotonic() - begun
        return {"pairs": count / spent}


def work(served: Served, machines: Machines, number: int) -> None:
    org = served.org(f"Pair {number}")
    machines.pair(f"p{number}", served.add(org, "left"), served.add(org, "right"))
