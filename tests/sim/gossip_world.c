/* The world: its members, its dice and its clock. */
#include "gossip_world.h"

/* Views are kept of each other in worlds of at most so many. */
#define SMALL 300

uint64_t draw(struct world *world)
{
	uint64_t mixed = world->random += UINT64_C(0x9e3779b97f4a7c15);

	/* splitmix64 (Steele et al., 2014). */
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

uint64_t below(struct world *world, uint64_t limit)
{
	return limit ? draw(world) % limit : 0;
}

bool chance(struct world *world, unsigned percent)
{
	return below(world, 100) < percent;
}

void world_mix(struct world *world, uint64_t number)
{
	world->hash = (world->hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	world->hash ^= world->hash >> 29;
}

struct world *world_new(uint64_t seed, uint32_t room)
{
	struct world *world = calloc(1, sizeof(*world));

	assert(world);
	world->seed = world->random = seed;
	world->now = 1000 * S;
	world->room = room;
	world->members = calloc(room, sizeof(struct member));
	world->by_identity = calloc((size_t)room * 4, sizeof(uint32_t));
	/* Touched as pairs speak, so those who never do cost nothing. */
	world->pairs = calloc((size_t)room * room / 2 + 1, sizeof(struct pair));
	if (room <= SMALL)
		world->views = calloc((size_t)room * room, sizeof(struct view));
	assert(world->members && world->by_identity && world->pairs);
	assert(world->views || room > SMALL);
	world->items = items_new();
	world->timing = wr_gossip_timing();
	world->jitter = 5 * MS;
	world->watch.member = NOBODY;
	world->is_hashed = room <= SMALL;
	for (size_t i = 0; i < WR_MESH_TAG_LEN; i++)
		world->mesh[i] = (uint8_t)draw(world);
	return world;
}

static void free_packets(struct world *world)
{
	struct event event;

	while (queue_pop(&world->queue, UINT64_MAX, &event))
		if (event.packet)
			packet_free(world, event.packet);
	for (size_t i = 0; i < WR_ARRAY_LEN(world->caught); i++)
		free(world->caught[i]);
	for (size_t i = 0; i < WR_ARRAY_LEN(world->free_packets); i++) {
		struct packet *next;

		for (struct packet *packet = world->free_packets[i]; packet; packet = next) {
			next = packet->next;
			free(packet);
		}
	}
}

struct world *world_free(struct world *world)
{
	if (!world)
		return NULL;
	for (uint32_t i = 0; i < world->count; i++) {
		struct member *member = &world->members[i];
		struct packet *next;

		for (struct packet *packet = member->backlog; packet; packet = next) {
			next = packet->next;
			free(packet);
		}
		wr_gossip_free(member->gossip);
		wr_admission_free(member->admission);
		free(member->asker);
		disk_free(member->disk);
		disk_free(member->old_disk);
	}
	free_packets(world);
	queue_done(&world->queue);
	items_free(world->items);
	free(world->watch.alive_at);
	free(world->watch.dead_at);
	free(world->members);
	free(world->by_identity);
	free(world->pairs);
	free(world->views);
	free(world);
	return NULL;
}

static size_t place_of(const struct world *world, const struct wr_key *identity)
{
	uint64_t start;
	size_t room = (size_t)world->room * 4, place;

	memcpy(&start, identity->bytes, sizeof(start));
	place = start % room;
	while (world->by_identity[place] &&
	       memcmp(&world->members[world->by_identity[place] - 1].identity, identity,
		      sizeof(*identity)) != 0)
		place = (place + 1) % room;
	return place;
}

uint32_t world_find(const struct world *world, const struct wr_key *identity)
{
	uint32_t found = world->by_identity[place_of(world, identity)];

	return found ? found - 1 : NOBODY;
}

static void draw_key(struct world *world, struct wr_key *ret_key)
{
	for (size_t i = 0; i < WR_KEY_LEN; i++)
		ret_key->bytes[i] = (uint8_t)draw(world);
}

static void draw_record(struct world *world, struct member *member)
{
	struct wr_record *record = &member->item.record;

	member->item.kind = WR_ITEM_RECORD;
	memcpy(member->item.mesh, world->mesh, sizeof(world->mesh));
	member->item.subject = member->identity;
	record->flags = member->is_open ? WR_RECORD_OPEN | WR_RECORD_RELAYS : 0;
	/* Some claim the same. */
	snprintf(record->name, sizeof(record->name), "host-%llu",
		 (unsigned long long)below(world, 2 * (uint64_t)world->room));
	record->v4[0] = 10;
	record->v4[1] = 7;
	record->v4[2] = (uint8_t)draw(world);
	record->v4[3] = (uint8_t)(1 + below(world, world->room < 100 ? 50 : 250));
	record->candidate_count = 2;
	for (size_t i = 0; i < 2; i++) {
		struct wr_record_candidate *candidate = &record->candidates[i];

		candidate->endpoint.ip.family = WR_IPV4;
		candidate->endpoint.ip.bytes[0] = 198;
		candidate->endpoint.ip.bytes[1] = 18;
		candidate->endpoint.ip.bytes[2] = (uint8_t)draw(world);
		candidate->endpoint.ip.bytes[3] = (uint8_t)(1 + below(world, 200));
		candidate->endpoint.port = 51820;
	}
	snprintf(record->program, sizeof(record->program), "warren 0.1.0");
}

struct member *world_add(struct world *world)
{
	struct member *member = &world->members[world->count];

	assert(world->count < world->room);
	member->number = world->count;
	draw_key(world, &member->seed);
	member->identity = wr_sign_public(&member->seed);
	member->clock_origin = below(world, 1000000) * S;
	member->clock_ppm = (int64_t)below(world, 401) - 200;
	member->wall_skew = chance(world, 10) ? ((int64_t)below(world, 2000) - 1000) * 86400
					      : (int64_t)below(world, 20) - 10;
	member->latency = 1 * MS + below(world, 24000) * (MS / 1000);
	member->is_open = true;
	member->relays[0] = member->relays[1] = NOBODY;
	member->backlog_end = &member->backlog;
	member->epoch = 1;
	draw_record(world, member);
	world->by_identity[place_of(world, &member->identity)] = ++world->count;
	return member;
}

void world_place(struct world *world, struct member *member)
{
	/* Somebody must be open. */
	if (member->number < 3 || !chance(world, world->nats))
		return;
	member->is_open = false;
	member->item.record.flags &= ~(uint32_t)(WR_RECORD_OPEN | WR_RECORD_RELAYS);
	for (size_t i = 0; i < WR_ARRAY_LEN(member->relays); i++)
		(void)net_choose_relay(world, member, i);
}

struct member *world_any_up(struct world *world, const struct member *but)
{
	/* Mostly the first try, and never for ever. */
	for (unsigned tries = 0; tries < 64; tries++) {
		struct member *member = &world->members[below(world, world->count)];

		if (member->gossip && member != but && !member->is_revoked)
			return member;
	}
	return NULL;
}

uint64_t world_up(const struct world *world)
{
	uint64_t up = 0;

	for (uint32_t i = 0; i < world->count; i++)
		up += world->members[i].gossip != NULL;
	return up;
}

void world_play(struct world *world, uint64_t span)
{
	uint64_t until = world->now + span;
	struct event event;

	while (queue_pop(&world->queue, until, &event)) {
		assert(event.at >= world->now);
		world->now = event.at;
		world->events++;
		node_event(world, &event);
	}
	world->now = until;
}
