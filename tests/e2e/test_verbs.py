"""The verbs that use a server, from the command line, as people and scripts use them."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import termios
import time
from pathlib import Path

import pytest

from lab import programs, sandbox, wait
from lab.served import Served

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def served(lab):
    return Served(lab)


def well(served, *argv, **options):
    """Runs `warren ARGV...`, which must do it; what it printed."""
    done = served.server.cli(*argv, **options)
    assert done.returncode == 0, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def listed(served, *argv, **options):
    return json.loads(well(served, *argv, "--json", **options))


def refused(served, *argv, status=1, **options):
    """Runs `warren ARGV...`, which must be refused in one line; that line."""
    done = served.server.cli(*argv, **options)
    assert done.returncode == status, f"{argv}: {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stderr.startswith("warren ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# Machines


def test_machine_add_prints_the_configuration_and_nothing_else(served):
    well(served, "org", "create", "Acme Networks")
    done = served.server.cli("machine", "add", "branch-mumbai")
    assert done.returncode == 0 and done.stderr == ""
    key = "[A-Za-z0-9+/]{43}="
    assert re.fullmatch(
        '# WireGuard config for machine "branch-mumbai"\n'
        r"\[Interface\]" "\n"
        f"PrivateKey          = {key}\n"
        r"Address             = 10\.100\.0\.2/16, fd[0-9a-f:]+::2/64" "\n"
        "MTU                 = 1420\n\n"
        r"\[Peer\]" "\n"
        '# Warren hub for "Acme Networks"\n'
        f"PublicKey           = {key}\n"
        r"Endpoint            = 192\.0\.2\.1:51820" "\n"
        r"AllowedIPs          = 10\.100\.0\.0/16, fd[0-9a-f:]+::/64" "\n"
        "PersistentKeepalive = 25\n", done.stdout), done.stdout


def test_machine_qr_code_holds_the_configuration(served):
    well(served, "org", "create", "Acme")
    path = served.server.folder / "phone.conf"
    drawn = well(served, "machine", "add", "phone", "--qr", "--output", str(path))
    rows = []
    for line in drawn.splitlines():
        rows.append([c in " ▄" for c in line])
        rows.append([c in " ▀" for c in line])
    picture = served.server.folder / "phone.pbm"
    scale = 4
    wide = ["".join("01"[dark] * scale for dark in row) for row in rows]
    picture.write_text(f"P1 {len(wide[0])} {len(wide) * scale}\n" + "\n".join(row for row in wide for _ in range(scale)))
    read = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sbinary", str(picture)], capture_output=True, check=False)
    assert read.stdout.decode() == path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_machine_add_never_writes_over_a_file_and_leaves_none_behind(served):
    well(served, "org", "create", "Acme")
    path = served.server.folder / "kept"
    path.write_text("kept")
    refused(served, "machine", "add", "one", "--output", str(path))
    assert path.read_text() == "kept" and listed(served, "machine", "list") == []
    other = served.server.folder / "none"
    refused(served, "machine", "add", "one", "--address", "192.0.2.77", "--output", str(other))
    assert not other.exists()


def test_machine_verbs_change_what_they_say(served):
    well(served, "org", "create", "Acme")
    public = well(served, "machine", "add", "own", "--public-key", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=")
    assert not re.search("PrivateKey +=[ ]*[A-Za-z0-9+/]{43}=", public)
    well(served, "machine", "add", "Büro Köln", "-t", "web", "--tag=db", "--address", "10.100.0.50", "--route", "192.168.7.0/24",
         "--expires", "12h", "--preshared-key")
    (machine,) = [one for one in listed(served, "machine", "list") if one["name"] == "Büro Köln"]
    assert machine["address4"] == "10.100.0.50" and machine["tags"] == ["db", "web"] and machine["routes"] == ["192.168.7.0/24"]
    assert machine["expires"]
    name = machine["label"]
    well(served, "machine", "rename", name, "office")
    well(served, "machine", "tag", "office", "new", "--remove", "db")
    well(served, "machine", "route", "office", "192.168.8.0/24", "--remove", "192.168.7.0/24")
    well(served, "machine", "expire", "office", "never")
    well(served, "machine", "disable", "office")
    shown = listed(served, "machine", "show", "office")
    assert shown["name"] == "office" and shown["tags"] == ["new", "web"] and shown["routes"] == ["192.168.8.0/24"]
    assert shown["expires"] is None and shown["is_disabled"]
    assert [one["label"] for one in listed(served, "machine", "list", "--state", "disabled")] == ["office"]
    assert [one["label"] for one in listed(served, "machine", "list", "--tag", "web")] == ["office"]
    well(served, "machine", "enable", "office")
    before = listed(served, "machine", "show", "office")["public_key"]
    assert "PrivateKey" in well(served, "machine", "rotate", "office")
    after = listed(served, "machine", "show", "office")
    assert after["public_key"] != before and not after["is_disabled"]
    well(served, "machine", "remove", "office", "own")
    assert listed(served, "machine", "list") == []
    assert "machine" in refused(served, "machine", "show", "office")


# Which organisation, which server


def test_organisation_is_found_or_asked_for(served):
    assert "warren org create" in refused(served, "machine", "list")
    well(served, "org", "create", "One")
    well(served, "machine", "add", "a")
    well(served, "org", "create", "Two", "--network", "10.9.0.0/16", "--quota", "5")
    said = refused(served, "machine", "list")
    assert "--org" in said and "one" in said and "two" in said
    assert [one["label"] for one in listed(served, "machine", "list", "--org", "one")] == ["a"]
    assert listed(served, "machine", "list", env={"WARREN_ORG": "two"}) == []
    assert listed(served, "org", "show", "two")["machine_quota"] == 5
    assert listed(served, "org", "change", "two", "--name", "Three", "--disable")["is_disabled"]
    assert "--yes" in refused(served, "org", "delete", "two")
    second = next(one for one in listed(served, "org", "list") if one["name"] == "Three")
    well(served, "org", "delete", second["uid"], "--yes")
    assert [one["name"] for one in listed(served, "org", "list")] == ["One"]


def test_server_that_is_not_there_is_told_of(served):
    served.server.stop()
    assert "warren serve" in refused(served, "org", "list")
    assert "warren serve" in refused(served, "org", "list", "--socket", "/nonexistent/warren.sock")


# The policy


def test_policy_verbs(served):
    well(served, "org", "create", "Acme")
    for name in ("a", "b"):
        well(served, "machine", "add", name)
    assert "default allow" in well(served, "policy", "show")
    well(served, "policy", "set", "-", "-m", "closed", input="# mine\ndefault deny\n")
    well(served, "policy", "allow", "a", "->", "b", "tcp", "22,80-90")
    assert well(served, "policy", "show") == "# mine\nallow a -> b tcp 22,80-90\ndefault deny\n"
    assert "allowed by line 2" in well(served, "policy", "why", "a", "b", "tcp", "85")
    assert well(served, "policy", "why", "a", "to", "b", "udp", "85").startswith("denied")
    well(served, "policy", "deny", "a -> b tcp 22,80-90")
    assert well(served, "policy", "show") == "# mine\ndeny a -> b tcp 22,80-90\ndefault deny\n"
    well(served, "policy", "allow", "--first", "b", "to", "a")
    assert well(served, "policy", "show").splitlines()[1] == "allow b -> a"
    assert "allow b -> a" in well(served, "policy", "diff")
    history = listed(served, "policy", "history")
    assert [one["version"] for one in history] == list(range(len(history), 0, -1))
    assert "closed" in [one["comment"] for one in history]
    well(served, "policy", "revert", "1")
    assert "default allow" in well(served, "policy", "show")
    assert well(served, "policy", "show", "--version", "2") == "# mine\ndefault deny\n"


def test_policy_with_faults_is_refused_by_line(served):
    well(served, "org", "create", "Acme")
    path = served.server.folder / "acme.policy"
    path.write_text("default deny\n\nallow nobody -> *\n")
    before = well(served, "policy", "show")
    assert "line 3" in refused(served, "policy", "set", str(path))
    done = served.server.cli("policy", "check", str(path))
    assert done.returncode == 1 and done.stdout.startswith(f"{path}:3: ")
    assert "line" in refused(served, "policy", "allow", "nobody", "to", "*")
    assert well(served, "policy", "show") == before
    path.write_text("default deny\n")
    well(served, "policy", "check", str(path))
    assert refused(served, "policy", "set", str(path), "--base", "77")


def test_policy_edit_keeps_what_is_refused(served):
    well(served, "org", "create", "Acme")
    env = {"TMPDIR": str(served.server.folder), "VISUAL": ""}
    well(served, "policy", "edit", env={**env, "EDITOR": "sed -i s/allow/deny/"})
    assert "default deny" in well(served, "policy", "show")
    done = served.server.cli("policy", "edit", env={**env, "EDITOR": "sed -i s/default/nonsense/"})
    assert done.returncode == 1
    kept = Path(re.search(r"(/\S+\.policy)", done.stderr)[1])
    assert "nonsense" in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600
    assert "default deny" in well(served, "policy", "show")
    done = served.server.cli("policy", "edit", env={**env, "EDITOR": "true"})
    assert done.returncode == 0 and "nothing was changed" in done.stderr


# People and programs


def test_people_roles_invitations_and_tokens(served):
    well(served, "org", "create", "Acme")
    assert re.search(r"^password +\S{8,}$", well(served, "user", "add", "bob"), re.MULTILINE)
    well(served, "user", "add", "eve", "--name", "Eve E", "--admin", "--password-stdin", input=f"{PASSPHRASE}\n")
    assert {one["login"] for one in listed(served, "user", "list")} >= {"bob", "eve"}
    well(served, "user", "password", "bob", input=f"{PASSPHRASE} 2\n")
    assert served.browser("bob", f"{PASSPHRASE} 2")
    assert "standard input" in refused(served, "user", "password", "bob", input="")
    well(served, "member", "set", "bob", "operator")
    assert "bob" in well(served, "member", "list")
    assert [one["role"] for one in listed(served, "member", "list")] == ["operator"]
    well(served, "member", "remove", "bob")
    assert listed(served, "member", "list") == []
    assert well(served, "invite-user", "create", "--role", "viewer").startswith("warren_i_")
    (invite,) = listed(served, "invite-user", "list")
    well(served, "invite-user", "revoke", invite["uid"])
    assert listed(served, "invite-user", "list") == []
    well(served, "user", "change", "bob", "--disable")
    assert [one["is_disabled"] for one in listed(served, "user", "list") if one["login"] == "bob"] == [True]
    well(served, "user", "remove", "bob")
    assert "bob" not in {one["login"] for one in listed(served, "user", "list")}
    assert {"user.add", "user.remove", "member.set"} & {one["operation"] for one in listed(served, "audit", "--all", "-n", "50")}
    assert len(listed(served, "audit", "--all", "-n", "2")) == 2


def https_environment(served, folder):
    """No way to the server but over HTTPS."""
    return {"WARREN_SOCKET": "", "WARREN_DATA": "/nonexistent", "XDG_CONFIG_HOME": str(folder), "WARREN_TOKEN": "", "WARREN_URL": ""}


def pin_told(served):
    return re.search(r"--pin (\S+)", served.server.said())[1]


def test_login_keeps_a_token_and_logout_ends_it(served, tmp_path):
    env = https_environment(served, tmp_path)
    url = f"https://{served.server.address}:8443"
    well(served, "org", "create", "Acme")
    assert pin_told(served) in refused(served, "login", url, "--login", "admin", env=env, input="x\n")
    refused(served, "login", url, "--login", "admin", "--pin", pin_told(served), env=env, input="wrong\n")
    refused(served, "login", url, "--login", "admin", "--pin", "A" * 43 + "=", env=env, input=f"{served.server.password}\n")
    assert "clear" in refused(served, "login", f"http://{served.server.address}:8443", env=env, input="")
    well(served, "login", url, "--login", "admin", "--pin", pin_told(served), env=env, input=f"{served.server.password}\n")
    kept = tmp_path / "warren/credentials"
    assert kept.stat().st_mode & 0o777 == 0o600 and served.server.password not in kept.read_text()
    assert "PrivateKey" in well(served, "machine", "add", "one", env=env)
    token = json.loads(kept.read_text())["token"]
    kept.chmod(0o644)
    assert "chmod 600" in refused(served, "org", "list", env=env)
    kept.chmod(0o600)
    well(served, "logout", env=env)
    assert not kept.exists()
    assert served.server.https(served.office, token).ask("GET", "/orgs").status == 401


def test_program_uses_a_token_from_the_environment(served, tmp_path):
    well(served, "org", "create", "Acme")
    token = served.admin.post("/tokens", {"name": "ci", "may_write": False})["token"]
    env = {**https_environment(served, tmp_path), "WARREN_URL": f"https://{served.server.address}:8443",
           "WARREN_PIN": pin_told(served), "WARREN_TOKEN": token}
    assert [one["name"] for one in listed(served, "org", "list", env=env)] == ["Acme"]
    refused(served, "machine", "add", "one", env=env)
    assert "ci" in well(served, "token", "list", env=env)


def test_invited_people_sign_up_and_change_their_password(lab, tmp_path):
    served = Served(lab, args=["--sign-up", "invite"])
    env = https_environment(served, tmp_path)
    url = f"https://{served.server.address}:8443"
    well(served, "org", "create", "Acme")
    invite = well(served, "invite-user", "create", "--role", "operator").strip()
    refused(served, "sign-up", url, "--login", "ann", "--pin", pin_told(served), env=env, input=f"{PASSPHRASE}\n")
    assert not (tmp_path / "warren/credentials").exists()
    well(served, "sign-up", url, "--login", "ann", "--pin", pin_told(served), "--invite", env=env, input=f"{PASSPHRASE}\n{invite}\n")
    assert "PrivateKey" in well(served, "machine", "add", "anns", env=env)
    assert [(one["user"]["login"], one["role"]) for one in listed(served, "member", "list")] == [("ann", "operator")]
    refused(served, "user", "password", env=env, input=f"wrong {PASSPHRASE}\n{PASSPHRASE} 2\n")
    well(served, "user", "password", env=env, input=f"{PASSPHRASE}\n{PASSPHRASE} 2\n")
    assert served.browser("ann", f"{PASSPHRASE} 2")


class Terminal:
    """A program with a terminal of its own."""

    def __init__(self, host, *argv, env):
        self.master, self.slave = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(host.wrap(*argv), stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        env=dict(os.environ, **env))

    def read_until(self, text, seconds=15):
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {text!r} in {self.seen!r}"
            self.seen += os.read(self.master, 4096).decode()
        return self.seen

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        status = self.process.wait(15)
        os.close(self.master)
        os.close(self.slave)
        return status


def test_login_at_a_terminal_asks_and_shows_no_password(served, tmp_path):
    env = https_environment(served, tmp_path)
    terminal = Terminal(served.host, programs.warren_cli(), "login", f"https://{served.server.address}:8443", env=env)
    terminal.read_until("Is this it? (y/N)")
    assert pin_told(served) in terminal.seen
    terminal.type("y\n")
    terminal.read_until("Login: ")
    terminal.type("admin\n")
    terminal.read_until("Password: ")
    terminal.type(f"{served.server.password}\n")
    terminal.read_until("signed in")
    assert terminal.end() == 0 and served.server.password not in terminal.seen


def test_interrupted_password_leaves_the_terminal_as_it_was(served, tmp_path):
    env = https_environment(served, tmp_path)
    terminal = Terminal(served.host, programs.warren_cli(), "login", f"https://{served.server.address}:8443", "--login", "admin",
                        "--pin", pin_told(served), env=env)
    terminal.read_until("Password: ")
    wait.until(lambda: not termios.tcgetattr(terminal.slave)[3] & termios.ECHO, 5, "no echo")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(15) == 1
    assert termios.tcgetattr(terminal.slave)[3] & termios.ECHO
    terminal.end()


# The server's own verbs


def test_events_are_followed(served):
    well(served, "org", "create", "Acme")
    follower = served.host.popen(programs.warren_cli(), "events", "--json", stdout=subprocess.PIPE, text=True,
                                 env=dict(os.environ, WARREN_SOCKET=str(served.server.socket)))
    try:
        deadline = time.monotonic() + 20
        ready = []
        number = 0
        while not ready and time.monotonic() < deadline:
            number += 1
            well(served, "machine", "add", f"m{number}")
            ready, _, _ = select.select([follower.stdout], [], [], 0.5)
        event = json.loads(follower.stdout.readline())
        assert event["type"] == "machine.added"
    finally:
        follower.send_signal(signal.SIGINT)
        follower.wait(10)


def test_unlock_secret_is_changed(served):
    old, new = served.server.folder / "old", served.server.folder / "new"
    old.write_text("not the secret\n")
    new.write_text("another-unlock-secret-0123456789\n")
    refused(served, "server", "unlock", "--current", str(old), "--new", str(new))
    old.write_text(f"{served.server.unlock}\n")
    well(served, "server", "unlock", "--current", str(old), "--new", str(new))
    served.server.stop()
    done = subprocess.run(served.host.wrap(*served.server.argv()), env=served.server.environment(), capture_output=True,
                          text=True, timeout=30, check=False)
    assert done.returncode == 1 and "unlock secret" in done.stderr
    served.server.unlock = new.read_text().strip()
    served.server.start()


def test_restore_checks_the_file_and_keeps_the_old_one(served):
    well(served, "org", "create", "Before")
    copy = served.server.folder / "copy.db"
    assert well(served, "backup", str(copy)).strip() == str(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    well(served, "org", "create", "After")
    assert "stop it" in refused(served, "restore", str(copy), "--data", str(served.server.data))
    served.server.stop()
    bad = served.server.folder / "bad.db"
    data = bytearray(copy.read_bytes())
    data[4096:20000] = bytes(20000 - 4096)
    bad.write_bytes(data)
    refused(served, "restore", str(bad), "--data", str(served.server.data))
    refused(served, "restore", "/etc/passwd", "--data", str(served.server.data))
    unchanged = copy.read_bytes()
    kept = Path(re.search(r"(/\S+before-restore\S+)", well(served, "restore", str(copy), "--data", str(served.server.data)))[1])
    assert kept.exists() and copy.read_bytes() == unchanged
    served.server.start()
    assert [one["name"] for one in listed(served, "org", "list")] == ["Before"]


def test_doctor_finds_what_is_wrong(served):
    data = str(served.server.data)
    checks = {one["check"]: one["state"] for one in listed(served, "doctor", "--data", data)}
    assert checks["database"] == "ok" and checks["server"] == "ok"
    served.server.stop()
    served.server.data.chmod(0o755)
    done = served.server.cli("doctor", "--data", data)
    assert done.returncode == 1 and "chmod 700" in done.stdout
    served.server.data.chmod(0o700)
    with served.host.popen("socat", "TCP-LISTEN:8443,bind=127.0.0.1", "PIPE") as other:
        wait.until(lambda: ":8443" in served.host.run("ss", "-ltn"), 5, "somebody on the API's port")
        done = served.server.cli("doctor", "--data", data)
        other.terminate()
    assert done.returncode == 1 and "another program" in done.stdout


def test_settings_and_their_origin_are_shown(served):
    path = served.server.folder / "warren.conf"
    path.write_text("[Server]\nHubPort = 4000\nEndpoint = vpn.example.com:1\n")
    rows = listed(served, "config", "--config", str(path), "--sign-up", "open", env={"EDGE_CORE_MESH_CIDR": "10.55.0.0/16"})
    found = {row["setting"]: (row["value"], row["origin"]) for row in rows}
    assert found["hub-port"] == ("4000", f"{path}:2")
    assert found["sign-up"] == ("open", "flag --sign-up")
    assert found["network"] == ("10.55.0.0/16", "environment EDGE_CORE_MESH_CIDR")
    assert found["api"] == ("127.0.0.1:8443", "default")


# Starting and ending


def test_serve_refuses_to_start_without_the_secret(lab):
    served = Served(lab, start=False, unlock=None)
    done = subprocess.run(served.host.wrap(*served.server.argv()), env=served.server.environment(), capture_output=True,
                          text=True, timeout=30, check=False)
    assert done.returncode == 1 and "/dev/urandom" in done.stderr and not served.server.data.exists()


def test_serve_takes_the_secret_from_a_credential_and_tells_the_service_manager(lab):
    folder = sandbox.scratch("credentials")
    (folder / "warren-unlock").write_text("a-long-unlock-secret-in-a-credential\n")
    path = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(30)
        served = Served(lab, unlock=None, env={"CREDENTIALS_DIRECTORY": str(folder), "NOTIFY_SOCKET": path})
        assert manager.recv(100) == b"READY=1"
        os.kill(served.server.pid, signal.SIGTERM)
        assert manager.recv(100) == b"STOPPING=1"
        assert served.server.process.wait(15) == 0


def test_serve_keeps_no_secret_in_its_environment_and_little_else(served):
    environment = Path(f"/proc/{served.server.pid}/environ").read_bytes()
    assert served.server.unlock.encode() not in environment
    for task in Path(f"/proc/{served.server.pid}/task").iterdir():
        status = (task / "status").read_text()
        effective = int(re.search(r"CapEff:\t(\w+)", status)[1], 16)
        assert effective == 1 << 12 | 1 << 21, task.name
        assert "NoNewPrivs:\t1" in status
    assert "Max core file size        0" in Path(f"/proc/{served.server.pid}/limits").read_text()


# As packaging/systemd/warren-serve.service has it: a user of no importance, three capabilities, names of
# namespaces in a file system of the service's own.
AS_THE_UNIT = ["sh", "-c", """
mkdir -p /run/netns && mount -t tmpfs -o mode=1777 netns /run/netns
# udev lets everybody open it; a machine without udev does not.
mknod -m 666 /run/netns/.tun c 10 200 && mount --bind /run/netns/.tun /dev/net/tun
caps=+net_admin,+sys_admin,+net_bind_service
exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=$caps --ambient-caps=$caps --bounding-set=-all,$caps "$@"
""", "sh"]


def test_serve_makes_gateways_with_what_its_unit_gives(lab):
    served = Served(lab, start=False)
    served.server.folder.chmod(0o777)
    os.chmod("/run/e2e", 0o755)
    served.server.prefix = AS_THE_UNIT
    served.server.start()
    org = served.org("As A Unit")
    one = served.machine(org, "one")
    wait.until(lambda: one.ping(org["hub_address4"], 1, timeout=0.5), 20, "the gateway")
    assert "gateways: off" not in served.server.said()


# Wrong usage


@pytest.mark.parametrize("argv", [
    ("machine", "add"), ("machine", "add", "a", "b"), ("machine", "fly"), ("machine", "list", "--state", "odd"),
    ("machine", "add", "a", "--qr", "--json"), ("machine", "add", "a", "--qr", "--public-key", "x"), ("machine", "tag", "a"),
    ("policy", "allow", "a", "b"), ("policy", "why", "a", "b", "tcp", "x"), ("policy", "revert", "one"), ("org", "change", "a"),
    ("org", "create", "a", "--quota", "many"), ("audit", "--since", "yesterday"), ("audit", "-n", "x"),
    ("serve", "--hub-port", "0"), ("serve", "--plain", "--api", "0.0.0.0:80"), ("login", "ftp://x"), ("completion", "csh"),
])
def test_wrong_usage_is_told_in_a_line(lab, argv):
    host = lab.host("a")
    done = host.try_run(programs.warren_cli(), *argv, env={"WARREN_SOCKET": "/nonexistent"})
    assert done.returncode == 2, done
    assert done.stdout == "" and done.stderr.count("\n") == 1 and "--help" in done.stderr
