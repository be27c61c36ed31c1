/* Passwords within a call: the slow work on the thread pool, between two steps of `run`.
 *
 * Floor 8.  On the ledger's thread; the work itself on the pool's. */
#pragma once

#include "base/base.h"
#include "crypto/unlock.h"
#include "server/call.h"

struct wr_password_work {
	/* Compared first, if there is one; with `known`, or with nothing for as long ("": there is
	 * no such account). Texts belong to the call's body or to `made`. */
	const char *shown;
	char known[WR_PASSWORD_HASH_LEN];
	/* Hashed then, if there is one, unless what was shown was wrong. */
	const char *wanted;
	char made[32]; /* a password made here; "" if there is none */

	struct wr_lockout *lockout; /* where it has its place; passwords.c's own */
	bool is_right;
	char hash[WR_PASSWORD_HASH_LEN];
	int error;
};

/* In step 0: has the work done; use as `return wr_password_start(call, &work)`. Copies it to
 * the call's state. */
int wr_password_start(struct wr_call *call, const struct wr_password_work *work);
/* In step 1: what came out; NULL, and a problem, where the work failed. */
struct wr_password_work *wr_password_result(struct wr_call *call);
/* 16 letters with 80 random bits, in four groups that can be read aloud. */
void wr_password_make(char ret_password[32]);

/* Counts a try by the lock-out: 0, or -1 and 429. `account` may be NULL. */
int wr_password_admit(struct wr_call *call, const char *account);
void wr_password_was_right(struct wr_call *call, const char *account);
