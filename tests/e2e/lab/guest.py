"""A virtual machine with the kernel's own WireGuard, beside a host of the sandbox.

Commands run in it one at a time, over a virtio serial port."""

import base64
import shlex
import socket
import subprocess
from pathlib import Path

from . import guest_image, sandbox, tunnel, wait
from .host import CommandFailed, Host

SECONDS_TO_BOOT = 120  # about 6 on an idle machine, emulated
PROGRAMS = {Path(path).name: path for path in guest_image.PROGRAMS}


class Guest:
    """`gate` is the host at the other end of its network cable: interface `tap0` there, `eth0` in the guest."""

    name = "guest"

    def __init__(self, programs=()):
        """`programs` are there under the same paths as here."""
        vmlinux, initramfs = guest_image.image()
        self.gate = Host("gate")
        self.gate.ip("tuntap add tap0 mode tap")
        self.gate.ip("link set tap0 up")
        self.work = sandbox.scratch("guest")
        if programs:
            initramfs = guest_image.with_programs(initramfs, programs, self.work / "initramfs")
        self.console = self.work / "console"
        with open(self.work / "qemu", "wb") as log:
            self.process = self.gate.popen(
                "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "256", "-nodefaults",
                "-display", "none", "-no-reboot", "-kernel", vmlinux, "-initrd", initramfs,
                "-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on",
                "-serial", f"file:{self.console}",
                "-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no",
                "-device", "virtio-net-pci,netdev=net,romfile=",
                "-chardev", f"socket,id=control,path={self.work}/control,server=on,wait=off",
                "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=control,name=control",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connect(self._control)
        except BaseException:
            self.close()
            raise

    def _connect(self, control):
        wait.until(lambda: self._has_ended() or not control.connect_ex(f"{self.work}/control"), 10, "QEMU")
        self._lines = control.makefile("rb")
        control.settimeout(SECONDS_TO_BOOT)
        if self._lines.readline() != b"ready\n":
            raise AssertionError(f"the guest does not start: {self.said()}")

    def _has_ended(self):
        return self.process.poll() is not None

    def said(self):
        return "".join(path.read_text(errors="replace") for path in (self.work / "qemu", self.console) if path.exists())

    def script(self, text, timeout=60):
        """Runs a shell script in the guest: (status, output, errors)."""
        self._control.settimeout(timeout)
        self._control.sendall(base64.b64encode(text.encode()) + b"\n")
        try:
            status, output, errors = self._lines.readline().decode().rstrip(".\n").split(" ")[:3]
        except TimeoutError as error:
            raise AssertionError(f"the guest did not end this in {timeout} s, and takes no other command: {text}") from error
        return int(status), *(base64.b64decode(part).decode(errors="replace") for part in (output, errors))

    def try_run(self, *argv, input=None, timeout=60):
        # busybox's shell takes its own applets first; the whole path names the real programs.
        command = shlex.join([PROGRAMS.get(argv[0], argv[0]), *map(str, argv[1:])])
        if input is not None:
            command = f"echo {base64.b64encode(input.encode()).decode()} | base64 -d | {command}"
        status, output, errors = self.script(command, timeout)
        return subprocess.CompletedProcess(argv, status, output, errors)

    def run(self, *argv, input=None, timeout=60):
        done = self.try_run(*argv, input=input, timeout=timeout)
        if done.returncode != 0:
            raise CommandFailed(f"guest: {' '.join(map(str, argv))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def ip(self, *args):
        return self.run("ip", *" ".join(map(str, args)).split())

    def ping(self, address, count, size, timeout):
        """Which of `count` echo requests were answered: their numbers, from 1.

        One a command: ping(8) waits its whole -W only where nothing was answered yet, and for ever if that is 0."""
        timeout = max(1, timeout)
        one = f"{PROGRAMS['ping']} -n -c 1 -W {timeout:g} -s {size} {address}"
        _, output, _ = self.script(f"for number in {' '.join(map(str, range(1, count + 1)))}; do "
                                   f"{one} >/dev/null && echo $number; done", 30 + count * timeout)
        return {int(number) for number in output.split()}

    def is_listening(self, port):
        """The kernel's WireGuard listens as soon as its interface is up."""
        return True

    def end(self, number, outer):
        """An end whose WireGuard is the kernel's; the one of an earlier test goes."""
        self.try_run("ip", "link", "del", "wg0")
        self.ip("link add wg0 type wireguard")
        end = tunnel.End(self, number)
        end.outer = outer
        return end

    def serve(self, script):
        """Starts a shell script that goes on by itself; ends the one of before."""
        self.script("kill -- -$(cat /tmp/server.pid); rm -f /tmp/server.*")
        quoted = shlex.quote(f"echo $$ >/tmp/server.pid; {script}")
        self.script(f"setsid sh -c {quoted} >/tmp/server.out 2>&1 &")

    def close(self):
        self._control.close()
        self.process.kill()
        self.process.wait()
        self.gate.close()
