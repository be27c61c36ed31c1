/* The tag of RFC 8439 section 2.8 without additional data: Poly1305 over the
 * ciphertext, padded with zeros to whole blocks, and a block with its length.
 *
 * Long texts are hashed eight blocks at a time, in steps that can be taken one by
 * one: ChaCha20 takes them between its rounds, where they fill the gaps.
 *
 * Floor 1, inside; for files compiled for AVX-512 F, BW, VL, IFMA, VBMI2 and BMI2.
 * Source: RFC 8439 section 2.5; Goll and Gueron, "Vectorization of Poly1305 Message
 * Authentication Code" (ITNG 2015). */
#pragma once

#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#include "base/base.h"

#define WR_POLY1305_KEY 32
#define WR_POLY1305_TAG 16
#define WR_POLY1305_BLOCK 16
/* Eight blocks: one in each lane. */
#define WR_POLY1305_GROUP 128

/* From this length on the vectors win back what the powers of r cost them. */
#define WR_POLY1305_LONG 256

#define WR_INLINE static inline __attribute__((always_inline))

/* A text that is being hashed.  All that is secret in it are these numbers. */
struct wr_poly1305 {
	/* Limbs as in struct wr_limbs: what the lanes are multiplied with at the end,
	 * and their sums up to now. */
	alignas(64) uint64_t powers[3][8];
	alignas(64) uint64_t sums[3][8];
	/* r^8 and r^16 as in struct wr_factor: what a step multiplies with. */
	uint64_t r8[5], r16[5];
	uint8_t key[WR_POLY1305_KEY];

	const uint8_t *text;
	size_t len;
	/* Bytes from the start that may be read, and that are in the sums. */
	size_t ready, hashed;
	/* Bytes that the first group would have before the text. */
	unsigned lead;
	/* Whole groups that wait between the first and the last. */
	size_t groups;
	bool is_finished;
};

/* ---- one block at a time, in numbers of 64 bits ---- */

/* A number modulo 2^130 - 5, not always below it; `high` has a few bits. */
struct wr_number { uint64_t low, middle, high; };

/* The clamped r.  2^130 is 5 and the lowest two bits of `high` are clear, so 2^128
 * times `high` is 5/4 of it: `folded`. */
struct wr_clamped { uint64_t low, high, folded; };

WR_INLINE uint64_t wr_poly1305_load(const uint8_t *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

/* RFC 8439 section 2.5.1. */
WR_INLINE struct wr_clamped wr_poly1305_clamp(const uint8_t key[WR_POLY1305_KEY])
{
	uint64_t low = wr_poly1305_load(key) & UINT64_C(0x0ffffffc0fffffff);
	uint64_t high = wr_poly1305_load(key + 8) & UINT64_C(0x0ffffffc0ffffffc);

	return (struct wr_clamped){ low, high, high + (high >> 2) };
}

WR_INLINE struct wr_number wr_number_add(struct wr_number a, struct wr_number b)
{
	unsigned long long low, middle, high;
	unsigned char carry;

	carry = _addcarry_u64(0, a.low, b.low, &low);
	carry = _addcarry_u64(carry, a.middle, b.middle, &middle);
	_addcarry_u64(carry, a.high, b.high, &high);
	return (struct wr_number){ low, middle, high };
}

/* What stands above bit 130 comes back five times at bit 0: the result is below
 * 2^130 + 2^66. */
WR_INLINE struct wr_number wr_number_multiply(struct wr_number a, const struct wr_clamped *r)
{
	unsigned __int128 low = (unsigned __int128)a.low * r->low +
				(unsigned __int128)a.middle * r->folded;
	unsigned __int128 middle = (unsigned __int128)a.low * r->high +
				   (unsigned __int128)a.middle * r->low + a.high * r->folded;
	uint64_t high = a.high * r->low;

	middle += (uint64_t)(low >> 64);
	high += (uint64_t)(middle >> 64);
	return wr_number_add((struct wr_number){ (uint64_t)low, (uint64_t)middle, high & 3 },
			     (struct wr_number){ (high >> 2) + (high & ~UINT64_C(3)), 0, 0 });
}

/* The last part of the text, shorter than a block, with zeros behind. */
WR_INLINE struct wr_number wr_poly1305_part(const uint8_t *text, size_t len)
{
	__m128i part = _mm_maskz_loadu_epi8((__mmask16)((1u << len) - 1), text);

	return (struct wr_number){ (uint64_t)_mm_cvtsi128_si64(part),
				   (uint64_t)_mm_extract_epi64(part, 1), 1 };
}

static inline struct wr_number wr_poly1305_short(const struct wr_poly1305 *poly)
{
	struct wr_clamped r = wr_poly1305_clamp(poly->key);
	const uint8_t *text = poly->text;
	struct wr_number sum = { 0 };
	size_t left = poly->len;

	for (; left >= WR_POLY1305_BLOCK; left -= WR_POLY1305_BLOCK, text += WR_POLY1305_BLOCK) {
		struct wr_number block = { wr_poly1305_load(text), wr_poly1305_load(text + 8), 1 };

		sum = wr_number_multiply(wr_number_add(sum, block), &r);
	}
	if (left)
		sum = wr_number_multiply(wr_number_add(sum, wr_poly1305_part(text, left)), &r);
	return wr_number_multiply(wr_number_add(sum, (struct wr_number){ 0, poly->len, 1 }), &r);
}

/* Takes 2^130 - 5 away if it fits, without a branch, and adds s. */
WR_INLINE void wr_poly1305_write(struct wr_number sum, const uint8_t key[WR_POLY1305_KEY],
				 uint8_t ret_tag[WR_POLY1305_TAG])
{
	struct wr_number s = { wr_poly1305_load(key + 16), wr_poly1305_load(key + 24), 0 };
	struct wr_number less = wr_number_add(sum, (struct wr_number){ 5, 0, 0 });
	uint64_t fits = -(uint64_t)(less.high >> 2 != 0);

	sum.low = (sum.low & ~fits) | (less.low & fits);
	sum.middle = (sum.middle & ~fits) | (less.middle & fits);
	sum = wr_number_add(sum, s);
	memcpy(ret_tag, &sum.low, 8);
	memcpy(ret_tag + 8, &sum.middle, 8);
}

/* ---- eight numbers at a time, in limbs of 44 bits ---- */

/* 44 bits leave room for sums in the 52 that the instruction multiplies.  What
 * stands at 2^132, the place after the third limb, counts 20 times at 2^0.
 *
 * Numbers are multiplied only when carried: limbs below 2^44, 2^44 + 2^9, 2^44. */
#define WR_LIMB_BITS 44
#define WR_LIMB_MASK ((INT64_C(1) << WR_LIMB_BITS) - 1)

struct wr_limbs { __m512i l[3]; };

/* Limbs to multiply with, and 20 times the two of them that reach 2^132. */
struct wr_factor { __m512i l0, l1, l2, l1_folded, l2_folded; };

/* Sums of products: of their low 52 bits, and of what was above. */
struct wr_product { __m512i low[3], high[3]; };

/* a + b * c below 2^52: one instruction instead of a shift and an addition. */
WR_INLINE __m512i wr_add_times(__m512i a, __m512i b, int64_t c)
{
	return _mm512_madd52lo_epu64(a, b, _mm512_set1_epi64(c));
}

WR_INLINE struct wr_factor wr_factor(struct wr_limbs a)
{
	__m512i zero = _mm512_setzero_si512();

	return (struct wr_factor){ a.l[0], a.l[1], a.l[2], wr_add_times(zero, a.l[1], 20),
				   wr_add_times(zero, a.l[2], 20) };
}

WR_INLINE struct wr_product wr_product_of(struct wr_limbs addend)
{
	__m512i zero = _mm512_setzero_si512();

	return (struct wr_product){ { addend.l[0], addend.l[1], addend.l[2] }, { zero, zero, zero } };
}

WR_INLINE void wr_product_add_limb(struct wr_product *p, __m512i a, __m512i to0, __m512i to1,
				   __m512i to2)
{
	p->low[0] = _mm512_madd52lo_epu64(p->low[0], a, to0);
	p->low[1] = _mm512_madd52lo_epu64(p->low[1], a, to1);
	p->low[2] = _mm512_madd52lo_epu64(p->low[2], a, to2);
	p->high[0] = _mm512_madd52hi_epu64(p->high[0], a, to0);
	p->high[1] = _mm512_madd52hi_epu64(p->high[1], a, to1);
	p->high[2] = _mm512_madd52hi_epu64(p->high[2], a, to2);
}

/* p += a * b. */
WR_INLINE void wr_product_add(struct wr_product *p, const struct wr_limbs *a,
			      const struct wr_factor *b)
{
	wr_product_add_limb(p, a->l[0], b->l0, b->l1, b->l2);
	wr_product_add_limb(p, a->l[1], b->l2_folded, b->l0, b->l1);
	wr_product_add_limb(p, a->l[2], b->l1_folded, b->l2_folded, b->l0);
}

/* High parts stand 8 bits above the next limb's place.  They fit for two products
 * and more: one has 2^36 + 2 * 2^40.4 at most, and 2^44 is the limit. */
WR_INLINE struct wr_limbs wr_carry(const struct wr_product *p)
{
	const __m512i mask = _mm512_set1_epi64(WR_LIMB_MASK);
	__m512i l0 = p->low[0];
	__m512i l1 = wr_add_times(p->low[1], p->high[0], 1 << 8);
	__m512i l2 = wr_add_times(p->low[2], p->high[1], 1 << 8);
	__m512i l3;

	l1 = _mm512_add_epi64(l1, _mm512_srli_epi64(l0, WR_LIMB_BITS));
	l2 = _mm512_add_epi64(l2, _mm512_srli_epi64(l1, WR_LIMB_BITS));
	l3 = wr_add_times(_mm512_srli_epi64(l2, WR_LIMB_BITS), p->high[2], 1 << 8);
	l0 = wr_add_times(_mm512_and_si512(l0, mask), l3, 20);
	l1 = _mm512_add_epi64(_mm512_and_si512(l1, mask), _mm512_srli_epi64(l0, WR_LIMB_BITS));
	return (struct wr_limbs){ { _mm512_and_si512(l0, mask), l1, _mm512_and_si512(l2, mask) } };
}

WR_INLINE struct wr_limbs wr_limbs_multiply(struct wr_limbs a, struct wr_limbs b)
{
	__m512i zero = _mm512_setzero_si512();
	struct wr_product p = wr_product_of((struct wr_limbs){ { zero, zero, zero } });
	struct wr_factor factor = wr_factor(b);

	wr_product_add(&p, &a, &factor);
	return wr_carry(&p);
}

WR_INLINE struct wr_limbs wr_limbs_same(uint64_t l0, uint64_t l1, uint64_t l2)
{
	return (struct wr_limbs){ { _mm512_set1_epi64((int64_t)l0), _mm512_set1_epi64((int64_t)l1),
				    _mm512_set1_epi64((int64_t)l2) } };
}

/* Lanes of `a`, or of `b` where the mask has a bit. */
WR_INLINE struct wr_limbs wr_limbs_blend(__mmask8 mask, struct wr_limbs a, struct wr_limbs b)
{
	for (unsigned i = 0; i < 3; i++)
		a.l[i] = _mm512_mask_blend_epi64(mask, a.l[i], b.l[i]);
	return a;
}

WR_INLINE struct wr_limbs wr_limbs_first(struct wr_limbs a)
{
	for (unsigned i = 0; i < 3; i++)
		a.l[i] = _mm512_broadcastq_epi64(_mm512_castsi512_si128(a.l[i]));
	return a;
}

WR_INLINE struct wr_limbs wr_limbs_load(const uint64_t from[3][8])
{
	return (struct wr_limbs){ { _mm512_load_si512(from[0]), _mm512_load_si512(from[1]),
				    _mm512_load_si512(from[2]) } };
}

WR_INLINE void wr_limbs_store(const struct wr_limbs *a, uint64_t ret[3][8])
{
	for (unsigned i = 0; i < 3; i++)
		_mm512_store_si512(ret[i], a->l[i]);
}

WR_INLINE struct wr_factor wr_factor_load(const uint64_t from[5])
{
	return (struct wr_factor){
		_mm512_set1_epi64((int64_t)from[0]), _mm512_set1_epi64((int64_t)from[1]),
		_mm512_set1_epi64((int64_t)from[2]), _mm512_set1_epi64((int64_t)from[3]),
		_mm512_set1_epi64((int64_t)from[4]),
	};
}

/* Lanes of `a` are the same. */
WR_INLINE void wr_factor_store(struct wr_limbs a, uint64_t ret[5])
{
	struct wr_factor factor = wr_factor(a);

	_mm_storel_epi64((__m128i *)(void *)&ret[0], _mm512_castsi512_si128(factor.l0));
	_mm_storel_epi64((__m128i *)(void *)&ret[1], _mm512_castsi512_si128(factor.l1));
	_mm_storel_epi64((__m128i *)(void *)&ret[2], _mm512_castsi512_si128(factor.l2));
	_mm_storel_epi64((__m128i *)(void *)&ret[3], _mm512_castsi512_si128(factor.l1_folded));
	_mm_storel_epi64((__m128i *)(void *)&ret[4], _mm512_castsi512_si128(factor.l2_folded));
}

/* The sum of all lanes. */
WR_INLINE struct wr_number wr_limbs_sum(const struct wr_limbs *a)
{
	uint64_t l0 = (uint64_t)_mm512_reduce_add_epi64(a->l[0]);
	uint64_t l1 = (uint64_t)_mm512_reduce_add_epi64(a->l[1]);
	uint64_t l2 = (uint64_t)_mm512_reduce_add_epi64(a->l[2]);
	struct wr_number sum = { l0, l2 << 24, l2 >> 40 };
	uint64_t above;

	sum = wr_number_add(sum, (struct wr_number){ l1 << 44, l1 >> 20, 0 });
	above = sum.high >> 2;
	sum.high &= 3;
	return wr_number_add(sum, (struct wr_number){ 5 * above, 0, 0 });
}

/* ---- eight blocks at a time ---- */

/* Which block of its group a lane has, for what shuffles least. */
WR_INLINE __m512i wr_poly1305_order(void)
{
	return _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
}

/* r^8, r^4, r^7, r^3, r^6, r^2, r^5, r: r to the number of blocks from a lane's to the
 * end. */
WR_INLINE struct wr_limbs wr_poly1305_powers(const uint8_t key[WR_POLY1305_KEY])
{
	struct wr_clamped r = wr_poly1305_clamp(key);
	struct wr_limbs one = wr_limbs_same(1, 0, 0);
	struct wr_limbs r1 = wr_limbs_same(r.low & WR_LIMB_MASK,
					   (r.low >> 44 | r.high << 20) & WR_LIMB_MASK, r.high >> 24);
	struct wr_limbs r2 = wr_limbs_multiply(r1, r1);
	/* r^2, r^2, r, r, twice; then r^4, r^4, r^3, r^3, r^2, r^2, r, r. */
	struct wr_limbs low = wr_limbs_blend(0x33, r1, r2);
	struct wr_limbs pairs = wr_limbs_multiply(low, wr_limbs_blend(0x0f, one, r2));

	return wr_limbs_multiply(pairs, wr_limbs_blend(0x55, one, wr_limbs_first(pairs)));
}

/* `above` has what stands at 2^128 of each block. */
WR_INLINE struct wr_limbs wr_poly1305_split(__m512i first, __m512i second, __m512i above)
{
	const __m512i mask = _mm512_set1_epi64(WR_LIMB_MASK);
	__m512i low = _mm512_unpacklo_epi64(first, second);
	__m512i high = _mm512_unpackhi_epi64(first, second);
	__m512i middle = _mm512_shrdi_epi64(low, high, WR_LIMB_BITS);

	return (struct wr_limbs){ { _mm512_and_si512(low, mask), _mm512_and_si512(middle, mask),
				    _mm512_shrdi_epi64(high, above, 2 * WR_LIMB_BITS - 64) } };
}

WR_INLINE struct wr_limbs wr_poly1305_group(const uint8_t *text)
{
	return wr_poly1305_split(_mm512_loadu_si512(text), _mm512_loadu_si512(text + 64),
				 _mm512_set1_epi64(1));
}

/* The first group ends with a whole block; bytes before the text are not read, and
 * their lanes stay zero. */
WR_INLINE struct wr_limbs wr_poly1305_first_group(const uint8_t *text, unsigned lead)
{
	const uint8_t *end = text + (WR_POLY1305_GROUP - lead);
	unsigned in_first = lead < 64 ? lead : 64;
	__m512i first = _mm512_maskz_loadu_epi8(lead < 64 ? UINT64_MAX << lead : 0,
						(const void *)((uintptr_t)end - 128));
	__m512i second = _mm512_maskz_loadu_epi8(UINT64_MAX << (lead - in_first),
						 (const void *)((uintptr_t)end - 64));
	__mmask8 present = _mm512_cmpge_epu64_mask(wr_poly1305_order(),
						   _mm512_set1_epi64(lead / WR_POLY1305_BLOCK));

	return wr_poly1305_split(first, second, _mm512_maskz_set1_epi64(present, 1));
}

/* The last group, with `left` bytes of text and the length in its last block. */
WR_INLINE struct wr_limbs wr_poly1305_last_group(const uint8_t *text, size_t left, size_t len)
{
	unsigned after = left > 64 ? (unsigned)left - 64 : 0;
	__m512i first = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)left), text);
	__m512i second = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, after),
						 (const void *)((uintptr_t)text + 64));

	second = _mm512_mask_set1_epi64(second, 0x80, (int64_t)len);
	return wr_poly1305_split(first, second, _mm512_set1_epi64(1));
}

/* ---- a text ---- */

/* Blocks are put into groups so that the last, with the length, ends a group. */
WR_INLINE void wr_poly1305_plan(struct wr_poly1305 *poly)
{
	size_t blocks = (poly->len + WR_POLY1305_BLOCK - 1) / WR_POLY1305_BLOCK + 1;
	size_t groups = (blocks + 7) / 8;

	poly->lead = (unsigned)(8 * groups - blocks) * WR_POLY1305_BLOCK;
	poly->groups = groups - 2;
}

/* Begins with a text of which nothing needs to be there yet.  `key` is r and s.  The
 * powers of r need a while: better done before something else than before a step. */
static inline void wr_poly1305_begin(struct wr_poly1305 *poly, const uint8_t key[WR_POLY1305_KEY],
				     const uint8_t *text, size_t len)
{
	memcpy(poly->key, key, WR_POLY1305_KEY);
	poly->text = text;
	poly->len = len;
	poly->ready = 0;
	poly->hashed = 0;
	poly->groups = 0;
	poly->is_finished = false;
	if (len >= WR_POLY1305_LONG) {
		struct wr_limbs powers = wr_poly1305_powers(key), r8 = wr_limbs_first(powers);

		wr_limbs_store(&powers, poly->powers);
		wr_factor_store(r8, poly->r8);
		wr_factor_store(wr_limbs_multiply(r8, r8), poly->r16);
		wr_poly1305_plan(poly);
	}
}

/* The first `ready` bytes of the text are there now. */
static inline void wr_poly1305_provide(struct wr_poly1305 *poly, size_t ready)
{
	poly->ready = ready;
	if (poly->len >= WR_POLY1305_LONG && poly->hashed == 0 &&
	    ready >= WR_POLY1305_GROUP - poly->lead) {
		struct wr_limbs sums = wr_poly1305_first_group(poly->text, poly->lead);

		wr_limbs_store(&sums, poly->sums);
		poly->hashed = WR_POLY1305_GROUP - poly->lead;
	}
}

/* How many steps can be taken now. */
WR_INLINE unsigned wr_poly1305_steps(const struct wr_poly1305 *poly)
{
	size_t groups = poly->hashed ? (poly->ready - poly->hashed) / WR_POLY1305_GROUP : 0;

	return (unsigned)((groups < poly->groups ? groups : poly->groups) / 2);
}

/* Two groups: sums = sums * r^16 + first * r^8 + second. */
static __attribute__((noinline)) void wr_poly1305_step(struct wr_poly1305 *poly)
{
	const uint8_t *text = poly->text + poly->hashed;
	struct wr_factor r8 = wr_factor_load(poly->r8), r16 = wr_factor_load(poly->r16);
	struct wr_limbs first = wr_poly1305_group(text), sums = wr_limbs_load(poly->sums);
	struct wr_product p = wr_product_of(wr_poly1305_group(text + WR_POLY1305_GROUP));

	wr_product_add(&p, &first, &r8);
	wr_product_add(&p, &sums, &r16);
	sums = wr_carry(&p);
	wr_limbs_store(&sums, poly->sums);
	poly->hashed += 2 * WR_POLY1305_GROUP;
	poly->groups -= 2;
}

/* All steps are taken: one group may be left, and the last is. */
WR_INLINE struct wr_number wr_poly1305_long(const struct wr_poly1305 *poly)
{
	struct wr_factor r8 = wr_factor_load(poly->r8), r16 = wr_factor_load(poly->r16);
	struct wr_factor powers = wr_factor(wr_limbs_load(poly->powers));
	struct wr_limbs sums = wr_limbs_load(poly->sums), zero = wr_limbs_same(0, 0, 0);
	size_t at = poly->hashed + poly->groups * WR_POLY1305_GROUP;
	struct wr_product p = wr_product_of(wr_poly1305_last_group(poly->text + at,
								   poly->len - at, poly->len));

	if (poly->groups) {
		struct wr_limbs group = wr_poly1305_group(poly->text + poly->hashed);

		wr_product_add(&p, &group, &r8);
		wr_product_add(&p, &sums, &r16);
	} else {
		wr_product_add(&p, &sums, &r8);
	}
	sums = wr_carry(&p);
	p = wr_product_of(zero);
	wr_product_add(&p, &sums, &powers);
	sums = wr_carry(&p);
	return wr_limbs_sum(&sums);
}

/* Takes the steps that are left; all of the text must be ready. */
static inline void wr_poly1305_finish(struct wr_poly1305 *poly, uint8_t ret_tag[WR_POLY1305_TAG])
{
	struct wr_number sum;

	assert(poly->ready == poly->len);
	if (poly->len < WR_POLY1305_LONG) {
		sum = wr_poly1305_short(poly);
	} else {
		while (poly->groups >= 2)
			wr_poly1305_step(poly);
		sum = wr_poly1305_long(poly);
	}
	poly->is_finished = true;
	wr_poly1305_write(sum, poly->key, ret_tag);
}
