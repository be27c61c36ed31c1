/* What waits to be sent: jobs in lanes, each with its own budget.
 *
 * Floor 3.  Only for files of this folder.  Bounded: post.c. */
#pragma once

#include "base/base.h"

/* Marks in one answer to a comparison. */
#define WR_HAVES_MAX 700

enum wr_job_kind {
	/* At once. */
	WR_JOB_PROBE,
	WR_JOB_ACK,
	WR_JOB_NACK,
	WR_JOB_ASK,
	WR_JOB_WHO,
	WR_JOB_DOUBT, /* key */
	/* As the budget allows. */
	WR_JOB_ITEM,   /* key */
	WR_JOB_HAVE,   /* key */
	WR_JOB_HAVES,  /* key .. last */
	WR_JOB_LIST,   /* key .. last */
	WR_JOB_SPLIT,  /* key .. last */
	WR_JOB_SUM,    /* all */
	WR_JOB_WANTS,  /* those that it should be asked for */
	WR_JOB_SPREAD, /* rumours */
};
struct wr_job {
	uint64_t key, last;
	uint32_t peer;
	uint32_t sequence; /* of probes; of HAVES, how many marks at most */
	enum wr_job_kind kind;
};
struct wr_jobs {
	struct wr_job *jobs;
	uint32_t head, count, room; /* room: a power of two */
};
static inline struct wr_job *wr_jobs_at(const struct wr_jobs *jobs, uint32_t i)
{
	return &jobs->jobs[(jobs->head + i) & (jobs->room - 1)];
}
static inline void wr_jobs_pop(struct wr_jobs *jobs)
{
	jobs->head = (jobs->head + 1) & (jobs->room - 1);
	jobs->count--;
}

enum wr_lane {
	WR_LANE_URGENT,
	WR_LANE_COMMON,
	WR_LANE_WELCOME, /* to newcomers */
	WR_LANES
};
struct wr_bucket {
	int64_t tokens; /* bytes */
	struct wr_instant filled;
};
