#include <stdlib.h>

#include "gossip/inside.h"

/* Who is doubted has time to object: the less, the more tunnels the doubt came by (Lifeguard). For
 * the last part of it each member asks once more itself, and some times over: the one that is
 * doubted, and others, who may have its objection. So nobody is dead on hearsay only because an
 * objection was lost, or because it gets to run once a second only. */

/* The time without confirmations is this many times the time with all of them. */
#define SPREAD_FACTOR 4
#define LEAST WR_SPAN_MS(4000)
/* The last part: who runs each 1.5 s answers in it, though its WireGuard shakes hands first. */
#define ASKING WR_SPAN_MS(2500)
#define ASK_AGAIN WR_SPAN_MS(750)
#define ASKS 3
#define OTHERS 2 /* each time */
/* With more doubts than that not all are asked about: half of the mesh is cut off. */
#define ASKED_ABOUT 16
/* Some of all members warn it at once: about so many in all. */
#define WARNERS 6
/* Ticks: who heard from it itself so short a time ago knows more than who doubts. A doubt is older
 * when it is first told (probes.c), so this keeps nobody alive. */
#define FRESH 15
/* A host that is always late cannot put off the end for longer. */
#define DELAYED_MOST WR_SPAN_S(30)

/* How much of the way from the long to the short time is left, in 1/256, after so many of so many
 * confirmations: 1 - log(c + 1) / log(k + 1). */
static const uint16_t share[WR_DOUBT_CONFIRMERS + 1][WR_DOUBT_CONFIRMERS + 1] = {
	{ 0, 0, 0, 0 },
	{ 256, 0, 0, 0 },
	{ 256, 94, 0, 0 },
	{ 256, 128, 53, 0 },
};

/* How many others there are to confirm: neither us nor the one that is doubted. */
static unsigned confirmers(const struct wr_gossip *g)
{
	uint32_t alive = wr_members_alive(g);

	return alive < 2 + WR_DOUBT_CONFIRMERS ? (alive > 2 ? alive - 2 : 0) : WR_DOUBT_CONFIRMERS;
}

static struct wr_span patience(const struct wr_gossip *g, const struct wr_doubt *doubt)
{
	const struct wr_gossip_timing *timing = &g->config.timing;
	unsigned most = confirmers(g), have = doubt->confirmed < most ? doubt->confirmed : most;
	uint64_t log10 = wr_gossip_log2(wr_members_alive(g)) * UINT64_C(30103) / 100000; /* 1/256 */
	uint64_t longest, shortest;

	longest = timing->probe.ns / 256 * timing->suspicion_factor * (log10 > 256 ? log10 : 256);
	shortest = longest / SPREAD_FACTOR;
	if (shortest < LEAST.ns)
		shortest = LEAST.ns;
	if (longest < shortest)
		longest = shortest;
	return (struct wr_span){ shortest + (longest - shortest) / 256 * share[most][have] };
}

/* When it is asked the next time, or it is over. */
static struct wr_instant next_of(const struct wr_gossip *g, const struct wr_doubt *doubt)
{
	if (!doubt->asked)
		return wr_after(doubt->since,
				(struct wr_span){ patience(g, doubt).ns - ASKING.ns });
	if (doubt->asked < ASKS)
		return wr_after(doubt->since_asked,
				(struct wr_span){ doubt->asked * ASK_AGAIN.ns });
	return wr_after(doubt->since_asked, ASKING);
}

static void rest(struct wr_gossip *g, const struct wr_doubt *doubt)
{
	g->doubts_at = wr_sooner(g->doubts_at, next_of(g, doubt));
}

/* --- Beginning and end. --- */

static struct wr_doubt *begin(struct wr_gossip *g, uint32_t id)
{
	if (g->doubt_count == g->doubt_room) {
		uint32_t room = g->doubt_room ? g->doubt_room * 2 : 4;
		struct wr_doubt *all = realloc(g->doubts, room * sizeof(*all));

		if (!all)
			return NULL;
		g->doubts = all;
		g->doubt_room = room;
	}
	g->doubts[g->doubt_count] = (struct wr_doubt){ .id = id, .began = g->now, .since = g->now };
	wr_entry(g, id)->doubt = ++g->doubt_count;
	return &g->doubts[g->doubt_count - 1];
}

void wr_doubts_drop(struct wr_gossip *g, uint32_t id)
{
	uint32_t number = wr_entry(g, id)->doubt;

	if (!number)
		return;
	wr_entry(g, id)->doubt = 0;
	g->doubts[number - 1] = g->doubts[--g->doubt_count];
	if (number - 1 < g->doubt_count)
		wr_entry(g, g->doubts[number - 1].id)->doubt = number;
}

static void confirm(struct wr_doubt *doubt, uint32_t from)
{
	if (from == doubt->origin)
		return;
	for (unsigned i = 0; i < doubt->confirmed; i++)
		if (doubt->confirmers[i] == from)
			return;
	if (doubt->confirmed < WR_DOUBT_CONFIRMERS)
		doubt->confirmers[doubt->confirmed++] = from;
}

static void suspect(struct wr_gossip *g, uint32_t id)
{
	g->figures.suspected++;
	wr_members_set(g, id, WR_GOSSIP_SUSPECT, 0);
	wr_rumours_add(g, id);
}

/* That it is doubted rides along. */
static void warn(struct wr_gossip *g, uint32_t id)
{
	wr_post_add(g, WR_JOB_PROBE, id, 0, 0, (uint32_t)wr_gossip_draw(g));
}

static bool is_fresh(const struct wr_gossip *g, const struct wr_entry *entry)
{
	return entry->heard && wr_members_tick(g, g->now) < entry->heard + FRESH;
}

static void first_doubt(struct wr_gossip *g, uint32_t id, uint32_t from)
{
	struct wr_doubt *doubt = from && is_fresh(g, wr_entry(g, id)) ? NULL : begin(g, id);

	if (!doubt)
		return;
	doubt->origin = from;
	rest(g, doubt);
	suspect(g, id);
	if (!from || wr_gossip_pick(g, wr_members_alive(g)) < WARNERS)
		warn(g, id);
}

void wr_doubts_add(struct wr_gossip *g, uint32_t id, uint32_t from)
{
	struct wr_entry *entry = wr_entry(g, id);

	if (wr_is_gone(entry) || entry->flags & WR_ENTRY_SHUT_OUT || id == g->self)
		return;
	if (entry->status != WR_GOSSIP_SUSPECT) {
		first_doubt(g, id, from);
	} else if (from) {
		confirm(&g->doubts[entry->doubt - 1], from);
		rest(g, &g->doubts[entry->doubt - 1]);
	}
}

/* Whatever it sends ends the doubt here; who has a newer record of it answers with that. */
static void ask(struct wr_gossip *g, struct wr_doubt *doubt)
{
	uint64_t key = wr_entry(g, doubt->id)->blob->key;
	uint32_t other = 0;

	if (!doubt->asked++)
		doubt->since_asked = g->now;
	if (wr_gossip_pick(g, g->doubt_count) >= ASKED_ABOUT)
		return;
	warn(g, doubt->id);
	for (unsigned i = 0; i < OTHERS; i++) {
		other = wr_members_any(g, doubt->id, other);
		if (other)
			wr_post_add(g, WR_JOB_DOUBT, other, key, 0, 0);
	}
}

static void die(struct wr_gossip *g, uint32_t id)
{
	g->figures.died++;
	wr_members_set(g, id, WR_GOSSIP_DEAD, 0);
	wr_rumours_add(g, id);
}

/* --- When. --- */

void wr_doubts_poll(struct wr_gossip *g)
{
	if (!wr_is_past(g->doubts_at, g->now))
		return;
	g->doubts_at = WR_NEVER;
	for (uint32_t i = g->doubt_count; i-- > 0;) {
		struct wr_doubt *doubt = &g->doubts[i];
		bool is_due = wr_is_past(next_of(g, doubt), g->now);

		if (is_due && doubt->asked == ASKS) {
			die(g, doubt->id); /* the last one takes its place, and was looked at */
			continue;
		}
		if (is_due)
			ask(g, doubt);
		rest(g, doubt);
	}
}

void wr_doubts_delay(struct wr_gossip *g, struct wr_span late)
{
	for (uint32_t i = 0; i < g->doubt_count; i++) {
		struct wr_doubt *doubt = &g->doubts[i];

		if (wr_is_past(wr_after(doubt->began, DELAYED_MOST), g->now))
			continue;
		doubt->since = wr_after(doubt->since, late);
		doubt->since_asked = wr_after(doubt->since_asked, late);
	}
}
