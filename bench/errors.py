"""What ends a bench early."""


class BenchError(Exception):
    """Something the bench needs is absent or failed; the message says what to do."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM.  Not KeyboardInterrupt, for which subprocess leaves children unreaped."""
