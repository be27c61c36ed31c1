/* The newest knocks of each identity, so that a replayed one is known as such: an epoch and
 * sequence count once. They may come out of order, as those of one announcement do that come over
 * IPv4 and IPv6. Bounded: of more identities than it has places for, the one that was not heard of
 * for the longest time gives way.
 *
 * Floor 9.  One thread.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include "base/base.h"
#include "base/map.h"
#include "crypto/noise.h"
#include "wire/knock.h"

struct wr_known_identity;

struct wr_known {
	struct wr_map map; /* by a keyed hash of the identity */
	struct wr_siphash_key key;
	size_t most;
	struct wr_known_identity *newest, *oldest; /* heard last; longest ago */
};

/* `key` is a secret of this process: strangers choose identities. */
void wr_known_init(struct wr_known *known, size_t most, const struct wr_siphash_key *key);
void wr_known_done(struct wr_known *known);
/* Sequences before the latest one that can still come. */
#define WR_KNOWN_WINDOW 64
/* True if the identity is not known, or this one was not noted of it and is not older than the
 * window. */
bool wr_known_is_new(const struct wr_known *known, const struct wr_knock *knock) WR_MUST_CHECK;
/* One that is new. False where memory is short. */
bool wr_known_note(struct wr_known *known, const struct wr_knock *knock) WR_MUST_CHECK;
size_t wr_known_count(const struct wr_known *known);
