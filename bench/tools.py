"""The programs that the bench calls, and the Debian packages that bring them."""

import shutil
import subprocess
from collections.abc import Sequence

from .errors import BenchError

PACKAGES = {
    "ip": "iproute2",
    "iperf3": "iperf3",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "strip": "binutils",
    "unshare": "util-linux",
    "wg": "wireguard-tools",
}


def require(names: Sequence[str] = tuple(PACKAGES)) -> None:
    """Fails, naming the Debian packages, if one of the programs is absent."""
    absent = sorted({PACKAGES[name] for name in names if shutil.which(name) is None})
    if absent:
        raise BenchError(f"missing programs; install them: apt-get install {' '.join(absent)}")


def output_of(argv: Sequence[str], stdin: str | None = None, timeout: float = 60) -> str:
    """Runs a program to its end and returns what it printed; a failure is a BenchError with its words."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{' '.join(argv)}: not done after {timeout} s") from error
    except OSError as error:
        raise BenchError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise BenchError(f"{' '.join(argv)}: exit status {done.returncode}: {said}")
    return done.stdout
