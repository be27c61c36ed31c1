"""How much of this machine's CPU time others have: its other programs, and its host's other guests."""

import statistics
import time
from dataclasses import dataclass

# Fields of the line "cpu" of /proc/stat: proc(5).
IDLE, IOWAIT, STEAL = 3, 4, 7
SAMPLE_SECONDS = 0.1
# More than this of the CPU time spoils figures.
MOST = 0.1


@dataclass(frozen=True)
class CpuTime:
    total: int
    idle: int
    stolen: int


def now() -> CpuTime:
    with open("/proc/stat", encoding="ascii") as lines:
        fields = [int(field) for field in lines.readline().split()[1:9]]
    return CpuTime(sum(fields), fields[IDLE] + fields[IOWAIT], fields[STEAL])


class Disturbance:
    """Looks before each figure, while the bench itself rests, and at what the host takes meanwhile."""

    def __init__(self) -> None:
        self._others: list[float] = []
        self._start = now()

    def look(self) -> float:
        """The share of the CPU time that others have now, 0 to 1."""
        start = now()
        time.sleep(SAMPLE_SECONDS)
        end = now()
        share = 1 - (end.idle - start.idle) / max(1, end.total - start.total)
        self._others.append(share)
        return share

    @property
    def others(self) -> float:
        """The mean of all looks."""
        return statistics.mean(self._others) if self._others else 0.0

    @property
    def stolen(self) -> float:
        """The share that the host gave to other guests since the beginning."""
        end = now()
        return (end.stolen - self._start.stolen) / max(1, end.total - self._start.total)

    def complaint(self) -> str | None:
        if max(self.others, self.stolen) <= MOST:
            return None
        return (f"This machine was not quiet: its other programs had {self.others:.0%} of its CPU time, and its "
                f"host took {self.stolen:.0%}.  Do not trust these figures.")
