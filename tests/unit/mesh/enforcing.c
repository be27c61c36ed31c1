#include "enforcing.h"

#include "wire/packet.h"

#define SYN WR_TCP_SYN
#define ACK WR_TCP_ACK
#define YES true
#define NO false

#define P(text) \
	{ \
		.act = RULES, .rules = (text) \
	}
#define T(src, sport, dst, dport, flags, passes) \
	{ \
		TCP, NULL, src, sport, dst, dport, flags, passes \
	}
#define U(src, sport, dst, dport, passes) \
	{ \
		UDP, NULL, src, sport, dst, dport, 0, passes \
	}
#define PI(src, id, dst, passes) \
	{ \
		PING, NULL, src, id, dst, 0, 0, passes \
	}
#define PO(src, id, dst, passes) \
	{ \
		PONG, NULL, src, id, dst, 0, 0, passes \
	}
#define O(src, dst, passes) \
	{ \
		OTHER, NULL, src, 0, dst, 0, 0, passes \
	}
/* From `src` about a UDP packet to it. */
#define E(src, sport, dst, dport, passes) \
	{ \
		UNREACHABLE, NULL, src, sport, dst, dport, 0, passes \
	}

/* web wears m1, db m2, the router m3; 192.168.0.0/16 and fd80::/48 are behind the router,
 * 192.168.5.0/24 and fd80:0:0:5::/64 behind us. */
const struct enforcing_case enforcing_cases[] = {
	{ "what marks may open, and its answers",
	  { P("allow tag:m1 -> self tcp 22\nallow self -> tag:m2 tcp 5432\n"),
	    T(WEB, 1000, SELF, 22, SYN, YES), T(SELF, 22, WEB, 1000, SYN | ACK, YES),
	    T(WEB, 1000, SELF, 22, ACK, YES), T(WEB, 1001, SELF, 23, SYN, NO),
	    T(DB, 1000, SELF, 22, SYN, NO), T(SELF, 1000, WEB, 22, SYN, NO),
	    T(SELF, 1002, DB, 5432, SYN, YES), T(DB, 5432, SELF, 1002, SYN | ACK, YES),
	    T(SELF, 1002, DB, 5432, ACK, YES), T(DB, 5432, SELF, 1003, SYN | ACK, NO),
	    T(SELF, 1002, WEB, 5432, SYN, NO), U(WEB, 1000, SELF, 22, NO) } },
	{ "a change holds from the next packet on",
	  { P("allow tag:m1 -> self\nallow self -> tag:m2\n"), U(WEB, 1000, SELF, 53, YES),
	    U(SELF, 53, WEB, 1000, YES), U(SELF, 2000, DB, 53, YES), U(DB, 53, SELF, 2000, YES),
	    T(WEB, 3000, SELF, 80, SYN, YES), T(SELF, 80, WEB, 3000, SYN | ACK, YES),
	    P("allow tag:m1 -> self tcp\n"), U(WEB, 1000, SELF, 53, NO), U(SELF, 53, WEB, 1000, NO),
	    U(SELF, 2000, DB, 53, NO), U(DB, 53, SELF, 2000, NO), T(WEB, 3000, SELF, 80, ACK, YES),
	    T(SELF, 80, WEB, 3000, ACK, YES), P("allow tag:m1 -> self\n"),
	    U(SELF, 53, WEB, 1000, YES), U(WEB, 1000, SELF, 53, YES), P("default allow\n"),
	    U(DB, 53, SELF, 2000, YES) } },
	{ "the other side of a stopped flow cannot carry on by a rule of its own",
	  { P("allow tag:m1 -> self\n"), U(WEB, 1000, SELF, 53, YES), P("allow self -> tag:m1\n"),
	    U(SELF, 53, WEB, 1000, NO), U(WEB, 1000, SELF, 53, NO), U(SELF, 54, WEB, 1000, YES),
	    T(SELF, 53, WEB, 1000, SYN, YES) } },
	{ "a known connection gives its other side no right to open one",
	  { P("allow tag:m1 -> self tcp 22\n"), T(WEB, 1000, SELF, 22, SYN, YES),
	    T(SELF, 22, WEB, 1000, SYN | ACK, YES), T(SELF, 22, WEB, 1000, SYN, NO),
	    T(WEB, 1000, SELF, 22, ACK, YES) } },
	{ "first match",
	  { P("deny tag:m1 -> self tcp 1-100\nallow tag:m1 tag:m2 -> self tcp 50-200\n"
	      "deny tag:m2 -> self\ndefault allow\n"),
	    T(WEB, 1, SELF, 100, SYN, NO), T(WEB, 2, SELF, 101, SYN, YES),
	    T(WEB, 3, SELF, 201, SYN, YES), T(DB, 1, SELF, 50, SYN, YES),
	    T(DB, 2, SELF, 201, SYN, NO), U(DB, 2, SELF, 60, NO), U(WEB, 2, SELF, 60, YES),
	    T(SELF, 2, DB, 201, SYN, YES) } },
	{ "allowing a machine does not open what is behind it, denying it does",
	  { P("allow tag:m3 -> self\nallow self -> tag:m3\n"), U(ROUTER, 1, SELF, 1, YES),
	    U(SELF, 2, ROUTER, 2, YES), U(BEHIND_ROUTER, 1, SELF, 1, NO),
	    U(SELF, 2, BEHIND_ROUTER, 2, NO), U(WEB, 1, BEHIND_US, 1, NO),
	    P("deny tag:m3 -> self\ndeny self -> tag:m1\ndefault allow\n"),
	    U(BEHIND_ROUTER, 11, SELF, 1, NO), U(BEHIND_ROUTER, 11, BEHIND_US, 1, NO),
	    U(SELF, 12, BEHIND_ROUTER, 2, YES), U(BEHIND_US, 12, WEB, 2, NO),
	    U(BEHIND_US, 12, DB, 2, YES) } },
	{ "prefixes",
	  { P("group p1 = 192.168.5.0/24 fd80:0:0:5::/64\nallow tag:m1 -> p1 tcp 22\n"
	      "allow self -> 192.168.0.0/16 fd80::/32 udp\n"),
	    T(WEB, 1, BEHIND_US, 22, SYN, YES), T(BEHIND_US, 22, WEB, 1, SYN | ACK, YES),
	    T(WEB, 1, SELF, 22, SYN, NO), T(DB, 1, BEHIND_US, 22, SYN, NO),
	    T(WEB, 1, BEHIND_US, 23, SYN, NO), U(SELF, 1, BEHIND_ROUTER, 1, YES),
	    U(BEHIND_ROUTER, 1, SELF, 1, YES), U(SELF, 1, ROUTER, 1, NO),
	    U(BEHIND_US, 1, BEHIND_ROUTER, 1, NO) } },
	{ "ping",
	  { P("allow tag:m1 -> self icmp\nallow self -> tag:m2 tcp\n"), PI(WEB, 7, SELF, YES),
	    PO(SELF, 7, WEB, YES), PI(SELF, 8, WEB, NO), PI(DB, 9, SELF, NO), PO(DB, 10, SELF, NO),
	    PI(SELF, 11, DB, NO) } },
	{ "errors pass with the flow that they are about",
	  { P("allow tag:m1 -> self udp\nallow self -> tag:m2 udp\n"), U(WEB, 1000, SELF, 53, YES),
	    E(SELF, 53, WEB, 1000, YES), E(SELF, 54, WEB, 1000, NO), U(SELF, 1000, DB, 53, YES),
	    E(DB, 53, SELF, 1000, YES), E(DB, 54, SELF, 1000, NO), P("allow tag:m1 -> self udp\n"),
	    E(DB, 53, SELF, 1000, NO), E(SELF, 53, WEB, 1000, YES), P("default allow\n"),
	    E(DB, 55, SELF, 1000, NO), E(DB, 53, SELF, 1000, YES) } },
	{ "errors with port ranges",
	  { P("allow tag:m1 -> self udp 50-60,90\nallow self -> tag:m2 udp 50-60,90\n"),
	    U(WEB, 1000, SELF, 53, YES), E(SELF, 53, WEB, 1000, YES), U(SELF, 1000, DB, 90, YES),
	    E(DB, 90, SELF, 1000, YES),
	    P("allow tag:m1 -> self udp 54-60\nallow self -> tag:m2 udp 54-60\n"),
	    E(SELF, 53, WEB, 1000, NO), E(DB, 90, SELF, 1000, NO) } },
	{ "other protocols pass with any only",
	  { P("allow tag:m1 -> self tcp udp icmp\nallow tag:m2 -> self\n"), O(WEB, SELF, NO),
	    O(DB, SELF, YES), O(SELF, DB, YES), O(SELF, WEB, NO) } },
	{ "pulses between members pass whatever the policy says",
	  { P("deny tag:m1 tag:m2 tag:m3 -> self\ndefault deny\n"), U(WEB, 51819, SELF, 51819, YES),
	    U(SELF, 51819, DB, 51819, YES), U(DB, 51819, SELF, 51819, YES),
	    U(ROUTER, 1, SELF, 51819, YES), U(BEHIND_ROUTER, 1, SELF, 51819, NO),
	    U(WEB, 1, BEHIND_US, 51819, NO), T(WEB, 1, SELF, 51819, SYN, NO),
	    U(WEB, 51819, SELF, 51818, NO), U(HUB, 1, SELF, 51819, NO) } },
	{ "the hub itself: ping and DNS",
	  { P("default deny\n"), U(SELF, 1, HUB, 53, YES), U(HUB, 53, SELF, 1, YES),
	    PI(SELF, 1, HUB, YES), PO(HUB, 1, SELF, YES), PI(HUB, 2, SELF, YES),
	    PO(SELF, 2, HUB, YES), T(HUB, 1, SELF, 22, SYN, NO), U(HUB, 1, SELF, 53, NO),
	    U(HUB, 1, BEHIND_US, 53, NO) } },
	{ "who is not in the map",
	  { P("default allow\n"), U(STRANGER, 1, SELF, 1, NO), U(SELF, 1, STRANGER, 1, NO),
	    U(WEB, 1, SELF, 1, YES), U(WEB, 1, DB, 1, NO), U(WEB, 1, STRANGER, 1, NO),
	    U(SELF, 2, WEB, 2, YES) } },
	{ "a segment of no known connection opens one its way",
	  { P("allow tag:m1 -> self tcp 22\n"), T(WEB, 1000, SELF, 22, ACK, YES),
	    T(SELF, 22, WEB, 1000, ACK, YES), T(SELF, 22, WEB, 1001, ACK, NO),
	    T(SELF, 1000, WEB, 22, ACK, NO) } },
	{ "nothing",
	  { P(""), U(WEB, 1, SELF, 1, NO), U(SELF, 1, WEB, 1, NO), PI(DB, 1, SELF, NO) } },
};

const size_t enforcing_case_count = WR_ARRAY_LEN(enforcing_cases);
