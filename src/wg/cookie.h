/* mac1 and mac2, and the cookies that make an initiator prove its address to a
 * responder under load.
 *
 * Floor 3.  Source: WireGuard paper, sections 5.4.4 and 5.4.7. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "crypto/noise.h"
#include "wire/message.h"

/* The initiator's side: what one peer's MACs are made with. */
struct wr_cookie_jar {
	struct wr_key mac1_key; /* HASH(LABEL_MAC1 || peer's public key) */
	struct wr_key open_key; /* HASH(LABEL_COOKIE || peer's public key) */
	struct wr_mac cookie;
	struct wr_instant expires; /* of the cookie; 0 if none was given */
};

/* The responder's side: a secret that changes, and keys of one identity. */
struct wr_cookie_baker {
	struct wr_key secret;
	struct wr_instant secret_expires; /* 0 at first */
};

void wr_cookie_jar_init(struct wr_cookie_jar *jar, const struct wr_key *peer_public);
/* Writes mac1 and mac2 into a message of `len` bytes that ends with them; mac2
 * is zero without a fresh cookie. */
void wr_cookie_jar_sign(const struct wr_cookie_jar *jar, struct wr_instant now, uint8_t *message,
			size_t len);
/* Opens a cookie reply to a message of ours that had `mac1`; false: forged. */
bool wr_cookie_jar_take(struct wr_cookie_jar *jar, const struct wr_cookie_reply *reply,
			const struct wr_mac *mac1, struct wr_instant now, struct wr_span lifetime)
	WR_MUST_CHECK;

/* True if the message, which is one for `own_public`, has the right mac1. */
bool wr_cookie_mac1_check(const struct wr_key *own_public, struct wr_bytes message) WR_MUST_CHECK;
/* Draws a new secret from `fresh` if the old one has expired. */
void wr_cookie_baker_refresh(struct wr_cookie_baker *baker, const struct wr_key *fresh,
			     struct wr_instant now, struct wr_span lifetime);
/* True if the message, which came from `from`, ends with the right mac2. */
bool wr_cookie_baker_check(const struct wr_cookie_baker *baker, struct wr_bytes message,
			   const struct wr_endpoint *from) WR_MUST_CHECK;
/* The reply to a message with `mac1` and sender index `sender`, sealed for those
 * who know `own_public`. */
void wr_cookie_baker_reply(const struct wr_cookie_baker *baker, const struct wr_key *own_public,
			   uint32_t sender, const uint8_t mac1[16], const struct wr_endpoint *from,
			   const uint8_t nonce[24], struct wr_cookie_reply *ret);
