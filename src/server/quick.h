/* What a machine without agent is told: the text for wg-quick, and the keys in it.
 *
 * Floor 8.  Pure but for the random numbers of new keys; any thread.
 * Source: wg-quick(8); docs/hub.md, "The file". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"

/* A new private key and its public key. */
void wr_quick_keys(struct wr_key *ret_private, struct wr_key *ret_public);
/* A public key as text: 44 characters of base64. False for everything else, and for points
 * of low order, with which no handshake comes about. */
bool wr_quick_parse_key(const char *text, struct wr_key *ret_key) WR_MUST_CHECK;

struct wr_quick {
	const char *machine, *org;           /* display names */
	const struct wr_key *private_key;    /* NULL: it is the machine's own secret */
	const struct wr_key *public_key;     /* of the machine */
	struct wr_prefix address4, address6; /* whole address, length of the range; family none */
	struct wr_key hub_key;               /* public */
	const struct wr_key *preshared_key;  /* NULL: none */
	const char *endpoint;                /* host:port of the hub */
	const struct wr_prefix *allowed;     /* the ranges, and what is behind other machines */
	size_t allowed_count;
};

/* A new string with secrets in it: wr_quick_free(). NULL where memory is short. */
char *wr_quick_text(const struct wr_quick *quick);
/* Wipes it. NULL is fine; returns NULL. */
char *wr_quick_free(char *text);
