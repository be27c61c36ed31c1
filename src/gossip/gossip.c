#include "gossip/gossip.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/inside.h"

/* Ages of those who were gone before we began reach back as far. */
#define PAST WR_SPAN_S(2 * 24 * 3600)
/* Asked so much later than it was due, this host was busy: the time that it lost does not count
 * against others, and what came meanwhile is read first. */
#define LATE WR_SPAN_MS(100)
#define READING WR_SPAN_MS(100)
/* So much later, it slept: nobody else is to blame. */
#define ASLEEP WR_SPAN_S(1)
#define SWEEP WR_SPAN_S(10)
#define HEALTH_MAX 8

struct wr_gossip_timing wr_gossip_timing(void)
{
	return (struct wr_gossip_timing){
		.probe = WR_SPAN_MS(750),
		.probe_wait = WR_SPAN_MS(450),
		.indirect = 3,
		.suspicion_factor = 4,
		.spread = WR_SPAN_MS(200),
		.fanout = 3,
		.sync = WR_SPAN_S(30),
		.revisit = WR_SPAN_S(10),
		.forget = WR_SPAN_S(24 * 3600),
		.bytes_per_second = 60 * 1024,
	};
}

/* --- Chance. --- */

uint64_t wr_gossip_draw(struct wr_gossip *g)
{
	g->chance += WR_MIX_STEP;
	return wr_mix(g->chance);
}

uint32_t wr_gossip_pick(struct wr_gossip *g, uint32_t count)
{
	return (uint32_t)(((wr_gossip_draw(g) >> 32) * count) >> 32);
}

/* By a straight line between powers of two: no more than 9 % of one off. */
uint32_t wr_gossip_log2(uint64_t count)
{
	unsigned whole = count ? 63 - (unsigned)__builtin_clzll(count) : 0;
	uint64_t rest = count ? count - (UINT64_C(1) << whole) : 0;

	return whole * 256 + (uint32_t)(rest * 256 >> whole);
}

/* --- Life. --- */

static struct wr_span part_of(struct wr_gossip *g, struct wr_span span)
{
	return (struct wr_span){ wr_gossip_draw(g) % (span.ns + 1) };
}

static void set_times(struct wr_gossip *g, struct wr_instant now)
{
	const struct wr_gossip_timing *timing = &g->config.timing;

	g->now = g->began = g->spread_at = g->fetching = now;
	g->due = g->doubts_at = g->greet_at = WR_NEVER;
	g->tick_base = (int64_t)now.ns - (int64_t)PAST.ns;
	g->probe_at = wr_after(now, part_of(g, timing->probe));
	g->sync_at = wr_after(now, part_of(g, WR_SPAN_S(1)));
	g->revisit_at = wr_after(now, part_of(g, timing->revisit));
	g->sweep_at = wr_after(now, SWEEP);
	for (unsigned lane = 0; lane < WR_LANES; lane++)
		g->buckets[lane] = (struct wr_bucket){ timing->bytes_per_second, now };
	g->buckets[WR_LANE_WELCOME].tokens *= 10;
}

struct wr_gossip *wr_gossip_new(const struct wr_gossip_config *config, struct wr_instant now)
{
	struct wr_gossip *g = calloc(1, sizeof(*g));

	if (!g || !wr_roll_init(&g->roll)) {
		free(g);
		return NULL;
	}
	g->config = *config;
	g->chance = config->seed;
	g->self_key = wr_gossip_key(WR_ITEM_RECORD, &config->self);
	g->secret = wr_gossip_draw(g);
	TAILQ_INIT(&g->wants);
	TAILQ_INIT(&g->asked);
	set_times(g, now);
	wr_post_own(g);
	return g;
}

struct wr_gossip *wr_gossip_free(struct wr_gossip *g)
{
	if (!g)
		return NULL;
	wr_events_done(g);
	wr_post_done(g);
	wr_wants_done(g);
	wr_roll_done(&g->roll);
	wr_peers_done(g);
	free(g->living.ids);
	free(g->gone.ids);
	free(g->hot.ids);
	free(g->doubts);
	free(g);
	return NULL;
}

/* --- What happens. --- */

void wr_health_add(struct wr_gossip *g, int points)
{
	int health = (int)g->health + points;

	g->health = health < 0 ? 0 : health > HEALTH_MAX ? HEALTH_MAX : (unsigned)health;
}

static void begin_again(struct wr_gossip *g)
{
	wr_probes_cancel(g);
	wr_health_add(g, 1);
}

void wr_gossip_tick(struct wr_gossip *g, struct wr_instant now)
{
	struct wr_span late;

	if (now.ns > g->now.ns)
		g->now = now;
	if (wr_is_never(g->due) || !wr_is_past(wr_after(g->due, LATE), g->now))
		return;
	late.ns = g->now.ns - g->due.ns;
	if (late.ns >= ASLEEP.ns)
		begin_again(g);
	late.ns += READING.ns;
	wr_probes_delay(g, late);
	wr_doubts_delay(g, late);
	g->due = WR_NEVER;
}

enum wr_gossip_taken wr_gossip_put(struct wr_gossip *g, struct wr_bytes item, bool spreads,
				   struct wr_instant now)
{
	wr_gossip_tick(g, now);
	return wr_items_take(g, 0, item, false, 0, spreads);
}

void wr_gossip_greet(struct wr_gossip *g, const struct wr_key *identity, struct wr_instant now)
{
	uint32_t peer;

	wr_gossip_tick(g, now);
	if (memcmp(identity, &g->config.self, sizeof(*identity)) == 0)
		return;
	peer = wr_peer_of(g, identity, true);
	if (peer)
		wr_sync_greet(g, peer);
}

void wr_gossip_review(struct wr_gossip *g, struct wr_instant now)
{
	wr_gossip_tick(g, now);
	for (uint32_t id = wr_roll_next(&g->roll, 0); id;) {
		const struct wr_entry *entry = wr_entry(g, id);
		bool was_out = entry->flags & WR_ENTRY_SHUT_OUT;

		if (wr_is_record(entry) && wr_members_admit(g, id) && was_out)
			wr_sync_start(g, id);
		id = entry->blob->key == UINT64_MAX ? 0
						    : wr_roll_next(&g->roll, entry->blob->key + 1);
	}
	wr_peers_review(g);
}

void wr_gossip_woke(struct wr_gossip *g, struct wr_instant now)
{
	wr_gossip_tick(g, now);
	begin_again(g);
	wr_doubts_delay(g, g->config.timing.probe);
	g->sync_at = g->now;
}

/* --- What to do. --- */

static void sweep(struct wr_gossip *g)
{
	if (!wr_is_past(g->sweep_at, g->now))
		return;
	g->sweep_at = wr_after(g->now, SWEEP);
	wr_members_sweep(g);
}

bool wr_gossip_poll(struct wr_gossip *g, struct wr_instant now, struct wr_gossip_output *ret_output)
{
	wr_gossip_tick(g, now);
	wr_probes_poll(g);
	wr_doubts_poll(g);
	wr_sync_poll(g);
	wr_peers_poll(g);
	sweep(g);
	wr_rumours_poll(g);
	wr_wants_poll(g);
	if (wr_events_next(g, ret_output) || wr_post_next(g, ret_output))
		return true;
	g->due = wr_gossip_deadline(g);
	return false;
}

struct wr_instant wr_gossip_deadline(const struct wr_gossip *g)
{
	struct wr_instant soonest = wr_probes_deadline(g);

	soonest = wr_sooner(soonest, g->doubts_at);
	soonest = wr_sooner(soonest, g->sync_at);
	soonest = wr_sooner(soonest, g->greet_at);
	soonest = wr_sooner(soonest, g->sweep_at);
	soonest = wr_sooner(soonest, wr_wants_deadline(g));
	soonest = wr_sooner(soonest, wr_post_deadline(g));
	if (g->hot.count)
		soonest = wr_sooner(soonest, g->spread_at);
	if (g->is_renewing)
		soonest = wr_sooner(soonest, g->renew_at);
	if (g->events.count)
		soonest = wr_sooner(soonest, g->now);
	return soonest;
}
