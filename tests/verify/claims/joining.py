"""Machines that join by a key: one is let in by a key for one, and nobody by one that is none."""

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor

from lab import machine, tap, wait
from lab.machine import Machine

NUMBER = 14
TITLE = "Join keys: a key for one machine admits one of 50 at once; wrong, spent and revoked ones nobody; approval; a machine's token opens nothing else"
RACERS = 50


def run(stage):
    org = stage.organisation("Join Works")
    org.set_policy("allow * -> *\ndefault deny\n")
    race(stage, org)
    refusals(stage, org)
    approval(stage, org)
    tokens(stage, org)
    org.delete()


def create(stage, org, **wish):
    """A key; its secret, as a machine sends it."""
    made = org.api.post(f"{org.path}/keys", wish)
    raw = base64.urlsafe_b64decode(made["key"][4:] + "=" * (-len(made["key"][4:]) % 4))
    secret = base64.urlsafe_b64encode(raw[34:54]).decode().rstrip("=")
    stage.keep_secret("a join key", secret)
    return made, secret


def join(stage, secret, name, public):
    answer = stage.server.https(stage.office).ask("POST", "/join", {"secret": secret, "name": name, "public_key": public})
    if answer.is_good:
        stage.keep_secret(f"machine token of {name}", answer.json["token"])
    return answer


def pair(stage):
    private = stage.office.run("wg", "genkey").strip()
    return private, machine.public_of(private).strip()


def kind(answer):
    return answer.json["type"].rsplit(":", 1)[1]


def race(stage, org):
    _, secret = create(stage, org)
    keys = [pair(stage)[1] for _ in range(RACERS)]
    barrier = threading.Barrier(RACERS)

    def one(number):
        barrier.wait()
        return join(stage, secret, f"racer {number}", keys[number])

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(one, range(RACERS)))
    good = [answer for answer in answers if answer.is_good]
    stage.say(f"{RACERS} machines join at once by a key for one: {len(good)} let in, {RACERS - len(good)} told: "
              f"{', '.join(sorted({kind(answer) for answer in answers if not answer.is_good}))}")
    stage.check(len(good) == 1 and len(org.machines()) == 1, "exactly one is let in")


def refusals(stage, org):
    before = len(org.machines())
    revoked, revoked_secret = create(stage, org, uses=None)
    org.api.delete(f"{org.path}/keys/{revoked['uid']}")
    _, spent = create(stage, org)
    stage.check(join(stage, spent, "spender", pair(stage)[1]).is_good, "control: a good key lets in")
    told = {what: join(stage, secret, "nobody", pair(stage)[1])
            for what, secret in (("foreign", "A" * 27), ("revoked", revoked_secret), ("spent", spent))}
    stage.say(", ".join(f"{what}: {answer.status} {kind(answer)}" for what, answer in told.items()))
    stage.check(all(answer.status == 403 for answer in told.values()) and len(org.machines()) == before + 1,
                "nobody joins by a key that is foreign, revoked or spent, and each is told so")


def approval(stage, org):
    """With packets: who waits is shut out."""
    _, secret = create(stage, org, needs_approval=True)
    private, public = pair(stage)
    joined = join(stage, secret, "waiting", public).json
    birch = stage.machine(org, "birch")
    made = org.look({"uid": joined["machine"]})
    config = re.sub(r"PrivateKey.*", f"PrivateKey = {private}", birch.config)
    config = re.sub(r"Address.*", f"Address = {made['address4']}/16", config)
    waiting = Machine(stage.plugged("join-waiting"), made, config=config).up()
    stage.check(made["state"] == "pending" and not waiting.ping(birch.address4, 3), "who waits for approval reaches nobody")
    org.api.post(f"{org.path}/machines/{made['uid']}/approve")
    birch.reach(waiting)
    wait.until(lambda: waiting.ping(birch.address4, 1), 15, "a packet of the machine that was approved")
    counted = stage.count(waiting, birch, tap.UDP, 4242)
    stage.tell(waiting, birch, "udp 4242, approved", counted)
    stage.check(counted[0] == counted[1] > 0, "when it is approved its packets arrive")


def tokens(stage, org):
    _, secret = create(stage, org)
    made = join(stage, secret, "owner", pair(stage)[1]).json
    agent = stage.server.https(stage.office, made["token"])
    paths = ("/orgs", org.path, f"{org.path}/machines", f"{org.path}/policy", f"{org.path}/keys", "/users", "/tokens", "/audit", "/server")
    statuses = {path: agent.ask("GET", path).status for path in paths}
    stage.check(set(statuses.values()) == {403}, f"a machine's token reads nothing of {len(paths)} resources")
    stage.check(stage.admin.ask("DELETE", "/agent").status == 403, "nor does an administrator's do what agents do")
    stage.check(agent.ask("DELETE", "/agent").status == 204 and agent.ask("DELETE", "/agent").status == 401,
                "with it the machine leaves, and then it is worth nothing")
