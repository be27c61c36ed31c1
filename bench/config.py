"""Keys, and configuration files as `wg setconf` reads them."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from . import tools


@dataclass(frozen=True)
class Key:
    private: str
    public: str


@dataclass(frozen=True)
class Peer:
    public: str
    allowed_ips: str
    endpoint: str | None = None


def new_key() -> Key:
    private = tools.output_of(["wg", "genkey"]).strip()
    return Key(private, tools.output_of(["wg", "pubkey"], stdin=private).strip())


def as_hex(key: str) -> str:
    """A key as our own tools take it, from its base64 form."""
    return base64.b64decode(key).hex()


def strangers(count: int) -> list[Peer]:
    """Peers that never speak, so any 32 bytes serve as their key; the same ones each time."""
    return [Peer(base64.b64encode(hashlib.blake2s(b"stranger %d" % i).digest()).decode(),
                 f"10.{100 + i // 65536}.{i // 256 % 256}.{i % 256}/32") for i in range(count)]


def text(key: Key, port: int, peers: Iterable[Peer]) -> str:
    lines = ["[Interface]", f"PrivateKey = {key.private}", f"ListenPort = {port}"]
    for peer in peers:
        lines += ["", "[Peer]", f"PublicKey = {peer.public}", f"AllowedIPs = {peer.allowed_ips}"]
        if peer.endpoint:
            lines.append(f"Endpoint = {peer.endpoint}")
    return "\n".join(lines) + "\n"
