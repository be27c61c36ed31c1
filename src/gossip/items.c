#include <string.h>

#include "gossip/inside.h"

/* Items that came, or that the caller puts: the newest of each slot is kept. */

/* Two of one version: a copied disk, or a cheat. Everybody keeps the same one. */
static int compare(struct wr_bytes item, uint64_t version, const struct wr_gossip_blob *blob)
{
	size_t len = item.len < blob->len ? item.len : blob->len;
	int order;

	if (version != blob->version)
		return version > blob->version ? 1 : -1;
	order = memcmp(item.data, blob->bytes, len);
	if (order)
		return order;
	return item.len == blob->len ? 0 : item.len > blob->len ? 1 : -1;
}

/* Of ourselves, from another: somebody has our key and goes on where we did not, or we lost what we
 * knew. Ours must be the newest. */
static enum wr_gossip_taken hear_own(struct wr_gossip *g, struct wr_bytes item, uint64_t version)
{
	const struct wr_gossip_blob *own = g->self ? wr_entry(g, g->self)->blob : NULL;

	if (own && (version < own->version || compare(item, version, own) == 0))
		return WR_GOSSIP_KNOWN;
	if (!g->config.check(g->config.context, item))
		return WR_GOSSIP_REFUSED;
	wr_events_object(g, version);
	return WR_GOSSIP_KNOWN;
}

static enum wr_gossip_taken hear_again(struct wr_gossip *g, uint32_t id, bool is_gone)
{
	struct wr_entry *entry = wr_entry(g, id);

	wr_rumours_heard(g, id);
	if (is_gone && !wr_is_gone(entry))
		wr_sync_called(g, id);
	return WR_GOSSIP_KNOWN;
}

static bool is_full(const struct wr_gossip *g, enum wr_item_kind kind)
{
	return kind == WR_ITEM_RECORD ? g->roll.records >= WR_GOSSIP_MEMBERS
				      : g->roll.others >= WR_GOSSIP_OTHERS;
}

static struct wr_gossip_blob *keep(struct wr_gossip *g, struct wr_bytes item)
{
	return g->config.intern ? g->config.intern(g->config.context, item)
				: wr_gossip_blob_new(item);
}

/* A record that is new: its member lives, unless it says farewell, or was dead all the time that we
 * did not know of it. */
static void settle_record(struct wr_gossip *g, uint32_t id, bool was_dead, uint32_t age)
{
	const struct wr_entry *entry = wr_entry(g, id);

	if (entry->blob->is_farewell)
		wr_members_set(g, id, WR_GOSSIP_LEFT, age);
	else if (was_dead && id != g->self)
		wr_members_set(g, id, WR_GOSSIP_DEAD, age);
	else
		wr_members_set(g, id, WR_GOSSIP_ALIVE, 0);
}

/* What a newcomer fetches is not. */
static bool is_news(struct wr_gossip *g, uint64_t key)
{
	return wr_is_past(g->fetching, g->now) || !wr_wants_has(g, key);
}

static enum wr_gossip_taken accept(struct wr_gossip *g, uint32_t id, struct wr_gossip_blob *blob,
				   bool is_gone, uint32_t age, bool spreads)
{
	bool is_told = spreads && is_news(g, blob->key);
	bool was_dead = is_gone && (!id || wr_entry(g, id)->status == WR_GOSSIP_DEAD);

	if (id) {
		wr_roll_replace(&g->roll, id, blob);
	} else {
		id = wr_roll_add(&g->roll, blob, WR_GOSSIP_ALIVE);
		if (!id) {
			wr_gossip_blob_unref(blob);
			return WR_GOSSIP_FULL;
		}
	}
	if (blob->key == g->self_key) {
		g->self = id;
		g->is_renewing = g->is_renewing && blob->version <= g->renew_above;
	}
	g->has_charter |= blob->kind == WR_ITEM_CHARTER;
	wr_wants_got(g, blob->key);
	if (blob->kind == WR_ITEM_RECORD) {
		wr_entry(g, id)->flags &= (uint8_t)~WR_ENTRY_CALLED;
		settle_record(g, id, was_dead, age);
		wr_members_admit(g, id);
	} else {
		wr_events_add(g, id, WR_GOSSIP_ITEM);
	}
	if (is_told)
		wr_rumours_add(g, id);
	return WR_GOSSIP_TAKEN;
}

enum wr_gossip_taken wr_items_take(struct wr_gossip *g, uint32_t from, struct wr_bytes item,
				   bool is_gone, uint32_t age, bool spreads)
{
	struct wr_item_head head;
	struct wr_gossip_blob *blob;
	uint64_t key;
	uint32_t id;
	int order = 1;

	if (!wr_item_peek(item, &head))
		return WR_GOSSIP_REFUSED;
	key = wr_gossip_key(head.kind, head.subject);
	id = wr_roll_find(&g->roll, key);
	if (from && key == g->self_key)
		return hear_own(g, item, head.version);
	if (id)
		order = compare(item, head.version, wr_entry(g, id)->blob);
	if (order < 0 && from)
		wr_post_add(g, WR_JOB_ITEM, from, key, 0, 0);
	if (order <= 0)
		wr_wants_got(g, key);
	if (order < 0)
		return WR_GOSSIP_KNOWN;
	if (order == 0)
		return hear_again(g, id, is_gone);
	if (!id && is_full(g, head.kind))
		return WR_GOSSIP_FULL;
	if (!id && is_gone && wr_members_is_old(g, age))
		return WR_GOSSIP_KNOWN;
	if (!g->config.check(g->config.context, item))
		return WR_GOSSIP_REFUSED;
	blob = keep(g, item);
	if (from)
		wr_sync_stir(g);
	return blob ? accept(g, id, blob, is_gone, age, spreads) : WR_GOSSIP_FULL;
}
