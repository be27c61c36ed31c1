#include "gossip/inside.h"

/* Two members compare what they hold: each says the sum of a range, and of one that differs the
 * other says smaller ranges, or all that it has in it. Neither remembers anything: each frame says
 * all that its answer needs. Who sees something that the other lacks says that it has it; who lacks
 * something asks. */

/* A range with so many entries or less is listed. */
#define LISTED 64
/* Who has less than this part of what we have gets to know all of it without further comparing. */
#define FEW 16
/* After meeting one who knows so much more, and more than twice as much, what we ask for is news to
 * us only. */
#define MUCH 32
#define FETCHING WR_SPAN_S(10)
#define SOON WR_SPAN_MS(700)
#define NOVICE WR_SPAN_S(15)
/* After so many items that were new between two comparisons, the next few come so soon. */
#define STIRRED 16
#define QUICK WR_SPAN_S(2)
#define QUICK_TIMES 8
/* Ticks: two seconds. */
#define MEET_AGAIN 20
/* Ticks: there and back. */
#define CROSSED 3

void wr_sync_start(struct wr_gossip *g, uint32_t peer)
{
	if (!g->self)
		return;
	g->figures.syncs++;
	if (peer & WR_PEER_STRANGER)
		wr_peer_greeted(g, peer);
	else
		wr_entry(g, peer)->summed = wr_members_tick(g, g->now);
	wr_post_add(g, WR_JOB_SUM, peer, 0, 0, 0);
}

/* What it must have seen to listen to us, then the comparison. */
void wr_sync_greet(struct wr_gossip *g, uint32_t peer)
{
	if (!g->self)
		return;
	for (uint32_t id = wr_roll_next(&g->roll, 0); g->has_charter && id;) {
		const struct wr_gossip_blob *blob = wr_entry(g, id)->blob;

		if (blob->kind == WR_ITEM_CHARTER)
			wr_post_add(g, WR_JOB_ITEM, peer, blob->key, 0, 0);
		id = blob->key == UINT64_MAX ? 0 : wr_roll_next(&g->roll, blob->key + 1);
	}
	wr_post_add(g, WR_JOB_ITEM, peer, wr_gossip_key(WR_ITEM_CERTIFICATE, &g->config.self), 0,
		    0);
	wr_post_add(g, WR_JOB_ITEM, peer, g->self_key, 0, 0);
	wr_sync_start(g, peer);
}

/* --- Ranges. --- */

/* All that there is was summed: does one of us know much more? */
static void weigh(struct wr_gossip *g, uint32_t from, uint32_t theirs, uint32_t ours)
{
	struct wr_entry *entry = wr_entry(g, from);

	if (theirs < ours / 2)
		entry->flags |= WR_ENTRY_NEW;
	else if (theirs > ours - ours / 8)
		entry->flags &= (uint8_t)~WR_ENTRY_NEW;
	if (theirs / 2 > ours + MUCH)
		g->fetching = wr_after(g->now, FETCHING);
}

/* Both began at once: one comparison is enough. */
static bool is_crossed(const struct wr_gossip *g, uint32_t from)
{
	const struct wr_entry *entry = wr_entry(g, from);

	return wr_members_tick(g, g->now) < entry->summed + CROSSED &&
	       g->self_key < entry->blob->key;
}

static void answer(struct wr_gossip *g, uint32_t from, const struct wr_frame_range *theirs)
{
	struct wr_frame_range ours = wr_roll_range(&g->roll, theirs->first, theirs->last);
	enum wr_job_kind kind = WR_JOB_SPLIT;

	if (theirs->first == 0 && theirs->last == UINT64_MAX) {
		weigh(g, from, theirs->items, ours.items);
		if (is_crossed(g, from))
			return;
	}
	if ((ours.sum == theirs->sum && ours.items == theirs->items) || wr_post_is_laden(g, from))
		return;
	if (ours.items <= LISTED)
		kind = WR_JOB_LIST;
	else if (theirs->items <= ours.items / FEW)
		kind = WR_JOB_HAVES;
	wr_post_add(g, kind, from, theirs->first, theirs->last, WR_HAVES_MAX);
}

void wr_sync_ranges(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part)
{
	for (unsigned i = 0; i < part->count; i++) {
		struct wr_frame_range range = wr_frame_range(part, i);

		answer(g, from, &range);
	}
}

/* --- Marks. --- */

static bool is_same_item(struct wr_frame_mark a, struct wr_frame_mark b)
{
	return (a.print & ~WR_FRAME_PRINT_DEAD) == (b.print & ~WR_FRAME_PRINT_DEAD);
}

static bool is_dead(struct wr_frame_mark mark)
{
	return mark.print & WR_FRAME_PRINT_DEAD;
}

/* The rumour is over, and it has not objected: we tell it ourselves. */
static void call_again(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);
	uint32_t tick = wr_members_tick(g, g->now);

	if (entry->flags & WR_ENTRY_HOT || tick < entry->met)
		return;
	entry->met = tick + MEET_AGAIN;
	g->spreading++;
	wr_post_add(g, WR_JOB_SPREAD, id, 0, 0, 0);
}

void wr_sync_called(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);

	if (id == g->self) {
		wr_events_object(g, entry->blob->version);
		return;
	}
	if (entry->flags & WR_ENTRY_SHUT_OUT || wr_is_gone(entry))
		return;
	if (entry->flags & WR_ENTRY_CALLED) {
		call_again(g, id);
		return;
	}
	entry->flags |= WR_ENTRY_CALLED;
	wr_rumours_add(g, id);
}

void wr_sync_have(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark)
{
	uint32_t id = wr_roll_find(&g->roll, mark.key);
	struct wr_frame_mark ours;

	if (!id) {
		wr_wants_add(g, mark, from);
		return;
	}
	ours = wr_roll_mark(wr_entry(g, id));
	if (is_same_item(ours, mark))
		wr_wants_vain(g, mark.key, from);
	if (ours.print == mark.print)
		wr_rumours_heard(g, id);
	else if (!is_same_item(ours, mark))
		wr_wants_add(g, mark, from);
	else if (is_dead(mark))
		wr_sync_called(g, id);
	else
		wr_post_add(g, WR_JOB_HAVE, from, mark.key, 0, 0);
}

void wr_sync_want(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark)
{
	uint32_t id = wr_roll_find(&g->roll, mark.key);
	struct wr_frame_mark ours;

	if (!id || wr_post_is_busy(g))
		return;
	ours = wr_roll_mark(wr_entry(g, id));
	if (!is_same_item(ours, mark))
		wr_post_add(g, WR_JOB_ITEM, from, mark.key, 0, 0);
	else /* it need not ask again */
		wr_post_add(g, WR_JOB_HAVE, from, mark.key, 0, 0);
}

/* Tells it what we have from `key` on, and is not in its list; returns the key of the next. */
static void tell_between(struct wr_gossip *g, uint32_t from, uint64_t key, uint64_t last)
{
	uint32_t id;

	while ((id = wr_roll_next(&g->roll, key)) != 0) {
		const struct wr_entry *entry = wr_entry(g, id);

		if (entry->blob->key > last)
			return;
		if (!(entry->flags & WR_ENTRY_QUIET))
			wr_post_add(g, WR_JOB_HAVE, from, entry->blob->key, 0, 0);
		if (entry->blob->key == UINT64_MAX)
			return;
		key = entry->blob->key + 1;
	}
}

void wr_sync_list(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part)
{
	uint64_t key = part->first;

	if (!part->count) {
		wr_post_add(g, WR_JOB_HAVES, from, part->first, part->last, WR_HAVES_MAX);
		return;
	}
	for (unsigned i = 0; i < part->count; i++) {
		struct wr_frame_mark mark = wr_frame_mark(part, i);

		if (mark.key > key)
			tell_between(g, from, key, mark.key - 1);
		wr_sync_have(g, from, mark);
		if (mark.key == UINT64_MAX)
			return;
		key = mark.key + 1;
	}
	if (key <= part->last)
		tell_between(g, from, key, part->last);
}

/* --- When. --- */

/* Much is new: what rumours left out is found soon. */
void wr_sync_stir(struct wr_gossip *g)
{
	if (++g->news < STIRRED)
		return;
	g->news = 0;
	g->quick = QUICK_TIMES;
	g->sync_at = wr_sooner(g->sync_at, wr_after(g->now, QUICK));
}

/* Often at first, when others begin, too, and much is asked for; then for half of the time since we
 * began. */
static struct wr_span period_of(struct wr_gossip *g)
{
	struct wr_span age = { g->now.ns - g->began.ns };
	struct wr_span period = g->config.timing.sync;

	g->news = 0;
	if (age.ns < NOVICE.ns)
		period = SOON;
	else if (age.ns / 2 < period.ns)
		period.ns = age.ns / 2;
	if (g->quick > 0 && period.ns > QUICK.ns) {
		g->quick--;
		period = QUICK;
	}
	return period;
}

void wr_sync_poll(struct wr_gossip *g)
{
	struct wr_span period;
	uint32_t peer;

	if (!wr_is_past(g->sync_at, g->now))
		return;
	period = period_of(g);
	/* A quarter more or less, so that members do not march in step. */
	period.ns = period.ns - period.ns / 4 + wr_gossip_draw(g) % (period.ns / 2 + 1);
	g->sync_at = wr_after(g->now, period);
	peer = g->sync_with;
	g->sync_with = 0;
	if (!peer || !(wr_entry(g, peer)->flags & WR_ENTRY_LIVING))
		peer = wr_members_any(g, 0, 0);
	if (peer)
		wr_sync_start(g, peer);
}
