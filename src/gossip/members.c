#include <stdlib.h>

#include "gossip/inside.h"

/* Ages and times of status are counted in tenths of a second from two days before the start, so
 * that those who were gone before us have a time, too. */
#define TICK_NS INT64_C(100000000)
#define TICKS_A_SECOND 10

/* --- Lists. --- */

bool wr_ids_push(struct wr_ids *ids, uint32_t id)
{
	if (ids->count == ids->room) {
		uint32_t room = ids->room ? ids->room + ids->room / 2 : 8;
		uint32_t *all = realloc(ids->ids, room * sizeof(*all));

		if (!all)
			return false;
		ids->ids = all;
		ids->room = room;
	}
	ids->ids[ids->count++] = id;
	return true;
}

void wr_ids_drop(struct wr_ids *ids, uint32_t at)
{
	assert(at < ids->count);
	ids->ids[at] = ids->ids[--ids->count];
}

static void move(struct wr_gossip *g, struct wr_ids *ids, uint32_t from, uint32_t to)
{
	ids->ids[to] = ids->ids[from];
	wr_entry(g, ids->ids[to])->at = to;
}

/* Those who had their turn stand before `turn`, and stay there. */
static void leave_living(struct wr_gossip *g, struct wr_entry *entry)
{
	uint32_t hole = entry->at;

	if (hole < g->turn) {
		move(g, &g->living, --g->turn, hole);
		hole = g->turn;
	}
	/* What still stands at the end may be who just moved: it has its place. */
	if (hole != --g->living.count)
		move(g, &g->living, g->living.count, hole);
}

static void leave_gone(struct wr_gossip *g, struct wr_entry *entry)
{
	move(g, &g->gone, g->gone.count - 1, entry->at);
	g->gone.count--;
}

static void leave(struct wr_gossip *g, struct wr_entry *entry)
{
	if (entry->flags & WR_ENTRY_LIVING)
		leave_living(g, entry);
	if (entry->flags & WR_ENTRY_GONE)
		leave_gone(g, entry);
	entry->flags &= (uint8_t) ~(WR_ENTRY_LIVING | WR_ENTRY_GONE);
}

/* The list that an entry belongs to, as a flag; 0: none. Who is shut out is not probed. */
static uint8_t place_of(const struct wr_gossip *g, uint32_t id)
{
	const struct wr_entry *entry = wr_entry(g, id);

	if (!wr_is_record(entry) || id == g->self)
		return 0;
	if (wr_is_gone(entry))
		return WR_ENTRY_GONE;
	return entry->flags & WR_ENTRY_SHUT_OUT ? 0 : WR_ENTRY_LIVING;
}

/* Without memory it is in no list: it is not probed, and others see to it. */
static void place(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);
	uint8_t wanted = place_of(g, id);
	struct wr_ids *ids = wanted == WR_ENTRY_LIVING ? &g->living : &g->gone;

	if ((entry->flags & (WR_ENTRY_LIVING | WR_ENTRY_GONE)) == wanted)
		return;
	leave(g, entry);
	if (!wanted || !wr_ids_push(ids, id))
		return;
	entry->at = ids->count - 1;
	entry->flags |= wanted;
}

/* --- Status. --- */

uint32_t wr_members_tick(const struct wr_gossip *g, struct wr_instant at)
{
	int64_t ticks = ((int64_t)at.ns - g->tick_base) / TICK_NS;

	return ticks > 0 ? (uint32_t)ticks : 0;
}

struct wr_instant wr_members_instant(const struct wr_gossip *g, uint32_t tick)
{
	int64_t ns = g->tick_base + (int64_t)tick * TICK_NS;

	return (struct wr_instant){ ns > 0 ? (uint64_t)ns : 0 };
}

uint32_t wr_members_alive(const struct wr_gossip *g)
{
	return g->living.count + (g->self != 0);
}

uint32_t wr_members_age(const struct wr_gossip *g, const struct wr_entry *entry)
{
	uint32_t tick = wr_members_tick(g, g->now);

	return tick > entry->since ? (tick - entry->since) / TICKS_A_SECOND : 0;
}

/* Some time before it is forgotten it is not told any more: so nobody who forgot it already hears
 * of it again, though ages differ by what frames took. */
bool wr_members_is_old(const struct wr_gossip *g, uint32_t age)
{
	uint64_t forget = g->config.timing.forget.ns;

	return age >= (forget - forget / 16) / 1000000000;
}

void wr_members_set(struct wr_gossip *g, uint32_t id, enum wr_gossip_status status, uint32_t age)
{
	struct wr_entry *entry = wr_entry(g, id);
	uint32_t tick = wr_members_tick(g, g->now);
	bool is_gone = status == WR_GOSSIP_DEAD || status == WR_GOSSIP_LEFT;

	if (status != WR_GOSSIP_SUSPECT)
		wr_doubts_drop(g, id);
	entry->since = tick > (uint64_t)age * TICKS_A_SECOND ? tick - age * TICKS_A_SECOND : 0;
	if (status != WR_GOSSIP_ALIVE)
		entry->flags &= (uint8_t)~WR_ENTRY_CALLED;
	wr_roll_set(&g->roll, id, (uint8_t)status, is_gone && wr_members_is_old(g, age));
	place(g, id);
	if (id != g->self)
		wr_events_add(g, id, WR_GOSSIP_MEMBER);
}

bool wr_members_admit(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);
	bool is_in = id == g->self ||
		     g->config.admits(g->config.context, wr_gossip_blob_subject(entry->blob));
	bool was_in = !(entry->flags & WR_ENTRY_SHUT_OUT);

	if (is_in)
		entry->flags &= (uint8_t)~WR_ENTRY_SHUT_OUT;
	else
		entry->flags |= WR_ENTRY_SHUT_OUT;
	/* Nobody looks whether it lives, so nobody says that it does not: all agree. */
	if (!is_in && (entry->status == WR_GOSSIP_SUSPECT || entry->status == WR_GOSSIP_DEAD))
		wr_members_set(g, id, WR_GOSSIP_ALIVE, 0);
	if (is_in == was_in)
		return is_in;
	if (!is_in)
		wr_probes_left(g, id);
	if (is_in && entry->status == WR_GOSSIP_ALIVE)
		entry->since = wr_members_tick(g, g->now);
	place(g, id);
	wr_events_add(g, id, WR_GOSSIP_MEMBER);
	return is_in;
}

/* --- Choosing. --- */

uint32_t wr_members_any(struct wr_gossip *g, uint32_t but, uint32_t nor)
{
	uint32_t found = 0;

	/* A few tries: one that nobody doubts, if there is. */
	for (unsigned tries = 0; tries < 6 && g->living.count; tries++) {
		uint32_t id = g->living.ids[wr_gossip_pick(g, g->living.count)];

		if (id == but || id == nor)
			continue;
		found = id;
		if (wr_entry(g, id)->status == WR_GOSSIP_ALIVE)
			break;
	}
	return found;
}

uint32_t wr_members_any_dead(struct wr_gossip *g)
{
	for (unsigned tries = 0; tries < 6 && g->gone.count; tries++) {
		uint32_t id = g->gone.ids[wr_gossip_pick(g, g->gone.count)];
		const struct wr_entry *entry = wr_entry(g, id);

		if (entry->status == WR_GOSSIP_DEAD && !(entry->flags & WR_ENTRY_SHUT_OUT))
			return id;
	}
	return 0;
}

/* Fisher and Yates, one step each time: each round has an order of its own. */
uint32_t wr_members_turn(struct wr_gossip *g)
{
	uint32_t other, here;

	if (!g->living.count)
		return 0;
	if (g->turn >= g->living.count)
		g->turn = 0;
	other = g->turn + wr_gossip_pick(g, g->living.count - g->turn);
	here = g->living.ids[g->turn];
	move(g, &g->living, other, g->turn);
	g->living.ids[other] = here;
	wr_entry(g, here)->at = other;
	return g->living.ids[g->turn++];
}

/* So many of the dead, and items of other kinds, may stand before it. */
#define NEAR 32

uint32_t wr_members_neighbour(const struct wr_gossip *g)
{
	uint64_t key = g->self_key;

	for (unsigned tries = 0; tries < NEAR; tries++) {
		uint32_t id = key == UINT64_MAX ? 0 : wr_roll_next(&g->roll, key + 1);

		if (!id)
			id = wr_roll_next(&g->roll, 0);
		if (id == g->self)
			return 0;
		if (wr_entry(g, id)->flags & WR_ENTRY_LIVING)
			return id;
		key = wr_entry(g, id)->blob->key;
	}
	return 0;
}

/* --- Forgetting. --- */

void wr_members_forget(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);

	wr_doubts_drop(g, id);
	leave(g, entry);
	wr_peer_forget(g, id);
	wr_events_add_forgotten(g, id);
	wr_roll_remove(&g->roll, id);
}

void wr_members_sweep(struct wr_gossip *g)
{
	uint64_t forget = g->config.timing.forget.ns / 1000000000;

	for (uint32_t i = g->gone.count; i-- > 0;) {
		uint32_t id = g->gone.ids[i], age = wr_members_age(g, wr_entry(g, id));

		if (age >= forget)
			wr_members_forget(g, id);
		else if (wr_members_is_old(g, age))
			wr_roll_set(&g->roll, id, wr_entry(g, id)->status, true);
	}
}
