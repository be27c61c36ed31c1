/* Wrong passwords cost time: an account, and an address, at which they pile up have to
 * wait, twice as long after each more.
 *
 * Floor 8.  One thread, the ledger's, but for what says otherwise. No clock: the time is an
 * argument. Of fixed size. Source: NIST SP 800-63B section 5.2.2 (at most 100 wrong ones in a row);
 * OWASP Authentication Cheat Sheet (both the account and the source are counted). */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* Wrong passwords that cost nothing. An address may be a whole office's. */
#define WR_LOCKOUT_ACCOUNT_FREE 5
#define WR_LOCKOUT_ADDRESS_FREE 20
/* The longest wait: short enough that nobody can keep another out of an account for long. */
#define WR_LOCKOUT_WAIT_MAX WR_SPAN_S(15 * 60)
/* Without a wrong one for so long, all is forgotten. */
#define WR_LOCKOUT_FORGET WR_SPAN_S(60 * 60)
/* Entries of each of the two tables. A full one forgets, of those that share a place, what
 * matters least: what is past first, then what has the fewest failures. */
#define WR_LOCKOUT_ENTRIES 4096

struct wr_lockout;

/* `seed`: 16 secret random bytes, so that nobody can choose who shares a place. NULL where
 * memory is short. */
struct wr_lockout *wr_lockout_new(const uint8_t seed[16]);
/* NULL is fine; returns NULL. */
struct wr_lockout *wr_lockout_free(struct wr_lockout *lockout);

/* Before the password is looked at: counts the try as a wrong one (so that many at once
 * do not all go by the same count), unless the account or the address has to wait: then
 * false, and *ret_wait is how long. `account` is a login as it was typed, whether there is
 * one or not; NULL: only the address counts (an invite). */
bool wr_lockout_try(struct wr_lockout *lockout, const char *account, const struct wr_ip *address,
		    struct wr_instant now, struct wr_span *ret_wait) WR_MUST_CHECK;
/* It was right: the account starts afresh, the address gets this one try back. */
void wr_lockout_right(struct wr_lockout *lockout, const char *account, const struct wr_ip *address);

/* A place among those whose password is being looked at, which is slow: false where as many
 * wait as take some seconds. Any thread. */
#define WR_LOCKOUT_HASHING 64
bool wr_lockout_enter(struct wr_lockout *lockout) WR_MUST_CHECK;
void wr_lockout_leave(struct wr_lockout *lockout);

struct wr_lockout_numbers {
	uint64_t tries, refused; /* refused: had to wait */
};
/* Any thread. */
void wr_lockout_count(const struct wr_lockout *lockout, struct wr_lockout_numbers *ret_numbers);
