"""An organisation of 10,000 machines: how fast it fills, how fast its policy changes, how fast a hub with it starts."""

import socket
import statistics
import threading
import time

from .. import traffic
from ..errors import BenchError
from ..implementations import Implementation
from ..served import Served
from ..through import LEFT, RIGHT, ThroughServer
from .figure import Bench, Figure, Measure, at_least, at_most

MACHINES, CLIENTS = 10_000, 50
FLOW_RATE, FLOW_BYTES = 100, 200
SAVE_PAUSE = 0.02
PORT = 7002
PACE = 0.002
START_SECONDS = 30


class Crowd(Figure):
    name = "crowd"
    is_ours_alone = True

    @property
    def measures(self) -> tuple[Measure, ...]:
        many = f"{MACHINES:,} machines"
        return (Measure("crowd.adds", f"machines added by {CLIENTS} clients at once, each durable", "/s", 1, at_least(300)),
                Measure("crowd.save.p50", f"policy saved -> in force, {many}, p50", "ms", 1e3),
                Measure("crowd.save.p99", f"policy saved -> in force, {many}, p99", "ms", 1e3, at_most(0.050)),
                Measure("crowd.lost", f"packets lost of an allowed flow of {FLOW_RATE}/s meanwhile", "", 1, at_most(0)),
                Measure("crowd.start", f"start with {many} -> first forwarded packet", "s", 1, at_most(1)))

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        with ThroughServer(bench.lab, bench.build) as path:
            adds = fill(path.served, path.org, MACHINES - 2)
            saves, lost = saved_under_traffic(bench, path)
            start = started(path)
        return {"crowd.adds": adds, "crowd.save.p50": statistics.median(saves),
                "crowd.save.p99": sorted(saves)[len(saves) * 99 // 100], "crowd.lost": lost, "crowd.start": start}


def fill(served: Served, org: dict, count: int) -> float:
    """Machines a second; no address may be given twice."""
    begun = time.monotonic()
    made = served.at_once(CLIENTS, lambda number: served.add(org, f"m{number}", tags=[f"t{number % 100}"]), range(count))
    spent = time.monotonic() - begun
    for what in ("address4", "address6", "label", "public_key", "uid"):
        if len({one[what] for one in made}) != count:
            raise BenchError(f"of {count} machines some have the same {what}")
    return count / spent


def saved_under_traffic(bench: Bench, path: ThroughServer) -> tuple[list[float], int]:
    """(times of the saves, packets lost of a flow that all the policies allow)."""
    seconds = 3 * bench.effort.tcp_seconds
    trial: list[traffic.Trial] = []
    with traffic.Datagrams(path, bench.build).counting() as counter:
        counter.trial(FLOW_BYTES, FLOW_RATE, 0.5)
        flow = threading.Thread(target=lambda: trial.append(counter.trial(FLOW_BYTES, FLOW_RATE, seconds)))
        flow.start()
        saves = []
        while flow.is_alive():
            text = policy(len(saves))
            begun = time.monotonic()
            path.served.set_policy(path.org, text)
            saves.append(time.monotonic() - begun)
            time.sleep(SAVE_PAUSE)
        flow.join()
    if not trial:
        raise BenchError("the flow broke off")
    return saves, trial[0].sent - trial[0].received


def policy(number: int) -> str:
    """A hundred rules, others each time; the two machines may always."""
    rules = [f"{'allow' if (number + i) % 3 else 'deny'} tag:t{i} -> tag:t{(i * 7 + number) % 100} tcp {1 + i}" for i in range(100)]
    return "\n".join(["allow tag:left tag:right -> tag:left tag:right", *rules, "default deny", ""])


def started(path: ThroughServer) -> float:
    """From the start of the program to the first packet that comes through, while the left machine sends all the time."""
    is_ending = threading.Event()
    with udp(path.lab.left, LEFT) as near, udp(path.lab.right, RIGHT, PORT) as far:
        sender = threading.Thread(target=send_until, args=(near, is_ending))
        sender.start()
        try:
            far.recv(100)
            time.sleep(2)  # endpoints are known, and both machines recent
            path.served.stop()
            drain(far)
            begun = time.monotonic()
            path.served.launch()
            far.settimeout(START_SECONDS)
            far.recv(100)
            spent = time.monotonic() - begun
            path.served.await_ready()
        except TimeoutError:
            raise BenchError(f"no packet comes through within {START_SECONDS} s of the start") from None
        finally:
            is_ending.set()
            sender.join()
    return spent


def udp(machine, address: str, port: int = 0) -> socket.socket:
    with machine.net():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    sock.settimeout(5)
    return sock


def send_until(sock: socket.socket, is_ending: threading.Event) -> None:
    while not is_ending.is_set():
        sock.sendto(b"start", (RIGHT, PORT))
        time.sleep(PACE)


def drain(sock: socket.socket) -> None:
    sock.setblocking(False)
    try:
        while True:
            sock.recv(100)
    except BlockingIOError:
        pass
