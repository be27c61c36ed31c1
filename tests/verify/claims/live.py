"""A policy that is toggled under live traffic: what it denies stops at once, what it allows loses nothing."""

import threading
import time

from lab import traffic, wait

NUMBER = 9
TITLE = "Policy toggled under live traffic: denied flows stop at once, allowed ones lose no packet"
TOGGLES, RATE, OPEN, TOGGLED = 40, 200, 7400, 7401
TEXTS = {True: f"allow * -> * udp {TOGGLED}\ndefault allow\n", False: f"deny * -> * udp {TOGGLED}\ndefault allow\n"}


class Flow:
    """Numbered datagrams at a steady pace, with the times of sending and of arrival."""

    def __init__(self, a, b, port):
        self.near, self.far = a.udp(), b.udp(port=port)
        self.target = (b.address4, port)
        self.sent, self.came = [], []  # time by number; (number, time)
        self.is_ending = threading.Event()
        self.far.settimeout(1.5)
        self.threads = [threading.Thread(target=part, daemon=True) for part in (self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        due = time.monotonic()
        while not self.is_ending.is_set():
            self.sent.append(time.monotonic())
            self.near.sendto((len(self.sent) - 1).to_bytes(8, "big") + bytes(92), self.target)
            due += 1 / RATE
            time.sleep(max(0, due - time.monotonic()))

    def _receive(self):
        while True:
            try:
                data = self.far.recv(2048)
            except TimeoutError:
                if self.is_ending.is_set():
                    return
                continue
            self.came.append((int.from_bytes(data[:8], "big"), time.monotonic()))

    def end(self):
        self.is_ending.set()
        for thread in self.threads:
            thread.join(10)
        self.near.close()
        self.far.close()


def run(stage):
    org = stage.organisation("Live Works")
    atlas, birch = stage.pair(org)
    org.set_policy(TEXTS[True])
    steady, toggled = Flow(atlas, birch, OPEN), Flow(atlas, birch, TOGGLED)
    stream = traffic.Stream(atlas.host, birch.host, birch.address4)
    stream.wait_for(1 << 20)
    denied = []  # (time at which the save returned, time at which the next was begun)
    slowest = 0
    for number in range(TOGGLES):
        is_allowed = number % 2 == 1
        if is_allowed:
            # What was sent until here is judged before the next save: the steady flow, which is behind it, arrives.
            denied[-1] = (denied[-1][0], time.monotonic())
            await_next(steady)
        began = time.monotonic()
        org.set_policy(TEXTS[is_allowed])
        ended = time.monotonic()
        slowest = max(slowest, ended - began)
        if not is_allowed:
            denied.append((ended, None))
        time.sleep(0.1)
    stream.wait_for(1 << 20)
    stream.end()
    steady.end()
    toggled.end()
    judge(stage, steady, toggled, denied, stream, slowest)
    org.delete()


def await_next(flow):
    """Returns when a packet that is sent from now on has arrived."""
    wanted = len(flow.sent) + 1
    wait.until(lambda: flow.came and flow.came[-1][0] >= wanted, 5, "the steady flow", 0.001)


def judge(stage, steady, toggled, denied, stream, slowest):
    missing = sorted(set(range(len(steady.sent))) - {number for number, _ in steady.came})
    lost = len(missing)
    stage.say(f"{TOGGLES} saves under traffic, the slowest took {slowest * 1e3:.1f} ms")
    stage.say(f"the allowed flow: sent {len(steady.sent)}, arrived {len(steady.sent) - lost}, lost {lost}")
    if missing:
        stage.say(f"lost were, by number: {missing[:20]}{' and more' if lost > 20 else ''}; longest time between two arrivals "
                  f"{max(b[1] - a[1] for a, b in zip(steady.came, steady.came[1:])) * 1e3:.0f} ms")
    stage.say(f"a TCP stream beside it: {stream.received:,} bytes, longest pause {stream.longest_stall * 1e3:.0f} ms")
    late = [number for number, at in toggled.came for start, end in denied
            if end and start < toggled.sent[number] < end]
    offered = sum(1 for at in toggled.sent for start, end in denied if end and start < at < end)
    trailing = [at - start for _, at in toggled.came for start, end in denied if end and start < at < end]
    stage.say(f"the toggled flow: sent {len(toggled.sent)}, arrived {len(toggled.came)}; of {offered} sent while denied arrived {len(late)}")
    if trailing:
        stage.say(f"last arrival after a save that denies had returned: {max(trailing) * 1e3:.1f} ms (sent before it)")
    stage.check(lost == 0, "the allowed flow lost not one packet")
    stage.check(stream.error is None and stream.received == stream.sent, "the TCP stream lost not one byte")
    stage.check(offered > 0 and not late, "nothing that was sent after the save had returned arrived")
    stage.check(len(toggled.came) > 0.2 * len(toggled.sent), "and each allow let the same flow go on")
