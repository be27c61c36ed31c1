/* Prefix selectors as intervals of addresses: each address lies in one, which knows the
 * rules of all prefixes around it. Found by halving.
 *
 * Floor 3.  One thread builds; then any thread reads. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* An IPv4 address has 32 bits of it. */
typedef unsigned __int128 wr_address;

struct wr_interval {
	wr_address start;  /* up to the next one's */
	uint32_t src, dst; /* rules that the prefixes around it stand in (vectors.h) */
};

struct wr_intervals {
	struct wr_interval *items;
	size_t count; /* 0: as one with no prefix */
};

wr_address wr_address_of(enum wr_family family, const uint8_t *bytes);
/* NULL if there are none. */
const struct wr_interval *wr_intervals_find(const struct wr_intervals *intervals,
					    wr_address address);

/* What makes intervals of one family: for each prefix, in the order in which they begin
 * and wide ones before narrow ones, calls `rules_of`, which fills in the vectors of
 * that prefix inside of `around` (NULL: inside of none). */
typedef void (*wr_interval_rules)(void *context, size_t prefix, const struct wr_interval *around,
				  struct wr_interval *ret_interval);
/* False where memory is short. */
bool wr_intervals_build(struct wr_intervals *intervals, enum wr_family family,
			const struct wr_prefix *prefixes, size_t count, wr_interval_rules rules_of,
			void *context) WR_MUST_CHECK;
