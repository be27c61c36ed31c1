"""The agents' channel: who is told what of its network, and when."""

import base64
import json
import re
import sqlite3
import time

import pytest

from lab import wait
from lab.agent import Agent
from lab.served import Served
from lab.websocket import BINARY, TEXT, Closed, Refused, WebSocket


@pytest.fixture
def served(lab):
    served = Served(lab)
    served.acme = served.org("Acme")
    return served


def secret_of(served, *options):
    """A join key's secret, as POST /join takes it."""
    done = served.server.cli("key", "create", "--org", "acme", "--uses", "50", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    text = re.search(r"wrj_(\S+)", done.stdout)[1]
    return base64.urlsafe_b64encode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[34:54]).decode().rstrip("=")


@pytest.fixture
def join(served):
    """join(name, tag...): a machine with an agent, not connected."""
    agents, secrets = [], {}

    def join_one(name, *tags, **options):
        if tags not in secrets:
            secrets[tags] = secret_of(served, *(word for tag in tags for word in ("--tag", tag)))
        agents.append(Agent(served, secrets[tags], name, **options))
        return agents[-1]

    yield join_one
    for agent in agents:
        agent.close()


def state(served, agent):
    return served.local.get(f"/orgs/acme/machines/{agent.uid}")["state"]


def names(agent):
    return sorted(peer["name"] for peer in agent.map["peers"])


# Opening


def test_channel_wants_a_machines_token(served):
    way = served.anonymous().way
    for token in (None, "warren_m_" + "x" * 43, served.admin.token):
        with pytest.raises(Refused) as refusal:
            WebSocket(way, "/api/v1/agent", token)
        assert refusal.value.status in (401, 403)


def test_channel_is_a_websocket(served, join):
    client = served.server.https(served.office, join("web").token)
    assert client.ask("GET", "/agent").status == 400


@pytest.mark.parametrize("first", [{"type": "report"}, {"type": "hello", "protocol": 2}, {"type": "hello", "protocol": 1}, ["no", "object"]])
def test_channel_refuses_who_does_not_speak_its_words(served, join, first):
    agent = join("web").open()
    agent.channel.send(TEXT, json.dumps(first).encode())
    assert agent.refused()["reason"] == "protocol"


def test_channel_without_hello_is_closed(served, join):
    agent = join("web").open()
    with pytest.raises(Closed):
        agent.hear(15)


# Maps


def test_map_is_whole(served, join):
    web, db = join("web").connect(), join("db").connect()
    web.until(lambda one: one.peer("db") and one.peer("db")["online"])
    told = web.map
    assert told["self"] == {"machine": web.uid, "name": "web", "public_key": web.key, "addresses": told["self"]["addresses"], "routes": []}
    assert told["network"] == {"name": "acme", "suffix": "acme.warren", "ranges": ["10.100.0.0/16", *told["network"]["ranges"][1:]]}
    assert told["hub"]["endpoints"] == ["192.0.2.1:51820"] and told["hub"]["addresses"][0] == "10.100.0.1"
    assert told["policy"].endswith("default allow\n")
    assert web.peer("db") == {**db.map["self"], "way": "direct", "marks": web.peer("db")["marks"], "online": True, "candidates": []}


def test_map_of_one_who_comes_back_is_the_same(served, join):
    web, db = join("web").connect(), join("db").connect()
    web.until(lambda one: one.peer("db") and one.peer("db")["online"])
    db.until(lambda one: one.peer("web"))
    web.close()
    web.open().hello()
    assert [web.hear()["type"] for _ in range(2)] == ["welcome", "same"]
    served.server.stop()
    served.server.start()
    web.open().hello()
    assert [web.hear()["type"] for _ in range(2)] == ["welcome", "same"], "also after the server's restart"


def test_machines_without_a_rule_between_them_never_learn_of_each_other(served, join):
    served.policy(served.acme, "allow tag:web -> tag:db tcp 5432\ndefault deny\n")
    web, db, other = join("web", "web").connect(), join("db", "db").connect(), join("other", "other").connect()
    web.until(lambda one: names(one) == ["db"])
    assert names(other) == [] and "web" not in json.dumps(other.map["peers"])
    other.quiet()
    assert other.map["policy"].strip() == "default deny"
    served.policy(served.acme, "allow tag:web -> tag:other\ndefault deny\n")
    web.until(lambda one: names(one) == ["other"])
    db.until(lambda one: names(one) == [])
    other.until(lambda one: names(one) == ["web"])


def test_change_reaches_those_it_concerns_and_nobody_else(served, join):
    served.policy(served.acme, "allow tag:a -> tag:a\nallow tag:b -> tag:b\ndefault deny\n")
    a1, a2, b1 = join("a1", "a").connect(), join("a2", "a").connect(), join("b1", "b").connect()
    a1.until(lambda one: one.peer("a2") and one.peer("a2")["online"])
    key = base64.b64encode(b"k" * 32).decode()
    answer = served.server.https(served.office, a2.token).ask("POST", "/agent/rotate", {"public_key": key})
    assert answer.status == 204, answer
    a1.until(lambda one: one.peer("a2")["public_key"] == key, 2)
    a2.until(lambda one: one.map["self"]["public_key"] == key, 2)
    b1.quiet()
    candidate = {"kind": "local", "endpoint": "192.168.7.7:51820"}
    a2.channel.say(type="report", candidates=[candidate, {"kind": "local", "endpoint": "0.0.0.0:0"}, "nonsense"])
    a1.until(lambda one: one.peer("a2")["candidates"] == [candidate], 2)
    b1.quiet()


def test_star_goes_through_the_hub_but_for_its_direct_lines(served, join):
    served.policy(served.acme, "default allow\ntopology star\ndirect tag:x tag:y\n")
    x, y, z = join("x", "x").connect(), join("y", "y").connect(), join("z").connect()
    y.channel.say(type="report", candidates=[{"kind": "local", "endpoint": "192.168.7.7:51820"}])
    x.until(lambda one: one.peer("y") and one.peer("y")["candidates"])
    z.until(lambda one: one.peer("y"))
    assert x.peer("y")["way"] == "direct" and z.peer("y")["way"] == "hub" and x.peer("z")["way"] == "hub"
    assert not z.peer("y")["candidates"], "candidates are for those who may be direct"


def test_machine_without_agent_is_reached_through_the_hub(served, join):
    served.add(served.acme, "plain")
    web = join("web").connect()
    web.until(lambda one: one.peer("plain"))
    assert web.peer("plain")["way"] == "hub" and web.peer("plain")["online"] is False


# Who is not let in


def test_removed_and_disabled_machines_are_told_and_gone(served, join):
    web, db, app = join("web").connect(), join("db").connect(), join("app").connect()
    web.until(lambda one: names(one) == ["app", "db"])
    served.local.ask("DELETE", f"/orgs/acme/machines/{db.uid}", headers={"If-Match": "*"})
    assert db.refused(3)["reason"] in ("unknown", "revoked")
    web.until(lambda one: names(one) == ["app"], 2)
    served.local.patch(f"/orgs/acme/machines/{app.uid}", {"is_disabled": True}, headers={"If-Match": "*"})
    assert app.refused(3)["reason"] == "disabled"
    web.until(lambda one: names(one) == [], 2)
    app.open().hello()
    refused = app.refused()
    assert refused["reason"] == "disabled" and refused["text"].endswith(".")


def test_pending_machine_is_in_no_map(served, join):
    web = join("web").connect()
    pending = Agent(served, secret_of(served, "--approve"), "later").open().hello()
    assert pending.refused()["reason"] == "pending"
    web.quiet()
    done = served.server.cli("machine", "approve", "later", "--org", "acme")
    assert done.returncode == 0, done.stderr
    web.until(lambda one: names(one) == ["later"], 2)
    pending.connect().close()


def test_copy_of_a_machine_is_refused_while_the_first_lives(served, join):
    web = join("web").connect()
    copy = Agent.__new__(Agent)
    copy.__dict__.update(web.__dict__, instance="copy", channel=None)
    web.channel.answers_pings = True
    copy.open().hello()
    web.quiet(0.5)  # answers the ping
    refused = copy.refused()
    assert refused["reason"] == "duplicate" and "copy" in refused["text"]
    (line,) = [line for line in served.local.all("/orgs/acme/audit") if line["operation"] == "agent.duplicate"]
    assert line["target"]
    web.channel.answers_pings = False
    copy.open().hello()
    began = time.monotonic()
    assert copy.hear(6)["type"] == "welcome", "the first one is dead"
    assert 2.5 < time.monotonic() - began < 5
    copy.close()


# Presence


def test_presence_is_told_within_its_bounds(served, join):
    web, db = join("web").connect(), join("db").connect()
    web.until(lambda one: one.peer("db") and one.peer("db")["online"], 1)
    assert state(served, db) == "online"
    db.close()
    began = time.monotonic()
    web.until(lambda one: not one.peer("db")["online"], 2, "a closed channel")
    assert state(served, db) in ("offline", "never")
    db.connect()
    web.until(lambda one: one.peer("db")["online"], 1)
    # It vanishes: its channel stays, and nobody answers.
    db.channel.answers_pings = False
    began = time.monotonic()
    web.until(lambda one: not one.peer("db")["online"], 12, "one that vanished")
    assert 5 < time.monotonic() - began <= 10.5
    web.until(lambda one: True)


@pytest.mark.parametrize("is_polite", [True, False])
def test_agent_that_ends_is_offline_at_once_also_soon_after_the_servers_start(served, join, is_polite):
    web, db = join("web").connect(), join("db").connect()
    web.until(lambda one: one.peer("db") and one.peer("db")["online"], 1)
    if is_polite:
        db.channel.goodbye(1001, "the agent ends")
    db.close()
    web.until(lambda one: not one.peer("db")["online"], 1.5)
    assert state(served, db) in ("offline", "never")


def test_agent_that_only_its_channel_hears_is_told_to_use_it(served, join):
    web = join("web").connect()
    heard = web.hear(13)
    assert heard == {"type": "silent"}


# Reports


def test_reports_are_shown(served, join):
    web, db = join("web").connect(), join("db").connect()
    web.until(lambda one: one.peer("db"))
    pair = {"machine": db.uid, "path": "direct", "reason": None, "endpoint": "198.51.100.7:4012", "latency_us": 1234,
            "loss_permille": 3, "latest_handshake": 1700000000, "rx_bytes": 11, "tx_bytes": 22}
    web.channel.say(type="report", nat={"mapping": "endpoint-independent"}, peers=[pair, {**pair, "machine": "m" + "x" * 19}])
    shown = wait.until(lambda: served.local.get(f"/orgs/acme/machines/{web.uid}")["agent"]["peers"], 3)
    assert shown == [{**pair, "latest_handshake": "2023-11-14T22:13:20Z"}]
    agent = served.local.get(f"/orgs/acme/machines/{web.uid}")["agent"]
    assert agent["version"] == "0.1" and agent["backend"] == "engine" and agent["nat"] == {"mapping": "endpoint-independent"}
    metrics = served.server.metrics()
    assert metrics["warren_agents"] == 2 and metrics['warren_agent_paths{path="direct"}'] == 1
    web.close()
    wait.until(lambda: served.local.get(f"/orgs/acme/machines/{web.uid}")["agent"] is None, 3)
    assert served.server.metrics()['warren_agent_paths{path="direct"}'] == 0


def test_probe_is_passed_on_to_who_may_know(served, join):
    served.policy(served.acme, "allow tag:a -> tag:a\ndefault deny\n")
    a1, a2, b = join("a1", "a").connect(), join("a2", "a").connect(), join("b").connect()
    a1.until(lambda one: one.peer("a2") and one.peer("a2")["online"])
    a1.channel.say(type="probe", machine=a2.uid)
    b.channel.say(type="probe", machine=a2.uid)
    heard = []
    while not heard or heard[-1]["type"] != "probe":
        heard.append(a2.hear(3))
    assert heard[-1] == {"type": "probe", "machine": a1.uid}
    a2.quiet()


def test_ping_is_answered(served, join):
    web = join("web").connect()
    web.channel.say(type="ping", id=7)
    assert web.hear() == {"type": "pong", "id": 7}


# Bad guests


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100000, b'{"type": 7}', b'{"type":"report","peers":{"a":1},"candidates":7,"nat":[]}'])
def test_nonsense_hurts_nobody_else(served, join, text):
    web, bad = join("web").connect(), join("bad").connect()
    bad.channel.send(TEXT, text)
    bad.channel.send(BINARY, b"\x01" * 1500)
    web.channel.say(type="ping", id="x")
    heard = web.hear()
    while heard["type"] != "pong":
        heard = web.hear()


def test_flood_of_messages_is_ended(served, join):
    web = join("web").connect()
    with pytest.raises((Closed, OSError)):
        for _ in range(2000):
            web.channel.say(type="ping", id=1)
        while True:
            web.hear(3)


def test_agent_that_does_not_read_is_told_later_or_ended_and_others_wait_for_nothing(served, join):
    names_ = [f"n{number}" for number in range(40)]
    lazy, web = join("lazy").connect(), join("web").connect()
    for name in names_:
        served.add(served.acme, name)
    web.until(lambda one: len(one.map["peers"]) == 41, 10)
    lazy.until(lambda one: len(one.map["peers"]) == 41, 10)


# What stands on the disk


def test_agents_rows_say_when_they_were_seen(served, join):
    web = join("web").connect()
    web.channel.say(type="report", candidates=[{"kind": "local", "endpoint": "192.168.7.7:51820"}])

    def row():
        connection = sqlite3.connect(f"file:{served.server.database()}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT agent_version, agent_seen, candidates FROM machine WHERE uid = ?", (web.uid,)).fetchone()
        finally:
            connection.close()

    seen = wait.until(lambda: row() if row()[2] else None, 5)
    assert seen[0] == "0.1" and abs(seen[1] - time.time()) < 10 and "192.168.7.7" in seen[2]
