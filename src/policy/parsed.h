/* A policy's insides, for the files of this folder.
 *
 * Floor 3.  Source: docs/policy.md. */
#pragma once

#include "policy/policy.h"
#include "policy/symbols.h"

/* What rules tell apart. */
enum wr_traffic {
	WR_TRAFFIC_TCP,
	WR_TRAFFIC_UDP,
	WR_TRAFFIC_ICMP,
	WR_TRAFFIC_OTHER,
	WR_TRAFFICS
};

/* Ports of TCP or UDP; ICMP has 0 to 0. */
struct wr_ports {
	enum wr_traffic traffic;
	uint16_t low, high;
};

/* An allow, deny or test line. */
struct wr_rule {
	unsigned line;
	bool is_allowed; /* a test's: what is expected */
	struct wr_side src, dst;
	/* In struct wr_policy: sorted, no two overlap. None: all that there is. */
	uint32_t port_first, port_count;
};

struct wr_rules {
	struct wr_rule *items;
	size_t count, room;
};

struct wr_policy {
	char *text;
	size_t text_len;
	enum wr_topology topology;
	bool is_allowed_by_default;
	unsigned default_line; /* 0: none, then deny */
	struct wr_symbols selectors;
	/* What sides consist of: indices of selectors. */
	uint32_t *refs;
	size_t ref_count, ref_room;
	struct wr_ports *ports;
	size_t port_count, port_room;
	struct wr_rules rules, tests;
	struct wr_side *direct; /* a line each */
	size_t direct_count, direct_room;
};

/* True if the rule is about this port; `ports` are those of the rule's policy. */
bool wr_rule_has_port(const struct wr_rule *rule, const struct wr_ports *ports,
		      enum wr_traffic traffic, uint16_t port);
