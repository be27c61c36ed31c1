/* Two halves of a mesh that were apart for an hour. */
#include "measure.h"

#define WARM_UP (30 * S)
#define LIMIT (120 * S)

static bool is_one_view(struct world *world)
{
	uint64_t digest = 0;

	for (uint32_t i = 0; i < world->count; i++) {
		struct wr_gossip_figures figures;

		wr_gossip_look(world->members[i].gossip, &figures);
		if (!i)
			digest = figures.digest;
		if (figures.alive != world->count || figures.digest != digest)
			return false;
	}
	return true;
}

static void apart(struct world *world, uint64_t minutes)
{
	for (uint32_t i = 0; i < world->count; i++)
		world->members[i].island = i % 2;
	world->blocked[0] = 2;
	world->blocked[1] = 1;
	world_play(world, minutes * 60 * S);
	memset(world->blocked, 0, sizeof(world->blocked));
}

static void tell_bytes(const struct world *world, double seconds)
{
	double frames = 0, wire = 0, peak = 0, peak_wire = 0, all_peaks = 0;

	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *member = &world->members[i];

		frames += (double)member->frame_bytes / seconds / world->count;
		wire += (double)member->wire_bytes / seconds / world->count;
		all_peaks += (double)member->worst_wire / world->count;
		if ((double)member->worst_second > peak)
			peak = (double)member->worst_second;
		if ((double)member->worst_wire > peak_wire)
			peak_wire = (double)member->worst_wire;
	}
	tell("... a member sends meanwhile, frames alone, mean", frames / 1024, "KiB/s", 64);
	tell("... all on the wire, mean", wire / 1024, "KiB/s", 64);
	tell("... worst second of the busiest, frames alone", peak / 1024, "KiB/s", 64);
	tell("... worst second of the busiest, all on the wire", peak_wire / 1024, "KiB/s", 64);
	tell("... worst second of each, all on the wire, mean", all_peaks / 1024, "KiB/s", 64);
}

void measure_halves(const struct wishes *wishes)
{
	struct world *world = fill(wishes, 0);
	uint64_t begun;
	char text[100];

	world_play(world, WARM_UP);
	apart(world, wishes->minutes);
	forget_bytes(world);
	begun = world->now;
	while (!is_one_view(world) && world->now < begun + LIMIT)
		world_play(world, 100 * MS);
	snprintf(text, sizeof(text), "two halves of %u rejoin after %llu min: one view",
		 wishes->members, (unsigned long long)wishes->minutes);
	tell(text, (double)(world->now - begun) / 1e9, "s", 15);
	tell_bytes(world, (double)(world->now - begun) / 1e9);
	world_free(world);
}
