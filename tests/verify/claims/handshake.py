"""Two machines with stock WireGuard meet through the hub."""

import re
import time

from lab import machine, tap, wait

NUMBER = 2
TITLE = "Two machines with stock WireGuard shake hands with the hub and reach each other"

# The shape that people were promised, in one family; with both, Address and AllowedIPs have one of each.
SHAPE = re.compile(r"""# WireGuard config for machine "branch-mumbai"
\[Interface\]
PrivateKey          = [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=
Address             = 10\.100\.0\.2/16(, [0-9a-f:]+/64)?
MTU                 = 1420

\[Peer\]
# Warren hub for "acme-networks"
PublicKey           = [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=
Endpoint            = 192\.0\.2\.1:51820
AllowedIPs          = 10\.100\.0\.0/16(, [0-9a-f:]+/64)?
PersistentKeepalive = 25
""")


def run(stage):
    org = stage.organisation("acme-networks")
    made = org.add("branch-mumbai")
    stage.say(re.sub(r"(PrivateKey +=) .*", r"\1 (not printed here)", made["config"]))
    stage.check(SHAPE.fullmatch(made["config"].rstrip("\n") + "\n"), "the answer is a wg-quick text of exactly the promised shape")
    private = machine.fields_of(made["config"])["Interface"]["PrivateKey"]
    stage.check(machine.public_of(private) == made["public_key"], "its private key belongs to the public key that the server keeps")
    again = org.look(made)
    stage.check("config" not in again and private not in str(again), "asked again, the server does not tell the private key: it has none")

    atlas = machine.Machine(stage.plugged("mumbai"), made, "go").up()
    birch = stage.machine(org, "branch-pune", "warren")
    atlas.reach(birch)
    handshakes(stage, org, atlas, birch)
    pings(stage, atlas, birch)
    own_key(stage, org, atlas)


def handshakes(stage, org, atlas, birch):
    for one in (atlas, birch):
        hub, seen = one.peer(), wait.until(lambda one=one: look_with_handshake(org, one), 10, "the handshake in the API")
        stage.say(f"{one}: latest handshake {time.time() - hub.handshake:.0f} s ago; the API says {seen['latest_handshake']}, "
                  f"from {seen['endpoint']}")
        stage.check(hub.handshake and hub.public == org.made["hub_public_key"], f"{one} has shaken hands with the hub of its organisation")
        stage.check(seen["state"] == "online" and seen["endpoint"].startswith(outer(one)),
                    f"the API shows {one.name} online, and where its packets come from")


def look_with_handshake(org, one):
    seen = org.look(one.made)
    return seen if seen["latest_handshake"] and seen["endpoint"] else None


def outer(one):
    return re.search(r"inet (192\.0\.2\.\d+)/", one.host.ip("address show dev eth0"))[1]


def pings(stage, atlas, birch):
    for family in (4, 6):
        for a, b in ((atlas, birch), (birch, atlas)):
            with tap.taps(a, b) as (near, far):
                answered = a.ping(b.address(family), 10)
                kind = 128 if family == 6 else 8
                sent = near.count(lambda one: one.is_outgoing and one.target_port == kind and one.target == b.address(family))
                came = far.count(lambda one: not one.is_outgoing and one.target_port == kind and one.source == a.address(family))
            stage.say(f"{a.name} -> {b.name} over IPv{family}: {sent} echo requests sent, {came} arrived, {len(answered)} answered")
            stage.check((sent, came, len(answered)) == (10, 10, 10), f"IPv{family}: all of {a.name}'s pings reach {b.name} and come back")


def own_key(stage, org, atlas):
    """A machine that brings its own key: no private key of it exists here at all."""
    key = machine.tunnel.new_key()
    made = org.add("own-key", public_key=machine.public_of(key))
    fields = machine.fields_of(made["config"])
    stage.check(fields["Interface"].get("PrivateKey") in (None, "", "(your own)") or key not in made["config"],
                "a machine that brings its own public key is given a text without a private key")
    text = re.sub(r"(?m)^#? *PrivateKey *=.*$", "", made["config"]).replace("[Interface]", f"[Interface]\nPrivateKey = {key}")
    own = machine.Machine(stage.plugged("own-key"), made, "warren", config=text).up()
    own.reach(atlas)
    stage.check(own.ping(atlas.address4, 3) == {1, 2, 3}, "and works with its own private key")
