#include "zeroconf/map_pace.h"

/* Changes that come together make one map. Whoever knocks waits for it until it can shake hands. */
#define LEAST_PAUSE WR_SPAN_MS(20)
/* Maps take at most one part in so many of the thread's time ... */
#define SHARE 20
/* ... but for the first after a quiet time: 20 ms of the processor's at once. */
#define AHEAD WR_SPAN_MS(20 * SHARE)

void wr_map_pace_spend(struct wr_map_pace *pace, struct wr_instant now, struct wr_span taken)
{
	struct wr_instant from = pace->paid.ns > now.ns ? pace->paid : now;

	pace->paid = wr_after(from, (struct wr_span){ taken.ns * SHARE });
	pace->ended = now;
}

struct wr_instant wr_map_pace_next(const struct wr_map_pace *pace)
{
	struct wr_instant soonest = wr_after(pace->ended, LEAST_PAUSE);

	if (pace->paid.ns > soonest.ns + AHEAD.ns)
		soonest.ns = pace->paid.ns - AHEAD.ns;
	return soonest;
}
