/* A peer's timers, all derived from its notes, its attempt and its sessions.
 *
 * Floor 3.  The port's thread.
 * Source: WireGuard paper, section 6; kernel timers.c. */
#pragma once

#include "wg/port.h"

/* Does what is due, but at most what makes one output (true); then enters the
 * peer's next deadline, which has passed if more is due. */
bool wr_timers_run(struct wr_peer *peer, const struct wr_moment *moment,
		   const struct wr_entropy *entropy, struct wr_output *ret_output) WR_MUST_CHECK;
/* Enters the next deadline, after something has changed. */
void wr_timers_schedule(struct wr_peer *peer, struct wr_instant now);
/* The same where the time is not at hand: the peer is looked at in the next poll. */
void wr_timers_look_soon(struct wr_peer *peer);
/* No session is left and no more is to come: no timers. */
void wr_timers_stop(struct wr_peer *peer);
