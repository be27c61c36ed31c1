"""Counts the test cases in what test programs leave behind.

A test that was skipped counts as failed: a test that cannot run here must say what it lacks and
fail, so that a suite that passes has tested all that it names.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

TAP_LINE = re.compile(r"^(not )?ok\b(?!.*# *SKIP)", re.IGNORECASE)
TAP_SKIP = re.compile(r"^ok\b.*# *SKIP", re.IGNORECASE)


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed)

    def __sub__(self, other):
        return Count(self.passed - other.passed, self.failed - other.failed)

    def is_good(self):
        return self.passed > 0 and self.failed == 0


def count_tap(text):
    """Each line "ok" or "not ok" is a case."""
    result = Count()
    for line in text.splitlines():
        if match := TAP_LINE.match(line):
            result += Count(0, 1) if match[1] else Count(1, 0)
        elif TAP_SKIP.match(line):
            result += Count(0, 1)
    return result


def count_junit(text):
    """pytest's --junitxml: a case passed if nothing stands below it but what it printed."""
    result = Count()
    for case in ElementTree.fromstring(text).iter("testcase"):
        bad = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        result += Count(0, 1) if bad else Count(1, 0)
    return result


def count_meson(text):
    """Meson's testlog.json, a program a line: its TAP cases, or itself as one if it prints none."""
    result = Count()
    for line in text.splitlines():
        program = json.loads(line)
        cases = count_tap(program.get("stdout", ""))
        if program["result"] != "OK" and cases.failed == 0:
            cases += Count(0, 1)  # died before it could say so
        elif cases == Count():
            cases = Count(1, 0)
        result += cases
    return result


# What no slow machine makes: a sanitizer's finding, a daemon that died, something left behind.
FINAL = re.compile(r"broke a rule|died with status|ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer")
SEED = "WARREN_TEST_SEED="  # of a random test, as it says it
MESON = "meson"
PASSED, FAILED, FAILED_FOR_GOOD = "passed", "failed", "failed for good"


def stem_of(case):
    """Of the file that a JUnit testcase is in."""
    return case.get("classname", "").rpartition(".")[2]


def judge_case(case):
    """Of a JUnit testcase; for good where time has no part in it."""
    faults = [fault for kind in ("failure", "error", "skipped") for fault in case.findall(kind)]
    said = "".join(f"{fault.get('message')}{fault.text}" for fault in faults)
    is_final = FINAL.search(said) or any(fault.tag == "skipped" for fault in faults) or stem_of(case) in ("", "test_leftovers")
    return PASSED if not faults else FAILED_FOR_GOOD if is_final else FAILED


def judge_program(program):
    """Of a program in Meson's testlog.json; for good, too, where a second try would have another seed."""
    if count_meson(json.dumps(program)).failed == 0:
        return PASSED
    said = program.get("stdout", "") + program.get("stderr", "")
    return FAILED_FOR_GOOD if FINAL.search(said) or SEED in said else FAILED


def verdicts(folder):
    """{(stem of the file or MESON, name): (verdict, Count)} of all cases in JUnit files, and programs of Meson's, in a folder."""
    found = {}
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.fromstring(file.read_text()).iter("testcase"):
            verdict = judge_case(case)
            found[stem_of(case), case.get("name")] = verdict, Count(1, 0) if verdict == PASSED else Count(0, 1)
    for file in sorted(folder.glob("*.json")):
        for line in file.read_text().splitlines():
            program = json.loads(line)
            found[MESON, program["name"].rpartition(" / ")[2]] = judge_program(program), count_meson(line)
    return found


def failed(folder):
    """{(stem or MESON, name): Count} of what failed; nothing, if some of it failed for good."""
    found = verdicts(folder)
    if any(verdict == FAILED_FOR_GOOD for verdict, _count in found.values()):
        return {}
    return {key: count for key, (verdict, count) in found.items() if verdict != PASSED}


def count(folder, output):
    """All cases that a part reports: files in its folder of results, and TAP in its output."""
    result = count_tap(output)
    for file in sorted(folder.glob("*.xml")):
        result += count_junit(file.read_text())
    for file in sorted(folder.glob("*.json")):
        result += count_meson(file.read_text())
    return result


if __name__ == "__main__":  # the names of programs that failed in a folder's testlog.json
    print("\n".join(name for stem, name in failed(Path(sys.argv[1])) if stem == MESON))
