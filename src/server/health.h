/* Is it alive, and can it do its work: for supervisors and load balancers.
 *
 * Floor 8.  On the thread of the loop. Answers say nothing that a stranger may not know. */
#pragma once

#include "base/base.h"
#include "http/server.h"

struct wr_health {
	bool is_closing; /* the end has begun */
	bool is_hub_open;
	int database_error;    /* of the last commit: 0 or a negative errno */
	size_t ledger_waiting; /* entries that wait for the ledger's thread */
};

/* More waiting entries than this, half of what the ledger takes: not ready. */
#define WR_HEALTH_WAITING 5000

/* GET or HEAD of /livez (200: the loop turns), /readyz (200, or 503 with what is missing) and
 * /healthz (as /readyz, but good while it closes): answers and returns true. Another
 * path: false, and the request is as it was. Another method: 405. */
bool wr_health_serve(const struct wr_health *health, struct wr_http_request *request);
