"""Medians and spreads of a few rounds, and ratios taken round by round."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    median: float
    low: float
    high: float


def summary(values: Sequence[float]) -> Summary:
    return Summary(statistics.median(values), min(values), max(values))


def ratios(subject: Sequence[float], reference: Sequence[float]) -> list[float]:
    """One ratio a round: what disturbs the machine for minutes disturbs both sides of it."""
    return [ours / theirs for ours, theirs in zip(subject, reference) if theirs]
