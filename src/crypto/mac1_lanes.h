/* The vector half of mac1.h: BLAKE2s with many keys at a time, compiled once for
 * each instruction set that is worth it.
 *
 * Floor 1, inside.  Source: RFC 7693. */
#pragma once

#include <stdalign.h>

#include "crypto/mac1.h"

/* Keys in a group: one 32-bit word of each fills the widest vector there is. */
#define WR_MAC1_LANES 16

/* Hash states of 16 keys after their key block, word by word. */
struct wr_mac1_group {
	alignas(64) uint32_t h[8][WR_MAC1_LANES];
};

/* The message as numbers, padded with zeros to two blocks. */
struct wr_mac1_words {
	uint32_t block[2][16];
};

struct wr_mac1_code {
	const char *name;

	/* Puts the state of a key into a lane. */
	void (*key_block)(struct wr_mac1_group *group, unsigned lane, const uint8_t key[32]);
	/* The MAC of one lane. */
	void (*mac)(const struct wr_mac1_group *group, unsigned lane,
		    const struct wr_mac1_words *words, uint8_t ret_mac[16]);
	/* The first group from `from` that has a lane whose MAC begins with `first`,
	 * and all such lanes of it as bits; `count` if there is none. */
	size_t (*find)(const struct wr_mac1_group *groups, size_t from, size_t count,
		       const struct wr_mac1_words *words, uint32_t first, uint32_t *ret_lanes);
};

/* All that run on this CPU, fastest first; ends with NULL. */
const struct wr_mac1_code *const *wr_mac1_codes(void);
/* wr_mac1_set_new() with another code than the fastest, for tests and benches. */
struct wr_mac1_set *wr_mac1_set_new_with(const struct wr_mac1_code *code);

extern const struct wr_mac1_code wr_mac1_code_generic;
extern const struct wr_mac1_code wr_mac1_code_avx2;
extern const struct wr_mac1_code wr_mac1_code_avx512;
