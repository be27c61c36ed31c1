/* The policy language: text to rules, and what is wrong with a text.
 *
 * A parsed policy knows names, not machines: it is compiled against the machines of
 * a network into a ruleset (policy/ruleset.h).
 *
 * Floor 3.  Pure; one thread.  Source: docs/policy.md. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/verdict.h"

/* Limits of a text; one that is over is refused with a fault that names the limit. */
#define WR_POLICY_TEXT_MAX (4 * 1024 * 1024)
#define WR_POLICY_RULES_MAX 20000

/* One fault of a text. */
struct wr_policy_fault {
	unsigned line;  /* from 1; 0: of the whole */
	char text[240]; /* says what and what to do; no newline */
};

/* The first faults of a text; `count` may be larger than what is kept. */
#define WR_POLICY_FAULTS 20
struct wr_policy_faults {
	unsigned count;
	struct wr_policy_fault faults[WR_POLICY_FAULTS];
};

struct wr_policy;

/* NULL if the text has faults, which then are in *ret_faults, or where memory is
 * short (one fault that says so). The text is copied. */
struct wr_policy *wr_policy_parse(struct wr_bytes text, struct wr_policy_faults *ret_faults)
	WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_policy *wr_policy_free(struct wr_policy *policy);

enum wr_topology {
	WR_TOPOLOGY_MESH,
	WR_TOPOLOGY_STAR
};
enum wr_topology wr_policy_topology(const struct wr_policy *policy);
size_t wr_policy_rule_count(const struct wr_policy *policy);
/* The text that was parsed. */
struct wr_bytes wr_policy_text(const struct wr_policy *policy);
/* One line of it (from 1) without its end; empty if there is none such. */
struct wr_bytes wr_policy_line(const struct wr_policy *policy, unsigned line);
