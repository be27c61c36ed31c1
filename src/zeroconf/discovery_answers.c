#include "zeroconf/discovery_answers.h"

void wr_answers_add(struct wr_answers *answers, const struct wr_answer *answer)
{
	if (answers->count < WR_ANSWERS_MAX)
		answers->waiting[answers->count++] = *answer;
}

bool wr_answers_take(struct wr_answers *answers, struct wr_instant now, struct wr_endpoint *ret_to)
{
	for (size_t i = 0; i < answers->count; i++) {
		if (!wr_is_past(answers->waiting[i].due, now))
			continue;
		*ret_to = answers->waiting[i].to;
		answers->waiting[i] = answers->waiting[--answers->count];
		return true;
	}
	return false;
}

struct wr_instant wr_answers_deadline(const struct wr_answers *answers)
{
	struct wr_instant next = WR_NEVER;

	for (size_t i = 0; i < answers->count; i++)
		next = wr_sooner(next, answers->waiting[i].due);
	return next;
}
