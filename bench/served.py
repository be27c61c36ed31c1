"""`warren serve` on the hub of a star, with its API."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .api import Api
from .daemon import environment
from .errors import BenchError
from .lab import Star

API_PORT, HUB_PORT = 8443, 51820
START_SECONDS, END_SECONDS = 60, 30
UNLOCK = "an unlock secret for benches only"
READY = re.compile(r"^warren: serving API ", re.MULTILINE)
LOGIN = re.compile(r"^\s*login\s+(\S+)\s+password\s+(\S+)", re.MULTILINE)


class Served:
    """Runs from the constructor to close(); its folder is on the disk that the build is on, for durable means disk."""

    def __init__(self, star: Star, build: Path, *further: str) -> None:
        self.star, self._program, self._further = star, str(build / "warren"), further
        self._folder = Path(tempfile.mkdtemp(prefix="hub-", dir=build / "bench"))
        self._log = self._folder / "log"
        self._process: subprocess.Popen | None = None
        self.api = Api(star.left, Star.HUB_LEFT, API_PORT)
        try:
            self.start()
            found = LOGIN.search(self._said())
            if not found:
                raise BenchError(f"the server does not tell its administrator: {self._said()[-500:]}")
            self.api.sign_in(found[1], found[2])
        except BaseException:
            self.close()
            raise

    def launch(self) -> None:
        """Starts it, and does not wait."""
        with open(self._log, "wb") as log:
            self._process = self.star.hub.spawn(
                self._program, "serve", "--data", str(self._folder / "data"), "--api", f"0.0.0.0:{API_PORT}",
                "--hub-port", str(HUB_PORT), "--endpoint", f"{Star.HUB_LEFT}:{HUB_PORT}", *self._further,
                env={**environment(), "WARREN_UNLOCK": UNLOCK}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start(self) -> None:
        self.launch()
        self.await_ready()

    def await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not READY.search(self._said()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"warren serve does not serve: {self._said()[-2000:]}")
            time.sleep(0.005)

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise BenchError(f"warren serve does not end: {self._said()[-500:]}") from None
        if status != 0:
            raise BenchError(f"warren serve ended with status {status}: {self._said()[-2000:]}")

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def socket(self) -> Path:
        return self._folder / "data/warren.sock"

    # ---- what is in it ----

    def org(self, name: str, **fields: object) -> dict:
        return self.api.ask("POST", "/orgs", {"name": name, **fields})

    def add(self, org: dict, name: str, **fields: object) -> dict:
        return self.api.ask("POST", f"/orgs/{org['uid']}/machines", {"name": name, **fields})

    def set_policy(self, org: dict, text: str) -> None:
        self.api.ask("PUT", f"/orgs/{org['uid']}/policy", {"text": text}, "If-Match: *\r\n")

    def at_once(self, clients: int, work, numbers) -> list:
        """work(number) for each, by so many threads."""
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(work, numbers))

    # ---- what it costs ----

    def cpu_seconds(self) -> float:
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def memory(self) -> int:
        """Bytes resident."""
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
