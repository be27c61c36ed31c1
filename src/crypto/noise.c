#include "crypto/noise.h"

#include <blake2.h>
#include <sodium.h>
#include <string.h>

#define HMAC_BLOCK_LEN BLAKE2S_BLOCKBYTES

static_assert(WR_HASH_LEN == BLAKE2S_OUTBYTES, "HASH() is BLAKE2s-256");
static_assert(WR_XNONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XAEAD's nonce");
static_assert(sizeof(struct wr_siphash_key) == crypto_shorthash_KEYBYTES, "SipHash-2-4's key");

static struct wr_bytes key_bytes(const struct wr_key *key)
{
	return (struct wr_bytes){ key->bytes, sizeof(key->bytes) };
}

static void update(blake2s_state *state, struct wr_bytes input)
{
	if (input.len)
		blake2s_update(state, input.data, input.len);
}

struct wr_hash wr_hash2(struct wr_bytes a, struct wr_bytes b)
{
	struct wr_hash hash;
	blake2s_state state;

	blake2s_init(&state, sizeof(hash.bytes));
	update(&state, a);
	update(&state, b);
	blake2s_final(&state, hash.bytes, sizeof(hash.bytes));
	wr_wipe(&state, sizeof(state));
	return hash;
}

struct wr_mac wr_mac16(struct wr_bytes key, struct wr_bytes input)
{
	struct wr_mac mac;
	blake2s_state state;

	assert(key.len >= 1 && key.len <= BLAKE2S_KEYBYTES);
	blake2s_init_key(&state, sizeof(mac.bytes), key.data, key.len);
	update(&state, input);
	blake2s_final(&state, mac.bytes, sizeof(mac.bytes));
	wr_wipe(&state, sizeof(state));
	return mac;
}

bool wr_mac_equal(const uint8_t a[WR_MAC_LEN], const uint8_t b[WR_MAC_LEN])
{
	return sodium_memcmp(a, b, WR_MAC_LEN) == 0;
}

/* RFC 2104: one of HMAC's two hashes, over its padded key and then the input.  To
 * keep a state from after the key would save nothing: libb2 leaves a block unhashed
 * until the next one is full. */
static void hmac_half(const struct wr_key *key, uint8_t pad, struct wr_bytes a, struct wr_bytes b,
		      struct wr_key *ret)
{
	uint8_t block[HMAC_BLOCK_LEN];
	blake2s_state state;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < sizeof(key->bytes); i++)
		block[i] ^= key->bytes[i];
	blake2s_init(&state, sizeof(ret->bytes));
	blake2s_update(&state, block, sizeof(block));
	update(&state, a);
	update(&state, b);
	blake2s_final(&state, ret->bytes, sizeof(ret->bytes));
	wr_wipe(block, sizeof(block));
	wr_wipe(&state, sizeof(state));
}

static void hmac(const struct wr_key *key, struct wr_bytes a, struct wr_bytes b, struct wr_key *ret)
{
	struct wr_key inner;

	hmac_half(key, 0x36, a, b, &inner);
	hmac_half(key, 0x5c, key_bytes(&inner), (struct wr_bytes){ 0 }, ret);
	wr_wipe(&inner, sizeof(inner));
}

void wr_kdf(const struct wr_key *chaining_key, struct wr_bytes input, size_t count,
	    struct wr_key *ret_1, struct wr_key *ret_2, struct wr_key *ret_3)
{
	struct wr_key *const ret[] = { ret_1, ret_2, ret_3 };
	struct wr_key secret, output;
	struct wr_bytes previous = { 0 };

	assert(count >= 1 && count <= WR_ARRAY_LEN(ret));
	hmac(chaining_key, input, (struct wr_bytes){ 0 }, &secret);
	for (size_t i = 0; i < count; i++) {
		uint8_t number = (uint8_t)(i + 1);

		hmac(&secret, previous, (struct wr_bytes){ &number, 1 }, &output);
		previous = key_bytes(&output);
		*ret[i] = output;
	}
	wr_wipe(&secret, sizeof(secret));
	wr_wipe(&output, sizeof(output));
}

/* RFC 8439 section 2.3: 96 bits, of which WireGuard leaves the first 32 zero. */
static void field_nonce(uint64_t counter, uint8_t ret[crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
	memset(ret, 0, 4);
	for (unsigned i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(counter >> (8 * i));
}

void wr_seal_field(const struct wr_key *key, uint64_t counter, struct wr_bytes plain,
		   struct wr_bytes additional, uint8_t *dst)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	field_nonce(counter, nonce);
	crypto_aead_chacha20poly1305_ietf_encrypt(dst, NULL, plain.data, plain.len, additional.data,
						  additional.len, NULL, nonce, key->bytes);
}

bool wr_open_field(const struct wr_key *key, uint64_t counter, struct wr_bytes sealed,
		   struct wr_bytes additional, uint8_t *dst)
{
	uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

	if (sealed.len < crypto_aead_chacha20poly1305_ietf_ABYTES)
		return false;
	field_nonce(counter, nonce);
	return crypto_aead_chacha20poly1305_ietf_decrypt(dst, NULL, NULL, sealed.data, sealed.len,
							 additional.data, additional.len, nonce,
							 key->bytes) == 0;
}

void wr_seal_cookie(const struct wr_key *key, const uint8_t nonce[WR_XNONCE_LEN],
		    struct wr_bytes plain, struct wr_bytes additional, uint8_t *dst)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(dst, NULL, plain.data, plain.len,
						   additional.data, additional.len, NULL, nonce,
						   key->bytes);
}

bool wr_open_cookie(const struct wr_key *key, const uint8_t nonce[WR_XNONCE_LEN],
		    struct wr_bytes sealed, struct wr_bytes additional, uint8_t *dst)
{
	if (sealed.len < crypto_aead_xchacha20poly1305_ietf_ABYTES)
		return false;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(dst, NULL, NULL, sealed.data, sealed.len,
							  additional.data, additional.len, nonce,
							  key->bytes) == 0;
}

uint64_t wr_siphash(const struct wr_siphash_key *key, struct wr_bytes input)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t number;

	crypto_shorthash(hash, input.data, input.len, key->bytes);
	memcpy(&number, hash, sizeof(number));
	return number;
}
