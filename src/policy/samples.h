/* Whom a test line is about: one machine, or prefix, for each kind that rules tell apart.
 *
 * Floor 3. */
#pragma once

#include "policy/compile.h"

/* Machines that no rule tells apart in one family, or what is in a prefix behind
 * machines: one of them stands for all. */
struct wr_sample {
	enum wr_family family;
	uint32_t class; /* nobody's: behind a machine */
	const struct wr_interval *around;
	const char *name; /* of a machine */
	size_t count;     /* of machines */
	struct wr_prefix prefix;
};

struct wr_samples {
	struct wr_sample *items;
	size_t count;
};

/* All there are, into `all` with room for two a member and one a selector. */
void wr_samples_take(const struct wr_compiler *compiler, struct wr_samples *all);
/* Those of `all` that a side names, into `chosen` with as much room. */
void wr_samples_choose(struct wr_compiler *compiler, const struct wr_samples *all,
		       const struct wr_side *side, struct wr_samples *chosen);
