"""The server's folder: full and read-only disks, kill -9, secrets, backups, and how it starts and does not."""

import base64
import hashlib
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from lab import api, machine, sandbox, wait
from lab.machine import Machine
from lab.served import PASSWORD, Served
from lab.server import UNLOCK, Server


@pytest.fixture
def served(lab):
    return Served(lab)


def digest(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def trial(served, data, **options):
    """A further start on a folder: (status, what it said)."""
    other = Server(served.host, served.server.address, data, **options)
    other.launch()
    try:
        status = other.process.wait(20)
    except subprocess.TimeoutExpired:
        other.kill()
        status = None
    return status, other.said()


# Disks


@pytest.fixture
def small_disk():
    """A disk of 12 MiB; made before the hosts, which have their own mounts from then on."""
    folder = sandbox.scratch("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "disk", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Takes what room is left on a disk; returns the file that has it."""
    path = folder / "filler"
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 4096, 512):
            with pytest.raises(OSError):
                while True:
                    file.write(bytes(size))
    return path


def test_full_disk_is_told_clearly_and_loses_nothing(small_disk, lab):
    served = Served(lab, data=small_disk / "data")
    org = served.org("Full")
    kept = [served.add(org, "before") for _ in range(5)]
    filler = fill(small_disk)
    path = f"/orgs/{org['uid']}/machines"
    answers = []
    for number in range(400):  # the log of the database may have room for a few
        answer = served.local.ask("POST", path, {"name": f"during {number}"})
        answers.append(answer)
        if answer.is_good:
            kept.append(answer.json)
        elif len([one for one in answers if not one.is_good]) >= 20:
            break
    refused = [answer for answer in answers if not answer.is_good]
    assert refused, "the disk was never full"
    for answer in refused:
        assert answer.status in (503, 507) and answer.is_problem, answer
    assert any(re.search("disk|full|space", answer.body.decode()) for answer in refused)
    assert {one["uid"] for one in served.local.all(path)} == {one["uid"] for one in kept}, "reading goes on"
    assert served.anonymous().ask("GET", "/livez", base="").status == 200
    filler.unlink()
    kept.append(wait.until(lambda: (lambda answer: answer.json if answer.is_good else None)(
        served.local.ask("POST", path, {"name": "after"})), 10, "the server to take changes again"))
    served.server.kill()
    served.server.start()
    assert {one["uid"]: one["address4"] for one in served.local.all(path)} == {one["uid"]: one["address4"] for one in kept}
    assert served.anonymous().ask("GET", "/readyz", base="").status == 200


def test_start_on_a_full_disk_is_refused_clearly(small_disk, lab):
    served = Served(lab, start=False)
    fill(small_disk)
    status, said = trial(served, small_disk / "data")
    assert status not in (0, None) and re.search("space|full|ENOSPC", said), (status, said)


def test_read_only_disk_is_told_clearly(small_disk, lab):
    served = Served(lab, data=small_disk / "data")
    org = served.org("Read Only")
    served.add(org, "kept")
    served.server.stop()
    before = digest(small_disk / "data")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    later = Served(lab, start=False)  # hosts that see it so
    status, said = trial(later, small_disk / "data")
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert status not in (0, None) and re.search("read-only|EROFS|Read-only", said), (status, said)
    assert digest(small_disk / "data") == before
    served.server.start()
    assert [one["name"] for one in served.local.all(f"/orgs/{org['uid']}/machines")] == ["kept"]


# kill -9


def test_kill_at_any_moment_keeps_all_that_was_answered(served):
    org = served.org("Killed")
    path = f"/orgs/{org['uid']}/machines"
    known = {}
    for round_ in range(3):
        answered = add_until_it_dies(served, path, 60 + 70 * round_)
        known.update(answered)
        served.server.start()
        listed = {one["uid"]: one for one in served.local.all(path)}
        lost = [uid for uid in known if uid not in listed]
        assert not lost, f"{len(lost)} of {len(known)} machines that were answered are lost"
        assert all(listed[uid]["public_key"] == key for uid, key in known.items())
        addresses = [one["address4"] for one in listed.values()]
        assert len(set(addresses)) == len(addresses)
    assert len(known) > 100


def add_until_it_dies(served, path, count):
    """Eight at once; the kill comes in their midst. {uid: public key} of what was answered."""
    answered, lock = {}, threading.Lock()

    def work():
        client = served.server.local()
        while True:
            try:
                answer = client.ask("POST", path, {"name": "m"})
            except OSError:
                return
            except Exception as error:  # half an answer is none
                if "http" in type(error).__module__:
                    return
                raise
            if answer.status != 201:
                return
            with lock:
                answered[answer.json["uid"]] = answer.json["public_key"]

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait.until(lambda: len(answered) >= count, 30, f"{count} machines")
    served.server.kill()
    for thread in threads:
        thread.join(30)
    return answered


def test_saved_policy_survives_kill(served):
    org = served.org("Policy Kept")
    made = [served.add(org, name) for name in ("atlas", "birch")]
    served.policy(org, "deny atlas -> birch\ndefault allow\n")
    served.server.kill()
    served.server.start()
    a, b = (Machine(served.plugged(one["label"]), one).up() for one in made)
    b.reach(a)
    assert not a.ping(b.address4, 3, timeout=0.7)


# The unlock secret


@pytest.mark.parametrize("unlock,env", [(None, {}), ("wrong-secret-of-enough-length", {}), ("", {}), (None, {"WARREN_UNLOCK_FILE": "/nowhere"})],
                         ids=["none", "wrong", "empty", "no such file"])
def test_without_its_unlock_secret_it_does_not_start_and_touches_nothing(served, unlock, env):
    served.org("Locked")
    served.server.stop()
    before = digest(served.server.data)
    status, said = trial(served, served.server.data, unlock=unlock, env=env)
    assert status not in (0, None) and "unlock" in said.lower(), (status, said)
    assert unlock in (None, "") or unlock not in said
    assert digest(served.server.data) == before


def test_first_start_without_a_secret_makes_nothing(lab):
    served = Served(lab, start=False)
    status, said = trial(served, served.server.data, unlock=None)
    assert status not in (0, None) and "WARREN_UNLOCK" in said
    assert not served.server.data.exists() or not list(served.server.data.iterdir())


def test_secret_comes_from_a_file_or_a_credential_of_systemd(served):
    served.server.stop()
    folder = sandbox.scratch("credentials")
    (folder / "warren-unlock").write_text(UNLOCK + "\n")
    (folder / "warren-unlock").chmod(0o600)
    served.server.unlock = None
    for env in ({"WARREN_UNLOCK_FILE": str(folder / "warren-unlock")}, {"CREDENTIALS_DIRECTORY": str(folder)}):
        served.server.env = env
        served.server.start()
        served.local.get("/server")
        served.server.stop()


def test_unlock_secret_is_rotated(served):
    org = served.org("Rotated")
    new = "the-new-unlock-secret-0123456789"
    for current, wanted in (("not it", {401, 403, 422}), ("", {401, 403, 422})):
        assert served.local.ask("POST", "/server/unlock", {"current": current, "new": new}).status in wanted
    assert served.local.ask("POST", "/server/unlock", {"current": UNLOCK, "new": "short"}).status == 422
    assert served.admin.ask("POST", "/server/unlock", {"current": UNLOCK, "new": new}).status in (403, 404)
    served.local.ask("POST", "/server/unlock", {"current": UNLOCK, "new": new})
    served.server.kill()
    status, said = trial(served, served.server.data, unlock=UNLOCK)
    assert status not in (0, None), said
    served.server.unlock = new
    served.server.start()
    assert served.local.get(f"/orgs/{org['uid']}")["hub_public_key"] == org["hub_public_key"]


# Secrets


def test_secrets_stand_nowhere_at_the_loudest_log_level(lab):
    served = Served(lab, env={"LOG_LEVEL": "verbose", "WARREN_LOG_LEVEL": "verbose"})
    org = served.org("Quiet")
    secrets = {"unlock": UNLOCK, "first password": served.server.password, "password": PASSWORD}
    made = served.add(org, "one", with_preshared_key=True)
    fields = machine.fields_of(made["config"])
    secrets["private key"], secrets["psk"] = fields["Interface"]["PrivateKey"], fields["Peer"]["PresharedKey"]
    served.person("kim")
    kim = served.browser("kim")
    secrets["cookie"], secrets["csrf"] = kim.cookie, kim.csrf
    secrets["token"] = kim.post("/tokens", {"name": "t"})["token"]
    program = served.server.https(served.office, secrets["token"])
    program.get("/orgs")
    program.ask("GET", f"/orgs/{secrets['token']}")
    secrets["invite"] = served.local.post(f"/orgs/{org['uid']}/invites", {"role": "viewer"})["invite"]
    kim.put("/session/password", {"current": PASSWORD, "new": "another password of kim"})
    secrets["new password"] = "another password of kim"
    secrets["wrong password"] = "a wrong password, typed by mistake"
    served.anonymous().sign_in("kim", secrets["wrong password"])
    served.anonymous().ask("POST", "/session", {"login": "kim", "password": secrets["wrong password"], "x": 1})
    served.local.post("/server/backup", {})
    found = search(served, secrets)
    served.server.stop()
    assert not found + search(served, secrets)


def search(served, secrets):
    """Where a secret stands, as text or as what its base64 says."""
    where = served.server.files()
    said = served.server.said_ever().replace(served.server.password, "", 1)  # shown once
    where["log"] = said.encode()
    found = []
    for what, text in secrets.items():
        forms = {text.encode(), text.encode().hex().encode()}
        if what in ("private key", "psk"):
            raw = base64.b64decode(text)
            forms |= {raw, raw.hex().encode()}
        found += [f"{what} in {name}" for name, data in where.items() for form in forms if form in data]
    return found


def test_command_line_of_the_server_shows_no_secret(served):
    line = Path(f"/proc/{served.server.pid}/cmdline").read_bytes()
    assert UNLOCK.encode() not in line


def test_files_are_for_the_server_alone(served):
    served.org("Modes")
    assert served.server.data.stat().st_mode & 0o777 == 0o700
    for path in served.server.data.rglob("*"):
        is_public = path.is_file() and b"BEGIN CERTIFICATE" in path.read_bytes()[:64]
        assert path.is_dir() or is_public or path.stat().st_mode & 0o077 == 0, path


# Backup, start, end


def test_backup_while_running_is_whole_and_restores(served):
    org = served.org("Backed Up")
    made = [served.add(org, "m")["uid"] for _ in range(20)]
    told = served.local.post("/server/backup", {})
    path = served.server.data / "backups" / Path(told["path"]).name
    assert path.stat().st_size == told["bytes"] and path.stat().st_mode & 0o077 == 0
    late = served.add(org, "late")
    served.server.stop()
    done = served.server.cli("restore", str(path), env={"WARREN_UNLOCK": UNLOCK})
    assert done.returncode == 0, done.stdout + done.stderr
    served.server.start()
    listed = {one["uid"] for one in served.local.all(f"/orgs/{org['uid']}/machines")}
    assert listed == set(made) and late["uid"] not in listed


@pytest.mark.parametrize("path", ["../outside.db", "/etc/warren-backup", "a/../../b", "..", "x\ny", "-"])
def test_backup_stays_in_its_folder(served, path):
    before = set(served.server.files())
    answer = served.local.ask("POST", "/server/backup", {"path": path})
    assert not (served.server.folder / "outside.db").exists() and not Path("/etc/warren-backup").exists()
    assert answer.status in (201, 200, 409, 422)
    assert all(name.startswith("backups/") or name.endswith(("-wal", "-shm", "-journal")) for name in set(served.server.files()) - before)


def test_second_server_on_the_same_folder_is_refused(served):
    org = served.org("Only One")
    status, said = trial(served, served.server.data)
    assert status not in (0, None) and len(said.strip().splitlines()) <= 3, said
    assert served.local.get(f"/orgs/{org['uid']}")["name"] == "Only One"


def test_damaged_database_is_refused_and_not_made_worse(served):
    served.org("Damaged")
    served.server.stop()
    path = served.server.database()
    data = bytearray(path.read_bytes())
    data[4096:4096 + 8192] = os.urandom(8192)
    path.write_bytes(data)
    before = digest(served.server.data)
    status, said = trial(served, served.server.data)
    assert status not in (0, None) and said, said
    assert digest(served.server.data) == before


def test_unprivileged_server_works_without_gateways_and_says_so(lab):
    served = Served(lab, start=False)
    served.server.folder.chmod(0o777)
    os.chmod("/run/e2e", 0o755)
    served.server.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    served.server.start()
    assert re.search("CAP_NET_ADMIN|CAP_SYS_ADMIN", served.server.said()), served.server.said()
    with open(f"/proc/{served.server.pid}/status", encoding="ascii") as lines:
        assert re.search(r"^CapEff:\t0+$", lines.read(), re.MULTILINE)
    a, b = served.pair(served.org("Plain User"))
    assert len(a.ping(b.address4, 3)) == 3


def test_first_start_makes_the_organisation_that_it_was_told_to(lab):
    served = Served(lab, args=["--org", "First Works", "--network", "10.42.0.0/16"])
    (org,) = served.local.get("/orgs")["items"]
    assert org["name"] == "First Works" and org["network4"] == "10.42.0.0/16"
    assert served.server.cli("machine", "add", "one").returncode == 0
    served.server.stop()
    served.server.start()
    assert len(served.local.get("/orgs")["items"]) == 1
    assert "password" not in served.server.said().lower(), "the first password is shown once"


@pytest.mark.parametrize("name", ["EDGE_CORE_MESH_CIDR", "WIRESPIDER_NETWORK", "WARREN_NETWORK"])
def test_environment_of_existing_files_is_honoured(lab, name):
    served = Served(lab, env={name: "10.43.0.0/16"})
    assert served.org("Old Env")["network4"] == "10.43.0.0/16"


def test_plain_http_is_for_loopback_only(lab):
    served = Served(lab, start=False, args=["--plain"])
    status, said = trial(served, served.server.data, args=["--plain"])
    assert status not in (0, None) and "plain" in said
    served.server.args = ["--plain"]
    served.server.address = "127.0.0.1"
    served.server.start()
    client = api.Client(api.Plain(served.host, "127.0.0.1", 8443))
    answer = client.sign_in(served.server.login, served.server.password)
    assert answer.is_good and client.get("/orgs")["items"] == []


def test_server_ends_in_good_order_on_a_signal(served):
    org = served.org("Signal")
    served.pair(org)
    stream = served.admin.events("/events", timeout=5)
    assert next(stream) == ("open", None)
    served.server.process.send_signal(signal.SIGTERM)
    assert served.server.process.wait(15) == 0
    assert not served.server.socket.exists()
    assert all(kind for kind, _ in stream), "the stream ends with the server"
    assert not [name for name in os.listdir("/run/netns") if org["label"] in name], "its gateway's namespace is left"
