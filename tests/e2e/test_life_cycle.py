"""How the daemon starts, what it is started with, and all the ways in which it ends."""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from lab import daemon, programs, sandbox, traffic, tunnel, uapi, wait

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 1, 0x1000, 0x4000


def start(host, *args, kind="warren", env=None, **options):
    """Runs the command until it returns: (status, what it said)."""
    done = subprocess.run(host.wrap(daemon.argv_of(kind), *args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, env=daemon.environment(env), **options)
    return done.returncode, done.stdout + done.stderr


def is_gone(host, iface="wg0"):
    return iface not in host.links() and not host.exists(daemon.socket_path(iface)) and not host.processes()


def the_pid(host):
    (pid,) = host.processes()
    return pid


def test_daemon_is_usable_the_moment_the_command_returns(lab):
    host = lab.host("a")
    for _ in range(10):
        status, said = start(host, "wg0")
        assert status == 0, said
        assert "wg0" in host.links()
        assert uapi.get(host, "wg0") is not None
        host.run("wg", "show", "wg0")
        pid = the_pid(host)
        assert os.getsid(pid) != os.getsid(0), "it still belongs to the session that started it"
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        os.kill(pid, signal.SIGTERM)
        wait.until(lambda: is_gone(host), what="the daemon's end")


def test_daemon_keeps_no_terminal_and_no_pipe_open(lab):
    """Whoever started it and reads its output to the end must not wait for ever."""
    host = lab.host("a")
    status, _ = start(host, "wg0")  # would run into its timeout
    assert status == 0
    kept = {os.readlink(f"/proc/{the_pid(host)}/fd/{number}") for number in (0, 1, 2)}
    assert kept == {"/dev/null"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_and_takes_interface_and_socket_along(lab, number):
    host = lab.host("a")
    running = lab.daemon(host)
    running.process.send_signal(number)
    assert running.wait_end() == 0
    assert is_gone(host)


def test_deleted_interface_ends_it(lab):
    host = lab.host("a")
    running = lab.daemon(host)
    host.ip("link del wg0")
    assert running.wait_end() == 0
    assert is_gone(host)


def test_removed_socket_ends_it(lab):
    host = lab.host("a")
    running = lab.daemon(host)
    os.unlink(host.path("/run/wireguard/wg0.sock"))
    assert running.wait_end() == 0
    assert is_gone(host)


def test_ends_under_traffic_too(lab):
    a, b = lab.neighbours()
    tunnel.connect(a, b)
    stream = traffic.Stream(a.host, b.host, b.inner4)
    stream.wait_for(1 << 20)
    a.daemon.process.send_signal(signal.SIGTERM)
    assert a.daemon.wait_end() == 0
    wait.until(lambda: is_gone(a.host))
    b.daemon.process.send_signal(signal.SIGTERM)
    assert b.daemon.wait_end() == 0


def test_ended_while_it_starts_leaves_nothing(lab):
    """Whenever the signal comes: before it has made anything, in between, or when all is there."""
    host = lab.host("a")
    for step in range(30):
        running = daemon.Daemon(host)
        time.sleep(step * 0.001)  # sweeps over the start
        running.process.send_signal(signal.SIGTERM)
        running.wait_end()
        assert is_gone(host), f"{step} ms after the start"


def test_killed_daemon_leaves_a_socket_that_does_not_hinder_the_next(lab):
    host = lab.host("a")
    lab.daemon(host).kill()
    assert host.exists("/run/wireguard/wg0.sock")
    wait.until(lambda: "wg0" not in host.links())
    status, said = start(host, "wg0")
    assert status == 0, said
    host.run("wg", "show", "wg0")
    os.kill(the_pid(host), signal.SIGTERM)
    wait.until(lambda: is_gone(host))


def test_environment_can_ask_for_the_foreground(lab):
    host = lab.host("a")
    running = lab.daemon(host, env={"WG_PROCESS_FOREGROUND": "1"}, args=())
    assert set(host.processes()) == {running.pid}


@pytest.mark.parametrize("args", [("-f",), ("--foreground",)])
def test_both_spellings_of_foreground(lab, args):
    host = lab.host("a")
    running = lab.daemon(host, args=args)
    assert set(host.processes()) == {running.pid}


def test_verb_of_the_one_program_does_the_same(lab):
    host = lab.host("a")
    done = host.try_run(programs.warren_cli(), "wg", "wg0")
    assert done.returncode == 0, done.stderr
    host.run("wg", "show", "wg0")
    os.kill(the_pid(host), signal.SIGTERM)
    wait.until(lambda: is_gone(host))


# Handed-over file descriptors


def open_tun(host, name, flags):
    with host.net():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI | flags))
    os.set_blocking(fd, False)
    return fd


@pytest.mark.parametrize("flags", [0, IFF_VNET_HDR], ids=["plain", "with offloads"])
def test_tun_can_be_handed_over(lab, flags):
    a, b = lab.neighbours(kind_a="none")
    fd = open_tun(a.host, "wg0", flags)
    try:
        a.daemon = lab.daemon(a.host, env={"WG_TUN_FD": str(fd)}, pass_fds=[fd])
    finally:
        os.close(fd)
    tunnel.connect(a, b)
    a.ping(b)
    traffic.transfer(a.host, b.host, b.inner4, 4 << 20, both_ways=True)
    traffic.udp_echo(a.host, b.host, b.inner6, [0, 1, 1372, 9000])


def test_configuration_socket_can_be_handed_over(lab):
    host = lab.host("a")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(host.path("/run/wireguard/wg0.sock"))
        listener.listen()
        running = lab.daemon(host, env={"WG_UAPI_FD": str(listener.fileno())}, pass_fds=[listener.fileno()])
    assert uapi.set(host, "wg0", "fwmark=5") == 0
    assert ("fwmark", "5") in uapi.get(host, "wg0")
    running.process.send_signal(signal.SIGTERM)
    assert running.wait_end() == 0


@pytest.mark.parametrize("value", ["999", "x", "-1", ""])
@pytest.mark.parametrize("name", ["WG_TUN_FD", "WG_UAPI_FD"])
def test_file_descriptor_that_is_none_is_refused(lab, name, value):
    """An empty value counts as none given."""
    host = lab.host("a")
    if value == "":
        lab.daemon(host, env={name: ""})
        return
    status, said = start(host, "-f", "wg0", env={name: value})
    assert_refused(status, said)
    assert is_gone(host)


# Refusals


def assert_refused(status, said, *words):
    assert status in (1, 2), f"status {status}: {said}"
    assert len(said.strip().splitlines()) == 1, f"not one line: {said}"
    for word in words:
        assert word in said


def test_second_start_is_refused_and_the_first_stays(lab):
    host = lab.host("a")
    running = lab.daemon(host)
    for args in (("wg0",), ("-f", "wg0")):
        status, said = start(host, *args)
        assert_refused(status, said, "wg0")
    host.run("wg", "set", "wg0", "fwmark", "3")
    assert running.is_running()
    assert "wg0" in host.links()


def test_name_of_another_interface_is_refused(lab):
    host = lab.host("a")
    host.ip("link add wg0 type veth peer name other")
    status, said = start(host, "wg0")
    assert_refused(status, said, "wg0")
    assert "wg0" in host.links() and not host.exists("/run/wireguard/wg0.sock")


@pytest.mark.parametrize("name", ["", "a" * 16, "a/b", "..", "a b", "%d"])
def test_bad_interface_name_is_refused(lab, name):
    host = lab.host("a")
    status, said = start(host, name)
    assert status in (1, 2) and said
    assert is_gone(host)
    assert host.links() == ["lo"]


def test_wrong_usage_says_how(lab):
    host = lab.host("a")
    for args in ((), ("--nonsense", "wg0"), ("wg0", "wg1")):
        status, said = start(host, *args)
        assert status == 2 and "--help" in said, f"{args}: {status} {said}"
    assert is_gone(host)


def test_without_root_it_says_so(lab):
    host = lab.host("a")
    # Whoever is not root may not be allowed to read the build folder.
    copy = sandbox.scratch("bin") / "warren-wg"
    copy.parent.chmod(0o755)
    copy.write_bytes(open(programs.warren(), "rb").read())
    copy.chmod(0o755)
    os.chmod("/run/e2e", 0o755)
    done = host.try_run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "wg0")
    assert_refused(done.returncode, done.stdout + done.stderr)
    assert any(word in done.stderr.lower() for word in ("root", "cap_net_admin", "permission"))
    assert is_gone(host)


def test_several_interfaces_side_by_side(lab):
    host = lab.host("a")
    names = [f"wg{number}" for number in range(4)]
    for name in names:
        lab.daemon(host, name)
    assert sorted(host.run("wg", "show", "interfaces").split()) == names


def test_interface_is_what_scripts_expect_of_wireguard_go(lab):
    """A point-to-point TUN that is not persistent, MTU 1420, down until somebody says up."""
    shown = []
    for kind in ("warren", "go"):
        host = lab.host(kind)
        lab.daemon(host, kind=kind)
        shown.append(host.ip("-d -o link show wg0"))
    for words in ("mtu 1420", "POINTOPOINT", "tun type tun", "persist off"):
        assert all(words in text for text in shown), (words, shown)
    flags = [set(text.partition("<")[2].partition(">")[0].split(",")) for text in shown]
    assert flags[0] == flags[1]


def test_daemons_hear_that_the_link_is_up_among_a_hundred_that_change_at_once(lab):
    """What netlink tells runs over in each of them; then they ask."""
    host = lab.host("a")
    names = [f"wg{number}" for number in range(100)]
    for name in names:
        status, said = start(host, name)
        assert status == 0, said
    changes = "".join(f"link set {name} up\nlink set {name} mtu 1400\n" for name in names)
    host.run("ip", "-batch", "-", input=changes)
    wait.until(lambda: all(int(line.split()[1]) for line in host.run("wg", "show", "all", "listen-port").splitlines()),
               what="a port for every interface")
