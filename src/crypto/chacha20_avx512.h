/* The key stream of ChaCha20, up to 24 blocks at a time: of one key, but of any
 * packets.  24 blocks are those of a full-sized packet and of its tag's key.
 *
 * Floor 1, inside; needs AVX-512 F.  Source: RFC 8439 section 2.3; Goll and Gueron,
 * "Vectorization on ChaCha Stream Cipher" (ITNG 2014). */
#pragma once

#include <stdalign.h>

#include "base/key.h"

#define WR_CHACHA20_BLOCK 64
#define WR_CHACHA20_LANES 24

/* Which block a lane makes: words 12, 14 and 15 of its first state.  Word 13, the
 * rest of the nonce, is zero in WireGuard.  There are 24 lanes in two vectors. */
struct wr_chacha20_lanes {
	alignas(64) uint32_t block[2][16];
	alignas(64) uint32_t nonce_low[2][16];
	alignas(64) uint32_t nonce_high[2][16];
};

struct wr_chacha20_stream {
	alignas(64) uint8_t blocks[WR_CHACHA20_LANES][WR_CHACHA20_BLOCK];
};

/* Makes the blocks of the first `count` lanes, 1 to 24; returns how many blocks of the
 * stream were written, as that may be more. */
unsigned wr_chacha20_avx512(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
			    unsigned count, struct wr_chacha20_stream *ret_stream);
