/* ChaCha20-Poly1305 as RFC 8439 writes it down, one bit of arithmetic after the
 * other: slow, and easy to compare with the text.  What the fast ones must equal. */
#pragma once

#include "unit.h"

static inline uint32_t naive_load32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static inline void naive_store(uint8_t *bytes, uint64_t number, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
}

static inline uint32_t naive_rotate(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

/* Section 2.1. */
static inline void naive_quarter_round(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = naive_rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = naive_rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = naive_rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = naive_rotate(s[b] ^ s[c], 7);
}

/* Section 2.3. */
static inline void naive_chacha_block(const uint8_t key[32], uint32_t counter,
				      const uint8_t nonce[12], uint8_t ret[64])
{
	uint32_t first[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, s[16];

	for (unsigned i = 0; i < 8; i++)
		first[4 + i] = naive_load32(key + 4 * i);
	first[12] = counter;
	for (unsigned i = 0; i < 3; i++)
		first[13 + i] = naive_load32(nonce + 4 * i);
	memcpy(s, first, sizeof(s));
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 4; i++)
			naive_quarter_round(s, i, 4 + i, 8 + i, 12 + i);
		for (unsigned i = 0; i < 4; i++)
			naive_quarter_round(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4,
					    12 + (i + 3) % 4);
	}
	for (unsigned i = 0; i < 16; i++)
		naive_store(ret + 4 * i, (uint32_t)(s[i] + first[i]), 4);
}

static inline void naive_chacha_xor(const uint8_t key[32], const uint8_t nonce[12],
				    const uint8_t *src, uint8_t *dst, size_t len)
{
	uint8_t block[64];

	for (size_t i = 0; i < len; i++) {
		if (i % 64 == 0)
			naive_chacha_block(key, (uint32_t)(1 + i / 64), nonce, block);
		dst[i] = src[i] ^ block[i % 64];
	}
}

/* Section 2.5, with a number as 17 digits of base 256. */
struct naive_poly {
	uint32_t sum[17];
	uint32_t r[17];
};

/* sum = (sum + digits) * r mod 2^130 - 5, not yet below it. */
static inline void naive_poly_step(struct naive_poly *poly, const uint8_t digits[17])
{
	uint32_t product[17] = { 0 }, carry = 0;

	for (unsigned i = 0; i < 17; i++) {
		carry += poly->sum[i] + digits[i];
		poly->sum[i] = carry & 255;
		carry >>= 8;
	}
	for (unsigned i = 0; i < 17; i++) {
		/* 2^136 = 2^6 * 2^130 is 2^6 * 5 = 320. */
		for (unsigned j = 0; j < 17; j++)
			product[i] += poly->sum[j] *
				      (j <= i ? poly->r[i - j] : 320 * poly->r[i + 17 - j]);
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		carry = 0;
		for (unsigned i = 0; i < 17; i++) {
			carry += product[i];
			product[i] = carry & 255;
			carry >>= 8;
		}
		/* What is past bit 130 comes back five times at bit 0. */
		carry = 5 * ((carry << 6) + (product[16] >> 2));
		product[16] &= 3;
		product[0] += carry;
	}
	memcpy(poly->sum, product, sizeof(product));
}

static inline void naive_poly_update(struct naive_poly *poly, const uint8_t *bytes, size_t len)
{
	/* Section 2.8: each part is padded with zeros to whole blocks. */
	for (size_t i = 0; i < len; i += 16) {
		uint8_t digits[17] = { 0 };

		memcpy(digits, bytes + i, len - i < 16 ? len - i : 16);
		digits[16] = 1;
		naive_poly_step(poly, digits);
	}
}

static inline void naive_poly_final(struct naive_poly *poly, const uint8_t s[16], uint8_t tag[16])
{
	uint32_t reduced[17], carry = 5;

	/* Settle the carries, then take 2^130 - 5 off if the number is that large. */
	for (unsigned i = 0; i < 16; i++) {
		poly->sum[i + 1] += poly->sum[i] >> 8;
		poly->sum[i] &= 255;
	}
	for (unsigned i = 0; i < 17; i++) {
		carry += poly->sum[i];
		reduced[i] = carry & 255;
		carry >>= 8;
	}
	if (reduced[16] >= 4)
		memcpy(poly->sum, reduced, sizeof(reduced));
	carry = 0;
	for (unsigned i = 0; i < 16; i++) {
		carry += poly->sum[i] + s[i];
		tag[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static inline void naive_tag(const uint8_t key[32], const uint8_t nonce[12],
			     struct wr_bytes additional, struct wr_bytes sealed, uint8_t tag[16])
{
	struct naive_poly poly = { { 0 } };
	uint8_t block[64], lengths[16];

	naive_chacha_block(key, 0, nonce, block);
	for (unsigned i = 0; i < 16; i++)
		poly.r[i] = block[i];
	for (unsigned i = 3; i < 16; i += 4)
		poly.r[i] &= 15;
	for (unsigned i = 4; i < 16; i += 4)
		poly.r[i] &= 252;
	naive_store(lengths, additional.len, 8);
	naive_store(lengths + 8, sealed.len, 8);
	naive_poly_update(&poly, additional.data, additional.len);
	naive_poly_update(&poly, sealed.data, sealed.len);
	naive_poly_update(&poly, lengths, sizeof(lengths));
	naive_poly_final(&poly, block + 16, tag);
}

/* Section 2.8: `dst` gets plain.len + 16 bytes. */
static inline void naive_seal(const uint8_t key[32], const uint8_t nonce[12], struct wr_bytes plain,
			      struct wr_bytes additional, uint8_t *dst)
{
	naive_chacha_xor(key, nonce, plain.data, dst, plain.len);
	naive_tag(key, nonce, additional, (struct wr_bytes){ dst, plain.len }, dst + plain.len);
}
