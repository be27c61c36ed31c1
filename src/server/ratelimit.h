/* How fast somebody may call: a bucket of tokens for each caller or address.
 *
 * Floor 8.  One thread. No clock: the time is an argument. Of fixed size: a full table
 * forgets the bucket that is fullest of those that share its place, so a stranger can
 * only make another start with a fresh one. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_RATELIMIT_BUCKETS 8192

struct wr_ratelimit;

/* Whose bucket. */
struct wr_rate_key {
	uint64_t kind; /* 0: nobody */
	uint64_t value;
};
/* An address: IPv4 whole, IPv6 by its /64; family none (the Unix socket) is one of its own. */
struct wr_rate_key wr_rate_key_address(const struct wr_ip *ip);
/* A row of the database: `kind` is the caller's own word for the table, not 0 ('u', 's', 't'). */
struct wr_rate_key wr_rate_key_row(char kind, int64_t row);
/* A text, as a login that somebody tries (letters' case as it is). */
struct wr_rate_key wr_rate_key_text(struct wr_ratelimit *limit, char kind, const char *text);

/* `per_hour` tokens come an hour, `burst` are the most there are. `seed` is 16 secret
 * random bytes: who shares a place with whom cannot be chosen. NULL where memory is short. */
struct wr_ratelimit *wr_ratelimit_new(uint32_t per_hour, uint32_t burst, const uint8_t seed[16]);
/* NULL is fine; returns NULL. */
struct wr_ratelimit *wr_ratelimit_free(struct wr_ratelimit *limit);

/* Takes `tokens`, or none and returns false. `ret_wait` (or NULL): how long until there are
 * as many (0 on success); for Retry-After. More than the burst is never there at once: a
 * full bucket pays for it, and is empty for as long as it takes. */
bool wr_ratelimit_take(struct wr_ratelimit *limit, struct wr_rate_key key, uint32_t tokens,
		       struct wr_instant now, struct wr_span *ret_wait) WR_MUST_CHECK;
/* True if `tokens` could be taken now. */
bool wr_ratelimit_has(const struct wr_ratelimit *limit, struct wr_rate_key key, uint32_t tokens,
		      struct wr_instant now, struct wr_span *ret_wait) WR_MUST_CHECK;
/* Gives all back: it was the right password after all. */
void wr_ratelimit_forget(struct wr_ratelimit *limit, struct wr_rate_key key);
