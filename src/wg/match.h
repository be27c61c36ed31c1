/* Which of a port's devices an initiation is for: told by mac1, within a budget
 * for what strangers make us compute.
 *
 * Floor 3.  The port's thread.  Source: design "The port". */
#pragma once

#include "wg/port.h"

/* What strangers may make us look up. */
extern const struct wr_budget_rule wr_match_budget;

/* `datagram` is as long as an initiation. WR_TAKEN, and the device is in
 * *ret_device; WR_DROP_MAC1 or WR_DROP_BUDGET. */
enum wr_verdict wr_match_initiation(struct wr_port *port, struct wr_bytes datagram,
				    const struct wr_endpoint *from, struct wr_instant now,
				    struct wr_device **ret_device) WR_MUST_CHECK;
