/* Secrets at rest: what must be kept is sealed with a key that is derived from the
 * unlock secret; passwords and tokens are kept as hashes only.
 *
 * Floor 1.  Slow where it says so.  libsodium: Argon2id, XChaCha20-Poly1305. */
#pragma once

#include "base/base.h"
#include "base/key.h"

/* The key that seals, itself sealed with the unlock secret: a new secret means a
 * new wrapping, not new seals. */
struct wr_wrapped {
	uint8_t bytes[16 + 24 + WR_KEY_LEN + 16 + 8]; /* salt, nonce, sealed key, cost */
};
struct wr_vault {
	struct wr_key key;
};

/* Slow (a second at the most). A new vault, and its wrapping. 0, -ENOMEM, or -EINVAL for an
 * empty secret. */
int wr_vault_new(struct wr_bytes unlock, struct wr_vault *ret_vault, struct wr_wrapped *ret_wrapped)
	WR_MUST_CHECK;
/* Slow. 0; -EKEYREJECTED where the secret is another; -ENOMEM. */
int wr_vault_open(struct wr_bytes unlock, const struct wr_wrapped *wrapped,
		  struct wr_vault *ret_vault) WR_MUST_CHECK;
/* Slow. The same vault under a new secret; results as of wr_vault_new(). */
int wr_vault_rewrap(const struct wr_vault *vault, struct wr_bytes unlock,
		    struct wr_wrapped *ret_wrapped) WR_MUST_CHECK;

/* Sealed: nonce, ciphertext and tag. `what` binds it to its place ("org-key:" and an id). */
#define WR_SEAL_OVERHEAD (24 + 16)
void wr_vault_seal(const struct wr_vault *vault, const char *what, struct wr_bytes plain,
		   uint8_t *ret_sealed);
/* False if it was sealed by another vault, for another place, or changed. */
bool wr_vault_unseal(const struct wr_vault *vault, const char *what, struct wr_bytes sealed,
		     uint8_t *ret_plain) WR_MUST_CHECK;

/* Slow (some 50 ms, 64 MiB; thread pool). */
#define WR_PASSWORD_HASH_LEN 128
int wr_password_hash(const char *password, char ret_hash[WR_PASSWORD_HASH_LEN]) WR_MUST_CHECK;
bool wr_password_matches(const char *password, const char *hash) WR_MUST_CHECK;
/* Takes as long as wr_password_matches(), for an account that is not there. */
void wr_password_pretend(const char *password);

/* A secret to be given out once ("warren_t_" and 43 letters), and the hash to keep: a
 * search by the hash is no secret's comparison. */
#define WR_TOKEN_LEN 64
struct wr_token_hash {
	uint8_t bytes[32];
};
void wr_token_new(const char *prefix, char ret_token[WR_TOKEN_LEN], struct wr_token_hash *ret_hash);
struct wr_token_hash wr_token_hash_of(const char *token);
