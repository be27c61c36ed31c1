"""The kernel has one table of neighbours for all namespaces; fifty members who know each other are more than it holds.

While runs of the lab go on the limits are higher; the last of them puts back what was."""

import contextlib
import fcntl
import json
from pathlib import Path

ENOUGH = 32768
LOCK = Path("/run/lock/warren-lab-neighbours")
LIMITS = [Path(f"/proc/sys/net/{family}/neigh/default/gc_thresh{number}") for family in ("ipv4", "ipv6") for number in (3, 2, 1)]


@contextlib.contextmanager
def many():
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with open(LOCK, "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        before = {str(file): file.read_text() for file in LIMITS if file.exists() and int(file.read_text()) < ENOUGH}
        if before:
            LOCK.write_text(json.dumps(before))
        for file in before:
            Path(file).write_text(str(ENOUGH))
        try:
            yield
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for file, value in reversed(json.loads(LOCK.read_text() or "{}").items()):
                    Path(file).write_text(value)
                LOCK.write_text("")
