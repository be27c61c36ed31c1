"""Machines with stock WireGuard, and what the hub does for them that script/verify does not show."""

import contextlib
import os
import re
import socket
import sqlite3
import struct
import time

import pytest

from lab import host as hosts
from lab import tap, traffic, tunnel, wait
from lab.served import Served

KINDS = pytest.mark.parametrize("kinds", [("warren", "go"), ("go", "warren")], ids="-".join)
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["v4", "v6"])
MTU = 1420


@pytest.fixture
def served(lab):
    return Served(lab)


def is_denied(a, b, family=4, count=3):
    return not a.ping(b.address(family), count, timeout=0.7)


@KINDS
@FAMILIES
def test_traffic_of_every_size_passes_in_both_families(served, kinds, family):
    a, b = served.pair(served.org("Sizes"), kinds)
    for size in (0, 1, 56, 1200, MTU - 48):
        assert len(a.ping(b.address(family), 3, size)) == 3, size
    traffic.transfer(a.host, b.host, b.address(family), 4 << 20, both_ways=True)
    traffic.udp_echo(a.host, b.host, b.address(family), [0, 1, 1000, 1372])


@FAMILIES
def test_fragments_are_judged_with_their_first(served, family):
    """8,000 bytes are six fragments each way; only the first says which port it is."""
    org = served.org("Fragments")
    a, b = served.pair(org)
    served.policy(org, "allow atlas -> birch udp 7000\ndefault deny\n")
    with a.udp(family) as near, b.udp(family, 7000) as allowed, b.udp(family, 7001) as denied:
        for _ in range(5):
            near.sendto(bytes(8000), (b.address(family), 7001))
            near.sendto(bytes(8000), (b.address(family), 7000))
            data, sender = allowed.recvfrom(65536)
            assert len(data) == 8000
            allowed.sendto(data, sender)
            assert len(near.recv(65536)) == 8000
        denied.setblocking(False)
        with pytest.raises(BlockingIOError):
            denied.recv(65536)


def test_fragments_without_their_first_are_dropped(served):
    org = served.org("Later")
    a, b = served.pair(org)
    served.policy(org, "default allow\n")
    with contextlib.closing(tap.Tap(b.host)) as seen, a.host.net():
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as raw:
            for number in range(10):
                raw.sendto(fragment(a.address4, b.address4, 9000 + number, 64), ("wg0", 0x0800))
        a.ping(b.address4, 2)  # comes behind them
        assert not seen.count(lambda one: one.protocol == tap.UDP and not one.is_outgoing)


def fragment(source, target, ident, offset):
    payload = bytes(64)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, offset // 8, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + payload


@FAMILIES
def test_icmp_errors_belong_to_their_flow(served, family):
    """A closed port's answer comes back though nothing allows b to open anything; one of its own invention does not."""
    org = served.org("Errors")
    a, b = served.pair(org)
    served.policy(org, "allow atlas -> birch udp 7000\ndefault deny\n")
    with a.udp(family) as near:
        near.connect((b.address(family), 7000))  # nobody listens there
        near.settimeout(3)
        with pytest.raises(ConnectionRefusedError):
            for _ in range(5):
                near.send(b"x")
                time.sleep(0.05)
            near.recv(100)
    if family == 4:
        unasked_error_is_dropped(a, b)


def unasked_error_is_dropped(a, b):
    inner = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 1, 0, 64, 17, 0, socket.inet_aton(a.address4), socket.inet_aton(b.address4))
    inner += struct.pack("!HHHH", 5555, 6666, 16, 0)  # a flow that never was
    body = struct.pack("!BBHI", 3, 3, 0, 0) + inner
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xffff) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + body[4:]
    with contextlib.closing(tap.Tap(a.host)) as seen:
        with b.host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            for _ in range(5):
                raw.sendto(body, (a.address4, 0))
        with a.udp() as near, b.udp(port=7000) as far:  # what is allowed comes behind it
            near.sendto(b"x", (b.address4, 7000))
            _, sender = far.recvfrom(100)
            far.sendto(b"y", sender)
            assert near.recv(100) == b"y"
        assert not seen.count(lambda one: one.protocol == tap.ICMP and not one.is_outgoing)


def test_answers_pass_and_openings_do_not(served):
    org = served.org("Direction")
    a, b = served.pair(org)
    served.policy(org, "allow atlas -> birch\ndefault deny\n")
    assert len(a.ping(b.address4, 3)) == 3
    assert is_denied(b, a)
    traffic.transfer(a.host, b.host, b.address4, 1 << 20, both_ways=True)
    with pytest.raises(OSError):
        traffic.tcp_pair(b.host, a.host, a.address4, timeout=1)


def test_preshared_key_is_used_by_both_sides(served):
    org = served.org("Preshared")
    a, b = served.pair(org, with_preshared_key=True)
    assert re.fullmatch(r"[A-Za-z0-9+/]{43}=", a.peer().psk) and a.peer().psk != b.peer().psk
    lines = a.config.splitlines()
    assert [line.split()[0] for line in lines[lines.index("[Peer]") + 2:]][:2] == ["PublicKey", "PresharedKey"]
    a.down()
    a.config = a.config.replace(a.fields["Peer"]["PresharedKey"], tunnel.random_key())
    a.up()
    assert is_denied(a, b)


def test_underlay_of_ipv6(lab):
    served = Served(lab, address="2001:db8:2::1")
    a, b = served.pair(served.org("Underlay"))
    assert "[2001:db8:2::1]:51820" in a.config
    assert len(a.ping(b.address6, 3)) == 3 and a.peer().endpoint.startswith("[2001:db8:2::1]")
    traffic.transfer(a.host, b.host, b.address4, 4 << 20)


def test_one_machine_over_ipv4_and_one_over_ipv6(served):
    org = served.org("Both")
    a = served.machine(org, "atlas")
    b = served.machine(org, "birch", config=lambda text: text.replace("192.0.2.1:51820", "[2001:db8:2::1]:51820"))
    a.reach(b)
    traffic.transfer(a.host, b.host, b.address6, 4 << 20, both_ways=True)


def test_organisation_of_one_family(served):
    four, six = served.org("Four", network4="172.16.9.0/24", network6=None), served.org("Six", network6="fd12:3456::/64", network4=None)
    a, b = served.pair(four)
    assert a.address6 is None and a.address4 == "172.16.9.2" and ":" not in a.fields["Peer"]["AllowedIPs"]
    c, d = (served.machine(six, name) for name in ("cedar", "dogwood"))
    c.reach(d, family=6)
    assert c.address4 is None and c.address6 == "fd12:3456::2"
    assert len(c.ping(d.address6, 3)) == 3 and len(a.ping(b.address4, 3)) == 3


def test_networks_behind_a_machine(served):
    """A subnet router: what is behind it is reached, may answer, and may not pretend to be others."""
    org = served.org("Routes")
    a = served.machine(org, "atlas")
    router = served.machine(org, "router", routes=["192.168.50.0/24"])
    fresh = served.add(org, "late")
    assert "192.168.50.0/24" in fresh["config"], "routes of others are part of AllowedIPs"
    office = served.lab.host("behind")
    hosts.link(router.host, "lan", office, "lan")
    router.host.ip("address add 192.168.50.1/24 dev lan")
    router.host.sysctl("net.ipv4.ip_forward", 1)
    office.ip("address add 192.168.50.7/24 dev lan")
    office.ip("route add default via 192.168.50.1")
    a.reach(router)
    allowed = a.fields["Peer"]["AllowedIPs"].replace(", ", ",")
    a.wg(f"set wg0 peer {a.hub_key} allowed-ips {allowed},192.168.50.0/24,192.168.51.0/24")
    a.host.ip("route replace 192.168.50.0/23 dev wg0")
    assert a.ping("192.168.50.7", 3) == {1, 2, 3}
    assert not a.ping("192.168.51.7", 2, timeout=0.5), "a network of nobody is reached by nobody"
    served.policy(org, "group office = 192.168.50.0/24\nallow atlas -> office icmp\ndefault deny\n")
    assert a.ping("192.168.50.7", 3) == {1, 2, 3}
    with pytest.raises(OSError):
        traffic.tcp_pair(a.host, office, "192.168.50.7", timeout=1)
    assert not office.ping(a.address4, 2, 56, 0.5)
    office.ip("address add 192.168.52.7/24 dev lan")
    served.policy(org, "default allow\n")
    with contextlib.closing(tap.Tap(a.host)) as seen, office.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("192.168.52.7", 0))
        for _ in range(5):
            sock.sendto(b"x", (a.address4, 7000))
        assert office.ping(a.address4, 3, 56, 3) == {1, 2, 3}
        assert not seen.count(lambda one: one.source == "192.168.52.7"), "a source that is not behind that machine"


def test_clashing_routes_are_refused(served):
    org = served.org("Clash")
    served.add(org, "first", routes=["192.168.60.0/24"])
    path = f"/orgs/{org['uid']}/machines"
    for routes in (["10.100.0.0/16"], ["0.0.0.0/0"], ["10.100.0.1/32"]):
        answer = served.local.ask("POST", path, {"name": "second", "routes": routes})
        assert answer.status in (409, 422), (routes, answer)


def test_a_second_router_of_a_range_stands_by(served):
    org = served.org("Standby")
    for name in ("first", "second"):
        served.add(org, name, routes=["192.168.60.0/24"])
    routes = served.local.get(f"/orgs/{org['uid']}/routes")["routes"]
    assert [one["is_active"] for one in routes] == [True, False], routes


# Names


def dig(one, server, *question):
    """(status, [answers]) of dig(1) on a machine."""
    said = one.host.run("dig", "+time=3", "+tries=2", "+noall", "+comments", "+answer", f"@{server}", *question, check=False)
    status = re.search(r"status: (\w+)", said)
    return status[1] if status else None, [line.split()[4] for line in said.splitlines() if line and not line.startswith(";")]


def test_hub_answers_names_of_its_organisation(served):
    acme, other = served.org("acme-networks"), served.org("other-networks")
    one, two = served.machine(acme, "branch-mumbai"), served.machine(other, "branch-mumbai", address4="10.100.7.7")
    hub4, hub6 = acme["hub_address4"], acme["hub_address6"]
    wait.until(lambda: one.ping(hub4, 1, timeout=0.5), 15, "the gateway")
    name = "branch-mumbai.acme-networks.warren"
    for server in (hub4, hub6):
        assert dig(one, server, name, "A") == ("NOERROR", [one.address4])
        assert dig(one, server, name, "AAAA") == ("NOERROR", [one.address6])
        assert dig(one, server, "-x", one.address4) == ("NOERROR", [name + "."])
        assert dig(one, server, "-x", one.address6) == ("NOERROR", [name + "."])
        assert dig(one, server, "nobody.acme-networks.warren", "A") == ("NXDOMAIN", [])
        assert dig(one, server, "BRANCH-Mumbai.Acme-networks.WARREN", "A")[1] == [one.address4]
    assert dig(one, hub4, "+tcp", name, "A") == ("NOERROR", [one.address4])
    assert dig(one, hub4, "branch-mumbai.other-networks.warren", "A")[1] == [], "another organisation's names are not told"
    assert dig(one, hub4, "example.com", "A")[0] in ("REFUSED", "NXDOMAIN"), "it is no resolver for the world"
    wait.until(lambda: two.ping(other["hub_address4"], 1, timeout=0.5), 15, "the other gateway")
    assert dig(two, other["hub_address4"], "branch-mumbai.other-networks.warren", "A") == ("NOERROR", ["10.100.7.7"])
    served.local.patch(f"/orgs/{acme['uid']}/machines/{one.made['uid']}", {"name": "branch-delhi"})
    assert dig(one, hub4, "branch-delhi.acme-networks.warren", "A") == ("NOERROR", [one.address4])
    assert dig(one, hub4, name, "A") == ("NXDOMAIN", [])


def test_gateway_answers_ping_in_both_families_and_nothing_else(served):
    org = served.org("Gateway")
    one = served.machine(org, "one")
    wait.until(lambda: one.ping(org["hub_address4"], 1, timeout=0.5), 15, "the gateway")
    assert len(one.ping(org["hub_address4"], 3)) == 3 and len(one.ping(org["hub_address6"], 3)) == 3
    for port in (22, 80, 443, 8443, 51820):
        with one.host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(0.7)
            with pytest.raises(OSError):
                sock.connect((org["hub_address4"], port))


# Life


def wait_seen(served, org):
    """Until the server knows where all its machines are: who is seen for the first time just before its end is forgotten."""
    wait.until(lambda: all(one["endpoint"] for one in served.local.all(f"/orgs/{org['uid']}/machines")), 5, "endpoints in the API")


@KINDS
def test_hub_that_is_started_again_keeps_its_machines_working(served, kinds):
    org = served.org("Restart")
    a, b = served.pair(org, kinds)
    wait_seen(served, org)
    for end in (served.server.stop, served.server.kill):
        end()
        served.server.start()
        began = time.monotonic()
        wait.until(lambda: a.ping(b.address4, 1, timeout=0.2), 20, "traffic after the restart")
        assert time.monotonic() - began < 5


def test_machine_that_roams_is_followed(served):
    org = served.org("Roam")
    a, b = served.pair(org)
    a.host.ip("address add 192.0.2.240/24 dev eth0")
    a.host.ip("address del " + re.search(r"inet (\S+)", a.host.ip("address show dev eth0"))[1] + " dev eth0")
    if "192.0.2.240" not in a.host.ip("address show dev eth0"):
        a.host.ip("address add 192.0.2.240/24 dev eth0")
    assert len(a.ping(b.address4, 3)) == 3 and len(b.ping(a.address4, 3)) == 3
    wait.until(lambda: served.local.get(f"/orgs/{org['uid']}/machines/{a.made['uid']}")["endpoint"] == f"192.0.2.240:{port_of(a)}", 10)


def port_of(one):
    return one.wg("show wg0 listen-port").strip()


def test_disabled_machine_is_cut_off_at_once_and_comes_back(served):
    org = served.org("Disable")
    a, b = served.pair(org)
    wait_seen(served, org)
    path = f"/orgs/{org['uid']}/machines/{b.made['uid']}"
    served.local.patch(path, {"is_disabled": True})
    assert is_denied(a, b) and is_denied(b, a)
    assert served.local.get(path)["state"] == "disabled"
    served.local.patch(path, {"is_disabled": False})
    b.reach(a)


def test_disabled_organisation_is_cut_off(served):
    org = served.org("Disable All")
    a, b = served.pair(org)
    served.local.patch(f"/orgs/{org['uid']}", {"is_disabled": True})
    assert is_denied(a, b)
    served.local.patch(f"/orgs/{org['uid']}", {"is_disabled": False})
    a.reach(b)


def test_machine_expires_by_itself(served):
    """The shortest time is a minute: it is made shorter behind the server's back, while it is down."""
    org = served.org("Expiry")
    a, b = served.pair(org)
    path = f"/orgs/{org['uid']}/machines/{b.made['uid']}"
    served.local.patch(path, {"expires_in": "1m"})
    wait_seen(served, org)
    served.server.stop()
    with contextlib.closing(sqlite3.connect(served.server.database())) as database, database:
        database.execute("UPDATE machine SET expires = ? WHERE uid = ?", (int(time.time()) + 6, b.made["uid"]))
    served.server.start()
    a.reach(b)
    wait.until(lambda: is_denied(a, b, count=1), 15, "the end of its time")
    assert served.local.get(path)["state"] == "expired"
    served.local.patch(path, {"expires_in": None})
    b.reach(a)


def test_removed_machine_is_a_stranger(served):
    org = served.org("Remove")
    a, b = served.pair(org)
    served.local.delete(f"/orgs/{org['uid']}/machines/{b.made['uid']}")
    assert is_denied(a, b) and is_denied(b, a)
    fresh = served.add(org, "birch")
    assert fresh["address4"] != b.address4, "an address rests before it is given out again"
    asked = served.local.ask("POST", f"/orgs/{org['uid']}/machines", {"name": "third", "address4": b.address4})
    assert asked.is_good or asked.status in (409, 422)


def test_rotated_key_replaces_the_old_one_at_once(served):
    org = served.org("Rotate")
    a, b = served.pair(org)
    rotated = served.local.post(f"/orgs/{org['uid']}/machines/{b.made['uid']}/rotate", {})
    assert rotated["public_key"] != b.made["public_key"] and rotated["address4"] == b.address4
    assert is_denied(a, b)
    b.set_config(rotated["config"])
    b.reach(a)
    a.reach(b)


def test_quota_of_an_organisation_holds(served):
    org = served.org("Quota", machine_quota=3)
    path = f"/orgs/{org['uid']}/machines"
    for number in range(3):
        served.add(org, f"m{number}")
    answer = served.local.ask("POST", path, {"name": "one too many"})
    assert answer.status in (403, 409, 422) and "quota" in answer.body.decode()
    assert served.local.get(f"/orgs/{org['uid']}")["machine_count"] == 3
    served.local.delete(f"{path}/m0")
    served.add(org, "another")


def test_small_range_is_full_when_it_is_full(served):
    org = served.org("Small", network4="10.5.5.0/29", network6=None)
    made = [served.add(org, "m")["address4"] for _ in range(5)]
    assert made == [f"10.5.5.{number}" for number in range(2, 7)]
    answer = served.local.ask("POST", f"/orgs/{org['uid']}/machines", {"name": "m"})
    assert answer.status in (409, 422, 507), answer
    served.local.delete(f"/orgs/{org['uid']}/machines/m-2")
    assert served.add(org, "again")["address4"] == "10.5.5.3", "a range that is full wakes the dead"


def test_address_may_be_asked_for(served):
    org = served.org("Asked")
    path = f"/orgs/{org['uid']}/machines"
    assert served.add(org, "one", address4="10.100.9.9")["address4"] == "10.100.9.9"
    for address in ("10.100.9.9", "10.100.0.1", "10.100.0.0", "10.100.255.255", "10.101.0.5", "8.8.8.8", "fd00::1", "x"):
        answer = served.local.ask("POST", path, {"name": "two", "address4": address})
        assert answer.status in (409, 422) and (answer.status == 409 or "/address4" in answer.pointers()), (address, answer)


def test_why_says_what_packets_do(served):
    """The explanation and the filter are the same decision."""
    org = served.org("Why")
    a, b = served.pair(org)
    text = "allow atlas -> birch tcp 7000-7010\ndeny atlas -> birch udp\nallow * -> atlas icmp\ndefault deny\n"
    served.policy(org, text)
    cases = [(a, b, "tcp", 7000), (a, b, "tcp", 7011), (b, a, "tcp", 7000), (a, b, "udp", 7000), (b, a, "icmp", None), (a, b, "icmp", None)]
    for source, target, protocol, port in cases:
        asked = {"from": source.name, "to": target.name, "protocol": protocol, **({"port": port} if port else {})}
        why = served.local.post(f"/orgs/{org['uid']}/policy/why", asked)
        assert why["is_allowed"] == passes(source, target, protocol, port), (asked, why)
        assert text.splitlines()[why["line"] - 1].strip() == why["text"].strip() or why["text"]


def passes(source, target, protocol, port):
    if protocol == "icmp":
        return bool(source.ping(target.address4, 2, timeout=0.7))
    if protocol == "udp":
        with source.udp() as near, target.udp(port=port) as far:
            far.settimeout(0.7)
            near.sendto(b"x", (target.address4, port))
            try:
                return far.recv(10) == b"x"
            except TimeoutError:
                return False
    with source.host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.9)
        try:
            sock.connect((target.address4, port))
        except ConnectionRefusedError:
            return True  # by the machine itself
        except OSError:
            return False
        return True


def test_own_address_of_another_family_is_no_disguise(served):
    """IPv4 in a packet that says IPv6, and the like: counted and dropped, nothing else."""
    org = served.org("Odd")
    a, b = served.pair(org)
    with a.host.net(), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as raw:
        for packet in (b"", b"\x45", os.urandom(40), b"\x60" + os.urandom(39), b"\x4f" + os.urandom(59), b"\x45" + bytes(19)):
            for _ in range(5):
                with contextlib.suppress(OSError):
                    raw.sendto(packet, ("wg0", 0x0800))
    assert len(a.ping(b.address4, 3)) == 3
    assert served.server.is_running()


def test_traffic_and_states_are_shown(served):
    org = served.org("Shown")
    a, b = served.pair(org)
    idle = served.add(org, "idle")
    traffic.transfer(a.host, b.host, b.address4, 1 << 20)
    path = f"/orgs/{org['uid']}/machines"
    seen = wait.until(lambda: (lambda one: one if one["rx_bytes"] > 1 << 20 else None)(served.local.get(f"{path}/{a.made['uid']}")), 10)
    assert seen["state"] == "online" and seen["latest_handshake"]
    assert served.local.get(f"{path}/{b.made['uid']}")["tx_bytes"] > 1 << 20
    assert served.local.get(f"{path}/{idle['uid']}")["state"] == "never"
    assert served.local.get(f"/orgs/{org['uid']}")["online_count"] == 2
