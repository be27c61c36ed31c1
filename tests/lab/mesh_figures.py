"""Figures of meshes with real packets, for bench/mesh.py: `pytest tests/lab/mesh_figures.py -s` prints a line of JSON each."""

import json
import os
import re
import socket
import struct
import time
from glob import glob
from pathlib import Path

import pytest
from mesh import Lan, MeshMember, all_alive, up

from lab import wait

ROUNDS = 3 if os.environ.get("WARREN_QUICK") else 7
SETTLE_S = 60 if os.environ.get("WARREN_QUICK") else 150
IDLE_S = 30 if os.environ.get("WARREN_QUICK") else 60
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
    """Bytes a second that a member among so many sends and hears, how often it wakes up, its share of a processor, and its memory."""
    lan = Lan(lab)
    members = up(lab, lan, size)
    all_alive(members, timeout=120)
    # What is new is passed on for a while, and announcements become seldom.
    time.sleep(SETTLE_S)
    before = [figures(lan, member) for member in members]
    time.sleep(IDLE_S)
    rates = [[(now - was) / IDLE_S for now, was in zip(figures(lan, member), first)] for member, first in zip(members, before)]
    for name, values in zip(("sent", "heard", "wakes", "cpu"), zip(*rates)):
        tell(f"{name}_{size}", values)
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


def figures(lan, member):
    """Since its start: bytes sent and heard, Ethernet and all; wake-ups of its threads; seconds of a processor."""
    port = f"/sys/class/net/{member.host.port}/statistics"
    # What the switch's end receives is what the member sends.
    sent, heard = map(int, lan.switch.run("cat", f"{port}/rx_bytes", f"{port}/tx_bytes").split())
    tasks = [Path(task) for task in glob(f"/proc/{member.process.pid}/task/*")]
    wakes = sum(int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(), re.M)[1]) for task in tasks)
    ticks = sum(sum(map(int, (task / "stat").read_text().rpartition(")")[2].split()[11:13])) for task in tasks)
    return sent, heard, wakes, ticks / os.sysconf("SC_CLK_TCK")


def resident(member):
    """KiB."""
    return int(re.search(r"VmRSS:\s*(\d+)", open(f"/proc/{member.process.pid}/status").read())[1])
