"""Machines that are added at once never get the same address."""

import ipaddress
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lab import tap
from stage import Organisation
from lab.machine import Machine

NUMBER = 5
TITLE = "200 machines added in parallel, no collision"
MACHINES, CLIENTS = 200, 50


def run(stage):
    org = stage.organisation("Parallel Works")
    start = threading.Barrier(CLIENTS)

    def add(number):
        if number < CLIENTS:
            start.wait(30)  # all of them at the same moment
        return org.add("branch")

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        made = list(pool.map(add, range(MACHINES)))
    spent = time.monotonic() - began
    stage.say(f"{CLIENTS} clients added {MACHINES} machines, all called \"branch\", in {spent:.2f} s: {MACHINES / spent:.0f} a second")
    listed = org.machines()
    for what in ("uid", "label", "public_key", "address4", "address6"):
        known = {one[what] for one in made}
        stage.check(len(known) == MACHINES and None not in known and known == {one[what] for one in listed},
                    f"{MACHINES} different values of {what}, the same in the answers and in the listing")
    network = ipaddress.ip_network(org.made["network4"])
    addresses = sorted(ipaddress.ip_address(one["address4"]) for one in made)
    stage.say(f"addresses {addresses[0]} to {addresses[-1]}")
    stage.check(addresses == [network[0] + 2 + number for number in range(MACHINES)], "they are the lowest of the range after the hub's, without a gap")
    some_work(stage, org, made)
    org.delete()


def some_work(stage, org: Organisation, made):
    first, last = (Machine(stage.plugged(one["label"]), one, kind).up() for one, kind in ((made[0], "warren"), (made[-1], "go")))
    org.set_policy("default allow\n")
    first.reach(last)
    counted = stage.tell(first, last, "UDP 7000", stage.count(first, last, tap.UDP, 7000))
    stage.check(counted == (20, 20), "two of them, taken from both ends, work")
