/* Sums of hashes: what a map holds, in an order that does not matter, so that one part of it can
 * be taken out and another put in. Equal sums: equal maps.
 *
 * Floor 8.  Pure. */
#pragma once

#include <string.h>

#include "base/base.h"
#include "crypto/noise.h"

struct wr_world_sum {
	uint64_t a, b;
};

/* Of bytes; `domain` tells parts of a map apart that might look alike. */
static inline struct wr_world_sum wr_sum_of(const char *domain, const void *data, size_t len)
{
	struct wr_hash hash = wr_hash2((struct wr_bytes){ (const uint8_t *)domain, strlen(domain) },
				       (struct wr_bytes){ data, len });
	struct wr_world_sum sum;

	memcpy(&sum, hash.bytes, sizeof(sum));
	return sum;
}

static inline void wr_sum_add(struct wr_world_sum *sum, struct wr_world_sum other)
{
	sum->a += other.a;
	sum->b += other.b;
}

static inline void wr_sum_take(struct wr_world_sum *sum, struct wr_world_sum other)
{
	sum->a -= other.a;
	sum->b -= other.b;
}

static inline bool wr_sum_equal(struct wr_world_sum a, struct wr_world_sum b)
{
	return a.a == b.a && a.b == b.b;
}

/* Spreads every bit over all. Source: MurmurHash3's finalizer, fmix64. */
static inline uint64_t wr_sum_mix_word(uint64_t word)
{
	word ^= word >> 33;
	word *= UINT64_C(0xff51afd7ed558ccd);
	word ^= word >> 33;
	word *= UINT64_C(0xc4ceb9fe1a85ec53);
	return word ^ (word >> 33);
}

/* Of things that belong together: as fast as a sum may be that is made for each pair. */
static inline struct wr_world_sum wr_sum_mix(struct wr_world_sum x, struct wr_world_sum y)
{
	return (struct wr_world_sum){
		wr_sum_mix_word(x.a + 3 * wr_sum_mix_word(y.a)),
		wr_sum_mix_word(x.b + 5 * wr_sum_mix_word(y.b)),
	};
}
