/* When the next network map may be made: soon, as long as maps take little of the thread's time.
 * What counts is the time of the processor, not that of the clock: on a busy machine all takes
 * long.
 *
 * Floor 9.  Pure; the time comes in. */
#pragma once

#include "base/base.h"

/* All zero at first. */
struct wr_map_pace {
	struct wr_instant ended; /* the last one */
	struct wr_instant paid;  /* until then the share of all maps so far is used up */
};

/* A map was made, which has taken so much of the processor's time. */
void wr_map_pace_spend(struct wr_map_pace *pace, struct wr_instant now, struct wr_span taken);
/* When the next one may be made; changes that come until then are in it together. */
struct wr_instant wr_map_pace_next(const struct wr_map_pace *pace);
