/* Signatures of members (Ed25519), and the WireGuard key that follows from a member's identity:
 * who proves one proves the other.
 *
 * Floor 1.  Pure.  Source: RFC 8032; libsodium, "Ed25519 to Curve25519". */
#pragma once

#include "base/base.h"
#include "base/key.h"

#define WR_SIGNATURE_LEN 64
/* Of a message with its context and the zero byte; a longer one is never authentic. */
#define WR_SIGN_MAX_LEN 1280

struct wr_signature {
	uint8_t bytes[WR_SIGNATURE_LEN];
};

/* The public identity of a secret seed. */
struct wr_key wr_sign_public(const struct wr_key *seed);
/* Of context (a constant of ours, never shared by two formats), a zero byte, and the message. */
void wr_sign(const struct wr_key *seed, const char *context, struct wr_bytes message,
	     struct wr_signature *ret_signature);
bool wr_sign_check(const struct wr_key *identity, const char *context, struct wr_bytes message,
		   const struct wr_signature *signature) WR_MUST_CHECK;

/* WireGuard's keys of an identity. False if the identity is no point of the right kind. */
bool wr_sign_public_x25519(const struct wr_key *identity, struct wr_key *ret_public) WR_MUST_CHECK;
/* Wipe it. */
void wr_sign_private_x25519(const struct wr_key *seed, struct wr_key *ret_private);
