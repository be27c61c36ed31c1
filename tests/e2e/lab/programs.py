"""Which programs are under test, and which they are tested against."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
TOOLS = TREE / "tests/e2e/tools"


class Missing(AssertionError):
    """Something that the tests need is absent."""


def _executable(variable, default, how):
    path = Path(os.environ.get(variable) or TREE / default).absolute()
    if not os.access(path, os.X_OK):
        raise Missing(f"{path} is no program; {how}, or set {variable}")
    return str(path)


def warren():
    """The `warren-wg` under test."""
    return _executable("WARREN_BIN", "build/warren-wg", "build it with script/build")


def warren_cli():
    """The `warren` that belongs to the `warren-wg` under test."""
    path = Path(warren()).with_name("warren")
    if not path.exists():
        raise Missing(f"{path} is missing beside {warren()}")
    return str(path)


def warren_with_hooks():
    """A `warren-wg` whose timers WARREN_TEST_TIME_SCALE shortens."""
    return _executable("WARREN_HOOKS_BIN", "build/tests/hooks/warren-wg", "build it with script/build")


@functools.cache
def wireguard_go():
    done = subprocess.run([TOOLS / "get-wireguard-go"], text=True, capture_output=True)
    if done.returncode != 0:
        raise Missing(f"wireguard-go (Debian package wireguard-go) cannot be fetched: {done.stderr}")
    return done.stdout.splitlines()[0]


@functools.cache
def promtool():
    done = subprocess.run([TOOLS / "get-promtool"], text=True, capture_output=True)
    if done.returncode != 0:
        raise Missing(f"promtool (Debian package prometheus) cannot be fetched: {done.stderr}")
    return done.stdout.strip()


PACKAGES = {
    "wg": "wireguard-tools", "wg-quick": "wireguard-tools", "ip": "iproute2", "ping": "iputils-ping",
    "nft": "nftables", "nsenter": "util-linux", "unshare": "util-linux", "busybox": "busybox-static",
    "qemu-system-x86_64": "qemu-system-x86", "cpio": "cpio", "depmod": "kmod", "dig": "bind9-dnsutils", "setpriv": "util-linux",
}


def missing_tools():
    """What to tell about the tools that this machine lacks; empty if it lacks none."""
    return "".join(f"{tool} is missing: install the Debian package {package}\n"
                   for tool, package in PACKAGES.items() if not shutil.which(tool))
