#include "wg/budget.h"

#include <stdlib.h>
#include <string.h>

/* Source prefixes that are remembered, and how many share a place. 8192 as the
 * kernel's ratelimiter.c; untouched ones take no memory. */
#define SETS 1024
#define WAYS 8

#define NS_PER_S UINT64_C(1000000000)

/* A bucket, told by when it will be full again: one number, no refill to do. It
 * lacks a token for each `cost` nanoseconds until then. */
struct bucket {
	uint64_t full_at;
};

struct source_key {
	uint64_t bits; /* of the prefix, from the top */
	uint8_t family;
};

/* All zero is a full bucket of nobody. */
struct source_bucket {
	struct source_key key;
	struct bucket bucket;
};

struct wr_budget {
	struct wr_budget_rule rule;
	struct wr_siphash_key key;
	struct bucket all;
	struct source_bucket sources[SETS][WAYS];
};

struct wr_budget *wr_budget_new(const struct wr_budget_rule *rule, const struct wr_siphash_key *key)
{
	struct wr_budget *budget = calloc(1, sizeof(*budget));

	assert(rule->per_second > 0 && rule->prefix4 <= 32 && rule->prefix6 <= 64);
	if (budget) {
		budget->rule = *rule;
		budget->key = *key;
	}
	return budget;
}

struct wr_budget *wr_budget_free(struct wr_budget *budget)
{
	free(budget);
	return NULL;
}

static uint64_t leading_bits(const uint8_t bytes[8], unsigned length)
{
	uint64_t bits;

	memcpy(&bits, bytes, sizeof(bits));
	return length ? __builtin_bswap64(bits) & UINT64_MAX << (64 - length) : 0;
}

static struct source_key key_of(const struct wr_budget *budget, const struct wr_ip *source)
{
	unsigned length = source->family == WR_IPV4 ? budget->rule.prefix4 : budget->rule.prefix6;

	return (struct source_key){ leading_bits(source->bytes, length), (uint8_t)source->family };
}

static bool is_key(const struct source_key *a, const struct source_key *b)
{
	return a->bits == b->bits && a->family == b->family;
}

static struct source_bucket *set_of(struct wr_budget *budget, const struct source_key *key)
{
	uint8_t input[9];

	memcpy(input, &key->bits, sizeof(key->bits));
	input[8] = key->family;
	return budget->sources[wr_siphash(&budget->key, (struct wr_bytes){ input, sizeof(input) }) %
			       SETS];
}

/* The bucket of the source, or NULL if it has none. */
static struct source_bucket *find(struct wr_budget *budget, const struct source_key *key)
{
	struct source_bucket *set = set_of(budget, key);

	for (size_t i = 0; i < WAYS; i++) {
		if (is_key(&set[i].key, key))
			return &set[i];
	}
	return NULL;
}

/* A bucket for a source that has none: that of whoever lacks least. */
static struct source_bucket *make(struct wr_budget *budget, const struct source_key *key)
{
	struct source_bucket *set = set_of(budget, key);
	struct source_bucket *fullest = set;

	for (size_t i = 1; i < WAYS; i++) {
		if (set[i].bucket.full_at < fullest->bucket.full_at)
			fullest = &set[i];
	}
	*fullest = (struct source_bucket){ .key = *key };
	return fullest;
}

static uint64_t cost_of(uint32_t tokens, uint32_t per_second)
{
	return tokens * (NS_PER_S / per_second);
}

/* When the bucket would be full again after this. */
static uint64_t full_after(const struct bucket *bucket, uint32_t tokens, uint32_t per_second,
			   struct wr_instant now)
{
	uint64_t base = bucket->full_at > now.ns ? bucket->full_at : now.ns;

	return base + cost_of(tokens, per_second);
}

/* A bucket that is full pays for anything: who asks for more than it ever holds
 * gets it once, and waits until it is full again. */
static bool has(const struct bucket *bucket, uint32_t tokens, uint32_t per_second, uint32_t burst,
		struct wr_instant now)
{
	return bucket->full_at <= now.ns ||
	       full_after(bucket, tokens, per_second, now) - now.ns <= cost_of(burst, per_second);
}

bool wr_budget_take(struct wr_budget *budget, const struct wr_ip *source, uint32_t tokens,
		    struct wr_instant now)
{
	const struct wr_budget_rule *rule = &budget->rule;
	struct source_key key = key_of(budget, source);
	struct source_bucket *mine = find(budget, &key);

	if (mine && !has(&mine->bucket, tokens, rule->per_second, rule->burst, now))
		return false;
	if (rule->all_per_second &&
	    !has(&budget->all, tokens, rule->all_per_second, rule->all_burst, now))
		return false;

	if (!mine)
		mine = make(budget, &key);
	mine->bucket.full_at = full_after(&mine->bucket, tokens, rule->per_second, now);
	if (rule->all_per_second)
		budget->all.full_at = full_after(&budget->all, tokens, rule->all_per_second, now);
	return true;
}

static void give_back(struct bucket *bucket, uint32_t tokens, uint32_t per_second,
		      struct wr_instant now)
{
	uint64_t cost = cost_of(tokens, per_second);

	bucket->full_at = bucket->full_at > now.ns + cost ? bucket->full_at - cost : now.ns;
}

void wr_budget_return(struct wr_budget *budget, const struct wr_ip *source, uint32_t tokens,
		      struct wr_instant now)
{
	struct source_key key = key_of(budget, source);
	struct source_bucket *mine = find(budget, &key);

	if (mine)
		give_back(&mine->bucket, tokens, budget->rule.per_second, now);
	if (budget->rule.all_per_second)
		give_back(&budget->all, tokens, budget->rule.all_per_second, now);
}
