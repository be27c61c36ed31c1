"""The counting of test cases: what must not pass unseen."""

import json

import pytest

from results import FAILED, FAILED_FOR_GOOD, MESON, PASSED, Count, count, count_junit, count_meson, count_tap, failed, verdicts

TAP = {
    "nothing": ("all is well\n", Count(0, 0)),
    "one of each": ("1..2\nok 1 - a\nnot ok 2 - b\n", Count(1, 1)),
    "words that begin alike": ("okay\nnot okay\nok\n", Count(1, 0)),
    "a skip is a failure": ("ok 1 - a # SKIP no root\n", Count(0, 1)),
    "a number in a name": ("ok 12 - #7 is mended\n", Count(1, 0)),
}

PROGRAMS = {
    "a program without TAP": ({"result": "OK", "stdout": "fine\n"}, Count(1, 0)),
    "a program with TAP": ({"result": "OK", "stdout": "ok 1 - a\nok 2 - b\n"}, Count(2, 0)),
    "a failed case": ({"result": "FAIL", "stdout": "ok 1 - a\nnot ok 2 - b\n"}, Count(1, 1)),
    "a crash after a case": ({"result": "FAIL", "stdout": "ok 1 - a\n"}, Count(1, 1)),
    "a crash before any": ({"result": "FAIL"}, Count(0, 1)),
    "too slow": ({"result": "TIMEOUT", "stdout": "ok 1 - a\n"}, Count(1, 1)),
    "a skip is a failure": ({"result": "SKIP", "stdout": ""}, Count(0, 1)),
}

JUNIT = """<testsuites><testsuite><testcase name="a"><system-out>x</system-out></testcase>
<testcase name="b"><failure/></testcase><testcase name="c"><error/></testcase>
<testcase name="d"><skipped/></testcase></testsuite></testsuites>"""


@pytest.mark.parametrize("case", TAP)
def test_results_of_tap(case):
    text, want = TAP[case]
    assert count_tap(text) == want


@pytest.mark.parametrize("case", PROGRAMS)
def test_results_of_meson(case):
    program, want = PROGRAMS[case]
    assert count_meson(json.dumps(program) + "\n") == want


def test_results_of_junit():
    assert count_junit(JUNIT) == Count(1, 3)


WHY = {
    "in vain": ('<failure message="waited 30 s in vain for a path">...</failure>', FAILED),
    "a sanitizer": ('<failure message="atlas broke a rule">...</failure>', FAILED_FOR_GOOD),
    "a crash": ('<error message="at the end">atlas died with status -11: ...</error>', FAILED_FOR_GOOD),
    "a skip": ("<skipped/>", FAILED_FOR_GOOD),
    "words": ("<system-out>AddressSanitizer</system-out>", PASSED),
}


@pytest.mark.parametrize("case", WHY)
def test_results_tell_what_a_second_try_may_mend(case, tmp_path):
    why, want = WHY[case]
    (tmp_path / "a.xml").write_text(f'<testsuite><testcase classname="lab.test_a" name="b[c d]">{why}</testcase></testsuite>')
    assert verdicts(tmp_path)["test_a", "b[c d]"][0] == want


def test_results_of_what_is_left_behind_are_final(tmp_path):
    (tmp_path / "a.xml").write_text('<testsuite><testcase classname="test_leftovers" name="a"><failure/></testcase></testsuite>')
    assert verdicts(tmp_path) == {("test_leftovers", "a"): (FAILED_FOR_GOOD, Count(0, 1))}


def test_results_of_programs_are_judged(tmp_path):
    good = {"name": "warren:unit / a b", "result": "OK", "stdout": "ok 1 - x\nok 2 - y\n"}
    slow = {"name": "warren:unit+plain / c", "result": "FAIL", "stdout": "ok 1 - x\nnot ok 2 - y\n"}
    broken = {"name": "warren:unit / d", "result": "FAIL", "stdout": "ok 1 - x\n", "stderr": "==1==ERROR: AddressSanitizer: heap-use"}
    (tmp_path / "meson.json").write_text(f"{json.dumps(good)}\n{json.dumps(slow)}\n")
    assert verdicts(tmp_path)[MESON, "a b"] == (PASSED, Count(2, 0))
    assert failed(tmp_path) == {(MESON, "c"): Count(1, 1)}
    random = slow | {"stdout": "twins: WARREN_TEST_SEED=17\nnot ok 1 - x\n"}
    for final in (broken, random):
        (tmp_path / "meson.json").write_text(f"{json.dumps(slow)}\n{json.dumps(final | {'name': 'warren:unit / d'})}\n")
        assert failed(tmp_path) == {}


def test_results_are_summed_over_all_files(tmp_path):
    (tmp_path / "a.xml").write_text(JUNIT)
    (tmp_path / "b.json").write_text(json.dumps({"result": "OK"}))
    assert count(tmp_path, "ok 1 - c\n") == Count(3, 3)


def test_results_without_a_test_are_no_success():
    assert not Count(0, 0).is_good()
    assert not Count(5, 1).is_good()
    assert Count(5, 0).is_good()
