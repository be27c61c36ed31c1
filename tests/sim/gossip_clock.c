/* Members' clocks: none says what another says, and none runs as fast. */
#include "gossip_world.h"

/* Of so much time; it never runs backwards. */
static uint64_t drift(const struct member *member, uint64_t at)
{
	return (uint64_t)((int64_t)(at / 1000000) * member->clock_ppm +
			  (int64_t)(at % 1000000) * member->clock_ppm / 1000000);
}

static uint64_t local(const struct member *member, uint64_t at)
{
	return member->clock_origin + at + drift(member, at);
}

struct wr_instant node_now(const struct world *world, const struct member *member)
{
	return (struct wr_instant){ local(member, world->now) };
}

struct wr_wall node_wall(const struct world *world, const struct member *member)
{
	/* The world begins in 2026. */
	return (struct wr_wall){ (uint64_t)(1767225600 + member->wall_skew) * S + world->now };
}

/* The first moment of the world at which its clock has come so far. */
uint64_t node_global(const struct world *world, const struct member *member,
		     struct wr_instant instant)
{
	uint64_t at;

	if (wr_is_never(instant))
		return UINT64_MAX;
	if (instant.ns <= local(member, world->now))
		return world->now;
	at = instant.ns - member->clock_origin;
	at -= drift(member, at);
	if (at < world->now)
		at = world->now;
	while (local(member, at) < instant.ns)
		at += instant.ns - local(member, at);
	return at;
}
