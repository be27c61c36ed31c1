/* From a request to its call, through the ledger, to its answer.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "server/call.h"

/* Of struct wr_http_config; `context` is the server. */
void wr_dispatch(void *context, struct wr_http_request *request);

/* Runs the operation once, on the thread that has the database: 0, or -1 and a problem. */
int wr_dispatch_run(struct wr_call *call) WR_MUST_CHECK;

/* Calls an operation from inside, as the local administrator, before the ledger runs: the
 * first start. The hub is told; what it writes is not committed here. `body` is stolen. On success
 * the result is given out (or NULL for none); 0, or a negative errno after a log line. */
int wr_dispatch_inside(struct wr_server *server, struct wr_db *db, const char *id, json_t *body,
		       json_t **ret_result) WR_MUST_CHECK;
