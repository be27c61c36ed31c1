#include "server/intents.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "linux/clock.h"
#include "server/agents.h"
#include "server/state.h"
#include "server/telling.h"

static int64_t now_seconds(void)
{
	return (int64_t)(wr_clock_wall().ns / 1000000000);
}

/* --- Opening and closing. --- */

static int read_data_version(struct wr_db *db, int64_t *ret_version)
{
	struct wr_row *row = NULL;
	int found = wr_db_one(db, "PRAGMA data_version", 0, NULL, &row);

	if (found <= 0)
		return found < 0 ? found : -EIO;
	*ret_version = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

int wr_intents_load(struct wr_server *server)
{
	struct wr_telling telling = { .server = server, .db = server->db, .is_back = true };
	struct wr_intents *intents = calloc(1, sizeof(*intents));
	int error;

	if (!intents)
		return -ENOMEM;
	telling.now = now_seconds();
	server->intents = intents;
	intents->server = server;
	intents->expired_until = telling.now;
	intents->rosters = wr_rosters_new();
	error = intents->rosters ? read_data_version(server->db, &intents->data_version) : -ENOMEM;
	if (!error)
		error = wr_telling_read(&telling);
	if (!error)
		wr_telling_tell(intents, &telling);
	wr_telling_done(&telling);
	return error;
}

struct wr_intents *wr_intents_free(struct wr_intents *intents)
{
	if (intents) {
		wr_rosters_free(intents->rosters);
		wr_map_done(&intents->orgs);
	}
	free(intents);
	return NULL;
}

int wr_intents_roster(struct wr_server *server, struct wr_db *db, int64_t org,
		      struct wr_roster **ret_roster)
{
	return wr_rosters_get(server->intents->rosters, db, org, ret_roster);
}

/* --- What happens without a call: entries of our own. --- */

struct own_entry {
	struct wr_entry entry;
	struct wr_intents *intents;
	struct wr_telling telling;
	bool is_changed; /* by another program */
};

static struct own_entry *of_entry(struct wr_entry *entry)
{
	return WR_CONTAINER_OF(entry, struct own_entry, entry);
}

static void free_own(struct own_entry *own)
{
	wr_telling_done(&own->telling);
	free(own);
}

static bool enter(struct wr_intents *intents, int (*work)(struct wr_entry *entry, struct wr_db *db),
		  void (*done)(struct wr_entry *entry, int status))
{
	struct own_entry *own = calloc(1, sizeof(*own));

	if (!own)
		return false;
	own->entry.work = work;
	own->entry.done = done;
	own->intents = intents;
	own->telling.server = intents->server;
	if (!wr_ledger_enter(intents->server->ledger, &own->entry))
		return true;
	free(own);
	return false;
}

/* --- Machines whose time is over. --- */

static int find_expired(struct wr_entry *entry, struct wr_db *db)
{
	struct own_entry *own = of_entry(entry);
	struct wr_value values[] = { WR_I(own->intents->expired_until), WR_I(now_seconds()) };
	int64_t count;

	own->telling.db = db;
	own->telling.now = values[1].number;
	/* The clock may have been set back. */
	if (values[0].number > values[1].number)
		values[0] = values[1];
	count = wr_db_each(db,
			   "SELECT" WR_MACHINE_COLUMNS "FROM machine m"
			   " WHERE m.expires > ? AND m.expires <= ? ORDER BY m.expires",
			   WR_ARRAY_LEN(values), values, wr_telling_take_machine, &own->telling);
	if (count < 0 || own->telling.is_short)
		return count < 0 ? (int)count : -ENOMEM;
	own->intents->expired_until = own->telling.now;
	return 0;
}

static void tell_agents(const struct wr_server *server, const struct wr_telling *telling)
{
	for (size_t i = 0; i < telling->machine_count && server->agents; i++) {
		const struct wr_hub_machine *machine = &telling->machines[i]->machine;

		wr_agents_machine_changed(server->agents, (int64_t)machine->org,
					  (int64_t)machine->number);
	}
}

static void tell_expired(struct wr_entry *entry, int status)
{
	struct own_entry *own = of_entry(entry);

	own->intents->is_expiring = false;
	if (!status) {
		wr_telling_tell(own->intents, &own->telling);
		tell_agents(own->intents->server, &own->telling);
	}
	free_own(own);
}

void wr_machines_expire(struct wr_server *server)
{
	struct wr_intents *intents = server->intents;

	if (intents && server->ledger && !intents->is_expiring)
		intents->is_expiring = enter(intents, find_expired, tell_expired);
}

/* --- What other programs changed. --- */

static int read_again(struct wr_entry *entry, struct wr_db *db)
{
	struct own_entry *own = of_entry(entry);
	struct wr_intents *intents = own->intents;
	struct wr_rosters *rosters;
	int64_t version = 0;
	int error = read_data_version(db, &version);

	if (error || version == intents->data_version)
		return error;
	rosters = wr_rosters_new();
	if (!rosters)
		return -ENOMEM;
	wr_rosters_free(intents->rosters);
	intents->rosters = rosters;
	own->telling.db = db;
	own->telling.now = now_seconds();
	error = wr_telling_read(&own->telling);
	if (!error)
		intents->data_version = version;
	own->is_changed = !error;
	return error;
}

static void tell_again(struct wr_entry *entry, int status)
{
	struct own_entry *own = of_entry(entry);
	struct wr_intents *intents = own->intents;

	intents->is_reloading = false;
	if (!status && own->is_changed && intents->server->hub) {
		wr_log_error("database: another program changed it; the hub is told everything "
			     "again: organisations=%zu machines=%zu",
			     own->telling.org_count, own->telling.machine_count);
		/* First what is gone: somebody else may have its key now. */
		wr_telling_remove_others(intents, &own->telling);
		wr_telling_tell(intents, &own->telling);
		if (intents->server->agents)
			wr_agents_org_changed(intents->server->agents, 0);
	}
	free_own(own);
}

void wr_intents_reload(struct wr_server *server)
{
	struct wr_intents *intents = server->intents;

	if (intents && server->ledger && !intents->is_reloading)
		intents->is_reloading = enter(intents, read_again, tell_again);
}
