"""Figures of meshes with real packets, for bench/mesh.py: `pytest tests/lab/mesh_figures.py -s` prints a line of JSON each."""

import json
import os
import re
import socket
import struct
import time

import pytest
from mesh import Lan, MeshMember, all_alive, up

from lab import wait

ROUNDS = 3 if os.environ.get("WARREN_QUICK") else 7
IDLE_S = 20 if os.environ.get("WARREN_QUICK") else 60
SIZES = (2, 10, 50)


def tell(name, values):
    print("\n" + json.dumps({"figure": name, "values": values}), flush=True)


class Pings:
    """ICMPv6 echo requests from a host, again and again, until all have answered."""

    AGAIN = 0.03

    def __init__(self, host, addresses):
        self.waiting = {address: number for number, address in enumerate(addresses)}
        self.socket = host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self.ident = os.getpid() & 0xffff

    def until_all_answered(self, timeout):
        deadline = time.monotonic() + timeout
        while self.waiting and time.monotonic() < deadline:
            for address, number in self.waiting.items():
                try:
                    self.socket.sendto(struct.pack("!BBHHH", 128, 0, 0, self.ident, number), (address, 0))
                except OSError:  # no route yet
                    pass
            self._hear(time.monotonic() + self.AGAIN)
        self.socket.close()
        return not self.waiting

    def _hear(self, until):
        while self.waiting and (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data, (address, *_) = self.socket.recvfrom(256)
            except OSError:
                return
            if data[0] == 129:
                self.waiting.pop(address, None)


def told_address(member):
    """As it says at its start."""
    found = wait.until(lambda: re.search(r"this machine is .* (fd[0-9a-f:]+) on", member.said()) or not member.is_running(), 20, "its address", 0.002)
    return found[1]


def test_start_to_first_ping(lab):
    values = []
    for number in range(ROUNDS):
        lan = Lan(lab)
        a, b = (MeshMember(lab, lan.host(f"{name}{number}")) for name in "ab")
        began = time.monotonic()
        a.launch()
        b.launch()
        assert Pings(a.host, [told_address(b)]).until_all_answered(20)
        values.append(time.monotonic() - began)
        a.stop()
        b.stop()
    tell("first_ping", values)


@pytest.mark.limit(900)
@pytest.mark.parametrize("size", SIZES)
def test_idle(lab, size):
    """Bytes of both directions a second, and resident memory, of a member among so many."""
    lan = Lan(lab)
    members = up(lab, lan, size)
    all_alive(members, timeout=120)
    # What is new is passed on for a while.
    wait.until(lambda: quiet(lan, members), 120, "the mesh to become quiet")
    before = [passed(lan, member) for member in members]
    time.sleep(IDLE_S)
    rates = [(passed(lan, member) - was) / IDLE_S for member, was in zip(members, before)]
    tell(f"bytes_{size}", rates)
    tell(f"memory_{size}", [resident(member) / 1024 for member in members])
    if size == max(SIZES):
        tell("joins", [join(lab, lan, members, number) for number in range(ROUNDS)])


def join(lab, lan, members, number):
    """Seconds from the start of one more to an answer from each of the others; then it is gone again."""
    others = members[:49]
    addresses = [member.address for member in others]
    last = MeshMember(lab, lan.host(f"last{number}"))
    began = time.monotonic()
    last.launch()
    pings = Pings(last.host, addresses)
    assert pings.until_all_answered(60), f"{len(pings.waiting)} did not answer: {last.said()[-2000:]}"
    took = time.monotonic() - began
    last.stop()
    return took


def quiet(lan, members):
    before = passed(lan, members[0])
    time.sleep(3)
    return (passed(lan, members[0]) - before) / 3 < 4000


def passed(lan, member):
    text = lan.switch.run("cat", *(f"/sys/class/net/{member.host.port}/statistics/{way}_bytes" for way in ("rx", "tx")))
    return sum(map(int, text.split()))


def resident(member):
    """KiB."""
    return int(re.search(r"VmRSS:\s*(\d+)", open(f"/proc/{member.process.pid}/status").read())[1])
