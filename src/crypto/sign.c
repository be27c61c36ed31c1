#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static_assert(crypto_sign_SEEDBYTES == WR_KEY_LEN && crypto_sign_PUBLICKEYBYTES == WR_KEY_LEN &&
		      crypto_sign_BYTES == WR_SIGNATURE_LEN,
	      "Ed25519");

/* libsodium signs bytes that stand together. */
struct text {
	uint8_t bytes[WR_SIGN_MAX_LEN];
	size_t len;
};

static bool text_of(const char *context, struct wr_bytes message, struct text *ret_text)
{
	size_t head = strlen(context) + 1;

	if (head > sizeof(ret_text->bytes) || message.len > sizeof(ret_text->bytes) - head)
		return false;
	memcpy(ret_text->bytes, context, head);
	if (message.len)
		memcpy(ret_text->bytes + head, message.data, message.len);
	ret_text->len = head + message.len;
	return true;
}

struct wr_key wr_sign_public(const struct wr_key *seed)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct wr_key identity;

	crypto_sign_seed_keypair(identity.bytes, secret, seed->bytes);
	wr_wipe(secret, sizeof(secret));
	return identity;
}

void wr_sign(const struct wr_key *seed, const char *context, struct wr_bytes message,
	     struct wr_signature *ret_signature)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct wr_key identity;
	struct text text;
	bool fits = text_of(context, message, &text);

	assert(fits);
	crypto_sign_seed_keypair(identity.bytes, secret, seed->bytes);
	crypto_sign_detached(ret_signature->bytes, NULL, text.bytes, text.len, secret);
	wr_wipe(secret, sizeof(secret));
}

bool wr_sign_check(const struct wr_key *identity, const char *context, struct wr_bytes message,
		   const struct wr_signature *signature)
{
	struct text text;

	return text_of(context, message, &text) &&
	       crypto_sign_verify_detached(signature->bytes, text.bytes, text.len,
					   identity->bytes) == 0;
}

bool wr_sign_public_x25519(const struct wr_key *identity, struct wr_key *ret_public)
{
	struct wr_key public_key;

	if (crypto_sign_ed25519_pk_to_curve25519(public_key.bytes, identity->bytes) != 0)
		return false;
	*ret_public = public_key;
	return true;
}

void wr_sign_private_x25519(const struct wr_key *seed, struct wr_key *ret_private)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct wr_key identity;

	crypto_sign_seed_keypair(identity.bytes, secret, seed->bytes);
	crypto_sign_ed25519_sk_to_curve25519(ret_private->bytes, secret);
	wr_wipe(secret, sizeof(secret));
}
