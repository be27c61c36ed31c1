"""The hub is no way out: what leaves the server's other interfaces is captured there and beyond."""

import contextlib
import socket

from lab import host as hosts
from lab import tap, wait
from packets import datagram, datagram6
from stage import await_barrier

NUMBER = 10
TITLE = "No way to the internet: nothing leaves the server's other interfaces, captured"
OUTSIDE = "203.0.113.9"
TARGETS = (OUTSIDE, "8.8.8.8", "1.1.1.1", "192.0.2.1", "192.0.2.2", "198.51.100.1", "127.0.0.1", "169.254.169.254",
           "224.0.0.1", "255.255.255.255", "10.100.255.255", "10.100.99.99", "10.99.0.1", "0.0.0.0")
TARGETS6 = ("2001:db8:113::9", "2001:4860:4860::8888", "2001:db8:2::1", "::1", "ff02::1", "fe80::1")
EACH = 10
PORT = 7500


def run(stage):
    internet = stage.lab.host("internet")
    hosts.link(stage.host, "uplink", internet, "uplink")
    stage.host.ip("address add 203.0.113.1/24 dev uplink")
    stage.host.ip("address add 2001:db8:113::1/64 dev uplink nodad")
    internet.ip(f"address add {OUTSIDE}/24 dev uplink")
    internet.ip("address add 2001:db8:113::9/64 dev uplink nodad")
    stage.host.ip(f"route add default via {OUTSIDE}")
    stage.host.ip("-6 route add default via 2001:db8:113::9")
    for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        stage.host.sysctl(name, 1)
    stage.say(f"the server has a second interface with a default route to {OUTSIDE}, and its kernel forwards: the worst case")

    org = stage.organisation("Island Works")
    atlas, birch = stage.pair(org)
    org.set_policy("default allow\n")
    wide_open(atlas)
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(contextlib.closing(tap.Tap(stage.host, "uplink"))),
                stack.enter_context(contextlib.closing(tap.Tap(internet, "uplink")))]
        wires = stack.enter_context(contextlib.closing(tap.Tap(stage.host, "eth0")))
        near, far = stack.enter_context(tap.taps(atlas, birch))
        control(stage, ends)
        shout(atlas)
        await_barrier(atlas, birch, far)
        sent = near.count(lambda one: one.is_outgoing and one.target_port == PORT)
        left = [one.count(is_from_inside) for one in ends]
        answered = near.count(lambda one: not one.is_outgoing and one.source not in (birch.address4, birch.address6))
        on_wire = wires.count(lambda one: one.is_outgoing and is_from_inside(one))
        stray = far.count(lambda one: not one.is_outgoing and one.target_port == PORT)
    stage.say(f"{atlas.name} sent {sent} packets into its tunnel, to {len(TARGETS) + len(TARGETS6)} addresses outside its organisation's machines")
    stage.say(f"left through the server's second interface: {left[0]}; arrived beyond it: {left[1]}; left in clear through its first: {on_wire}; "
              f"at {birch.name}: {stray}; answers of any kind: {answered}")
    stage.check(sent >= EACH * (len(TARGETS) + len(TARGETS6)), "the packets really went into the tunnel")
    stage.check(left == [0, 0] and on_wire == 0, "not one of them left the hub")
    stage.check(stray == 0, "nor did one reach another machine")
    stage.check(answered == 0, "and nothing answered: neither the server's own addresses nor its loopback")
    services(stage, atlas)
    lost(stage, org)
    stage.host.ip("link delete uplink")
    org.delete()


def is_from_inside(one):
    return one.target_port == PORT or one.source.startswith("10.100.")


def control(stage, ends):
    """What the server itself sends out is seen: the capture works."""
    with stage.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _ in range(3):
            sock.sendto(b"control", (OUTSIDE, 9))
    seen = []
    for one in ends:
        one.until(lambda packet: packet.target_port == 9, what="the control packet")
        seen.append(one.count(lambda packet: packet.target_port == 9))
    stage.check(seen == [3, 3], "control: three packets of the server's own are captured there and beyond")


def wide_open(one):
    """The owner of the machine tries to send everything through the hub."""
    one.wg(f"set wg0 peer {one.hub_key} allowed-ips 0.0.0.0/0,::/0")


def shout(one):
    """Written to the tunnel as they are, so that no route of the machine's own keeps one back."""
    with one.host.net():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    with sock:
        for _ in range(EACH):
            for target in TARGETS:
                sock.sendto(datagram(one.address4, target, PORT, b"out"), ("wg0", 0x0800))
            for target in TARGETS6:
                sock.sendto(datagram6(one.address6, target, PORT, b"out"), ("wg0", 0x86dd))


def services(stage, one):
    """Programs that listen on every address of the server's host cannot be reached through the hub."""
    with stage.host.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("0.0.0.0", 7501))
        listener.listen(8)
        listener.settimeout(0.5)
        reached = []
        for target in ("10.100.0.1", "192.0.2.1", "203.0.113.1"):
            one.host.ip(f"route replace {target}/32 dev wg0")
            with one.host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
                sock.settimeout(0.7)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wg0\0")
                try:
                    sock.connect((target, 7501))
                    reached.append(target)
                except OSError:
                    pass
            one.host.ip(f"route delete {target}/32 dev wg0")
    stage.check(not reached, f"a service that listens on all of the server's addresses is not reached through the tunnel{' but at ' + str(reached) if reached else ''}")


def lost(stage, org):
    def counted():
        return sum(value for name, value in stage.server.metrics().items()
                   if "lost" in name and (org.label in name or org.uid in name))
    total = wait.until(counted, 5, "the hub's count of packets to nobody")
    stage.check(total > 0, f"the hub counted {total:.0f} packets as addressed to nobody of this organisation")
