"""The load generators: iperf3, and our own for datagrams and echoes."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchError
from .lab import Lab
from .serving import process, server
from .tunnel import PORT, Tunnel

UDP_PORT = "7001"


@dataclass(frozen=True)
class Stream:
    """What a TCP run moved."""

    bits_per_second: float
    gigabytes: float


@dataclass(frozen=True)
class Trial:
    """One second or so of paced datagrams."""

    sent: int
    received: int
    seconds: float

    @property
    def loss(self) -> float:
        return 1 - self.received / self.sent if self.sent else 1.0

    @property
    def rate(self) -> float:
        """Datagrams a second that arrived."""
        return self.received / self.seconds


def iperf_client(tunnel: Tunnel, streams: int, seconds: float) -> list[str]:
    return ["iperf3", "--client", tunnel.address.right, "--parallel", str(streams),
            "--time", str(max(1, round(seconds))), "--json"]


def iperf_server(tunnel: Tunnel) -> contextlib.AbstractContextManager[None]:
    return server(tunnel.lab.right, "Server listening", "iperf3", "--server", "--one-off",
                  "--bind", tunnel.address.right, "--forceflush")


def tcp(tunnel: Tunnel, streams: int, seconds: float) -> Stream:
    """Sends TCP from left to right for so long (whole seconds, as iperf3 wants them)."""
    with iperf_server(tunnel):
        said = tunnel.lab.left.run(*iperf_client(tunnel, streams, seconds), timeout=seconds + 30)
    received = json.loads(said)["end"]["sum_received"]
    return Stream(received["bits_per_second"], received["bytes"] / 1e9)


@contextlib.contextmanager
def tcp_meanwhile(tunnel: Tunnel, streams: int, seconds: float) -> Iterator[None]:
    """TCP from left to right while the body runs, which must end before `seconds` have passed."""
    with iperf_server(tunnel), process(tunnel.lab.left, *iperf_client(tunnel, streams, seconds)) as client:
        yield
        if client.poll() is not None:
            raise BenchError(f"iperf3 ended too early: {client.stdout.read()[-500:]}")


def flood(tunnel: Tunnel, build: Path, rate: int) -> contextlib.AbstractContextManager[None]:
    """Garbage initiations from the left machine to the right daemon's port, so many a second."""
    return server(tunnel.lab.left, "ready", str(build / "bench/flood"), Lab.RIGHT, str(PORT), str(rate))


def ping(tunnel: Tunnel, build: Path, count: int, interval: float) -> dict[str, float]:
    """Round-trip times in seconds, by the names "p50", "p90", "p99", "max"; a lost echo counts as 1 s."""
    said = tunnel.lab.left.run(str(build / "bench/pinger"), tunnel.address.right, str(count),
                               str(round(interval * 1e6)), timeout=count * interval + 30)
    result = json.loads(said)
    return {name: result[name] / 1e6 for name in ("p50", "p90", "p99", "max")}


class Datagrams:
    """A counter of datagrams on the right machine, and trials towards it from the left one."""

    def __init__(self, tunnel: Tunnel, build: Path) -> None:
        self._tunnel = tunnel
        self._program = str(build / "bench/udpload")

    @contextlib.contextmanager
    def counting(self) -> Iterator["Datagrams"]:
        with server(self._tunnel.lab.right, "ready", self._program, "recv",
                    self._tunnel.address.right, UDP_PORT):
            yield self

    def trial(self, size: int, rate: float, seconds: float) -> Trial:
        said = json.loads(self._tunnel.lab.left.run(
            self._program, "send", self._tunnel.address.right, UDP_PORT, str(size), str(rate), str(seconds)))
        return Trial(said["sent"], said["received"], said["seconds"])
