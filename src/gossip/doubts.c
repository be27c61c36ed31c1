#include <stdlib.h>

#include "gossip/inside.h"

/* Who is doubted has time to object: the less, the more tunnels the doubt came by (Lifeguard). At
 * the end of it each member tries once more itself, before it says dead; so nobody is dead on
 * hearsay only because an objection was lost. */

/* The time without confirmations is this many times the time with all of them. */
#define SPREAD_FACTOR 4
#define LEAST WR_SPAN_MS(4000)
/* Some of all members look for themselves at once: about so many in all. */
#define CHECKERS 6

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

static struct wr_instant end_of(const struct wr_gossip *g, const struct wr_doubt *doubt)
{
	return wr_after(doubt->since, patience(g, doubt));
}

/* Before the end, in time for an answer. */
static struct wr_instant check_of(const struct wr_gossip *g, const struct wr_doubt *doubt)
{
	struct wr_instant end = end_of(g, doubt);

	return (struct wr_instant){ end.ns - g->config.timing.probe_wait.ns * 5 / 4 };
}

static void rest(struct wr_gossip *g, const struct wr_doubt *doubt)
{
	struct wr_instant next = doubt->is_asked ? end_of(g, doubt) : check_of(g, doubt);

	g->doubts_at = wr_sooner(g->doubts_at, next);
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
	g->doubts[g->doubt_count] = (struct wr_doubt){ .id = id, .since = g->now };
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

void wr_doubts_add(struct wr_gossip *g, uint32_t id, uint32_t from)
{
	struct wr_entry *entry = wr_entry(g, id);
	struct wr_doubt *doubt;

	if (wr_is_gone(entry) || entry->flags & WR_ENTRY_SHUT_OUT || id == g->self)
		return;
	if (entry->status != WR_GOSSIP_SUSPECT) {
		doubt = begin(g, id);
		if (!doubt)
			return;
		doubt->origin = from;
		suspect(g, id);
		if (from && wr_gossip_pick(g, wr_members_alive(g)) < CHECKERS)
			wr_probes_check(g, id);
	} else {
		doubt = &g->doubts[entry->doubt - 1];
		if (from)
			confirm(doubt, from);
	}
	if (!from)
		doubt->is_own = doubt->is_asked = true;
	rest(g, doubt);
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

		if (!doubt->is_asked && wr_is_past(check_of(g, doubt), g->now)) {
			doubt->is_asked = true;
			wr_probes_check(g, doubt->id);
		}
		if (wr_is_past(end_of(g, doubt), g->now))
			die(g, doubt->id); /* the last one takes its place, and was looked at */
		else
			rest(g, doubt);
	}
}

void wr_doubts_delay(struct wr_gossip *g, struct wr_span late)
{
	for (uint32_t i = 0; i < g->doubt_count; i++)
		g->doubts[i].since = wr_after(g->doubts[i].since, late);
}
