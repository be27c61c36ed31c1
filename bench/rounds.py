"""Takes figures in rounds, the implementations in turn within each."""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence

from . import disturbance
from .errors import BenchError
from .figures.figure import Bench, Figure
from .implementations import Implementation

# measure -> implementation -> a value a round
Values = dict[str, dict[str, list[float]]]


def take(bench: Bench, figures: Sequence[Figure], compared: Sequence[Implementation],
         limits: Sequence[Implementation], rounds: int) -> Values:
    """`compared` is the subject and the reference; `limits` are taken only for figures that have them."""
    values: Values = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for figure in figures:
            # The order turns each round, so that neither always has the warmer machine.
            pair = compared if number % 2 == 0 else compared[::-1]
            for implementation in [*who_can(figure, pair, compared[0]), *(limits if figure.has_limits else ())]:
                one(bench, figure, implementation, values, f"round {number + 1}/{rounds}")
    return values


def who_can(figure: Figure, pair: Sequence[Implementation], subject: Implementation) -> Sequence[Implementation]:
    return [subject] if figure.is_ours_alone else pair


def one(bench: Bench, figure: Figure, implementation: Implementation, values: Values, when: str) -> None:
    if not implementation.command and not figure.has_limits:
        raise BenchError(f"{figure.name} cannot be taken of {implementation.name}: it runs no program")
    others = bench.disturbance.look()
    start = time.monotonic()
    taken = figure.run(bench, implementation)
    for name, value in taken.items():
        values[name][implementation.name].append(value)
    first = figure.measures[0]
    print(f"{when}  {figure.name:10} {implementation.name:14} "
          f"{taken[first.name] * first.scale:10.4g} {first.unit:8} ({time.monotonic() - start:.1f} s)"
          f"{f'  others had {others:.0%}' if others > disturbance.MOST else ''}",
          file=sys.stderr, flush=True)
