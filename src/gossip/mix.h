/* Numbers that look like chance: the finalizer of SplitMix64 (Steele et al., 2014), of which each
 * result has one source.
 *
 * Floor 3.  Pure. */
#pragma once

#include "base/base.h"

#define WR_MIX_STEP UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t wr_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}
