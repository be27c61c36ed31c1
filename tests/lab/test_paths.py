"""From the relay to a direct path and back, with a flow of packets under way."""

import threading
import time

import pytest
from member import Network, settle

from lab import wait

INTERVAL = 0.01  # a hundred packets a second


class Flow:
    """Numbered datagrams from one member to another, and which of them came."""

    def __init__(self, a, b, port=7777):
        self.far = b.host.socket(2, 2)
        self.far.bind((b.address, port))
        self.far.settimeout(0.2)
        self.near = a.host.socket(2, 2)
        self.to = (b.address, port)
        self.sent, self.came = {}, {}
        self.ends = threading.Event()
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        number, due = 0, time.monotonic()
        while not self.ends.is_set():
            self.sent[number] = time.monotonic()
            try:
                self.near.sendto(number.to_bytes(8, "big") + bytes(92), self.to)
            except OSError:
                pass
            number += 1
            due += INTERVAL
            time.sleep(max(0, due - time.monotonic()))

    def _receive(self):
        last = None
        while not self.ends.is_set() or last is None or time.monotonic() - last < 0.5:
            try:
                data = self.far.recv(2048)
            except TimeoutError:
                if self.ends.is_set():
                    return
                continue
            last = time.monotonic()
            self.came.setdefault(int.from_bytes(data[:8], "big"), last)

    def stop(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()
        self.near.close()
        self.far.close()
        return self

    def lost(self, since=0.0, until=float("inf")):
        return [number for number, when in self.sent.items() if number not in self.came and since <= when < until - 0.5]

    def gap(self):
        """The longest time in which nothing came."""
        times = sorted(self.came.values())
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf"))


@pytest.mark.parametrize("kinds", [("port", "port"), ("address", "full")], ids="-".join)
def test_a_flow_moves_to_the_direct_path_without_loss(internet, kinds):
    network = Network(internet)
    a = network.join(internet.host(kinds[0], "atlas"))
    b = network.join(internet.host(kinds[1], "birch"))
    settle(a, b)
    began = time.monotonic()
    assert a.reaches(b, 1), "the first packet waits for a handshake, and comes"
    flow = Flow(a, b)
    wait.until(lambda: a.path(b) == "direct" and b.path(a) == "direct", 10, "a direct path", 0.02)
    took = time.monotonic() - began
    time.sleep(1)
    flow.stop()
    assert not flow.lost(), f"{len(flow.lost())} of {len(flow.sent)} lost"
    assert took < 4, f"it took {took:.1f} s"


def test_a_direct_path_that_is_cut_goes_back_to_the_relay(internet):
    network = Network(internet)
    a = network.join(internet.host("port", "atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    b.wait_path(a, "direct")
    flow, back = Flow(a, b), Flow(b, a, 7778)
    time.sleep(0.5)
    internet.cut("198.51.1.2", "198.51.2.2")
    wait.until(lambda: a.path(b) == "relayed" and b.path(a) == "relayed", 15, "the relay", 0.05)
    time.sleep(1)
    internet.mend()
    flow.stop()
    back.stop()
    assert max(flow.gap(), back.gap()) < 7, f"{flow.gap():.1f} s, {back.gap():.1f} s without a packet"
    a.wait_path(b, "direct", 15)


def test_hosts_of_one_lan_meet_there(internet):
    network = Network(internet)
    site = internet.site("port")
    a = network.join(site.host("atlas"))
    b = network.join(site.host("birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    assert a.peer(b)["endpoint"].startswith(site.lan)


def test_ping_says_which_path_and_why(internet):
    network = Network(internet)
    a = network.join(internet.host("symmetric", "atlas"))
    b = network.join(internet.host("port", "birch"))
    c = network.join(internet.host("public", "cedar"))
    settle(a, b, c)
    done = a.cli("ping", "cedar")
    assert done.returncode == 0 and "directly at" in done.stdout, done
    done = a.cli("ping", "-c", "4", "birch")
    assert done.returncode == 0 and "over the relay" in done.stdout and "not direct: " in done.stdout, done


def test_addresses_change(internet):
    """A laptop that is carried from one network to another."""
    network = Network(internet)
    old, new = internet.site("port"), internet.site("full")
    a = network.join(old.host("atlas"))
    b = network.join(internet.host("port", "birch"))
    settle(a, b)
    a.wait_path(b, "direct")
    flow, back = Flow(a, b), Flow(b, a, 7778)
    time.sleep(0.3)
    carry(a.host, new)
    a.wait_path(b, "direct", 20)
    time.sleep(1)
    flow.stop()
    back.stop()
    assert max(flow.gap(), back.gap()) < 10, f"{flow.gap():.1f} s, {back.gap():.1f} s without a packet"


def carry(host, site):
    """Takes the host's cable out of its router and puts it into another's."""
    from lab import host as hosts

    host.ip("link del eth0")
    number = next(site.hosts)
    hosts.link(host, "eth0", site.router, f"lan{number}", site.mtu)
    site.router.ip(f"link set lan{number} master lan")
    host.ip(f"address add {site.lan}.{number}/24 dev eth0")
    host.ip(f"route add default via {site.lan}.1")


def test_where_udp_is_blocked_datagrams_travel_over_the_channel(internet):
    network = Network(internet)
    a = network.join(internet.host("blocked", "atlas"))
    b = network.join(internet.host("port", "birch"))
    wait.until(lambda: a.status()["hub"]["way"] == "channel", 30, "the channel")
    settle(a, b)
    assert len(a.reaches(b)) == 3
    assert a.path(b) == "relayed"
    assert "UDP is blocked" in a.cli("status").stdout


