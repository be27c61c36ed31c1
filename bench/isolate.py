"""Moves the bench into a mount namespace and a PID namespace of its own, whose process 1 it is: what it starts ends
with it, however it ends."""

import ctypes
import os
import signal
import sys

from .errors import BenchError

MARK = "WARREN_BENCH_ISOLATED"
CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG = 1


def enter() -> None:
    """Starts the bench again, isolated, and ends with it; returns at once in the second life."""
    if os.environ.get(MARK):
        return
    if os.geteuid() != 0:
        raise BenchError("root is needed, for network namespaces and TUN devices")
    if not os.path.exists("/dev/net/tun"):
        raise BenchError("/dev/net/tun is absent: this kernel offers no TUN devices")
    os.environ[MARK] = "1"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWPID) != 0:
        raise BenchError(f"unshare: {os.strerror(ctypes.get_errno())}")
    pid = os.fork()
    if pid == 0:
        # An interrupt from the terminal comes through the parent only, once.
        os.setpgid(0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--mount-proc",
                              sys.executable, "-B", "-m", "bench", *sys.argv[1:]])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
