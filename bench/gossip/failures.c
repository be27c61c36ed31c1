/* Members that die, and members that are only slow. */
#include "measure.h"

#define WARM_UP (20 * S)
#define LIMIT (120 * S)
#define LOSS 10 /* per mille */

/* From its death until each of the others says so. */
static uint64_t fail_one(struct world *world, uint64_t *values, size_t *count)
{
	struct member *member = world_any_up(world, NULL);
	size_t others = world_up(world) - 1;
	uint64_t took;

	watch(world, member);
	node_stop(world, member, false);
	took = play_until_dead(world, others, LIMIT);
	for (uint32_t i = 0; i < world->count; i++)
		if (world->members[i].gossip)
			values[(*count)++] = world->watch.dead_at[i]
						     ? world->watch.dead_at[i] - world->watch.since
						     : UINT64_MAX;
	return took;
}

void measure_failures(const struct wishes *wishes)
{
	struct world *world = fill(wishes, 0);
	uint64_t *values = calloc(wishes->rounds * wishes->members, sizeof(uint64_t));
	uint64_t *slowest = calloc(wishes->rounds, sizeof(uint64_t));
	size_t count = 0;

	assert(values && slowest);
	world->loss = LOSS;
	world_play(world, WARM_UP);
	for (uint64_t i = 0; i < wishes->rounds; i++) {
		slowest[i] = fail_one(world, values, &count);
		world_play(world, below(world, 3000) * MS);
	}
	sort(values, count);
	sort(slowest, wishes->rounds);
	tell("failed member, 1 % loss: declared dead by a member, p50", at_rank(values, count, 500),
	     "s", 0);
	tell("failed member, 1 % loss: declared dead by a member, p99", at_rank(values, count, 990),
	     "s", 10);
	tell("failed member, 1 % loss: declared dead everywhere, p50",
	     at_rank(slowest, wishes->rounds, 500), "s", 0);
	tell("failed member, 1 % loss: declared dead everywhere, p99",
	     at_rank(slowest, wishes->rounds, 990), "s", 10);
	tell("failed member, 1 % loss: declared dead everywhere, max",
	     at_rank(slowest, wishes->rounds, 1000), "s", 0);
	tell("meanwhile declared dead, but well", (double)world->false_deaths, "", 0.5);
	free(values);
	free(slowest);
	world_free(world);
}

/* Another twentieth each 20 s: each gets CPU for an instant each 0.5 to 1.5 s. */
static void slow_down(struct world *world)
{
	for (uint32_t i = 0; i < world->count / 20; i++) {
		struct member *member = world_any_up(world, NULL);

		if (!member->wakes_at)
			node_slow(world, member, 20 * S, 1 * S);
	}
}

void measure_slow(const struct wishes *wishes)
{
	struct world *world = fill(wishes, 0);
	char text[100];

	world->loss = LOSS;
	world_play(world, WARM_UP);
	for (uint64_t at = 0; at < wishes->hours * 3600; at += 20) {
		slow_down(world);
		world_play(world, 20 * S);
	}
	snprintf(text, sizeof(text), "false positives in %llu h, 5 %% slow for 20 s at a time",
		 (unsigned long long)wishes->hours);
	tell(text, (double)world->false_deaths, "", 0.5);
	tell("... of them about slow members", (double)world->slow_deaths, "", 0);
	world_free(world);
}
