"""Waiting for events."""

import time


def until(condition, timeout=10.0, what=None, every=0.01):
    """Calls `condition` until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what or condition.__name__}")
        time.sleep(every)
