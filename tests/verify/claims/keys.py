"""What lies on the disk is of no use to whoever takes it."""

import base64
import hashlib
import subprocess
import urllib.parse

from lab import machine
from lab.server import Server

NUMBER = 13
TITLE = "Keys at rest: nothing in clear in database, WAL, files or logs; no start without the unlock secret; secret rotated"
NEW_SECRET = "another-long-unlock-secret-9876543210"


def run(stage):
    org = stage.organisation("Rest Works")
    atlas, birch = stage.pair(org)
    org.add("with-psk", with_preshared_key=True)
    secrets_of_people(stage, org)
    nothing_in_clear(stage)
    hub_keys_are_sealed(stage)
    modes(stage)
    stage.server.stop()
    refusals(stage)
    stage.server.start()
    atlas.reach(birch)
    stage.check(True, "with the right secret it starts, and the machines reach each other again")
    rotation(stage, org, atlas, birch)


def secrets_of_people(stage, org):
    stage.person("kim", "kim's own very long password")
    kim = stage.browser("kim", "kim's own very long password")
    made = kim.post("/tokens", {"name": "laptop"})
    stage.keep_secret("token of kim", made["token"])
    invite = org.api.post(f"{org.path}/invites", {"role": "viewer"})
    stage.keep_secret("an invite", invite["invite"])
    made = org.api.post(f"{org.path}/keys", {})
    raw = base64.urlsafe_b64decode(made["key"][4:] + "=" * (-len(made["key"][4:]) % 4))
    secret = base64.urlsafe_b64encode(raw[34:54]).decode().rstrip("=")
    stage.keep_secret("a join key", secret)
    joined = stage.server.https(stage.office).post("/join", {"secret": secret, "name": "joined", "public_key": machine.public_of(
        stage.office.run("wg", "genkey")).strip()})
    stage.keep_secret("a machine's token", joined["token"])
    generated = stage.admin.post("/users", {"login": "lee", "name": "Lee"})
    stage.keep_secret("a generated password", generated.get("password"))
    org.api.post(f"{org.path}/machines/with-psk/rotate", {})


def forms(text):
    """How a secret could stand in a file."""
    found = {text.encode(), text.encode().hex().encode(), base64.b64encode(text.encode()).rstrip(b"="),
             urllib.parse.quote(text, safe="").encode()}
    bare = text.split("_")[-1]
    if len(bare) >= 20:
        found.add(bare.encode())
    for decode in (base64.b64decode, base64.urlsafe_b64decode):
        try:
            raw = decode(bare + "=" * (-len(bare) % 4))
        except ValueError:
            continue
        if len(raw) >= 16:
            found |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
    return found


def places(stage):
    """{name: bytes} of all that the server wrote: its files, and what it printed."""
    found = stage.server.files()
    found["what it logged"] = stage.server.said_ever().encode(errors="surrogateescape")
    return found


def nothing_in_clear(stage):
    found, where = [], places(stage)
    own = {"first password"}  # printed once, at the first start
    for what, text in stage.secrets:
        for name, data in where.items():
            if not (what in own and name == "what it logged") and any(form in data for form in forms(text)):
                found.append(f"{what} in {name}")
    for what in found[:6]:
        stage.say(f"found: {what}")
    stage.say(f"looked for {len(stage.secrets)} secrets in text, bytes, hexadecimal and base64, in {sum(map(len, where.values())):,} bytes of "
              f"{len(where)} files: {', '.join(sorted(where))}")
    stage.check(len(stage.secrets) > 8 and not found, "no private key, preshared key, token, invite, session or password is there in clear")
    probe = b"Rest Works"
    stage.check(any(probe in data for data in where.values()), "control: what is no secret is found there by the same search")


def hub_keys_are_sealed(stage):
    with stage.rows() as connection:
        rows = connection.execute("SELECT hub_public, hub_key FROM organisation LIMIT 20").fetchall()
    opened = [1 for public, sealed in rows for at in range(len(sealed) - 31)
              if machine.public_of(base64.b64encode(sealed[at:at + 32]).decode()).strip() == base64.b64encode(public).decode()]
    stage.check(rows and not opened, f"the hub's private keys of {len(rows)} organisations are sealed: no 32 bytes of them are a key")


def modes(stage):
    wrong = [str(path) for path in stage.server.data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077
             and b"BEGIN CERTIFICATE" not in path.read_bytes()[:64]]
    stage.check(stage.server.data.stat().st_mode & 0o077 == 0 and not wrong,
                f"the folder and its files are for the server's user only{': ' + str(wrong) if wrong else ''}")


def digest(stage):
    return {name: hashlib.sha256(data).hexdigest() for name, data in stage.server.files().items()}


def trial(stage, secret):
    """A start with that secret: (status, what it said)."""
    other = Server(stage.host, stage.server.address, stage.server.data, unlock=secret)
    other.launch()
    try:
        status = other.process.wait(20)
    except subprocess.TimeoutExpired:
        other.kill()
        status = 0
    return status, other.said().strip()


def refusals(stage):
    before = digest(stage)
    for what, secret in (("without the unlock secret", None), ("with a wrong one", "wrong" * 8), ("with an empty one", "")):
        status, said = trial(stage, secret)
        stage.say(f"{what}: status {status}: {said.splitlines()[-1] if said else ''}")
        stage.check(status != 0 and said and "wrong" * 8 not in said, f"{what} it does not start, and says why")
    stage.check(digest(stage) == before, "and no byte of its files was touched")


def rotation(stage, org, atlas, birch):
    old = stage.server.unlock
    local = stage.server.local()
    refused = local.ask("POST", "/server/unlock", {"current": "not the current one at all", "new": NEW_SECRET})
    stage.check(refused.status in (401, 403, 422), "the unlock secret is not changed for somebody who does not know it")
    remote = stage.admin.ask("POST", "/server/unlock", {"current": old, "new": NEW_SECRET})
    stage.check(remote.status in (403, 404), "nor over the network at all")
    local.post("/server/unlock", {"current": old, "new": NEW_SECRET})
    stage.keep_secret("new unlock secret", NEW_SECRET)
    stage.server.stop()
    status, _ = trial(stage, old)
    stage.check(status != 0, "after the rotation the old secret does not start it")
    stage.server.unlock = NEW_SECRET
    stage.server.start()
    atlas.reach(birch)
    stage.check(org.api.get(org.path)["hub_public_key"] == org.made["hub_public_key"], "the new one does, with the same hub keys")
    stage.check(atlas.ping(birch.address4, 3) == {1, 2, 3}, "and the machines reach each other without being told anything")
    nothing_in_clear(stage)
