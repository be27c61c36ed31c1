"""Messages that no honest peer sends."""

import base64
import hashlib
import os
import struct


def mac1_key(public):
    """`public` in base64."""
    return hashlib.blake2s(b"mac1----" + base64.b64decode(public)).digest()


def initiation(key):
    """A handshake initiation with a valid mac1 and nothing behind it.  148 bytes."""
    body = struct.pack("<I", 1) + os.urandom(112)
    return body + hashlib.blake2s(body, digest_size=16, key=key).digest() + bytes(16)


def initiation_for_nobody():
    return struct.pack("<I", 1) + os.urandom(144)


def response(index):
    return struct.pack("<III", 2, 1, index) + os.urandom(80)


def cookie_reply(index):
    return struct.pack("<II", 3, index) + os.urandom(56)


def data(index, counter=0, length=64):
    return struct.pack("<IIQ", 4, index, counter) + os.urandom(length)


def index_of(message):
    """Receiver index of a data message."""
    return struct.unpack_from("<I", message, 4)[0]


def with_bit_flipped(message, at):
    changed = bytearray(message)
    changed[at] ^= 0x10
    return bytes(changed)
