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

static bool is_open_to_anyone(const struct wr_call *call)
{
	return !call->operation || call->operation->access == WR_ACCESS_ANYONE;
}

int wr_admit(struct wr_call *call)
{
	struct wr_server *server = call->server;
	const char *shown = wr_auth_shown(call->request);
	struct wr_rate_key address = wr_rate_key_address(&call->caller.address);
	uint32_t cost = call->operation && call->operation->cost ? call->operation->cost : 1;
	struct wr_span wait;

	if (!shown && wr_http_is_unix(call->request))
		return 0;
	if (!shown || is_open_to_anyone(call))
		return wr_ratelimit_take(server->strangers, address, cost, call->began, &wait)
			       ? 0
			       : refuse(call, wait);
	if (!wr_ratelimit_has(server->strangers, address, 1, call->began, &wait))
		return refuse(call, wait);
	return wr_ratelimit_take(server->callers, wr_rate_key_text(server->callers, 'c', shown),
				 cost, call->began, &wait)
		       ? 0
		       : refuse(call, wait);
}

void wr_admit_failed(struct wr_call *call)
{
	struct wr_rate_key address = wr_rate_key_address(&call->caller.address);

	if (call->problem.status != 401 || !wr_auth_shown(call->request))
		return;
	if (!wr_ratelimit_take(call->server->strangers, address, BAD_CREDENTIALS_COST, call->began,
			       NULL))
		call->retry_after = 1;
}
