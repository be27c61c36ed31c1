#include "gossip/inside.h"

/* A rumour is an entry that is still told: what is told of it is what it is at that time. Each is
 * told some log n times (where there are many, once less for each time that another tells it to
 * us), so most members hear of it, and the few that do not find it by comparing. The first tellings
 * are of the whole item while there is little new; else only a mark goes, and who lacks the item
 * asks for it: its bytes reach each member about once. */

#define WHOLE_WHILE 8    /* rumours at most */
#define WHOLE_TELLINGS 3 /* of an item of another */
#define OWN_TELLINGS 8   /* of our own record: nobody else has it at first */
#define LEAST_TELLINGS 4
#define FEW 24

static uint8_t tellings(const struct wr_gossip *g)
{
	return (uint8_t)(LEAST_TELLINGS + wr_gossip_log2(wr_members_alive(g) + 1) / 256);
}

void wr_rumours_add(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);

	if (!(entry->flags & WR_ENTRY_HOT) && !wr_ids_push(&g->hot, id))
		return;
	entry->flags |= WR_ENTRY_HOT;
	entry->told = 0;
}

static void drop_at(struct wr_gossip *g, uint32_t at)
{
	wr_entry(g, g->hot.ids[at])->flags &= (uint8_t)~WR_ENTRY_HOT;
	wr_ids_drop(&g->hot, at);
}

void wr_rumours_drop(struct wr_gossip *g, uint32_t id)
{
	for (uint32_t i = 0; wr_entry(g, id)->flags & WR_ENTRY_HOT && i < g->hot.count; i++)
		if (g->hot.ids[i] == id)
			drop_at(g, i);
}

void wr_rumours_heard(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);

	/* With few, it is worth more that all hear of it. */
	if (entry->flags & WR_ENTRY_HOT && g->hot.count > FEW && entry->told < UINT8_MAX)
		entry->told++;
}

static bool is_whole(const struct wr_gossip *g, uint32_t id)
{
	unsigned told = wr_entry(g, id)->told;

	if (id == g->self)
		return told < OWN_TELLINGS;
	return g->hot.count <= WHOLE_WHILE && told < WHOLE_TELLINGS;
}

static bool tell_item(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t id, size_t room)
{
	const struct wr_entry *entry = wr_entry(g, id);
	struct wr_bytes bytes = wr_gossip_blob_bytes(entry->blob);

	if (is_whole(g, id) && bytes.len + 8 <= room &&
	    wr_frame_add_item(frame, wr_is_gone(entry), wr_members_age(g, entry), bytes))
		return true;
	return wr_frame_add_mark(frame, WR_FRAME_HAVE, wr_roll_mark(entry));
}

/* What is to be said of an entry. False if it does not fit. */
static bool tell(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t id, size_t room)
{
	const struct wr_entry *entry = wr_entry(g, id);
	struct wr_frame_mark mark = wr_roll_mark(entry);

	if (wr_is_record(entry) && entry->status == WR_GOSSIP_SUSPECT)
		return wr_frame_add_mark(frame, WR_FRAME_SUSPECT, mark);
	if (wr_is_record(entry) && entry->status == WR_GOSSIP_DEAD)
		return wr_frame_add_death(
			frame, (struct wr_frame_death){ mark, wr_members_age(g, entry) });
	if (entry->flags & WR_ENTRY_CALLED)
		return wr_frame_add_mark(frame, WR_FRAME_CALLED, mark);
	return tell_item(g, frame, id, room);
}

/* That it is suspected or called dead, so that it may object. */
static bool warn(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t peer)
{
	const struct wr_entry *entry;

	if (peer & WR_PEER_STRANGER)
		return false;
	entry = wr_entry(g, peer);
	if (entry->status != WR_GOSSIP_SUSPECT && entry->status != WR_GOSSIP_DEAD &&
	    !(entry->flags & WR_ENTRY_CALLED))
		return false;
	return tell(g, frame, peer, 0);
}

bool wr_rumours_fill(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t peer, size_t room)
{
	size_t end = frame->len + room;
	bool has_any = warn(g, frame, peer);

	for (uint32_t left = g->hot.count; left-- > 0 && g->hot.count;) {
		uint32_t at = g->hot_turn < g->hot.count ? g->hot_turn : 0;
		uint32_t id = g->hot.ids[at];

		/* The longest of a mark and its part. */
		if (frame->len + 18 > end)
			break;
		g->hot_turn = at + 1;
		if (id == peer)
			continue;
		if (!tell(g, frame, id, end - frame->len))
			break;
		has_any = true;
		if (++wr_entry(g, id)->told >= tellings(g)) {
			drop_at(g, at);
			g->hot_turn = at;
		}
	}
	return has_any;
}

void wr_rumours_poll(struct wr_gossip *g)
{
	if (!g->hot.count || !wr_is_past(g->spread_at, g->now))
		return;
	g->spread_at = wr_after(g->now, g->config.timing.spread);
	for (unsigned i = g->spreading; i < g->config.timing.fanout; i++) {
		uint32_t peer = wr_members_any(g, 0, 0);

		if (!peer)
			break;
		g->spreading++;
		wr_post_add(g, WR_JOB_SPREAD, peer, 0, 0, 0);
	}
}
