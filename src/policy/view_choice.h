/* What of a policy concerns one class of machines: chosen first (view_choose.c), then written
 * down (view_write.c).
 *
 * Floor 3. */
#pragma once

#include "policy/viewed.h"

/* Who is in a region, or in a region that some group's prefixes hold. */
enum {
	WR_VIEW_HERE_SELF = 1,
	WR_VIEW_HERE_OTHERS = 2
};

/* Which way a rule is about us: bits. */
enum {
	WR_VIEW_OPENS = 1,    /* we may be who opens */
	WR_VIEW_IS_OPENED = 2 /* we may be who it is opened to */
};

struct wr_view_choice {
	const struct wr_view *view;
	uint32_t self;
	const uint64_t *connected; /* classes: bits */

	uint64_t *self_rules[WR_VIEW_SIDES];  /* that we are in */
	uint64_t *other_rules[WR_VIEW_SIDES]; /* whose prefixes others are in */
	bool *is_set_there;                   /* some other is in it; by set */
	uint8_t *regions;                     /* who is in it */
	uint8_t *selectors;                   /* groups: who is in their prefixes */

	uint8_t *ways;       /* by rule; 0: does not concern us */
	bool *is_set_used;   /* by set */
	bool *is_group_used; /* by selector */
};

/* False where memory is short; wr_view_choice_done() is due all the same. */
bool wr_view_choose(struct wr_view_choice *choice) WR_MUST_CHECK;
void wr_view_choice_done(struct wr_view_choice *choice);

/* Classes of others, one after the other: those with which we are connected. `*at` is 0 at first;
 * false at the end. */
bool wr_view_next_other(const struct wr_view_choice *choice, uint32_t *at, uint32_t *ret_other);
