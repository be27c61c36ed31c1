"""A userspace WireGuard daemon on a host, its end watched and its words kept."""

import os
import re
import signal
import socket
import subprocess

from . import programs, sandbox, wait

SANITIZER = re.compile(r"ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed")
SECONDS_TO_START = 10  # a sanitizer's build on a busy machine
SECONDS_TO_STOP = 10


def socket_path(iface):
    return f"/run/wireguard/{iface}.sock"


def argv_of(kind):
    """kind: "warren" is the program under test, "hooks" its build with test hooks, "go" wireguard-go."""
    return {"warren": programs.warren, "hooks": programs.warren_with_hooks, "go": programs.wireguard_go}[kind]()


def environment(env):
    """The environment of a daemon: nothing of ours that would change what it does, but `env`."""
    kept = {name: value for name, value in os.environ.items()
            if name.split("_")[0] in ("PATH", "HOME", "WARREN", "ASAN", "UBSAN", "TSAN")}
    for name in ("WARREN_BIN", "WARREN_HOOKS_BIN"):
        kept.pop(name, None)
    # What leaks is the unit tests' business: the leak check needs ptrace, which the daemon denies itself, as it
    # denies itself starting a symbolizer: addr2line(1) turns the numbers into lines.
    for name, options in (("ASAN_OPTIONS", "detect_leaks=0"), ("UBSAN_OPTIONS", "print_stacktrace=1"), ("TSAN_OPTIONS", "")):
        kept[name] = ":".join(part for part in (kept.get(name), options, "symbolize=0") if part)
    return kept | (env or {})


class Daemon:
    """A daemon in the foreground."""

    def __init__(self, host, iface="wg0", kind="warren", env=None, args=("-f",), **options):
        self.host = host
        self.iface = iface
        self.kind = kind
        self.log = sandbox.scratch("log") / f"{host.name}-{iface}-{kind}.log"
        with open(self.log, "wb") as log:
            self.process = host.popen(argv_of(kind), *args, iface, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env=environment(env), **options)

    def __str__(self):
        return f"{self.kind} on {self.host.name}"

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def wait_usable(self):
        wait.until(self._answers_or_ended, SECONDS_TO_START, f"{self.kind} {self.iface} on {self.host.name}", 0.003)
        if not self.is_running():
            raise AssertionError(f"{self} ended with status {self.process.returncode}: {self.said()}")
        return self

    def _answers_or_ended(self):
        return not self.is_running() or answers(self.host, self.iface)

    def said(self):
        return self.log.read_text(errors="replace")

    def kill(self):
        """As kill -9 does."""
        self.process.kill()
        self.process.wait()

    def wait_end(self, timeout=SECONDS_TO_STOP):
        """Its exit status, once it has ended by itself."""
        return self.process.wait(timeout)

    def stop(self):
        """Ends it if it still runs; complains about what it did wrong."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self} does not end on SIGTERM: {self.said()}") from None
            if status != 0 and self.kind != "go":
                raise AssertionError(f"{self} ended with status {status}: {self.said()}")
        elif self.process.returncode not in (0, 1, -signal.SIGKILL):
            raise AssertionError(f"{self} died with status {self.process.returncode}: {self.said()}")
        if SANITIZER.search(self.said()):
            raise AssertionError(f"{self} broke a rule: {self.said()}")


def answers(host, iface):
    """Does the configuration socket of `iface` answer a request?"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(SECONDS_TO_START)
        try:
            client.connect(host.path(socket_path(iface)))
            client.sendall(b"get=1\n\n")
            return bool(client.recv(1))
        except OSError:
            return False
