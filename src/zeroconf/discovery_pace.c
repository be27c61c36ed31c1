#include "zeroconf/discovery_pace.h"

#define FIRST_MS 250
#define LONGEST_MS 60000
/* With more members than these a member's turn comes less often: together they announce 100 times
 * a minute. */
#define MANY_SPEAKERS 100

/* Enough that one of them is reached, and that the asker's budget is not used up. */
#define ANSWERS 8
#define SPREAD_MS 200

/* From -1/4 to +1/4: who started together does not go on together. */
static uint64_t jitter(uint64_t ms, uint64_t random)
{
	return ms - ms / 4 + random % (ms / 2 + 1);
}

struct wr_span wr_pace_pause(unsigned step, size_t members, uint64_t random)
{
	uint64_t longest = LONGEST_MS, ms = FIRST_MS;

	if (members > MANY_SPEAKERS)
		longest = longest * members / MANY_SPEAKERS;
	for (unsigned i = 1; i < step && ms < longest; i++)
		ms *= 2;
	return WR_SPAN_MS(jitter(ms < longest ? ms : longest, random));
}

bool wr_pace_answers(size_t members, uint64_t random, struct wr_span *ret_delay)
{
	*ret_delay = WR_SPAN_MS(0);
	if (members <= ANSWERS)
		return true;
	*ret_delay = WR_SPAN_MS((random >> 32) % (SPREAD_MS + 1));
	return (random & UINT32_MAX) % members < ANSWERS;
}
