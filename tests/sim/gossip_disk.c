/* What a member keeps when its process ends: the epoch of its record's version, and what the
 * founder signed. Members are not kept: it visits some and hears the rest. */
#include "gossip_world.h"

struct saved {
	uint32_t epoch;
	size_t count;
	struct wr_bytes items[]; /* the world's */
};

struct saved *disk_save(const struct world *world, const struct member *member)
{
	struct wr_bytes item;
	struct saved *saved;
	size_t at = 0, count = 0;

	while (wr_gossip_next_item(member->gossip, &at, &item))
		count++;
	saved = malloc(sizeof(*saved) + count * sizeof(struct wr_bytes));
	assert(saved);
	saved->epoch = member->epoch;
	saved->count = 0;
	for (at = 0; wr_gossip_next_item(member->gossip, &at, &item);) {
		struct wr_bytes genuine = items_genuine(world->items, item);

		if (genuine.data)
			saved->items[saved->count++] = genuine;
	}
	return saved;
}

struct saved *disk_free(struct saved *saved)
{
	free(saved);
	return NULL;
}

void disk_load(struct world *world, struct member *member, const struct saved *saved)
{
	if (!saved)
		return;
	member->epoch = saved->epoch;
	for (size_t i = 0; i < saved->count; i++)
		node_put(world, member, saved->items[i], false);
}
