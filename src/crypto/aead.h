/* ChaCha20-Poly1305 (RFC 8439) for transport packets, many at a time, behind
 * one table of functions that is picked once at start: intel-ipsec-mb where
 * the CPU has vectors for it, else libcrypto.
 *
 * Floor 1.  A context is used by one thread at a time; the table is constant. */
#pragma once

#include "base/base.h"
#include "base/key.h"

#define WR_AEAD_TAG_LEN 16

/* One packet.  `dst` may equal `src`; otherwise they do not overlap. */
struct wr_aead_job {
	const uint8_t *src;
	uint8_t *dst;
	uint32_t len;      /* of the plaintext, without the tag */
	bool is_authentic; /* set by open() */
	uint64_t counter;  /* nonce: 32 zero bits, then this, little-endian */
};

struct wr_aead_context;

struct wr_aead {
	const char *name;

	/* Scratch state of one thread; NULL where memory is short. */
	struct wr_aead_context *(*context_new)(void);
	/* Wipes and frees; NULL is fine. */
	void (*context_free)(struct wr_aead_context *context);

	/* Writes `len` bytes of ciphertext and 16 of tag to each `dst`.  No
	 * additional data, as in WireGuard's transport messages. */
	void (*seal)(struct wr_aead_context *context, const struct wr_key *key,
		     struct wr_aead_job *jobs, size_t count);
	/* Reads `len` bytes of ciphertext and 16 of tag from each `src`.  Where
	 * `is_authentic` comes back false, what stands at `dst` is garbage and
	 * must not be used. */
	void (*open)(struct wr_aead_context *context, const struct wr_key *key,
		     struct wr_aead_job *jobs, size_t count);
};

/* The fastest for this CPU; never NULL.  WARREN_AEAD is not read here: the
 * caller may ask by name instead ("ipsec-mb", "libcrypto"); NULL picks. */
const struct wr_aead *wr_aead_pick(const char *name);

/* All that run on this CPU, for tests and benches; ends with NULL. */
const struct wr_aead *const *wr_aead_all(void);
