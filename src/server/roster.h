/* The machines of an organisation as a policy sees them: name, tags, addresses. Read once,
 * and kept until something of it changes.
 *
 * Floor 8.  Made and kept on the ledger's thread; a roster itself never changes, so that the
 * thread pool may compile with it.
 * Source: the organisation's column `roster`: another random number with each change, so that
 * a transaction that was undone leaves nothing wrong behind. */
#pragma once

#include "base/base.h"
#include "policy/ruleset.h"
#include "store/db.h"

struct wr_roster {
	int64_t org, stamp;
	struct wr_member *members; /* by name; slots from 1 in this order */
	size_t count;
	/* Whether this version of the policy compiles for them: the first fault if not. The
	 * ledger's thread. */
	int64_t checked; /* -1: not known yet */
	bool has_fault;
	struct wr_policy_fault fault;

	/* roster.c's own. */
	unsigned refs;
	size_t member_room, tag_room, tag_at;
	const char **tags;
	struct wr_roster_block *blocks;
};

struct wr_rosters;

/* NULL where memory is short. */
struct wr_rosters *wr_rosters_new(void);
/* NULL is fine; returns NULL. */
struct wr_rosters *wr_rosters_free(struct wr_rosters *rosters);

/* The organisation's roster, to be let go with wr_roster_unref(). 0 or a negative errno. */
int wr_rosters_get(struct wr_rosters *rosters, struct wr_db *db, int64_t org,
		   struct wr_roster **ret_roster) WR_MUST_CHECK;
/* Any thread. NULL is fine; returns NULL. */
struct wr_roster *wr_roster_unref(struct wr_roster *roster);
/* NULL if there is none of that name. */
const struct wr_member *wr_roster_find(const struct wr_roster *roster, const char *name);

/* Something of it changed, in this transaction. 0 or a negative errno. */
int wr_roster_touch(struct wr_db *db, int64_t org) WR_MUST_CHECK;
