"""What breaks, and recovers by itself."""

import os
import signal
import time

import pytest
from member import Network, settle
from test_paths import Flow

from lab import wait


@pytest.fixture
def network(internet):
    return Network(internet)


@pytest.fixture
def pair(internet, network):
    a = network.join(internet.host("port", "atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    b.wait_path(a, "direct")
    return a, b


def test_the_server_is_away(network, pair):
    """Members go on, and one that starts without it begins with the map that it kept."""
    a, b = pair
    network.server.kill()
    assert len(a.reaches(b)) == 3
    a.stop()
    a.start()
    wait.until(lambda: a.status()["addresses"] and a.status()["is_map_cached"], 10, "the map on disk")
    wait.until(lambda: a.reaches(b, 1, 1), 20, "traffic without a server")
    network.server.start()
    a.wait_connected(40)
    b.wait_connected(40)
    assert not a.status()["is_map_cached"]


@pytest.mark.nightly
@pytest.mark.limit(240)
def test_the_server_is_away_for_a_minute(network, pair):
    a, b = pair
    flow = Flow(a, b)
    network.server.kill()
    time.sleep(60)
    network.server.start()
    a.wait_connected(90)
    assert not flow.stop().lost()


def test_an_agent_is_killed(pair):
    a, b = pair
    a.kill()
    a.start()
    wait.until(lambda: a.reaches(b, 1, 1), 20, "traffic again")
    a.wait_connected()


def test_the_interface_is_deleted_by_hand(pair):
    a, b = pair
    a.host.ip("link del warren0")
    wait.until(lambda: "warren0" in a.host.links(), 10, "the interface")
    wait.until(lambda: a.reaches(b, 1, 1), 20, "traffic again")
    assert a.is_running()


def test_routes_and_addresses_are_deleted_by_hand(pair):
    a, b = pair
    a.host.ip("address flush dev warren0")
    wait.until(lambda: a.reaches(b, 1, 1), 10, "traffic again")
    assert a.status()["drift"]["mended"] > 0
    assert "mended" in a.cli("status").stdout


def test_a_revoked_machine_loses_traffic_with_every_peer_at_once(network, pair):
    a, b = pair
    flow = Flow(a, b)
    time.sleep(0.5)
    done = network.server.cli("machine", "remove", "--org", "acme", "atlas")
    assert done.returncode == 0, done
    removed = time.monotonic()
    time.sleep(2)
    flow.stop()
    last = max(flow.came.values())
    assert last - removed < 1, f"traffic for {last - removed:.1f} s more"
    wait.until(lambda: not b.peer(a), 5, "birch to forget atlas")


def test_a_member_that_is_gone_is_shown_offline_within_ten_seconds(internet, network, pair):
    a, b = pair
    assert network.machine("atlas")["state"] == "online"
    internet.core.nft("forward", "ip saddr 198.51.1.2 drop", "ip daddr 198.51.1.2 drop")
    began = time.monotonic()
    wait.until(lambda: network.machine("atlas")["state"] == "offline", 15, "it to be offline", 0.1)
    assert time.monotonic() - began < 11
    internet.mend()
    wait.until(lambda: network.machine("atlas")["state"] == "online", 30, "it to be back", 0.1)


def test_an_agent_that_ends_is_shown_offline_at_once(network, pair):
    a, b = pair
    a.stop()
    began = time.monotonic()
    wait.until(lambda: network.machine("atlas")["state"] == "offline", 12, "it to be offline", 0.1)
    assert time.monotonic() - began < 10


def test_an_older_database_is_noticed_and_not_obeyed(network, pair):
    """The database comes back from a copy of the file, without `warren restore`."""
    a, b = pair
    network.server.stop()
    old = network.server.files()
    network.server.start()
    network.policy("allow atlas -> birch\ndefault deny\n")
    network.server.cli("machine", "tag", "--org", "acme", "birch", "new")
    for member in pair:
        member.wait_connected(40)
    known = wait.until(lambda: a.status()["generation"], 5)
    time.sleep(1)
    network.server.stop()
    for name in network.server.files():
        if name.startswith("warren.db"):
            (network.server.data / name).unlink()
    for name, data in old.items():
        if name.startswith("warren.db"):
            (network.server.data / name).write_bytes(data)
    network.server.start()
    wait.until(lambda: a.status()["server"]["is_behind"], 60, "it to be noticed", 0.2)
    assert a.status()["generation"] >= known
    assert "refresh --accept" in a.cli("status").stdout
    assert len(a.reaches(b)) == 3
    assert a.cli("refresh", "--accept").returncode == 0
    wait.until(lambda: not a.status()["server"]["is_behind"], 20, "it to be obeyed", 0.1)


def test_an_agent_that_sleeps(pair):
    """A laptop that was closed: every thread stands still, then goes on."""
    a, b = pair
    os.kill(a.process.pid, signal.SIGSTOP)
    time.sleep(15)
    os.kill(a.process.pid, signal.SIGCONT)
    wait.until(lambda: a.reaches(b, 1, 1), 15, "traffic again")
    a.wait_connected(60)
