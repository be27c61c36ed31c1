/* What a call sets of a machine: reads it out of the body, and writes it into the rows.
 *
 * Floor 8.  On the ledger's thread, within a call's run. All return 0, or -1 after
 * wr_call_fail() or wr_call_fault(). */
#pragma once

#include "base/base.h"
#include "server/call.h"
#include "server/machines.h"

/* For an operation's body. */
#define WR_EXPIRES_MIN 60 /* seconds */

/* Name and label: `id` is the machine's row, 0 for a new one. Sets both in *machine. */
int wr_machine_set_name(struct wr_call *call, int64_t id, struct wr_machine *machine) WR_MUST_CHECK;
/* Those that are asked for in the body, and the next that are free. */
int wr_machine_set_addresses(struct wr_call *call, const struct wr_machine_org *org,
			     struct wr_machine *machine) WR_MUST_CHECK;
/* "expires_in": null is never. */
int wr_machine_set_expires(struct wr_call *call, struct wr_machine *machine) WR_MUST_CHECK;
/* "public_key", or a new pair: *ret_private is zero where the machine has its own. The caller wipes
 * it. */
int wr_machine_set_key(struct wr_call *call, const struct wr_machine_org *org,
		       struct wr_machine *machine, struct wr_key *ret_private) WR_MUST_CHECK;
/* Replaces the rows of tags, routes; nothing where the body does not say. */
int wr_machine_write_tags(struct wr_call *call, int64_t id) WR_MUST_CHECK;
int wr_machine_write_routes(struct wr_call *call, const struct wr_machine_org *org, int64_t id)
	WR_MUST_CHECK;
