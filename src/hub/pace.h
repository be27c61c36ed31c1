/* How much of a gateway's service each machine may ask for, and all together.
 *
 * Floor 7.  One thread. The table has a fixed size: one more source takes the place of the
 * one that lacks least, so a router with many hosts behind it can only ever give another
 * machine a fresh start. What one organisation asks of the loop is bounded by the common
 * bucket, whoever asks. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "crypto/noise.h"

#define WR_PACE_SETS 32
#define WR_PACE_WAYS 4

struct wr_pace_rule {
	uint32_t per_second, burst;         /* of one source */
	uint32_t all_per_second, all_burst; /* of all, refused ones counted */
};

/* A bucket is told by when it will be full again. */
struct wr_pace {
	struct wr_pace_rule rule;
	struct wr_siphash_key key;
	uint64_t all_full_at;
	struct {
		struct wr_ip source;
		uint64_t full_at;
	} sources[WR_PACE_SETS][WR_PACE_WAYS];
};

/* With a random key of its own. */
void wr_pace_init(struct wr_pace *pace, const struct wr_pace_rule *rule);
/* False: all together are too fast; when they may ask again is *ret_wait from now. */
bool wr_pace_take_common(struct wr_pace *pace, struct wr_instant now, struct wr_span *ret_wait)
	WR_MUST_CHECK;
/* False: the source is too fast. */
bool wr_pace_take(struct wr_pace *pace, const struct wr_ip *source, struct wr_instant now)
	WR_MUST_CHECK;
