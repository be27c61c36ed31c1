/* Bounds the work that strangers can cause: a table of token buckets by source
 * prefix (IPv4 /32, IPv6 /64 for handshakes; /24 and /48 for look-ups), of fixed
 * size, and one bucket for all.
 *
 * Floor 3.  One thread. A full table forgets the bucket that is fullest of those
 * that share its place, so a stranger can only ever make another stranger start
 * with a fresh bucket.  Source: design "The port"; kernel ratelimiter.c. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "crypto/noise.h"

struct wr_budget_rule {
	uint32_t per_second; /* of one source prefix */
	uint32_t burst;
	uint32_t all_per_second; /* of all sources; 0 is no bound */
	uint32_t all_burst;
	uint8_t prefix4, prefix6; /* length of a source prefix */
};

struct wr_budget;

struct wr_budget *wr_budget_new(const struct wr_budget_rule *rule,
				const struct wr_siphash_key *key);
struct wr_budget *wr_budget_free(struct wr_budget *budget);

/* Takes `tokens` of the source's bucket and of the common one; false, and
 * nothing taken, if either lacks them. */
bool wr_budget_take(struct wr_budget *budget, const struct wr_ip *source, uint32_t tokens,
		    struct wr_instant now) WR_MUST_CHECK;
/* Gives tokens back: the work turned out not to be a stranger's. */
void wr_budget_return(struct wr_budget *budget, const struct wr_ip *source, uint32_t tokens,
		      struct wr_instant now);
