"""What the running daemon still may, and what of its keys can be seen."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from lab import tunnel, uapi, wait

CAP_NET_ADMIN, CAP_NET_BIND_SERVICE = 1 << 12, 1 << 10


def threads(daemon):
    """[{field: value} of /proc/PID/task/TID/status]"""
    found = []
    for task in Path(f"/proc/{daemon.pid}/task").iterdir():
        found.append(dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line))
    return found


@pytest.fixture
def running(lab):
    host = lab.host("a")
    return lab.daemon(host)


def assert_keeps_exactly(daemon, kept):
    for thread in threads(daemon):
        effective, permitted = (int(thread[field], 16) for field in ("CapEff", "CapPrm"))
        assert effective == permitted == kept
        assert int(thread["CapInh"], 16) == int(thread["CapAmb"], 16) == 0
        assert int(thread["CapBnd"], 16) & ~kept == 0


def test_every_thread_keeps_only_the_right_to_administer_the_network(running):
    assert_keeps_exactly(running, CAP_NET_ADMIN)


def test_low_ports_are_refused_unless_asked_for_at_start(lab):
    host = lab.host("a")
    daemon = lab.daemon(host)
    host.run("ip", "link", "set", "wg0", "up")
    assert "Permission denied" in host.try_run("wg", "set", "wg0", "listen-port", "443").stderr
    other = lab.host("b")
    privileged = lab.daemon(other, env={"WARREN_LOW_PORTS": "1"})
    assert_keeps_exactly(privileged, CAP_NET_ADMIN | CAP_NET_BIND_SERVICE)
    other.run("ip", "link", "set", "wg0", "up")
    other.run("wg", "set", "wg0", "listen-port", "443")
    assert other.run("wg", "show", "wg0", "listen-port").strip() == "443"
    assert daemon.is_running()


def test_every_thread_has_no_new_privileges_and_a_filter(running):
    assert len(threads(running)) >= 2
    for thread in threads(running):
        assert thread["NoNewPrivs"].strip() == "1", thread["Name"]
        assert thread["Seccomp"].strip() == "2", thread["Name"]


def test_daemon_in_the_background_is_held_as_tightly(lab):
    from test_life_cycle import is_gone, start, the_pid
    host = lab.host("a")
    assert start(host, "wg0")[0] == 0
    pid = the_pid(host)
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    os.kill(pid, signal.SIGTERM)
    wait.until(lambda: is_gone(host))


def test_memory_is_closed_to_processes_of_the_same_rights(lab, running):
    """Not dumpable: a root without CAP_SYS_PTRACE cannot read its memory, though it can read a plain process's."""
    like_it = ["setpriv", "--bounding-set=-all,+net_admin,+net_bind_service", "--inh-caps=-all"]
    plain = subprocess.Popen([*like_it, "sleep", "60"])
    try:
        def can_read(pid):
            return subprocess.run([*like_it, "head", "-c", "1", f"/proc/{pid}/environ"], capture_output=True).returncode == 0
        wait.until(lambda: Path(f"/proc/{plain.pid}/comm").read_text() == "sleep\n")
        assert can_read(plain.pid), "the check itself does not work here"
        assert not can_read(running.pid)
    finally:
        plain.kill()
        plain.wait()


def test_open_files_are_few_and_none_of_ours(running):
    fds = set()
    for one in Path(f"/proc/{running.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed in the meantime
            fds.add(os.readlink(one))
    assert 3 < len(fds) < 64
    known = ("/dev/null", "/dev/net/tun", "socket:", "anon_inode:", "pipe:", str(running.log))
    assert not [name for name in fds if not name.startswith(known)]


@pytest.mark.parametrize("level", ["verbose", "debug", "error", "silent", None])
def test_keys_are_seen_nowhere_but_on_the_socket(lab, level):
    a, b = lab.neighbours(env={"LOG_LEVEL": level} if level else {})
    psk = tunnel.random_key()
    tunnel.connect(a, b, psk=psk)
    a.ping(b)
    uapi.set(a.host, "wg0", f"private_key={tunnel.hex_of(a.private)}zz")  # a fault beside the key
    secrets = [a.private, psk, tunnel.hex_of(a.private), tunnel.hex_of(psk)]
    seen = {name: Path(f"/proc/{a.daemon.pid}/{name}").read_bytes().decode(errors="replace")
            for name in ("cmdline", "environ")}
    seen["log"] = a.daemon.said()
    for where, text in seen.items():
        for secret in secrets:
            assert secret not in text, where
    assert dict(uapi.get(a.host, "wg0"))["private_key"] == tunnel.hex_of(a.private)


def test_log_is_silent_at_the_default_level_and_talks_when_asked(lab):
    said = {}
    for level in (None, "error", "silent", "verbose"):
        a, b = lab.neighbours(env={"LOG_LEVEL": level} if level else {})
        tunnel.connect(a, b)
        a.ping(b)
        said[level] = a.daemon.said()
    assert said[None] == said["error"] == said["silent"] == ""
    assert said["verbose"]


def test_configuration_still_works_behind_the_filter(running):
    """All that `wg` can ask for later must be allowed by what was kept."""
    host = running.host
    for lines in (["listen_port=5001", "fwmark=7"], ["listen_port=5300"], ["listen_port=0"],
                  [f"private_key={tunnel.hex_of(tunnel.new_key())}"],
                  [f"public_key={'ab' * 32}", "endpoint=192.0.2.1:1", "allowed_ip=10.0.0.0/8"], ["replace_peers=true"]):
        assert uapi.set(host, "wg0", *lines) == 0, lines
    host.ip("link set wg0 mtu 1300 up")
    host.ip("link set wg0 down")
    host.ip("link set wg0 up")
    assert uapi.get(host, "wg0")
    assert running.is_running()
