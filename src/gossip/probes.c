#include <string.h>

#include "gossip/inside.h"

/* One member a period: by turns our neighbour in the order of keys, so that each is looked at by
 * somebody at least each second period, over a tunnel that is there, and another in an order
 * shuffled anew each round. No answer: some others try, and we do again; an answer may take as long
 * as one needs who gets to run each 1.5 s only. Beside that, one of the dead is tried now and then.
 */

/* How often we try ourselves; after the last time twice as long is waited. */
#define TRIES 3
/* So often in a row others' word is enough: one of them may lie. */
#define VOUCHES 20
/* A favour is answered before who asked for it gives up. */
#define FAVOUR(wait) ((struct wr_span){ (wait).ns * 2 })
/* Our own record is news to most when we begin: they do not listen yet. */
#define NOVICE WR_SPAN_S(5)
/* WireGuard tries a handshake again after 5 s. */
#define NEWCOMER_SECONDS 6
/* Room for rounds and checks is kept from what others ask of us. */
#define FAVOURS_MAX (WR_PROBES - 24)

/* Lifeguard's local health: who misses what others get gives more time. */
static struct wr_span patient(const struct wr_gossip *g, struct wr_span span)
{
	return (struct wr_span){ span.ns * (1 + g->health) };
}

static unsigned count_of(const struct wr_gossip *g, enum wr_probe_purpose purpose)
{
	unsigned count = 0;

	for (unsigned i = 0; i < g->probe_count; i++)
		count += g->probes[i].purpose == purpose;
	return count;
}

static bool is_probed(const struct wr_gossip *g, uint32_t target)
{
	for (unsigned i = 0; i < g->probe_count; i++)
		if (g->probes[i].target == target && g->probes[i].purpose != WR_PROBE_FAVOUR)
			return true;
	return false;
}

static struct wr_probe *start(struct wr_gossip *g, uint32_t target, enum wr_probe_purpose purpose,
			      struct wr_span wait)
{
	struct wr_probe *probe;

	if (g->probe_count == WR_PROBES)
		return NULL;
	probe = &g->probes[g->probe_count++];
	*probe = (struct wr_probe){
		.target = target,
		.sequence = (uint32_t)wr_gossip_draw(g),
		.sent = g->now,
		.deadline = wr_after(g->now, wait),
		.purpose = purpose,
		.tries = 1,
	};
	wr_post_add(g, WR_JOB_PROBE, target, 0, 0, probe->sequence);
	return probe;
}

static void end(struct wr_gossip *g, struct wr_probe *probe)
{
	*probe = g->probes[--g->probe_count];
}

/* --- No answer. --- */

static void ask_others(struct wr_gossip *g, struct wr_probe *probe)
{
	uint64_t key = wr_entry(g, probe->target)->blob->key;
	uint32_t last = 0;

	for (unsigned i = 0; i < g->config.timing.indirect; i++) {
		uint32_t helper = wr_members_any(g, probe->target, last);

		if (!helper)
			break;
		wr_post_add(g, WR_JOB_ASK, helper, key, 0, probe->sequence);
		probe->nacks_due++;
		last = helper;
	}
}

static void try_again(struct wr_gossip *g, struct wr_probe *probe)
{
	struct wr_span wait = patient(g, g->config.timing.probe_wait);

	if (probe->tries == 1)
		ask_others(g, probe);
	if (++probe->tries == TRIES)
		wait.ns *= 2;
	probe->deadline = wr_after(g->now, wait);
	wr_post_add(g, WR_JOB_PROBE, probe->target, 0, 0, probe->sequence);
}

static bool is_novice(const struct wr_gossip *g)
{
	return !wr_is_past(wr_after(g->began, NOVICE), g->now);
}

/* It may not have heard of us yet, and then its WireGuard does not answer us. */
static bool is_newcomer(const struct wr_gossip *g, uint32_t target)
{
	const struct wr_entry *entry = wr_entry(g, target);

	return entry->status == WR_GOSSIP_ALIVE && wr_members_age(g, entry) < NEWCOMER_SECONDS;
}

/* Whose fault is it? If those who were asked did not even say that they had no answer either, it
 * may well be ours. */
static void fail(struct wr_gossip *g, const struct wr_probe *probe)
{
	g->figures.lost++;
	if (is_newcomer(g, probe->target))
		return;
	wr_health_add(g, probe->nacks_due ? probe->nacks_due : 1);
	if (!is_novice(g))
		wr_doubts_add(g, probe->target, 0);
}

static void time_out(struct wr_gossip *g, const struct wr_probe *probe)
{
	switch (probe->purpose) {
	case WR_PROBE_ROUND: fail(g, probe); break;
	case WR_PROBE_FAVOUR:
		wr_post_add(g, WR_JOB_NACK, probe->asker, 0, 0, probe->asker_sequence);
		break;
	case WR_PROBE_REVISIT: break;
	}
}

static void poll_one(struct wr_gossip *g, unsigned at)
{
	struct wr_probe over = g->probes[at];

	if (over.purpose == WR_PROBE_ROUND && over.tries < TRIES) {
		try_again(g, &g->probes[at]);
		return;
	}
	end(g, &g->probes[at]);
	time_out(g, &over);
}

/* --- When. --- */

static uint32_t next_target(struct wr_gossip *g)
{
	uint32_t neighbour;

	g->is_neighbours_turn = !g->is_neighbours_turn;
	neighbour = g->is_neighbours_turn ? wr_members_neighbour(g) : 0;
	return neighbour && !is_probed(g, neighbour) ? neighbour : wr_members_turn(g);
}

static void poll_round(struct wr_gossip *g)
{
	uint32_t target;

	if (!wr_is_past(g->probe_at, g->now))
		return;
	g->probe_at = wr_after(g->now, patient(g, g->config.timing.probe));
	if (!g->self)
		return;
	target = next_target(g);
	if (!target || is_probed(g, target))
		return;
	g->figures.probes++;
	start(g, target, WR_PROBE_ROUND, patient(g, g->config.timing.probe_wait));
}

static void poll_revisit(struct wr_gossip *g)
{
	uint32_t target;

	if (!wr_is_past(g->revisit_at, g->now))
		return;
	g->revisit_at = wr_after(g->now, g->config.timing.revisit);
	target = g->self ? wr_members_any_dead(g) : 0;
	if (target && !is_probed(g, target))
		start(g, target, WR_PROBE_REVISIT, g->config.timing.revisit);
}

void wr_probes_poll(struct wr_gossip *g)
{
	for (unsigned i = g->probe_count; i-- > 0;)
		if (i < g->probe_count && wr_is_past(g->probes[i].deadline, g->now))
			poll_one(g, i);
	poll_round(g);
	poll_revisit(g);
}

struct wr_instant wr_probes_deadline(const struct wr_gossip *g)
{
	struct wr_instant soonest = wr_sooner(g->probe_at, g->revisit_at);

	for (unsigned i = 0; i < g->probe_count; i++)
		soonest = wr_sooner(soonest, g->probes[i].deadline);
	return soonest;
}

/* --- What came. --- */

static void note_round_trip(struct wr_gossip *g, const struct wr_probe *probe)
{
	uint64_t us = (g->now.ns - probe->sent.ns) / 1000;

	wr_entry(g, probe->target)->round_trip_us = us < UINT32_MAX ? (uint32_t)us + 1 : UINT32_MAX;
}

/* Others say that it lives. Not for ever: some of them may lie. */
static bool is_believed(struct wr_gossip *g, const struct wr_probe *probe)
{
	struct wr_entry *entry = wr_entry(g, probe->target);

	if (entry->vouched >= VOUCHES)
		return false;
	entry->vouched++;
	return true;
}

/* From the one that was probed, or from one who was asked to. */
void wr_probes_acked(struct wr_gossip *g, uint32_t from, uint32_t sequence)
{
	for (unsigned i = 0; i < g->probe_count; i++) {
		struct wr_probe probe = g->probes[i];

		if (probe.sequence != sequence || (probe.target != from && !probe.nacks_due))
			continue;
		if (probe.target != from && !is_believed(g, &probe)) {
			g->probes[i].nacks_due--;
			return;
		}
		if (probe.target == from && probe.tries == 1)
			note_round_trip(g, &probe);
		end(g, &g->probes[i]);
		if (probe.purpose == WR_PROBE_FAVOUR)
			wr_post_add(g, WR_JOB_ACK, probe.asker, 0, 0, probe.asker_sequence);
		if (probe.purpose == WR_PROBE_ROUND)
			wr_health_add(g, -1);
		return;
	}
}

void wr_probes_nacked(struct wr_gossip *g, uint32_t from, uint32_t sequence)
{
	for (unsigned i = 0; i < g->probe_count; i++) {
		struct wr_probe *probe = &g->probes[i];

		if (probe->sequence == sequence && probe->target != from && probe->nacks_due)
			probe->nacks_due--;
	}
}

void wr_probes_asked(struct wr_gossip *g, uint32_t from, uint32_t sequence, uint64_t key)
{
	uint32_t target = wr_roll_find(&g->roll, key);
	struct wr_probe *probe = NULL;

	if (target == g->self && target)
		return;
	if (target && wr_is_record(wr_entry(g, target)) &&
	    !(wr_entry(g, target)->flags & WR_ENTRY_SHUT_OUT) &&
	    count_of(g, WR_PROBE_FAVOUR) < FAVOURS_MAX)
		probe = start(g, target, WR_PROBE_FAVOUR, FAVOUR(g->config.timing.probe_wait));
	if (!probe) {
		wr_post_add(g, WR_JOB_NACK, from, 0, 0, sequence);
		return;
	}
	probe->asker = from;
	probe->asker_sequence = sequence;
}

/* --- For the others. --- */

void wr_probes_left(struct wr_gossip *g, uint32_t id)
{
	for (unsigned i = g->probe_count; i-- > 0;)
		if (g->probes[i].target == id || g->probes[i].asker == id)
			end(g, &g->probes[i]);
}

void wr_probes_delay(struct wr_gossip *g, struct wr_span late)
{
	for (unsigned i = 0; i < g->probe_count; i++)
		g->probes[i].deadline = wr_after(g->probes[i].deadline, late);
}

void wr_probes_cancel(struct wr_gossip *g)
{
	g->probe_count = 0;
	g->probe_at = wr_after(g->now, g->config.timing.probe);
}
