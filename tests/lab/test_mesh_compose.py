"""The compose file as it stands: its environment, capabilities, volume and network, without Docker."""

import re
import subprocess

import pytest
from mesh import Lan, MeshMember, all_alive, up

from lab import daemon, programs, wait

FILE = programs.TREE / "packaging/compose/mesh.yaml"


def setting(text, name):
    """The lines of a list or table below `name:`."""
    found = re.search(rf"^( *){name}:\n((?:\1  .*\n)+)", text, re.MULTILINE)
    assert found, name
    return [line.strip() for line in found[2].splitlines() if not line.strip().startswith("#")]


@pytest.fixture
def compose():
    text = FILE.read_text()
    words = re.search(r"cap_drop: \[(.*)\]\n\s*cap_add: \[(.*)\]", text)
    return {"environment": dict(line.split(": ", 1) for line in setting(text, "environment")), "drop": words[1], "add": words[2],
            "volumes": setting(text, "volumes"), "text": text}


class Container(MeshMember):
    """A member as the compose file starts it: with its environment and capabilities, /data, and a root that cannot be written."""

    def __init__(self, lab, host, compose):
        super().__init__(lab, host, compose["environment"]["MESH_NAME"])
        self.compose = compose
        self.state.mkdir()

    def launch(self, *_options, **_more):
        self.starts += 1
        host = self.host
        script = f"""
mount --make-rprivate /
mkdir -p /run/e2e/mnt
mount --bind {self.state} {self.state}
mount -o remount,ro,bind /
exec setpriv --no-new-privs --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin --ambient-caps=-all \
	-- {programs.warren_cli()} up --foreground --name {self.name} --names off
"""
        env = daemon.environment({"WARREN_STATE": str(self.state), "LOG_LEVEL": "verbose", **self.compose["environment"]})
        with open(self.log, "wb") as log:
            self.process = host.popen("unshare", "--mount", "sh", "-ec", script, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        return self


def test_the_compose_file_asks_for_one_capability(compose):
    assert compose["drop"] == "ALL" and compose["add"] == "NET_ADMIN"
    assert compose["environment"] == {"MESH_NAME": "home", "LISTEN_ADDR": "0.0.0.0:51820"}
    assert "data:/data" in " ".join(compose["volumes"]) and "network_mode: host" in compose["text"]
    assert "no-new-privileges:true" in compose["text"] and "/dev/net/tun" in compose["text"]


def test_the_compose_file_makes_members(lab, compose):
    lan = Lan(lab)
    members = [Container(lab, lan.host(name), compose) for name in ("atlas", "birch")]
    for member in members:
        member.launch()
    for member in members:
        member.wait_running()
    plain = up(lab, lan, 1)
    all_alive([*members, *plain])
    assert members[0].reaches(members[1]) and members[0].status()["port"] == 51820
    wait.until(lambda: _capabilities(members[0]) == 1 << 12, 5, f"CAP_NET_ADMIN alone, not {_capabilities(members[0]):x}")
    members[0].stop()
    members[0].launch().wait_running()
    all_alive([*members, *plain])


def _capabilities(member):
    status = open(f"/proc/{member.process.pid}/status").read()
    return int(re.search(r"^CapPrm:\s*(\w+)", status, re.MULTILINE)[1], 16)


def test_metrics_are_prometheus_text(lab):
    lan = Lan(lab)
    a = MeshMember(lab, lan.host("atlas")).start("--metrics", "127.0.0.1:9587")
    b = MeshMember(lab, lan.host("birch")).start()
    all_alive([a, b])
    text = a.host.run("curl", "-sf", "http://127.0.0.1:9587/metrics")
    checked = subprocess.run([programs.promtool(), "check", "metrics"], input=text, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"^warren_\w+", text, re.MULTILINE)


def test_l2_carries_arp_and_broadcast(lab):
    lan = Lan(lab)
    members = [MeshMember(lab, lan.host(name)).start("--l2") for name in ("atlas", "birch", "cedar")]
    all_alive(members)
    for number, member in enumerate(members, 1):
        l2 = wait.until(lambda member=member: member.own["l2"], 10, lambda: f"layer 2 at {member.name}: {member.said()}", 0.1)
        member.host.ip(f"address add 10.99.0.{number}/24 dev {l2['interface']}")
        link = member.host.ip(f"link show {l2['interface']}")
        assert f"mtu {l2['mtu']}" in link and l2["mtu"] <= 1420 - 70, link
    a, b, c = members
    wait.until(lambda: a.host.ping("10.99.0.2", 1, 56, 1), 20, "ARP and a ping")
    assert a.host.ping("10.99.0.3", 1, 56, 5)
    size = a.own["l2"]["mtu"] - 28
    assert a.host.try_run("ping", "-n", "-c", "1", "-W", "5", "-M", "do", "-s", str(size), "10.99.0.2").returncode == 0, "a full frame"
    answers = a.host.try_run("ping", "-n", "-b", "-c", "2", "-W", "3", "10.99.0.255")
    assert answers.returncode in (0, 1)
    heard = [member.host.socket(2, 2) for member in (b, c)]
    for one in heard:
        one.bind(("", 7070))
        one.settimeout(5)
    sender = a.host.socket(2, 2)
    sender.setsockopt(1, 6, 1)  # SO_BROADCAST
    sender.sendto(b"to all", ("10.99.0.255", 7070))
    assert all(one.recv(64) == b"to all" for one in heard)
    for one in (*heard, sender):
        one.close()


def _give_l2_address(member, number, is_bridged):
    """An address on the Ethernet over the mesh; on a bridge that stretches a LAN over it, too."""
    interface = wait.until(lambda: member.own["l2"], 10, lambda: f"layer 2 at {member.name}: {member.said()}", 0.1)["interface"]
    if is_bridged:
        member.host.ip("link add stretched type bridge")
        member.host.ip(f"link set {interface} master stretched")
        member.host.ip("link set stretched up")
        interface = "stretched"
    member.host.ip(f"address add 10.99.0.{number}/24 dev {interface}")


@pytest.mark.parametrize("is_bridged", [False, True], ids=["plain", "bridged"])
def test_a_tunnel_does_not_go_through_the_layer_2_that_it_carries(lab, is_bridged):
    """Two members that only a third reaches both: the address at the other end of their own Ethernet is no way to each other."""
    lan = Lan(lab)
    hosts = [lan.host(name) for name in ("atlas", "birch", "cedar")]
    for host in hosts:
        # Only the third has an address of its own on it, and so relays.
        host.ip("address add 203.0.113.9/24 dev eth0" if host is hosts[2] else "route add 203.0.113.0/24 dev eth0")
    members = [MeshMember(lab, host).start("--l2") for host in hosts]
    all_alive(members)
    a, b, _c = members
    for number, member in enumerate(members, 1):
        _give_l2_address(member, number, is_bridged)
    wait.until(lambda: a.host.ping("10.99.0.2", 1, 56, 1), 20, "ARP and a ping")
    wait.until(lambda: a.own["relays"] == b.own["relays"] == ["cedar"], 30, lambda: f"relays: {a.own} {b.own}", 0.1)
    lan.isolate(a.host, b.host)
    wait.until(lambda: a.path(b) == b.path(a) == "relayed", 30, lambda: f"relayed: {a.peer(b)} {b.peer(a)}", 0.1)
    # Ten seconds: better ways are looked for several times.
    flow = a.host.try_run("ping", "-n", "-q", "-i", "0.25", "-c", "40", "-W", "5", "10.99.0.2").stdout
    assert " 40 received" in flow, f"{flow}{a.peer(b)}"
    for one, other in ((a, b), (b, a)):
        peer = one.peer(other)
        assert peer["path"] == "relayed" and not peer["endpoint"].startswith("10.99."), peer
        assert peer["tx_bytes"] < 1_000_000, f"it went round: {peer}"
