"""The WireGuard programs that are measured: a table from name to command.

All of them are started as wireguard-go is: `COMMAND [-f] INTERFACE`, environment as wireguard-go's.
"""

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
GET_WIREGUARD_GO = ROOT / "tests/e2e/tools/get-wireguard-go"


@dataclass(frozen=True)
class Implementation:
    """`command` is without the interface; it is empty for the bare wire, which needs no program."""

    name: str
    command: tuple[str, ...]
    version: str

    @property
    def program(self) -> Path:
        return Path(self.command[0])


def named(text: str, build: Path) -> Implementation:
    """The implementation called `text`, or the one that `NAME=COMMAND` describes."""
    if "=" in text:
        return given(*text.split("=", 1))
    table = {"warren": warren, "wireguard-go": wireguard_go, "null": null, "veth": veth}
    if text not in table:
        raise BenchError(f"no implementation {text!r}; there are {', '.join(table)}, and NAME=COMMAND")
    return table[text](build)


def given(name: str, command: str) -> Implementation:
    words = shlex.split(command)
    if not words or not shutil.which(words[0]):
        raise BenchError(f"{name}: no program {command!r}")
    program = str(Path(shutil.which(words[0])).absolute())
    return Implementation(name, (program, *words[1:]), "as given")


def warren(build: Path) -> Implementation:
    program = built(build / "warren")
    return Implementation("warren", (str(program), "wg"), first_line(str(program), "--version"))


def wireguard_go(_: Path) -> Implementation:
    lines = tools.output_of([str(GET_WIREGUARD_GO)], timeout=300).split("\n")
    return Implementation("wireguard-go", (lines[0],), lines[1])


def null(build: Path) -> Implementation:
    """Warren's engine with the cipher replaced by a copy; only the bench has it."""
    return Implementation("null", (str(built(build / "bench/null-wg")),), "no crypto")


def veth(_: Path) -> Implementation:
    return Implementation("veth", (), "the bare wire")


def built(path: Path) -> Path:
    if not path.exists():
        raise BenchError(f"{path} is not built; run script/build")
    return path


def first_line(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=10).stdout.split("\n")[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{argv[0]}: {error}") from error
