"""A live server with its switch and an office, ready to be asked; for tests that need no more than that."""

import sqlite3

from .machine import Machine
from .server import Server
from .wire import Wire

PASSWORD = "correct horse battery staple"
SERVER, OFFICE, FIRST_MACHINE = 1, 2, 10
# Columns that change by themselves.
VOLATILE = {"last_used", "latest_handshake", "last_seen", "endpoint", "rx_bytes", "tx_bytes"}


class Served:
    """`local` asks over the Unix socket, `admin` over HTTPS with a token of the first administrator."""

    def __init__(self, lab, args=(), env=None, start=True, **options):
        self.lab = lab
        self.wire = Wire(lab)
        self.numbers = iter(range(FIRST_MACHINE, 250))
        self.host = self.wire.plug(lab.host("server"), SERVER)
        self.office = self.wire.plug(lab.host("office"), OFFICE)
        self.server = Server(self.host, options.pop("address", f"192.0.2.{SERVER}"), args=args, env=env, **options)
        lab.keep(self.server)
        self._admin = None
        if start:
            self.server.start()

    @property
    def local(self):
        return self.server.local()

    @property
    def admin(self):
        if not self._admin:
            browser = self.server.https(self.office)
            answer = browser.sign_in(self.server.login, self.server.password)
            assert answer.is_good, answer
            self._admin = self.server.https(self.office, browser.post("/tokens", {"name": "admin"})["token"])
        return self._admin

    def anonymous(self, host=None):
        return self.server.https(host or self.office)

    def person(self, login, **fields):
        return self.local.post("/users", {"login": login, "name": login.title(), "password": PASSWORD, **fields})

    def browser(self, login, password=PASSWORD, host=None):
        client = self.anonymous(host)
        answer = client.sign_in(login, password)
        assert answer.is_good, f"{login}: {answer}"
        return client

    def org(self, name, **fields):
        return self.local.post("/orgs", {"name": name, **fields})

    def add(self, org, name, **fields):
        return self.local.post(f"/orgs/{org['uid']}/machines", {"name": name, **fields})

    def policy(self, org, text):
        return self.local.put(f"/orgs/{org['uid']}/policy", {"text": text}, headers={"If-Match": "*"})

    def plugged(self, name):
        return self.wire.plug(self.lab.host(name), next(self.numbers))

    def machine(self, org, name, kind="warren", config=None, **fields):
        made = self.add(org, name, **fields)
        return Machine(self.plugged(name), made, kind, config(made["config"]) if config else None).up()

    def pair(self, org, kinds=("warren", "go"), **fields):
        a, b = (self.machine(org, name, kind, **fields) for name, kind in zip(("atlas", "birch"), kinds))
        a.reach(b)
        b.reach(a)
        return a, b

    def dump(self, but=()):
        """All rows of all tables, without what changes by itself."""
        connection = sqlite3.connect(f"file:{self.server.database()}?mode=ro", uri=True)
        try:
            tables = [name for (name,) in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") if name not in but]
            return {table: sorted(map(repr, self._rows(connection, table))) for table in tables}
        finally:
            connection.close()

    @staticmethod
    def _rows(connection, table):
        cursor = connection.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        return [tuple((name, value) for name, value in zip(names, row) if name not in VOLATILE) for row in cursor]
