"""Joining, leaving, and what goes wrong with either."""

import re
import shutil
import sqlite3
import threading

import pytest
from member import Member, Network, settle

from lab import wait

LEFT_ALONE = (("ip", "-j", "address"), ("ip", "-j", "route", "show", "table", "all"), ("ip", "-j", "rule"),
              ("nft", "list", "ruleset"), ("cat", "/etc/hosts"), ("cat", "/etc/resolv.conf"),
              ("sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"))


def settings_of(host):
    shown = ["".join(host.run(*argv, check=False)) for argv in LEFT_ALONE]
    # How long an address is still good for changes by itself.
    return [re.sub(r'"(valid|preferred)_life_time":\d+', "", text) for text in shown]


@pytest.fixture
def network(internet):
    return Network(internet)


def refused(network, host, key, *options):
    """What `warren join` says when it refuses; nothing has changed."""
    before = settings_of(host)
    member = Member(network, host, "atlas")
    done = member.try_join(key, *options)
    assert done.returncode in (1, 2) and len(done.stderr.strip().splitlines()) == 1, done
    assert key not in done.stderr
    assert settings_of(host) == before
    assert not (member.folder / "state/warren0").exists()
    return done.stderr


def test_join_in_the_background_and_leave(internet, network):
    host = internet.host("port", "atlas")
    before = settings_of(host)
    member = Member(network, host, "atlas")
    done = member.cli("join", "--backend", "engine", "--name", "atlas", network.key())
    assert done.returncode == 0 and "this machine is atlas of network acme" in done.stdout, done
    assert member.status()["addresses"]
    done = member.cli("leave")
    assert done.returncode == 0, done
    assert settings_of(host) == before
    assert not list((member.folder / "state").glob("*"))
    assert member.cli("status").returncode == 1


def test_bad_keys(internet, network):
    host = internet.host("port", "atlas")
    good = network.key("--uses", "1")
    assert "join key" in refused(network, host, "wrj_AAAA")
    assert "join key" in refused(network, host, "hello")
    assert refused(network, host, good[:-9] + "AAAAAAAAA")
    other = Member(network, internet.host("port", "first"), "first")
    network.lab.keep(other)
    assert other.try_join(good).returncode == 0
    assert "used" in refused(network, host, good)
    old = network.key("--expires", "1m")
    with sqlite3.connect(network.server.database()) as database:
        database.execute("UPDATE join_key SET expires = 1 WHERE expires IS NOT NULL")
    assert "is over since" in refused(network, host, old)


def test_a_single_use_key_admits_one_of_many(internet, network):
    host = internet.host("public", "many")
    key = network.key("--uses", "1")
    members = [Member(network, host, f"many-{number}") for number in range(12)]
    results = []
    threads = [threading.Thread(target=lambda one=one: results.append(one.try_join(key))) for one in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done.returncode for done in results) == [0] + [1] * 11
    assert len(network.server.local().get(f"/orgs/{network.org['uid']}/machines")["items"]) == 1


def test_another_certificate_is_refused(internet, network):
    """Somebody else answers at the server's address: the key knows its certificate."""
    key = network.key()
    network.server.stop()
    for path in network.server.data.rglob("*.pem"):
        path.unlink()
    network.server.start()
    assert "certificate" in refused(network, internet.host("port", "atlas"), key)


def test_approval(internet, network):
    member = network.join(internet.host("port", "atlas"), key=network.key("--approve"))
    wait.until(lambda: "pending" in member.status()["server"]["refusal"], 10, "the refusal")
    assert not member.status()["addresses"]
    done = network.server.cli("machine", "approve", "--org", "acme", "atlas")
    assert done.returncode == 0, done
    member.cli("refresh")
    member.wait_connected(90)


def test_rotate(internet, network):
    a = network.join(internet.host("port", "atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    before = a.status()["public_key"]
    done = a.cli("rotate")
    assert done.returncode == 0, done
    assert a.status()["public_key"] != before
    a.wait_connected()
    wait.until(lambda: len(a.reaches(b, 1, 1)) == 1, 15, "traffic with the new key")


def test_several_networks(internet, network):
    other = network.server.local().post("/orgs", {"name": "Other", "network4": "10.77.0.0/24"})
    host = internet.host("port", "atlas")
    member = network.join(host)
    member.wait_connected()
    done = network.server.cli("key", "create", "--org", other["label"])
    second = member.cli("join", "--no-start", "--backend", "engine", "-", input=done.stdout)
    assert second.returncode == 0, second
    assert "warren1" in second.stdout


def test_a_copied_disk_is_refused(internet, network):
    a = network.join(internet.host("port", "atlas"))
    a.wait_connected()
    copy = Member(network, internet.host("port", "copy"), "atlas")
    network.lab.keep(copy)
    shutil.copytree(a.folder / "state", copy.folder / "state", ignore=shutil.ignore_patterns("*.sock"))
    copy.start()
    wait.until(lambda: copy.status()["server"]["refusal"] == "duplicate", 20, "the refusal")
    assert "copy" in copy.status()["server"]["trouble"]
    assert a.status()["server"]["is_connected"]
