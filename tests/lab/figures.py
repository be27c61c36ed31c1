"""Figures of paths, for bench/paths.py: `pytest tests/lab/figures.py -s` prints a line of JSON each."""

import json
import time

import pytest
from member import Network, settle
from test_paths import Flow

from lab import wait

ROUNDS = 5


def tell(name, values):
    print(json.dumps({"figure": name, "values": values}), flush=True)


@pytest.mark.limit(600)
def test_figures(internet):
    upgrade, lost, gaps = [], [], []
    for _ in range(ROUNDS):
        network = Network(internet) if not upgrade else network
        a_host, b_host = internet.host("port"), internet.host("port")
        a, b = network.join(a_host), network.join(b_host)
        settle(a, b)
        began = time.monotonic()
        assert a.reaches(b, 1)
        flow = Flow(a, b)
        wait.until(lambda: a.path(b) == "direct" and b.path(a) == "direct", 20, "a direct path", 0.01)
        upgrade.append(time.monotonic() - began)
        time.sleep(1)
        flow.stop()
        lost.append(len(flow.lost()))
        flow, back = Flow(a, b, 7801), Flow(b, a, 7802)
        time.sleep(0.5)
        internet.cut(a_host.site.outside, b_host.site.outside)
        wait.until(lambda: a.path(b) == "relayed" and b.path(a) == "relayed", 20, "the relay", 0.02)
        time.sleep(0.5)
        internet.mend()
        flow.stop()
        back.stop()
        gaps.append(max(flow.gap(), back.gap()))
        a.stop()
        b.stop()
    tell("upgrade", upgrade)
    tell("lost", lost)
    tell("gap", gaps)
