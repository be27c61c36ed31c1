/* A member that is admitted, and means ill: it sends to others what it caught, what it broke and
 * what it made up. It has no key but its own. */
#include "gossip/blob.h"
#include "gossip_world.h"

#define CAUGHT_LEN (sizeof(((struct world *)0)->caught) / sizeof(struct packet *))

static struct packet *copy_of(const struct packet *packet)
{
	struct packet *copy = malloc(sizeof(*copy) + packet->len);

	assert(copy);
	memcpy(copy, packet, sizeof(*copy) + packet->len);
	return copy;
}

/* Some of what is sent, whoever sent it: a hostile member hears only its own, but what else there
 * is it could have heard before. */
void hostile_catch(struct world *world, const struct packet *packet)
{
	size_t place;

	if (!world->has_hostile || world->caught_count++ % 7)
		return;
	place = world->caught_count / 7 % CAUGHT_LEN;
	free(world->caught[place]);
	world->caught[place] = copy_of(packet);
}

static struct packet *draw_caught(struct world *world)
{
	return world->caught[below(world, CAUGHT_LEN)];
}

static void inject(struct world *world, struct member *member, const uint8_t *bytes, size_t len)
{
	struct member *victim = world_any_up(world, member);

	if (!victim || !len)
		return;
	world->forged++;
	net_send(world, member, victim, (struct wr_bytes){ bytes, len });
}

static void replay(struct world *world, struct member *member)
{
	const struct packet *caught = draw_caught(world);

	if (caught)
		inject(world, member, caught->data, caught->len);
}

static void truncate_one(struct world *world, struct member *member)
{
	const struct packet *caught = draw_caught(world);

	if (caught)
		inject(world, member, caught->data, below(world, caught->len));
}

/* A few bytes are others. */
static void spoil(struct world *world, struct member *member)
{
	const struct packet *caught = draw_caught(world);
	uint8_t bytes[WR_FRAME_MAX_LEN];

	if (!caught)
		return;
	memcpy(bytes, caught->data, caught->len);
	for (uint64_t i = 1 + below(world, 4); i > 0; i--)
		bytes[below(world, caught->len)] = (uint8_t)draw(world);
	inject(world, member, bytes, caught->len);
}

static void make_up(struct world *world, struct member *member)
{
	uint8_t bytes[WR_FRAME_MAX_LEN];
	size_t len = 1 + below(world, sizeof(bytes));

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)draw(world);
	bytes[0] = WR_FRAME_FIRST;
	inject(world, member, bytes, len);
}

/* Another's record in what was caught gets a version that would win, without its signature. */
static void raise(struct world *world, struct member *member)
{
	const struct packet *caught = draw_caught(world);
	uint8_t bytes[WR_FRAME_MAX_LEN];
	size_t at, version = 1 + WR_MESH_TAG_LEN + 2 * WR_KEY_LEN;

	if (!caught)
		return;
	memcpy(bytes, caught->data, caught->len);
	for (at = 0; at + version + 8 < caught->len; at++) {
		if (bytes[at] != WR_ITEM_RECORD ||
		    memcmp(&bytes[at + 1], world->mesh, WR_MESH_TAG_LEN) != 0)
			continue;
		bytes[at + version + 3]++;
		inject(world, member, bytes, caught->len);
		return;
	}
}

/* --- Frames as they should be, with lies in them. --- */

static void inject_written(struct world *world, struct member *member,
			   const struct wr_frame_writer *frame)
{
	if (!wr_frame_is_empty(frame))
		inject(world, member, frame->bytes, frame->len);
}

/* Somebody's record as the hostile member knows it; false: it knows nobody. */
static bool draw_record(struct world *world, const struct member *member,
			struct wr_gossip_sight *ret_sight)
{
	const struct member *victim = world_any_up(world, member);

	return victim && wr_gossip_find(member->gossip, &victim->identity, ret_sight);
}

/* Under another's name: a higher version, or a farewell, without its key. */
static void forge(struct world *world, struct member *member)
{
	static const size_t places[] = { 1 + WR_MESH_TAG_LEN + 2 * WR_KEY_LEN + 3,
					 1 + WR_MESH_TAG_LEN + 2 * WR_KEY_LEN + 8 + 3, 3 };
	struct wr_frame_writer frame;
	struct wr_gossip_sight sight;
	uint8_t bytes[WR_ITEM_MAX_LEN];

	if (!draw_record(world, member, &sight))
		return;
	memcpy(bytes, sight.record.data, sight.record.len);
	bytes[places[below(world, WR_ARRAY_LEN(places))]] ^= 1;
	wr_frame_begin(&frame);
	if (wr_frame_add_item(&frame, chance(world, 50), (uint32_t)below(world, 100000),
			      (struct wr_bytes){ bytes, sight.record.len }))
		inject_written(world, member, &frame);
}

/* Says of one who is well that it does not answer, or is dead. */
static void slander(struct world *world, struct member *member)
{
	struct wr_frame_writer frame;
	struct wr_gossip_sight sight;
	struct wr_frame_mark mark;
	struct wr_gossip_blob *blob;
	bool is_written;

	if (!draw_record(world, member, &sight))
		return;
	blob = items_intern(world->items, sight.record);
	assert(blob);
	mark = (struct wr_frame_mark){ blob->key, (uint32_t)blob->digest & ~WR_FRAME_PRINT_DEAD };
	wr_gossip_blob_unref(blob);
	wr_frame_begin(&frame);
	if (chance(world, 50))
		is_written = wr_frame_add_mark(&frame, WR_FRAME_SUSPECT, mark);
	else
		is_written = wr_frame_add_item(&frame, true, 5, sight.record);
	if (is_written)
		inject_written(world, member, &frame);
}

/* Members that are not there, which sign for themselves. */
static void invent(struct world *world, struct member *member)
{
	struct wr_item item = member->item;
	struct wr_frame_writer frame;
	struct wr_key seed;

	if (world->invented++ > 20)
		return;
	for (size_t i = 0; i < WR_KEY_LEN; i++)
		seed.bytes[i] = (uint8_t)draw(world);
	item.subject = wr_sign_public(&seed);
	item.version = draw(world);
	wr_frame_begin(&frame);
	if (wr_frame_add_item(&frame, false, 0, items_sign(world, &item, &seed)))
		inject_written(world, member, &frame);
}

/* Has all and wants all. */
static void boast(struct world *world, struct member *member)
{
	struct wr_frame_writer frame;
	enum wr_frame_kind kind = chance(world, 50) ? WR_FRAME_HAVE : WR_FRAME_WANT;
	bool fits = true;

	wr_frame_begin(&frame);
	for (unsigned i = 0; fits && i < 60; i++)
		fits = wr_frame_add_mark(
			&frame, kind, (struct wr_frame_mark){ draw(world), (uint32_t)draw(world) });
	inject_written(world, member, &frame);
}

/* A comparison with somebody who has everything otherwise. */
static void compare(struct world *world, struct member *member)
{
	struct wr_frame_range range = { 0, UINT64_MAX, draw(world), (uint32_t)below(world, 30000) };
	struct wr_frame_writer frame;

	wr_frame_begin(&frame);
	if (wr_frame_add_ranges(&frame, &range, 1))
		inject_written(world, member, &frame);
}

void hostile_act(struct world *world, struct member *member)
{
	static void (*const acts[])(struct world *, struct member *) = {
		replay, truncate_one, spoil, make_up, raise, forge, slander, invent, boast, compare,
	};

	for (uint64_t i = below(world, 40); i > 0; i--)
		acts[below(world, WR_ARRAY_LEN(acts))](world, member);
}
