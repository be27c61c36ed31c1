"""Ten thousand agents on one server: bench/agents_load.c holds their channels, bench/world.c tells the cost of a change."""

import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .api import exchange
from .errors import BenchError
from .implementations import built
from .lab import Star
from .served import API_PORT, Served

GROUP = 10
SECONDS = 300
QUIET_SECONDS = 12
ADDRESSES = [f"10.200.0.{number}" for number in range(1, 33)]


@dataclass
class Line:
    """One figure, and what it has to be."""

    text: str
    value: float
    unit: str
    target: float | None = None

    @property
    def is_met(self) -> bool:
        return self.target is None or self.value <= self.target

    def __str__(self) -> str:
        aim = "" if self.target is None else f"   at most {self.target:g} {self.unit}: {'met' if self.is_met else 'MISSED'}"
        return f"{self.text:<68} {self.value:>9.4g} {self.unit}{aim}"


class Inside:
    """The API over the server's Unix socket, for what a bench makes by the thousand."""

    def __init__(self, path: str) -> None:
        self._path, self._own = path, threading.local()

    def ask(self, method: str, path: str, body: dict | None = None, headers: str = "") -> dict:
        try:
            status, _, answer = exchange(self._connection(), method, path, headers, body)
        except OSError:  # the server ended it while it was idle
            del self._own.sock
            status, _, answer = exchange(self._connection(), method, path, headers, body)
        if not 200 <= status < 300:
            raise BenchError(f"{method} {path}: {status}: {answer[:300]!r}")
        return json.loads(answer) if answer else {}

    def _connection(self) -> socket.socket:
        if not hasattr(self._own, "sock"):
            self._own.sock = socket.socket(socket.AF_UNIX)
            self._own.sock.settimeout(60)
            self._own.sock.connect(self._path)
        return self._own.sock


class Lines(list[Line]):
    """Printed as they come."""

    def append(self, line: Line) -> None:
        super().append(line)
        print(line, flush=True)


class Load:
    """bench/agents_load while it runs."""

    def __init__(self, star: Star, build: Path, pin: str, tokens: Path) -> None:
        # A connection from an address to itself comes from there: as many as an office is allowed.
        for address in ADDRESSES:
            star.hub.run("ip", "address", "replace", f"{address}/32", "dev", "lo")
        urls = ",".join(f"https://{address}:{API_PORT}" for address in ADDRESSES)
        self._process = star.hub.spawn(str(built(build / "bench/agents_load")), urls, pin, str(tokens),
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.answer("ready")
        self.complaints: list[str] = []
        threading.Thread(target=self._read_complaints, daemon=True).start()

    def _read_complaints(self) -> None:
        for line in self._process.stderr:
            self.complaints.append(line)

    def say(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self, word: str) -> list[float]:
        timer = threading.Timer(SECONDS, self._process.kill)
        timer.start()
        line = self._process.stdout.readline().split()
        timer.cancel()
        if not line or line[0] != word:
            raise BenchError(f"bench/agents_load ({self._process.poll()}): no {word} within {SECONDS} s: {getattr(self, 'complaints', [])[-3:]}")
        return [float(number) for number in line[1:]]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def policy(groups: int, ports: str) -> str:
    return "".join(f"allow tag:g{number} -> tag:g{number} {ports}\n" for number in range(groups))


def secret_of(key: str) -> str:
    raw = base64.urlsafe_b64decode(key[4:] + "=" * (-len(key[4:]) % 4))
    return base64.urlsafe_b64encode(raw[34:54]).decode().rstrip("=")


def pin_of(key: str) -> str:
    raw = base64.urlsafe_b64decode(key[4:] + "=" * (-len(key[4:]) % 4))
    return base64.b64encode(raw[2:34]).decode()


def populate(inside: Inside, name: str, members: int) -> list[str]:
    """An organisation of so many machines with agents, in groups of ten that see each other; their tokens."""
    inside.ask("POST", "/orgs", {"name": name, "machine_quota": members, "network4": "10.100.0.0/16"})
    groups = members // GROUP

    def add(number: int) -> list[str]:
        key = inside.ask("POST", f"/orgs/{name}/keys", {"tags": [f"g{number}"], "uses": GROUP})["key"]
        return [inside.ask("POST", "/join", {"secret": secret_of(key), "name": f"a{number}-{member}",
                                             "public_key": base64.b64encode(os.urandom(32)).decode()})["token"]
                for member in range(GROUP)]

    with ThreadPoolExecutor(16) as pool:
        tokens = [token for group in pool.map(add, range(groups)) for token in group]
    inside.ask("PUT", f"/orgs/{name}/policy", {"text": policy(groups, "tcp 22")}, "If-Match: *\r\n")
    return tokens


def change_policy(load: Load, inside: Inside, name: str, members: int) -> list[float]:
    """Milliseconds until all have been told: p50, p99, max; from before the call."""
    load.say(f"expect {members}")
    inside.ask("PUT", f"/orgs/{name}/policy", {"text": policy(members // GROUP, f"tcp {time.time_ns() % 60000 + 1}")}, "If-Match: *\r\n")
    return load.answer("told")


def change_peer(load: Load, members: int, rounds: int) -> list[float]:
    """Milliseconds until the nine others have been told, in the middle: p50, max."""
    worst = []
    for number in range(rounds):
        load.say(f"expect {GROUP - 1}")
        load.say(f"report {number * 37 % members}")
        worst.append(load.answer("told")[2])
        time.sleep(0.15)
    return [sorted(worst)[len(worst) // 2], max(worst)]


def cpu_of_change(build: Path, members: int) -> float:
    """Microseconds of CPU for an affected agent, beside its socket."""
    done = subprocess.run([str(built(build / "bench/world")), str(members), "20000"], capture_output=True, text=True, check=True)
    return float(done.stdout) / 1000


def apply_map(star: Star, build: Path, peers: int) -> list[Line]:
    """bench/map.c: a member's host made equal to a map."""
    done, complaint = star.left.spawn(str(built(build / "bench/map")), str(peers), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True).communicate(timeout=60)
    if not done:
        raise BenchError(f"bench/map: {complaint[-300:]}")
    told = json.loads(done)
    return [Line(f"a map of {peers:,} peers applied", told["apply_ms"], "ms", 100),
            Line("operations when it is applied again", told["again_operations"], "", 0),
            Line("operations when one peer is another", told["change_operations"], "", 1)]


def restart(served: Served, load: Load) -> tuple[list[float], float, float]:
    """(answer to `all`, CPU seconds until then, the longest time that the CPU was full)."""
    served.stop()
    served.launch()
    load.say("all")
    samples, done = [], threading.Event()

    def watch() -> None:
        while not done.wait(0.25):
            try:
                samples.append((time.monotonic(), served.cpu_seconds()))
            except (OSError, AttributeError):
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer = load.answer("all")
    done.set()
    watcher.join()
    full = longest = 0.0
    for (before, used_before), (after, used_after) in zip(samples, samples[1:]):
        full = full + after - before if used_after - used_before > 0.95 * (after - before) else 0.0
        longest = max(longest, full)
    return answer, served.cpu_seconds(), longest


def measure(star: Star, build: Path, members: int, quick: bool) -> list[Line]:
    lines = Lines()
    for few in (100, members):
        lines.append(Line(f"one peer's change, CPU for an affected agent, of {few:,} members", cpu_of_change(build, few), "us"))
    lines.append(Line("the second by the first", lines[1].value / lines[0].value, "x", 2.0))
    for line in apply_map(star, build, 1000):
        lines.append(line)
    with Served(star, build, "--api-endpoint", f"{Star.HUB_LEFT}:{API_PORT}") as served:
        inside = Inside(str(served.socket))
        few = populate(inside, "few", 100)
        many = populate(inside, "many", members)
        tokens = served.folder / "tokens"
        tokens.write_text("\n".join(many + few))
        pin = pin_of(inside.ask("POST", "/orgs/few/keys", {"uses": 1})["key"])
        load = Load(star, build, pin, tokens)
        try:
            load.say("all")
            lines.append(Line(f"{members + 100:,} agents connect for the first time", load.answer("all")[0], "s"))
            time.sleep(QUIET_SECONDS)
            lines.append(Line("resident memory of the server", served.memory() / 2**20, "MiB", 256))
            before, began = served.cpu_seconds(), time.monotonic()
            time.sleep(10)
            lines.append(Line("CPU while nothing happens (each is pinged: the hub hears none of them)",
                              100 * (served.cpu_seconds() - before) / (time.monotonic() - began), "%"))
            changes = [change_policy(load, inside, "many", members) for _ in range(1 if quick else 5)]
            for which, name in enumerate(("p50", "p99", "max")):
                lines.append(Line(f"a policy's change to all {members:,}, {name} (worst of {len(changes)})",
                                  max(change[which] for change in changes) / 1000, "s", 2.0))
            rounds = 20 if quick else 100
            lines.append(Line(f"one peer's report to its nine peers, of {members:,} members, p50",
                              change_peer(load, members, rounds)[0], "ms"))
            lines.append(Line("resident memory afterwards", served.memory() / 2**20, "MiB", 256))
            answer, used, full = restart(served, load)
            lines.append(Line("all back after a restart of the server", answer[0], "s", 30))
            lines.append(Line("of them with the map that they had", answer[1], ""))
            lines.append(Line("CPU of the server for it", used, "s"))
            lines.append(Line("longest time that a CPU was full", full, "s"))
            time.sleep(QUIET_SECONDS)
            lines.append(Line("resident memory then", served.memory() / 2**20, "MiB", 256))
            if load.complaints:
                print("complaints:", *(f"{count} x {text.strip()}" for text, count in Counter(
                    text.split(": ", 1)[-1] for text in load.complaints).most_common(5)), sep="\n  ")
        finally:
            load.close()
    return lines
