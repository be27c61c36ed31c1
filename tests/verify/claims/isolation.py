"""Organisations with the same addresses know nothing of each other."""

import socket

from lab import tap
from packets import datagram
from stage import await_barrier

NUMBER = 4
TITLE = "Organisations with the same range cannot see or reach each other, spoofed sources included"
PORT = 7100


def run(stage):
    red, blue = stage.organisation("Red Cell"), stage.organisation("Blue Cell")
    red1, red2 = stage.pair(red, ("one", "two"))
    blue1, blue2 = stage.pair(blue, ("one", "two"))
    for org in (red, blue):
        org.set_policy("default allow\n")
    stage.say(f"Red Cell:  one {red1.address4}, two {red2.address4}; Blue Cell: one {blue1.address4}, two {blue2.address4}")
    stage.check((red1.address4, red2.address4) == (blue1.address4, blue2.address4), "both organisations use the same addresses")
    stage.check(red.made["hub_public_key"] != blue.made["hub_public_key"], "the hub has a key of its own for each")
    same_addresses(stage, (red1, red2), (blue1, blue2))
    spoofed(stage, red1, red2, (blue1, blue2))
    other_hub_key(stage, red, blue, red1)
    api(stage, red, blue)


def watch_all(machines):
    return tap.taps(*machines)


def udp_to(one, target, count, tag):
    with one.udp() as sock:
        for number in range(count):
            sock.sendto(tag + number.to_bytes(4, "big"), (target, PORT))


def same_addresses(stage, red, blue):
    """Each sends to the same address; each packet comes to its own organisation's machine."""
    with watch_all((*red, *blue)) as seen:
        udp_to(red[0], red[1].address4, 30, b"red!")
        udp_to(blue[0], blue[1].address4, 30, b"blue")
        await_barrier(red[0], red[1], seen[1])
        await_barrier(blue[0], blue[1], seen[3])
        came = {(name, tag): one.count(lambda p, tag=tag: not p.is_outgoing and p.target_port == PORT and p.payload.startswith(tag))
                for name, one in zip(("red one", "red two", "blue one", "blue two"), seen) for tag in (b"red!", b"blue")}
    stage.say(f"30 packets each to {red[1].address4}: red two got {came['red two', b'red!']} of red's and {came['red two', b'blue']} "
              f"of blue's; blue two got {came['blue two', b'blue']} of blue's and {came['blue two', b'red!']} of red's")
    stage.check(came["red two", b"red!"] == came["blue two", b"blue"] == 30, "each organisation's packets reach its own machine")
    stage.check(came["red two", b"blue"] == came["blue two", b"red!"] == came["red one", b"blue"] == came["blue one", b"red!"] == 0,
                "and none of the other's")


def spoofed(stage, a, b, others):
    """What an authenticated machine sends under another's address goes nowhere."""
    sources = {"another machine of its own organisation": b.address4, "an address that nobody has": "10.100.200.200",
               "the hub's address": "10.100.0.1", "an address of the internet": "203.0.113.7", "localhost": "127.0.0.1",
               "the broadcast address": "255.255.255.255"}
    machines = (b, *others)
    with watch_all((a, *machines)) as (near, *seen), raw_socket(a) as sock:
        for source in sources.values():
            for number in range(20):
                sock.sendto(datagram(source, b.address4, PORT + 1, b"spoofed" + bytes([number])), ("wg0", 0x0800))
        await_barrier(a, b, seen[0])
        sent = near.count(lambda p: p.is_outgoing and p.target_port == PORT + 1)
        came = sum(one.count(lambda p: not p.is_outgoing and p.target_port == PORT + 1) for one in seen)
    stage.say(f"{a.name} sent {sent} packets under the addresses of: {'; '.join(sources)}; {came} arrived anywhere")
    stage.check(sent == 20 * len(sources) and came == 0, "a packet under a source address that is not its machine's own reaches nobody")


def raw_socket(one):
    with one.host.net():
        return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)


def other_hub_key(stage, red, blue, red1):
    """A machine of red turns to the hub under blue's key: it is a stranger there."""
    key = blue.made["hub_public_key"]
    red1.wg(f"set wg0 peer {red1.hub_key} remove")
    red1.wg(f"set wg0 peer {key} endpoint 192.0.2.1:51820 allowed-ips 10.100.0.0/16")
    answered = red1.ping("10.100.0.3", 3, timeout=1.5)
    (row,) = red1.host.run("wg", "show", "wg0", "latest-handshakes").splitlines()
    stage.check(not answered and row.split()[1] == "0", "a machine that turns to the hub under another organisation's key gets no handshake")
    red1.wg(f"set wg0 peer {key} remove")
    red1.wg(f"set wg0 peer {red1.hub_key} endpoint 192.0.2.1:51820 allowed-ips {red1.fields['Peer']['AllowedIPs'].replace(', ', ',')}")
    red1.ping("10.100.0.3", 1)


def api(stage, red, blue):
    stage.person("rudi")
    stage.admin.put(f"{red.path}/members/rudi", {"role": "owner"})
    rudi = stage.browser("rudi", "correct horse battery staple")
    theirs = blue.machines()[0]
    tried = [("GET", blue.path), ("GET", f"{blue.path}/machines"), ("GET", f"{blue.path}/machines/{theirs['uid']}"),
             ("DELETE", f"{blue.path}/machines/{theirs['uid']}"), ("GET", f"{blue.path}/policy"),
             ("GET", f"{blue.path}/audit"), ("GET", f"{blue.path}/members"), ("DELETE", blue.path),
             # through the door of his own organisation
             ("GET", f"{red.path}/machines/{theirs['uid']}"), ("DELETE", f"{red.path}/machines/{theirs['uid']}")]
    statuses = [rudi.ask(method, path).status for method, path in tried]
    stage.say(f"red's owner asks for {len(tried)} things of blue: {' '.join(map(str, statuses))}")
    stage.check(set(statuses) == {404}, "for an owner of one the other is not there, through no door of the API")
    stage.check([one["label"] for one in rudi.get("/orgs")["items"]] == [red.label], "and his list of organisations has only his own")
    stage.check(len(blue.machines()) == 2, "nothing of the other was changed")
