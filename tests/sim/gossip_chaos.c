/* What happens to a mesh. Whoever it happens to may be thought dead for a while: it says until
 * when. */
#include "gossip_world.h"

/* From the end of a trouble until it must be forgotten: suspicions that began before it ended run
 * out, and the dead are found again. */
#define AFTERMATH (60 * S)

static void excuse(struct world *world, struct member *member, uint64_t span)
{
	if (member->troubled_until < world->now + span + AFTERMATH)
		member->troubled_until = world->now + span + AFTERMATH;
}

static void excuse_all(struct world *world, uint64_t span)
{
	for (uint32_t i = 0; i < world->count; i++)
		excuse(world, &world->members[i], span);
}

/* The tunnel that a knock or an invitation makes. */
/* Percent, each time that members are tended. */
#define ANNOUNCES 2

static void meet(struct world *world, struct member *member)
{
	struct member *other = world_any_up(world, member);
	uint32_t relay;

	if (!other || other->wakes_at || !net_reaches(world, member, other, &relay) ||
	    !net_reaches(world, other, member, &relay))
		return;
	net_meet(world, member, other);
	node_greet(world, member, other);
	node_greet(world, other, member);
}

void chaos_start(struct world *world, struct member *member)
{
	/* Some still think of its last life. */
	if (member->epoch)
		excuse(world, member, 0);
	if (chance(world, 20)) {
		/* A machine that was put back to an older state, or lost it. */
		disk_free(member->disk);
		member->disk = member->old_disk;
		member->old_disk = NULL;
		if (!member->disk)
			member->epoch = 0;
	}
	node_start(world, member);
	if (world->has_founder)
		founder_admit(world, member);
	meet(world, member);
	if (chance(world, 50))
		meet(world, member);
}

/* Without somebody who is open, those behind NATs cannot reach each other. */
static bool is_last_open(const struct world *world, const struct member *member)
{
	if (!member->is_open)
		return false;
	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *other = &world->members[i];

		if (other != member && other->gossip && other->is_open && !other->is_revoked)
			return false;
	}
	return true;
}

static void come_or_go(struct world *world)
{
	struct member *member = &world->members[below(world, world->count)];

	if (member->is_revoked)
		return;
	if (!member->gossip)
		chaos_start(world, member);
	else if (world_up(world) > 2 && !is_last_open(world, member))
		node_stop(world, member, chance(world, 40));
}

static void join(struct world *world)
{
	struct member *member;

	if (world->count == world->room)
		return;
	member = world_add(world);
	member->latency = 1 * MS + below(world, 60) * MS;
	world_place(world, member);
	chaos_start(world, member);
}

static void divide(struct world *world)
{
	bool is_one_way = chance(world, 30);

	for (uint32_t i = 0; i < world->count; i++)
		world->members[i].island = (uint32_t)below(world, chance(world, 50) ? 2 : 3);
	world->blocked[0] = is_one_way ? 2 : 6;
	world->blocked[1] = is_one_way ? 4 : 5;
	world->blocked[2] = is_one_way ? 0 : 3;
	trace(world, "divided%s", is_one_way ? ", one way" : "");
	world->is_divided = true;
}

static void unite(struct world *world)
{
	trace(world, "united");
	memset(world->blocked, 0, sizeof(world->blocked));
	if (world->is_divided)
		excuse_all(world, 0);
	world->is_divided = false;
}

/* Some have no CPU. The others must not suffer from what these believe: only with many of them
 * there is nobody left to ask. */
static void slow_down(struct world *world)
{
	uint64_t many = 1 + below(world, world_up(world) / 10 + 1),
		 span = (1 + below(world, 30)) * S;

	for (; many > 0; many--) {
		struct member *member = world_any_up(world, NULL);

		if (!member || member->wakes_at)
			continue;
		trace(world, "%u is slow for %llu s", member->number,
		      (unsigned long long)(span / S));
		excuse(world, member, span);
		node_slow(world, member, span, (100 + below(world, 2900)) * MS);
	}
}

/* The host slept, and says so when it is awake, or does not. */
static void sleep_one(struct world *world)
{
	struct member *member = world_any_up(world, NULL);
	uint64_t span = (10 + below(world, 120)) * S;

	if (!member || member->wakes_at)
		return;
	excuse(world, member, span + S);
	node_slow(world, member, span, span);
	world_play(world, span + 500 * MS);
	if (member->gossip && chance(world, 50)) {
		wr_gossip_woke(member->gossip, node_now(world, member));
		node_settle(world, member);
	}
}

static void set_loss(struct world *world)
{
	world->loss = (unsigned)below(world, 300);
	world->duplicates = (unsigned)below(world, 200);
	world->jitter = below(world, 100) * MS;
	trace(world, "loss %u per mille", world->loss);
	world->is_lossy = true;
}

static void mend_loss(struct world *world)
{
	world->loss = (unsigned)below(world, 20);
	world->duplicates = (unsigned)below(world, 20);
	world->jitter = below(world, 20) * MS;
	if (world->is_lossy)
		excuse_all(world, 0);
	world->is_lossy = false;
}

static void change_record(struct world *world)
{
	struct member *member = world_any_up(world, NULL);
	struct wr_record *record;

	if (!member || member->wakes_at)
		return;
	record = &member->item.record;
	snprintf(record->name, sizeof(record->name), "host-%llu",
		 (unsigned long long)below(world, world->room));
	record->name_since = node_wall(world, member).ns / S;
	node_put_record(world, member);
	node_settle(world, member);
}

static void revoke(struct world *world)
{
	struct member *member = world_any_up(world, NULL);

	if (world->has_founder && member && world_up(world) > 4 && !member->wakes_at &&
	    !is_last_open(world, member))
		founder_revoke(world, member);
	else
		change_record(world);
}

static void be_hostile(struct world *world)
{
	struct member *member = world_any_up(world, NULL);

	if (!world->has_hostile || !member)
		return;
	for (uint64_t i = 1 + below(world, 10); i > 0; i--) {
		if (member->gossip)
			hostile_act(world, member);
		world_play(world, below(world, 1500) * MS);
	}
}

/* Sees nobody, though there was somebody. */
static bool is_lonely(const struct member *member)
{
	struct wr_gossip_figures figures;

	wr_gossip_look(member->gossip, &figures);
	return figures.alive <= 1;
}

/* What daemons do: who sees nobody knocks at somebody; all announce themselves again and again; a
 * relay that died gives its work to another. */
void chaos_tend(struct world *world)
{
	for (uint32_t i = 0; i < world->count; i++) {
		struct member *member = &world->members[i];
		bool has_changed = false;

		if (member->gossip && !member->wakes_at && !member->is_revoked &&
		    (is_lonely(member) || chance(world, ANNOUNCES)))
			meet(world, member);
		if (!member->gossip || member->is_open)
			continue;
		for (size_t j = 0; j < WR_ARRAY_LEN(member->relays); j++)
			has_changed |= net_choose_relay(world, member, j);
		if (has_changed && !member->wakes_at) {
			node_put_record(world, member);
			node_settle(world, member);
		}
	}
}

void chaos_strike(struct world *world)
{
	switch (below(world, 14)) {
	case 0:
	case 1:
	case 2: come_or_go(world); break;
	case 3:
	case 4: join(world); break;
	case 5: divide(world); break;
	case 6: unite(world); break;
	case 7: slow_down(world); break;
	case 8: sleep_one(world); break;
	case 9: set_loss(world); break;
	case 10: mend_loss(world); break;
	case 11: change_record(world); break;
	case 12: revoke(world); break;
	default: be_hostile(world); break;
	}
}

void chaos_end(struct world *world)
{
	trace(world, "calm");
	unite(world);
	mend_loss(world);
	for (uint32_t i = 0; i < world->count; i++) {
		world->members[i].slow_until = 0;
		/* Who heard of it first may have died with it; the founder's machine has it on its
		 * disk. */
		if (world->members[i].is_revoked)
			founder_revoke(world, &world->members[i]);
	}
}
