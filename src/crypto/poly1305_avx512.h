/* The tag of RFC 8439 section 2.8 without additional data: Poly1305 over the
 * ciphertext, padded with zeros to whole blocks, and a block with its length.
 *
 * Floor 1, inside; needs AVX-512 F, BW, VL, IFMA, VBMI2 and BMI2.  Source: RFC 8439
 * section 2.5; Goll and Gueron, "Vectorization of Poly1305 Message Authentication
 * Code" (ITNG 2015). */
#pragma once

#include <stdalign.h>

#include "base/base.h"

#define WR_POLY1305_KEY 32
#define WR_POLY1305_TAG 16

/* A key made ready.  All of it is secret. */
struct wr_poly1305 {
	/* What the eight lanes are multiplied with at the end, in limbs. */
	alignas(64) uint64_t lane_powers[3][8];
	/* r^8 and r^16: three limbs, and 20 times the second and the third. */
	uint64_t r8[5], r16[5];
	uint8_t key[WR_POLY1305_KEY];
};

/* `key` is r, not clamped yet, and s.  `len` is that of the text to come. */
void wr_poly1305_avx512_begin(struct wr_poly1305 *poly, const uint8_t key[WR_POLY1305_KEY],
			      size_t len);
void wr_poly1305_avx512_finish(const struct wr_poly1305 *poly, const uint8_t *text, size_t len,
			       uint8_t ret_tag[WR_POLY1305_TAG]);
