#include "crypto/poly1305_avx512.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

#define BLOCK 16
/* Eight blocks, one in each lane. */
#define GROUP (8 * BLOCK)

/* From this length on the vectors win back what the powers of r cost: measured. */
#define LONG 256

/* ---- one block at a time, in numbers of 64 bits ---- */

/* A number modulo 2^130 - 5, below 2^130 + 2^67: `high` is at most 4. */
struct number {
	uint64_t low, middle, high;
};

/* The clamped r, whose `high` is a multiple of 4: as 2^130 is 5, 2^128 * high is 5/4
 * of it, which is `folded`. */
struct clamped {
	uint64_t low, high, folded;
};

typedef unsigned __int128 wide;

INLINE uint64_t load(const uint8_t *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

/* RFC 8439 section 2.5.1. */
INLINE struct clamped clamp(const uint8_t key[WR_POLY1305_KEY])
{
	uint64_t low = load(key) & UINT64_C(0x0ffffffc0fffffff);
	uint64_t high = load(key + 8) & UINT64_C(0x0ffffffc0ffffffc);

	return (struct clamped){ low, high, high + (high >> 2) };
}

/* gcc 12 makes twice as much of the intrinsics. */
INLINE struct number add(struct number a, struct number b)
{
	__asm__("add %3, %0\n\tadc %4, %1\n\tadc %5, %2"
		: "+&r"(a.low), "+&r"(a.middle), "+r"(a.high)
		: "rme"(b.low), "rme"(b.middle), "rme"(b.high)
		: "cc");
	return a;
}

/* What stands above bit 130 comes back five times at bit 0.  `b` is added before that:
 * it is there earlier than the carry. */
INLINE struct number fold_and_add(struct number a, struct number b)
{
	uint64_t five_times = (a.high >> 2) + (a.high & ~UINT64_C(3));

	a.high &= 3;
	return add(add(a, b), (struct number){ five_times, 0, 0 });
}

/* a * r; for `high` up to 7.  The result's is below 2^64 and wants to be folded. */
INLINE struct number multiply(struct number a, const struct clamped *r)
{
	wide low = (wide)a.low * r->low + (wide)a.middle * r->folded;
	wide middle = (wide)a.low * r->high + (wide)a.middle * r->low + a.high * r->folded;
	uint64_t high = a.high * r->low;

	middle += (uint64_t)(low >> 64);
	high += (uint64_t)(middle >> 64);
	return (struct number){ (uint64_t)low, (uint64_t)middle, high };
}

INLINE struct number block_at(const uint8_t *text)
{
	return (struct number){ load(text), load(text + 8), 1 };
}

/* The last block of a text if it is not a whole one. */
INLINE struct number part_at(const uint8_t *text, size_t len)
{
	__m128i part = _mm_maskz_loadu_epi8((__mmask16)((1u << len) - 1), text);

	return (struct number){ (uint64_t)_mm_cvtsi128_si64(part),
				(uint64_t)_mm_extract_epi64(part, 1), 1 };
}

INLINE struct number hash_short(const uint8_t key[WR_POLY1305_KEY], const uint8_t *text, size_t len)
{
	struct number sum = { 0 }, none = { 0 };
	struct clamped r = clamp(key);
	size_t at = 0;

	for (; at + BLOCK <= len; at += BLOCK)
		sum = multiply(fold_and_add(sum, block_at(text + at)), &r);
	if (at < len)
		sum = multiply(fold_and_add(sum, part_at(text + at, len - at)), &r);
	sum = multiply(fold_and_add(sum, (struct number){ 0, len, 1 }), &r);
	return fold_and_add(sum, none);
}

/* Takes 2^130 - 5 away if it fits, without a branch, and adds s. */
INLINE void write_tag(struct number sum, const uint8_t key[WR_POLY1305_KEY],
		      uint8_t ret_tag[WR_POLY1305_TAG])
{
	struct number s = { load(key + 16), load(key + 24), 0 };
	struct number less = add(sum, (struct number){ 5, 0, 0 });
	uint64_t fits = -(uint64_t)(less.high >> 2 != 0);

	sum.low = (sum.low & ~fits) | (less.low & fits);
	sum.middle = (sum.middle & ~fits) | (less.middle & fits);
	sum = add(sum, s);
	memcpy(ret_tag, &sum.low, 8);
	memcpy(ret_tag + 8, &sum.middle, 8);
}

/* ---- eight numbers at a time ---- */

/* Limbs of 44 bits leave room for sums in the 52 that an instruction multiplies.  What
 * stands at 2^132, the place after the third limb, counts 20 times at 2^0. */
#define LIMB_BITS 44
#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)

/* A number is multiplied only when its limbs are below 2^44 + 2^13. */
struct limbs {
	__m512i l[3];
};

/* Limbs to multiply with, and 20 times those that reach 2^132. */
struct factor {
	__m512i l0, l1, l2, l1_folded, l2_folded;
};

/* Sums of products: of their low 52 bits, and of what was above. */
struct product {
	__m512i low[3], high[3];
};

/* a + b * c, for b * c below 2^52: a shift and an addition in one. */
INLINE __m512i add_times(__m512i a, __m512i b, int64_t c)
{
	return _mm512_madd52lo_epu64(a, b, _mm512_set1_epi64(c));
}

INLINE struct factor factor_of(struct limbs a)
{
	__m512i zero = _mm512_setzero_si512();

	return (struct factor){ a.l[0], a.l[1], a.l[2], add_times(zero, a.l[1], 20),
				add_times(zero, a.l[2], 20) };
}

INLINE struct product product_of(struct limbs addend)
{
	__m512i zero = _mm512_setzero_si512();

	return (struct product){ { addend.l[0], addend.l[1], addend.l[2] }, { zero, zero, zero } };
}

INLINE void add_products(struct product *p, __m512i a, __m512i to0, __m512i to1, __m512i to2)
{
	p->low[0] = _mm512_madd52lo_epu64(p->low[0], a, to0);
	p->low[1] = _mm512_madd52lo_epu64(p->low[1], a, to1);
	p->low[2] = _mm512_madd52lo_epu64(p->low[2], a, to2);
	p->high[0] = _mm512_madd52hi_epu64(p->high[0], a, to0);
	p->high[1] = _mm512_madd52hi_epu64(p->high[1], a, to1);
	p->high[2] = _mm512_madd52hi_epu64(p->high[2], a, to2);
}

/* p += a * b.  The limbs come in the order in which carry() has them ready. */
INLINE void multiply_add(struct product *p, struct limbs a, const struct factor *b)
{
	add_products(p, a.l[2], b->l1_folded, b->l2_folded, b->l0);
	add_products(p, a.l[0], b->l0, b->l1, b->l2);
	add_products(p, a.l[1], b->l2_folded, b->l0, b->l1);
}

/* All carries at a time, and one more for what came back to the first limb.  High parts
 * stand 8 bits above the place of the next limb.  Of two products they are at most
 * 82 * 2^36, 44 * 2^36 and 6 * 2^36, low parts and an addend below 2^55: so all that
 * is multiplied here is below 2^52, and carries are below 2^12. */
INLINE struct limbs carry(const struct product *p)
{
	const __m512i mask = _mm512_set1_epi64(LIMB_MASK);
	__m512i l1 = add_times(p->low[1], p->high[0], 1 << 8);
	__m512i l2 = add_times(p->low[2], p->high[1], 1 << 8);
	__m512i l0 = add_times(_mm512_and_si512(p->low[0], mask), p->high[2], 20 << 8);
	struct limbs sum;

	l0 = add_times(l0, _mm512_srli_epi64(l2, LIMB_BITS), 20);
	sum.l[2] = _mm512_add_epi64(_mm512_and_si512(l2, mask), _mm512_srli_epi64(l1, LIMB_BITS));
	sum.l[1] = _mm512_add_epi64(_mm512_and_si512(l1, mask),
				    _mm512_srli_epi64(p->low[0], LIMB_BITS));
	sum.l[1] = _mm512_add_epi64(sum.l[1], _mm512_srli_epi64(l0, LIMB_BITS));
	sum.l[0] = _mm512_and_si512(l0, mask);
	return sum;
}

INLINE struct limbs same_limbs(uint64_t l0, uint64_t l1, uint64_t l2)
{
	return (struct limbs){ { _mm512_set1_epi64((int64_t)l0), _mm512_set1_epi64((int64_t)l1),
				 _mm512_set1_epi64((int64_t)l2) } };
}

/* Lanes of `a`, or of `b` where the mask has a bit. */
INLINE struct limbs blend(__mmask8 mask, struct limbs a, struct limbs b)
{
	for (unsigned i = 0; i < 3; i++)
		a.l[i] = _mm512_mask_blend_epi64(mask, a.l[i], b.l[i]);
	return a;
}

INLINE struct limbs multiply_limbs(struct limbs a, struct limbs b)
{
	struct product p = product_of(same_limbs(0, 0, 0));
	struct factor factor = factor_of(b);

	multiply_add(&p, a, &factor);
	return carry(&p);
}

INLINE struct limbs first_lane(struct limbs a)
{
	for (unsigned i = 0; i < 3; i++)
		a.l[i] = _mm512_broadcastq_epi64(_mm512_castsi512_si128(a.l[i]));
	return a;
}

/* ---- powers of r ---- */

/* r to the number of blocks from the lane's to the end, blocks being in the lanes as
 * split() puts them: r^8, r^4, r^7, r^3, r^6, r^2, r^5, r. */
INLINE struct limbs lane_powers(struct clamped r)
{
	struct limbs one = same_limbs(1, 0, 0);
	struct limbs r1 = same_limbs(r.low & LIMB_MASK, (r.low >> 44 | r.high << 20) & LIMB_MASK,
				     r.high >> 24);
	struct limbs r2 = multiply_limbs(r1, r1);
	/* r^2, r^2, r, r, r^2, r^2, r, r, of which the first half is taken r^2 times. */
	struct limbs pairs = multiply_limbs(blend(0x33, r1, r2), blend(0x0f, one, r2));

	/* r^4, r^4, r^3, r^3, r^2, r^2, r, r, of which each other is taken r^4 times. */
	return multiply_limbs(pairs, blend(0x55, one, first_lane(pairs)));
}

INLINE struct limbs load_limbs(const uint64_t from[3][8])
{
	return (struct limbs){ { _mm512_load_si512(from[0]), _mm512_load_si512(from[1]),
				 _mm512_load_si512(from[2]) } };
}

/* One of eight lanes that are the same. */
INLINE void store_factor(struct limbs same, uint64_t ret[5])
{
	struct factor factor = factor_of(same);

	_mm_storel_epi64((void *)&ret[0], _mm512_castsi512_si128(factor.l0));
	_mm_storel_epi64((void *)&ret[1], _mm512_castsi512_si128(factor.l1));
	_mm_storel_epi64((void *)&ret[2], _mm512_castsi512_si128(factor.l2));
	_mm_storel_epi64((void *)&ret[3], _mm512_castsi512_si128(factor.l1_folded));
	_mm_storel_epi64((void *)&ret[4], _mm512_castsi512_si128(factor.l2_folded));
}

INLINE struct factor load_factor(const uint64_t from[5])
{
	return (struct factor){
		_mm512_set1_epi64((int64_t)from[0]), _mm512_set1_epi64((int64_t)from[1]),
		_mm512_set1_epi64((int64_t)from[2]), _mm512_set1_epi64((int64_t)from[3]),
		_mm512_set1_epi64((int64_t)from[4]),
	};
}

void wr_poly1305_avx512_begin(struct wr_poly1305 *poly, const uint8_t key[WR_POLY1305_KEY],
			      size_t len)
{
	struct limbs powers, r8;

	memcpy(poly->key, key, WR_POLY1305_KEY);
	if (len < LONG)
		return;
	powers = lane_powers(clamp(key));
	for (unsigned i = 0; i < 3; i++)
		_mm512_store_si512(poly->lane_powers[i], powers.l[i]);
	r8 = first_lane(powers);
	store_factor(r8, poly->r8);
	store_factor(multiply_limbs(r8, r8), poly->r16);
}

/* ---- eight blocks at a time ---- */

/* Which block of its group a lane gets from split(). */
INLINE __m512i block_of_lane(void)
{
	return _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
}

/* `above` has what stands at 2^128 of each block. */
INLINE struct limbs split(__m512i first, __m512i second, __m512i above)
{
	const __m512i mask = _mm512_set1_epi64(LIMB_MASK);
	__m512i low = _mm512_unpacklo_epi64(first, second);
	__m512i high = _mm512_unpackhi_epi64(first, second);
	__m512i middle = _mm512_shrdi_epi64(low, high, LIMB_BITS);

	return (struct limbs){ { _mm512_and_si512(low, mask), _mm512_and_si512(middle, mask),
				 _mm512_shrdi_epi64(high, above, 2 * LIMB_BITS - 64) } };
}

INLINE struct limbs group_at(const uint8_t *text)
{
	return split(_mm512_loadu_si512(text), _mm512_loadu_si512(text + 64), _mm512_set1_epi64(1));
}

/* The first group, which ends at `end` and begins with `missing` bytes that are not of
 * the text: they are not read, and their lanes are zero. */
INLINE struct limbs first_group(const uint8_t *end, unsigned missing)
{
	uint64_t first_mask = missing < 64 ? UINT64_MAX << missing : 0;
	uint64_t second_mask = missing < 64 ? UINT64_MAX : UINT64_MAX << (missing - 64);
	__m512i first = _mm512_maskz_loadu_epi8(first_mask, (const void *)((uintptr_t)end - GROUP));
	__m512i second = _mm512_maskz_loadu_epi8(second_mask, (const void *)((uintptr_t)end - 64));
	__mmask8 present = _mm512_cmpge_epu64_mask(block_of_lane(),
						   _mm512_set1_epi64(missing / BLOCK));

	return split(first, second, _mm512_maskz_set1_epi64(present, 1));
}

/* The last group: what there is of the text, zeros, and the length in the last block. */
INLINE struct limbs last_group(const uint8_t *text, const uint8_t *end, size_t len)
{
	unsigned left = (unsigned)(end - text), left_of_second = left > 64 ? left - 64 : 0;
	__m512i first = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, left), text);
	__m512i second = _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, left_of_second),
						 (const void *)((uintptr_t)text + 64));

	second = _mm512_mask_set1_epi64(second, 0x80, (int64_t)len);
	return split(first, second, _mm512_set1_epi64(1));
}

/* The sums of all lanes of `a` and of `b`. */
INLINE __m128i sums_of_lanes(__m512i a, __m512i b)
{
	__m512i both = _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
	__m256i four = _mm256_add_epi64(_mm512_castsi512_si256(both),
					_mm512_extracti64x4_epi64(both, 1));

	return _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
}

/* All lanes in one number.  They are summed up before the carries: eight of those that
 * carry() allows for still fit 64 bits. */
INLINE struct number sum_of_lanes(const struct product *p)
{
	const __m512i zero = _mm512_setzero_si512();
	__m128i low01 = sums_of_lanes(p->low[0], p->low[1]), low2 = sums_of_lanes(p->low[2], zero);
	__m128i high01 = sums_of_lanes(p->high[0], p->high[1]),
		high2 = sums_of_lanes(zero, p->high[2]);
	__m128i low12 = _mm_unpacklo_epi64(_mm_unpackhi_epi64(low01, low01), low2);
	/* At 2^44 and 2^88; at 2^0 and 2^132. */
	__m128i inner = _mm_add_epi64(low12, _mm_slli_epi64(high01, 8));
	__m128i outer = _mm_add_epi64(_mm_move_epi64(low01), _mm_slli_epi64(high2, 8));
	uint64_t l0 = (uint64_t)_mm_cvtsi128_si64(outer),
		 l3 = (uint64_t)_mm_extract_epi64(outer, 1);
	uint64_t l1 = (uint64_t)_mm_cvtsi128_si64(inner),
		 l2 = (uint64_t)_mm_extract_epi64(inner, 1);
	struct number sum = { l0, l2 << 24, (l2 >> 40) + (l3 << 4) }, none = { 0 };

	return fold_and_add(add(sum, (struct number){ l1 << 44, l1 >> 20, 0 }), none);
}

/* The blocks are put into groups so that the last, with the length, ends a group.  Each
 * lane sums up its blocks with powers of r^8, and in the end the lanes are summed up
 * with powers of r. */
INLINE struct number hash_long(const struct wr_poly1305 *poly, const uint8_t *text, size_t len)
{
	size_t blocks = (len + BLOCK - 1) / BLOCK + 1, groups = (blocks + 7) / 8;
	unsigned missing = (unsigned)(8 * groups - blocks) * BLOCK;
	const uint8_t *at = text + (GROUP - missing), *end = text + len;
	struct factor r8 = load_factor(poly->r8), r16 = load_factor(poly->r16), powers;
	struct limbs sums = first_group(at, missing);
	struct product p;

	/* Those between the first and the last. */
	for (groups -= 2; groups >= 2; groups -= 2, at += 2 * GROUP) {
		p = product_of(group_at(at + GROUP));
		multiply_add(&p, group_at(at), &r8);
		multiply_add(&p, sums, &r16);
		sums = carry(&p);
	}
	p = product_of(last_group(at + groups * GROUP, end, len));
	if (groups)
		multiply_add(&p, group_at(at), &r8);
	multiply_add(&p, sums, groups ? &r16 : &r8);
	sums = carry(&p);
	p = product_of(same_limbs(0, 0, 0));
	powers = factor_of(load_limbs(poly->lane_powers));
	multiply_add(&p, sums, &powers);
	return sum_of_lanes(&p);
}

void wr_poly1305_avx512_finish(const struct wr_poly1305 *poly, const uint8_t *text, size_t len,
			       uint8_t ret_tag[WR_POLY1305_TAG])
{
	struct number sum = len < LONG ? hash_short(poly->key, text, len)
				       : hash_long(poly, text, len);

	write_tag(sum, poly->key, ret_tag);
}
