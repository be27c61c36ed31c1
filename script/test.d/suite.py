"""Runs the parts of the test suite side by side and counts what they tested.

A part is a program in this folder, listed in PARTS.  It finds in its environment:
  RESULTS   a folder of its own, where it may leave JUnit files (*.xml) and Meson's testlog.json
  JOBS      how many cores it may keep busy
  NIGHTLY   1 if it should also do what takes long, else empty
  AGAIN     a folder of results, if only what failed in these is to be tested
Lines "ok ..." and "not ok ..." in its output count as well (TAP).  What it prints goes to
build/test-logs/PART.log, and to the terminal only if the part failed.

script/test is the way to start this.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import results

HERE = Path(__file__).parent
TREE = HERE.parents[1]
LOGS = TREE / "build/test-logs"
LINES_SHOWN = 150  # of the log of a part that failed
SECONDS_TO_CLEAN_UP = 20  # after an interrupt, before the kill
AGAIN_MOST = 5  # cases; where more failed, it was not for want of time


@dataclass(eq=False)
class Part:
    name: str
    about: str
    after: list = field(default_factory=list)  # parts that must have ended well
    nightly: bool = False  # only then
    cores: int = 1  # 0: waits more than it works, and runs beside others
    is_timed: bool = False  # real packets and timers: time has a part in what its tests see


# Started in this order as cores come free.  End-to-end tests wait more than they work, so one lane
# is theirs while the other builds and tests what they do not need.
PARTS = [
    Part("program", "builds with gcc, without warnings", cores=2),
    Part("lab", "agents behind NATs of every kind, meshes, with real packets", after=["program"], cores=0, is_timed=True),
    Part("sanitized", "builds with clang, AddressSanitizer and UBSan, without warnings"),
    Part("e2e", "real packets, with wireguard-go, the kernel, wg-quick", after=["program"], is_timed=True),
    Part("asan", "unit tests and simulators under AddressSanitizer and UBSan", after=["sanitized"], is_timed=True),
    Part("unit", "the engine's unit tests and the simulators by gcc, and what the bench computes", after=["program"], is_timed=True),
    Part("lab-asan", "agents and meshes under AddressSanitizer and UBSan", after=["sanitized"], cores=0, is_timed=True),
    Part("e2e-asan", "hostile packets under AddressSanitizer and UBSan", after=["sanitized"], is_timed=True),
    Part("verify", "script/verify: every claim about the server, by packets", after=["program"]),
    Part("fuzz", "every parser and the receive path against libFuzzer", after=["sanitized"]),
    Part("tsan", "the engine under ThreadSanitizer", is_timed=True),
    Part("style", "floors, formatting, scripts, manual pages, completions, documents"),
    Part("demo", "script/demo", after=["program"]),
    Part("clang", "builds with clang as people get it, and its unit tests", nightly=True),
]


class Suite:
    """The parts that wait, run and have ended."""

    def __init__(self, parts, nightly):
        self.waiting = list(parts)
        self.running = {}  # Part -> (process, start time)
        self.ended = {}  # name of the part -> Count
        self.nightly = nightly
        self.free_cores = max(2, os.cpu_count())
        self.cpu = cpu_of_children()  # of the parts that ended

    def run(self):
        while self.waiting or self.running:
            self.start_what_can()
            self.collect_what_ended()
            time.sleep(0.1)

    def start_what_can(self):
        for part in list(self.waiting):
            broken = [name for name in part.after if name in self.ended and not self.ended[name].is_good()]
            if broken:
                self.waiting.remove(part)
                self.end(part, results.Count(0, 1), 0, 0, f"not run, because {broken[0]} failed")
            elif part.cores <= self.free_cores and all(name in self.ended for name in part.after):
                self.waiting.remove(part)
                self.start(part)
            elif part.cores > self.free_cores:
                return  # whoever stands behind must not keep it waiting for ever

    def start(self, part):
        self.free_cores -= part.cores
        self.launch(part, LOGS / part.name)

    def launch(self, part, folder, **more):
        """With a folder of its own for results, and a log beside that; `more` is for its environment."""
        make_folder(folder)
        with open(folder.with_suffix(".log"), "w") as log:
            process = subprocess.Popen(
                [HERE / part.name], cwd=TREE, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=environment(part, folder, self.nightly) | more,
            )
        self.running[part] = process, time.monotonic()
        return process

    def collect_what_ended(self):
        for part, (process, started) in list(self.running.items()):
            status = process.poll()
            if status is None:
                continue
            before, self.cpu = self.cpu, cpu_of_children()
            del self.running[part]
            self.free_cores += part.cores
            count = results.count(LOGS / part.name, log_of(part).read_text(errors="replace"))
            note = ""
            if status != 0 and count.failed == 0:
                count, note = results.Count(count.passed, 1), f"ended with status {status}"
            elif count.passed + count.failed == 0:
                count, note = results.Count(0, 1), "ran no test"
            self.end(part, count, time.monotonic() - started, self.cpu - before, note)

    def end(self, part, count, seconds, cpu, note):
        self.ended[part.name] = count
        print(f"{part.name:9} {seconds:4.0f} s {cpu:4.0f} s CPU {count.passed:5} passed {count.failed:3} failed   {note or part.about}")
        if not count.is_good() and seconds:
            show_end_of(log_of(part))
        sys.stdout.flush()

    def judge_again(self):
        """What failed of timed parts while others had the machine is played once more, with all of it, and that counts.

        Unless it is much, or some of it failed for what time has no part in.
        """
        timed = [part for part in PARTS if part.is_timed and part.name in self.ended and self.ended[part.name].failed]
        failed = {part: results.failed(LOGS / part.name) for part in timed}
        if sum(len(some) for some in failed.values()) > AGAIN_MOST:
            return
        for part, some in failed.items():
            if some and sum(count.failed for count in some.values()) == self.ended[part.name].failed:
                self.play_again(part, some)

    def play_again(self, part, failed):
        folder = LOGS / f"{part.name}-again"
        self.launch(part, folder, AGAIN=str(LOGS / part.name)).wait()
        del self.running[part]
        now = results.verdicts(folder)
        for (stem, name), count in sorted(failed.items()):
            verdict, count_now = now.get((stem, name), (results.FAILED, count))
            if verdict == results.PASSED:
                self.ended[part.name] += count_now - count
            print(f"{part.name:9} {verdict} alone, after it failed beside others: {stem} {name}")
        if self.ended[part.name].failed:
            show_end_of(folder.with_suffix(".log"))

    def interrupt(self):
        """Ends what this suite started, and nothing else: first politely, then for good."""
        for process, _ in self.running.values():
            signal_group(process, signal.SIGINT)
        deadline = time.monotonic() + SECONDS_TO_CLEAN_UP
        for process, _ in self.running.values():
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            signal_group(process, signal.SIGKILL)

    def total(self):
        counts = self.ended.values()
        return results.Count(sum(c.passed for c in counts), sum(c.failed for c in counts))


def cpu_of_children():
    """Seconds, of those that were waited for, and of those that these waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def signal_group(process, number):
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def make_folder(folder):
    """An empty folder for results."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def give_back():
    """What was built by root with sudo belongs to the user who asked."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() == 0 and uid and gid:
        subprocess.run(["chown", "-R", f"{uid}:{gid}", *TREE.glob("build"), *TREE.glob("build-*")], check=False)


def environment(part, folder, nightly):
    ours = {"RESULTS": folder, "JOBS": part.cores, "NIGHTLY": 1 if nightly else "", "PYTHONDONTWRITEBYTECODE": 1}
    return os.environ | {name: str(value) for name, value in ours.items()}


def log_of(part):
    return LOGS / f"{part.name}.log"


def show_end_of(log):
    lines = log.read_text(errors="replace").splitlines()
    print(f"---- {log.relative_to(TREE)}")
    if len(lines) > LINES_SHOWN:
        print(f"  ... {len(lines) - LINES_SHOWN} lines before these")
    print("\n".join(f"  {line}" for line in lines[-LINES_SHOWN:]))
    print("----")


def wanted_parts(names, nightly):
    """The parts named, or all of day or night, and what they come after, in the order of PARTS."""
    wanted = set(names or (part.name for part in PARTS if nightly or not part.nightly))
    for part in reversed(PARTS):
        if part.name in wanted:
            wanted |= set(part.after)
    return [part for part in PARTS if part.name in wanted]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="script/test", description="Runs the test suite.")
    parser.add_argument("--nightly", action="store_true", help="also what takes long")
    parser.add_argument("--only", action="append", metavar="PART", choices=[part.name for part in PARTS],
                        help="only this part, and the parts whose results it needs")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.list:
        for part in PARTS:
            print(f"{part.name:9} {part.about}")
        return 0

    suite = Suite(wanted_parts(arguments.only, arguments.nightly), arguments.nightly)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        suite.run()
        suite.judge_again()
    except KeyboardInterrupt:
        suite.interrupt()
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        give_back()
    total = suite.total()
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.is_good() else 1


if __name__ == "__main__":
    sys.exit(main())
