#include "crypto/mac1_lanes.h"

const struct wr_mac1_code *const *wr_mac1_codes(void)
{
	static const struct wr_mac1_code *const all[] = {
		&wr_mac1_code_avx512,
		&wr_mac1_code_avx2,
		&wr_mac1_code_generic,
		NULL,
	};

	if (__builtin_cpu_supports("avx512f"))
		return all;
	return __builtin_cpu_supports("avx2") ? all + 1 : all + 2;
}
