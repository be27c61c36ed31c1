/* A join key: one string that holds all that a machine needs to join a network: where the server
 * is, how to know its certificate, and a secret.
 *
 *     "wrj_" base64url( 1 | flags | pin, 32 | secret, 20 | address | checksum, 4 )
 *
 * Flags: 1 plain HTTP, 2 the pin counts. The address is "host:port". The checksum (the first
 * bytes of BLAKE2s of what stands before) tells a typo from a wrong key.
 *
 * Floor 2.  Pure. Holds a secret: wipe it. */
#pragma once

#include "base/base.h"

#define WR_JOIN_KEY_TEXT_LEN 512 /* with NUL */
#define WR_JOIN_SECRET_LEN 20

struct wr_join_key {
	bool is_plain, has_pin;
	uint8_t pin[32]; /* SHA-256 of the certificate's public key */
	uint8_t secret[WR_JOIN_SECRET_LEN];
	char address[260];
};

/* "host:port", of a name, an IPv4 address or an IPv6 address in brackets. */
bool wr_join_address_is_good(const char *address);

/* 0; or -EINVAL with one line in `ret_why` (200 bytes) that says what is wrong and never holds
 * the key. */
int wr_join_key_parse(const char *text, struct wr_join_key *ret_key, char ret_why[200])
	WR_MUST_CHECK;
/* The address is good (above). */
void wr_join_key_format(const struct wr_join_key *key, char ret_text[WR_JOIN_KEY_TEXT_LEN]);
