"""From the relay to a direct path and back: tests/lab/figures.py, in namespaces with NATs."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .agents import Line
from .errors import BenchError
from .implementations import ROOT

SECONDS = 900


def measured(build: Path) -> dict[str, list[float]]:
    """The figures by name, one value a round."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "tests/lab/figures.py"], cwd=ROOT,
        env={**os.environ, "WARREN_BIN": str(build / "warren-wg")}, capture_output=True, text=True, timeout=SECONDS)
    found = {one["figure"]: one["values"] for one in map(parsed, done.stdout.splitlines()) if one}
    if done.returncode != 0 or not found:
        raise BenchError(f"tests/lab/figures.py: {done.stdout[-2000:]}{done.stderr[-500:]}")
    return found


def parsed(line: str) -> dict | None:
    at = line.find('{"figure"')
    return json.loads(line[at:]) if at >= 0 else None


def measure(build: Path) -> list[Line]:
    found = measured(build)
    middle = {name: sorted(values)[len(values) // 2] for name, values in found.items()}
    return [
        Line("relay to direct, cone NATs, from the first packet, median", middle["upgrade"], "s", 2.0),
        Line("the same, longest", max(found["upgrade"]), "s"),
        Line("lost of a flow of 100 packets a second across the change", sum(found["lost"]), "packets", 0),
        Line("direct path cut to traffic over the relay, median", middle["gap"], "s", 3.0),
        Line("the same, longest", max(found["gap"]), "s", 7.0),
    ]
