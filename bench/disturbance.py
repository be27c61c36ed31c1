"""How much of this machine's CPU time others had: what a virtual machine's host gave to its neighbours."""

from dataclasses import dataclass

STEAL = 7  # in the line "cpu" of /proc/stat: proc(5)


@dataclass(frozen=True)
class CpuTime:
    total: int
    stolen: int


def now() -> CpuTime:
    with open("/proc/stat", encoding="ascii") as lines:
        fields = [int(field) for field in lines.readline().split()[1:9]]
    return CpuTime(sum(fields), fields[STEAL])


def stolen_since(start: CpuTime) -> float:
    """The share of all CPU time since `start`, 0 to 1."""
    end = now()
    return (end.stolen - start.stolen) / max(1, end.total - start.total)
