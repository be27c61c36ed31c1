#include "server/telling.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "server/state.h"

void wr_telling_done(struct wr_telling *telling)
{
	for (size_t i = 0; i < telling->org_count; i++)
		wr_org_intent_free(telling->orgs[i]);
	for (size_t i = 0; i < telling->machine_count; i++)
		wr_machine_intent_free(telling->machines[i]);
	free(telling->orgs);
	free(telling->machines);
}

static bool add_org(struct wr_telling *telling, struct wr_org_intent *intent)
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

static bool add_machine(struct wr_telling *telling, struct wr_machine_intent *intent)
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

bool wr_telling_take_machine(void *context, const struct wr_row *row)
{
	struct wr_telling *telling = context;
	struct wr_machine machine;
	struct wr_machine_intent *intent;

	wr_machine_read(row, &machine);
	intent = wr_machine_intent_new(&machine, &telling->server->vault, telling->now,
				       telling->is_back);
	telling->is_short = !intent || !add_machine(telling, intent);
	return !telling->is_short;
}

static int read_machines(struct wr_telling *telling, int64_t org)
{
	struct wr_value values[] = { WR_I(org) };
	int64_t count = wr_db_each(telling->db,
				   "SELECT" WR_MACHINE_COLUMNS "FROM machine m"
				   " WHERE m.organisation = ? ORDER BY m.id",
				   1, values, wr_telling_take_machine, telling);

	if (telling->is_short)
		return -ENOMEM;
	return count < 0 ? (int)count : 0;
}

int wr_telling_add_policy(struct wr_telling *telling, struct wr_org_intent *intent)
{
	return wr_org_intent_add_policy(telling->db, intent);
}

/* One whose key cannot be unsealed is left out: the others go on. */
static int read_org(struct wr_telling *telling, int64_t org)
{
	struct wr_org_intent *intent = NULL;
	int error = wr_org_intent_new(telling->db, &telling->server->vault, org, &intent);

	if (error)
		return error == -EKEYREJECTED ? 0 : error;
	error = wr_telling_add_policy(telling, intent);
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

int wr_telling_read(struct wr_telling *telling)
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

void wr_telling_apply_org(struct wr_intents *intents, struct wr_org_intent *intent)
{
	wr_org_intent_apply(intents->server->hub, intent);
	/* Without memory for this note, a removal by another program is seen at the next start. */
	if (!wr_map_put(&intents->orgs, intent->org.number, intents))
		wr_log_error("hub: out of memory: organisation=%s", intent->uid);
}

void wr_telling_remove_org(struct wr_intents *intents, uint64_t org)
{
	wr_hub_remove_org(intents->server->hub, org);
	wr_map_take(&intents->orgs, org);
}

void wr_telling_tell(struct wr_intents *intents, const struct wr_telling *telling)
{
	if (!intents->server->hub)
		return;
	for (size_t i = 0; i < telling->org_count; i++)
		wr_telling_apply_org(intents, telling->orgs[i]);
	for (size_t i = 0; i < telling->machine_count; i++)
		wr_machine_intent_apply(intents->server->hub, telling->machines[i]);
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

static void remove_machines(struct wr_hub *hub, const struct wr_telling *telling)
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
static bool is_told(const struct wr_telling *telling, uint64_t org)
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

static void remove_orgs(struct wr_intents *intents, const struct wr_telling *telling)
{
	for (size_t i = 0; i < intents->orgs.room; i++) {
		const struct wr_map_place *place = &intents->orgs.places[i];

		if (!place->value || is_told(telling, place->key))
			continue;
		wr_telling_remove_org(intents, place->key);
		i = (size_t)-1; /* the map moved: once more from its beginning */
	}
}

void wr_telling_remove_others(struct wr_intents *intents, const struct wr_telling *telling)
{
	remove_orgs(intents, telling);
	remove_machines(intents->server->hub, telling);
}
