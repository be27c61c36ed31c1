#!/usr/bin/python3
"""Makes the known answers of tests/unit/wg/test_handshake.c and test_cookie.c.

An implementation of its own of all that a WireGuard handshake is made of, written from the
WireGuard paper (sections 5.4.2 to 5.4.7), RFC 7748, RFC 8439 and draft-irtf-cfrg-xchacha; of the
primitives, only BLAKE2s is the library's (hashlib).  It shares no code and no library with src/.

usage: handshake.py          prints handshake.h
       handshake.py --check  succeeds if handshake.h beside this script is what would be printed
"""

import hashlib
import hmac
import struct
import sys
from pathlib import Path

# --- X25519: RFC 7748, section 5.

P = 2**255 - 19


def clamp(scalar):
    raw = bytearray(scalar)
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return bytes(raw)


def x25519(scalar, point):
    k = int.from_bytes(clamp(scalar), "little")
    x1 = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public(private):
    return x25519(private, b"\x09" + bytes(31))


# --- ChaCha20-Poly1305: RFC 8439; HChaCha20: the draft, section 2.2.


def rotate(x, n):
    return (x << n | x >> 32 - n) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    s[a] = s[a] + s[b] & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 16)
    s[c] = s[c] + s[d] & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 12)
    s[a] = s[a] + s[b] & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 8)
    s[c] = s[c] + s[d] & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 7)


def rounds(state):
    s = list(state)
    for _ in range(10):
        for columns in (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15):
            quarter(s, *columns)
        for diagonal in (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14):
            quarter(s, *diagonal)
    return s


def chacha_state(key, last_four_words):
    return [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *last_four_words]


def chacha_block(key, counter, nonce):
    state = chacha_state(key, [counter, *struct.unpack("<3I", nonce)])
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(state), state)))


def hchacha(key, nonce):
    s = rounds(chacha_state(key, struct.unpack("<4I", nonce)))
    return struct.pack("<8I", *s[:4], *s[12:])


def chacha(key, nonce, text):
    blocks = (len(text) + 63) // 64
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range(blocks))
    return bytes(a ^ b for a, b in zip(text, stream))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        block = message[i : i + 16] + b"\x01"
        total = (total + int.from_bytes(block, "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded(data):
    return data + bytes(-len(data) % 16)


def aead(key, nonce, plain, additional):
    sealed = chacha(key, nonce, plain)
    lengths = struct.pack("<QQ", len(additional), len(sealed))
    one_time_key = chacha_block(key, 0, nonce)[:32]
    return sealed + poly1305(one_time_key, padded(additional) + padded(sealed) + lengths)


def xaead(key, nonce, plain, additional):
    return aead(hchacha(key, nonce[:16]), bytes(4) + nonce[16:], plain, additional)


# --- What the paper builds from them: section 5.4.


def hash_of(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def mac_of(key, message):
    return hashlib.blake2s(message, key=key, digest_size=16).digest()


def kdf(count, key, message):
    secret = hmac.new(key, message, hashlib.blake2s).digest()
    outputs, last = [], b""
    for i in range(count):
        last = hmac.new(secret, last + bytes([i + 1]), hashlib.blake2s).digest()
        outputs.append(last)
    return outputs


CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


class Transcript:
    def __init__(self, responder_public):
        self.c = hash_of(CONSTRUCTION)
        self.h = hash_of(hash_of(self.c, IDENTIFIER), responder_public)

    def mix_hash(self, data):
        self.h = hash_of(self.h, data)

    def ephemeral(self, key):
        self.mix_hash(key)
        (self.c,) = kdf(1, self.c, key)

    def key(self, shared):
        self.c, key = kdf(2, self.c, shared)
        return key

    def seal(self, key, plain):
        sealed = aead(key, bytes(12), plain, self.h)
        self.mix_hash(sealed)
        return sealed


def with_macs(message, receiver_public, cookie=None):
    message += mac_of(hash_of(b"mac1----", receiver_public), message)
    return message + (mac_of(cookie, message) if cookie else bytes(16))


def initiation(t, sender, ephemeral, static, responder_public, timestamp, cookie):
    message = struct.pack("<II", 1, sender)
    t.ephemeral(public(ephemeral))
    message += public(ephemeral)
    message += t.seal(t.key(x25519(ephemeral, responder_public)), public(static))
    message += t.seal(t.key(x25519(static, responder_public)), timestamp)
    return with_macs(message, responder_public, cookie)


def response(t, sender, receiver, ephemeral, initiator_ephemeral, initiator_public, psk):
    message = struct.pack("<III", 2, sender, receiver)
    t.ephemeral(public(ephemeral))
    message += public(ephemeral)
    t.key(x25519(ephemeral, initiator_ephemeral))
    t.key(x25519(ephemeral, initiator_public))
    t.c, temporary, key = kdf(3, t.c, psk)
    t.mix_hash(temporary)
    message += t.seal(key, b"")
    return with_macs(message, initiator_public)


def tai64n(seconds, nanoseconds):
    return struct.pack(">QI", 2**62 + 10 + seconds, nanoseconds // 2**24 * 2**24)


# --- The cases.


def secret(name):
    return hash_of(b"warren test ", name.encode())


def run(name, psk, cookie):
    i_static, r_static = clamp(secret("initiator static")), clamp(secret("responder static"))
    i_ephemeral, r_ephemeral = secret("initiator ephemeral"), secret("responder ephemeral")
    t = Transcript(public(r_static))
    first = initiation(
        t, 0x01020304, i_ephemeral, i_static, public(r_static), tai64n(1700000000, 123456789), cookie
    )
    second = response(t, 0xA1B2C3D4, 0x01020304, r_ephemeral, public(i_ephemeral), public(i_static), psk)
    send, receive = kdf(2, t.c, b"")
    return {
        "name": name, "psk": psk, "cookie": cookie or b"", "initiation": first, "response": second,
        "initiator_send": send, "initiator_receive": receive,
    }


def cookie_case(name, address, port):
    own_public, mac1, nonce = public(clamp(secret("responder static"))), secret("mac1")[:16], secret("nonce")[:24]
    cookie = mac_of(secret("cookie secret"), address + struct.pack(">H", port))
    sealed = xaead(hash_of(b"cookie--", own_public), nonce, cookie, mac1)
    return {
        "name": name, "address": address, "port": port, "mac1": mac1, "nonce": nonce,
        "reply": struct.pack("<II", 3, 0x05060708) + nonce + sealed, "cookie": cookie,
    }


def self_test():
    """The primitives against their own documents."""
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert x25519(scalar, point).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    key = bytes(range(0x80, 0xA0))
    nonce = bytes.fromhex("070000004041424344454647")
    plain = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
             b"future, sunscreen would be it.")
    additional = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    assert aead(key, nonce, plain, additional)[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    xnonce = bytes(range(0x40, 0x58))
    assert xaead(key, xnonce, plain, additional)[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


def text(value):
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    digits = value.hex()
    lines = [digits[i : i + 80] for i in range(0, len(digits), 80)] or [""]
    return "\n\t\t\t".join(f'"{line}"' for line in lines)


def table(kind, name, rows):
    body = "".join(
        "\t{\n" + "".join(f"\t\t.{key} = {text(value)},\n" for key, value in row.items()) + "\t},\n" for row in rows
    )
    return f"static const struct {kind} {name}[] = {{\n{body}}};\n"


def header():
    runs = [
        run("without a preshared key", bytes(32), None),
        run("with a preshared key", secret("preshared"), None),
        run("with a cookie", secret("preshared"), secret("cookie")[:16]),
    ]
    cookies = [
        cookie_case("IPv4", bytes([192, 0, 2, 7]), 51820),
        cookie_case("IPv6", bytes.fromhex("20010db8000000000000000000000007"), 258),
    ]
    secrets = {
        "initiator_static": clamp(secret("initiator static")), "responder_static": clamp(secret("responder static")),
        "initiator_public": public(secret("initiator static")), "responder_public": public(secret("responder static")),
        "initiator_ephemeral": secret("initiator ephemeral"), "responder_ephemeral": secret("responder ephemeral"),
        "cookie_secret": secret("cookie secret"), "timestamp": tai64n(1700000000, 123456789),
        "initial_chaining_key": hash_of(CONSTRUCTION), "initial_hash": hash_of(hash_of(CONSTRUCTION), IDENTIFIER),
    }
    lines = "".join(f'#define VECTOR_{name.upper()} \\\n\t"{value.hex()}"\n' for name, value in secrets.items())
    return (
        "/* Known answers in hexadecimal; made by handshake.py, do not edit. */\n/* clang-format off */\n#pragma once\n\n" + lines
        + "\n/* Sender indices 0x01020304 and 0xa1b2c3d4. */\nstruct handshake_vector {\n"
        "\tconst char *name, *psk, *cookie, *initiation, *response, *initiator_send, *initiator_receive;\n};\n\n"
        + table("handshake_vector", "handshake_vectors", runs)
        + "\n/* Sender index 0x05060708. */\nstruct cookie_vector {\n"
        "\tconst char *name, *address;\n\tunsigned port;\n\tconst char *mac1, *nonce, *reply, *cookie;\n};\n\n"
        + table("cookie_vector", "cookie_vectors", cookies)
    )


def main():
    self_test()
    if sys.argv[1:] == ["--check"]:
        sys.exit(Path(__file__).with_suffix(".h").read_text() != header())
    print(header(), end="")


if __name__ == "__main__":
    main()
