"""A policy is in force when the call that saves it returns: a hundred times."""

import time

from lab import tap
from stage import await_barrier, matcher, send

NUMBER = 6
TITLE = "100 allow/deny flips, each checked by packets"
FLIPS, PACKETS, PORT = 100, 5, 7200
TEXTS = {True: "allow atlas -> birch udp 7200\ndefault allow\n", False: "deny atlas -> birch udp 7200\ndefault allow\n"}


def run(stage):
    org = stage.organisation("Flip Works")
    atlas, birch = stage.pair(org)
    wanted = matcher(atlas, birch, tap.UDP, PORT, 4)
    wrong, sent, came, times = [], {True: 0, False: 0}, {True: 0, False: 0}, []
    with tap.taps(atlas, birch) as (near, far):
        for number in range(FLIPS):
            is_allowed = number % 2 == 1
            began = time.monotonic()
            org.set_policy(TEXTS[is_allowed])
            times.append(time.monotonic() - began)
            send(atlas, birch, tap.UDP, PORT, PACKETS, 4)
            await_barrier(atlas, birch, far)
            out = near.count(lambda one: one.is_outgoing and wanted(one))
            arrived = far.count(lambda one: not one.is_outgoing and wanted(one))
            sent[is_allowed] += out
            came[is_allowed] += arrived
            if arrived != (out if is_allowed else 0) or out != PACKETS:
                wrong.append((number, is_allowed, out, arrived))
            near.forget()
            far.forget()
    times.sort()
    stage.say(f"{FLIPS} saves, median {times[FLIPS // 2] * 1e3:.1f} ms, slowest {times[-1] * 1e3:.1f} ms until in force; one flow, never restarted")
    stage.say(f"while allowed: sent {sent[True]}, arrived {came[True]}; while denied: sent {sent[False]}, arrived {came[False]}")
    for number, is_allowed, out, arrived in wrong[:5]:
        stage.say(f"flip {number} ({'allow' if is_allowed else 'deny'}): sent {out}, arrived {arrived}")
    stage.check(not wrong, f"after each of {FLIPS} saves the very next packets obey it")
    versions = org.api.all(f"{org.path}/policy/versions")
    stage.check(len(versions) >= FLIPS, "each version is kept")
    org.delete()
