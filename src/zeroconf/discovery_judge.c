#include "zeroconf/discovery_judge.h"

#include <stdlib.h>

#include "wg/budget.h"
#include "zeroconf/discovery_known.h"

/* A second's worth at once: many start together where a LAN comes up. */
static const struct wr_budget_rule rule = {
	.per_second = WR_JUDGE_SOURCE_PER_SECOND,
	.burst = WR_JUDGE_SOURCE_PER_SECOND,
	.all_per_second = WR_JUDGE_PER_SECOND,
	.all_burst = WR_JUDGE_PER_SECOND,
	.prefix4 = 32,
	.prefix6 = 64,
};

struct wr_judge {
	const struct wr_mesh_keys *keys;
	struct wr_key own;
	struct wr_known known;
	struct wr_budget *budget;
};

struct wr_judge *wr_judge_new(const struct wr_mesh_keys *keys, const struct wr_key *own,
			      size_t known, const struct wr_siphash_key *secret)
{
	struct wr_judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return NULL;
	judge->keys = keys;
	judge->own = *own;
	wr_known_init(&judge->known, known, secret);
	judge->budget = wr_budget_new(&rule, secret);
	return judge->budget ? judge : wr_judge_free(judge);
}

struct wr_judge *wr_judge_free(struct wr_judge *judge)
{
	if (!judge)
		return NULL;
	wr_known_done(&judge->known);
	wr_budget_free(judge->budget);
	free(judge);
	return NULL;
}

static enum wr_hearing hearing_of(enum wr_knock_fault fault)
{
	switch (fault) {
	case WR_KNOCK_GOOD: return WR_HEARD_GOOD;
	case WR_KNOCK_OTHER_MESH: return WR_HEARD_FOREIGN;
	case WR_KNOCK_MAC:
	case WR_KNOCK_SIGNATURE: return WR_HEARD_FORGED;
	case WR_KNOCK_MALFORMED: break;
	}
	return WR_HEARD_MALFORMED;
}

enum wr_hearing wr_judge_hear(struct wr_judge *judge, struct wr_bytes datagram,
			      const struct wr_ip *source, struct wr_instant now,
			      struct wr_knock *ret_knock)
{
	struct wr_knock knock;
	enum wr_hearing hearing =
		hearing_of(wr_knock_read(datagram, judge->keys->tag, &judge->keys->mac, &knock));

	if (hearing != WR_HEARD_GOOD)
		return hearing;
	if (wr_key_equal(&knock.identity, &judge->own))
		return WR_HEARD_OWN;
	if (!wr_known_is_new(&judge->known, &knock))
		return WR_HEARD_REPLAYED;
	if (!wr_budget_take(judge->budget, source, 1, now))
		return WR_HEARD_LIMITED;
	if (!wr_knock_check(datagram))
		return WR_HEARD_FORGED;
	if (!wr_known_note(&judge->known, &knock))
		return WR_HEARD_LIMITED; /* without memory of it, it could be replayed */
	*ret_knock = knock;
	return WR_HEARD_GOOD;
}
