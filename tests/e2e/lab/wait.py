"""Waiting for events."""

import time

# What is waited for takes so long on a machine that has nothing else to do; another gets this many times as much.
PATIENCE = 3


def until(condition, timeout=10.0, what=None, every=0.01):
    """Calls `condition` until it returns something true, and returns that.

    `what` is waited for: a text, or what returns one, asked when the time is over.
    """
    deadline = time.monotonic() + PATIENCE * timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            what = what() if callable(what) else what or condition.__name__
            raise AssertionError(f"waited {PATIENCE * timeout} s in vain for {what}")
        time.sleep(every)
