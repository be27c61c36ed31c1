/* Lists of what the hub is to be told, read from the database, and the telling.
 *
 * Floor 8, for server/intents.h only. Reading is the thread's that has the database, telling
 * the loop's. */
#pragma once

#include "base/map.h"
#include "server/intent.h"
#include "server/intents.h"

struct wr_intents {
	struct wr_server *server;

	/* The ledger's thread, when there is one. */
	struct wr_rosters *rosters;
	int64_t data_version;  /* SQLite's: another number when another program wrote */
	int64_t expired_until; /* machines whose time was over by then have left the hub */

	/* The loop's thread: one entry of a kind at a time; organisations that the hub was told
	 * of, by number. */
	bool is_expiring, is_reloading;
	struct wr_map orgs;
};

struct wr_telling {
	struct wr_server *server;
	struct wr_db *db;
	int64_t now;
	bool is_back, is_short;      /* of memory */
	struct wr_org_intent **orgs; /* by number */
	size_t org_count, org_room;
	struct wr_machine_intent **machines;
	size_t machine_count, machine_room;
};
void wr_telling_done(struct wr_telling *telling);
/* For wr_db_each(): a row of WR_MACHINE_COLUMNS; `context` is the list. */
bool wr_telling_take_machine(void *context, const struct wr_row *row);
/* An organisation's policy into its intent; all organisations with their machines. 0 or a
 * negative errno. */
int wr_telling_add_policy(struct wr_telling *telling, struct wr_org_intent *intent) WR_MUST_CHECK;
int wr_telling_read(struct wr_telling *telling) WR_MUST_CHECK;

/* Of one organisation; the hub is there. */
void wr_telling_apply_org(struct wr_intents *intents, struct wr_org_intent *intent);
void wr_telling_remove_org(struct wr_intents *intents, uint64_t org);
/* Nothing where there is no hub. */
void wr_telling_tell(struct wr_intents *intents, const struct wr_telling *telling);
/* Takes away what the hub has and the list has not: it has everything. */
void wr_telling_remove_others(struct wr_intents *intents, const struct wr_telling *telling);
