"""Join keys, from the command line and over HTTPS: who is let in by them, and who is not."""

import base64
import hashlib
import json
import re
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import api, wait
from lab.agent import Agent
from lab.machine import Machine
from lab.served import Served
from lab.server import API_PORT

RACERS = 50


@pytest.fixture
def served(lab):
    served = Served(lab)
    well(served, "org", "create", "Acme")
    return served


def well(served, *argv, **options):
    done = served.server.cli(*argv, **options)
    assert done.returncode == 0, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def refused(served, *argv, status=1):
    done = served.server.cli(*argv)
    assert done.returncode == status, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def listed(served, *argv):
    return json.loads(well(served, *argv, "--json"))


class Key:
    """What a join key says, read by hand from the format's description."""

    def __init__(self, text):
        assert text.startswith("wrj_")
        raw = base64.urlsafe_b64decode(text[4:] + "=" * (-len(text[4:]) % 4))
        assert hashlib.blake2s(raw[:-4]).digest()[:4] == raw[-4:]
        self.version, self.flags, self.pin = raw[0], raw[1], raw[2:34]
        self.secret, self.address = raw[34:54], raw[54:-4].decode()

    @property
    def secret_text(self):
        return base64.urlsafe_b64encode(self.secret).decode().rstrip("=")


def create(served, *options):
    printed = well(served, "key", "create", *options)
    assert re.fullmatch(r"wrj_[A-Za-z0-9_-]+\n", printed), "the key and nothing else"
    return Key(printed.strip())


def pair():
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout
    public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout
    return private.strip(), public.strip()


def join(client, key, name="web", public=None):
    return client.ask("POST", "/join", {"secret": key.secret_text, "name": name, "public_key": public or pair()[1],
                                        "hostname": "host.example", "version": "0.1.0"})


def kind(answer):
    return answer.json["type"].rsplit(":", 1)[1]


def machines(served):
    return served.local.all("/orgs/acme/machines")


# Keys


def test_key_is_one_string_that_says_all(served):
    key = create(served, "--tag", "web", "-t", "eu", "--uses", "3", "--expires", "12h", "--comment", "three of them")
    assert (key.version, key.flags, key.address) == (1, 2, f"192.0.2.1:{API_PORT}")
    der = subprocess.run(["openssl", "x509", "-in", served.server.certificate(), "-noout", "-pubkey"], capture_output=True, check=True)
    spki = base64.b64decode(b"".join(der.stdout.splitlines()[1:-1]))
    assert key.pin == hashlib.sha256(spki).digest()
    (row,) = listed(served, "key", "list")
    assert row["tags"] == ["eu", "web"] and row["uses_left"] == 3 and row["state"] == "valid" and row["comment"] == "three of them"
    answer = join(served.anonymous(), key)
    assert answer.status == 201 and answer.json["suffix"] == "acme.warren"
    assert machines(served)[0]["tags"] == ["eu", "web"]
    well(served, "key", "revoke", row["uid"])
    assert kind(join(served.anonymous(), key)) == "key-revoked"
    assert len(machines(served)) == 1, "who joined stays"


def test_key_and_token_are_nowhere_on_the_disk_or_in_the_log(served):
    key = create(served)
    token = join(served.anonymous(), key).json["token"]
    served.server.stop()
    for name, content in served.server.files().items():
        for secret in (key.secret, key.secret_text.encode(), token.encode()):
            assert secret not in content, name
    assert key.secret_text not in served.server.said_ever() and token not in served.server.said_ever()


def test_key_is_refused_where_machines_could_not_reach_the_server(lab):
    served = Served(lab, address="0.0.0.0")
    well(served, "org", "create", "Acme")
    assert "--api-endpoint" in refused(served, "key", "create")
    served.server.stop()
    served.server.args = ["--api-endpoint", "warren.example.com:443"]
    served.server.start()
    assert create(served).address == "warren.example.com:443"


def test_key_command_line_says_what_is_wrong(served):
    refused(served, "key", "create", "--uses", "some", status=2)
    refused(served, "key", "create", "--qr", "--json", status=2)
    assert "span" in refused(served, "key", "create", "--expires", "soon")
    assert "no join key" in refused(served, "key", "revoke", "nobody")
    assert listed(served, "key", "list") == []


# Joining


@pytest.mark.parametrize("uses", [1, 7])
def test_join_of_many_at_once_admits_as_many_as_the_key_says(served, uses):
    key = create(served, "--uses", str(uses))
    keys = [pair()[1] for _ in range(RACERS)]
    clients = [served.anonymous() for _ in range(RACERS)]
    for client in clients:
        client.ask("GET", "/livez", base="")  # connected, so that they start together
    barrier = threading.Barrier(RACERS)

    def race(number):
        barrier.wait()
        return join(clients[number], key, public=keys[number])

    for client in clients:
        client.close()
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(race, range(RACERS)))
    good = [answer.json for answer in answers if answer.status == 201]
    assert len(good) == uses == len(machines(served))
    assert {kind(answer) for answer in answers if answer.status != 201} == {"key-spent"}
    assert len({one["machine"] for one in good}) == len({one["token"] for one in good}) == uses
    (row,) = listed(served, "key", "list")
    assert (row["used"], row["uses_left"], row["state"]) == (uses, 0, "spent")


def test_join_of_one_machine_many_times_at_once_costs_one_use(served):
    key = create(served, "--uses", "2")
    public = pair()[1]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: join(served.anonymous(), key, public=public), range(10)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json["machine"] for answer in answers}) == 1
    assert listed(served, "key", "list")[0]["used"] == 1
    works = [answer.json["token"] for answer in answers
             if served.server.https(served.office, answer.json["token"]).ask("PUT", "/agent/routes", {"routes": []}).is_good]
    assert len(works) == 1, "the last token, and no other"


def test_join_with_a_key_of_another_server_is_told(served, lab):
    key = create(served)
    key.secret = bytes(20)
    answer = join(served.anonymous(), key)
    assert answer.status == 403 and kind(answer) == "key-unknown"
    assert machines(served) == []


def test_join_by_guessing_is_slowed_down(served):
    client, key = served.anonymous(), create(served)
    for number in range(100):
        key.secret = number.to_bytes(20, "big")
        answer = join(client, key)
        if answer.status == 429:
            break
    assert answer.status == 429 and int(answer.headers["retry-after"]) > 0


def test_join_after_loss_of_state_takes_the_place(served):
    first = join(served.anonymous(), create(served, "--tag", "db"), "db").json
    key = create(served, "--machine", "db")
    (before,) = machines(served)
    again = join(served.anonymous(), key, "something").json
    (after,) = machines(served)
    assert again["machine"] == first["machine"] and again["name"] == "db"
    assert after["address4"] == before["address4"] and after["tags"] == ["db"] and after["public_key"] != before["public_key"]
    old = served.server.https(served.office, first["token"])
    assert old.ask("PUT", "/agent/routes", {"routes": []}).status == 401


# What a machine's token is good for


def test_machine_token_is_good_for_its_agent_and_nothing_else(served):
    made = join(served.anonymous(), create(served)).json
    agent = served.server.https(served.office, made["token"])
    for method, path, body in (("GET", "/orgs", api.NOTHING), ("GET", "/orgs/acme/machines", api.NOTHING),
                               ("POST", "/orgs/acme/machines", {"name": "mine"}), ("GET", "/tokens", api.NOTHING),
                               ("POST", "/tokens", {"name": "mine"}), ("GET", "/server", api.NOTHING)):
        assert agent.ask(method, path, body).status == 403, path
    assert served.admin.ask("DELETE", "/agent").status == 403, "and nobody else does what agents do"
    assert served.anonymous().ask("DELETE", "/agent").status == 401
    public = pair()[1]
    assert agent.ask("POST", "/agent/rotate", {"public_key": public}).status == 204
    assert machines(served)[0]["public_key"] == public
    assert agent.ask("DELETE", "/agent").status == 204
    assert machines(served) == [] and agent.ask("DELETE", "/agent").status == 401


def test_routes_are_offered_and_approved(served):
    made = join(served.anonymous(), create(served), "router").json
    agent = served.server.https(served.office, made["token"])
    offer = agent.put("/agent/routes", {"routes": ["192.168.5.0/24", "192.168.6.0/24"]})
    assert {route["state"] for route in offer["routes"]} == {"waiting"}
    well(served, "route", "approve", "router", "192.168.5.0/24")
    well(served, "route", "reject", "router", "192.168.6.0/24")
    assert "offers no route" in refused(served, "route", "approve", "router", "192.168.7.0/24")
    well(served, "route", "add", "router", "192.168.8.0/24")
    rows = {row["prefix"]: row for row in listed(served, "route", "list")}
    assert {prefix: (row["state"], row["is_active"]) for prefix, row in rows.items()} == {
        "192.168.5.0/24": ("approved", True), "192.168.6.0/24": ("rejected", False), "192.168.8.0/24": ("approved", True)}
    assert "192.168.5.0/24" in served.add({"uid": "acme"}, "phone")["config"]
    well(served, "route", "remove", "router", "192.168.8.0/24")
    assert "192.168.8.0/24" not in {row["prefix"] for row in listed(served, "route", "list")}


def router(served, name):
    """An agent with nothing but its channel, that offers a route."""
    agent = Agent(served, create(served).secret_text, name)
    served.server.https(served.office, agent.token).put("/agent/routes", {"routes": ["192.168.5.0/24"]})
    well(served, "route", "approve", name, "192.168.5.0/24")
    return agent.connect()


def active(served):
    return [row["label"] for row in listed(served, "route", "list") if row["is_active"]]


def routes_of(agent):
    """{name: routes} of its peers."""
    return {peer["name"]: peer["routes"] for peer in agent.map["peers"] if peer["routes"]}


def test_router_that_goes_makes_way_for_the_next(served):
    served.policy({"uid": "acme"}, "allow * -> *\ndefault deny\n")
    first, second = router(served, "first"), router(served, "second")
    other = Agent(served, create(served).secret_text, "other").connect()
    assert active(served) == ["first"]
    other.until(lambda agent: routes_of(agent) == {"first": ["192.168.5.0/24"]})
    first.close()
    wait.until(lambda: active(served) == ["second"], 12, "the second to be active")
    other.until(lambda agent: routes_of(agent) == {"second": ["192.168.5.0/24"]})
    first.connect()
    wait.until(lambda: active(served) == ["first"], 5, "the first to be active again")
    other.until(lambda agent: routes_of(agent) == {"first": ["192.168.5.0/24"]})
    second.close()
    assert served.local.get("/orgs/acme/machines/first")["is_connected"]
    other.close()
    first.close()


def test_machine_that_is_shut_out_is_told_on_its_channel(served):
    one = Agent(served, create(served).secret_text, "one").connect()
    assert served.local.get("/orgs/acme/machines/one")["is_connected"]
    well(served, "machine", "disable", "one")
    assert one.refused()["reason"] == "disabled"
    well(served, "machine", "enable", "one")
    one.connect()
    assert join(served.anonymous(), create(served, "--machine", "one")).status == 201
    assert one.refused()["reason"] == "revoked"


def test_machine_that_waits_for_approval_is_told_and_known_to_nobody(served):
    served.policy({"uid": "acme"}, "allow * -> *\ndefault deny\n")
    one = Agent(served, create(served).secret_text, "one").connect()
    late = Agent(served, create(served, "--approve").secret_text, "late").open().hello()
    assert late.refused()["reason"] == "pending"
    assert one.peer("late") is None
    well(served, "machine", "approve", "late")
    late.connect()
    one.until(lambda agent: agent.peer("late"))
    late.close()
    one.close()


def test_dns_records_from_the_command_line(served):
    join(served.anonymous(), create(served), "web")
    well(served, "dns", "add", "git", "10.100.0.9", "2001:db8::9")
    well(served, "dns", "add", "wiki.acme.warren", "10.100.0.10")
    assert {(row["full_name"], row["type"]) for row in listed(served, "dns", "list")} == {
        ("git.acme.warren", "A"), ("git.acme.warren", "AAAA"), ("wiki.acme.warren", "A")}
    assert "a machine" in refused(served, "dns", "add", "web", "10.100.0.9")
    well(served, "dns", "remove", "git.acme.warren", "2001:db8::9")
    well(served, "dns", "remove", "wiki")
    assert [row["address"] for row in listed(served, "dns", "list")] == ["10.100.0.9"]
    refused(served, "dns", "remove", "wiki")


# Approval, with packets


def config_of(served, private, made):
    (row,) = [row for row in machines(served) if row["uid"] == made["machine"]]
    example = served.add({"uid": "acme"}, "example", public_key=pair()[1])
    hub = re.search(r"PublicKey\s*= (\S+)", example["config"].split("[Peer]")[1])[1]
    return (f"[Interface]\nPrivateKey = {private}\nAddress = {row['address4']}/16\n"
            f"[Peer]\nPublicKey = {hub}\nEndpoint = 192.0.2.1:51820\nAllowedIPs = 10.100.0.0/16\nPersistentKeepalive = 1\n")


def test_machine_that_waits_for_approval_is_not_let_in(served):
    private, public = pair()
    made = join(served.anonymous(), create(served, "--approve"), "late", public).json
    assert made["state"] == "pending"
    assert listed(served, "machine", "list", "--state", "pending")[0]["label"] == "late"
    machine = Machine(served.plugged("late"), {**machines(served)[0], "config": config_of(served, private, made)}).up()
    with pytest.raises(AssertionError):
        wait.until(lambda: machines(served)[0]["latest_handshake"], 4 / wait.PATIENCE, "a handshake")
    well(served, "machine", "approve", "late")
    wait.until(lambda: machines(served)[0]["latest_handshake"], 15, "a handshake")
    assert "late" in refused(served, "machine", "approve", "late")
    machine.down()


# The clock, and the past


def change(served, sql):
    """While the server is stopped."""
    connection = sqlite3.connect(served.server.database())
    with connection:
        connection.execute(sql)
    connection.close()


def test_ephemeral_member_that_is_gone_is_removed(served):
    key = create(served, "--ephemeral", "--uses", "2")
    assert listed(served, "key", "list")[0]["ephemeral_seconds"] == 600
    join(served.anonymous(), key, "gone")
    join(served.anonymous(), key, "kept")
    assert machines(served)[0]["is_ephemeral"]
    served.server.stop()
    change(served, "UPDATE machine SET ephemeral = 1 WHERE label = 'gone'")
    served.server.start()
    wait.until(lambda: [one["label"] for one in machines(served)] == ["kept"], 10, "the member that is gone to be removed")
    line = served.local.get("/orgs/acme/audit?limit=1")["items"][0]
    assert line["operation"] == "machine.vanish" and line["actor"] == "server" and line["target"] == "gone"


def epoch(served):
    connection = sqlite3.connect(f"file:{served.server.data}/warren.db?mode=ro", uri=True)
    (value,) = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
    connection.close()
    return value


def test_restored_database_has_another_epoch(served):
    first = epoch(served)
    backup = served.server.folder / "backup.db"
    well(served, "backup", str(backup))
    served.server.stop()
    served.server.start()
    assert epoch(served) == first
    served.server.stop()
    well(served, "restore", str(backup))
    served.server.start()
    assert epoch(served) != first
