"""A member of a mesh without a server: `warren up` on a host, in the foreground, with a folder of its own; and the LANs
that members find each other on."""

import contextlib
import itertools
import json
import signal
import socket
import subprocess

from lab import daemon, programs, sandbox, wait
from lab import host as hosts

SECONDS_TO_START = 30
SECONDS_TO_STOP = 20
SECONDS_TO_AGREE = 30
INTERFACE = "warren0"


class Lan:
    """A switch, and hosts at it: with addresses of both families, or of one."""

    numbers = itertools.count(1)

    def __init__(self, lab, families=(4, 6)):
        self.lab, self.families = lab, families
        self.number = next(self.numbers)
        self.switch = lab.host(f"switch{self.number}")
        self.switch.ip("link add lan type bridge")
        # No snooping: a switch of the plain kind. A querier would have to be there.
        self.switch.run("ip", "link", "set", "lan", "type", "bridge", "mcast_snooping", "0")
        self.switch.ip("link set lan up")
        self.ports = itertools.count(1)

    def host(self, name):
        host = give_names(self.lab.host(name))
        self.plug(host)
        return host

    def plug(self, host, cable="eth0"):
        """Puts a cable of the host into the switch."""
        number = next(self.ports)
        host.port = f"port{number}"
        hosts.link(host, cable, self.switch, host.port)
        if 6 not in self.families:
            host.sysctl(f"net.ipv6.conf.{cable}.disable_ipv6", 1)
        self.switch.ip(f"link set {host.port} master lan")
        if 4 in self.families:
            host.ip(f"address add 192.168.{self.number}.{number}/24 dev {cable}")

    def cut(self, *some):
        """These hosts' cables are out of the switch."""
        for host in some:
            self.switch.ip(f"link set {host.port} nomaster")

    def isolate(self, *some, is_on=True):
        """The switch passes nothing between these hosts; each still reaches all others."""
        for host in some:
            self.switch.run("bridge", "link", "set", "dev", host.port, "isolated", "on" if is_on else "off")

    def mend(self, *some):
        for host in some:
            self.switch.ip(f"link set {host.port} master lan")


def give_names(host):
    """A file of names of its own."""
    names = sandbox.scratch("etc") / "hosts"
    names.write_text("127.0.0.1 localhost\n")
    host.run("mount", "--bind", str(names), "/etc/hosts")
    return host


class MeshMember:
    def __init__(self, lab, host, mesh="home", name=None, options=(), folder=None, env=None):
        self.lab, self.host, self.mesh, self.name = lab, host, mesh, name or host.name
        self.folder = folder or sandbox.scratch("member")
        self.options, self.env = list(options), dict(env or {})
        self.process = None
        self.starts = 0
        self._addresses = None
        self.kind = "member"
        lab.keep(self)
        lab.daemons.append(self)  # its words are shown where a test fails

    def __repr__(self):
        return f"<member {self.name}>"

    # Life

    @property
    def log(self):
        return self.folder / f"member-{self.starts}.log"

    @property
    def state(self):
        return self.folder / "state"

    def launch(self, *options, secret=None):
        """Starts it, and does not wait."""
        if secret:
            (self.folder / "secret").write_text(secret + "\n")
            options = (*options, "--secret-file", str(self.folder / "secret"))
        invitation = next((word for word in options if word.startswith("warren-") or len(word) > 60), None)
        words = ["-" if word is invitation else word for word in options]
        self.starts += 1
        env = daemon.environment({"WARREN_STATE": str(self.state), "LOG_LEVEL": "verbose", **self.env})
        names = [] if self.starts > 1 else ["--name", self.name]
        mesh = [] if "--join" in words or not self.mesh else [self.mesh]
        with open(self.log, "wb") as log:
            self.process = self.host.popen(programs.warren_cli(), "up", *mesh, "-f", *names, *self.options, *words,
                                           stdin=subprocess.PIPE, stdout=log, stderr=log, env=env)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write((invitation + "\n").encode() if invitation else b"")
            self.process.stdin.close()
        return self

    def start(self, *options, **more):
        self.launch(*options, **more)
        return self.wait_running()

    def wait_running(self):
        wait.until(lambda: "this machine is" in self.said() or not self.is_running(), SECONDS_TO_START, lambda: f"{self.name}: {self.said()}")
        assert self.is_running(), f"{self.name} ended: {self.said()}"
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace") if self.starts else ""

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
                raise AssertionError(f"{self.name} does not end on SIGTERM: {self.said()}") from None
            assert status == 0, f"{self.name} ended with status {status}: {self.said()}"
        if self.process and self.process.returncode not in (0, 1, 2, -signal.SIGKILL):
            raise AssertionError(f"{self.name} died with status {self.process.returncode}: {self.said()}")
        if self.starts and daemon.SANITIZER.search(self.said()):
            raise AssertionError(f"{self.name} broke a rule: {self.said()}")

    close = stop

    # What people type

    def cli(self, *argv, input=None, timeout=60):
        return self.host.try_run(programs.warren_cli(), *argv, input=input, timeout=timeout, env={"WARREN_STATE": str(self.state), **self.env})

    def does(self, *argv, **more):
        done = self.cli(*argv, **more)
        assert done.returncode == 0, f"{self.name}: warren {' '.join(argv)}: {done.stdout}{done.stderr}\n{self.said()[-2000:]}"
        return done.stdout

    def invite(self, *options):
        return self.does("invite", *options).strip().splitlines()[-1]

    # What it sees

    @property
    def control(self):
        return next(self.state.glob("*/control.sock"), self.state / "control.sock")

    def status(self):
        """As `warren status --json`, without a process for it."""
        return ask(self.control, "/status")

    @property
    def own(self):
        return self.status()["mesh"]

    @property
    def addresses(self):
        """{4: address, 6: address}"""
        if not self._addresses:
            listed = wait.until(lambda: self.status()["addresses"], 20, f"addresses of {self.name}", 0.05)
            self._addresses = {6 if ":" in one else 4: one for one in listed}
        return self._addresses

    @property
    def address(self):
        return self.addresses[6]

    def peer(self, other):
        return next((peer for peer in self.status()["peers"] if peer["name"] == other.name), None)

    def living(self):
        """Names of the others that it thinks alive."""
        return {peer["name"] for peer in self.status()["peers"] if peer.get("liveness") == "alive"}

    def path(self, other):
        peer = self.peer(other)
        return peer and peer["path"]

    def reaches(self, other, count=1, timeout=5.0, family=6):
        """Which of `count` pings are answered."""
        try:
            return self.host.ping(other.addresses[family], count, 56, timeout)
        except OSError:  # no route there
            return set()

    def wait_path(self, other, path, timeout=20):
        def is_so():
            self.reaches(other, 1, 0.2)
            return self.path(other) == path
        wait.until(is_so, timeout, lambda: f"{self.name} -> {other.name} {path}: {self.peer(other)}\n{self.said()[-3000:]}", 0.05)


def ask(path, what):
    """A member's answer on its control socket; what it answers is JSON."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(20)
        client.connect(str(path))
        client.sendall(f"GET {what} HTTP/1.1\r\nHost: warren\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := client.recv(1 << 16):
            answer += part
            head, separator, body = answer.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
            if separator and length is not None and len(body) >= length:
                break
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def up(lab, lan, count, mesh="home", name="m", **more):
    """That many members on a LAN, begun at the same time."""
    members = [MeshMember(lab, lan.host(f"{name}{number}"), mesh, **more) for number in range(count)]
    for member in members:
        member.launch()
    for member in members:
        member.wait_running()
    return members


def all_alive(members, others=None, timeout=SECONDS_TO_AGREE):
    """Each of these thinks all the others alive, and nobody else."""
    names = {member.name for member in (others or members)}
    for member in members:
        wanted = names - {member.name}
        wait.until(lambda: member.living() == wanted, timeout, lambda: f"{member.name} to know {sorted(wanted)}: {member.status()}", 0.1)


def who_reaches(member, others, timeout=10.0, family=6):
    """Names of the others that answer a ping; all are sent at the same time."""
    sockets = {}
    with member.host.net():
        for other in others:
            sockets[other] = subprocess.Popen(["ping", f"-{family}", "-n", "-q", "-c", "1", "-W", str(int(timeout)), other.addresses[family]],
                                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {other.name for other, process in sockets.items() if process.wait() == 0}


def everybody_reaches_everybody(members, timeout=10.0, family=6):
    """Each has an answer from each."""
    names = {member.name for member in members}
    for member in members:
        others = [other for other in members if other is not member]
        assert who_reaches(member, others, timeout, family) == names - {member.name}, member


def counted(member, group, name):
    """A counter of its status: knocks, items or gossip."""
    return member.own[group][name]


def wait_counted(member, group, name, more_than=0, timeout=15):
    wait.until(lambda: counted(member, group, name) > more_than, timeout, lambda: f"{member.name} to count {group}.{name}: {member.own}", 0.1)
