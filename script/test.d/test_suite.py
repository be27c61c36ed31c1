"""What the suite makes of parts that failed: parts here are small programs."""

import pytest
import results
import suite

GOOD, BAD = "<testcase classname='test_a' name='{}'/>", "<testcase classname='test_a' name='{}'><failure message='{}'/></testcase>"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Plays a part which leaves one text of cases at first, and another one alone; its count."""
    monkeypatch.setattr(suite, "HERE", tmp_path)
    monkeypatch.setattr(suite, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(suite, "TREE", tmp_path)

    def once(first, alone, is_timed=True, status=0):
        (tmp_path / "first").write_text(f"<testsuite>{first}</testsuite>")
        (tmp_path / "alone").write_text(f"<testsuite>{alone}</testsuite>")
        program = tmp_path / "part"
        program.write_text(f'#!/bin/sh\n[ "$AGAIN" ] && which=alone || which=first\ncp {tmp_path}/$which "$RESULTS/a.xml"\nexit {status}\n')
        program.chmod(0o755)
        parts = [suite.Part("part", "a part", is_timed=is_timed)]
        monkeypatch.setattr(suite, "PARTS", parts)
        one = suite.Suite(parts, nightly=False)
        one.run()
        one.judge_again()
        return one.total()

    return once


def case(name, why=None):
    return BAD.format(name, why) if why else GOOD.format(name)


def test_a_timed_case_that_passes_alone_has_passed(play, capsys):
    assert play(case("x") + case("y", "in vain"), case("y")) == results.Count(2, 0)
    assert "passed alone, after it failed beside others: test_a y" in capsys.readouterr().out


def test_a_case_that_fails_alone_has_failed(play):
    assert play(case("x") + case("y", "in vain") + case("z", "in vain"), case("y", "in vain") + case("z")) == results.Count(2, 1)


def test_a_case_that_is_not_played_alone_has_failed(play):
    assert play(case("x") + case("y", "in vain"), case("x")) == results.Count(1, 1)


def test_only_time_is_an_excuse(play):
    assert play(case("x") + case("y", "it broke a rule"), case("y")) == results.Count(1, 1)
    assert play(case("x") + case("y", "in vain"), case("y"), is_timed=False) == results.Count(1, 1)
    assert play(case("x"), case("x"), status=3) == results.Count(1, 1)


def test_many_that_fail_are_not_played_again(play):
    names = [f"y{number}" for number in range(suite.AGAIN_MOST + 1)]
    assert play(case("x") + "".join(case(name, "in vain") for name in names), "".join(map(case, names))).failed == len(names)
