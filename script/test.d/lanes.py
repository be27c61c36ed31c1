"""Runs a folder's pytest files in lanes, side by side: each file in a run, and so in a sandbox, of its own.

usage: lanes.py LANES FOLDER [FILE...] [PYTEST-OPTION...]

Files that start the virtual machine go one after the other in one run, which shares it. Each run ends with
the search for leftovers, where the folder has one. What a run prints is shown when it has ended; its JUnit
file goes to $RESULTS.  Ends with another status than 0 if a run failed.

Where $AGAIN names a folder with JUnit files, only what failed there is run, one file after the other.
"""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import results

NO_TEST_RAN = 5  # pytest's status: all were deselected
STARTS_THE_GUEST = re.compile(r"^def \w+\(.*\bguest\b|guest_member", re.MULTILINE)
LAST = "test_leftovers.py"
TREE = Path(__file__).resolve().parents[2]


def groups(files):
    """Lists of files that go together, the longest first: what takes longest should not begin last."""
    files = sorted((file for file in files if file.name != LAST), key=lambda file: file.stat().st_size, reverse=True)
    shared = [file for file in files if STARTS_THE_GUEST.search(file.read_text())]
    return [group for group in [shared, *([file] for file in files if file not in shared)] if group]


def failed_in(folder):
    """{stem of the file: [name of the case]}"""
    failed = {}
    for stem, name in results.failed(folder):
        failed.setdefault(stem, []).append(name)
    return failed


def fetch_what_all_need():
    """Once, before the lanes would do it at the same time; what fails is told by the tests that need it."""
    fetch = "from lab import guest_image, programs; programs.wireguard_go(); programs.promtool(); guest_image.image()"
    subprocess.run(["/usr/bin/python3", "-B", "-c", fetch], cwd=TREE / "tests/e2e", check=False, capture_output=True)


class Lanes:
    def __init__(self, folder, arguments):
        self.folder, self.arguments = folder, arguments
        self.last = [file for file in [folder / LAST] if file.exists()]
        self.running = set()

    def run(self, files, cases=()):
        """The exit status of pytest, over files or over some cases of one."""
        name = f"{self.folder.name}-{files[0].stem}"
        command = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", self.folder / "pytest.ini",
                   *([f"{files[0]}::{case}" for case in cases] or files), *self.last, *self.arguments, f"--junitxml={os.environ['RESULTS']}/{name}.xml"]
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.running.add(process)
        said, _ = process.communicate()
        self.running.discard(process)
        print(f"---- {' '.join(file.name for file in files)}: {time.monotonic() - began:.0f} s\n{said}", flush=True)
        return 0 if process.returncode == NO_TEST_RAN else process.returncode

    def run_again(self, failed):
        return max((self.run([self.folder / f"{stem}.py"], names) for stem, names in failed.items()), default=1)

    def interrupt(self, number, _frame):
        """Its sandbox ends with each run."""
        for process in list(self.running):
            process.send_signal(signal.SIGINT)
        sys.exit(128 + number)


def main():
    lanes, folder, *arguments = sys.argv[1:]
    folder = Path(folder).resolve()
    files = [folder / one for one in arguments if one.endswith(".py")] or list(folder.glob("test_*.py"))
    one = Lanes(folder, [word for word in arguments if not word.endswith(".py")])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, one.interrupt)
    fetch_what_all_need()
    if "AGAIN" in os.environ:
        return one.run_again(failed_in(Path(os.environ["AGAIN"])))
    with ThreadPoolExecutor(int(lanes)) as pool:
        return max(pool.map(one.run, groups(files)), default=1)


if __name__ == "__main__":
    sys.exit(main())
