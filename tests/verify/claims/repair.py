"""What the hub should hold is put right again, whoever damaged it: with a debugger, with ip(8), with kill -9."""

import time

import surgery
from lab import wait

NUMBER = 7
TITLE = "Self-repair: peers, routes, gateway namespaces and sockets removed from under the hub, and kill -9"
MOST = 5.0  # seconds until traffic is back
PATIENCE = 20.0
PACE = 0.02

# Where the server has just looked that all is well; the next look is seconds away.
FIND = """
break wr_hub_repair
continue
set $port = hub->engine->shared.port
set $device = $port->device_first
printf "remove %ld\\n", (long)&wr_peer_remove
printf "clear %ld\\n", (long)&wr_allowedips_remove_all
while $device
  set $peer = $device->peer_first
  while $peer
    printf "peer %ld %ld %ld %ld\\n", (long)$peer, (long)&$device->allowed, (long)&$peer->allowed, (long)&$port->retire
    set $peer = $peer->list_next
  end
  set $device = $device->list_next
end
delete breakpoints
""".strip().splitlines()


def run(stage):
    org = stage.organisation("Repair Works", network4="10.71.0.0/16")
    atlas, birch = stage.pair(org)
    org.set_policy("default allow\n")
    gateway = org.made["hub_address4"]
    wait.until(lambda: atlas.ping(gateway, 1, timeout=0.5), 10, "the gateway's first answer")

    outage(stage, "every peer removed from the hub's memory", atlas, birch.address4, lambda: to_each_peer(stage, "remove"))
    outage(stage, "the allowed addresses of every peer removed", atlas, birch.address4, lambda: to_each_peer(stage, "clear"))
    outage(stage, "the hub's UDP sockets closed", atlas, birch.address4, lambda: close_sockets(stage))
    outage(stage, "the gateway's interface deleted", atlas, gateway, lambda: delete_link(stage, org), must_stop=False)
    outage(stage, "the gateway's routes and addresses flushed", atlas, gateway, lambda: flush(stage, org), must_stop=False)
    outage(stage, "the gateway's namespace deleted", atlas, gateway, lambda: delete_namespace(stage, org), must_stop=False)
    wait.until(lambda: namespace_of(stage, org), MOST, "the namespace's name to be back")
    mended = repairs(stage)
    stage.say(f"the server counted {mended:.0f} repairs")
    stage.check(3 <= mended < 100, "and says so in its metrics")
    killed(stage, atlas, birch)
    outage(stage, "nothing: control", atlas, birch.address4, lambda: "nothing was done", must_stop=False)
    org.delete()


def outage(stage, what, one, target, damage, must_stop=True):
    """Damages, and measures how long `one` does not reach `target`."""
    said = damage()
    began = time.monotonic()
    lost = 0
    while time.monotonic() - began < PATIENCE:
        answered = one.ping(target, 1, timeout=0.3)
        if answered:
            if lost or not must_stop or time.monotonic() - began > MOST:
                break
            time.sleep(PACE)
        else:
            lost += 1
    spent = time.monotonic() - began
    stage.say(f"{what} ({said}): {lost} pings of {one.name} to {target} lost, traffic is back after {spent:.1f} s")
    if must_stop:
        stage.check(lost > 0, f"{what}: it stops traffic")
    if not stage.check(spent <= MOST, f"{what}: traffic is back within {MOST:.0f} s"):
        stage.server.stop()  # what comes next is another matter
        stage.server.start()
        wait.until(lambda: one.ping(target, 1, timeout=0.5), PATIENCE, f"an answer of {target}")


def to_each_peer(stage, what):
    """Calls a function of the server for each peer that its hub has in memory."""
    said, wrong = surgery.read(stage.server.pid, FIND)
    found = [line.split() for line in said.splitlines()]
    functions = {line[0]: int(line[1]) for line in found if len(line) == 2 and line[0] in ("remove", "clear")}
    peers = [[int(word) for word in line[1:]] for line in found if len(line) == 5 and line[0] == "peer"]
    assert peers and what in functions, f"gdb(1) does not find the hub's peers: {said[-500:]}{wrong[-500:]}"
    with surgery.Surgery(stage.server.pid) as server:
        for peer in peers:
            server.call(functions[what], *(peer[:1] if what == "remove" else peer[1:]))
    return f"{len(peers)} of them"


def close_sockets(stage):
    """Every UDP socket of the hub's port."""
    fds = hub_sockets(stage)
    assert fds, "no UDP socket of the hub's port is found"
    with surgery.Surgery(stage.server.pid) as server:
        for fd in fds:
            server.close(int(fd))
    return f"{len(fds)} of them"


def hub_sockets(stage):
    """File descriptors of the server's UDP sockets on its port."""
    inodes = set()
    for name in ("udp", "udp6"):
        with open(f"/proc/{stage.server.pid}/net/{name}", encoding="ascii") as lines:
            inodes |= {line.split()[9] for line in lines.readlines()[1:] if line.split()[1].endswith(":CA6C")}
    found = []
    for line in stage.host.run("ls", "-l", f"/proc/{stage.server.pid}/fd").splitlines():
        if any(f"socket:[{inode}]" in line for inode in inodes):
            found.append(line.split(" -> ")[0].split()[-1])
    return found


def namespace_of(stage, org):
    """The name under /run/netns of the organisation's gateway: it has the hub's address, and no other has that."""
    for path in stage.namespaces()[0]:
        name = path.rsplit("/", 1)[1]
        if org.made["hub_address4"] in stage.host.run("ip", "-netns", name, "-oneline", "address", "show", check=False):
            return name
    return None


def in_gateway(stage, org, *argv):
    name = wait.until(lambda: namespace_of(stage, org), 5, lambda: f"the gateway's namespace among {stage.namespaces()}")
    return stage.host.run("ip", "-netns", name, *argv)


def tun_of(stage, org):
    links = in_gateway(stage, org, "-oneline", "link", "show").splitlines()
    return next(line.split(": ")[1] for line in links if "LOOPBACK" not in line)


def delete_link(stage, org):
    name = tun_of(stage, org)
    in_gateway(stage, org, "link", "delete", name)
    return f"ip link delete {name}"


def flush(stage, org):
    space, name = namespace_of(stage, org), tun_of(stage, org)
    # In one go: after the first the hub is at work, and may give the namespace's name to another.
    stage.host.run("ip", "-netns", space, "-batch", "-", input=f"route flush table all\naddress flush dev {name}\n")
    return f"ip route flush table all; ip address flush dev {name}"


def delete_namespace(stage, org):
    name = namespace_of(stage, org)
    stage.host.run("ip", "netns", "delete", name)
    return f"ip netns delete {name}"


def repairs(stage):
    return stage.server.metrics()["warren_hub_repairs_total"]


def killed(stage, atlas, birch):
    listed = {one["uid"] for one in stage.admin.all("/orgs")}

    began = time.monotonic()
    stage.server.kill()
    stage.server.start()
    wait.until(lambda: atlas.ping(birch.address4, 1, timeout=0.2), 30, "traffic after kill -9")
    spent = time.monotonic() - began
    stage.say(f"kill -9 and start: traffic is back {spent:.1f} s after the kill; the machines were told nothing")
    stage.check(spent <= MOST, f"kill -9: traffic is back within {MOST:.0f} s")
    stage.check({one["uid"] for one in stage.admin.all("/orgs")} == listed, "kill -9: nothing that was answered is lost")
