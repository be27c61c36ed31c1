/* The key stream of ChaCha20, up to sixteen blocks at a time: of one key, but of any
 * packets.  The rounds are broken by steps of a Poly1305, which fill their gaps.
 *
 * Floor 1, inside; for files compiled for what poly1305_avx512.h wants.  Source: RFC
 * 8439 section 2.3; Goll and Gueron, "Vectorization on ChaCha Stream Cipher" (ITNG
 * 2014). */
#pragma once

#include "base/key.h"
#include "crypto/poly1305_avx512.h"

#define UNROLLED _Pragma("GCC unroll 16")
#define WR_CHACHA20_BLOCK 64
#define WR_CHACHA20_LANES 16

/* Which block a lane makes: words 12, 14 and 15 of its first state.  Word 13 is the
 * part of the nonce that WireGuard leaves zero. */
struct wr_chacha20_lanes { __m512i block, nonce_low, nonce_high; };

struct wr_chacha20_stream {
	alignas(64) uint8_t blocks[WR_CHACHA20_LANES][WR_CHACHA20_BLOCK];
};

/* Steps to take between rounds, at most WR_CHACHA20_STEPS. */
struct wr_chacha20_aside {
	struct wr_poly1305 *poly;
	unsigned steps;
};

#define WR_CHACHA20_STEPS 5
#define WR_CHACHA20_DOUBLE_ROUNDS 10

/* As late as it can be: the powers of r may still be under way when the rounds begin. */
WR_INLINE bool wr_chacha20_is_time(struct wr_chacha20_aside aside, unsigned round)
{
	static_assert(2 * WR_CHACHA20_STEPS == WR_CHACHA20_DOUBLE_ROUNDS, "one in two double rounds");
	return round % 2 == 1 && round / 2 >= WR_CHACHA20_STEPS - aside.steps;
}

/* "expand 32-byte k" */
WR_INLINE __m128i wr_chacha20_constants(void)
{
	return _mm_setr_epi32(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
}

/* Four rows of 128-bit words become columns. */
WR_INLINE void wr_chacha20_transpose(__m512i v0, __m512i v1, __m512i v2, __m512i v3, __m512i ret[4])
{
	__m512i a = _mm512_shuffle_i32x4(v0, v1, 0x44), b = _mm512_shuffle_i32x4(v2, v3, 0x44);
	__m512i c = _mm512_shuffle_i32x4(v0, v1, 0xee), d = _mm512_shuffle_i32x4(v2, v3, 0xee);

	ret[0] = _mm512_shuffle_i32x4(a, b, 0x88);
	ret[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
	ret[2] = _mm512_shuffle_i32x4(c, d, 0x88);
	ret[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

/* ---- sixteen blocks: a vector holds one word of each ---- */

struct wr_chacha20_words { __m512i v[16]; };

/* RFC 8439 section 2.1. */
WR_INLINE void wr_chacha20_quarter_round(__m512i *a, __m512i *b, __m512i *c, __m512i *d)
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

/* RFC 8439 section 2.3. */
WR_INLINE void wr_chacha20_double_round(__m512i v[16])
{
	wr_chacha20_quarter_round(&v[0], &v[4], &v[8], &v[12]);
	wr_chacha20_quarter_round(&v[1], &v[5], &v[9], &v[13]);
	wr_chacha20_quarter_round(&v[2], &v[6], &v[10], &v[14]);
	wr_chacha20_quarter_round(&v[3], &v[7], &v[11], &v[15]);
	wr_chacha20_quarter_round(&v[0], &v[5], &v[10], &v[15]);
	wr_chacha20_quarter_round(&v[1], &v[6], &v[11], &v[12]);
	wr_chacha20_quarter_round(&v[2], &v[7], &v[8], &v[13]);
	wr_chacha20_quarter_round(&v[3], &v[4], &v[9], &v[14]);
}

WR_INLINE struct wr_chacha20_words wr_chacha20_first_words(const struct wr_key *key,
							   const struct wr_chacha20_lanes *lanes)
{
	struct wr_chacha20_words s;
	uint32_t constants[4], words[8];

	memcpy(words, key->bytes, sizeof(words));
	_mm_storeu_si128((__m128i *)constants, wr_chacha20_constants());
	UNROLLED for (unsigned i = 0; i < 4; i++)
		s.v[i] = _mm512_set1_epi32((int)constants[i]);
	UNROLLED for (unsigned i = 0; i < 8; i++)
		s.v[4 + i] = _mm512_set1_epi32((int)words[i]);
	s.v[12] = lanes->block;
	s.v[13] = _mm512_setzero_si512();
	s.v[14] = lanes->nonce_low;
	s.v[15] = lanes->nonce_high;
	return s;
}

/* Four words of each block become a quarter of it. */
WR_INLINE void wr_chacha20_join(__m512i v[4])
{
	__m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpacklo_epi32(v[2], v[3]);
	__m512i c = _mm512_unpackhi_epi32(v[0], v[1]), d = _mm512_unpackhi_epi32(v[2], v[3]);

	v[0] = _mm512_unpacklo_epi64(a, b);
	v[1] = _mm512_unpackhi_epi64(a, b);
	v[2] = _mm512_unpacklo_epi64(c, d);
	v[3] = _mm512_unpackhi_epi64(c, d);
}

WR_INLINE void wr_chacha20_store_words(struct wr_chacha20_words *s, struct wr_chacha20_stream *ret)
{
	UNROLLED for (unsigned i = 0; i < 16; i += 4)
		wr_chacha20_join(s->v + i);
	UNROLLED for (unsigned i = 0; i < 4; i++) {
		__m512i blocks[4];

		wr_chacha20_transpose(s->v[i], s->v[4 + i], s->v[8 + i], s->v[12 + i], blocks);
		UNROLLED for (unsigned j = 0; j < 4; j++)
			_mm512_store_si512(ret->blocks[4 * j + i], blocks[j]);
	}
}

static inline void wr_chacha20_sixteen(const struct wr_key *key,
				       const struct wr_chacha20_lanes *lanes,
				       struct wr_chacha20_aside aside, struct wr_chacha20_stream *ret)
{
	struct wr_chacha20_words s = wr_chacha20_first_words(key, lanes), first;

	for (unsigned round = 0; round < WR_CHACHA20_DOUBLE_ROUNDS; round++) {
		wr_chacha20_double_round(s.v);
		if (wr_chacha20_is_time(aside, round)) {
			UNROLLED for (unsigned i = 0; i < 16; i++)
				_mm512_store_si512(ret->blocks[i], s.v[i]);
			wr_poly1305_step(aside.poly);
			UNROLLED for (unsigned i = 0; i < 16; i++)
				s.v[i] = _mm512_load_si512(ret->blocks[i]);
		}
	}
	__asm__ volatile("" ::: "memory");
	first = wr_chacha20_first_words(key, lanes);
	UNROLLED for (unsigned i = 0; i < 16; i++)
		s.v[i] = _mm512_add_epi32(s.v[i], first.v[i]);
	wr_chacha20_store_words(&s, ret);
}

/* ---- four blocks, or twice four: a vector holds one row of each ---- */

#define WR_CHACHA20_GROUP 4

struct wr_chacha20_rows { __m512i a, b, c, d; };

/* The states of four lanes. */
WR_INLINE struct wr_chacha20_rows wr_chacha20_first_rows(const struct wr_key *key,
							 const struct wr_chacha20_lanes *lanes,
							 unsigned lane)
{
	const __m512i spread = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
	__m512i from = _mm512_add_epi32(spread, _mm512_set1_epi32((int)lane));
	__m512i block = lanes->block, d;
	__m512i low = lanes->nonce_low;
	__m512i high = lanes->nonce_high;

	d = _mm512_maskz_permutexvar_epi32(0x1111, from, block);
	d = _mm512_mask_permutexvar_epi32(d, 0x4444, from, low);
	d = _mm512_mask_permutexvar_epi32(d, 0x8888, from, high);
	return (struct wr_chacha20_rows){
		_mm512_broadcast_i32x4(wr_chacha20_constants()),
		_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)key->bytes)),
		_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(key->bytes + 16))), d,
	};
}

/* Row b, the last to come out of a round and the first that the next one wants, stays
 * where it is: the others are turned while b is being made. */
WR_INLINE void wr_chacha20_to_diagonals(struct wr_chacha20_rows *s)
{
	s->a = _mm512_shuffle_epi32(s->a, _MM_PERM_CBAD);
	s->c = _mm512_shuffle_epi32(s->c, _MM_PERM_ADCB);
	s->d = _mm512_shuffle_epi32(s->d, _MM_PERM_BADC);
}

WR_INLINE void wr_chacha20_to_columns(struct wr_chacha20_rows *s)
{
	s->a = _mm512_shuffle_epi32(s->a, _MM_PERM_ADCB);
	s->c = _mm512_shuffle_epi32(s->c, _MM_PERM_CBAD);
	s->d = _mm512_shuffle_epi32(s->d, _MM_PERM_BADC);
}

WR_INLINE void wr_chacha20_store_rows(const struct wr_chacha20_rows *s,
				      const struct wr_chacha20_rows *first,
				      uint8_t (*ret)[WR_CHACHA20_BLOCK])
{
	__m512i blocks[WR_CHACHA20_GROUP];

	wr_chacha20_transpose(_mm512_add_epi32(s->a, first->a), _mm512_add_epi32(s->b, first->b),
			      _mm512_add_epi32(s->c, first->c), _mm512_add_epi32(s->d, first->d),
			      blocks);
	UNROLLED for (unsigned i = 0; i < WR_CHACHA20_GROUP; i++)
		_mm512_store_si512(ret[i], blocks[i]);
}

/* `groups`, 1 or 2, is a constant at each call. */
WR_INLINE void wr_chacha20_few(const struct wr_key *key, const struct wr_chacha20_lanes *lanes,
			       unsigned groups, struct wr_chacha20_aside aside,
			       struct wr_chacha20_stream *ret)
{
#define EACH UNROLLED for (unsigned g = 0; g < groups; g++)
	struct wr_chacha20_rows first[2], s[2];

	EACH s[g] = wr_chacha20_first_rows(key, lanes, g * WR_CHACHA20_GROUP);
	for (unsigned round = 0; round < WR_CHACHA20_DOUBLE_ROUNDS; round++) {
		EACH wr_chacha20_quarter_round(&s[g].a, &s[g].b, &s[g].c, &s[g].d);
		EACH wr_chacha20_to_diagonals(&s[g]);
		EACH wr_chacha20_quarter_round(&s[g].a, &s[g].b, &s[g].c, &s[g].d);
		EACH wr_chacha20_to_columns(&s[g]);
		if (wr_chacha20_is_time(aside, round)) {
			__m512i *save = (void *)ret;
			EACH { save[4*g] = s[g].a; save[4*g+1] = s[g].b; save[4*g+2] = s[g].c; save[4*g+3] = s[g].d; }
			wr_poly1305_step(aside.poly);
			EACH s[g] = (struct wr_chacha20_rows){ save[4*g], save[4*g+1], save[4*g+2], save[4*g+3] };
		}
	}
	EACH first[g] = wr_chacha20_first_rows(key, lanes, g * WR_CHACHA20_GROUP);
	EACH wr_chacha20_store_rows(&s[g], &first[g], ret->blocks + g * WR_CHACHA20_GROUP);
#undef EACH
}

/* Makes the blocks of the first `count` lanes, at least one; returns how many of the
 * stream's were written, as that may be more. */
static inline unsigned wr_chacha20_run(const struct wr_key *key,
				       const struct wr_chacha20_lanes *lanes, unsigned count,
				       struct wr_chacha20_aside aside,
				       struct wr_chacha20_stream *ret_stream)
{
	assert(count >= 1 && count <= WR_CHACHA20_LANES && aside.steps <= WR_CHACHA20_STEPS);
	if (count <= WR_CHACHA20_GROUP) {
		wr_chacha20_few(key, lanes, 1, aside, ret_stream);
		return WR_CHACHA20_GROUP;
	}
	if (count <= 2 * WR_CHACHA20_GROUP) {
		wr_chacha20_few(key, lanes, 2, aside, ret_stream);
		return 2 * WR_CHACHA20_GROUP;
	}
	wr_chacha20_sixteen(key, lanes, aside, ret_stream);
	return WR_CHACHA20_LANES;
}
