"""Who learns of whom, who reaches whom, through what."""

import json

import pytest
from member import Network, settle

from lab import wait
from lab.machine import Machine


@pytest.fixture
def network(internet):
    return Network(internet)


def test_two_that_no_rule_connects_never_learn_of_each_other(internet, network):
    network.policy("allow tag:web -> tag:db tcp 5432\ndefault deny\n")
    web, db, other = (network.join(internet.host("public", name), key=network.key("--tag", tag))
                      for name, tag in (("web-1", "web"), ("db-1", "db"), ("odd-1", "odd")))
    for member in (web, db, other):
        member.wait_connected()
    web.knows(db)
    db.knows(web)
    assert not other.status()["peers"]
    map_file = other.folder / "state/warren0/map.json"
    wait.until(map_file.exists, 10, "the map on the disk")
    kept = map_file.read_text()
    assert "web-1" not in kept and "db-1" not in kept and web.status()["public_key"] not in kept
    assert not web.reaches(db, 2, 0.7), "only TCP to 5432 is allowed"
    from lab import traffic
    with db.host.socket(2, 1) as listener:
        listener.bind((db.address, 5432))
        listener.listen()
        with web.host.socket(2, 1) as client:
            client.settimeout(10)
            client.connect((db.address, 5432))
    assert traffic


def test_a_change_of_the_policy_stops_what_it_does_not_allow(internet, network):
    a = network.join(internet.host("public", "atlas"))
    b = network.join(internet.host("public", "birch"))
    settle(a, b)
    assert len(a.reaches(b)) == 3
    network.policy("allow birch -> atlas\ndefault deny\n")
    wait.until(lambda: not a.reaches(b, 1, 0.3), 5, "the flow to stop")
    wait.until(lambda: b.reaches(a, 1, 1), 10, "the other way to go on")


def test_star(internet, network):
    """Everything through the hub, but for what a line calls direct."""
    a, b, c = (network.join(internet.host("public", name)) for name in ("atlas", "birch", "cedar"))
    network.policy("allow * -> *\ntopology star\ndirect atlas birch\n")
    settle(a, b, c)
    wait.until(lambda: a.path(c) == "hub", 10, "the topology")
    assert len(a.reaches(c)) == 3
    assert a.path(c) == "hub"
    a.wait_path(b, "direct")


def test_a_machine_without_agent(internet, network):
    """Stock WireGuard: reached through the hub, from every member, and reaches them."""
    a = network.join(internet.host("port", "atlas"))
    a.wait_connected()
    made = network.server.local().post(f"/orgs/{network.org['uid']}/machines", {"name": "plain"})
    host = internet.host("port", "plain")
    plain = Machine(host, made, "go", None).up()
    wait.until(lambda: any(peer["name"] == "plain" for peer in a.status()["peers"]), 10, "atlas to know it")
    assert len(a.host.ping(made["address4"], 3, 56, 5)) == 3
    assert len(plain.host.ping(a.address, 3, 56, 5)) == 3


def test_names(internet, network):
    a = network.join(internet.host("public", "atlas"), None, "--names", "hosts")
    b = network.join(internet.host("public", "birch"))
    settle(a, b)
    hosts = wait.until(lambda: "birch" in a.host.run("cat", "/etc/hosts") and a.host.run("cat", "/etc/hosts"), 10, "the name")
    assert f"{b.address}" in hosts
    a.stop()
    assert "warren" not in a.host.run("cat", "/etc/hosts")


def test_a_subnet_router_and_its_stand_in(internet, network):
    """Two routers for one range; one of them goes."""
    office = internet.site("port")
    routers = [network.join(office.host(name), None, "--advertise", f"{office.lan}.0/24", "--masquerade")
               for name in ("gate-1", "gate-2")]
    a = network.join(internet.host("public", "atlas"), None, "--accept-routes")
    printer = office.host("printer")
    settle(a, *routers)
    for router in routers:
        done = network.server.cli("route", "approve", "--org", "acme", router.name, f"{office.lan}.0/24")
        assert done.returncode == 0, done
    address = json.loads(printer.run("ip", "-j", "-4", "address", "show", "eth0"))[0]["addr_info"][0]["local"]
    wait.until(lambda: a.host.ping(address, 1, 56, 1), 20, "the printer")
    active = next(router for router in routers if a.peer(router)["routes"])
    active.stop()
    wait.until(lambda: a.host.ping(address, 1, 56, 1), 30, "the printer by the other router")
