"""A deny is measured where it counts: at the destination."""

from lab import tap

NUMBER = 3
TITLE = "A deny stops traffic, measured at the destination"
KINDS = (("UDP 7000", tap.UDP, 7000, 4), ("TCP 22", tap.TCP, 22, 4), ("ping", tap.ICMP, 0, 4),
         ("UDP 7000 over IPv6", tap.UDP, 7000, 6), ("ping over IPv6", tap.ICMP6, 0, 6))
POLICY_ALLOW = "default allow\n"
POLICY_DENY = "deny atlas -> birch\ndefault allow\n"
POLICY_PORT = "allow atlas -> birch tcp 22\ndeny * -> *\n"


def run(stage):
    org = stage.organisation("Deny Works")
    atlas, birch = stage.pair(org)
    show(stage, org, atlas, birch, POLICY_ALLOW, every=True)
    stage.check(org.why(atlas, birch, "udp", 7000)["is_allowed"] is True, "and `why` says so")

    show(stage, org, atlas, birch, POLICY_DENY, every=False)
    why = org.why(atlas, birch, "udp", 7000)
    stage.say(f"why: line {why['line']}: {why['rule']}")
    stage.check(why["is_allowed"] is False and why["line"] == 2, "and `why` names the line that denies")
    counted = stage.tell(birch, atlas, "UDP 7000", stage.count(birch, atlas, tap.UDP, 7000))
    stage.check(counted == (20, 20), "the other direction, which the rule does not name, is open")
    denied_is_counted(stage, org, atlas, birch)

    stage.say(f"policy:\n{POLICY_PORT}")
    org.set_policy(POLICY_PORT)
    passed = stage.tell(atlas, birch, "TCP 22", stage.count(atlas, birch, tap.TCP, 22))
    others = [stage.tell(atlas, birch, name, stage.count(atlas, birch, protocol, port))
              for name, protocol, port in (("TCP 23", tap.TCP, 23), ("UDP 22", tap.UDP, 22), ("ping", tap.ICMP, 0))]
    stage.check(passed[0] == passed[1] > 0, "a rule for one port lets that port pass")
    stage.check(all(sent > 0 and came == 0 for sent, came in others), "and nothing else")


def show(stage, org, a, b, policy, every):
    stage.say(f"policy:\n{policy}")
    org.set_policy(policy)
    counted = [stage.tell(a, b, name, stage.count(a, b, protocol, port, family=family))
               for name, protocol, port, family in KINDS]
    if every:
        stage.check(all(sent == came > 0 for sent, came in counted), "what is allowed arrives, every packet")
    else:
        stage.check(all(sent > 0 and came == 0 for sent, came in counted), "of what is denied not one packet arrives")


def denied_is_counted(stage, org, a, b):
    before = denied(stage, org)
    stage.count(a, b, tap.UDP, 7000, count=25)
    after = denied(stage, org)
    stage.say(f"the hub's own count of denied packets went from {before:.0f} to {after:.0f}")
    stage.check(after - before == 25, "the hub counts what it denies, exactly")


def denied(stage, org):
    """Packets that this organisation's policy denied so far, as /metrics tells."""
    return sum(value for name, value in stage.server.metrics().items()
               if "denied" in name and (org.label in name or org.uid in name))
