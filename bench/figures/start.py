"""The time from start to a usable interface, and the size of the program."""

import shutil
import statistics
import tempfile
from pathlib import Path

from .. import tools
from ..daemon import INTERFACE, SOCKET, environment
from ..implementations import Implementation
from .figure import Bench, Figure, Measure, at_most

REPEATS = 9


class Start(Figure):
    name = "start"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("start", "start to usable interface", "ms", 1e3, at_most(0.010)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        return {"start": statistics.median(once(bench, implementation) for _ in range(REPEATS))}


def once(bench: Bench, implementation: Implementation) -> float:
    machine = bench.lab.right
    try:
        said = tools.output_of(["env", f"LOG_LEVEL={environment()['LOG_LEVEL']}", *machine.inside([
            str(bench.build / "bench/startup"), SOCKET, *implementation.command, INTERFACE])])
    finally:
        machine.end_all()
        machine.await_no_link(INTERFACE)
    return float(said) / 1e3


class Size(Figure):
    name = "size"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("size", "program, stripped", "MiB", 2 ** -20, at_most(2 ** 20)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "program"
            shutil.copy(implementation.program, copy)
            tools.output_of(["strip", str(copy)])
            return {"size": copy.stat().st_size}
