/* Compiled with WR_SUM_BLOCKS, the name of the function, and with WR_SUM_WIDTH, the
 * bytes of one of the machine's vectors. */
#include <string.h>

#include "wire/sum.h"

#define VECTORS (WR_SUM_BLOCK / WR_SUM_WIDTH)

typedef uint64_t lanes __attribute__((vector_size(WR_SUM_WIDTH)));

static inline uint64_t total(lanes sums)
{
	uint64_t sum = 0;

	for (unsigned lane = 0; lane < WR_SUM_WIDTH / 8; lane++)
		sum += sums[lane];
	return sum;
}

uint64_t WR_SUM_BLOCKS(const uint8_t *blocks, size_t count)
{
	/* Of each lane the sum modulo 2^64, and the sum of the upper halves: what the
	 * first lost is known from the second. */
	lanes whole = { 0 }, upper = { 0 };
	uint64_t swapped;

	for (; count; count--, blocks += WR_SUM_BLOCK) {
		for (unsigned i = 0; i < VECTORS; i++) {
			lanes words;

			memcpy(&words, blocks + i * WR_SUM_WIDTH, sizeof(words));
			whole += words;
			upper += words >> 32;
		}
	}
	/* 2^64 is 1: to multiply with 2^32 is to swap the halves. */
	swapped = total(upper);
	swapped = swapped << 32 | swapped >> 32;
	return wr_sum_add(total(whole - (upper << 32)), swapped);
}
