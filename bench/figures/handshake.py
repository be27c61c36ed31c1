"""The CPU time that a responder spends for a completed handshake."""

import json
import time

from .. import config, tools
from ..daemon import INTERFACE, Daemon
from ..implementations import Implementation
from ..lab import Lab
from ..tunnel import PORT, set_conf
from .figure import Bench, Figure, Measure, ratio_at_most

PEERS = 500
WARM_UP = 100
# For the last confirmations, which nothing answers, to be read.
SETTLE_SECONDS = 0.1


class Handshake(Figure):
    name = "handshake"

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure("handshake", "CPU of the responder for a handshake", "us", 1e6, ratio_at_most(0.4)),)

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        generator = str(bench.build / "bench/handshakes")
        key = config.new_key()
        daemon = Daemon(bench.lab.right, implementation)
        try:
            set_conf(bench.lab.right, config.text(key, PORT, peers(generator)))
            bench.lab.right.run("ip", "link", "set", INTERFACE, "up")
            shake_hands(bench, generator, key.public, WARM_UP)
            before = daemon.cpu_seconds()
            shake_hands(bench, generator, key.public, bench.effort.handshakes)
            cpu = daemon.cpu_seconds() - before
        finally:
            daemon.close()
        return {"handshake": cpu / bench.effort.handshakes}


def peers(generator: str) -> list[config.Peer]:
    keys = tools.output_of([generator, "keys", str(PEERS)]).split()
    return [config.Peer(key, f"10.97.{i // 256}.{i % 256}/32") for i, key in enumerate(keys)]


def shake_hands(bench: Bench, generator: str, responder: str, total: int) -> None:
    said = bench.lab.left.run(generator, "run", Lab.RIGHT, str(PORT),
                              config.as_hex(responder), str(PEERS), str(total))
    assert json.loads(said)["completed"] == total
    time.sleep(SETTLE_SECONDS)
