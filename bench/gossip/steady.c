/* What a member costs while nothing happens, and what it keeps. */
#include "measure.h"

/* Sessions begin and end: they last three minutes. */
#define WARM_UP (200 * S)
#define WATCHED 240

struct sums {
	double frames, bytes, wire, most, most_wire;
};

static struct sums sum(const struct world *world)
{
	struct sums sums = { 0 };

	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *member = &world->members[i];

		sums.frames += (double)member->frames / WATCHED / world->count;
		sums.bytes += (double)member->frame_bytes / WATCHED / world->count;
		sums.wire += (double)member->wire_bytes / WATCHED / world->count;
		if ((double)member->frame_bytes / WATCHED > sums.most)
			sums.most = (double)member->frame_bytes / WATCHED;
		if ((double)member->wire_bytes / WATCHED > sums.most_wire)
			sums.most_wire = (double)member->wire_bytes / WATCHED;
	}
	return sums;
}

static void tell_memory(const struct world *world)
{
	double all = 0, most = 0, per;
	char text[100];

	for (uint32_t i = 0; i < world->count; i++) {
		struct wr_gossip_figures figures;

		wr_gossip_look(world->members[i].gossip, &figures);
		per = (double)figures.memory / (double)figures.members;
		all += per / world->count;
		most = per > most ? per : most;
	}
	snprintf(text, sizeof(text), "memory a known member, of %u (mean)", world->count);
	tell(text, all, "B", 1024);
	snprintf(text, sizeof(text), "memory a known member, of %u (most)", world->count);
	tell(text, most, "B", 1024);
}

void measure_steady(const struct wishes *wishes)
{
	struct world *world = fill(wishes, 0);
	double target = wishes->members <= 100 ? 2048 : 3072;
	struct sums sums;
	char text[100];

	world_play(world, WARM_UP);
	forget_bytes(world);
	world_play(world, WATCHED * S);
	sums = sum(world);
	snprintf(text, sizeof(text), "steady, %u members: frames a member", world->count);
	tell(text, sums.frames, "/s", 0);
	snprintf(text, sizeof(text), "steady, %u members: a member sends, frames alone",
		 world->count);
	tell(text, sums.bytes, "B/s", target);
	snprintf(text, sizeof(text), "steady, %u members: ... all on the wire", world->count);
	tell(text, sums.wire, "B/s", target);
	snprintf(text, sizeof(text), "steady, %u members: the busiest, all on the wire",
		 world->count);
	tell(text, sums.most_wire, "B/s", 0);
	tell_memory(world);
	world_free(world);
}
