"""Tests of what the bench computes; run with: python3 -m pytest bench"""

import pytest

from . import api, machines, report, search, spread
from .figures import crowd, figure, forward
from .traffic import Trial


def path_that_carries(capacity: float, loss_once_at: float | None = None):
    """A path that drops what is above its capacity, and once, at one rate, a tenth for no reason."""
    disturbed = []

    def trial(rate: float) -> Trial:
        sent = int(rate)
        if loss_once_at is not None and rate >= loss_once_at and not disturbed:
            disturbed.append(rate)
            return Trial(sent, int(sent * 0.9), 1.0)
        return Trial(sent, min(sent, int(capacity)), 1.0)

    return trial


@pytest.mark.parametrize("capacity", [1_500, 15_000, 51_000, 255_000, 1_500_000])
def test_search_finds_the_capacity_within_5_percent(capacity):
    assert search.highest_rate(path_that_carries(capacity)) == pytest.approx(capacity, rel=0.05)


def test_search_forgives_one_disturbed_trial():
    run = path_that_carries(51_000, loss_once_at=20_000)
    assert search.highest_rate(run) == pytest.approx(51_000, rel=0.05)


def test_search_stops_where_the_sender_is_the_limit():
    trials = []

    def trial(rate):
        trials.append(rate)
        return Trial(int(min(rate, 300_000)), int(min(rate, 300_000)), 1.0)

    assert search.highest_rate(trial) == pytest.approx(300_000)
    assert max(trials) == 512_000


def test_search_says_nothing_of_a_path_that_carries_nothing():
    assert search.highest_rate(lambda rate: Trial(int(rate), 0, 1.0)) == 0


def test_ratios_are_taken_round_by_round():
    # The machine was half as fast in the second round: of the medians the ratio would be 2.25.
    assert spread.ratios([4, 2, 5], [2, 1, 2]) == [2, 2, 2.5]
    assert spread.summary([4, 2, 5]) == spread.Summary(4, 2, 5)


@pytest.mark.parametrize("target,subject,reference,met", [
    (figure.ratio_at_least(2.2), [23.0], [10.0], True),
    (figure.ratio_at_least(2.2), [21.0], [10.0], False),
    (figure.ratio_at_most(0.4), [4.0], [10.0], True),
    (figure.ratio_at_most(0.4), [5.0], [10.0], False),
    (figure.at_most(16), [16.0], [1.0], True),
    (figure.at_least(16), [15.0], [1.0], False),
    (figure.at_least(16), [17.0], None, True),
    (figure.ratio_at_least(1), [17.0], None, None),
    (None, [17.0], [1.0], None),
])
def test_a_line_says_whether_its_target_is_met(target, subject, reference, met):
    measure = figure.Measure("name", "label", "unit", 1, target)
    values = {"ours": subject, **({"theirs": reference} if reference else {})}
    assert report.line(measure, values, "ours", "theirs").is_met is met


def test_many_rules_are_as_many_over_as_many_tags():
    lines = forward.many_rules().splitlines()
    assert sum(line.startswith("allow ") for line in lines) == forward.RULES
    assert len({word for line in lines for word in line.split() if word.startswith("tag:t")}) == forward.TAGS
    assert len(set(lines)) == len(lines)


def test_policies_of_the_crowd_differ_and_always_allow_the_two_machines():
    texts = [crowd.policy(number) for number in range(10)]
    assert len(set(texts)) == len(texts)
    assert all(text.startswith("allow tag:left tag:right -> tag:left tag:right\n") for text in texts)


def test_chunks_of_an_answer_are_joined():
    assert api.unchunked(b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") == b"hello world"
    assert api.unchunked(b"0\r\n\r\n") == b""


def test_keys_of_a_text_are_found():
    config = "[Interface]\nPrivateKey          = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n[Peer]\nPublicKey           = " \
             "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    assert machines.keys_of({"config": config}) == ("01" + "00" * 31, "02" + "00" * 31)
