#include <string.h>

#include "wire/sum_blocks.h"

uint64_t wr_sum_blocks(const uint8_t *at, size_t blocks)
{
	uint64_t sum = 0;
	uint32_t word;

	for (size_t i = 0; i < blocks * WR_SUM_BLOCK; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		sum += word;
	}
	return sum;
}
