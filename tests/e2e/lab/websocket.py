"""A WebSocket client (RFC 6455) of its own: the standard library's sockets and TLS, and nothing of the server's."""

import base64
import hashlib
import json
import os
import select
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The other side ended it; `code` is None where it did not say goodbye."""

    def __init__(self, code=None, why=""):
        super().__init__(f"{code} {why}")
        self.code, self.why = code, why


class Refused(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class WebSocket:
    """`way` opens the socket (lab/api.py)."""

    def __init__(self, way, path, token=None, protocol="warren.v1"):
        self.sock = way.open()
        self.inbox = bytearray()
        self.answers_pings = True
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", "Host: warren", "Connection: Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key.decode()}", f"Sec-WebSocket-Protocol: {protocol}"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self._read_head(base64.b64encode(hashlib.sha1(key + GUID).digest()).decode(), protocol)

    def _read_head(self, accept, protocol):
        while b"\r\n\r\n" not in self.inbox:
            self._receive(None)
        head, _, rest = bytes(self.inbox).partition(b"\r\n\r\n")
        self.inbox = bytearray(rest)
        first, *lines = head.decode().split("\r\n")
        status = int(first.split()[1])
        if status != 101:
            raise Refused(status, head.decode() + rest.decode(errors="replace"))
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert fields["sec-websocket-accept"] == accept and fields["sec-websocket-protocol"] == protocol, fields

    def _receive(self, deadline):
        """Some more bytes."""
        pending = getattr(self.sock, "pending", lambda: 0)()
        if deadline is not None and not pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise TimeoutError("nothing came")
        try:
            data = self.sock.recv(1 << 16)
        except OSError as error:
            raise Closed(None, str(error)) from None
        if not data:
            raise Closed()
        self.inbox += data

    def _frame(self, deadline):
        """(opcode, payload) of the next frame, whole; the server's are not masked."""
        while True:
            if len(self.inbox) >= 2:
                length, at = self.inbox[1] & 0x7F, 2
                assert not self.inbox[1] & 0x80, "a server masks nothing"
                extra = {126: 2, 127: 8}.get(length, 0)
                if len(self.inbox) >= at + extra:
                    if extra:
                        length = int.from_bytes(self.inbox[at:at + extra], "big")
                    at += extra
                    if len(self.inbox) >= at + length:
                        opcode, is_last = self.inbox[0] & 0x0F, self.inbox[0] & 0x80
                        payload = bytes(self.inbox[at:at + length])
                        del self.inbox[:at + length]
                        return opcode, is_last, payload
            self._receive(deadline)

    def message(self, timeout=10.0):
        """(opcode, payload) of the next message; pings are answered."""
        deadline = time.monotonic() + timeout
        whole, kind = b"", None
        while True:
            opcode, is_last, payload = self._frame(deadline)
            if opcode == PING:
                if self.answers_pings:
                    self.send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else None
                raise Closed(code, payload[2:].decode())
            elif opcode != PONG:
                kind = kind or opcode
                whole += payload
                if is_last:
                    return kind, whole

    def send(self, opcode, payload):
        mask = os.urandom(4)
        length = len(payload)
        head = bytes([0x80 | opcode])
        head += (bytes([0x80 | length]) if length < 126 else
                 b"\xfe" + struct.pack("!H", length) if length < 1 << 16 else b"\xff" + struct.pack("!Q", length))
        long_mask = (mask * (length // 4 + 1))[:length]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(long_mask, "big")).to_bytes(length, "big")
        self.sock.sendall(head + mask + masked)

    def say(self, **message):
        self.send(TEXT, json.dumps(message).encode())

    def hear(self, timeout=10.0):
        """The next text message's JSON."""
        while True:
            kind, payload = self.message(timeout)
            if kind == TEXT:
                return json.loads(payload)

    def goodbye(self, code, why=""):
        """Says that it goes."""
        self.send(CLOSE, struct.pack("!H", code) + why.encode())

    def close(self):
        self.sock.close()
