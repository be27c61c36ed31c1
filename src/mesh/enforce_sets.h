/* The named sets of an nftables table: addresses that sides of rules name, each set once, whatever
 * asks for it; and which addresses are ours and which are others'.
 *
 * Floor 7.  One thread. */
#pragma once

#include <stdio.h>

#include "base/map.h"
#include "mesh/enforce_hosts.h"
#include "policy/intervals.h"
#include "policy/terms.h"

/* IPv4, IPv6. */
#define WR_SETS_FAMILIES 2

struct wr_sets {
	const struct wr_enforce_hosts *hosts;
	struct wr_intervals owners[WR_SETS_FAMILIES]; /* `src`: a host's place and one more */
	struct wr_map sets;                           /* by hash of their elements */
	struct wr_map sides; /* that were asked for: by hash of their words */
	unsigned count;
	FILE *lines; /* where sets are written to */
	bool is_out_of_memory;
};

/* Writes ours4, others4, ours6 and others6. False where memory is short; wr_sets_done() is due all
 * the same. */
bool wr_sets_init(struct wr_sets *sets, const struct wr_enforce_hosts *hosts, FILE *lines)
	WR_MUST_CHECK;
void wr_sets_done(struct wr_sets *sets);
/* The number of the set (s1, s2, ...) that a side names in a family (0: IPv4); written if it is
 * new. 0 if it names nobody, or memory is short (which sticks). */
unsigned wr_sets_side(struct wr_sets *sets, unsigned family, bool is_allowed,
		      const struct wr_term *terms, size_t count);
