#include "hub/pace.h"

#include "crypto/crypto.h"

#define NS_PER_S UINT64_C(1000000000)

void wr_pace_init(struct wr_pace *pace, const struct wr_pace_rule *rule)
{
	*pace = (struct wr_pace){ .rule = *rule };
	wr_random(&pace->key, sizeof(pace->key));
}

/* How much later than now the bucket is full after one more; 0 if it is empty now. */
static uint64_t full_after(uint64_t full_at, uint32_t per_second, uint32_t burst,
			   struct wr_instant now)
{
	uint64_t cost = NS_PER_S / per_second;
	uint64_t base = full_at > now.ns ? full_at : now.ns;

	return base + cost - now.ns > cost * burst ? 0 : base + cost;
}

bool wr_pace_take_common(struct wr_pace *pace, struct wr_instant now, struct wr_span *ret_wait)
{
	const struct wr_pace_rule *rule = &pace->rule;
	uint64_t full_at = full_after(pace->all_full_at, rule->all_per_second, rule->all_burst,
				      now);

	if (full_at) {
		pace->all_full_at = full_at;
		return true;
	}
	/* Half full, so that it is not asked at each token. */
	*ret_wait = (struct wr_span){ NS_PER_S / rule->all_per_second * rule->all_burst / 2 };
	return false;
}

static size_t set_of(const struct wr_pace *pace, const struct wr_ip *source)
{
	return wr_siphash(&pace->key, (struct wr_bytes){ source->bytes, sizeof(source->bytes) }) %
	       WR_PACE_SETS;
}

bool wr_pace_take(struct wr_pace *pace, const struct wr_ip *source, struct wr_instant now)
{
	size_t set = set_of(pace, source), place = 0;
	uint64_t full_at;

	for (size_t i = 0; i < WR_PACE_WAYS; i++) {
		if (wr_ip_equal(&pace->sources[set][i].source, source)) {
			place = i;
			break;
		}
		if (pace->sources[set][i].full_at < pace->sources[set][place].full_at)
			place = i;
	}
	if (!wr_ip_equal(&pace->sources[set][place].source, source)) {
		pace->sources[set][place].source = *source;
		pace->sources[set][place].full_at = 0;
	}
	full_at = full_after(pace->sources[set][place].full_at, pace->rule.per_second,
			     pace->rule.burst, now);
	if (!full_at)
		return false;
	pace->sources[set][place].full_at = full_at;
	return true;
}
