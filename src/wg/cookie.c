#include "wg/cookie.h"

#include <string.h>

#define LABEL_LEN 8
#define MACS_LEN (2 * WR_MAC_LEN)

/* A cookie is used a 24th of its life less than the responder's secret may live:
 * 5 s of 120, for the time that messages travel (kernel: COOKIE_SECRET_LATENCY). */
#define LATENCY_PART 24

static const uint8_t mac1_label[LABEL_LEN] = { 'm', 'a', 'c', '1', '-', '-', '-', '-' };
static const uint8_t cookie_label[LABEL_LEN] = { 'c', 'o', 'o', 'k', 'i', 'e', '-', '-' };

static void labelled_key(const uint8_t label[LABEL_LEN], const struct wr_key *public_key,
			 struct wr_key *ret)
{
	struct wr_hash hash = wr_hash2((struct wr_bytes){ label, LABEL_LEN },
				       (struct wr_bytes){ public_key->bytes, WR_KEY_LEN });

	memcpy(ret->bytes, hash.bytes, WR_KEY_LEN);
}

static struct wr_mac mac_of(const struct wr_key *key, const uint8_t *message, size_t len)
{
	return wr_mac16((struct wr_bytes){ key->bytes, WR_KEY_LEN },
			(struct wr_bytes){ message, len });
}

static struct wr_mac mac2_of(const struct wr_mac *cookie, const uint8_t *message, size_t len)
{
	return wr_mac16((struct wr_bytes){ cookie->bytes, WR_MAC_LEN },
			(struct wr_bytes){ message, len });
}

void wr_cookie_jar_init(struct wr_cookie_jar *jar, const struct wr_key *peer_public)
{
	*jar = (struct wr_cookie_jar){ 0 };
	labelled_key(mac1_label, peer_public, &jar->mac1_key);
	labelled_key(cookie_label, peer_public, &jar->open_key);
}

void wr_cookie_jar_sign(const struct wr_cookie_jar *jar, struct wr_instant now, uint8_t *message,
			size_t len)
{
	uint8_t *macs = message + len - MACS_LEN;
	struct wr_mac mac1 = mac_of(&jar->mac1_key, message, len - MACS_LEN);
	struct wr_mac mac2 = { 0 };

	memcpy(macs, mac1.bytes, WR_MAC_LEN);
	if (!wr_is_past(jar->expires, now))
		mac2 = mac2_of(&jar->cookie, message, len - WR_MAC_LEN);
	memcpy(macs + WR_MAC_LEN, mac2.bytes, WR_MAC_LEN);
}

bool wr_cookie_jar_take(struct wr_cookie_jar *jar, const struct wr_cookie_reply *reply,
			const struct wr_mac *mac1, struct wr_instant now, struct wr_span lifetime)
{
	struct wr_mac cookie;

	if (!wr_open_cookie(&jar->open_key, reply->nonce,
			    (struct wr_bytes){ reply->cookie_sealed, sizeof(reply->cookie_sealed) },
			    (struct wr_bytes){ mac1->bytes, WR_MAC_LEN }, cookie.bytes))
		return false;
	jar->cookie = cookie;
	jar->expires = wr_after(now, (struct wr_span){ lifetime.ns - lifetime.ns / LATENCY_PART });
	return true;
}

bool wr_cookie_mac1_check(const struct wr_key *own_public, struct wr_bytes message)
{
	struct wr_key key;

	assert(message.len > MACS_LEN);
	labelled_key(mac1_label, own_public, &key);

	struct wr_mac mac1 = mac_of(&key, message.data, message.len - MACS_LEN);

	return wr_mac_equal(mac1.bytes, message.data + message.len - MACS_LEN);
}

void wr_cookie_baker_refresh(struct wr_cookie_baker *baker, const struct wr_key *fresh,
			     struct wr_instant now, struct wr_span lifetime)
{
	if (!wr_is_past(baker->secret_expires, now))
		return;
	baker->secret = *fresh;
	baker->secret_expires = wr_after(now, lifetime);
}

/* What proves that someone receives at `from`. */
static struct wr_mac bake(const struct wr_cookie_baker *baker, const struct wr_endpoint *from)
{
	size_t len = wr_ip_bits(from->ip.family) / 8;
	uint8_t source[sizeof(from->ip.bytes) + 2];

	memcpy(source, from->ip.bytes, len);
	source[len] = (uint8_t)(from->port >> 8);
	source[len + 1] = (uint8_t)from->port;
	return mac_of(&baker->secret, source, len + 2);
}

bool wr_cookie_baker_check(const struct wr_cookie_baker *baker, struct wr_bytes message,
			   const struct wr_endpoint *from)
{
	struct wr_mac cookie = bake(baker, from);

	assert(message.len > MACS_LEN);

	struct wr_mac mac2 = mac2_of(&cookie, message.data, message.len - WR_MAC_LEN);

	return wr_mac_equal(mac2.bytes, message.data + message.len - WR_MAC_LEN);
}

void wr_cookie_baker_reply(const struct wr_cookie_baker *baker, const struct wr_key *own_public,
			   uint32_t sender, const uint8_t mac1[16], const struct wr_endpoint *from,
			   const uint8_t nonce[24], struct wr_cookie_reply *ret)
{
	struct wr_mac cookie = bake(baker, from);
	struct wr_key key;

	labelled_key(cookie_label, own_public, &key);
	ret->receiver = sender;
	memcpy(ret->nonce, nonce, sizeof(ret->nonce));
	wr_seal_cookie(&key, nonce, (struct wr_bytes){ cookie.bytes, WR_MAC_LEN },
		       (struct wr_bytes){ mac1, WR_MAC_LEN }, ret->cookie_sealed);
}
