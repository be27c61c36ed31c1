"""Finds the highest rate of datagrams that a path carries with next to no loss, in bounded time."""

from collections.abc import Callable

from .traffic import Trial

MOST_LOSS = 0.01
# Half of it is taken for granted.
FIRST_RATE = 2_000
DOUBLINGS = 11  # to 2 million a second, which no path here carries
BISECTIONS = 4  # of a factor of two: 4 % apart at the end
# A mistake while doubling is not mended later.
CHANCES_DOUBLING, CHANCES_BISECTING = 3, 2
# A sender that gets out less than this share of what it was asked for is itself the limit.
SENDER_LIMIT = 0.8


def passes(trial: Trial) -> bool:
    return trial.loss < MOST_LOSS


def highest_rate(run: Callable[[float], Trial]) -> float:
    """The best rate of arrival among the trials with less than 1 % loss; `run` does a trial at a rate.

    Doubles the rate until a trial fails, then halves the gap (as a factor) a few times.  A trial that fails
    is given further chances, for this is a search on a noisy machine: 12 to 18 trials in all as a rule.
    """
    best, low, high = 0.0, FIRST_RATE / 2, float(FIRST_RATE)
    for _ in range(DOUBLINGS):
        trial = attempt(run, high, CHANCES_DOUBLING)
        if not passes(trial):
            break
        best, low, high = max(best, trial.rate), high, 2 * high
        if trial.sent < SENDER_LIMIT * low * trial.seconds:
            return best
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        trial = attempt(run, middle, CHANCES_BISECTING)
        if passes(trial):
            best, low = max(best, trial.rate), middle
        else:
            high = middle
    return best


def attempt(run: Callable[[float], Trial], rate: float, chances: int) -> Trial:
    """The first trial that passes, or the last."""
    for _ in range(chances):
        trial = run(rate)
        if passes(trial):
            break
    return trial
