#include <stdlib.h>
#include <string.h>

#include "gossip/inside.h"

/* Whom frames go to: members by their entry, and those who were greeted but have no record yet. */

/* A stranger is greeted again by its next tunnel. */
#define STRANGER_STAYS WR_SPAN_S(60)
/* Frames are lost: after a second, two, four, ... */
#define AGAIN WR_SPAN_S(1)
#define GREETINGS 6

static void free_stranger(struct wr_stranger *stranger)
{
	wr_gossip_blob_unref(stranger->record);
	*stranger = (struct wr_stranger){ 0 };
}

static uint32_t find_stranger(const struct wr_gossip *g, const struct wr_key *identity)
{
	for (uint32_t i = 0; g->strangers && i < WR_GOSSIP_STRANGERS; i++)
		if (g->strangers[i].is_used &&
		    memcmp(&g->strangers[i].identity, identity, sizeof(*identity)) == 0)
			return WR_PEER_STRANGER | i;
	return 0;
}

/* A free place, or one whose time is over. */
static uint32_t add_stranger(struct wr_gossip *g, const struct wr_key *identity)
{
	if (!g->strangers)
		g->strangers = calloc(WR_GOSSIP_STRANGERS, sizeof(*g->strangers));
	for (uint32_t i = 0; g->strangers && i < WR_GOSSIP_STRANGERS; i++) {
		struct wr_stranger *stranger = &g->strangers[i];

		if (stranger->is_used &&
		    !wr_is_past(wr_after(stranger->since, STRANGER_STAYS), g->now))
			continue;
		if (stranger->is_used)
			wr_peer_forget(g, WR_PEER_STRANGER | i);
		*stranger = (struct wr_stranger){
			.identity = *identity, .since = g->now, .is_used = true, .again = WR_NEVER
		};
		return WR_PEER_STRANGER | i;
	}
	return 0;
}

uint32_t wr_peer_of(struct wr_gossip *g, const struct wr_key *identity, bool may_add)
{
	uint32_t id = wr_roll_find(&g->roll, wr_gossip_key(WR_ITEM_RECORD, identity));

	if (id &&
	    memcmp(wr_gossip_blob_subject(wr_entry(g, id)->blob), identity, sizeof(*identity)) == 0)
		return id;
	id = find_stranger(g, identity);
	return id || !may_add ? id : add_stranger(g, identity);
}

const struct wr_key *wr_peer_identity(const struct wr_gossip *g, uint32_t peer)
{
	if (peer & WR_PEER_STRANGER)
		return &g->strangers[peer & ~WR_PEER_STRANGER].identity;
	return wr_gossip_blob_subject(wr_entry(g, peer)->blob);
}

static void forget_jobs(struct wr_jobs *jobs, uint32_t peer)
{
	for (uint32_t i = 0; i < jobs->count; i++) {
		struct wr_job *job = wr_jobs_at(jobs, i);

		if (job->peer == peer)
			job->peer = 0;
	}
}

void wr_peer_forget(struct wr_gossip *g, uint32_t peer)
{
	for (unsigned lane = 0; lane < WR_LANES; lane++)
		forget_jobs(&g->lanes[lane], peer);
	wr_probes_left(g, peer);
	wr_wants_left(g, peer);
	if (peer & WR_PEER_STRANGER)
		free_stranger(&g->strangers[peer & ~WR_PEER_STRANGER]);
	else
		wr_rumours_drop(g, peer);
}

void wr_peer_greeted(struct wr_gossip *g, uint32_t peer)
{
	struct wr_stranger *stranger;

	if (!(peer & WR_PEER_STRANGER))
		return;
	stranger = &g->strangers[peer & ~WR_PEER_STRANGER];
	stranger->is_greeted = true;
	stranger->since = g->now;
	stranger->again = WR_NEVER;
	if (++stranger->greetings < GREETINGS)
		stranger->again =
			wr_after(g->now, (struct wr_span){ AGAIN.ns << (stranger->greetings - 1) });
	g->greet_at = wr_sooner(g->greet_at, stranger->again);
}

void wr_peers_poll(struct wr_gossip *g)
{
	if (!wr_is_past(g->greet_at, g->now))
		return;
	g->greet_at = WR_NEVER;
	for (uint32_t i = 0; g->strangers && i < WR_GOSSIP_STRANGERS; i++) {
		struct wr_stranger *stranger = &g->strangers[i];

		if (!stranger->is_used || wr_is_never(stranger->again))
			continue;
		if (wr_roll_find(&g->roll, wr_gossip_key(WR_ITEM_RECORD, &stranger->identity)))
			stranger->again = WR_NEVER;
		else if (wr_is_past(stranger->again, g->now))
			wr_sync_greet(g, WR_PEER_STRANGER | i);
		g->greet_at = wr_sooner(g->greet_at, stranger->again);
	}
}

void wr_peers_review(struct wr_gossip *g)
{
	for (uint32_t i = 0; g->strangers && i < WR_GOSSIP_STRANGERS; i++) {
		struct wr_stranger *stranger = &g->strangers[i];
		struct wr_gossip_blob *record = stranger->record;
		uint32_t id;

		if (!stranger->is_used || !record ||
		    !g->config.admits(g->config.context, &stranger->identity))
			continue;
		stranger->record = NULL;
		wr_items_take(g, WR_PEER_STRANGER | i, wr_gossip_blob_bytes(record), false, 0,
			      true);
		id = wr_roll_find(&g->roll, record->key);
		if (id)
			wr_sync_start(g, id);
		wr_gossip_blob_unref(record);
	}
}

void wr_peers_done(struct wr_gossip *g)
{
	for (uint32_t i = 0; g->strangers && i < WR_GOSSIP_STRANGERS; i++)
		free_stranger(&g->strangers[i]);
	free(g->strangers);
}
