"""Asks the server's API: over HTTPS from a host, or over the server's Unix socket."""

import http.client
import json
import socket
import ssl
import threading
from dataclasses import dataclass

SECONDS = 30
BASE = "/api/v1"
PROBLEM = "application/problem+json"
NOTHING = object()
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Answer:
    status: int
    headers: dict  # by lower-case name
    body: bytes

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def is_good(self):
        return 200 <= self.status < 300

    @property
    def etag(self):
        return self.headers.get("etag")

    @property
    def is_problem(self):
        return self.headers.get("content-type", "").split(";")[0] == PROBLEM

    def pointers(self):
        """Which fields a problem document complains of."""
        return [fault["pointer"] for fault in self.json.get("faults", [])] if self.is_problem else []

    def __str__(self):
        return f"{self.status} {self.body[:600].decode(errors='replace')}"


class Refused(AssertionError):
    """An answer that is not 2xx where one was wanted."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer}")
        self.answer = answer


class Https:
    """The API as it is reached from `host` at `address`, with the server's own certificate as the only authority."""

    def __init__(self, host, address, port, certificate):
        self.host, self.address, self.port = host, address, port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.load_verify_locations(certificate)

    def open(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        sock = self.host.socket(family, socket.SOCK_STREAM)
        sock.settimeout(SECONDS)
        sock.connect((self.address, self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context.wrap_socket(sock)


class Plain:
    """The API in the clear, as it is reached from `host`."""

    def __init__(self, host, address, port):
        self.host, self.address, self.port = host, address, port

    def open(self):
        sock = self.host.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(SECONDS)
        sock.connect((self.address, self.port))
        return sock


class Local:
    """The API over the server's Unix socket."""

    address = "warren"

    def __init__(self, path):
        self.path = str(path)

    def open(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(SECONDS)
        sock.connect(self.path)
        return sock


class _Connection(http.client.HTTPConnection):
    def __init__(self, way):
        super().__init__("warren", timeout=SECONDS)
        self._way = way

    def connect(self):
        self.sock = self._way.open()


class Client:
    """One who asks, with a token, a session or nothing. Each thread has a connection of its own."""

    def __init__(self, way, token=None):
        self.way, self.token = way, token
        self.cookie = self.csrf = None
        self._own = threading.local()

    def ask(self, method, path, body=NOTHING, headers=None, raw=None, base=BASE):
        """The answer, whatever it is. `raw` is sent as it is, instead of `body` as JSON."""
        sent = {"Host": "warren"}
        if raw is None and body is not NOTHING:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            sent["Cookie"] = f"warren_session={self.cookie}"
            if self.csrf and method in CHANGES:
                sent["X-CSRF-Token"] = self.csrf
        for name, value in (headers or {}).items():
            sent.pop(name, None)
            if value is not None:
                sent[name] = value
        return self._send(method, base + path, raw, sent)

    def _send(self, method, path, raw, headers):
        for is_last in (False, True):
            connection, is_fresh = self._connection()
            try:
                connection.request(method, path, raw, headers)
                answer = connection.getresponse()
                return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
            except (http.client.HTTPException, OSError):
                # A connection that the server ended while it was idle; a fresh one is not tried twice.
                self.close()
                if is_last or is_fresh:
                    raise

    def _connection(self):
        kept = getattr(self._own, "connection", None)
        if kept is None:
            self._own.connection = _Connection(self.way)
            return self._own.connection, True
        return kept, False

    def close(self):
        kept = getattr(self._own, "connection", None)
        if kept:
            kept.close()
        self._own.connection = None

    def good(self, method, path, body=NOTHING, **options):
        """What a call that must succeed results in."""
        answer = self.ask(method, path, body, **options)
        if not answer.is_good:
            raise Refused(f"{method} {path}", answer)
        return answer.json

    def get(self, path, **options):
        return self.good("GET", path, **options)

    def post(self, path, body=NOTHING, **options):
        return self.good("POST", path, body, **options)

    def put(self, path, body=NOTHING, **options):
        return self.good("PUT", path, body, **options)

    def patch(self, path, body=NOTHING, **options):
        return self.good("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.good("DELETE", path, **options)

    def all(self, path):
        """Every item of a listing, page by page."""
        items, cursor = [], None
        while True:
            sign = "&" if "?" in path else "?"
            page = self.get(f"{path}{sign}limit=500" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                return items

    def sign_in(self, login, password):
        """Signs in as a browser does; returns the answer, good or not."""
        answer = self.ask("POST", "/session", {"login": login, "password": password})
        if answer.is_good:
            self.csrf = answer.json["csrf"]
            self.cookie = cookie_of(answer)
        return answer

    def events(self, path, timeout=10):
        """The events of a stream, as they come: (type, data). Ends when nothing came for so long."""
        with self.way.open() as sock:
            sock.settimeout(timeout)
            line = f"GET {BASE}{path} HTTP/1.1\r\nHost: warren\r\nAccept: text/event-stream\r\n"
            if self.token:
                line += f"Authorization: Bearer {self.token}\r\n"
            if self.cookie:
                line += f"Cookie: warren_session={self.cookie}\r\n"
            sock.sendall(line.encode() + b"\r\n")
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            if answer.status != 200:
                raise Refused(path, Answer(answer.status, dict(answer.getheaders()), answer.read()))
            yield "open", None
            kind = None
            try:
                while raw := answer.readline():
                    text = raw.decode().rstrip("\r\n")
                    if text.startswith("event:"):
                        kind = text[6:].strip()
                    elif text.startswith("data:"):
                        yield kind, json.loads(text[5:])
            except TimeoutError:
                return


def cookie_of(answer):
    """The session that an answer sets."""
    for part in answer.headers.get("set-cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == "warren_session":
            return value
    return None
