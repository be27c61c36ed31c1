#include "zeroconf/discovery_pace.h"

#define FIRST_MS 250
/* A newcomer announces itself, and is answered; so this is for LANs that become one, of which each
 * has members already, and one announcement is enough. Up to so many announce each minute. More of
 * them do less often, so that together it is ten times a minute; but none of them less often than
 * each ten minutes, up to a thousand, who together announce a hundred times a minute. */
#define LONGEST_MS 60000
#define SPEAKERS 10
#define SELDOM_MS 600000
#define MANY_SPEAKERS 1000

/* Enough that one of them is reached, and that the asker's budget is not used up. */
#define ANSWERS 8
#define SPREAD_MS 200

/* From -1/4 to +1/4: who started together does not go on together. */
static uint64_t jitter(uint64_t ms, uint64_t random)
{
	return ms - ms / 4 + random % (ms / 2 + 1);
}

static uint64_t longest_ms(size_t members)
{
	uint64_t ms = LONGEST_MS;

	if (members > SPEAKERS)
		ms = ms * members / SPEAKERS;
	if (ms > SELDOM_MS)
		ms = SELDOM_MS;
	return members > MANY_SPEAKERS ? ms * members / MANY_SPEAKERS : ms;
}

struct wr_span wr_pace_pause(unsigned step, size_t members, uint64_t random)
{
	uint64_t longest = longest_ms(members), ms = FIRST_MS;

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
