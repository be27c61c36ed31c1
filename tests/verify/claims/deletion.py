"""A deleted organisation is gone: from the disk, from the hub, from the kernel."""

import ipaddress
import time

from lab import wait


NUMBER = 12
TITLE = "Deleting an organisation leaves no row, key, namespace, peer or file"
SECONDS = 20


def run(stage):
    neighbour = stage.organisation("Staying Works")
    stay1, stay2 = stage.pair(neighbour, ("stay-one", "stay-two"))
    before = stage.row_counts(), stage.namespaces(), set(stage.server.files())

    org = stage.organisation("Leaving Works", network4="10.77.0.0/16")
    atlas, birch = stage.pair(org)
    use_everything(stage, org, atlas)
    told = keys_of(stage, org)
    made = stage.row_counts(), stage.namespaces(), set(stage.server.files())
    stage.say(f"while it is there: {sum(made[0].values()) - sum(before[0].values())} rows, "
              f"{sum(map(len, made[1])) - sum(map(len, before[1]))} marks of namespaces more than before")
    stage.check(any(org.uid in name or org.label in name for name in stage.server.metrics()), "the hub's numbers name it")
    org.delete()
    after = stage.row_counts()
    stage.check(org.api.ask("GET", org.path).status == 404, "it is gone from the API")

    more = {table: after[table] - before[0][table] for table in after if after[table] > before[0][table]}
    stage.say(f"rows more than before it was made: {more or 'none'}")
    stage.check(set(more) <= {"audit"}, "no row of it is left but the site's own audit line that it was deleted")
    stage.check(not rows_that_name(stage, org), "no table holds a value that is its identifier, but the audit log")
    keys_are_gone(stage, told)
    is_gone = wait_for(lambda: stage.namespaces() == before[1])
    stage.check(is_gone, f"no namespace of it is left{'' if is_gone else ': ' + str(stage.namespaces())}")
    left = set(stage.server.files()) - before[2]
    stage.check(left <= {name for name in left if name.endswith(("-wal", "-shm"))}, f"no file is left{': ' + str(sorted(left)) if left else ''}")
    stage.check(not any(org.uid in name or org.label in name for name in stage.server.metrics()), "the hub's numbers do not name it any more")
    peers_are_gone(stage, atlas, birch)
    stage.check(stay1.ping(stay2.address4, 3) == {1, 2, 3}, "the organisation beside it works on")
    neighbour.delete()


def use_everything(stage, org, atlas):
    """Each kind of thing that an organisation can have."""
    org.set_policy("group pair = atlas birch\nallow pair -> pair\ndefault deny\n")
    org.api.put(f"{org.path}/policy", {"text": "default allow\n", "comment": "second"}, headers={"If-Match": "*"})
    org.add("routed", tags=["web", "db"], routes=["192.168.50.0/24"], with_preshared_key=True)
    org.api.delete(f"{org.path}/machines/{org.add('buried')['uid']}")
    stage.person("luis")
    org.api.put(f"{org.path}/members/luis", {"role": "admin"})
    token = org.api.post("/tokens", {"name": "of-leaving", "org": org.uid, "role": "viewer"})
    invite = org.api.post(f"{org.path}/invites", {"role": "viewer"})
    stage.keep_secret("token of a deleted organisation", token["token"])
    stage.keep_secret("invite of a deleted organisation", invite["invite"])
    hub = ipaddress.ip_network(org.made["network4"])[1]
    wait.until(lambda: atlas.ping(str(hub), 1, timeout=0.5), 10, "the gateway")
    answered = atlas.ping(str(hub), 3)
    stage.say(f"the gateway {hub} answered {len(answered)} of 3 pings")
    stage.check(len(answered) == 3, "its gateway, a namespace of its own, answers")
    org.api.delete("/users/luis")


def keys_of(stage, org):
    """Every key that the disk holds for it, as bytes."""
    with stage.rows() as connection:
        public, sealed, row = connection.execute("SELECT hub_public, hub_key, id FROM organisation WHERE uid = ?", (org.uid,)).fetchone()
        keys = {"its hub's public key": bytes(public), "its hub's sealed private key": bytes(sealed)}
        for label, key, psk in connection.execute("SELECT label, public_key, preshared_key FROM machine WHERE organisation = ?", (row,)):
            keys[f"the public key of {label}"] = bytes(key)
            if psk:
                keys[f"the sealed preshared key of {label}"] = bytes(psk)
    return keys


def keys_are_gone(stage, keys):
    def found():
        files = stage.server.files()
        return sorted({f"{what} in {name}" for what, key in keys.items() for name, data in files.items() if key in data})

    wait_for(lambda: not found())
    left = found()
    stage.say(f"looked for {len(keys)} keys in every byte of the server's files: {len(left)} found")
    stage.check(not left, f"no key of it is left on the disk{': ' + '; '.join(left[:4]) if left else ''}")


def rows_that_name(stage, org):
    found = []
    with stage.rows() as connection:
        for table in stage.tables():
            if table == "audit":
                continue
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                if any(isinstance(value, str) and org.uid in value for value in row):
                    found.append(table)
    return found


def wait_for(is_so):
    deadline = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def peers_are_gone(stage, atlas, birch):
    """Their keys are strangers' now: the hub does not even answer a handshake."""
    for one in (atlas, birch):
        one.down()
        one.up()
    answered = atlas.ping(birch.address4, 3, timeout=2)
    (row,) = atlas.host.run("wg", "show", "wg0", "transfer").splitlines()
    _, received, sent = row.split("\t")
    stage.say(f"{atlas.name} starts anew: {sent} bytes sent to the hub, {received} received")
    stage.check(not answered and int(received) == 0 and int(sent) > 0, "to its machines the hub is silent")
