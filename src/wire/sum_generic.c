#include "wire/sum.h"

uint64_t wr_sum_blocks(const uint8_t *blocks, size_t count)
{
	return wr_sum_blocks_generic(blocks, count);
}

wr_sum_function *const *wr_sum_all(void)
{
	static wr_sum_function *const all[] = { wr_sum_blocks_generic, NULL };

	return all;
}
