/* The packet filter of one network: the ruleset in force and the flows that are
 * open. Judges each packet; answers pass because their flow is known.
 *
 * Floor 3.  The owner swaps rulesets; any number of threads judge, without locks
 * and without allocating, under a grace period.  Source: docs/policy.md. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/retire.h"
#include "base/verdict.h"
#include "policy/ruleset.h"

struct wr_filter;

/* A filter with a table of flows for `machines` machines, and a ruleset (taken).
 * `secret`: 16 random bytes, against flows chosen to share a place. NULL where
 * memory is short, and nothing is taken. */
struct wr_filter *wr_filter_new(size_t machines, const uint8_t secret[16],
				struct wr_ruleset *ruleset);
/* At once: no readers are left. NULL is fine; returns NULL. */
struct wr_filter *wr_filter_free(struct wr_filter *filter);

/* Puts a ruleset (taken) in force, for the next packet of each thread; the old one is
 * retired. Flows that the new one does not allow stop, the others go on. */
void wr_filter_set_ruleset(struct wr_filter *filter, struct wr_ruleset *ruleset,
			   struct wr_retire_list *retire);
/* The owner's own look. */
struct wr_ruleset *wr_filter_ruleset(struct wr_filter *filter);
/* Makes room for the flows of more machines, if there is too little; what is known
 * stays known. 0 or -ENOMEM, then all is as before. */
int wr_filter_resize(struct wr_filter *filter, size_t machines, struct wr_retire_list *retire)
	WR_MUST_CHECK;

/* Judges one IP packet that wr_packet_read() accepted, from the machine in `src_slot`
 * to the one in `dst_slot`: WR_TAKEN, WR_DROP_POLICY (not allowed), WR_DROP_FRAGMENT
 * (its first fragment was never seen) or WR_DROP_INNER (headers that make no
 * sense). Any thread. */
enum wr_verdict wr_filter_judge(struct wr_filter *filter, const uint8_t *ip, uint32_t len,
				uint32_t src_slot, uint32_t dst_slot, struct wr_instant now);

/* Flows that are open now, about; any thread. */
size_t wr_filter_flow_count(const struct wr_filter *filter, struct wr_instant now);
