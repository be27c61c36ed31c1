"""What every figure is made of: what it yields, its target, and how it is taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..disturbance import Disturbance
from ..implementations import Implementation
from ..lab import Machines


@dataclass(frozen=True)
class Target:
    """A bound on the subject's value, or on its ratio to the reference."""

    bound: float
    is_ratio: bool
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def ratio_at_least(bound: float) -> Target:
    return Target(bound, is_ratio=True, at_least=True)


def ratio_at_most(bound: float) -> Target:
    return Target(bound, is_ratio=True, at_least=False)


def at_least(bound: float) -> Target:
    return Target(bound, is_ratio=False, at_least=True)


def at_most(bound: float) -> Target:
    return Target(bound, is_ratio=False, at_least=False)


@dataclass(frozen=True)
class Measure:
    """One line of the report.  `scale` turns the value, which is in SI units or bytes, into `unit`."""

    name: str
    label: str
    unit: str
    scale: float = 1
    target: Target | None = None


@dataclass(frozen=True)
class Effort:
    """How long a figure may take; --quick has less."""

    tcp_seconds: float = 4
    trial_seconds: float = 1
    pings: int = 1000
    handshakes: int = 2000


QUICK = Effort(tcp_seconds=2, trial_seconds=0.4, pings=300, handshakes=500)


@dataclass(frozen=True)
class Bench:
    """What a figure works with."""

    lab: Machines
    build: Path
    effort: Effort
    disturbance: Disturbance


class Figure:
    """Takes its measures for one implementation once; each time on a fresh tunnel."""

    name: ClassVar[str]
    # True if the figure also shows a limit: the wire alone, or a tunnel without crypto.
    has_limits = False
    # True if only Warren can do it, so that there is no reference.
    is_ours_alone = False

    @property
    def measures(self) -> tuple[Measure, ...]:
        raise NotImplementedError

    def run(self, bench: Bench, implementation: Implementation) -> dict[str, float]:
        """One value for each of the measures, by name."""
        raise NotImplementedError
