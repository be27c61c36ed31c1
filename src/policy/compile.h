/* Compiling a policy: what the parts of it share.
 *
 * Floor 3. */
#pragma once

#include "policy/compiled.h"
#include "policy/faults.h"

/* Numbers by selector: those of selector i are items[starts[i]] up to items[starts[i + 1]]. */
struct wr_lists {
	uint32_t *starts, *items;
};

struct wr_compiler {
	const struct wr_policy *policy;
	const struct wr_member *members;
	size_t member_count;
	struct wr_policy_faults *faults;
	struct wr_ruleset *ruleset;

	struct wr_lists groups; /* groups that a selector stands in */
	uint32_t *src, *dst;    /* rules that a selector stands in itself: vectors */
	bool *is_direct;        /* stands in a `direct` line */
	uint32_t *marks, mark;  /* selectors that were reached in this walk */
	uint32_t *walk;         /* selectors to be looked at; room for all */
	uint32_t *member_classes;
};

/* Fills compiler->groups, src, dst and is_direct. False where memory is short. */
bool wr_compile_selectors(struct wr_compiler *compiler) WR_MUST_CHECK;
/* All groups around some selectors, and these themselves, to compiler->walk; returns
 * how many. */
size_t wr_compile_walk(struct wr_compiler *compiler, const uint32_t *selectors, size_t count);
/* Fills the ruleset's intervals of ports. False where memory is short. */
bool wr_compile_ports(struct wr_compiler *compiler) WR_MUST_CHECK;
/* Fills the ruleset's intervals of addresses. */
bool wr_compile_prefixes(struct wr_compiler *compiler) WR_MUST_CHECK;
/* Fills the ruleset's classes and slots, and compiler->member_classes. */
bool wr_compile_classes(struct wr_compiler *compiler) WR_MUST_CHECK;
/* Adds a fault for each test line that does not hold. */
bool wr_compile_tests(struct wr_compiler *compiler) WR_MUST_CHECK;
