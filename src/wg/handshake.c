#include "wg/handshake.h"

#include <string.h>

/* HASH(CONSTRUCTION), CONSTRUCTION = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", and
 * HASH(that || IDENTIFIER), IDENTIFIER = "WireGuard v1 zx2c4 Jason@zx2c4.com". */
static const struct wr_key initial_chaining_key = { {
	0x60, 0xe2, 0x6d, 0xae, 0xf3, 0x27, 0xef, 0xc0, 0x2e, 0xc3, 0x35,
	0xe2, 0xa0, 0x25, 0xd2, 0xd0, 0x16, 0xeb, 0x42, 0x06, 0xf8, 0x72,
	0x77, 0xf5, 0x2d, 0x38, 0xd1, 0x98, 0x8b, 0x78, 0xcd, 0x36,
} };
static const struct wr_hash initial_hash = { {
	0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43,
	0xdb, 0x45, 0x8a, 0xd5, 0x32, 0x2d, 0x9c, 0x6c, 0x66, 0x22, 0x93,
	0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3,
} };

/* https://cr.yp.to/libtai/tai64.html: the label of 1970 is 2^62, and TAI was 10 s
 * ahead of UTC then. */
#define TAI64_1970 UINT64_C(0x400000000000000a)
#define NS_PER_S UINT64_C(1000000000)
/* kernel noise.c: the largest power of two in 1/50 s, for at most 50 initiations
 * a second are accepted. */
#define STAMP_GRAIN_NS (UINT64_C(1) << 24)

/* The symmetric state of a handshake (Noise specification, section 5.2), and the
 * key that was mixed last. */
struct transcript {
	struct wr_key chaining_key;
	struct wr_hash hash;
	struct wr_key key;
};

static struct wr_bytes bytes_of_key(const struct wr_key *key)
{
	return (struct wr_bytes){ key->bytes, WR_KEY_LEN };
}

static struct wr_bytes bytes_of_hash(const struct wr_hash *hash)
{
	return (struct wr_bytes){ hash->bytes, WR_HASH_LEN };
}

static void mix_hash(struct transcript *transcript, struct wr_bytes bytes)
{
	transcript->hash = wr_hash2(bytes_of_hash(&transcript->hash), bytes);
}

static struct transcript begin(const struct wr_key *responder_public)
{
	struct transcript transcript = { initial_chaining_key, initial_hash, { { 0 } } };

	mix_hash(&transcript, bytes_of_key(responder_public));
	return transcript;
}

static void mix_ephemeral(struct transcript *transcript, const uint8_t ephemeral[WR_KEY_LEN])
{
	struct wr_bytes bytes = { ephemeral, WR_KEY_LEN };

	mix_hash(transcript, bytes);
	wr_kdf(&transcript->chaining_key, bytes, 1, &transcript->chaining_key, NULL, NULL);
}

/* False if there is no shared secret. */
static bool mix_shared(struct transcript *transcript, const struct wr_key *shared)
{
	if (wr_key_is_zero(shared))
		return false;
	wr_kdf(&transcript->chaining_key, bytes_of_key(shared), 2, &transcript->chaining_key,
	       &transcript->key, NULL);
	return true;
}

/* Mixes a Diffie-Hellman result in; false if the other's point is of low order. */
static bool mix_dh(struct transcript *transcript, const struct wr_key *private_key,
		   const struct wr_key *public_key)
{
	struct wr_key shared;
	bool works = wr_x25519(private_key, public_key, &shared) && mix_shared(transcript, &shared);

	wr_wipe(&shared, sizeof(shared));
	return works;
}

static void mix_psk(struct transcript *transcript, const struct wr_key *preshared_key)
{
	struct wr_key to_hash;

	wr_kdf(&transcript->chaining_key, bytes_of_key(preshared_key), 3, &transcript->chaining_key,
	       &to_hash, &transcript->key);
	mix_hash(transcript, bytes_of_key(&to_hash));
	wr_wipe(&to_hash, sizeof(to_hash));
}

static void seal(struct transcript *transcript, struct wr_bytes plain, uint8_t *dst)
{
	wr_seal_field(&transcript->key, 0, plain, bytes_of_hash(&transcript->hash), dst);
	mix_hash(transcript, (struct wr_bytes){ dst, plain.len + WR_MAC_LEN });
}

static bool open(struct transcript *transcript, struct wr_bytes sealed, uint8_t *dst)
{
	if (!wr_open_field(&transcript->key, 0, sealed, bytes_of_hash(&transcript->hash), dst))
		return false;
	mix_hash(transcript, sealed);
	return true;
}

void wr_identity_set(struct wr_identity *identity, const struct wr_key *private_key)
{
	*identity = (struct wr_identity){ 0 };
	if (wr_key_is_zero(private_key))
		return;
	identity->private_key = *private_key;
	wr_x25519_clamp(&identity->private_key);
	identity->public_key = wr_x25519_public(&identity->private_key);
}

static void big_endian(uint64_t number, size_t len, uint8_t *ret)
{
	for (size_t i = len; i-- > 0; number >>= 8)
		ret[i] = (uint8_t)number;
}

static void stamp(uint64_t label, uint64_t ns, uint8_t ret[WR_TAI64N_LEN])
{
	big_endian(label, 8, ret);
	big_endian(ns, 4, ret + 8);
}

/* The first stamp after `previous`, in steps of the grain. */
static void stamp_after(const uint8_t previous[WR_TAI64N_LEN], uint8_t ret[WR_TAI64N_LEN])
{
	uint64_t label = 0, ns = 0;

	for (size_t i = 0; i < 8; i++)
		label = label << 8 | previous[i];
	for (size_t i = 8; i < WR_TAI64N_LEN; i++)
		ns = ns << 8 | previous[i];
	ns += STAMP_GRAIN_NS;
	if (ns >= NS_PER_S) {
		ns = 0;
		label++;
	}
	stamp(label, ns, ret);
}

void wr_tai64n(struct wr_wall wall, const uint8_t previous[WR_TAI64N_LEN],
	       uint8_t ret[WR_TAI64N_LEN])
{
	uint8_t fresh[WR_TAI64N_LEN];

	stamp(TAI64_1970 + wall.ns / NS_PER_S, wall.ns % NS_PER_S & ~(STAMP_GRAIN_NS - 1), fresh);
	if (memcmp(fresh, previous, WR_TAI64N_LEN) <= 0)
		stamp_after(previous, fresh);
	memcpy(ret, fresh, WR_TAI64N_LEN);
}

/* e, es, s, ss, {t}: the fields of the message but its MACs. */
static bool write_initiation(struct transcript *transcript, const struct wr_handshake *handshake,
			     const struct wr_identity *self, const struct wr_key *peer_public,
			     const struct wr_key *ephemeral_private,
			     const uint8_t timestamp[WR_TAI64N_LEN], struct wr_initiation *message)
{
	struct wr_key ephemeral = wr_x25519_public(ephemeral_private);

	message->sender = handshake->index.index;
	memcpy(message->ephemeral, ephemeral.bytes, WR_KEY_LEN);
	mix_ephemeral(transcript, message->ephemeral);
	if (!mix_dh(transcript, ephemeral_private, peer_public))
		return false;
	seal(transcript, bytes_of_key(&self->public_key), message->static_sealed);
	if (!mix_shared(transcript, &handshake->static_static))
		return false;
	seal(transcript, (struct wr_bytes){ timestamp, WR_TAI64N_LEN }, message->timestamp_sealed);
	return true;
}

bool wr_handshake_initiate(struct wr_handshake *handshake, const struct wr_identity *self,
			   const struct wr_key *peer_public, const struct wr_key *ephemeral_private,
			   const uint8_t timestamp[WR_TAI64N_LEN], struct wr_initiation *ret)
{
	struct transcript transcript = begin(peer_public);
	struct wr_initiation message = { 0 };
	bool works = !wr_key_is_zero(&self->private_key) &&
		     write_initiation(&transcript, handshake, self, peer_public, ephemeral_private,
				      timestamp, &message);

	if (works) {
		handshake->ephemeral_private = *ephemeral_private;
		handshake->chaining_key = transcript.chaining_key;
		handshake->hash = transcript.hash;
		handshake->state = WR_HANDSHAKE_INITIATED;
		*ret = message;
	}
	wr_wipe(&transcript, sizeof(transcript));
	return works;
}

/* e, es, s. */
static bool read_initiation(struct transcript *transcript, const struct wr_identity *self,
			    const struct wr_initiation *message,
			    struct wr_initiation_opened *opened)
{
	memcpy(opened->ephemeral.bytes, message->ephemeral, WR_KEY_LEN);
	mix_ephemeral(transcript, message->ephemeral);
	return mix_dh(transcript, &self->private_key, &opened->ephemeral) &&
	       open(transcript,
		    (struct wr_bytes){ message->static_sealed, sizeof(message->static_sealed) },
		    opened->peer_public.bytes);
}

bool wr_handshake_open_initiation(const struct wr_identity *self,
				  const struct wr_initiation *message,
				  struct wr_initiation_opened *ret)
{
	struct transcript transcript = begin(&self->public_key);
	struct wr_initiation_opened opened = { .sender = message->sender };
	bool is_authentic = !wr_key_is_zero(&self->private_key) &&
			    read_initiation(&transcript, self, message, &opened);

	if (is_authentic) {
		opened.chaining_key = transcript.chaining_key;
		opened.hash = transcript.hash;
		memcpy(opened.sealed_timestamp, message->timestamp_sealed,
		       sizeof(opened.sealed_timestamp));
		*ret = opened;
	}
	wr_wipe(&opened, sizeof(opened));
	wr_wipe(&transcript, sizeof(transcript));
	return is_authentic;
}

bool wr_handshake_open_timestamp(const struct wr_key *static_static,
				 struct wr_initiation_opened *opened,
				 uint8_t ret_timestamp[WR_TAI64N_LEN])
{
	struct transcript transcript = { opened->chaining_key, opened->hash, { { 0 } } };
	struct wr_bytes sealed = { opened->sealed_timestamp, sizeof(opened->sealed_timestamp) };
	uint8_t timestamp[WR_TAI64N_LEN];
	bool is_authentic = mix_shared(&transcript, static_static) &&
			    open(&transcript, sealed, timestamp);

	if (is_authentic) {
		opened->chaining_key = transcript.chaining_key;
		opened->hash = transcript.hash;
		memcpy(ret_timestamp, timestamp, WR_TAI64N_LEN);
	}
	wr_wipe(&transcript, sizeof(transcript));
	return is_authentic;
}

/* The transport keys, the initiator's sending key first. */
static void derive(const struct transcript *transcript, struct wr_key *ret_first,
		   struct wr_key *ret_second)
{
	wr_kdf(&transcript->chaining_key, (struct wr_bytes){ 0 }, 2, ret_first, ret_second, NULL);
}

bool wr_handshake_respond(const struct wr_initiation_opened *opened,
			  const struct wr_key *preshared_key,
			  const struct wr_key *ephemeral_private, struct wr_response *ret,
			  struct wr_transport_keys *ret_keys)
{
	struct transcript transcript = { opened->chaining_key, opened->hash, { { 0 } } };
	struct wr_key ephemeral = wr_x25519_public(ephemeral_private);
	bool works;

	mix_ephemeral(&transcript, ephemeral.bytes);
	works = mix_dh(&transcript, ephemeral_private, &opened->ephemeral) &&
		mix_dh(&transcript, ephemeral_private, &opened->peer_public);
	if (works) {
		mix_psk(&transcript, preshared_key);
		ret->receiver = opened->sender;
		memcpy(ret->ephemeral, ephemeral.bytes, WR_KEY_LEN);
		seal(&transcript, (struct wr_bytes){ 0 }, ret->empty_sealed);
		derive(&transcript, &ret_keys->receive, &ret_keys->send);
	}
	wr_wipe(&transcript, sizeof(transcript));
	return works;
}

/* e, ee, se, psk, {}. */
static bool read_response(struct transcript *transcript, const struct wr_handshake *handshake,
			  const struct wr_identity *self, const struct wr_key *preshared_key,
			  const struct wr_response *message)
{
	struct wr_key ephemeral;
	uint8_t nothing[1];

	memcpy(ephemeral.bytes, message->ephemeral, WR_KEY_LEN);
	mix_ephemeral(transcript, message->ephemeral);
	if (!mix_dh(transcript, &handshake->ephemeral_private, &ephemeral) ||
	    !mix_dh(transcript, &self->private_key, &ephemeral))
		return false;
	mix_psk(transcript, preshared_key);
	return open(transcript,
		    (struct wr_bytes){ message->empty_sealed, sizeof(message->empty_sealed) },
		    nothing);
}

bool wr_handshake_finish(const struct wr_handshake *handshake, const struct wr_identity *self,
			 const struct wr_key *preshared_key, const struct wr_response *message,
			 struct wr_transport_keys *ret_keys)
{
	struct transcript transcript = { handshake->chaining_key, handshake->hash, { { 0 } } };
	bool is_authentic;

	assert(handshake->state == WR_HANDSHAKE_INITIATED);
	is_authentic = read_response(&transcript, handshake, self, preshared_key, message);
	if (is_authentic)
		derive(&transcript, &ret_keys->send, &ret_keys->receive);
	wr_wipe(&transcript, sizeof(transcript));
	return is_authentic;
}

void wr_handshake_clear(struct wr_handshake *handshake)
{
	wr_wipe(&handshake->ephemeral_private, sizeof(handshake->ephemeral_private));
	wr_wipe(&handshake->chaining_key, sizeof(handshake->chaining_key));
	wr_wipe(&handshake->hash, sizeof(handshake->hash));
	handshake->state = WR_HANDSHAKE_IDLE;
}
