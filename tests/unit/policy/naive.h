/* The policy as it is written down: a list of rules that is walked in order, and a list
 * of flows. What the compiled ruleset and the filter are checked against. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/verdict.h"
#include "packets.h"

#define NAIVE_MACHINES 12
#define NAIVE_TAGS 6
#define NAIVE_GROUPS 4
#define NAIVE_SELECTORS 4
#define NAIVE_RULES 9000
#define NAIVE_PORTS 3
#define NAIVE_FLOWS 4096
#define NAIVE_FRAGMENTS 512

struct naive_selector {
	enum {
		NAIVE_ALL,
		NAIVE_MACHINE,
		NAIVE_TAG,
		NAIVE_GROUP,
		NAIVE_PREFIX
	} kind;
	size_t number;
	struct wr_prefix prefix;
};

struct naive_side {
	struct naive_selector selectors[NAIVE_SELECTORS];
	size_t count;
};

/* icmp: protocol 1, whatever the family. */
struct naive_ports {
	uint8_t protocol;
	uint16_t low, high;
};

struct naive_rule {
	unsigned line;
	bool is_allowed;
	struct naive_side src, dst;
	struct naive_ports ports[NAIVE_PORTS];
	size_t port_count; /* 0: any */
};

struct naive_policy {
	struct naive_side groups[NAIVE_GROUPS];
	struct naive_rule rules[NAIVE_RULES];
	size_t rule_count;
	bool is_allowed_by_default;
	unsigned default_line;
};

struct naive_machine {
	bool is_there;
	bool tags[NAIVE_TAGS];
	struct wr_ip v4, v6;
};

/* Who says what to whom. */
struct naive_packet {
	uint32_t src_slot, dst_slot;
	struct wr_ip src, dst;
	uint8_t protocol;
	uint16_t src_port, dst_port;
	uint8_t tcp_flags;
	uint8_t icmp_type; /* a request or reply, or something else */
	uint16_t icmp_id;
};

struct naive_flow {
	struct naive_packet opening;
	uint64_t used;
	uint32_t lifetime;
	bool is_answered, is_established;
};

struct naive_fragment {
	struct naive_packet first;
	uint32_t id;
	uint64_t seen;
};

struct naive {
	struct naive_policy policy;
	struct naive_machine machines[NAIVE_MACHINES];
	struct naive_flow flows[NAIVE_FLOWS];
	size_t flow_count;
	struct naive_fragment fragments[NAIVE_FRAGMENTS];
	size_t fragment_count;
	uint64_t now; /* seconds */
};

bool naive_why(const struct naive *naive, const struct naive_packet *opening, unsigned *ret_line);
enum wr_verdict naive_judge(struct naive *naive, const struct naive_packet *packet);
/* From the packet's destination to its source, about it. */
enum wr_verdict naive_judge_error(struct naive *naive, uint32_t src_slot, uint32_t dst_slot,
				  const struct naive_packet *about);
enum wr_verdict naive_judge_first(struct naive *naive, const struct naive_packet *packet,
				  uint32_t id);
enum wr_verdict naive_judge_later(struct naive *naive, const struct naive_packet *packet,
				  uint32_t id, uint32_t offset);
/* Flows that are open now. */
size_t naive_count(const struct naive *naive);
