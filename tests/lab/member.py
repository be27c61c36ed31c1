"""A member of a network: `warren join` on a host, its agent in the foreground."""

import json
import signal
import subprocess

from internet import SERVER4

from lab import daemon, programs, sandbox, wait
from lab.server import Server

SECONDS_TO_START = 30
SECONDS_TO_STOP = 20


class Network:
    """A server on the internet, with one organisation."""

    def __init__(self, internet, name="Acme", address=SERVER4, **options):
        self.internet, self.lab = internet, internet.lab
        self.server = self.lab.keep(Server(internet.server_host, address, **options))
        self.server.start()
        self.org = self.server.local().post("/orgs", {"name": name})
        self.members = []

    def key(self, *options):
        done = self.server.cli("key", "create", "--org", self.org["label"], *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().splitlines()[-1]

    def policy(self, text):
        return self.server.local().put(f"/orgs/{self.org['uid']}/policy", {"text": text}, headers={"If-Match": "*"})

    def machine(self, name):
        return self.server.local().get(f"/orgs/{self.org['uid']}/machines/{name}")

    def join(self, host, name=None, *options, key=None, **more):
        member = Member(self, host, name or host.name, options, **more)
        self.lab.keep(member)
        member.join(key or self.key("--uses", "1"))
        self.members.append(member)
        return member


class Member:
    def __init__(self, network, host, name, options=(), backend="engine"):
        self.network, self.host, self.name = network, host, name
        self.folder = sandbox.scratch("member")
        self.options = [*options, "--backend", backend]
        self.process = None
        self.starts = 0
        self._address = None

    def __repr__(self):
        return f"<member {self.name}>"

    # Life

    def cli(self, *argv, input=None, timeout=60):
        return self.host.try_run(programs.warren_cli(), *argv, input=input, timeout=timeout,
                                 env={"WARREN_STATE": str(self.folder / "state")})

    def try_join(self, key, *options):
        return self.cli("join", "-", "--name", self.name, "--no-start", *self.options, *options, input=key + "\n")

    def join(self, key):
        done = self.try_join(key)
        assert done.returncode == 0, done.stderr
        return self.start()

    @property
    def log(self):
        return self.folder / f"agent-{self.starts}.log"

    def start(self):
        self.starts += 1
        env = daemon.environment({"WARREN_STATE": str(self.folder / "state"), "LOG_LEVEL": "verbose"})
        with open(self.log, "wb") as log:
            self.process = self.host.popen(programs.warren_cli(), "agent", "-f", stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, env=env)
        wait.until(lambda: "runs" in self.said() or not self.is_running(), SECONDS_TO_START, f"the agent of {self.name}")
        assert self.is_running(), f"the agent of {self.name} ended: {self.said()}"
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the agent of {self.name} does not end on SIGTERM: {self.said()}") from None
            assert status == 0, f"the agent of {self.name} ended with status {status}: {self.said()}"
        if self.process and self.process.returncode not in (0, 1, 2, -signal.SIGKILL):
            raise AssertionError(f"the agent of {self.name} died with status {self.process.returncode}: {self.said()}")
        if self.starts and daemon.SANITIZER.search(self.said()):
            raise AssertionError(f"the agent of {self.name} broke a rule: {self.said()}")

    close = stop

    # What it sees

    def status(self):
        done = self.cli("status", "--json")
        assert done.returncode == 0, f"{done.stderr}\n{self.said()}"
        return json.loads(done.stdout)[0]

    def peer(self, other):
        return next((peer for peer in self.status()["peers"] if peer["name"] == other.name), None)

    def wait_connected(self, timeout=20):
        """The server's map is in force, and the hub is there."""
        def is_so():
            status = self.status()
            return status["server"]["is_connected"] and status["addresses"] and status["hub"]["is_connected"]
        wait.until(is_so, timeout, lambda: f"{self.name} to be connected: {self.said()}", 0.05)
        return self

    @property
    def address(self):
        if not self._address:
            self._address = wait.until(lambda: next(iter(self.status()["addresses"]), None), 20, f"the address of {self.name}", 0.05)
        return self._address

    def knows(self, other, timeout=20):
        wait.until(lambda: self.peer(other), timeout, lambda: f"{self.name} to know {other.name}: {self.said()}", 0.05)

    def path(self, other):
        return self.peer(other)["path"]

    def reaches(self, other, count=3, timeout=5.0):
        """Which of `count` pings are answered."""
        return self.host.ping(other.address, count, 56, timeout)

    def wait_path(self, other, path, timeout=20, traffic=True):
        """Until traffic to the other goes by that path."""
        def is_so():
            if traffic:
                self.host.ping(other.address, 1, 56, 0.2)
            return self.path(other) == path
        wait.until(is_so, timeout, lambda: f"{self.name} -> {other.name} {path}: {self.peer(other)}\n{self.said()[-3000:]}", 0.05)


def settle(*members):
    """All are connected, and know each other."""
    for member in members:
        member.wait_connected()
    for one in members:
        for other in members:
            if other is not one:
                one.knows(other)
