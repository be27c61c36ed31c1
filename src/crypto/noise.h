/* The primitives of WireGuard's handshake (Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s)
 * and of its cookies.
 *
 * Floor 1.  Pure functions: randomness comes in as arguments.
 * Source: WireGuard paper, section 5.4. */
#pragma once

#include "base/base.h"
#include "base/key.h"

#define WR_HASH_LEN 32
#define WR_MAC_LEN 16

struct wr_hash {
	uint8_t bytes[WR_HASH_LEN];
};
struct wr_mac {
	uint8_t bytes[WR_MAC_LEN];
};

/* HASH(a || b): BLAKE2s-256.  Either may be empty. */
struct wr_hash wr_hash2(struct wr_bytes a, struct wr_bytes b);

/* MAC(key, input): keyed BLAKE2s-128; key of 1 to 32 bytes. */
struct wr_mac wr_mac16(struct wr_bytes key, struct wr_bytes input);
/* Constant time. */
bool wr_mac_equal(const uint8_t a[WR_MAC_LEN], const uint8_t b[WR_MAC_LEN]);

/* KDF_n(chaining key, input), n = 1 to 3: HKDF with HMAC-BLAKE2s.  Outputs past
 * `count` are left alone.  An output may be the input key. */
void wr_kdf(const struct wr_key *chaining_key, struct wr_bytes input, size_t count,
	    struct wr_key *ret_1, struct wr_key *ret_2, struct wr_key *ret_3);

/* Clamps a private key as X25519 does (RFC 7748 section 5). */
void wr_x25519_clamp(struct wr_key *private_key);
struct wr_key wr_x25519_public(const struct wr_key *private_key);
/* False if the result is all zero (the other side sent a point of low order). */
bool wr_x25519(const struct wr_key *private_key, const struct wr_key *public_key,
	       struct wr_key *ret_shared) WR_MUST_CHECK;

/* ChaCha20-Poly1305 with additional data, for handshake fields.  `dst` gets
 * `len` + 16 bytes. */
void wr_seal_field(const struct wr_key *key, uint64_t counter, struct wr_bytes plain,
		   struct wr_bytes additional, uint8_t *dst);
/* `sealed` is ciphertext and tag; `dst` gets sealed.len - 16 bytes; false, and
 * `dst` zeroed, if it is not authentic. */
bool wr_open_field(const struct wr_key *key, uint64_t counter, struct wr_bytes sealed,
		   struct wr_bytes additional, uint8_t *dst) WR_MUST_CHECK;

#define WR_XNONCE_LEN 24
/* XChaCha20-Poly1305, for cookies. */
void wr_seal_cookie(const struct wr_key *key, const uint8_t nonce[WR_XNONCE_LEN],
		    struct wr_bytes plain, struct wr_bytes additional, uint8_t *dst);
bool wr_open_cookie(const struct wr_key *key, const uint8_t nonce[WR_XNONCE_LEN],
		    struct wr_bytes sealed, struct wr_bytes additional, uint8_t *dst) WR_MUST_CHECK;

/* SipHash-2-4 with a secret key, for hash tables that strangers can fill. */
struct wr_siphash_key {
	uint8_t bytes[16];
};
uint64_t wr_siphash(const struct wr_siphash_key *key, struct wr_bytes input);
