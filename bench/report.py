"""The results as a table for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .disturbance import Disturbance
from .figures.figure import Figure, Measure, Target
from .implementations import Implementation
from .rounds import Values
from .spread import Summary, ratios, summary


@dataclass(frozen=True)
class Line:
    """One measure's outcome; `reference`, `ratio` and `is_met` are None where there is nothing to compare."""

    measure: Measure
    values: dict[str, list[float]]
    subject: Summary
    reference: Summary | None
    ratio: Summary | None
    is_met: bool | None


def lines(figures: Sequence[Figure], values: Values, subject: str, reference: str) -> list[Line]:
    return [line(measure, values[measure.name], subject, reference)
            for figure in figures for measure in figure.measures if measure.name in values]


def line(measure: Measure, values: dict[str, list[float]], subject: str, reference: str) -> Line:
    ours, theirs = values[subject], values.get(reference)
    by_round = ratios(ours, theirs) if theirs else []
    ratio = summary(by_round) if by_round else None
    return Line(measure, dict(values), summary(ours), summary(theirs) if theirs else None, ratio,
                is_met(measure.target, summary(ours), ratio))


def is_met(target: Target | None, subject: Summary, ratio: Summary | None) -> bool | None:
    if target is None or (target.is_ratio and ratio is None):
        return None
    return target.is_met(ratio.median if target.is_ratio else subject.median)


# ---- the table ----

def table(all_lines: Sequence[Line], subject: str, reference: str) -> str:
    head = ["figure", "", subject, reference, "ratio", "target", "met"]
    return aligned([head, *(row(line) for line in all_lines)])


def row(line: Line) -> list[str]:
    measure = line.measure
    return [measure.label, measure.unit, spread(line.subject, measure.scale), spread(line.reference, measure.scale),
            spread(line.ratio), bound(measure), {True: "yes", False: "NO", None: "-"}[line.is_met]]


def limits_table(all_lines: Sequence[Line], subject: str, limits: Sequence[str]) -> str:
    """The same figures of the limits; empty if none was taken."""
    rows = [[line.measure.label, line.measure.unit, number(line.subject.median * line.measure.scale),
             *(spread(summary(line.values[name]), line.measure.scale) if name in line.values else "-"
               for name in limits)]
            for line in all_lines if any(name in line.values for name in limits)]
    return aligned([["limit", "", subject, *limits], *rows]) if rows else ""


def spread(values: Summary | None, scale: float = 1) -> str:
    if values is None:
        return "-"
    middle, low, high = (number(value * scale) for value in (values.median, values.low, values.high))
    return middle if low == high else f"{middle} [{low} .. {high}]"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def bound(measure: Measure) -> str:
    target = measure.target
    if target is None:
        return "-"
    value = f"{target.bound:g} x" if target.is_ratio else f"{number(target.bound * measure.scale)} {measure.unit}"
    return f"{'>=' if target.at_least else '<='} {value}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in rows)


# ---- JSON ----

def write(path: Path, all_lines: Sequence[Line], implementations: Sequence[Implementation], rounds: int,
          disturbance: Disturbance) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "machine": {**machine(), "others": disturbance.others, "stolen": disturbance.stolen},
        "rounds": rounds,
        "implementations": {each.name: {"command": " ".join(each.command), "version": each.version}
                            for each in implementations},
        "figures": [as_json(line) for line in all_lines],
    }, indent=1) + "\n", encoding="utf-8")


def as_json(line: Line) -> dict[str, object]:
    """Values are in SI units and bytes, whatever the table shows."""
    measure = line.measure
    return {"name": measure.name, "label": measure.label, "values": line.values,
            "ratio": asdict(line.ratio) if line.ratio else None,
            "target": asdict(measure.target) if measure.target else None, "met": line.is_met}


def machine() -> dict[str, object]:
    return {"kernel": platform.release(), "cpu": cpu(), "cores": len(os.sched_getaffinity(0))}


def cpu() -> str:
    for text in Path("/proc/cpuinfo").read_text(encoding="ascii").split("\n"):
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return platform.machine()
