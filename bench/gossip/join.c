/* A machine joins by way of one member: when do the others know it? */
#include "measure.h"

#define WARM_UP (20 * S)
#define LIMIT (120 * S)

static struct member *join(struct world *world)
{
	struct member *member = world_add(world);
	struct member *contact = &world->members[below(world, world->count - 1)];

	watch(world, member);
	node_start(world, member);
	net_meet(world, member, contact);
	node_greet(world, member, contact);
	node_greet(world, contact, member);
	return member;
}

/* From the tunnel to the contact until the newcomer knows all. */
static uint64_t learn(struct world *world, const struct member *member)
{
	struct wr_gossip_figures figures;

	do {
		world_play(world, 10 * MS);
		wr_gossip_look(member->gossip, &figures);
	} while (figures.alive < world->count && world->now < world->watch.since + LIMIT);
	return world->now - world->watch.since;
}

void measure_join(const struct wishes *wishes)
{
	struct world *world = fill(wishes, (uint32_t)wishes->rounds);
	uint64_t worst_most = 0, worst_all = 0, worst_learnt = 0;
	bool is_big = wishes->members > 1000;
	char text[100];

	world_play(world, WARM_UP);
	for (uint64_t i = 0; i < wishes->rounds; i++) {
		size_t others = world->count;
		struct member *member = join(world);
		uint64_t most = play_until_alive(world, others * 999 / 1000, LIMIT);
		uint64_t all = play_until_alive(world, others, LIMIT);
		uint64_t learnt = learn(world, member);

		worst_most = most > worst_most ? most : worst_most;
		worst_all = all > worst_all ? all : worst_all;
		worst_learnt = learnt > worst_learnt ? learnt : worst_learnt;
		world_play(world, 5 * S);
	}
	snprintf(text, sizeof(text), "a join known to 99.9 %% of %u (worst of %llu)",
		 wishes->members, (unsigned long long)wishes->rounds);
	tell(text, (double)worst_most / 1e9, "s", is_big ? 6 : 4);
	snprintf(text, sizeof(text), "a join known to all of %u", wishes->members);
	tell(text, (double)worst_all / 1e9, "s", is_big ? 12 : 8);
	snprintf(text, sizeof(text), "who joins %u knows all (at most)", wishes->members);
	tell(text, (double)worst_learnt / 1e9, "s", 0);
	world_free(world);
}
