"""Two hundred organisations at once, all with the same addresses, each with a pair of machines that works.

Some machines share a host, a tunnel each; a socket is bound to its tunnel, for all of them have the same address."""

import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import daemon, programs, sandbox
from lab.machine import for_wg

NUMBER = 8
TITLE = "200 organisations at once, each with a working pair of machines"
ORGS, CLIENTS, PORT = 200, 16, 7300
EVERY_GO = 10  # each tenth organisation has a wireguard-go
SECONDS = 60
FIRST_USER, PER_HOST = 61000, 25
OUTSIDE = {1: "198.51.100", 2: "203.0.113"}


def run(stage):
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        pairs = list(pool.map(lambda number: new_pair(stage, number), range(ORGS)))
    spent = time.monotonic() - began
    stage.say(f"{ORGS} organisations and {2 * ORGS} machines made through the API in {spent:.1f} s: {ORGS / spent:.0f} organisations a second")
    stage.check(len({org.made['hub_public_key'] for org, _, _ in pairs}) == ORGS, f"{ORGS} hub keys, all different, on one UDP port")
    stage.check({(a["address4"], b["address4"]) for _, a, b in pairs} == {("10.100.0.2", "10.100.0.3")}, "all of them have the same addresses")
    hosts = {at: [] for at in OUTSIDE}
    try:
        for at, outside in OUTSIDE.items():
            stage.host.ip(f"route add {outside}.0/24 dev eth0")
            for first in range(0, ORGS, PER_HOST):
                hosts[at].append(stage.plugged(f"crowd-{at}-{first}"))
                numbers = range(first, min(first + PER_HOST, ORGS))
                bring_up(hosts[at][-1], FIRST_USER + at * ORGS + first, outside, [
                    (number, pairs[number][at], "go" if number % EVERY_GO == 0 else "warren") for number in numbers])
        programs_ = sum(len(host.processes()) for side in hosts.values() for host in side)
        stage.say(f"{2 * ORGS} tunnels up on {2 * len(hosts[1])} hosts, {programs_} WireGuard programs, {ORGS // EVERY_GO * 2} of them wireguard-go")
        traffic(stage, *hosts.values())
        stage.say(f"the server holds {stage.server.memory() / 2**20:.0f} MiB")
    finally:
        for side in hosts.values():
            for host in side:
                host.end_all()
        for outside in OUTSIDE.values():
            stage.host.run("ip", "route", "delete", f"{outside}.0/24", check=False)
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda pair: pair[0].delete(), pairs))


def new_pair(stage, number):
    org = stage.organisation(f"Crowd {number}")
    return org, org.add("left"), org.add("right")


def bring_up(host, user, outside, tunnels):
    """One program a tunnel; then everything else in two calls."""
    for name in ("net.ipv4.conf.all.rp_filter", "net.ipv4.conf.default.rp_filter"):
        host.sysctl(name, 0)
    # Users that are not root may make tunnels on this host: its own node of the device, seen by nobody else.
    host.run("sh", "-ec", "chmod 1777 /run/wireguard; mknod -m 666 /run/wireguard/tun c 10 200; mount --bind /run/wireguard/tun /dev/net/tun")
    folder = sandbox.scratch("many")
    folder.chmod(0o755)
    start_as(host, user, folder, tunnels)
    lines, commands = [], []
    for number, made, _ in tunnels:
        name, mark, table = f"w{number}", number + 1, 1000 + number
        # Each machine is somewhere else outside too: by its mark it has a table of routes with a source of its own.
        (folder / name).write_text(for_wg(made["config"]).replace("[Interface]", f"[Interface]\nFwMark = {mark}", 1))
        commands.append(f"wg setconf {name} {folder}/{name}\n")
        lines += [f"address add {outside}.{mark}/32 dev eth0", f"rule add fwmark {mark} table {table}",
                  f"route add 192.0.2.0/24 dev eth0 src {outside}.{mark} table {table}",
                  f"address add {made['address4']}/32 dev {name}", f"link set {name} mtu 1420 up",
                  f"route add 10.100.0.0/16 dev {name} metric {mark}"]
    host.run("sh", "-e", input="".join(commands), timeout=60)
    host.run("ip", "-batch", "-", input="\n".join(lines) + "\n", timeout=60)


def start_as(host, user, folder, tunnels):
    """Under a user of its own, for the kernel gives each user 128 inotify(7) instances, and every program needs one."""
    program = {}
    for kind, path in (("go", programs.wireguard_go()), ("warren", programs.warren())):
        program[kind] = folder / Path(path).name
        shutil.copy(path, program[kind])
    env = daemon.environment({"WARREN_WORKERS": "1", "LOG_LEVEL": "error", "GOMAXPROCS": "1"})
    commands = "".join(f"{program[kind]} w{number}\n" for number, _, kind in tunnels)
    with open(folder / "said", "wb") as out:  # not a pipe, which wireguard-go would keep open
        done = subprocess.run(host.wrap("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all,+net_admin",
                                        "--ambient-caps=-all,+net_admin", "sh", "-e"), input=commands.encode(),
                              stdout=out, stderr=out, env=env, timeout=60)
    assert done.returncode == 0, (folder / "said").read_text()[-500:]


def traffic(stage, lefts, rights):
    """Every pair: a datagram with the organisation's own text there, and its answer back."""
    near, far = ([bound(side[number // PER_HOST], f"w{number}", port) for number in range(ORGS)] for side, port in ((lefts, 0), (rights, PORT)))
    sent, came, back, strays = [0] * ORGS, [0] * ORGS, [0] * ORGS, 0
    deadline = time.monotonic() + SECONDS
    while not all(back) and time.monotonic() < deadline:
        for number, sock in enumerate(near):
            if not back[number]:
                try:
                    sock.sendto(b"organisation %d" % number, ("10.100.0.3", PORT))
                    sent[number] += 1
                except OSError:
                    pass
        time.sleep(0.2)
        for number, sock in enumerate(far):
            for data, sender in drain(sock):
                if data == b"organisation %d" % number:
                    came[number] += 1
                    sock.sendto(data, sender)
                else:
                    strays += 1
        time.sleep(0.1)
        for number, sock in enumerate(near):
            for data, _ in drain(sock):
                if data == b"organisation %d" % number:
                    back[number] += 1
                else:
                    strays += 1
    for sock in near + far:
        sock.close()
    stage.say(f"sent {sum(sent)} datagrams in {ORGS} organisations; arrived {sum(came)}; answers {sum(back)}; in a wrong organisation {strays}")
    stage.check(all(back), f"every one of {ORGS} pairs exchanges packets through the hub" + (
        "" if all(back) else f"; not: {[number for number, count in enumerate(back) if not count][:10]}"))
    stage.check(strays == 0, "no packet came out in another organisation")


def bound(host, iface, port):
    sock = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, iface.encode() + b"\0")
    sock.bind(("10.100.0.3" if port else "10.100.0.2", port))
    sock.setblocking(False)
    return sock


def drain(sock):
    while True:
        try:
            yield sock.recvfrom(2048)
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            continue
