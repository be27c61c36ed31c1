"""The server's API, asked with as little work as can be: a connection a thread, over TLS."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator

from .errors import BenchError
from .lab import Machine

SECONDS = 60


class Api:
    """Asks `address` from a machine, with a token once it has one."""

    def __init__(self, machine: Machine, address: str, port: int) -> None:
        self._machine, self._name = machine, (address, port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE  # a bench, on a wire of its own
        self._own = threading.local()
        self._credentials = ""

    def sign_in(self, login: str, password: str) -> None:
        """From here on asks with a token of that user's."""
        with self._open() as connection:
            status, head, body = exchange(connection, "POST", "/session", "", {"login": login, "password": password})
            self._check("POST /session", status, body)
            cookie = next(line.split(": ", 1)[1].split(";")[0] for line in head if line.lower().startswith("set-cookie"))
            session = f"Cookie: {cookie}\r\nX-CSRF-Token: {json.loads(body)['csrf']}\r\n"
            status, _, body = exchange(connection, "POST", "/tokens", session, {"name": "bench"})
            self._check("POST /tokens", status, body)
        self._credentials = f"Authorization: Bearer {json.loads(body)['token']}\r\n"

    def ask(self, method: str, path: str, body: dict | None = None, headers: str = "") -> dict:
        status, _, answer = self._exchange(method, path, self._credentials + headers, body)
        self._check(f"{method} {path}", status, answer)
        return json.loads(answer) if answer else {}

    def all(self, path: str) -> Iterator[dict]:
        """Every item of a listing."""
        cursor = ""
        while cursor is not None:
            page = self.ask("GET", f"{path}?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            yield from page["items"]
            cursor = page["next"]

    def _exchange(self, method: str, path: str, headers: str, body: dict | None) -> tuple[int, list[str], bytes]:
        for is_last in (False, True):
            is_fresh = not hasattr(self._own, "connection")
            if is_fresh:
                self._own.connection = self._open()
            try:
                return exchange(self._own.connection, method, path, headers, body)
            except OSError:
                self._own.connection.close()
                del self._own.connection
                if is_last or is_fresh:
                    raise
        raise AssertionError

    def _open(self) -> ssl.SSLSocket:
        with self._machine.net():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(SECONDS)
        sock.connect(self._name)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(sock)

    @staticmethod
    def _check(what: str, status: int, body: bytes) -> None:
        if not 200 <= status < 300:
            raise BenchError(f"{what}: {status}: {body[:500].decode(errors='replace')}")


def exchange(connection: ssl.SSLSocket, method: str, path: str, headers: str,
             body: dict | None) -> tuple[int, list[str], bytes]:
    """One request, and its answer: status, lines of the head, body."""
    data = json.dumps(body).encode() if body is not None else b""
    kind = "Content-Type: application/json\r\n" if body is not None else ""
    connection.sendall(f"{method} /api/v1{path} HTTP/1.1\r\nHost: bench\r\n{headers}{kind}"
                       f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    got = b""
    while b"\r\n\r\n" not in got:
        got += receive(connection)
    head, _, rest = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return int(lines[0].split()[1]), lines, read_body(connection, lines, rest)


def read_body(connection: ssl.SSLSocket, lines: list[str], rest: bytes) -> bytes:
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if fields.get("transfer-encoding") == "chunked":
        while not rest.endswith(b"0\r\n\r\n"):
            rest += receive(connection)
        return unchunked(rest)
    length = int(fields.get("content-length", 0))
    while len(rest) < length:
        rest += receive(connection)
    return rest


def unchunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2:]
        if not length:
            break
    return body


def receive(connection: ssl.SSLSocket) -> bytes:
    data = connection.recv(1 << 18)
    if not data:
        raise ConnectionResetError("the server ended the connection")
    return data
