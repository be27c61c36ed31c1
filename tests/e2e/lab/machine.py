"""A machine that has nothing but stock WireGuard, and the text that the API answered when it was added."""

import os
import re
import socket
import subprocess

from . import programs, sandbox, tunnel, wait

SECTION = re.compile(r"^\[(\w+)\]$")
FIELD = re.compile(r"^(\w+) *= (.*)$")


def fields_of(text):
    """{"Interface": {...}, "Peer": {...}} of a wg-quick text."""
    found, section = {}, None
    for line in text.splitlines():
        if match := SECTION.match(line):
            assert match[1] not in found, f"a second [{match[1]}] in {text}"
            section = found[match[1]] = {}
        elif match := FIELD.match(line):
            assert match[1] not in section, f"a second {match[1]} in {text}"
            section[match[1]] = match[2].strip()
        else:
            assert not line or line.startswith("#"), f"no line of wg-quick: {line!r}"
    return found


def for_wg(text, private=None):
    """What `wg setconf` takes of a wg-quick text."""
    lines = [line for line in text.splitlines() if not re.match(r"(Address|MTU|DNS) *=", line)]
    if private:
        lines = [f"PrivateKey = {private}" if line.startswith("PrivateKey") else line for line in lines]
    return "\n".join(lines) + "\n"


class Machine:
    """`made` is what the API answered; `host` is where it lives; its interface is wg0, made by wg-quick."""

    def __init__(self, host, made, kind="warren", config=None):
        self.host, self.made, self.kind = host, made, kind
        self.config = config or made["config"]
        self.fields = fields_of(self.config)
        self.private = self.fields["Interface"].get("PrivateKey")
        self.hub_key = self.fields["Peer"]["PublicKey"]
        addresses = [address.split("/")[0] for address in self.fields["Interface"]["Address"].split(", ")]
        self.address4 = next((address for address in addresses if ":" not in address), None)
        self.address6 = next((address for address in addresses if ":" in address), None)
        self.folder = sandbox.scratch(f"machine-{host.name}")
        self.file = self.folder / "wg0.conf"

    def __str__(self):
        return f"{self.name} ({'wireguard-go' if self.kind == 'go' else 'warren wg'})"

    @property
    def name(self):
        return self.made["label"]

    def address(self, family=4):
        return self.address6 if family == 6 else self.address4

    def up(self):
        """wg-quick up, with the text as it is."""
        program = programs.wireguard_go()
        if self.kind != "go":
            program = self.folder / "warren-wg"
            if not program.exists():
                os.symlink(programs.warren(), program)
        self.file.touch(mode=0o600)
        self.file.write_text(self.config)
        env = {"WG_QUICK_USERSPACE_IMPLEMENTATION": str(program), "WARREN_WORKERS": "1", "LOG_LEVEL": "error"}
        # To a file: wireguard-go keeps what it was started with open.
        said = self.folder / "said"
        with open(said, "wb") as out:
            status = self.host.popen("wg-quick", "up", self.file, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out).wait(30)
        assert status == 0, f"wg-quick up on {self.host.name}: {said.read_text()}"
        return self

    def down(self):
        if "wg0" in self.host.links():
            self.host.ip("link delete wg0")
            wait.until(lambda: "wg0" not in self.host.links(), 10, "the end of wg0")

    def set_config(self, config):
        """The running interface gets another text, as `wg syncconf` does it."""
        self.config, self.fields = config, fields_of(config)
        self.host.run("wg", "syncconf", "wg0", "/dev/stdin", input=for_wg(config))

    def wg(self, *args):
        return self.host.run("wg", *" ".join(map(str, args)).split())

    def peer(self):
        """The hub, as this machine's WireGuard knows it."""
        (row,) = self.host.run("wg", "show", "wg0", "dump").splitlines()[1:]
        public, psk, endpoint, allowed, handshake, rx, tx, keepalive = row.split("\t")
        return tunnel.Peer(public, psk, endpoint, allowed, int(handshake), int(rx), int(tx), keepalive)

    def ping(self, address, count=3, size=56, timeout=3.0):
        """Which of `count` echo requests were answered."""
        return self.host.ping(address, count, size, timeout)

    def reach(self, other, family=4, timeout=20.0):
        """Pings until the first answer: handshakes are made on the way."""
        wait.until(lambda: self.ping(other.address(family), 1, timeout=0.5), timeout,
                   f"an answer of {other.name} ({other.address(family)}) to {self.name}")

    def udp(self, family=4, port=0):
        """A UDP socket on its address inside."""
        sock = self.host.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((self.address(family), port))
        sock.settimeout(5)
        return sock


def public_of(private):
    return subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()
