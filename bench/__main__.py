"""The command line of script/bench."""

import argparse
import itertools
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import agents, gossip, implementations, isolate, member, mesh, paths, report, rounds, tools
from .disturbance import Disturbance
from .errors import BenchError, Interrupted
from .figures import ALL, HUB
from .figures.figure import QUICK, Bench, Effort, Figure
from .implementations import ROOT
from .lab import Lab, Machines, Star

DESCRIPTION = """\
Measures Warren.

  tunnel   two network namespaces, a veth pair, and a tunnel between them: each figure for Warren and for
           wireguard-go in turn, in rounds; medians, spreads and ratios.  Needs root.
  hub      a server in one namespace and two machines in others: traffic through its hub beside that through a
           wireguard-go with kernel forwarding; policies, many organisations, many machines.  Needs root.
  agents   10,000 agents' channels on one server: memory, how fast changes reach them, a restart.  Needs root.
  mesh     2, 10 and 50 members of a mesh on a LAN of namespaces: how fast they meet, what it costs.  Needs root.
  gossip   meshes without a server of 100, 1,000 and 10,000 members in virtual time; 24 virtual hours take their time.
  crypto   the cryptography alone, for each backend that this CPU can use.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("tunnel", "hub", "agents", "mesh", "gossip", "crypto"))
    parser.add_argument("--rounds", type=int, help="how often each figure is taken (5)", metavar="N")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--figures", metavar="NAME,...",
                        help=f"only these, of {names_of(ALL)}; hub: {names_of(HUB)}")
    parser.add_argument("--impl", default="warren,wireguard-go", metavar="SUBJECT,REFERENCE",
                        help="what is compared (warren,wireguard-go): each warren, wireguard-go, null, veth, "
                             "or NAME=COMMAND; of a hub, all but warren forward by the kernel")
    parser.add_argument("--no-limits", action="store_true",
                        help="do not also measure the tunnel without crypto and the bare wire")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    parser.add_argument("--build", type=Path, default=ROOT / "build", metavar="DIR", help="the build folder (build)")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    try:
        return {"tunnel": tunnel, "hub": hub, "agents": channels, "mesh": lan, "gossip": meshes, "crypto": crypto}[given.what](given)
    except BenchError as error:
        print(f"script/bench: {error}", file=sys.stderr)
        return 1
    except Interrupted as signal_number:
        print("script/bench: interrupted", file=sys.stderr)
        return 128 + signal_number.args[0]


def tunnel(given: argparse.Namespace) -> int:
    return compare(given, ALL, Lab, () if given.no_limits else ("null", "veth"))


def hub(given: argparse.Namespace) -> int:
    return compare(given, HUB, Star, ())


def channels(given: argparse.Namespace) -> int:
    build = built(given.build)
    isolate.enter()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    with Star() as star:
        lines = agents.measure(star, build, 1000 if given.quick else 10_000, given.quick)
    for line in itertools.chain(paths.measure(build), member.measure(build, given.quick)):
        lines.append(line)
    return 1 if given.check and not all(line.is_met for line in lines) else 0


def meshes(given: argparse.Namespace) -> int:
    lines = gossip.measure(built(given.build), given.quick)
    return 1 if given.check and not all(line.is_met for line in lines) else 0


def lan(given: argparse.Namespace) -> int:
    lines = mesh.measure(built(given.build), given.quick)
    for line in lines:
        print(line)
    return 1 if given.check and not all(line.is_met for line in lines) else 0


def compare(given: argparse.Namespace, all_figures: Sequence[Figure], lab_kind: type[Machines],
            limit_names: Sequence[str]) -> int:
    tools.require()
    figures = chosen(given.figures, all_figures)
    names = pair(given.impl)
    build = built(given.build)
    isolate.enter()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    count = given.rounds or (1 if given.quick else 5)
    with lab_kind() as lab:
        compared = [implementations.named(name, build) for name in names]
        limits = [implementations.named(name, build) for name in limit_names]
        for each in compared:
            print(f"{each.name}: {' '.join(each.command)} ({each.version})", flush=True)
        bench = Bench(lab, build, QUICK if given.quick else Effort(), Disturbance())
        values = rounds.take(bench, figures, compared, limits, count)
    return tell(given, figures, values, compared, limits, count, bench.disturbance)


def pair(text: str) -> list[str]:
    names = text.split(",")
    if len(names) != 2:
        raise BenchError("--impl wants two: SUBJECT,REFERENCE")
    return names


def tell(given: argparse.Namespace, figures: Sequence[Figure], values: rounds.Values,
         compared: Sequence[implementations.Implementation],
         limits: Sequence[implementations.Implementation], count: int, disturbance: Disturbance) -> int:
    subject, reference = compared[0].name, compared[1].name
    lines = report.lines(figures, values, subject, reference)
    print(f"\nmedians of {count} round{'s' if count > 1 else ''} [least .. most]; ratios are taken round by round\n")
    print(report.table(lines, subject, reference))
    if text := report.limits_table(lines, subject, [each.name for each in limits]):
        print(f"\n{text}")
    if complaint := disturbance.complaint():
        print(f"\n{complaint}")
    path = given.build / f"bench/{given.what}.json"
    report.write(path, lines, [*compared, *limits], count, disturbance)
    print(f"\n{path}")
    return 1 if given.check and any(line.is_met is False for line in lines) else 0


def names_of(figures: Sequence[Figure]) -> str:
    return ", ".join(figure.name for figure in figures)


def chosen(names: str | None, figures: Sequence[Figure]) -> list[Figure]:
    by_name = {figure.name: figure for figure in figures}
    wanted = names.split(",") if names else list(by_name)
    if unknown := [name for name in wanted if name not in by_name]:
        raise BenchError(f"no figure {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in wanted]


def crypto(given: argparse.Namespace) -> int:
    return subprocess.run([str(implementations.built(built(given.build) / "bench/crypto"))], check=False).returncode


def built(folder: Path) -> Path:
    """The build folder, absolute, with what the bench itself needs in it."""
    implementations.built(folder / "bench/udpload")
    return folder.resolve()


def interrupt(number: int, _: object) -> None:
    raise Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
