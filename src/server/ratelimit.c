#include "server/ratelimit.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"

#define WAYS 8
#define SETS (WR_RATELIMIT_BUCKETS / WAYS)
#define NS_PER_HOUR UINT64_C(3600000000000)

/* Told by when it will be full again: it lacks a token for each `token_ns` until then. All
 * zero is a full bucket of nobody. */
struct bucket {
	struct wr_rate_key key;
	uint64_t full_at;
};

struct wr_ratelimit {
	uint64_t token_ns; /* one token comes in this time */
	uint64_t burst_ns; /* all of them do */
	struct wr_siphash_key seed;
	struct bucket buckets[SETS][WAYS];
};

enum {
	KIND_ADDRESS = 1 << 8
}; /* behind all letters */

struct wr_rate_key wr_rate_key_address(const struct wr_ip *ip)
{
	struct wr_rate_key key = { .kind = KIND_ADDRESS + ip->family };

	if (ip->family != WR_FAMILY_NONE)
		memcpy(&key.value, ip->bytes, ip->family == WR_IPV4 ? 4 : 8);
	return key;
}

struct wr_rate_key wr_rate_key_row(char kind, int64_t row)
{
	return (struct wr_rate_key){ (unsigned char)kind, (uint64_t)row };
}

struct wr_rate_key wr_rate_key_text(struct wr_ratelimit *limit, char kind, const char *text)
{
	struct wr_bytes bytes = { (const uint8_t *)text, strlen(text) };

	return (struct wr_rate_key){ (unsigned char)kind, wr_siphash(&limit->seed, bytes) };
}

struct wr_ratelimit *wr_ratelimit_new(uint32_t per_hour, uint32_t burst, const uint8_t seed[16])
{
	struct wr_ratelimit *limit = calloc(1, sizeof(*limit));

	assert(per_hour && burst);
	if (!limit)
		return NULL;
	limit->token_ns = NS_PER_HOUR / per_hour;
	limit->burst_ns = limit->token_ns * burst;
	memcpy(limit->seed.bytes, seed, sizeof(limit->seed.bytes));
	return limit;
}

struct wr_ratelimit *wr_ratelimit_free(struct wr_ratelimit *limit)
{
	free(limit);
	return NULL;
}

static size_t set_of(const struct wr_ratelimit *limit, const struct wr_rate_key *key)
{
	struct wr_bytes bytes = { (const uint8_t *)key, sizeof(*key) };

	return wr_siphash(&limit->seed, bytes) % SETS;
}

static bool is_key(const struct wr_rate_key *a, const struct wr_rate_key *b)
{
	return a->kind == b->kind && a->value == b->value;
}

/* The key's place in its set; WAYS if it has none. */
static size_t find(const struct wr_ratelimit *limit, size_t set, const struct wr_rate_key *key)
{
	size_t way = 0;

	while (way < WAYS && !is_key(&limit->buckets[set][way].key, key))
		way++;
	return way;
}

/* For a key that has none: the place of whoever lacks least. */
static size_t fullest(const struct wr_ratelimit *limit, size_t set)
{
	size_t best = 0;

	for (size_t way = 1; way < WAYS; way++) {
		if (limit->buckets[set][way].full_at < limit->buckets[set][best].full_at)
			best = way;
	}
	return best;
}

/* By when a bucket that is full at `full_at` has so many tokens. */
static uint64_t payable_at(const struct wr_ratelimit *limit, uint64_t full_at, uint32_t tokens)
{
	uint64_t cost = limit->token_ns * tokens;
	uint64_t spare = cost < limit->burst_ns ? limit->burst_ns - cost : 0;

	return full_at > spare ? full_at - spare : 0;
}

static bool can_pay(const struct wr_ratelimit *limit, uint64_t full_at, uint32_t tokens,
		    struct wr_instant now, struct wr_span *ret_wait)
{
	uint64_t at = payable_at(limit, full_at, tokens);

	if (ret_wait)
		ret_wait->ns = at > now.ns ? at - now.ns : 0;
	return at <= now.ns;
}

bool wr_ratelimit_has(const struct wr_ratelimit *limit, struct wr_rate_key key, uint32_t tokens,
		      struct wr_instant now, struct wr_span *ret_wait)
{
	size_t set = set_of(limit, &key);
	size_t way = find(limit, set, &key);

	return can_pay(limit, way < WAYS ? limit->buckets[set][way].full_at : 0, tokens, now,
		       ret_wait);
}

bool wr_ratelimit_take(struct wr_ratelimit *limit, struct wr_rate_key key, uint32_t tokens,
		       struct wr_instant now, struct wr_span *ret_wait)
{
	size_t set = set_of(limit, &key);
	size_t way = find(limit, set, &key);
	struct bucket *bucket = &limit->buckets[set][way < WAYS ? way : fullest(limit, set)];
	uint64_t full_at = way < WAYS ? bucket->full_at : 0;

	if (!can_pay(limit, full_at, tokens, now, ret_wait))
		return false;
	bucket->key = key;
	bucket->full_at = (full_at > now.ns ? full_at : now.ns) + limit->token_ns * tokens;
	return true;
}

void wr_ratelimit_forget(struct wr_ratelimit *limit, struct wr_rate_key key)
{
	size_t set = set_of(limit, &key);
	size_t way = find(limit, set, &key);

	if (way < WAYS)
		limit->buckets[set][way] = (struct bucket){ 0 };
}
