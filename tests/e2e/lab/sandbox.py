"""The sandbox of a whole test run: own mount, network and PID namespaces.

The run starts itself once more as PID 1 of a PID namespace.  So nothing that a
test does reaches the machine, and nothing outlives the run, however it ends:
the kernel ends every process of the namespace with its PID 1.
"""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "WARREN_E2E_INSIDE"

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def setns(fd, kind):
    if _libc.setns(fd, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def is_inside():
    return INSIDE in os.environ


def run_inside(argv):
    """Runs `argv` inside a new sandbox; returns its exit status."""
    unshare(CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        _become_first(argv)

    def forward(number, _frame):
        os.kill(pid, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _become_first(argv):
    """In the child: PID 1 of the sandbox, which turns into `argv`."""
    try:
        # Ctrl-C reaches this one through its parent only, once.
        os.setpgid(0, 0)
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        unshare(CLONE_NEWNS | CLONE_NEWNET)
        _mount("--make-rprivate", "/")
        _mount("-t", "proc", "proc", "/proc")
        _mount("-t", "sysfs", "sysfs", "/sys")
        _mount("-t", "tmpfs", "warren-e2e", "/run")
        for name in ("netns", "wireguard", "lock", "e2e"):
            os.mkdir(f"/run/{name}")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        env = dict(os.environ, **{INSIDE: "1", "TMPDIR": "/run/e2e", "LC_ALL": "C.UTF-8"})
        os.execvpe(argv[0], argv, env)
    except BaseException as error:  # a forked child must never return into its parent's code
        sys.stderr.write(f"the sandbox of the tests could not be made: {error}\n")
    os._exit(70)


def _mount(*args):
    subprocess.run(["mount", *args], check=True)


def scratch(name):
    """A new folder that is gone with the sandbox."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/run/e2e"))


def net_of(pid):
    """Which network namespace a process is in; None if it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except (FileNotFoundError, ProcessLookupError):
        return None


def processes():
    """{pid: command} of every live process of the sandbox but this one."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        pid = int(entry.name)
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state == "Z":
            continue
        if command:
            found[pid] = command
    return found
