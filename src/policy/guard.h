/* The filter of one member: what comes out of its tunnel and what goes into it is judged by
 * addresses, because more than one machine may stand behind a WireGuard peer (the hub).
 *
 * Floor 3.  The owner changes it; any number of threads judge, without locks and without
 * allocating, under a grace period.  Source: docs/policy.md; docs/agents.md. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/retire.h"
#include "base/verdict.h"
#include "policy/ruleset.h"

struct wr_guard;

/* Slot of the member itself in its ruleset; others follow. 0 is whoever is nobody of the map:
 * what the ruleset says of that slot, so nothing passes if nobody is in it. A machine keeps its
 * slot as long as its flows are to go on. */
#define WR_GUARD_SELF 1

/* Whose addresses these are. */
struct wr_guard_host {
	uint32_t slot;
	const struct wr_prefix *prefixes; /* its addresses, and what is behind it */
	size_t prefix_count;
};

/* Lets nothing pass before the first wr_guard_set(). `secret` as of wr_filter_new(). NULL where
 * memory is short. */
struct wr_guard *wr_guard_new(const uint8_t secret[16]);
/* At once: no readers are left. NULL is fine; returns NULL. */
struct wr_guard *wr_guard_free(struct wr_guard *guard);
/* Puts the ruleset (taken) and the hosts (copied) in force together; flows that it allows go on.
 * Of two prefixes around an address the longer one says whose it is. 0 or -ENOMEM, then all is
 * as before and the ruleset is not taken. */
int wr_guard_set(struct wr_guard *guard, struct wr_ruleset *ruleset,
		 const struct wr_guard_host *hosts, size_t host_count,
		 struct wr_retire_list *retire) WR_MUST_CHECK;

/* Judges one IP packet that wr_packet_read() accepted, in either direction: as
 * wr_filter_judge(). What is not between the member and another is dropped. Any thread. */
enum wr_verdict wr_guard_judge(struct wr_guard *guard, const uint8_t *ip, uint32_t len,
			       struct wr_instant now);
