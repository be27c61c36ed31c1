"""Moves the bench into a mount namespace of its own, with a PID namespace for its children."""

import os
import sys

from .errors import BenchError

MARK = "WARREN_BENCH_ISOLATED"


def enter() -> None:
    """Starts the bench again, isolated; returns at once in the second life."""
    if os.environ.get(MARK):
        return
    if os.geteuid() != 0:
        raise BenchError("root is needed, for network namespaces and TUN devices")
    if not os.path.exists("/dev/net/tun"):
        raise BenchError("/dev/net/tun is absent: this kernel offers no TUN devices")
    os.environ[MARK] = "1"
    # Not --fork: signals still reach the bench itself, and only its children are in the new PID namespace.
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--propagation", "private",
                          sys.executable, "-B", "-m", "bench", *sys.argv[1:]])
