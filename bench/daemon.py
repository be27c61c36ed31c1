"""One userspace WireGuard program in the foreground on one machine, and what it costs."""

import os
import signal
import socket
import subprocess
import time

from .errors import BenchError
from .implementations import Implementation
from .lab import Machine

INTERFACE = "wg0"
SOCKET = f"/var/run/wireguard/{INTERFACE}.sock"
START_SECONDS = 10
END_SECONDS = 10


class Daemon:
    """Runs from the constructor, which returns once it can be configured, to close()."""

    def __init__(self, machine: Machine, implementation: Implementation) -> None:
        self.machine = machine
        self.name = implementation.name
        self._process = machine.spawn(
            *implementation.command, "-f", INTERFACE, env=environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pid = self._process.pid
        try:
            self._wait_until_usable()
        except BaseException:
            self.close()
            raise

    def _wait_until_usable(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.machine):
            if self._process.poll() is not None:
                said = self._process.stderr.read().decode(errors="replace").strip()
                raise BenchError(f"{self.name} ended with status {self._process.returncode}: {said}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} does not answer on {SOCKET}")
            time.sleep(0.005)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads, those that ended too, in user and kernel mode."""
        # The process's CPU clock: what /proc/PID/stat rounds to hundredths, in nanoseconds.
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory(self) -> dict[str, int]:
        """Bytes that it holds now ("VmRSS") and held at most ("VmHWM")."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as lines:
            fields = dict(line.split(":", 1) for line in lines)
        return {name: int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")}

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()


def environment() -> dict[str, str]:
    return {**os.environ, "LOG_LEVEL": "error"}


def answers(machine: Machine) -> bool:
    """True if the configuration socket of the machine's interface answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(machine.path(SOCKET)))
            connection.sendall(b"get=1\n\n")
            return bool(connection.recv(4096))
        except OSError:
            return False
