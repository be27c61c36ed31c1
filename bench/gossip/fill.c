/* Meshes to measure in, and how to watch them. */
#include "measure.h"

static int compare_identities(const void *a, const void *b)
{
	const struct member *const *left = a, *const *right = b;

	return memcmp(&(*left)->identity, &(*right)->identity, sizeof(struct wr_key));
}

/* Everybody has everybody's record. In the order of identities, which is quick. */
static void share(struct world *world, struct member **order, struct wr_bytes *records)
{
	for (uint32_t i = 0; i < world->count; i++) {
		struct member *member = &world->members[i];

		for (uint32_t j = 0; j < world->count; j++)
			if (order[j] != member)
				node_put(world, member, records[j], false);
		node_settle(world, member);
	}
}

struct world *fill(const struct wishes *wishes, uint32_t newcomers)
{
	struct world *world = world_new(wishes->seed, wishes->members + newcomers);
	struct member **order = calloc(wishes->members, sizeof(struct member *));
	struct wr_bytes *records = calloc(wishes->members, sizeof(struct wr_bytes));

	assert(order && records);
	world->is_filled = true;
	for (uint32_t i = 0; i < wishes->members; i++) {
		order[i] = world_add(world);
		node_start(world, order[i]);
	}
	qsort(order, wishes->members, sizeof(struct member *), compare_identities);
	for (uint32_t i = 0; i < wishes->members; i++)
		records[i] = items_sign(world, &order[i]->item, &order[i]->seed);
	share(world, order, records);
	world->is_filled = false;
	world->is_traced = wishes->is_traced;
	free(order);
	free(records);
	return world;
}

void watch(struct world *world, const struct member *member)
{
	struct watch *watched = &world->watch;

	free(watched->alive_at);
	free(watched->dead_at);
	*watched = (struct watch){
		.member = member->number,
		.since = world->now,
		.alive_at = calloc(world->room, sizeof(uint64_t)),
		.dead_at = calloc(world->room, sizeof(uint64_t)),
	};
	assert(watched->alive_at && watched->dead_at);
}

static uint64_t play_until(struct world *world, const size_t *seen, size_t count, uint64_t limit)
{
	while (*seen < count && world->now < world->watch.since + limit)
		world_play(world, 10 * MS);
	return *seen < count ? UINT64_MAX : world->now - world->watch.since;
}

uint64_t play_until_alive(struct world *world, size_t count, uint64_t limit)
{
	return play_until(world, &world->watch.alive, count, limit);
}

uint64_t play_until_dead(struct world *world, size_t count, uint64_t limit)
{
	return play_until(world, &world->watch.dead, count, limit);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

void sort(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_numbers);
}

double at_rank(const uint64_t *values, size_t count, unsigned per_mille)
{
	size_t rank = (count * per_mille + 999) / 1000;

	return count ? (double)values[rank ? rank - 1 : 0] / 1e9 : 0;
}

void forget_bytes(struct world *world)
{
	for (uint32_t i = 0; i < world->count; i++) {
		struct member *member = &world->members[i];

		member->frames = member->frame_bytes = member->wire_bytes = 0;
		member->worst_second = member->worst_wire = 0;
		member->second_bytes = member->second_wire = 0;
	}
}
