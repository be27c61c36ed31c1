"""Meshes without a server, in virtual time: bench/gossip/ runs the gossip core as it is, by the thousand and ten thousand."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .agents import Line
from .errors import BenchError
from .implementations import built

# Ten thousand members who each know ten thousand, and what else runs here.
BIG_GIB = 16

QUICK = (("join", "--rounds", "3"), ("steady", "--members", "100"), ("failures", "--rounds", "5"), ("slow", "--hours", "1"))
SMALL = (("join", "--rounds", "20"), ("steady", "--members", "100"), ("steady", "--members", "1000"), ("failures", "--rounds", "100"),
         ("halves",), ("slow", "--hours", "24"))
BIG = (("join", "--members", "10000", "--rounds", "5"), ("steady", "--members", "10000"))


def available_gib() -> float:
    with open("/proc/meminfo", encoding="ascii") as file:
        values = dict(line.split(":", 1) for line in file)
    return int(values["MemAvailable"].split()[0]) / 2**20


def figures(program: Path, arguments: tuple[str, ...]) -> Iterator[Line]:
    with subprocess.Popen([str(program), *arguments], stdout=subprocess.PIPE, text=True) as process:
        for text in process.stdout:
            told = json.loads(text)
            yield Line(told["text"], told["value"], told["unit"], told.get("target"))
    if process.returncode:
        raise BenchError(f"{' '.join([str(program), *arguments])}: {process.returncode}")


def measure(build: Path, quick: bool) -> list[Line]:
    program = built(build / "bench/gossip")
    lines = []
    for arguments in QUICK if quick else (*SMALL, *BIG):
        if "10000" in arguments and available_gib() < BIG_GIB:
            raise BenchError(f"10,000 members want {BIG_GIB} GiB; {available_gib():.1f} are available")
        for line in figures(program, arguments):
            print(line, flush=True)
            lines.append(line)
    return lines
