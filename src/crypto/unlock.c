#include "crypto/unlock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"

/* RFC 9106 section 4, the second recommended option (t = 3, 64 MiB), which a server of
 * 256 MiB can pay too; above libsodium's "interactive" (2, 64 MiB). What a wrapping was
 * made with stands in it, so this can be raised. */
#define VAULT_OPS 3
#define VAULT_KIB (64 * 1024)
/* What a wrapping may ask for: nobody who can change the file can exhaust the host. */
#define OPS_MAX 16
#define KIB_MAX (1024 * 1024)
/* libsodium's "interactive": for sign-in while a person waits. OWASP's least is 19 MiB, 2. */
#define PASSWORD_OPS crypto_pwhash_OPSLIMIT_INTERACTIVE
#define PASSWORD_BYTES crypto_pwhash_MEMLIMIT_INTERACTIVE

#define SALT_LEN crypto_pwhash_SALTBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define TOKEN_BYTES 32 /* 43 letters of base64 */

static_assert(SALT_LEN == 16 && NONCE_LEN == 24 && TAG_LEN == 16, "struct wr_wrapped");
static_assert(crypto_pwhash_STRBYTES <= WR_PASSWORD_HASH_LEN, "a hash fits");
static_assert(WR_SEAL_OVERHEAD == NONCE_LEN + TAG_LEN, "a seal");

/* --- The wrapped vault: salt, nonce, sealed key, cost. --- */

struct wrapping {
	uint8_t salt[SALT_LEN];
	uint8_t nonce[NONCE_LEN];
	uint8_t sealed[WR_KEY_LEN + TAG_LEN];
	uint8_t ops[4], kib[4]; /* little-endian */
};
static_assert(sizeof(struct wrapping) == sizeof(struct wr_wrapped), "all bytes, no padding");

static const char wrapping_what[] = "warren vault 1";

static void put_le32(uint8_t bytes[4], uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t get_le32(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* Slow. */
static int derive(struct wr_bytes unlock, const struct wrapping *wrapping, struct wr_key *ret_key)
{
	uint32_t ops = get_le32(wrapping->ops), kib = get_le32(wrapping->kib);

	if (ops < crypto_pwhash_OPSLIMIT_MIN || ops > OPS_MAX || kib < 8 || kib > KIB_MAX)
		return -EKEYREJECTED;
	/* It fails only where there is no memory. */
	if (crypto_pwhash(ret_key->bytes, WR_KEY_LEN, (const char *)unlock.data, unlock.len,
			  wrapping->salt, ops, (size_t)kib * 1024,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	return 0;
}

int wr_vault_rewrap(const struct wr_vault *vault, struct wr_bytes unlock,
		    struct wr_wrapped *ret_wrapped)
{
	struct wrapping wrapping;
	struct wr_key key;
	int error;

	if (!unlock.len)
		return -EINVAL;
	wr_random(wrapping.salt, SALT_LEN);
	wr_random(wrapping.nonce, NONCE_LEN);
	put_le32(wrapping.ops, VAULT_OPS);
	put_le32(wrapping.kib, VAULT_KIB);
	error = derive(unlock, &wrapping, &key);
	if (error)
		return error;
	crypto_aead_xchacha20poly1305_ietf_encrypt(wrapping.sealed, NULL, vault->key.bytes,
						   WR_KEY_LEN, (const uint8_t *)wrapping_what,
						   sizeof(wrapping_what), NULL, wrapping.nonce,
						   key.bytes);
	wr_wipe(&key, sizeof(key));
	memcpy(ret_wrapped->bytes, &wrapping, sizeof(wrapping));
	return 0;
}

int wr_vault_new(struct wr_bytes unlock, struct wr_vault *ret_vault, struct wr_wrapped *ret_wrapped)
{
	struct wr_vault vault;
	int error;

	wr_random(&vault, sizeof(vault));
	error = wr_vault_rewrap(&vault, unlock, ret_wrapped);
	if (!error)
		*ret_vault = vault;
	wr_wipe(&vault, sizeof(vault));
	return error;
}

int wr_vault_open(struct wr_bytes unlock, const struct wr_wrapped *wrapped,
		  struct wr_vault *ret_vault)
{
	struct wrapping wrapping;
	struct wr_vault vault;
	struct wr_key key;
	int error;

	memcpy(&wrapping, wrapped->bytes, sizeof(wrapping));
	error = derive(unlock, &wrapping, &key);
	if (error)
		return error;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    vault.key.bytes, NULL, NULL, wrapping.sealed, sizeof(wrapping.sealed),
		    (const uint8_t *)wrapping_what, sizeof(wrapping_what), wrapping.nonce,
		    key.bytes) == 0)
		*ret_vault = vault;
	else
		error = -EKEYREJECTED;
	wr_wipe(&key, sizeof(key));
	wr_wipe(&vault, sizeof(vault));
	return error;
}

/* --- Seals. --- */

void wr_vault_seal(const struct wr_vault *vault, const char *what, struct wr_bytes plain,
		   uint8_t *ret_sealed)
{
	wr_random(ret_sealed, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(ret_sealed + NONCE_LEN, NULL, plain.data,
						   plain.len, (const uint8_t *)what, strlen(what),
						   NULL, ret_sealed, vault->key.bytes);
}

bool wr_vault_unseal(const struct wr_vault *vault, const char *what, struct wr_bytes sealed,
		     uint8_t *ret_plain)
{
	return sealed.len >= WR_SEAL_OVERHEAD &&
	       crypto_aead_xchacha20poly1305_ietf_decrypt(
		       ret_plain, NULL, NULL, sealed.data + NONCE_LEN, sealed.len - NONCE_LEN,
		       (const uint8_t *)what, strlen(what), sealed.data, vault->key.bytes) == 0;
}

/* --- Passwords. --- */

int wr_password_hash(const char *password, char ret_hash[WR_PASSWORD_HASH_LEN])
{
	char hash[crypto_pwhash_STRBYTES];

	if (crypto_pwhash_str_alg(hash, password, strlen(password), PASSWORD_OPS, PASSWORD_BYTES,
				  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	memset(ret_hash, 0, WR_PASSWORD_HASH_LEN);
	memcpy(ret_hash, hash, sizeof(hash));
	return 0;
}

bool wr_password_matches(const char *password, const char *hash)
{
	return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void wr_password_pretend(const char *password)
{
	static const uint8_t salt[SALT_LEN];
	uint8_t hash[WR_KEY_LEN];

	/* Without memory it ends at once, as the real one does. */
	if (crypto_pwhash(hash, sizeof(hash), password, strlen(password), salt, PASSWORD_OPS,
			  PASSWORD_BYTES, crypto_pwhash_ALG_ARGON2ID13) == 0)
		wr_wipe(hash, sizeof(hash));
}

/* --- Tokens. --- */

void wr_token_new(const char *prefix, char ret_token[WR_TOKEN_LEN], struct wr_token_hash *ret_hash)
{
	uint8_t secret[TOKEN_BYTES];
	size_t len = strlen(prefix);

	assert(len + sodium_base64_ENCODED_LEN(TOKEN_BYTES,
					       sodium_base64_VARIANT_URLSAFE_NO_PADDING) <=
	       WR_TOKEN_LEN);
	wr_random(secret, sizeof(secret));
	memcpy(ret_token, prefix, len);
	sodium_bin2base64(ret_token + len, WR_TOKEN_LEN - len, secret, sizeof(secret),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	wr_wipe(secret, sizeof(secret));
	*ret_hash = wr_token_hash_of(ret_token);
}

struct wr_token_hash wr_token_hash_of(const char *token)
{
	struct wr_token_hash hash;

	/* BLAKE2b; 256 random bits need no slow hash. */
	crypto_generichash(hash.bytes, sizeof(hash.bytes), (const uint8_t *)token, strlen(token),
			   NULL, 0);
	return hash;
}
