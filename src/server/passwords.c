#include "server/passwords.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "server/lockout.h"
#include "server/state.h"

static void compare(struct wr_password_work *work)
{
	if (work->known[0])
		work->is_right = wr_password_matches(work->shown, work->known);
	else
		wr_password_pretend(work->shown);
}

static void do_work(struct wr_call *call)
{
	struct wr_password_work *work = call->state;

	if (work->shown)
		compare(work);
	if (work->wanted && (!work->shown || work->is_right))
		work->error = wr_password_hash(work->wanted, work->hash);
}

static void wipe_and_free(void *state)
{
	struct wr_password_work *work = state;

	wr_lockout_leave(work->lockout);
	wr_wipe(state, sizeof(struct wr_password_work));
	free(state);
}

static int refuse_busy(struct wr_call *call)
{
	call->retry_after = 2;
	return wr_call_fail(call, 503, "busy",
			    "Too many passwords are being checked. Try again in 2 seconds.");
}

int wr_password_start(struct wr_call *call, const struct wr_password_work *work)
{
	struct wr_lockout *lockout = call->server->lockout;
	struct wr_password_work *kept = malloc(sizeof(*kept));

	if (!kept)
		return wr_call_fail(call, 503, "memory", "The server is short of memory.");
	if (!wr_lockout_enter(lockout)) {
		free(kept);
		return refuse_busy(call);
	}
	*kept = *work;
	kept->lockout = lockout;
	if (work->wanted == work->made)
		kept->wanted = kept->made;
	call->state = kept;
	call->state_free = wipe_and_free;
	return wr_call_pool(call, do_work);
}

struct wr_password_work *wr_password_result(struct wr_call *call)
{
	struct wr_password_work *work = call->state;

	if (!work->error)
		return work;
	wr_call_fail(call, 503, "memory", "The server is short of memory for a password's hash.");
	return NULL;
}

void wr_password_make(char ret_password[32])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t bytes[16];
	char *at = ret_password;

	wr_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (i && i % 4 == 0)
			*at++ = '-';
		*at++ = letters[bytes[i] % 32];
	}
	*at = '\0';
	wr_wipe(bytes, sizeof(bytes));
}

int wr_password_admit(struct wr_call *call, const char *account)
{
	struct wr_span wait;

	if (wr_lockout_try(call->server->lockout, account, &call->caller.address, wr_clock_now(),
			   &wait))
		return 0;
	call->retry_after = (wait.ns + 999999999) / 1000000000;
	return wr_call_fail(call, 429, "locked-out",
			    "Too many wrong tries. Try again in %llu seconds.",
			    (unsigned long long)call->retry_after);
}

void wr_password_was_right(struct wr_call *call, const char *account)
{
	wr_lockout_right(call->server->lockout, account, &call->caller.address);
}
