#include "gossip/inside.h"

/* What jobs say, at the time that they go: a job that has nothing to say any more is done. */

/* How many jobs behind the first are looked at for the same peer. */
#define LOOK_AHEAD 64
/* Marks in one list. */
#define LIST_MAX 64

size_t wr_frames_cost(const struct wr_gossip *g, const struct wr_job *job)
{
	uint32_t id;

	switch (job->kind) {
	case WR_JOB_ITEM:
		id = wr_roll_find(&g->roll, job->key);
		return id ? wr_entry(g, id)->blob->len : 0;
	case WR_JOB_HAVE: return 12;
	case WR_JOB_HAVES: return WR_HAVES_MAX * 12;
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
void wr_frames_write(struct wr_gossip *g, struct wr_jobs *jobs, uint32_t peer)
{
	wr_frame_begin(&g->frame);
	for (uint32_t i = 0; i < jobs->count && i < LOOK_AHEAD; i++) {
		struct wr_job *job = wr_jobs_at(jobs, i);

		if (job->peer != peer)
			continue;
		if (!write_job(g, job))
			break;
		job->peer = 0;
	}
	while (jobs->count && !wr_jobs_at(jobs, 0)->peer)
		wr_jobs_pop(jobs);
}
