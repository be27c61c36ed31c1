#include "crypto/chacha20_avx512.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define DOUBLE_ROUNDS 10

/* Loops over vectors are unrolled by hand, as gcc unrolls them too late to see that
 * they need no memory: a state that is in use is in registers only, and never on the
 * stack. */

/* RFC 8439 section 2.3: "expand 32-byte k" */
INLINE __m128i constants(void)
{
	return _mm_setr_epi32(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
}

/* RFC 8439 section 2.1. */
INLINE void quarter_round(__m512i *a, __m512i *b, __m512i *c, __m512i *d)
{
	*a = _mm512_add_epi32(*a, *b);
	*d = _mm512_rol_epi32(_mm512_xor_si512(*d, *a), 16);
	*c = _mm512_add_epi32(*c, *d);
	*b = _mm512_rol_epi32(_mm512_xor_si512(*b, *c), 12);
	*a = _mm512_add_epi32(*a, *b);
	*d = _mm512_rol_epi32(_mm512_xor_si512(*d, *a), 8);
	*c = _mm512_add_epi32(*c, *d);
	*b = _mm512_rol_epi32(_mm512_xor_si512(*b, *c), 7);
}

/* Four rows of 128-bit words become columns. */
INLINE void transpose(__m512i v0, __m512i v1, __m512i v2, __m512i v3, __m512i ret[4])
{
	__m512i a = _mm512_shuffle_i32x4(v0, v1, 0x44), b = _mm512_shuffle_i32x4(v2, v3, 0x44);
	__m512i c = _mm512_shuffle_i32x4(v0, v1, 0xee), d = _mm512_shuffle_i32x4(v2, v3, 0xee);

	ret[0] = _mm512_shuffle_i32x4(a, b, 0x88);
	ret[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
	ret[2] = _mm512_shuffle_i32x4(c, d, 0x88);
	ret[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

/* ---- sixteen blocks: a vector holds one word of each ---- */

struct words {
	__m512i v[16];
};

INLINE __m512i lanes_of(const uint32_t words[16])
{
	return _mm512_load_si512(words);
}

INLINE struct words first_words(const struct wr_key *key, const struct wr_chacha20_lanes *lanes)
{
	uint32_t from_key[8], fixed[4];
	struct words s;

	memcpy(from_key, key->bytes, sizeof(from_key));
	_mm_storeu_si128((__m128i *)(void *)fixed, constants());
#pragma GCC unroll 16
	for (unsigned i = 0; i < 4; i++)
		s.v[i] = _mm512_set1_epi32((int)fixed[i]);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 8; i++)
		s.v[4 + i] = _mm512_set1_epi32((int)from_key[i]);
	s.v[12] = lanes_of(lanes->block[0]);
	s.v[13] = _mm512_setzero_si512();
	s.v[14] = lanes_of(lanes->nonce_low[0]);
	s.v[15] = lanes_of(lanes->nonce_high[0]);
	return s;
}

INLINE void word_columns(struct words *s)
{
	quarter_round(&s->v[0], &s->v[4], &s->v[8], &s->v[12]);
	quarter_round(&s->v[1], &s->v[5], &s->v[9], &s->v[13]);
	quarter_round(&s->v[2], &s->v[6], &s->v[10], &s->v[14]);
	quarter_round(&s->v[3], &s->v[7], &s->v[11], &s->v[15]);
}

INLINE void word_diagonals(struct words *s)
{
	quarter_round(&s->v[0], &s->v[5], &s->v[10], &s->v[15]);
	quarter_round(&s->v[1], &s->v[6], &s->v[11], &s->v[12]);
	quarter_round(&s->v[2], &s->v[7], &s->v[8], &s->v[13]);
	quarter_round(&s->v[3], &s->v[4], &s->v[9], &s->v[14]);
}

/* Four words of each block become a quarter of it. */
INLINE void join_words(__m512i *v0, __m512i *v1, __m512i *v2, __m512i *v3)
{
	__m512i a = _mm512_unpacklo_epi32(*v0, *v1), b = _mm512_unpacklo_epi32(*v2, *v3);
	__m512i c = _mm512_unpackhi_epi32(*v0, *v1), d = _mm512_unpackhi_epi32(*v2, *v3);

	*v0 = _mm512_unpacklo_epi64(a, b);
	*v1 = _mm512_unpackhi_epi64(a, b);
	*v2 = _mm512_unpacklo_epi64(c, d);
	*v3 = _mm512_unpackhi_epi64(c, d);
}

/* The first state is read anew: kept, it would cost registers that the rounds want. */
INLINE void store_words(struct words *s, const struct wr_key *key,
			const struct wr_chacha20_lanes *lanes, uint8_t (*ret)[WR_CHACHA20_BLOCK])
{
	struct words first;

	__asm__ volatile("" ::: "memory");
	first = first_words(key, lanes);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++)
		s->v[i] = _mm512_add_epi32(s->v[i], first.v[i]);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i += 4)
		join_words(&s->v[i], &s->v[i + 1], &s->v[i + 2], &s->v[i + 3]);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 4; i++) {
		__m512i blocks[4];

		transpose(s->v[i], s->v[4 + i], s->v[8 + i], s->v[12 + i], blocks);
#pragma GCC unroll 16
		for (unsigned j = 0; j < 4; j++)
			_mm512_store_si512(ret[4 * j + i], blocks[j]);
	}
}

/* ---- four blocks: a vector holds one row of each ---- */

struct rows {
	__m512i a, b, c, d;
};

/* The states of four lanes from `at` of one of the two vectors. */
INLINE struct rows first_rows(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
			      unsigned vector, int at)
{
	const __m512i spread = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
	__m512i from = _mm512_add_epi32(spread, _mm512_set1_epi32(at)), d;

	d = _mm512_maskz_permutexvar_epi32(0x1111, from, lanes_of(lanes->block[vector]));
	d = _mm512_mask_permutexvar_epi32(d, 0x4444, from, lanes_of(lanes->nonce_low[vector]));
	d = _mm512_mask_permutexvar_epi32(d, 0x8888, from, lanes_of(lanes->nonce_high[vector]));
	return (struct rows){
		_mm512_broadcast_i32x4(constants()),
		_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)key->bytes)),
		_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(key->bytes + 16))),
		d,
	};
}

INLINE void mix_rows(struct rows *s)
{
	quarter_round(&s->a, &s->b, &s->c, &s->d);
}

/* Row b, the last to come out of a round and the first that the next one wants, stays
 * where it is: the others are turned while b is being made. */
INLINE void to_diagonals(struct rows *s)
{
	s->a = _mm512_shuffle_epi32(s->a, _MM_PERM_CBAD);
	s->c = _mm512_shuffle_epi32(s->c, _MM_PERM_ADCB);
	s->d = _mm512_shuffle_epi32(s->d, _MM_PERM_BADC);
}

INLINE void to_columns(struct rows *s)
{
	s->a = _mm512_shuffle_epi32(s->a, _MM_PERM_ADCB);
	s->c = _mm512_shuffle_epi32(s->c, _MM_PERM_CBAD);
	s->d = _mm512_shuffle_epi32(s->d, _MM_PERM_BADC);
}

INLINE void store_rows(const struct rows *s, const struct rows *first,
		       uint8_t (*ret)[WR_CHACHA20_BLOCK])
{
	__m512i blocks[4];

	transpose(_mm512_add_epi32(s->a, first->a), _mm512_add_epi32(s->b, first->b),
		  _mm512_add_epi32(s->c, first->c), _mm512_add_epi32(s->d, first->d), blocks);
#pragma GCC unroll 16
	for (unsigned i = 0; i < 4; i++)
		_mm512_store_si512(ret[i], blocks[i]);
}

/* ---- as many as are wanted ---- */

/* Up to two groups of four, from the first lane of one of the two vectors on.  A row
 * waits for the one before: one group takes nearly as long as two. */
struct groups {
	struct rows of[2];
};

/* `count`, 0 to 2, is a constant wherever this is called from. */
INLINE struct groups first_groups(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
				  unsigned vector, unsigned count)
{
	struct groups s;

#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		s.of[i] = first_rows(key, lanes, vector, 4 * (int)i);
	return s;
}

INLINE void group_columns(struct groups *s, unsigned count)
{
#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		mix_rows(&s->of[i]);
#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		to_diagonals(&s->of[i]);
}

INLINE void group_diagonals(struct groups *s, unsigned count)
{
#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		mix_rows(&s->of[i]);
#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		to_columns(&s->of[i]);
}

INLINE void store_groups(const struct groups *s, const struct wr_key *key,
			 const struct wr_chacha20_lanes *lanes, unsigned vector, unsigned count,
			 uint8_t (*ret)[WR_CHACHA20_BLOCK])
{
	struct groups first = first_groups(key, lanes, vector, count);

#pragma GCC unroll 16
	for (unsigned i = 0; i < count; i++)
		store_rows(&s->of[i], &first.of[i], ret + 4 * i);
}

/* 4 or 8 blocks. */
INLINE void make_few(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
		     unsigned groups, struct wr_chacha20_stream *ret)
{
	struct groups s = first_groups(key, lanes, 0, groups);

	for (unsigned round = 0; round < DOUBLE_ROUNDS; round++) {
		group_columns(&s, groups);
		group_diagonals(&s, groups);
	}
	store_groups(&s, key, lanes, 0, groups, ret->blocks);
}

/* 16, 20 or 24 blocks: what waits in the groups leaves room for the sixteen. */
INLINE void make_many(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
		      unsigned groups, struct wr_chacha20_stream *ret)
{
	struct groups s = first_groups(key, lanes, 1, groups);
	struct words w = first_words(key, lanes);

	for (unsigned round = 0; round < DOUBLE_ROUNDS; round++) {
		group_columns(&s, groups);
		word_columns(&w);
		group_diagonals(&s, groups);
		word_diagonals(&w);
	}
	store_words(&w, key, lanes, ret->blocks);
	store_groups(&s, key, lanes, 1, groups, ret->blocks + 16);
}

unsigned wr_chacha20_avx512(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
			    unsigned count, struct wr_chacha20_stream *ret_stream)
{
	assert(count >= 1 && count <= WR_CHACHA20_LANES);
	if (count <= 4) {
		make_few(key, lanes, 1, ret_stream);
		return 4;
	}
	if (count <= 8) {
		make_few(key, lanes, 2, ret_stream);
		return 8;
	}
	if (count <= 16) {
		make_many(key, lanes, 0, ret_stream);
		return 16;
	}
	if (count <= 20) {
		make_many(key, lanes, 1, ret_stream);
		return 20;
	}
	make_many(key, lanes, 2, ret_stream);
	return 24;
}
