#include "server/intents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "linux/clock.h"
#include "server/events.h"
#include "server/intent.h"
#include "server/state.h"

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

static int64_t now_seconds(void)
{
	return (int64_t)(wr_clock_wall().ns / 1000000000);
}

/* --- Lists of what is to be told. --- */

struct telling {
	struct wr_server *server;
	struct wr_db *db;
	int64_t now;
	bool is_back, is_short;
	struct wr_org_intent **orgs;
	size_t org_count, org_room;
	struct wr_machine_intent **machines;
	size_t machine_count, machine_room;
};

static void telling_done(struct telling *telling)
{
	for (size_t i = 0; i < telling->org_count; i++)
		wr_org_intent_free(telling->orgs[i]);
	for (size_t i = 0; i < telling->machine_count; i++)
		wr_machine_intent_free(telling->machines[i]);
	free(telling->orgs);
	free(telling->machines);
}

static bool add_org(struct telling *telling, struct wr_org_intent *intent)
{
	if (telling->org_count == telling->org_room) {
		size_t room = 2 * telling->org_room + 16;
		struct wr_org_intent **orgs = reallocarray(telling->orgs, room, sizeof(*orgs));

		if (!orgs) {
			wr_org_intent_free(intent);
			return false;
		}
		telling->orgs = orgs;
		telling->org_room = room;
	}
	telling->orgs[telling->org_count++] = intent;
	return true;
}

static bool add_machine(struct telling *telling, struct wr_machine_intent *intent)
{
	if (telling->machine_count == telling->machine_room) {
		size_t room = 2 * telling->machine_room + 64;
		struct wr_machine_intent **machines = reallocarray(telling->machines, room,
								   sizeof(*machines));

		if (!machines) {
			wr_machine_intent_free(intent);
			return false;
		}
		telling->machines = machines;
		telling->machine_room = room;
	}
	telling->machines[telling->machine_count++] = intent;
	return true;
}

static bool take_machine(void *context, const struct wr_row *row)
{
	struct telling *telling = context;
	struct wr_machine machine;
	struct wr_machine_intent *intent;

	wr_machine_read(row, &machine);
	intent = wr_machine_intent_new(&machine, &telling->server->vault, telling->now,
				       telling->is_back);
	telling->is_short = !intent || !add_machine(telling, intent);
	return !telling->is_short;
}

static int read_machines(struct telling *telling, int64_t org)
{
	struct wr_value values[] = { WR_I(org) };
	int64_t count = wr_db_each(telling->db,
				   "SELECT" WR_MACHINE_COLUMNS "FROM machine m"
				   " WHERE m.organisation = ? ORDER BY m.id",
				   1, values, take_machine, telling);

	if (telling->is_short)
		return -ENOMEM;
	return count < 0 ? (int)count : 0;
}

static int add_policy(struct telling *telling, struct wr_org_intent *intent)
{
	struct wr_roster *roster = NULL;
	int error = wr_intents_roster(telling->server, telling->db, (int64_t)intent->org.number,
				      &roster);

	if (!error)
		error = wr_org_intent_add_policy(telling->db, roster, intent);
	wr_roster_unref(roster);
	return error;
}

/* One whose key cannot be unsealed is left out: the others go on. */
static int read_org(struct telling *telling, int64_t org)
{
	struct wr_org_intent *intent = NULL;
	int error = wr_org_intent_new(telling->db, &telling->server->vault, org, &intent);

	if (error)
		return error == -EKEYREJECTED ? 0 : error;
	error = add_policy(telling, intent);
	if (error)
		wr_org_intent_free(intent);
	else if (!add_org(telling, intent))
		error = -ENOMEM;
	return error ? error : read_machines(telling, org);
}

struct numbers {
	int64_t *items;
	size_t count, room;
	bool is_short;
};

static bool take_number(void *context, const struct wr_row *row)
{
	struct numbers *numbers = context;

	if (numbers->count == numbers->room) {
		size_t room = 2 * numbers->room + 64;
		int64_t *items = reallocarray(numbers->items, room, sizeof(*items));

		numbers->is_short = !items;
		if (!items)
			return false;
		numbers->items = items;
		numbers->room = room;
	}
	numbers->items[numbers->count++] = wr_row_int(row, 0);
	return true;
}

static int read_everything(struct telling *telling)
{
	struct numbers orgs = { 0 };
	int64_t count = wr_db_each(telling->db, "SELECT id FROM organisation ORDER BY id", 0, NULL,
				   take_number, &orgs);
	int error = count < 0 ? (int)count : orgs.is_short ? -ENOMEM : 0;

	for (size_t i = 0; i < orgs.count && !error; i++)
		error = read_org(telling, orgs.items[i]);
	free(orgs.items);
	return error;
}

/* --- Telling: the loop's thread. --- */

static void apply_org(struct wr_intents *intents, struct wr_org_intent *intent)
{
	wr_org_intent_apply(intents->server->hub, intent);
	/* Without memory for this note, a removal by another program is seen at the next start. */
	if (!wr_map_put(&intents->orgs, intent->org.number, intents))
		wr_log_error("hub: out of memory: organisation=%s", intent->uid);
}

static void remove_org(struct wr_intents *intents, uint64_t org)
{
	wr_hub_remove_org(intents->server->hub, org);
	wr_map_take(&intents->orgs, org);
}

static void tell(struct wr_intents *intents, const struct telling *telling)
{
	if (!intents->server->hub)
		return;
	for (size_t i = 0; i < telling->org_count; i++)
		apply_org(intents, telling->orgs[i]);
	for (size_t i = 0; i < telling->machine_count; i++)
		wr_machine_intent_apply(intents->server->hub, telling->machines[i]);
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
	struct telling telling = { .server = server, .db = server->db, .is_back = true };
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
		error = read_everything(&telling);
	if (!error)
		tell(intents, &telling);
	telling_done(&telling);
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
	struct telling telling;
	bool is_changed; /* by another program */
};

static struct own_entry *of_entry(struct wr_entry *entry)
{
	return WR_CONTAINER_OF(entry, struct own_entry, entry);
}

static void free_own(struct own_entry *own)
{
	telling_done(&own->telling);
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
			   WR_ARRAY_LEN(values), values, take_machine, &own->telling);
	if (count < 0 || own->telling.is_short)
		return count < 0 ? (int)count : -ENOMEM;
	own->intents->expired_until = own->telling.now;
	return 0;
}

static void tell_expired(struct wr_entry *entry, int status)
{
	struct own_entry *own = of_entry(entry);

	own->intents->is_expiring = false;
	if (!status)
		tell(own->intents, &own->telling);
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
	error = read_everything(&own->telling);
	if (!error)
		intents->data_version = version;
	own->is_changed = !error;
	return error;
}

/* Machines that the hub has, and the database has not. */
struct leftovers {
	struct wr_map known; /* machines by number */
	struct wr_hub_sight *gone;
	size_t count, room;
};

static void take_leftover(void *context, const struct wr_hub_sight *sight)
{
	struct leftovers *leftovers = context;

	if (wr_map_get(&leftovers->known, sight->number))
		return;
	if (leftovers->count == leftovers->room) {
		size_t room = 2 * leftovers->room + 64;
		struct wr_hub_sight *gone = reallocarray(leftovers->gone, room, sizeof(*gone));

		if (!gone)
			return;
		leftovers->gone = gone;
		leftovers->room = room;
	}
	leftovers->gone[leftovers->count++] = *sight;
}

static void remove_machines(struct wr_hub *hub, const struct telling *telling)
{
	struct leftovers leftovers = { 0 };
	bool is_whole = true;

	for (size_t i = 0; i < telling->machine_count && is_whole; i++)
		is_whole = wr_map_put(&leftovers.known, telling->machines[i]->machine.number,
				      telling->machines[i]);
	if (is_whole)
		wr_hub_look(hub, 0, take_leftover, &leftovers);
	for (size_t i = 0; i < leftovers.count; i++)
		wr_hub_remove_machine(hub, leftovers.gone[i].org, leftovers.gone[i].number);
	free(leftovers.gone);
	wr_map_done(&leftovers.known);
}

/* The map's keys are not told by wr_map_next(), so each is asked for. */
static bool is_told(const struct telling *telling, uint64_t org)
{
	size_t low = 0, high = telling->org_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t number = telling->orgs[middle]->org.number;

		if (number == org)
			return true;
		if (number < org)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void remove_orgs(struct wr_intents *intents, const struct telling *telling)
{
	for (size_t i = 0; i < intents->orgs.room; i++) {
		const struct wr_map_place *place = &intents->orgs.places[i];

		if (!place->value || is_told(telling, place->key))
			continue;
		remove_org(intents, place->key);
		i = (size_t)-1; /* the map moved: once more from its beginning */
	}
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
		remove_orgs(intents, &own->telling);
		tell(intents, &own->telling);
		remove_machines(intents->server->hub, &own->telling);
	}
	free_own(own);
}

void wr_intents_reload(struct wr_server *server)
{
	struct wr_intents *intents = server->intents;

	if (intents && server->ledger && !intents->is_reloading)
		intents->is_reloading = enter(intents, read_again, tell_again);
}

/* --- What calls say. --- */

static void apply_org_of_call(struct wr_server *server, void *what)
{
	if (server->hub)
		apply_org(server->intents, what);
}

static void free_org(void *what)
{
	wr_org_intent_free(what);
}

int wr_intend_org(struct wr_call *call, int64_t org)
{
	struct telling telling = { .server = call->server, .db = call->db };
	struct wr_org_intent *intent = NULL;
	int error = wr_org_intent_new(call->db, &call->server->vault, org, &intent);

	if (!error)
		error = add_policy(&telling, intent);
	if (error) {
		wr_org_intent_free(intent);
		return wr_call_fail_db(call, error);
	}
	wr_call_then(call, apply_org_of_call, intent, free_org);
	return 0;
}

/* Numbers of what is gone, or a policy. */
struct small_intent {
	uint64_t org, machine, version;
	struct wr_policy *policy;
};

static void free_small(void *what)
{
	struct small_intent *small = what;

	wr_policy_free(small->policy);
	free(small);
}

static void say_small(struct wr_call *call, void (*apply)(struct wr_server *server, void *what),
		      const struct small_intent *values)
{
	struct small_intent *small = malloc(sizeof(*small));

	if (!small) {
		wr_policy_free(values->policy);
		wr_call_fail_db(call, -ENOMEM);
		return;
	}
	*small = *values;
	wr_call_then(call, apply, small, free_small);
}

static void apply_org_gone(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->hub)
		remove_org(server->intents, small->org);
}

void wr_intend_org_gone(struct wr_call *call, int64_t org)
{
	say_small(call, apply_org_gone, &(struct small_intent){ .org = (uint64_t)org });
}

static void apply_machine(struct wr_server *server, void *what)
{
	if (server->hub)
		wr_machine_intent_apply(server->hub, what);
}

static void free_machine(void *what)
{
	wr_machine_intent_free(what);
}

int wr_intend_machine(struct wr_call *call, int64_t id, bool is_back)
{
	struct wr_machine_intent *intent = NULL;
	struct wr_machine machine = { 0 };
	int found = wr_machine_get(call->db, id, &machine);

	if (found > 0) {
		intent = wr_machine_intent_new(&machine, &call->server->vault, wr_call_time(call),
					       is_back);
		found = intent ? 0 : -ENOMEM;
	}
	wr_machine_done(&machine);
	if (!intent)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	wr_call_then(call, apply_machine, intent, free_machine);
	return 0;
}

static void apply_machine_gone(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->hub)
		wr_hub_remove_machine(server->hub, small->org, small->machine);
}

void wr_intend_machine_gone(struct wr_call *call, int64_t org, int64_t machine)
{
	say_small(call, apply_machine_gone,
		  &(struct small_intent){ .org = (uint64_t)org, .machine = (uint64_t)machine });
}

static void apply_policy(struct wr_server *server, void *what)
{
	struct small_intent *small = what;

	if (server->hub)
		wr_hub_set_policy(server->hub, small->org, WR_TAKE(small->policy), small->version);
}

void wr_intend_policy(struct wr_call *call, int64_t org, struct wr_policy *policy, int64_t version)
{
	say_small(call, apply_policy,
		  &(struct small_intent){
			  .org = (uint64_t)org, .version = (uint64_t)version, .policy = policy });
}
