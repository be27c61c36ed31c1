/* Answers to knocks that wait for their time.
 *
 * Floor 9.  One thread; no I/O. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* Of more, others answer. */
#define WR_ANSWERS_MAX 64

struct wr_answer {
	struct wr_endpoint to;
	struct wr_instant due;
};

/* All zero is none. */
struct wr_answers {
	struct wr_answer waiting[WR_ANSWERS_MAX]; /* in no order */
	size_t count;
};

/* Dropped where there is no room. */
void wr_answers_add(struct wr_answers *answers, const struct wr_answer *answer);
/* Takes one that is due; false if there is none. */
bool wr_answers_take(struct wr_answers *answers, struct wr_instant now, struct wr_endpoint *ret_to)
	WR_MUST_CHECK;
/* Of the next one, or WR_NEVER. */
struct wr_instant wr_answers_deadline(const struct wr_answers *answers);
