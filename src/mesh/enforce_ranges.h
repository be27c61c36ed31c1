/* Sets of addresses of one family, as ranges.
 *
 * Floor 7.  Pure; one thread. */
#pragma once

#include "base/base.h"
#include "policy/intervals.h"

struct wr_range {
	wr_address start, last;
};

struct wr_ranges {
	struct wr_range *items;
	size_t count, room;
	bool is_out_of_memory;
};

/* All zero is empty; `items` is to be freed. Where memory is short that sticks. */
void wr_ranges_add(struct wr_ranges *ranges, wr_address start, wr_address last);
void wr_ranges_add_prefix(struct wr_ranges *ranges, const struct wr_prefix *prefix);
/* Sorts; what overlaps or touches is one. */
void wr_ranges_tidy(struct wr_ranges *ranges);
/* True if one has more than one address. */
bool wr_ranges_has_wide(const struct wr_ranges *ranges);
/* "10.0.0.1, 10.0.0.4-10.0.0.9", a new string; NULL where memory is short. */
char *wr_ranges_text(enum wr_family family, const struct wr_ranges *ranges);
