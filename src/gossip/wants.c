#include <stdlib.h>

#include "gossip/inside.h"

/* What others have and we lack is asked for once, from one of them, with a limit to what is under
 * way: who asks says how fast it comes. What does not come is asked for again, then from others. */

#define WANTS_MAX 4096
#define UNDER_WAY 96 /* items: at 50 ms there and back, some 2,000 a second */
#define A_FRAME 24   /* so that the answer is about eight frames */
#define WAIT WR_SPAN_MS(400)
#define LONGER 2
#define TRIES 6
/* So many at once say that there is more: the next comparison comes soon, with the same one. */
#define MANY 16
#define SOON WR_SPAN_MS(500)

static uint64_t place_of(const struct wr_gossip *g, uint64_t key)
{
	return wr_mix(key ^ g->secret);
}

static void release(struct wr_gossip *g, struct wr_want *want)
{
	if (want->is_asked) {
		TAILQ_REMOVE(&g->asked, want, link);
		g->asked_count--;
	} else {
		TAILQ_REMOVE(&g->wants, want, link);
	}
}

static void drop(struct wr_gossip *g, struct wr_want *want)
{
	uint32_t source = want->source;

	release(g, want);
	wr_map_take(&g->wanted, place_of(g, want->key));
	free(want);
	if (g->wanted.count || g->many < MANY)
		return;
	g->many = 0;
	g->sync_with = source;
	g->sync_at = wr_sooner(g->sync_at, wr_after(g->now, SOON));
}

void wr_wants_add(struct wr_gossip *g, struct wr_frame_mark mark, uint32_t source)
{
	struct wr_want *want = wr_map_get(&g->wanted, place_of(g, mark.key));

	if (want && want->source != source)
		want->other = source;
	if (want || g->wanted.count >= WANTS_MAX)
		return;
	want = malloc(sizeof(*want));
	if (!want)
		return;
	*want = (struct wr_want){ .key = mark.key, .source = source };
	if (!wr_map_put(&g->wanted, place_of(g, mark.key), want)) {
		free(want);
		return;
	}
	TAILQ_INSERT_TAIL(&g->wants, want, link);
	g->many++;
}

bool wr_wants_has(const struct wr_gossip *g, uint64_t key)
{
	return wr_map_get(&g->wanted, place_of(g, key)) != NULL;
}

void wr_wants_got(struct wr_gossip *g, uint64_t key)
{
	struct wr_want *want = wr_map_get(&g->wanted, place_of(g, key));

	if (want)
		drop(g, want);
}

static void leave(struct wr_gossip *g, struct wr_want *want, uint32_t peer)
{
	if (want->other == peer)
		want->other = 0;
	if (want->source == peer)
		drop(g, want);
}

void wr_wants_left(struct wr_gossip *g, uint32_t peer)
{
	struct wr_want *want, *next;

	for (want = TAILQ_FIRST(&g->wants); want; want = next) {
		next = TAILQ_NEXT(want, link);
		leave(g, want, peer);
	}
	for (want = TAILQ_FIRST(&g->asked); want; want = next) {
		next = TAILQ_NEXT(want, link);
		leave(g, want, peer);
	}
	if (g->sync_with == peer)
		g->sync_with = 0;
}

void wr_wants_vain(struct wr_gossip *g, uint64_t key, uint32_t from)
{
	struct wr_want *want = wr_map_get(&g->wanted, place_of(g, key));

	if (!want)
		return;
	if (want->other == from)
		want->other = 0;
	if (want->source != from)
		return;
	if (!want->other) {
		drop(g, want);
		return;
	}
	release(g, want);
	want->source = want->other;
	want->other = 0;
	want->is_asked = false;
	TAILQ_INSERT_TAIL(&g->wants, want, link);
}

/* The first waits are longer each time. */
static struct wr_instant due(const struct wr_want *want)
{
	unsigned times = want->tries < LONGER ? want->tries : LONGER;

	return wr_after(want->asked, (struct wr_span){ WAIT.ns << times });
}

/* It did not come. */
static void again(struct wr_gossip *g, struct wr_want *want)
{
	uint32_t other = want->other, was = want->source;

	if (++want->tries >= TRIES) {
		drop(g, want);
		return;
	}
	release(g, want);
	want->is_asked = false;
	TAILQ_INSERT_HEAD(&g->wants, want, link);
	if (!other)
		other = wr_members_any(g, want->source, 0);
	if (!other)
		return;
	/* Turn and turn about: another may not be there at all. */
	want->source = other;
	want->other = was;
}

void wr_wants_poll(struct wr_gossip *g)
{
	struct wr_want *want, *next;

	for (want = TAILQ_FIRST(&g->asked); want; want = next) {
		next = TAILQ_NEXT(want, link);
		if (wr_is_past(due(want), g->now))
			again(g, want);
	}
	want = TAILQ_FIRST(&g->wants);
	if (!want || g->is_wanting || g->asked_count >= UNDER_WAY)
		return;
	g->is_wanting = true;
	wr_post_add(g, WR_JOB_WANTS, want->source, 0, 0, 0);
}

struct wr_instant wr_wants_deadline(const struct wr_gossip *g)
{
	struct wr_instant soonest = WR_NEVER;
	const struct wr_want *want;

	TAILQ_FOREACH(want, &g->asked, link)
	soonest = wr_sooner(soonest, due(want));
	return soonest;
}

/* What we have of it now. */
static struct wr_frame_mark mark_of(const struct wr_gossip *g, uint64_t key)
{
	uint32_t id = wr_roll_find(&g->roll, key);

	return id ? wr_roll_mark(wr_entry(g, id)) : (struct wr_frame_mark){ key, 0 };
}

bool wr_wants_fill(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t peer)
{
	struct wr_want *want, *next;
	unsigned count = 0;

	for (want = TAILQ_FIRST(&g->wants); want; want = next) {
		next = TAILQ_NEXT(want, link);
		if (want->source != peer)
			continue;
		if (count++ == A_FRAME || g->asked_count >= UNDER_WAY ||
		    !wr_frame_add_mark(frame, WR_FRAME_WANT, mark_of(g, want->key)))
			break;
		release(g, want);
		want->is_asked = true;
		want->asked = g->now;
		TAILQ_INSERT_TAIL(&g->asked, want, link);
		g->asked_count++;
	}
	return true;
}

void wr_wants_done(struct wr_gossip *g)
{
	struct wr_want *want;
	size_t at = 0;

	while ((want = wr_map_next(&g->wanted, &at)) != NULL)
		free(want);
	wr_map_done(&g->wanted);
}
