"""Programs that run on a machine for as long as something else needs them."""

import contextlib
import subprocess
from collections.abc import Iterator

from .errors import BenchError
from .lab import Machine


@contextlib.contextmanager
def process(machine: Machine, *argv: str) -> Iterator[subprocess.Popen]:
    """A program on a machine, ended by its pid on the way out."""
    started = machine.spawn(*argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@contextlib.contextmanager
def server(machine: Machine, ready: str, *argv: str) -> Iterator[None]:
    """A program that serves once it has printed a line with `ready` in it."""
    with process(machine, *argv) as started:
        for line in started.stdout:
            if ready in line:
                break
        else:
            raise BenchError(f"{argv[0]} does not serve: {started.stderr.read().strip()}")
        yield
