#include <stdlib.h>

#include "gossip/inside.h"

/* Jobs wait, not frames: what a frame says is what is so when it goes (frames.c). */

#define JOBS_MAX 4096
#define URGENT_MAX 512
/* Items in a second, at some 250 bytes: who waits for longer asks another. */
#define BUSY 200
/* Comparisons that are answered late are stale, and keep what was asked for from going out. */
#define LADEN 48
/* Of rumours that ride along with a probe or an answer. */
#define RIDE_LEN 300
/* Newcomers fetch all there is at once: this much of it goes at any speed. */
#define WELCOME_BYTES (INT64_C(512) * 1024)
/* So much of a second may be sent at once. */
#define COMMON_PART 4
/* Answers to probes have their own budget, so many times the common one. */
#define URGENT_FACTOR 4
/* What goes around a frame: UDP and IPv6 within the tunnel, WireGuard's 32, UDP and IPv4. A small
 * frame costs no less. */
#define AROUND (48 + 32 + 28)
/* What one frame may cause in frames. */
#define ANSWER_FRAMES 8

/* --- The budget. --- */

static uint64_t rate_of(const struct wr_gossip *g, enum wr_lane lane)
{
	uint64_t rate = g->config.timing.bytes_per_second;

	return lane == WR_LANE_URGENT ? rate * URGENT_FACTOR : rate;
}

static int64_t room_of(const struct wr_gossip *g, enum wr_lane lane)
{
	int64_t second = (int64_t)rate_of(g, lane);

	return lane == WR_LANE_WELCOME  ? WELCOME_BYTES
	       : lane == WR_LANE_COMMON ? second / COMMON_PART + WR_FRAME_MAX_LEN
					: second;
}

static void fill(struct wr_gossip *g, enum wr_lane lane)
{
	struct wr_bucket *bucket = &g->buckets[lane];
	uint64_t passed = g->now.ns - bucket->filled.ns;
	int64_t room = room_of(g, lane);

	/* A minute fills each, and cannot overflow. */
	if (passed > WR_SPAN_S(60).ns)
		passed = WR_SPAN_S(60).ns;
	passed = passed * rate_of(g, lane) / 1000000000;
	if (!passed)
		return;
	bucket->filled = g->now;
	bucket->tokens += (int64_t)passed;
	if (bucket->tokens > room)
		bucket->tokens = room;
}

/* Answers to probes take from what the others may send, but not for long. */
static void spend(struct wr_gossip *g, enum wr_lane lane, size_t len)
{
	g->buckets[lane].tokens -= (int64_t)len;
	if (lane == WR_LANE_URGENT) {
		int64_t floor = -room_of(g, WR_LANE_COMMON);

		g->buckets[WR_LANE_COMMON].tokens -= (int64_t)len;
		if (g->buckets[WR_LANE_COMMON].tokens < floor)
			g->buckets[WR_LANE_COMMON].tokens = floor;
	}
}

/* --- Jobs. --- */

static bool grow(struct wr_jobs *jobs)
{
	uint32_t room = jobs->room ? jobs->room * 2 : 8;
	struct wr_job *all = malloc(room * sizeof(*all));

	if (!all)
		return false;
	for (uint32_t i = 0; i < jobs->count; i++)
		all[i] = *wr_jobs_at(jobs, i);
	free(jobs->jobs);
	*jobs = (struct wr_jobs){ .jobs = all, .count = jobs->count, .room = room };
	return true;
}

static enum wr_lane lane_of(const struct wr_gossip *g, enum wr_job_kind kind, uint32_t peer)
{
	/* What we lack must not wait for what others ask of us; there is only one such job. */
	if (kind <= WR_JOB_DOUBT || kind == WR_JOB_WANTS)
		return WR_LANE_URGENT;
	if (!(peer & WR_PEER_STRANGER) && wr_entry(g, peer)->flags & WR_ENTRY_NEW)
		return WR_LANE_WELCOME;
	return WR_LANE_COMMON;
}

void wr_post_add(struct wr_gossip *g, enum wr_job_kind kind, uint32_t peer, uint64_t key,
		 uint64_t last, uint32_t sequence)
{
	enum wr_lane lane = lane_of(g, kind, peer);
	struct wr_jobs *jobs = &g->lanes[lane];
	struct wr_job job = { key, last, peer, sequence, kind };
	size_t cost = wr_frames_cost(g, &job);

	if (jobs->count >= (lane == WR_LANE_URGENT ? URGENT_MAX : JOBS_MAX))
		goto dropped;
	if (cost > g->answer_left)
		goto dropped;
	if (jobs->count == jobs->room && !grow(jobs))
		goto dropped;
	g->answer_left -= cost;
	*wr_jobs_at(jobs, jobs->count++) = job;
	return;
dropped:
	if (kind == WR_JOB_SPREAD)
		g->spreading--;
	if (kind == WR_JOB_WANTS)
		g->is_wanting = false;
}

bool wr_post_is_busy(const struct wr_gossip *g)
{
	return g->lanes[WR_LANE_COMMON].count > BUSY;
}

bool wr_post_is_laden(const struct wr_gossip *g, uint32_t peer)
{
	return g->lanes[lane_of(g, WR_JOB_LIST, peer)].count > LADEN;
}

void wr_post_answers(struct wr_gossip *g)
{
	g->answer_left = ANSWER_FRAMES * WR_FRAME_MAX_LEN;
}

void wr_post_own(struct wr_gossip *g)
{
	g->answer_left = SIZE_MAX;
}

/* --- What goes next. --- */

/* What rides along with an urgent frame: that its receiver should object, in any case. */
static void add_riders(struct wr_gossip *g, uint32_t peer)
{
	size_t room = g->buckets[WR_LANE_COMMON].tokens > 0 ? RIDE_LEN : 0;

	if (!(peer & WR_PEER_STRANGER) && !(wr_entry(g, peer)->flags & WR_ENTRY_SHUT_OUT))
		wr_rumours_fill(g, &g->frame, peer, room);
}

static bool next_of(struct wr_gossip *g, enum wr_lane lane, struct wr_gossip_output *ret_output)
{
	struct wr_jobs *jobs = &g->lanes[lane];

	fill(g, lane);
	while (jobs->count && g->buckets[lane].tokens > 0) {
		uint32_t peer = wr_jobs_at(jobs, 0)->peer;

		if (!peer) {
			wr_jobs_pop(jobs);
			continue;
		}
		wr_frames_write(g, jobs, peer);
		if (wr_frame_is_empty(&g->frame))
			continue;
		if (lane == WR_LANE_URGENT)
			add_riders(g, peer);
		spend(g, lane, g->frame.len + AROUND);
		*ret_output = (struct wr_gossip_output){
			.action = WR_GOSSIP_SEND,
			.identity = *wr_peer_identity(g, peer),
			.bytes = { g->frame.bytes, g->frame.len },
		};
		g->figures.frames_out++;
		g->figures.bytes_out += g->frame.len;
		return true;
	}
	return false;
}

bool wr_post_next(struct wr_gossip *g, struct wr_gossip_output *ret_output)
{
	for (unsigned lane = 0; lane < WR_LANES; lane++)
		fill(g, (enum wr_lane)lane);
	return next_of(g, WR_LANE_URGENT, ret_output) || next_of(g, WR_LANE_WELCOME, ret_output) ||
	       next_of(g, WR_LANE_COMMON, ret_output);
}

struct wr_instant wr_post_deadline(const struct wr_gossip *g)
{
	struct wr_instant soonest = WR_NEVER;

	for (unsigned lane = 0; lane < WR_LANES; lane++) {
		const struct wr_bucket *bucket = &g->buckets[lane];
		uint64_t lacking = bucket->tokens > 0 ? 0 : (uint64_t)(1 - bucket->tokens);
		uint64_t ns = (lacking * 1000000000 + 999999999) / rate_of(g, (enum wr_lane)lane);

		if (g->lanes[lane].count)
			soonest = wr_sooner(soonest,
					    wr_after(bucket->filled, (struct wr_span){ ns }));
	}
	return soonest;
}

void wr_post_done(struct wr_gossip *g)
{
	for (unsigned lane = 0; lane < WR_LANES; lane++)
		free(g->lanes[lane].jobs);
}
