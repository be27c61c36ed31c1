/* GET /metrics: for programs on this machine, and for tokens of site administrators.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "server/call.h"
#include "server/router.h"

bool wr_metrics_is_path(const char *path);
/* Fills the route with the operation that answers it, which is in no table: it is outside of
 * /api/v1. */
void wr_metrics_find(const struct wr_call *call, struct wr_route *ret_route);
