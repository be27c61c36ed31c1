"""Meshes with real packets, on a LAN of namespaces: tests/lab/mesh_figures.py."""

import os
import subprocess
import sys
from pathlib import Path

from .agents import Line
from .errors import BenchError
from .implementations import ROOT
from .paths import parsed

SECONDS = 1800


def measured(build: Path, quick: bool) -> dict[str, list[float]]:
    """The figures by name, one value a round or a member."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "tests/lab/mesh_figures.py"], cwd=ROOT,
        env={**os.environ, "WARREN_BIN": str(build / "warren-wg"), "WARREN_QUICK": "1" if quick else ""}, capture_output=True, text=True,
        timeout=SECONDS)
    found = {one["figure"]: one["values"] for one in map(parsed, done.stdout.splitlines()) if one}
    if done.returncode != 0 or not found:
        raise BenchError(f"tests/lab/mesh_figures.py: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return found


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def measure(build: Path, quick: bool) -> list[Line]:
    found = measured(build, quick)
    lines = [
        Line("two machines on a LAN, start to first ping, median", middle(found["first_ping"]), "s", 1.0),
        Line("the same, longest", max(found["first_ping"]), "s"),
        Line("one more among 50, start to an answer from 49, median", middle(found["joins"]), "s", 3.0),
        Line("the same, longest", max(found["joins"]), "s"),
    ]
    for size in (2, 10, 50):
        lines.append(Line(f"an idle member of {size} sends, Ethernet and all, median", middle(found[f"sent_{size}"]) / 1000, "KB/s", 2.0))
        lines.append(Line("it hears, median", middle(found[f"heard_{size}"]) / 1000, "KB/s"))
        lines.append(Line("it wakes up, all threads, median", middle(found[f"wakes_{size}"]), "1/s"))
        lines.append(Line("its share of a processor, median", 100 * middle(found[f"cpu_{size}"]), "%"))
    for size in (2, 10, 50):
        lines.append(Line(f"resident memory of a member of {size}, median", middle(found[f"memory_{size}"]), "MiB"))
    return lines
