/* The bulk of a ones' complement sum: whole blocks of 64 bytes, with the vectors
 * that the CPU has. For checksum.c only.
 *
 * Floor 2. */
#pragma once

#include "base/base.h"

#define WR_SUM_BLOCK 64

/* The sum of the blocks' 32-bit words, as they lie in memory. At most 2^31 words:
 * it does not wrap. */
uint64_t wr_sum_blocks(const uint8_t *at, size_t blocks);
