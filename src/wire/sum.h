/* The long part of a ones' complement sum, compiled once for each instruction set
 * that is worth it.
 *
 * Floor 2, inside.  Source: RFC 1071: the sum is the same in either byte order, and
 * whatever the size of the words that are added, as long as carries come back in at
 * the bottom. */
#pragma once

#include "base/base.h"

#define WR_SUM_BLOCK 64

static inline uint64_t wr_sum_add(uint64_t sum, uint64_t words)
{
	uint64_t total = sum + words;

	return total + (total < sum);
}

/* The sum of `count` blocks of WR_SUM_BLOCK bytes, at most 2^24 of them. */
typedef uint64_t wr_sum_function(const uint8_t *blocks, size_t count);

/* The fastest for this CPU. */
wr_sum_function wr_sum_blocks;
/* All that run on this CPU, for tests; ends with NULL. */
wr_sum_function *const *wr_sum_all(void);

wr_sum_function wr_sum_blocks_generic, wr_sum_blocks_avx2;
