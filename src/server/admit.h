/* Rate limits: what a call costs, and who pays.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "server/call.h"
#include "server/ratelimit.h"
#include "server/state.h"

/* Makes the tables of the server. 0 or -ENOMEM. */
int wr_admit_open(struct wr_server *server) WR_MUST_CHECK;
/* 0, or -1 and 429 with Retry-After. Calls with a token or a session pay by it, others by
 * their address; a local process without either pays nothing. */
int wr_admit(struct wr_call *call);
/* The call failed: a token or session that was none is paid for by the address. */
void wr_admit_failed(struct wr_call *call);
