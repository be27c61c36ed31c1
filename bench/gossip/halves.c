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

/* What one has otherwise than the first, if it is not much. */
static void trace_difference(const struct world *world, uint32_t observer)
{
	for (uint32_t i = 0; i < world->count; i++) {
		struct wr_gossip_sight first, sight;

		if (wr_gossip_find(world->members[0].gossip, &world->members[i].identity, &first) &&
		    wr_gossip_find(world->members[observer].gossip, &world->members[i].identity,
				   &sight) &&
		    (sight.version != first.version || sight.status != first.status))
			trace(world, "%u: %u is %s, version %llx; for 0 %s, version %llx", observer,
			      i, wr_gossip_status_name(sight.status),
			      (unsigned long long)sight.version,
			      wr_gossip_status_name(first.status),
			      (unsigned long long)first.version);
	}
}

/* How far they are, each second. */
static void trace_views(struct world *world, uint64_t begun)
{
	size_t least = SIZE_MAX, all = 0, behind = 0;
	uint64_t bytes = 0;

	if (!world->is_traced || (world->now - begun) % S)
		return;
	for (uint32_t i = 0; i < world->count; i++) {
		struct wr_gossip_figures figures;

		wr_gossip_look(world->members[i].gossip, &figures);
		least = figures.alive < least ? figures.alive : least;
		all += figures.alive;
		behind += figures.alive < world->count;
		bytes += world->members[i].frame_bytes;
	}
	for (uint32_t i = 1, told = 0; behind < 5 && i < world->count && told < 5; i++) {
		struct wr_gossip_figures first, figures;

		wr_gossip_look(world->members[0].gossip, &first);
		wr_gossip_look(world->members[i].gossip, &figures);
		if (first.digest == figures.digest)
			continue;
		trace_difference(world, i);
		told++;
	}
	trace(world,
	      "a member sees %zu alive (at least %zu), %zu do not see all; %llu bytes sent by each",
	      all / world->count, least, behind, (unsigned long long)(bytes / world->count));
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
	double count = 0, frames = 0, wire = 0, peak = 0, peak_wire = 0, all_peaks = 0;

	for (uint32_t i = 0; i < world->count; i++) {
		const struct member *member = &world->members[i];

		count += (double)member->frames / seconds / world->count;
		frames += (double)member->frame_bytes / seconds / world->count;
		wire += (double)member->wire_bytes / seconds / world->count;
		all_peaks += (double)member->worst_wire / world->count;
		if ((double)member->worst_second > peak)
			peak = (double)member->worst_second;
		if ((double)member->worst_wire > peak_wire)
			peak_wire = (double)member->worst_wire;
	}
	tell("... a member sends meanwhile, frames, mean", count, "/s", 0);
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
	world->is_traced = false; /* all are dead to half */
	apart(world, wishes->minutes);
	world->is_traced = wishes->is_traced;
	forget_bytes(world);
	begun = world->now;
	while (!is_one_view(world) && world->now < begun + LIMIT) {
		world_play(world, 100 * MS);
		trace_views(world, begun);
	}
	snprintf(text, sizeof(text), "two halves of %u rejoin after %llu min: one view",
		 wishes->members, (unsigned long long)wishes->minutes);
	tell(text, (double)(world->now - begun) / 1e9, "s", 15);
	tell_bytes(world, (double)(world->now - begun) / 1e9);
	world_free(world);
}
