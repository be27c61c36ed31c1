#include "wire/sum.h"

uint64_t wr_sum_blocks(const uint8_t *blocks, size_t count)
{
	return __builtin_cpu_supports("avx2") ? wr_sum_blocks_avx2(blocks, count)
					      : wr_sum_blocks_generic(blocks, count);
}
