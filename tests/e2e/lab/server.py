"""`warren serve` on a host of its own, as anybody would run it."""

import os
import re
import signal
import subprocess
from pathlib import Path

from . import api, daemon, programs, sandbox, wait

SECONDS_TO_START = 30  # a sanitizer's build on a busy machine hashes slowly
SECONDS_TO_STOP = 15
API_PORT = 8443
HUB_PORT = 51820
UNLOCK = "a-long-unlock-secret-for-tests-0123456789"
READY = re.compile(r"^warren: serving API (\S+) socket (\S+) hub udp (\d+)", re.MULTILINE)
LOGIN = re.compile(r"^\W*login\W+(\S+)", re.MULTILINE | re.IGNORECASE)
PASSWORD = re.compile(r"^\W*password\W+(\S+)", re.MULTILINE | re.IGNORECASE)


class Server:
    """The server's folder, its program while it runs, and ways to ask it."""

    def __init__(self, host, address, data=None, env=None, args=(), unlock=UNLOCK, prefix=()):
        self.host, self.address = host, address
        self.folder = sandbox.scratch("server")  # its logs, and its data unless that is elsewhere
        self.data = Path(data or self.folder / "data")
        self.env, self.args, self.unlock = dict(env or {}), list(args), unlock
        self.prefix = list(prefix)  # runs the program: setpriv(1)
        self.process = None
        self.starts = 0
        self.login = self.password = None

    @property
    def socket(self):
        return self.data / "warren.sock"

    @property
    def log(self):
        return self.folder / f"serve-{self.starts}.log"

    @property
    def pid(self):
        return self.process.pid

    def argv(self):
        bound = f"[{self.address}]" if ":" in self.address else self.address
        return [*self.prefix, programs.warren_cli(), "serve", "--data", str(self.data), "--api", f"{bound}:{API_PORT}",
                "--hub-port", str(HUB_PORT), "--endpoint", f"{bound}:{HUB_PORT}", *self.args]

    def environment(self):
        secret = {"WARREN_UNLOCK": self.unlock} if self.unlock is not None else {}
        return daemon.environment({**secret, **self.env})

    def launch(self):
        """Starts the program, and does not wait."""
        self.starts += 1
        with open(self.log, "wb") as log:
            self.process = self.host.popen(*self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           env=self.environment())
        return self

    def start(self):
        """Starts it; returns when it serves."""
        self.launch()
        wait.until(lambda: READY.search(self.said()) or not self.is_running(), SECONDS_TO_START, "the server's ready line", 0.005)
        if not self.is_running():
            raise AssertionError(f"the server ended with status {self.process.returncode}: {self.said()}")
        if self.login is None:
            self._learn_administrator()
        return self

    def _learn_administrator(self):
        wait.until(lambda: PASSWORD.search(self.said()), 5, "the first administrator's password")
        self.login, self.password = LOGIN.search(self.said())[1], PASSWORD.search(self.said())[1]

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def said_ever(self):
        return "".join((self.folder / f"serve-{n}.log").read_text(errors="replace") for n in range(1, self.starts + 1))

    def kill(self):
        """As kill -9 does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it politely; complains about what it did wrong."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the server does not end on SIGTERM: {self.said()}") from None
            assert status == 0, f"the server ended with status {status}: {self.said()}"
        if self.process and self.process.returncode not in (0, 1, 2, -signal.SIGKILL):
            raise AssertionError(f"the server died with status {self.process.returncode}: {self.said()}")
        if self.starts and daemon.SANITIZER.search(self.said_ever()):
            raise AssertionError(f"the server broke a rule: {self.said_ever()}")

    close = stop

    # Ways to ask it

    def certificate(self):
        """The certificate that it made for itself."""
        for path in sorted(self.data.rglob("*")):
            if path.is_file() and path.stat().st_size < 1 << 16 and b"BEGIN CERTIFICATE" in path.read_bytes():
                return str(path)
        raise AssertionError(f"no certificate in {sorted(self.data.rglob('*'))}")

    def https(self, host, token=None):
        """Somebody on `host` who asks over HTTPS."""
        return api.Client(api.Https(host, self.address, API_PORT, self.certificate()), token)

    def local(self):
        """The administrator of the machine itself, over the Unix socket."""
        return api.Client(api.Local(self.socket))

    def cli(self, *argv, input=None, env=None, timeout=30):
        """Runs `warren ARGV...` beside the server: the finished process."""
        return self.host.try_run(programs.warren_cli(), *argv, input=input, timeout=timeout,
                                 env={"WARREN_SOCKET": str(self.socket), "WARREN_DATA": str(self.data), **(env or {})})

    # What stands on its disk

    def files(self):
        """{path: bytes} of every ordinary file in its folder."""
        found = {}
        for path in sorted(self.data.rglob("*")):
            try:
                if path.is_file() and not path.is_symlink():
                    found[str(path.relative_to(self.data))] = path.read_bytes()
            except FileNotFoundError:
                continue
        return found

    def database(self):
        """The file of the database."""
        (path,) = [path for path in self.data.iterdir()
                   if path.is_file() and path.open("rb").read(15) == b"SQLite format 3"]
        return path

    def metrics(self):
        """{name with labels: value} of /metrics."""
        text = self.local().ask("GET", "/metrics", base="").body.decode()
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def memory(self):
        """Bytes resident."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
