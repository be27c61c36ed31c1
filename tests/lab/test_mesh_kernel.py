"""A member of a mesh whose tunnel is the kernel's WireGuard, and members on the engine.

The kernel is Debian's, in an emulated machine: one for all tests here. What it does takes longer there."""

import json
import shlex

import pytest
from guest_member import FOLDER, HOSTS, SECONDS_TO_START, SECONDS_TO_STOP, GuestHost
from mesh import Lan, MeshMember, all_alive

from lab import programs, wait
from lab.lab import Lab

SETTINGS = ("ip -o link", "ip -o address", "ip route show table all", "ip -6 route show table all", "ip rule",
            "/usr/sbin/nft list ruleset", "cat /etc/hosts", "cat /proc/sys/net/ipv4/conf/all/send_redirects",
            "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding", f"ls {FOLDER}/state/*/*.sock")


class KernelMember(MeshMember):
    """Its program runs in the guest; what it wrote is there too."""

    def __init__(self, lab, guest, name, backend="kernel"):
        super().__init__(lab, guest, name=name)
        self.options = ["--backend", backend, "--names", "hosts"]
        self.pid_file = f"{FOLDER}/pid"

    @property
    def state(self):
        return f"{FOLDER}/state"

    def launch(self, *options):
        self.starts += 1
        joins = "--join" in options
        command = shlex.join([programs.warren_cli(), "up", *([] if joins else [self.mesh]), "-f", "--name", self.name, *self.options, *options])
        self.host.script(f"mkdir -p {FOLDER}; rm -f {self.pid_file}; WARREN_STATE={self.state} LOG_LEVEL=verbose setsid sh -c "
                         f"{shlex.quote(f'echo $$ >{self.pid_file}; exec {command}')} >{self.log} 2>&1 &")
        return self

    def wait_running(self):
        wait.until(lambda: "this machine is" in self.said() or not self.is_running(), SECONDS_TO_START, lambda: f"{self.name}: {self.said()}", 0.2)
        assert self.is_running(), f"{self.name} ended: {self.said()}"
        return self

    @property
    def log(self):
        return f"{FOLDER}/member-{self.starts}.log"

    def said(self):
        return self.host.script(f"cat {self.log}")[1]

    def is_running(self):
        return self.host.script(f"kill -0 $(cat {self.pid_file})")[0] == 0

    def _end(self, signal):
        self.host.script(f"kill -{signal} $(cat {self.pid_file})")
        wait.until(lambda: not self.is_running(), SECONDS_TO_STOP, lambda: f"{self.name} to end: {self.said()}", 0.1)

    def kill(self):
        self._end("KILL")

    def stop(self):
        if self.starts:
            self._end("TERM")

    close = stop

    def cli(self, *argv, input=None, timeout=60):
        command = f"WARREN_STATE={self.state} {shlex.join([programs.warren_cli(), *map(str, argv)])}"
        return self.host.try_run("sh", "-c", command, input=input, timeout=timeout)

    def status(self):
        return json.loads(self.does("status", "--json"))[0]


class World:
    def __init__(self, lab, guest):
        self.lab, self.guest, self.lan = lab, guest, Lan(lab)
        number = next(self.lan.ports)
        guest.script("echo hosts: files >/etc/nsswitch.conf")  # else names are asked of a server first
        guest.plug_into(self.lan.switch, f"port{number}")
        guest.ip(f"address add 192.168.{self.lan.number}.{number}/24 dev eth0")
        self.birch = MeshMember(lab, self.lan.host("birch")).start()

    def settings(self):
        """What of the guest is not to be another in the end."""
        return [self.guest.script(command)[1] for command in SETTINGS]


@pytest.fixture(scope="module")
def world():
    lab = Lab()
    guest = GuestHost()
    try:
        yield World(lab, guest)
    finally:
        lab.close()
        guest.close()


@pytest.fixture
def gale(world):
    """Begins anew in each test."""
    world.guest.script(f"rm -rf {FOLDER}")
    member = KernelMember(world.lab, world.guest, "gale")
    yield member
    member.stop()
    wait.until(lambda: not world.birch.living(), 40, "birch to be alone", 0.2)


def reach_each_other(gale, *others):
    """The kernel cannot send to a second address: a packet may be lost while the path tries others."""
    for other in others:
        for family in (4, 6):
            assert gale.reaches(other, 3, 10, family), f"gale -> {other.name}, IPv{family}: {gale.status()}"
            assert other.reaches(gale, 3, 10, family), f"{other.name} -> gale, IPv{family}: {other.status()}"
        assert gale.host.run("ping", "-n", "-c", "3", "-W", "10", f"{other.name}.home.warren")
        assert other.host.run("ping", "-n", "-c", "3", "-W", "10", f"{gale.name}.home.warren")


@pytest.mark.limit(240)
def test_a_member_on_the_kernel_and_one_on_the_engine_are_one_mesh(world, gale):
    before = world.settings()
    gale.start()
    all_alive([gale, world.birch], timeout=60)
    assert gale.status()["backend"] == "kernel" and world.birch.status()["backend"] == "engine"
    assert "wireguard" in world.guest.run("ip", "-d", "link", "show", "warren0")
    reach_each_other(gale, world.birch)
    done = gale.cli("down")
    assert done.returncode == 0, done
    wait.until(lambda: not gale.is_running(), SECONDS_TO_STOP, "it to end", 0.1)
    assert world.settings() == before
    assert world.guest.run("cat", "/etc/hosts") == HOSTS


@pytest.mark.limit(240)
def test_an_invitation_of_a_member_on_the_kernel(world, gale):
    """Its WireGuard's port hears no knocks: the invitation names its port for them."""
    gale.start()
    all_alive([gale, world.birch], timeout=60)
    invitation = gale.invite()
    cedar = MeshMember(world.lab, world.lan.host("cedar"), options=["--no-lan"])
    # Only the kernel's member lets it in.
    world.birch.stop()
    cedar.start("--join", invitation)
    try:
        all_alive([gale, cedar], timeout=60)
        reach_each_other(gale, cedar)
    finally:
        cedar.stop()
        world.birch.start()


@pytest.mark.limit(240)
def test_a_member_that_is_killed_finds_its_interface_again(world, gale):
    gale.start()
    all_alive([gale, world.birch], timeout=60)
    reach_each_other(gale, world.birch)
    gale.kill()
    assert world.birch.reaches(gale), "the kernel carries on without it"
    gale.start()
    all_alive([gale, world.birch], timeout=60)
    reach_each_other(gale, world.birch)
