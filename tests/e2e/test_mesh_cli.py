"""`warren up` and its kin: what is refused, each in one line that says what to do, and with the state as it was."""

import base64
import hashlib
import json
import os
import re
import socket
import stat
import subprocess

import pytest

from lab import host as hosts, programs, wait

SECRET = "correct horse battery staple"
PREFIX = "wri_"


# Of the member's own record, which it signs anew when somebody doubts that it lives.
CLOCK = re.compile(rb'\n *"clock": \d+,')


class Machine:
    """A host with a state folder; `warren ...` on it."""

    def __init__(self, lab, name, folder):
        self.host = lab.host(name)
        self.name = name
        self.state = folder / name
        self.env = {"WARREN_STATE": str(self.state), "HOME": str(folder), "LOG_LEVEL": "", "WARREN_NAMES": "off"}

    def cli(self, *argv, before=(), input="", **env):
        return self.host.try_run(*before, programs.warren_cli(), *argv, input=input, env={**self.env, **env})

    def well(self, *argv, **options):
        done = self.cli(*argv, **options)
        assert done.returncode == 0, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def kept(self):
        """All that is in the state folder, but for what a running daemon writes there of its own accord."""
        return {str(path.relative_to(self.state)): (stat.S_IMODE(path.stat().st_mode), CLOCK.sub(b"", path.read_bytes()))
                for path in sorted(self.state.rglob("*")) if path.is_file() and path.name not in ("lock", "items")}

    def refused(self, *argv, status=1, **options):
        """What is said; nothing has changed, on the disk or on the host."""
        before, links = self.kept(), self.host.links()
        done = self.cli(*argv, **options)
        assert done.returncode == status, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
        assert done.stderr.startswith(f"warren {argv[0]}") and done.stderr.count("\n") == 1, done.stderr
        assert self.kept() == before and self.host.links() == links
        return done.stderr

    def file(self, interface="warren0"):
        return self.state / interface / "mesh.json"

    def status(self, *argv):
        return json.loads(self.well("status", "--json", *argv).stdout)


@pytest.fixture
def machine(lab, tmp_path):
    return Machine(lab, "atlas", tmp_path)


@pytest.fixture
def neighbours(lab, tmp_path):
    """Two machines on a LAN."""
    a, b = Machine(lab, "atlas", tmp_path), Machine(lab, "berlin", tmp_path)
    hosts.link(a.host, "v0", b.host, "v0")
    for number, one in enumerate((a, b), 1):
        one.host.ip(f"address add 192.0.2.{number}/24 dev v0")
    return a, b


def with_lan(machine):
    machine.host.ip("link add lan0 type veth peer name lan1")
    for name in ("lan0", "lan1"):
        machine.host.ip(f"link set {name} up")
    machine.host.ip("address add 192.0.2.1/24 dev lan0")
    return machine


# What was typed


@pytest.mark.parametrize("argv, said", [
    (("up",), "say which mesh"),
    (("up", "a b"), "a mesh's name is letters"),
    (("up", "-home"), "option"),
    (("up", "home-"), "a mesh's name is letters"),
    (("up", "x" * 64), "a mesh's name is letters"),
    (("up", "home", "--network", "8.8.0.0/16"), "--network 8.8.0.0/16: a private IPv4 range"),
    (("up", "home", "--network", "10.0.0.0/7"), "--network"),
    (("up", "home", "--network", "10.0.0.0/25"), "--network"),
    (("up", "home", "--network", "fd00::/8"), "--network"),
    (("up", "home", "--listen", "somewhere:51820"), "--listen somewhere:51820"),
    (("up", "home", "--listen", "0.0.0.0:65536"), "--listen"),
    (("up", "home", "--name", "Not A Label"), "--name Not A Label"),
    (("up", "home", "--metrics", "9100"), "--metrics 9100"),
    (("up", "home", "--backend", "pigeon"), "--backend must be"),
    (("up", "home", "--advertise", "0.0.0.0/0"), "--advertise"),
    (("up", "home", "-i", "a/b"), "cannot be the name of an interface"),
    (("up", "home", "--founder", "--join", "-"), "no founder"),
    (("up", "home", "--join", "-"), "no invitation came"),
    (("admit",), "say whom, or --close"),
    (("admit", "atlas", "--close"), "say whom, or --close"),
    (("invite", "--uses", "many"), "--uses many"),
    (("invite", "--uses", "1", "--expires", "soon"), "--expires soon"),
    (("invite", "--uses", "1", "--tag", "A B"), "--tag A B"),
])
def test_wrong_words_are_refused(machine, argv, said):
    assert said in machine.refused(*argv, status=2)


def test_wrong_variables_are_refused(machine):
    assert "a mesh's name is" in machine.refused("up", status=2, MESH_NAME="my home")
    assert "--listen here" in machine.refused("up", "home", status=2, LISTEN_ADDR="here")
    assert "too short" in machine.refused("up", "home", MESH_SECRET="short")
    assert "No such file" in machine.refused("up", "home", "--secret-file", "/nonexistent")


def test_verbs_of_a_mesh_need_one(machine):
    for argv in (("down",), ("invite", "--list"), ("admit", "--close"), ("revoke", "atlas")):
        assert "in no mesh yet (warren up MESH)" in machine.refused(*argv)
    assert "not in mesh other" in machine.refused("down", "other")
    assert "no network yet" in machine.refused("status")
    assert "not in mesh home" in machine.refused("policy", "show", "--mesh", "home")


# This host


def test_port_that_was_asked_for_is_taken(machine):
    with_lan(machine)
    with machine.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 51820))
        assert "UDP port 51820 is another program's" in machine.refused("up", "home", LISTEN_ADDR="0.0.0.0:51820")
        machine.well("up", "home")
        assert machine.status()[0]["port"] != 51820
    machine.well("down")


def test_interface_is_taken(machine):
    machine.host.ip("link add warren0 type bridge")
    machine.host.ip("link add other type bridge")
    assert "interface other is taken" in machine.refused("up", "home", "-i", "other")
    machine.well("up", "home")
    assert machine.status()[0]["interface"] == "warren1"
    machine.well("down")
    machine.host.ip("link add warren1 type bridge")
    assert "interface warren1 is there and another program's" in machine.refused("up", "home")


def test_range_that_this_host_reaches_elsewhere(machine):
    with_lan(machine)
    machine.host.ip("route add 10.0.0.0/8 via 192.0.2.77")
    said = machine.refused("up", "home")
    assert "overlaps 10.0.0.0/8, which this host reaches by lan0" in said
    flag = re.search(r"--network (100\.\d+\.0\.0/16)", said)
    machine.well("up", "home", "--network", flag[1])
    assert any(address.startswith("100.") for address in machine.status()[0]["addresses"])
    machine.well("down")


def test_no_tun(machine):
    hidden = ("unshare", "--mount", "sh", "-ec", 'mount -t tmpfs -o ro none /dev/net; exec "$@"', "sh")
    assert "there is no /dev/net/tun" in machine.refused("up", "home", before=hidden)


def test_no_capability(machine):
    without = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
    assert "takes CAP_NET_ADMIN" in machine.refused("up", "home", before=without)


def test_no_lan_is_told_and_no_fault(machine):
    done = machine.well("up", "home")
    assert "this host is on no LAN" in done.stdout
    assert machine.status()[0]["mesh"]["alive"] == 1
    assert "none: nobody is found but by invitation" in machine.well("status").stdout
    machine.well("down")
    assert "no LAN is listened to" in machine.well("up", "home", "--no-lan").stdout


def test_first_process_of_a_container_stays(machine):
    """As packaging/compose/mesh.yaml has it: a name, an address, CAP_NET_ADMIN and nothing else."""
    with_lan(machine)
    alone = ("unshare", "--pid", "--fork", "--kill-child", "setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all")
    env = {**os.environ, **machine.env, "MESH_NAME": "home", "LISTEN_ADDR": "0.0.0.0:51820", "MESH_SECRET": ""}
    with machine.host.popen(*alone, programs.warren_cli(), "up", env=env, stdout=subprocess.PIPE, text=True) as first:
        assert "mesh of warren0 runs" in first.stdout.readline()
        (status,) = machine.status()
        assert (status["mesh"]["name"], status["port"]) == ("home", 51820)
        machine.well("down")
        assert first.wait(20) == 0
    assert "warren0" not in machine.host.links()


# The state


def test_broken_state_is_refused_and_kept(machine):
    machine.well("up", "home")
    machine.well("down")
    good = machine.file().read_bytes()
    for bad in (b"", b"{}", good[:-20], good.replace(b'"seed"', b'"seeds"'), b"\0" * 100):
        machine.file().write_bytes(bad)
        for argv in (("up", "home"), ("up",), ("up", "-i", "warren0")):
            assert "mesh.json is damaged" in machine.refused(*argv)
    machine.file().write_bytes(good)
    machine.file().chmod(0o644)
    assert "chmod 600" in machine.refused("up", "home")
    machine.file().chmod(0o600)
    machine.well("up")
    assert machine.status()[0]["mesh"]["name"] == "home"


def test_broken_founder_file_is_refused_and_kept(machine):
    machine.well("up", "home", "--founder")
    machine.well("down")
    (machine.state / "warren0/founder.json").write_text("{")
    assert "founder.json" in machine.refused("up", "home")


def full(machine, folder):
    """A disk of 64 KiB at `folder` with no room left on it; how to make room."""
    machine.host.run("mount", "-t", "tmpfs", "-o", "size=64k", "full", folder)
    return lambda: machine.host.run("rm", f"{folder}/rest")


def fill(machine, folder):
    machine.host.try_run("dd", "if=/dev/zero", f"of={folder}/rest", "bs=4096", "count=100")


def test_full_disk_at_the_first_start(machine):
    machine.state.mkdir()
    full(machine, machine.state)
    fill(machine, machine.state)
    listed = machine.host.run("ls", "-R", machine.state)
    done = machine.cli("up", "home")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "No space left on device" in done.stderr, done
    assert machine.host.run("ls", "-R", machine.state) == listed
    assert machine.host.links() == ["lo"] or "warren0" not in machine.host.links()


def test_full_disk_at_the_next_start(machine):
    machine.state.mkdir()
    make_room = full(machine, machine.state)
    machine.well("up", "home")
    machine.well("down")
    before = machine.host.run("cat", machine.file())
    fill(machine, machine.state)
    done = machine.cli("up", "home")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "No space left on device" in done.stderr, done
    assert machine.host.run("cat", machine.file()) == before
    make_room()
    machine.well("up", "home")
    machine.well("down")


def test_it_runs_already(machine):
    machine.well("up", "home")
    assert "up already, on warren0" in machine.refused("up", "home")
    assert "up already" in machine.refused("up", "home", "-f")
    assert "is on interface warren0" in machine.refused("up", "home", "-i", "warren7")
    assert "another network's" in machine.refused("up", "office", "-i", "warren0")
    machine.well("down")
    assert "is not up" in machine.refused("down", "home")


def test_options_change_what_is_kept(machine):
    machine.well("up", "home", "--name", "first", "--no-relay", "--listen", ":40000")
    machine.well("down")
    kept = json.loads(machine.file().read_text())
    assert (kept["wanted_name"], kept["no_relay"], kept["port"]) == ("first", True, 40000)
    machine.well("up", "--listen", "0")
    machine.well("down")
    again = json.loads(machine.file().read_text())
    assert again["seed"] == kept["seed"] and again["port"] == 0 and again["wanted_name"] == "first"
    assert again["epoch"] > kept["epoch"]
    machine.well("up", "--reset", "--name", "second")
    machine.well("down")
    reset = json.loads(machine.file().read_text())
    assert (reset["wanted_name"], reset["no_relay"], reset["seed"]) == ("second", False, kept["seed"])


def test_forgetting_is_asked_for(machine):
    machine.well("up", "home", "--founder")
    assert "--forget takes --yes" in machine.refused("down", "--forget", status=2)
    assert machine.status()[0]["mesh"]["is_founder"]
    machine.well("down", "home", "--forget", "--yes")
    assert list(machine.state.iterdir()) == []


# Who one is


def test_open_mesh_is_told_each_time(machine):
    for _ in range(2):
        assert "mesh home is OPEN" in machine.well("up", "home").stderr
        assert "admission open" in machine.well("status").stdout
        machine.well("down")
    machine.well("down", "--forget", "-y")
    assert "OPEN" not in machine.well("up", "home", MESH_SECRET=SECRET).stderr
    assert machine.status()[0]["mesh"]["admission"] == "secret"


def test_other_secret_is_refused(machine):
    machine.well("up", "home", MESH_SECRET=SECRET)
    machine.well("down")
    assert "another secret" in machine.refused("up", "home", MESH_SECRET="something else")
    assert SECRET.encode() not in machine.file().read_bytes()
    machine.well("up", "home", MESH_SECRET=SECRET)
    machine.well("down")
    machine.well("up", "home")
    assert machine.status()[0]["mesh"]["admission"] == "secret"


def test_founder_comes_once(machine):
    machine.well("up", "home")
    machine.well("down")
    assert "admit --close" in machine.refused("up", "home", "--founder")


# Invitations


def raw(invitation):
    text = invitation.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cooked(raw_bytes):
    """With the checksum that belongs to it."""
    body = raw_bytes[:-4]
    return PREFIX + base64.urlsafe_b64encode(body + hashlib.blake2s(body).digest()[:4]).decode().rstrip("=")


def test_damaged_invitations_are_refused(neighbours):
    a, b = neighbours
    a.well("up", "home", MESH_SECRET=SECRET)
    good = a.well("invite").stdout.strip()
    assert cooked(raw(good)) == good
    for bad in ("hello", PREFIX, PREFIX + "AAAA", good[:-1], good[:-6] + "AAAAAA", good[:20] + good[24:], "wrj_" + good[4:]):
        said = b.refused("up", "--join", bad)
        assert bad not in said and good not in said
    expired = bytearray(raw(good))
    at = 3 + expired[2] + 32
    assert int.from_bytes(expired[at:at + 8], "big") > 0
    expired[at:at + 8] = (1_000_000_000).to_bytes(8, "big")
    assert "is over since" in b.refused("up", "--join", cooked(bytes(expired)))
    assert "to mesh home, not to office" in b.refused("up", "office", "--join", good)
    assert "another secret" in b.refused("up", "--join", good, MESH_SECRET="something else")
    b.well("up", "--join", "-", input=good + "\n")
    b.well("down")
    # Where it was used already, as in a container that is started again.
    b.well("up", WARREN_JOIN=cooked(bytes(expired)))


def test_invitation_of_another_mesh_or_founder_is_refused(neighbours):
    a, b = neighbours
    a.well("up", "home", "--founder")
    first = a.well("invite").stdout.strip()
    a.well("down", "--forget", "--yes")
    a.well("up", "home", "--founder")
    second = a.well("invite").stdout.strip()
    b.well("up", "--join", first)
    b.well("down")
    assert "of another founder" in b.refused("up", "--join", second)
    a.well("down", "--forget", "--yes")
    a.well("up", "home", MESH_SECRET=SECRET)
    assert "another mesh home" in b.refused("up", "--join", a.well("invite").stdout.strip())


def test_policy_is_the_founders(machine):
    machine.well("up", "home", "--founder", "-n", "atlas")
    machine.well("policy", "allow", *"atlas to tag:web tcp 80".split())
    assert machine.well("policy", "show").stdout == "allow atlas -> tag:web tcp 80\n"
    assert "refused: line 1" in machine.refused("policy", "set", "-", input="allow\n")


def test_policy_verbs_judge_on_this_side(neighbours):
    a, b = neighbours
    a.well("up", "home", "--founder", "-n", "atlas")
    b.well("up", "--join", a.well("invite", "--name", "berlin", "--tag", "web").stdout.strip())
    wait.until(lambda: [peer["tags"] for peer in a.status()[0]["peers"]] == [["web"]], 20, "berlin, with its tag")
    wait.until(lambda: "allowed by the default" in a.cli("policy", "why", "atlas", "berlin").stdout, 20, "berlin's name")
    a.well("policy", "allow", *"atlas to tag:web tcp 80".split())
    a.well("policy", "deny", "--first", *"berlin to *".split())
    wait.until(lambda: b.status()[0]["mesh"]["policy_version"] == a.status()[0]["mesh"]["policy_version"], 20, "the policy")
    assert a.well("policy", "why", *"atlas to berlin tcp 80".split()).stdout == "allowed by line 2: allow atlas -> tag:web tcp 80\n"
    assert b.well("policy", "why", "berlin", "atlas").stdout == "denied by line 1: deny berlin -> *\n"
    assert "no member of mesh home" in a.refused("policy", "why", "atlas", "nobody")
    assert "founder" in b.refused("policy", "allow", *"* to *".split())
    good = "allow atlas -> tag:web tcp 22\ntest atlas -> berlin tcp 22 allow\n"
    assert a.well("policy", "check", "-", input=good).stdout == "no faults\n"
    done = a.cli("policy", "check", "-", input=good.replace("allow\n", "deny\n"))
    assert done.returncode == 1 and "input:2:" in done.stdout, done
    assert "no earlier one" in a.refused("policy", "history")


def test_policy_why_of_an_open_mesh_takes_the_names_that_people_see(neighbours):
    """Rules do not know them: no certificate has them."""
    a, b = neighbours
    a.well("up", "home", "-n", "atlas")
    b.well("up", "home", "-n", "berlin")
    wait.until(lambda: [peer["name"] for peer in a.status()[0]["peers"]] == ["berlin"], 20, "berlin's name")
    assert "allowed by the default" in a.well("policy", "why", *"atlas to berlin tcp 22".split()).stdout
    shown = a.well("policy", "show")
    assert shown.stdout == "" and "there is none: all members may reach all" in shown.stderr


def test_closing_is_over_when_it_returns(machine):
    with_lan(machine)
    machine.well("up", "home")
    assert "1 member has a certificate" in machine.well("admit", "--close").stdout
    assert machine.status()[0]["mesh"]["admission"] == "closed"
    machine.well("invite", "--uses", "1")


def test_a_mesh_stays_on_its_interface(machine):
    machine.well("up", "home")
    machine.well("down")
    assert "on interface warren0 of this machine, and stays there" in machine.refused("up", "home", "-i", "other0")


def test_who_waits_is_shown_and_admitted(neighbours):
    a, b = neighbours
    a.well("up", "home", "--founder", "-n", "atlas")
    b.well("up", "home", "-n", "berlin")
    wait.until(lambda: "not admitted" in b.well("status").stdout, 20, "berlin is told")
    wait.until(lambda: any(guest["name"] == "berlin" for guest in a.status()[0]["mesh"]["guests"]), 20, "berlin waits")
    assert "waits to be admitted" in a.well("status").stdout
    assert a.well("admit", "berlin", "--tag", "db").stdout == "berlin is admitted\n"
    wait.until(lambda: "not admitted" not in b.well("status").stdout and b.status()[0]["mesh"]["alive"] == 2, 20, "it is in")
    assert "tags" in b.well("whois", "atlas").stdout
    wait.until(lambda: re.search(r"tags +db\n", a.cli("whois", "berlin").stdout), 20, "berlin is in the map")


def test_invitations_are_listed_and_taken_back(machine):
    with_lan(machine)
    machine.well("up", "home", "--founder", "-n", "atlas")
    machine.well("invite", "--tag", "web", "--uses", "3", "--expires", "7d")
    machine.well("invite", "--uses", "0", "--expires", "never")
    listed = json.loads(machine.well("invite", "--list", "--json").stdout)
    assert [(one["uses_left"], one["tags"]) for one in listed] == [(3, ["web"]), (None, [])]
    assert re.search(r" 3 +in [67] days .* web\n.* any +never ", machine.well("invite", "--list").stdout)
    machine.well("invite", "--revoke", listed[0]["id"])
    machine.well("revoke", listed[1]["id"])
    assert json.loads(machine.well("invite", "--list", "--json").stdout) == []
    assert machine.well("invite", "--list").stdout == ""
