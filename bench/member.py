"""What an agent costs: its memory with a hundred peers on the kernel's WireGuard (in an emulated machine with Debian's
kernel), and what it sends, and how often it wakes, where nothing happens (on the engine, in namespaces).

They live in the lab of the tests, which has a sandbox of its own: measure() starts this file once more, which prints
JSON."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[1]
PEERS = 100
IDLE_PEERS = 3
IDLE_SECONDS = 310  # a handshake each two minutes, and a sign of life of the channel each five
SETTLE_SECONDS = 25
DAY = 86_400
COUNTERS = {"all_udp": "meta l4proto udp", "all_tcp": "meta l4proto tcp", "all_ip": ""}


def measure(build: Path, quick: bool) -> list:
    """Lines for `script/bench agents`."""
    from .agents import Line
    from .errors import BenchError

    done = subprocess.run([sys.executable, "-B", str(TREE / "bench/member.py"), "memory", "idle", *(["quick"] if quick else [])],
                          env={**os.environ, "WARREN_BIN": str(build / "warren-wg")}, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"bench/member.py: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    memory, idle = found["memory"], found["idle"]
    return [
        Line(f"resident memory of an agent with {memory['peers']} peers, kernel's WireGuard", memory["VmRSS"] / 2**20, "MiB", 8),
        Line("of it its own (RssAnon)", memory["RssAnon"] / 2**20, "MiB"),
        # The guest's files are in memory themselves: RssFile does not have them.
        Line("of it the program's and libraries' files", (memory["VmRSS"] - memory["RssAnon"]) / 2**20, "MiB"),
        Line(f"an idle agent in a day, UDP and TCP with headers ({idle['seconds']:.0f} s scaled)", idle["bytes_a_day"] / 1e6, "MB", 1),
        Line("of it UDP", idle["all_udp"] * idle["days"] / 1e6, "MB"),
        Line("of it TCP", idle["all_tcp"] * idle["days"] / 1e6, "MB"),
        Line("an idle agent's wake-ups a second (voluntary context switches)", idle["wakes_a_second"], "/s"),
    ]


# ---- in the sandbox ----


def strangers(network, number: int) -> None:
    """Members that have joined, and that are not there."""
    import base64

    raw = network.key("--uses", str(number))[4:]
    secret = base64.urlsafe_b64encode(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4))[34:54]).decode().rstrip("=")
    local = network.server.local()
    for one in range(number):
        local.post("/join", {"secret": secret, "name": f"stranger-{one}", "public_key": base64.b64encode(os.urandom(32)).decode()})


def memory(lab) -> dict:
    from guest_member import GuestHost, GuestMember
    from internet import Internet
    from member import Network

    guest = lab.keep(GuestHost())
    internet = Internet(lab)
    guest.plug(internet.site("port"))
    network = Network(internet)
    strangers(network, PEERS)
    gale = lab.keep(GuestMember(network, guest, "gale"))
    gale.join(network.key("--uses", "1"))
    gale.wait_connected(60)
    count = len(gale.status()["peers"])
    time.sleep(SETTLE_SECONDS)
    found = {"peers": count, **gale.memory()}
    if os.environ.get("WARREN_BENCH_SMAPS"):
        print(guest.script(f"cat /proc/$(cat {gale.pid_file})/smaps")[1], file=sys.stderr)
    return found


def settled(network, internet) -> list:
    from member import settle

    members = [network.join(internet.host("port", f"idle-{number}")) for number in range(IDLE_PEERS + 1)]
    settle(*members)
    time.sleep(SETTLE_SECONDS)
    return members


def wakes(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.MULTILINE)[1])
    return total


def counted(host) -> dict[str, int]:
    listed = json.loads(host.run("nft", "-j", "list", "counters"))["nftables"]
    return {one["counter"]["name"]: one["counter"]["bytes"] for one in listed if "counter" in one}


def idle(lab, seconds: float) -> dict:
    """Bytes of IP packets, so with the headers of IP, UDP and TCP, that pass the wide area network's side of its router."""
    from internet import Internet
    from member import Network

    internet = Internet(lab)
    network = Network(internet)
    member = settled(network, internet)[0]
    outside, core = member.host.site.outside, internet.core
    core.nft("forward", *(f"ip {side} {outside} {match} counter name {name}" for side in ("saddr", "daddr")
                          for name, match in COUNTERS.items()),
             counters=COUNTERS)
    pid = member.process.pid
    began, woken = time.monotonic(), wakes(pid)
    time.sleep(seconds)
    took, woken = time.monotonic() - began, wakes(pid) - woken
    found = counted(core)
    days = DAY / took
    return {"seconds": took, "days": days, **found, "bytes_a_day": found["all_ip"] * days, "wakes_a_second": woken / took}


def main() -> int:
    for folder in ("tests/e2e", "tests/lab"):
        sys.path.insert(0, str(TREE / folder))
    from lab import guest_image, sandbox
    from lab.lab import Lab

    wanted = sys.argv[1:]
    if not sandbox.is_inside():
        if "memory" in wanted:
            guest_image.image()  # the sandbox has no way out
        return sandbox.run_inside([sys.executable, "-B", *sys.argv])
    found = {}
    for name in ("memory", "idle"):
        if name not in wanted:
            continue
        lab = Lab()
        try:
            found[name] = memory(lab) if name == "memory" else idle(lab, 60 if "quick" in wanted else IDLE_SECONDS)
        finally:
            lab.close()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
