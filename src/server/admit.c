#include "server/admit.h"

#include <errno.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "server/auth.h"

/* A script that adds machines one after the other, from fifty connections, is welcome. */
#define CALLER_HOUR (2000 * 3600)
#define CALLER_BURST 4000
/* Who shows nothing signs in, or tries to. */
#define STRANGER_HOUR (10 * 3600)
#define STRANGER_BURST 300
/* A wrong token: guessing is hopeless anyhow (256 bits), but is work for the database. */
#define BAD_CREDENTIALS_COST 5

int wr_admit_open(struct wr_server *server)
{
	uint8_t seeds[2][16];

	wr_random(seeds, sizeof(seeds));
	server->strangers = wr_ratelimit_new(STRANGER_HOUR, STRANGER_BURST, seeds[0]);
	server->callers = wr_ratelimit_new(CALLER_HOUR, CALLER_BURST, seeds[1]);
	return server->strangers && server->callers ? 0 : -ENOMEM;
}

static int refuse(struct wr_call *call, struct wr_span wait)
{
	call->retry_after = (wait.ns + 999999999) / 1000000000;
	call->retry_after = call->retry_after ? call->retry_after : 1;
	return wr_call_fail(call, 429, "too-many", "Too many calls. Call again in %llu seconds.",
			    (unsigned long long)call->retry_after);
}

/* By the address; nobody else reaches the Unix socket but who may do all. */
static bool pay_as_stranger(struct wr_call *call, uint32_t cost, struct wr_span *ret_wait)
{
	return wr_http_is_unix(call->request) ||
	       wr_ratelimit_take(call->server->strangers,
				 wr_rate_key_address(&call->caller.address), cost, call->began,
				 ret_wait);
}

/* By what is shown, unless the address could not pay for it if it was wrong. */
static bool pay_as_caller(struct wr_call *call, const char *shown, uint32_t cost,
			  struct wr_span *ret_wait)
{
	struct wr_server *server = call->server;

	if (!wr_http_is_unix(call->request) &&
	    !wr_ratelimit_has(server->strangers, wr_rate_key_address(&call->caller.address),
			      BAD_CREDENTIALS_COST, call->began, ret_wait))
		return false;
	return wr_ratelimit_take(server->callers, wr_rate_key_text(server->callers, 'c', shown),
				 cost, call->began, ret_wait);
}

int wr_admit(struct wr_call *call)
{
	const struct wr_operation *operation = call->operation;
	const char *shown = wr_auth_shown(call->request);
	bool is_open = !operation || operation->access == WR_ACCESS_ANYONE;
	uint32_t cost = operation && operation->cost ? operation->cost : 1;
	struct wr_span wait = { 0 };
	bool has_paid = shown && !is_open ? pay_as_caller(call, shown, cost, &wait)
					  : pay_as_stranger(call, cost, &wait);

	return has_paid ? 0 : refuse(call, wait);
}

void wr_admit_failed(struct wr_call *call)
{
	struct wr_span wait;

	if (call->problem.status != 401 || !wr_auth_shown(call->request))
		return;
	if (!pay_as_stranger(call, BAD_CREDENTIALS_COST, &wait))
		call->retry_after = 1;
}
