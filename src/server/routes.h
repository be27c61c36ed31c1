/* Routes behind machines: who offers which, who may, and which router of several is active.
 *
 * A prefix may have several routers. Of those that are approved and offered one is active, and
 * the hub and every map send there: the first, in the order of approval, that is online. It is
 * chosen anew with each change, and each second where there is a choice.
 *
 * Floor 8.  On the ledger's thread, within an entry.
 * Source: docs/agents.md, "Routes". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "server/call.h"
#include "server/machines.h"

/* NULL if a machine of the organisation may be the router for it; else what is wrong, as the end
 * of a sentence. */
const char *wr_route_fault(const struct wr_machine_org *org, const char *text,
			   struct wr_prefix *ret_prefix);
/* 0, or -1 and a problem where the organisation has too many. */
int wr_route_check_count(struct wr_call *call) WR_MUST_CHECK;

/* Machines that became a prefix's active router, or are it no more. */
struct wr_route_moves {
	int64_t *machines; /* those that lost one first */
	size_t count, room;
};
void wr_route_moves_done(struct wr_route_moves *moves);
/* Chooses the active routers of the organisation, and writes them down. 0 or a negative errno. */
int wr_routes_choose(struct wr_server *server, struct wr_db *db, int64_t org, int64_t now,
		     struct wr_route_moves *ret_moves) WR_MUST_CHECK;
/* The same for the call's organisation, and the hub is told. 0, or -1 and a problem. */
int wr_routes_settle(struct wr_call *call) WR_MUST_CHECK;
