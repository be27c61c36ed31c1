"""Debian's kernel and an initramfs with its WireGuard, for the guest.

The kernel's package is downloaded and unpacked into the cache, not installed.
The initramfs is made once for each combination of what goes into it.
"""

import fcntl
import hashlib
import lzma
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

META_PACKAGE = "linux-image-amd64"
MODULES = ["virtio_pci", "virtio_net", "virtio_console", "wireguard", "veth", "tun",
           # crc32c_generic is looked up by name.
           "crc32c_generic", "nf_tables", "nft_ct", "nft_chain_nat", "nft_masq"]
PROGRAMS = ["/usr/sbin/ip", "/usr/bin/wg", "/usr/bin/ping", "/usr/bin/socat"]
APPLETS = ["sh", "mount", "mkdir", "cat", "echo", "head", "base64", "sha256sum", "insmod", "sleep", "rm", "ln", "mv", "kill",
           "ls", "setsid", "dmesg", "sysctl", "poweroff", "wc", "tail", "true", "netstat", "test", "grep"]

# Answers each line, a base64 shell script, with one line: status, output, errors; the last two in base64.
INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
ln -s /proc/self/fd/0 /dev/stdin
for module in $(cat /modules); do insmod $module; done
ip link set lo up
sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
until ls /dev/vport*; do sleep 0.1; done >/tmp/port 2>&1
exec 3<>"$(tail -n 1 /tmp/port)"
echo ready >&3
while read -r line <&3; do
	echo "$line" | base64 -d >/tmp/command
	sh /tmp/command >/tmp/output 2>/tmp/errors </dev/null 3>&-
	echo "$? $(base64 -w 0 /tmp/output) $(base64 -w 0 /tmp/errors) ." >&3
done
"""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "warren/guest"


def image():
    """(vmlinux, initramfs); made on first use, which needs the package mirror."""
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = _kernel()
        return _vmlinux(kernel), _initramfs(kernel)


def _kernel():
    kernel = cache() / "kernel"
    if not kernel.exists():
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            _download(work)
            shutil.move(f"{work}/root", kernel)
    return kernel


def _download(work):
    depends = _output("apt-cache", "depends", META_PACKAGE)
    package = next((line.split()[-1] for line in depends.splitlines() if "Depends: linux-image" in line), None)
    if not package:
        raise AssertionError(f"apt knows no {META_PACKAGE}: run apt-get update")
    _output("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package, cwd=work)
    (deb,) = Path(work).glob("*.deb")
    _output("dpkg-deb", "-x", str(deb), f"{work}/root")
    _output("depmod", "-b", f"{work}/root", _release(Path(work) / "root"))


def _vmlinux(kernel):
    """Unpacked here, since the emulated machine takes seconds for it; QEMU starts it at its PVH entry."""
    made = kernel / "vmlinux"
    if not made.exists():
        (vmlinuz,) = (kernel / "boot").glob("vmlinuz-*")
        packed = vmlinuz.read_bytes()
        # Linux, Documentation/x86/boot.rst: setup_sects, payload_offset and payload_length.
        start = (packed[0x1f1] + 1) * 512
        offset, length = struct.unpack_from("<II", packed, 0x248)
        new = made.with_suffix(".new")
        try:
            new.write_bytes(lzma.LZMADecompressor().decompress(packed[start + offset:start + offset + length]))
        except lzma.LZMAError as error:
            raise AssertionError(f"{vmlinuz} is not packed by xz, as Debian 12 has it") from error
        new.rename(made)
    return made


def _output(*argv, **options):
    done = subprocess.run(argv, text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {done.stderr}")
    return done.stdout


def _release(root):
    (modules,) = (root / "lib/modules").iterdir()
    return modules.name


def _module_files(kernel):
    """Paths of MODULES and what they need, in the order in which they are to be loaded."""
    root = kernel / "lib/modules" / _release(kernel)
    needs = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    builtin = {Path(line).name.split(".")[0].replace("-", "_") for line in
               (root / "modules.builtin").read_text().splitlines()}
    ordered = []
    for name in MODULES + _fast_crypto(by_name):
        if name in by_name:
            # modules.dep names the nearest need first: the furthest must be loaded first.
            for path in [*reversed(needs[by_name[name]]), by_name[name]]:
                if path not in ordered:
                    ordered.append(path)
        elif name not in builtin:
            raise AssertionError(f"Debian's kernel has no module {name}")
    return [root / path for path in ordered]


def _fast_crypto(by_name):
    return [name for name in ("curve25519_x86_64", "chacha_x86_64", "poly1305_x86_64") if name in by_name]


def _libraries(program):
    """Shared libraries of `program`, and its loader."""
    words = _output("ldd", program).split()
    return sorted({word for word in words if word.startswith("/")})


def _initramfs(kernel):
    modules = _module_files(kernel)
    busybox = shutil.which("busybox")
    files = [busybox, *PROGRAMS, *(lib for program in PROGRAMS for lib in _libraries(program))]
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in [*files, *modules]:
        stat = os.stat(path)
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    made = cache() / f"initramfs-{digest.hexdigest()[:16]}"
    if not made.exists():
        for old in cache().glob("initramfs-*"):
            old.unlink()
        with tempfile.TemporaryDirectory(dir=cache()) as work:
            _fill(Path(work), busybox, files, modules)
            _pack(Path(work), made)
    return made


def with_programs(initramfs, programs, made):
    """Writes to `made` an initramfs that holds more programs, with their libraries: the kernel unpacks one archive
    after the other. Nothing is compressed, which saves the emulated machine seconds."""
    with tempfile.TemporaryDirectory(dir=made.parent) as work:
        _copy(Path(work), [*programs, *(lib for program in programs for lib in _libraries(program))])
        for program in programs:
            _output("strip", "--strip-debug", work + program)
        made.write_bytes(_archive(Path(work)) + initramfs.read_bytes())
    return made


def _copy(root, files):
    for path in files:
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def _fill(root, busybox, files, modules):
    for folder in ("bin", "proc", "sys", "dev", "run", "tmp", "var", "modules.d"):
        (root / folder).mkdir()
    (root / "var/run").symlink_to("/run")
    _copy(root, files)
    shutil.copy(busybox, root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for path in modules:
        shutil.copy(path, root / "modules.d" / path.name)
    (root / "modules").write_text("".join(f"/modules.d/{path.name}\n" for path in modules))
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)


def _archive(root):
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(), cwd=root,
                          capture_output=True, check=True).stdout


def _pack(root, made):
    new = made.with_suffix(".new")
    new.write_bytes(_archive(root))
    new.rename(made)
