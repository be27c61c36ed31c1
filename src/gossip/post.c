#include <stdlib.h>

#include "gossip/inside.h"

/* Jobs wait, not frames: what a frame says is what is so when it goes. A frame takes all the jobs
 * for one peer that fit. */

#define JOBS_MAX 4096
#define URGENT_MAX 512
/* Items in a second, at some 250 bytes: who waits for longer asks another. */
#define BUSY 200
/* Comparisons that are answered late are stale, and keep what was asked for from going out. */
#define LADEN 48
/* How many jobs behind the first are looked at for the same peer. */
#define LOOK_AHEAD 64
/* Of rumours that ride along with a probe or an answer. */
#define RIDE_LEN 300
/* Newcomers fetch all there is at once: this much of it goes at any speed. */
#define WELCOME_BYTES (INT64_C(512) * 1024)
/* So much of a second may be sent at once. */
#define COMMON_PART 4
/* Answers to probes have their own budget, so many times the common one. */
#define URGENT_FACTOR 4
/* What one frame may cause in frames. */
#define ANSWER_FRAMES 8
/* Marks in one answer to a comparison. */
#define HAVES_MAX 700
#define LIST_MAX 64

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

static struct wr_job *job_at(struct wr_jobs *jobs, uint32_t i)
{
	return &jobs->jobs[(jobs->head + i) & (jobs->room - 1)];
}

static bool grow(struct wr_jobs *jobs)
{
	uint32_t room = jobs->room ? jobs->room * 2 : 8;
	struct wr_job *all = malloc(room * sizeof(*all));

	if (!all)
		return false;
	for (uint32_t i = 0; i < jobs->count; i++)
		all[i] = *job_at(jobs, i);
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

/* About what it will send. */
static size_t cost_of(const struct wr_gossip *g, const struct wr_job *job)
{
	uint32_t id;

	switch (job->kind) {
	case WR_JOB_ITEM:
		id = wr_roll_find(&g->roll, job->key);
		return id ? wr_entry(g, id)->blob->len : 0;
	case WR_JOB_HAVE: return 12;
	case WR_JOB_HAVES: return HAVES_MAX * 12;
	case WR_JOB_LIST: return 18 + wr_roll_range(&g->roll, job->key, job->last).items * 12;
	case WR_JOB_SPLIT: return 330;
	case WR_JOB_PROBE:
	case WR_JOB_ACK:
	case WR_JOB_NACK:
	case WR_JOB_ASK:
	case WR_JOB_WHO:
	case WR_JOB_DOUBT:
	case WR_JOB_SUM:
	case WR_JOB_WANTS:
	case WR_JOB_SPREAD: break;
	}
	return 0;
}

void wr_post_add(struct wr_gossip *g, enum wr_job_kind kind, uint32_t peer, uint64_t key,
		 uint64_t last, uint32_t sequence)
{
	enum wr_lane lane = lane_of(g, kind, peer);
	struct wr_jobs *jobs = &g->lanes[lane];
	struct wr_job job = { key, last, peer, sequence, kind };
	size_t cost = cost_of(g, &job);

	if (jobs->count >= (lane == WR_LANE_URGENT ? URGENT_MAX : JOBS_MAX))
		goto dropped;
	if (cost > g->answer_left)
		goto dropped;
	if (jobs->count == jobs->room && !grow(jobs))
		goto dropped;
	g->answer_left -= cost;
	if (kind == WR_JOB_HAVES)
		job.sequence = HAVES_MAX;
	*job_at(jobs, jobs->count++) = job;
	return;
dropped:
	if (kind == WR_JOB_SPREAD)
		g->spreading--;
	if (kind == WR_JOB_WANTS)
		g->is_wanting = false;
}

static void pop(struct wr_jobs *jobs)
{
	jobs->head = (jobs->head + 1) & (jobs->room - 1);
	jobs->count--;
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

/* --- Frames. --- */

/* True if it is done; false if it did not fit (and says what is left of it). */
static bool write_item(struct wr_gossip *g, const struct wr_job *job)
{
	uint32_t id = wr_roll_find(&g->roll, job->key);
	const struct wr_entry *entry = id ? wr_entry(g, id) : NULL;

	return !entry || entry->flags & WR_ENTRY_QUIET ||
	       wr_frame_add_item(&g->frame, wr_is_gone(entry), wr_members_age(g, entry),
				 wr_gossip_blob_bytes(entry->blob));
}

static bool write_have(struct wr_gossip *g, const struct wr_job *job)
{
	uint32_t id = wr_roll_find(&g->roll, job->key);

	return !id || wr_entry(g, id)->flags & WR_ENTRY_QUIET ||
	       wr_frame_add_mark(&g->frame, WR_FRAME_HAVE, wr_roll_mark(wr_entry(g, id)));
}

/* Unless it is over. */
static bool write_doubt(struct wr_gossip *g, const struct wr_job *job)
{
	uint32_t id = wr_roll_find(&g->roll, job->key);

	return !id || wr_entry(g, id)->status != WR_GOSSIP_SUSPECT ||
	       wr_frame_add_mark(&g->frame, WR_FRAME_SUSPECT, wr_roll_mark(wr_entry(g, id)));
}

static bool write_haves(struct wr_gossip *g, struct wr_job *job)
{
	uint32_t id;

	while (job->sequence && (id = wr_roll_next(&g->roll, job->key)) != 0) {
		const struct wr_entry *entry = wr_entry(g, id);

		if (entry->blob->key > job->last)
			break;
		if (!(entry->flags & WR_ENTRY_QUIET) &&
		    !wr_frame_add_mark(&g->frame, WR_FRAME_HAVE, wr_roll_mark(entry)))
			return false;
		if (entry->blob->key == UINT64_MAX)
			break;
		job->key = entry->blob->key + 1;
		job->sequence--;
	}
	return true;
}

static bool write_split(struct wr_gossip *g, const struct wr_job *job)
{
	struct wr_frame_range ranges[16];
	unsigned count = wr_roll_split(&g->roll, job->key, job->last, ranges, WR_ARRAY_LEN(ranges));

	return wr_frame_add_ranges(&g->frame, ranges, count);
}

static bool write_list(struct wr_gossip *g, const struct wr_job *job)
{
	struct wr_frame_mark marks[LIST_MAX];
	unsigned count = 0;
	uint64_t key = job->key;
	uint32_t id;

	while ((id = wr_roll_next(&g->roll, key)) != 0) {
		const struct wr_entry *entry = wr_entry(g, id);

		if (entry->blob->key > job->last)
			break;
		if (!(entry->flags & WR_ENTRY_QUIET)) {
			if (count == LIST_MAX)
				return write_split(g, job);
			marks[count++] = wr_roll_mark(entry);
		}
		if (entry->blob->key == UINT64_MAX)
			break;
		key = entry->blob->key + 1;
	}
	return wr_frame_add_list(&g->frame, job->key, job->last, marks, count);
}

static bool write_sum(struct wr_gossip *g)
{
	struct wr_frame_range all = wr_roll_range(&g->roll, 0, UINT64_MAX);

	return wr_frame_add_ranges(&g->frame, &all, 1);
}

static bool write_job(struct wr_gossip *g, struct wr_job *job)
{
	switch (job->kind) {
	case WR_JOB_PROBE: return wr_frame_add_sequence(&g->frame, WR_FRAME_PROBE, job->sequence);
	case WR_JOB_ACK: return wr_frame_add_sequence(&g->frame, WR_FRAME_ACK, job->sequence);
	case WR_JOB_NACK: return wr_frame_add_sequence(&g->frame, WR_FRAME_NACK, job->sequence);
	case WR_JOB_ASK: return wr_frame_add_ask(&g->frame, job->sequence, job->key);
	case WR_JOB_WHO: return wr_frame_add_who(&g->frame);
	case WR_JOB_DOUBT: return write_doubt(g, job);
	case WR_JOB_ITEM: return write_item(g, job);
	case WR_JOB_HAVE: return write_have(g, job);
	case WR_JOB_HAVES: return write_haves(g, job);
	case WR_JOB_LIST: return write_list(g, job);
	case WR_JOB_SPLIT: return write_split(g, job);
	case WR_JOB_SUM: return write_sum(g);
	case WR_JOB_WANTS: g->is_wanting = false; return wr_wants_fill(g, &g->frame, job->peer);
	case WR_JOB_SPREAD:
		g->spreading--;
		wr_rumours_fill(g, &g->frame, job->peer, wr_frame_room(&g->frame));
		break;
	}
	return true;
}

/* All jobs for the first one's peer that fit in a frame. */
static void write_frame(struct wr_gossip *g, struct wr_jobs *jobs, uint32_t peer)
{
	wr_frame_begin(&g->frame);
	for (uint32_t i = 0; i < jobs->count && i < LOOK_AHEAD; i++) {
		struct wr_job *job = job_at(jobs, i);

		if (job->peer != peer)
			continue;
		if (!write_job(g, job))
			break;
		job->peer = 0;
	}
	while (jobs->count && !job_at(jobs, 0)->peer)
		pop(jobs);
}

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
		uint32_t peer = job_at(jobs, 0)->peer;

		if (!peer) {
			pop(jobs);
			continue;
		}
		write_frame(g, jobs, peer);
		if (wr_frame_is_empty(&g->frame))
			continue;
		if (lane == WR_LANE_URGENT)
			add_riders(g, peer);
		spend(g, lane, g->frame.len);
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
