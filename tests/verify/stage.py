"""The stage on which the claims are shown: a live server on a host of its own, a switch, and machines."""

import contextlib
import re
import sqlite3

from lab import machine, tap
from lab.machine import Machine
from lab.server import Server
from lab.wire import Wire

SERVER, OFFICE, FIRST_MACHINE = 1, 2, 10
# Every policy here begins with it: a packet to this port is let through, so that its arrival tells that what was
# sent before it has been judged.
BARRIER_PORT = 4999
BARRIER = f"allow * -> * udp {BARRIER_PORT}\n"
MINUTE_OLD = 60


class Organisation:
    """One organisation, with the client that administers it."""

    def __init__(self, stage, api, made):
        self.stage, self.api, self.made = stage, api, made
        self.uid, self.label, self.name = made["uid"], made["label"], made["name"]
        self.path = f"/orgs/{self.uid}"

    def add(self, name, **fields):
        """Adds a machine; what the API answered."""
        made = self.api.post(f"{self.path}/machines", {"name": name, **fields})
        self.stage.keep_secret(f"private key of {name}", machine.fields_of(made["config"])["Interface"].get("PrivateKey"))
        self.stage.keep_secret(f"preshared key of {name}", machine.fields_of(made["config"])["Peer"].get("PresharedKey"))
        return made

    def machines(self):
        return self.api.all(f"{self.path}/machines")

    def look(self, made):
        """A machine as the API shows it now."""
        return self.api.get(f"{self.path}/machines/{made['uid']}")

    def set_policy(self, text, with_barrier=True):
        """Saves a policy; it is in force when this returns."""
        self.api.put(f"{self.path}/policy", {"text": (BARRIER if with_barrier else "") + text}, headers={"If-Match": "*"})

    def why(self, a, b, protocol, port=None):
        asked = {"from": a.name, "to": b.name, "protocol": protocol, **({"port": port} if port else {})}
        return self.api.post(f"{self.path}/policy/why", asked)

    def delete(self):
        self.api.delete(self.path)


class Stage:
    def __init__(self, lab, transcript):
        self.lab, self.transcript = lab, transcript
        self.say, self.check = transcript.say, transcript.check
        self.secrets = []  # (what, text): must never be found at rest
        self.wire = Wire(lab)
        self.numbers = iter(range(FIRST_MACHINE, 250))
        self.host = self.wire.plug(lab.host("server"), SERVER)
        self.office = self.wire.plug(lab.host("office"), OFFICE)
        self.server = Server(self.host, f"192.0.2.{SERVER}")
        lab.keep(self.server)
        self.server.start()
        self.keep_secret("unlock secret", self.server.unlock)
        self.keep_secret("first password", self.server.password)
        self.admin = self._program()

    def _program(self):
        """The site administrator's program, with a token that may do everything."""
        browser = self.browser(self.server.login, self.server.password)
        made = browser.post("/tokens", {"name": "verify"})
        self.keep_secret("token of the site administrator", made["token"])
        return self.server.https(self.office, made["token"])

    def keep_secret(self, what, text):
        if text:
            self.secrets.append((what, text))

    def browser(self, login, password, host=None):
        """Somebody who has signed in."""
        client = self.server.https(host or self.office)
        answer = client.sign_in(login, password)
        assert answer.is_good, f"{login} cannot sign in: {answer}"
        self.keep_secret(f"session of {login}", client.cookie)
        self.keep_secret(f"CSRF token of {login}", client.csrf)
        return client

    def person(self, login, password="correct horse battery staple", **fields):
        """A user, made by the administrator."""
        made = self.admin.post("/users", {"login": login, "name": login.title(), "password": password, **fields})
        self.keep_secret(f"password of {login}", password)
        return made

    def organisation(self, name, **fields):
        return Organisation(self, self.admin, self.admin.post("/orgs", {"name": name, **fields}))

    def plugged(self, name):
        """A new host on the switch."""
        return self.wire.plug(self.lab.host(name), next(self.numbers))

    def machine(self, organisation, name, kind="warren", **fields):
        """A machine that was added, and runs on a new host."""
        made = organisation.add(name, **fields)
        return Machine(self.plugged(f"{organisation.label}-{made['label']}"[:40]), made, kind).up()

    def pair(self, organisation, names=("atlas", "birch"), kinds=("go", "warren")):
        """Two machines that reach each other."""
        a, b = (self.machine(organisation, name, kind) for name, kind in zip(names, kinds))
        a.reach(b)
        b.reach(a)
        return a, b

    # What is seen at both ends

    def count(self, a, b, protocol, port=0, count=20, family=4):
        """Sends packets from a to b; (sent at a's tunnel, arrived at b's tunnel). Needs a policy with the barrier."""
        with tap.taps(a, b) as (near, far):
            send(a, b, protocol, port, count, family)
            await_barrier(a, b, far, family)
            wanted = matcher(a, b, protocol, port, family)
            return (near.count(lambda one: one.is_outgoing and wanted(one)),
                    far.count(lambda one: not one.is_outgoing and wanted(one)))

    def tell(self, a, b, what, counted):
        self.say(f"{a.name} -> {b.name}  {what}: sent {counted[0]}, arrived {counted[1]}")
        return counted

    # What is seen on the server's disk

    @contextlib.contextmanager
    def rows(self):
        """The database, read beside the server."""
        connection = sqlite3.connect(f"file:{self.server.database()}?mode=ro", uri=True)
        try:
            yield connection
        finally:
            connection.close()

    def tables(self):
        with self.rows() as connection:
            return [name for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")]

    def row_counts(self):
        with self.rows() as connection:
            return {table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in self.tables()}

    def namespaces(self):
        """Names and places of the network namespaces that the server holds, its own not counted."""
        own = self.host.run("readlink", "/proc/self/ns/net").strip()
        mounted = [line.split()[4] for line in self._mounts() if " - nsfs " in line]
        entered = set(re.findall(r"net:\[\d+\]", self.host.run(
            "sh", "-c", f"ls -l /proc/{self.server.pid}/fd /proc/{self.server.pid}/task/*/ns 2>/dev/null || true")))
        return sorted(mounted), sorted(entered - {own})

    def _mounts(self):
        with open(f"/proc/{self.server.pid}/mountinfo", encoding="ascii", errors="replace") as lines:
            return lines.read().splitlines()


def matcher(a, b, protocol, port, family):
    source, target = a.address(family), b.address(family)

    def is_wanted(one):
        return (one.source, one.target, one.protocol) == (source, target, protocol) and (
            one.target_port == (port or (128 if family == 6 else 8)))

    return is_wanted


def send(a, b, protocol, port, count, family):
    target = b.address(family)
    if protocol == tap.UDP:
        with a.udp(family) as sock:
            for number in range(count):
                sock.sendto(number.to_bytes(8, "big") + bytes(56), (target, port))
    elif protocol == tap.TCP:
        knock(a, target, port, count, family)
    else:
        a.ping(target, count, timeout=0)


def knock(a, target, port, count, family):
    """TCP connections are begun, and not waited for."""
    import socket as sockets
    opened = []
    for _ in range(count):
        sock = a.host.socket(sockets.AF_INET6 if family == 6 else sockets.AF_INET, sockets.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex((target, port))
        opened.append(sock)
    for sock in opened:
        sock.close()


def await_barrier(a, b, far, family=4):
    """Returns when a packet that is let through has followed all others to b."""
    with a.udp(family) as sock:
        mine = sock.getsockname()[1]
        for _ in range(50):
            sock.sendto(b"barrier", (b.address(family), BARRIER_PORT))
            far.take(0.1)
            if far.count(lambda one: not one.is_outgoing and (one.source_port, one.target_port) == (mine, BARRIER_PORT)):
                return
    raise AssertionError(f"no packet of {a.name} comes to {b.name}, not even what the policy lets through")
