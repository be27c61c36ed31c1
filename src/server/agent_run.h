/* Operations of agents: joining, and what they do with their machine's token.
 *
 * Floor 8.  On the ledger's thread, within a call's run. What returns int: 0, or -1 after
 * wr_call_fail().
 * Source: docs/agents.md, "Joining". */
#pragma once

#include "server/machine_run.h"

int wr_join_run(struct wr_call *call);

/* Of the caller's machine. Who is shut out may leave, and nothing else: 403. */
int wr_agent_run_check_on(struct wr_call *call, const struct wr_machine *machine) WR_MUST_CHECK;
int wr_agent_run_routes(struct wr_call *call, const struct wr_machine *machine) WR_MUST_CHECK;
