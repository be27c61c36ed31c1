#include "crypto/mac1_lanes.h"

const struct wr_mac1_code *const *wr_mac1_codes(void)
{
	static const struct wr_mac1_code *const all[] = { &wr_mac1_code_generic, NULL };

	return all;
}
