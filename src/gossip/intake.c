#include <string.h>

#include "gossip/inside.h"

/* What came. Who sends is known by its tunnel; nothing is believed because of a name in a frame. */

/* Of a half of a mesh that comes back not each is compared with: it costs a handshake or two. */
#define MEETINGS WR_SPAN_MS(250)

static void take_item(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part)
{
	if (wr_items_take(g, from, part->item, part->is_gone, part->age, true) == WR_GOSSIP_REFUSED)
		g->figures.refused++;
}

/* --- From members. --- */

/* It speaks of another record than ours, which may be an objection that it has not heard: there is
 * no time for questions, unless much waits. */
static void correct(struct wr_gossip *g, uint32_t from, uint64_t key)
{
	wr_post_add(g, wr_post_is_laden(g, from) ? WR_JOB_HAVE : WR_JOB_ITEM, from, key, 0, 0);
}

/* Somebody had no answer from it, or says that it is dead: both are a doubt, which who is meant can
 * lift, and who it came from counts, not what it claims. */
static void doubted(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark)
{
	uint32_t id = wr_roll_find(&g->roll, mark.key);
	struct wr_frame_mark ours;

	if (!id || !wr_is_record(wr_entry(g, id)))
		return;
	ours = wr_roll_mark(wr_entry(g, id));
	if ((ours.print ^ mark.print) & ~WR_FRAME_PRINT_DEAD)
		correct(g, from, mark.key);
	else if (id == g->self)
		wr_events_object(g, wr_entry(g, id)->blob->version);
	else if (id != from)
		wr_doubts_add(g, id, from);
}

static void called(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark)
{
	uint32_t id = wr_roll_find(&g->roll, mark.key);
	struct wr_frame_mark ours;

	if (!id || !wr_is_record(wr_entry(g, id)))
		return;
	ours = wr_roll_mark(wr_entry(g, id));
	if ((ours.print ^ mark.print) & ~WR_FRAME_PRINT_DEAD)
		wr_post_add(g, WR_JOB_HAVE, from, mark.key, 0, 0);
	else if (wr_entry(g, id)->flags & WR_ENTRY_CALLED)
		wr_rumours_heard(g, id);
	else
		wr_sync_called(g, id);
}

static void hear_marks(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part)
{
	for (unsigned i = 0; i < part->count; i++) {
		struct wr_frame_mark mark = part->kind == WR_FRAME_DEAD
						    ? wr_frame_death(part, i).mark
						    : wr_frame_mark(part, i);

		if (part->kind == WR_FRAME_HAVE)
			wr_sync_have(g, from, mark);
		else if (part->kind == WR_FRAME_WANT)
			wr_sync_want(g, from, mark);
		else if (part->kind == WR_FRAME_CALLED)
			called(g, from, mark);
		else
			doubted(g, from, mark);
	}
}

static void hear(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part)
{
	switch (part->kind) {
	case WR_FRAME_PROBE: wr_post_add(g, WR_JOB_ACK, from, 0, 0, part->sequence); break;
	case WR_FRAME_ACK: wr_probes_acked(g, from, part->sequence); break;
	case WR_FRAME_NACK: wr_probes_nacked(g, from, part->sequence); break;
	case WR_FRAME_ASK: wr_probes_asked(g, from, part->sequence, part->key); break;
	case WR_FRAME_WHO: wr_sync_greet(g, from); break;
	case WR_FRAME_ITEM: take_item(g, from, part); break;
	case WR_FRAME_HAVE:
	case WR_FRAME_WANT:
	case WR_FRAME_SUSPECT:
	case WR_FRAME_CALLED:
	case WR_FRAME_DEAD: hear_marks(g, from, part); break;
	case WR_FRAME_RANGES: wr_sync_ranges(g, from, part); break;
	case WR_FRAME_LIST: wr_sync_list(g, from, part); break;
	case WR_FRAME_KINDS: break;
	}
}

/* It is there: our own doubts are over, others' it must lift itself. One that we hold for dead is
 * told so by what rides along; as it may stand for many, much is compared. */
static void heard_from(struct wr_gossip *g, uint32_t from)
{
	struct wr_entry *entry = wr_entry(g, from);

	entry->heard = wr_members_tick(g, g->now);
	entry->vouched = 0;
	if (entry->status == WR_GOSSIP_SUSPECT)
		wr_members_set(g, from, WR_GOSSIP_ALIVE, 0);
	if (entry->status != WR_GOSSIP_DEAD || wr_members_tick(g, g->now) < entry->met)
		return;
	entry->met = wr_members_tick(g, g->now) + 20;
	wr_post_add(g, WR_JOB_HAVE, from, entry->blob->key, 0, 0);
	if (!wr_is_past(g->meet_at, g->now))
		return;
	g->meet_at = wr_after(g->now, MEETINGS);
	wr_sync_start(g, from);
}

static void from_member(struct wr_gossip *g, uint32_t from, struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	heard_from(g, from);
	while (wr_frame_next(&reader, &part))
		hear(g, from, &part);
}

/* --- From others. --- */

/* What is taken from who is not admitted: its own record, and what the founder signed. */
static bool may_present(const struct wr_key *from, struct wr_bytes item, bool *ret_is_record)
{
	struct wr_item_head head;

	if (!wr_item_peek(item, &head))
		return false;
	*ret_is_record = head.kind == WR_ITEM_RECORD;
	return head.kind != WR_ITEM_RECORD || memcmp(head.subject, from, sizeof(*from)) == 0;
}

/* A record of who is not admitted waits with it: it may be soon. */
static void present_record(struct wr_gossip *g, const struct wr_key *from,
			   const struct wr_frame_part *part)
{
	uint32_t peer = wr_peer_of(g, from, true);

	if (g->config.admits(g->config.context, from) || (peer && !(peer & WR_PEER_STRANGER))) {
		take_item(g, peer, part);
		return;
	}
	if (!peer || !g->config.check(g->config.context, part->item)) {
		g->figures.refused += peer != 0;
		return;
	}
	wr_gossip_blob_unref(g->strangers[peer & ~WR_PEER_STRANGER].record);
	g->strangers[peer & ~WR_PEER_STRANGER].record = wr_gossip_blob_new(part->item);
}

static void present(struct wr_gossip *g, const struct wr_key *from, struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;
	bool is_record = false;

	while (wr_frame_next(&reader, &part)) {
		if (part.kind != WR_FRAME_ITEM || !may_present(from, part.item, &is_record))
			continue;
		if (is_record)
			present_record(g, from, &part);
		else
			take_item(g, wr_peer_of(g, from, true), &part);
	}
}

static bool is_member(const struct wr_gossip *g, uint32_t peer)
{
	return peer && !(peer & WR_PEER_STRANGER) &&
	       !(wr_entry(g, peer)->flags & WR_ENTRY_SHUT_OUT);
}

/* It became a member by what it brought: go on as with one. */
static void from_stranger(struct wr_gossip *g, const struct wr_key *from, struct wr_bytes frame)
{
	uint32_t was = wr_peer_of(g, from, true), peer;
	bool is_greeted = was & WR_PEER_STRANGER &&
			  g->strangers[was & ~WR_PEER_STRANGER].is_greeted;

	present(g, from, frame);
	peer = wr_peer_of(g, from, true);
	if (is_member(g, peer)) {
		if (is_greeted)
			wr_entry(g, peer)->summed = wr_members_tick(g, g->now);
		from_member(g, peer, frame);
		return;
	}
	g->figures.unadmitted++;
	/* Who knows us already does not greet: what it told of itself may be lost. Who waits to be
	 * admitted has told it, and would answer each time. */
	if (peer & WR_PEER_STRANGER && !g->strangers[peer & ~WR_PEER_STRANGER].record &&
	    (is_greeted || g->config.admits(g->config.context, from)))
		wr_post_add(g, WR_JOB_WHO, peer, 0, 0, 0);
}

void wr_gossip_receive(struct wr_gossip *g, const struct wr_key *from, struct wr_bytes frame,
		       struct wr_instant now)
{
	uint32_t peer;

	wr_gossip_tick(g, now);
	g->figures.frames_in++;
	g->figures.bytes_in += frame.len;
	if (memcmp(from, &g->config.self, sizeof(*from)) == 0)
		return;
	if (!wr_frame_check(frame)) {
		g->figures.malformed++;
		return;
	}
	peer = wr_peer_of(g, from, false);
	wr_post_answers(g);
	if (is_member(g, peer))
		from_member(g, peer, frame);
	else
		from_stranger(g, from, frame);
	wr_post_own(g);
}
