#include "wire/sum.h"

uint64_t wr_sum_blocks(const uint8_t *blocks, size_t count)
{
	return __builtin_cpu_supports("avx2") ? wr_sum_blocks_avx2(blocks, count)
					      : wr_sum_blocks_generic(blocks, count);
}

wr_sum_function *const *wr_sum_all(void)
{
	static wr_sum_function *const all[] = { wr_sum_blocks_avx2, wr_sum_blocks_generic, NULL };

	return __builtin_cpu_supports("avx2") ? all : all + 1;
}
