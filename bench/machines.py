"""Many machines in one process: bench/load/machines.c."""

import subprocess
import threading
from pathlib import Path

from . import config
from .errors import BenchError
from .lab import Star
from .served import HUB_PORT
from .through import ADDRESS

SECONDS = 120
OWN, FIRST = "10.128.0.0/12", "10.128.0.1"


class Machines:
    """Runs from the constructor to close(); commands from any thread."""

    def __init__(self, star: Star, build: Path) -> None:
        # Each machine has an address of its own, and all are on the left one.
        star.left.run("ip", "route", "replace", "local", OWN, "dev", "lo")
        star.hub.run("ip", "route", "replace", OWN, "via", Star.LEFT)
        self._process = star.left.spawn(str(build / "bench/machines"), Star.HUB_LEFT, str(HUB_PORT), FIRST,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._lock = threading.Condition()
        self._done: dict[str, float] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            name, microseconds = line.split()
            with self._lock:
                self._done[name] = float(microseconds) / 1e6
                self._lock.notify_all()

    def _say(self, line: str) -> None:
        try:
            with self._lock:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"bench/machines ended: {self._process.stderr.read()[-500:]}") from None

    def shake(self, name: str, made: dict) -> None:
        """The machine shakes hands with the hub."""
        private, hub = keys_of(made)
        self._say(f"shake {name} {private} {hub}")

    def pair(self, name: str, first: dict, second: dict) -> None:
        """Both shake hands, and a packet goes from the first to the second."""
        ends = [f"{keys_of(made)[0]} {ADDRESS.search(made['config'])[1]}" for made in (first, second)]
        self._say(f"pair {name} {keys_of(first)[1]} {ends[0]} {ends[1]}")

    def await_all(self, count: int) -> None:
        """Returns when so many commands have come to their end."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._done) >= count or self._process.poll() is not None, SECONDS):
                raise BenchError(f"of {count} machines only {len(self._done)} work after {SECONDS} s")
        if len(self._done) < count:
            raise BenchError(f"bench/machines ended: {self._process.stderr.read()[-500:]}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Machines":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def keys_of(made: dict) -> tuple[str, str]:
    """(private key, the hub's public key) in hexadecimal, from a wg-quick text."""
    fields = dict(line.split(" = ", 1) for line in made["config"].splitlines() if " = " in line)
    by_name = {name.strip(): value.strip() for name, value in fields.items()}
    return config.as_hex(by_name["PrivateKey"]), config.as_hex(by_name["PublicKey"])
