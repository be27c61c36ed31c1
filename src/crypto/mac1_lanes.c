/* Compiled with WR_MAC1_CODE, the name of the table at the end, with
 * WR_MAC1_CODE_NAME, the same for people, and with WR_MAC1_WIDTH, the lanes of one
 * of the machine's vectors. */
#include "crypto/mac1_lanes.h"

#include <string.h>

#define PASSES (WR_MAC1_LANES / WR_MAC1_WIDTH)
#define KEY_BLOCK_LEN 64
/* Words of the second block that are not padding. */
#define LAST_WORDS ((WR_MAC1_INPUT_LEN - 64) / 4)
#define LAST_BLOCK UINT32_MAX

/* RFC 7693 section 2.8: 16 bytes of output, 32 of key, no tree. */
#define PARAMETERS (0x01010000 ^ (32 << 8) ^ 16)

static_assert(WR_MAC1_INPUT_LEN % 4 == 0, "the message is whole words");

typedef uint32_t lanes __attribute__((vector_size(4 * WR_MAC1_WIDTH)));

/* RFC 7693 section 2.6. */
static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* RFC 7693 section 2.7. */
static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

/* A word of the message is the same for all lanes; those past `used` are zero,
 * and cost nothing. */
struct block {
	const uint32_t *words;
	unsigned used;
};

#define INLINE static inline __attribute__((always_inline))
#define ROTATE(value, bits) ((value) >> (bits) | (value) << (32 - (bits)))

INLINE void add_word(lanes *to, const struct block *block, unsigned index)
{
	if (index < block->used)
		*to += block->words[index];
}

/* RFC 7693 section 3.1: G, with the words that round `r` gives its column or
 * diagonal `i`. */
INLINE void mix(lanes v[16], const struct block *block, unsigned r, unsigned i,
		const unsigned at[4])
{
	lanes a = v[at[0]], b = v[at[1]], c = v[at[2]], d = v[at[3]];

	add_word(&a, block, sigma[r][2 * i]);
	a += b;
	d = ROTATE(d ^ a, 16);
	c += d;
	b = ROTATE(b ^ c, 12);
	add_word(&a, block, sigma[r][2 * i + 1]);
	a += b;
	d = ROTATE(d ^ a, 8);
	c += d;
	b = ROTATE(b ^ c, 7);
	v[at[0]] = a;
	v[at[1]] = b;
	v[at[2]] = c;
	v[at[3]] = d;
}

INLINE void mix_round(lanes v[16], const struct block *block, unsigned r)
{
	mix(v, block, r, 0, (const unsigned[]){ 0, 4, 8, 12 });
	mix(v, block, r, 1, (const unsigned[]){ 1, 5, 9, 13 });
	mix(v, block, r, 2, (const unsigned[]){ 2, 6, 10, 14 });
	mix(v, block, r, 3, (const unsigned[]){ 3, 7, 11, 15 });
	mix(v, block, r, 4, (const unsigned[]){ 0, 5, 10, 15 });
	mix(v, block, r, 5, (const unsigned[]){ 1, 6, 11, 12 });
	mix(v, block, r, 6, (const unsigned[]){ 2, 7, 8, 13 });
	mix(v, block, r, 7, (const unsigned[]){ 3, 4, 9, 14 });
}

/* RFC 7693 section 3.2: F.  Inlined, so that what the caller does not use of the
 * result is not computed. */
INLINE void compress(lanes h[8], struct block block, uint32_t total, uint32_t last)
{
	lanes v[16], zero = { 0 };

	for (unsigned i = 0; i < 8; i++) {
		v[i] = h[i];
		v[i + 8] = zero + iv[i];
	}
	v[12] ^= total;
	v[14] ^= last;
	mix_round(v, &block, 0);
	mix_round(v, &block, 1);
	mix_round(v, &block, 2);
	mix_round(v, &block, 3);
	mix_round(v, &block, 4);
	mix_round(v, &block, 5);
	mix_round(v, &block, 6);
	mix_round(v, &block, 7);
	mix_round(v, &block, 8);
	mix_round(v, &block, 9);
	for (unsigned i = 0; i < 8; i++)
		h[i] ^= v[i] ^ v[i + 8];
}

static void key_block(struct wr_mac1_group *group, unsigned lane, const uint8_t key[32])
{
	uint32_t words[8];
	lanes h[8], zero = { 0 };

	for (unsigned i = 0; i < 8; i++) {
		words[i] = (uint32_t)key[4 * i] | (uint32_t)key[4 * i + 1] << 8 |
			   (uint32_t)key[4 * i + 2] << 16 | (uint32_t)key[4 * i + 3] << 24;
		h[i] = zero + (i == 0 ? iv[i] ^ PARAMETERS : iv[i]);
	}
	compress(h, (struct block){ words, 8 }, KEY_BLOCK_LEN, 0);
	for (unsigned i = 0; i < 8; i++)
		group->h[i][lane] = h[i][0];
}

INLINE void message(const struct wr_mac1_group *group, unsigned pass,
		    const struct wr_mac1_words *words, lanes h[8])
{
	for (unsigned i = 0; i < 8; i++)
		memcpy(&h[i], &group->h[i][pass * WR_MAC1_WIDTH], sizeof(h[i]));
	compress(h, (struct block){ words->block[0], 16 }, KEY_BLOCK_LEN + 64, 0);
	compress(h, (struct block){ words->block[1], LAST_WORDS },
		 KEY_BLOCK_LEN + WR_MAC1_INPUT_LEN, LAST_BLOCK);
}

static void mac(const struct wr_mac1_group *group, unsigned lane, const struct wr_mac1_words *words,
		uint8_t ret_mac[16])
{
	lanes h[8];

	message(group, lane / WR_MAC1_WIDTH, words, h);
	for (unsigned i = 0; i < 16; i++)
		ret_mac[i] = (uint8_t)(h[i / 4][lane % WR_MAC1_WIDTH] >> (8 * (i % 4)));
}

/* A vector that is not all zero is rare, and then time does not matter. */
static __attribute__((noinline)) uint32_t lane_bits(const uint32_t *equal)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < WR_MAC1_WIDTH; i++)
		bits |= (equal[i] & 1) << i;
	return bits;
}

INLINE bool any(lanes equal)
{
	uint64_t halves[sizeof(lanes) / 8], all = 0;

	memcpy(halves, &equal, sizeof(equal));
	for (unsigned i = 0; i < WR_ARRAY_LEN(halves); i++)
		all |= halves[i];
	return all != 0;
}

static size_t find(const struct wr_mac1_group *groups, size_t from, size_t count,
		   const struct wr_mac1_words *words, uint32_t first, uint32_t *ret_lanes)
{
	for (size_t i = from; i < count; i++) {
		uint32_t bits = 0;

		for (unsigned pass = 0; pass < PASSES; pass++) {
			lanes h[8], equal;

			message(&groups[i], pass, words, h);
			equal = (lanes)(h[0] == first);
			if (any(equal))
				bits |= lane_bits((const uint32_t *)&equal)
					<< (pass * WR_MAC1_WIDTH);
		}
		if (bits) {
			*ret_lanes = bits;
			return i;
		}
	}
	return count;
}

const struct wr_mac1_code WR_MAC1_CODE = {
	.name = WR_MAC1_CODE_NAME,
	.key_block = key_block,
	.mac = mac,
	.find = find,
};
