/* The rules of a policy, one after the other and without groups: for who makes something else of
 * them than a ruleset.
 *
 * Floor 3.  Pure; one thread. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "policy/policy.h"

enum wr_term_kind {
	WR_TERM_ALL,
	WR_TERM_MACHINE,
	WR_TERM_TAG,
	WR_TERM_PREFIX
};

struct wr_term {
	enum wr_term_kind kind;
	struct wr_bytes name; /* of a machine or tag */
	struct wr_prefix prefix;
};

enum wr_terms_protocol {
	WR_TERMS_TCP,
	WR_TERMS_UDP,
	WR_TERMS_ICMP
};

/* Of ICMP all; 0 to 65535 are all of TCP or UDP. */
struct wr_terms_ports {
	enum wr_terms_protocol protocol;
	uint16_t low, high;
};

struct wr_rule_terms {
	bool is_allowed;
	const struct wr_term *src, *dst; /* each once */
	size_t src_count, dst_count;
	const struct wr_terms_ports *ports; /* by protocol and port; none: whatever IP carries */
	size_t port_count;
};

/* Calls `each` for every rule in their order, until it returns an error. 0, that error, or
 * -ENOMEM. What `each` is given lasts for the call. */
int wr_policy_walk(const struct wr_policy *policy,
		   int (*each)(void *context, const struct wr_rule_terms *rule), void *context)
	WR_MUST_CHECK;
/* What holds where no rule does. */
bool wr_policy_allows_by_default(const struct wr_policy *policy);
