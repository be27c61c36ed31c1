/* An attempt to make a session with a peer: initiations, sent again until one is
 * answered or rekey_attempt is over, never more often than once per
 * rekey_timeout.  It is in progress while handshake.retry is not WR_NEVER.
 *
 * Floor 3.  The port's thread.
 * Source: WireGuard paper, section 6.4; kernel timers.c. */
#pragma once

#include "wg/port.h"

/* Begins an attempt, whose first initiation goes after `delay` at the soonest;
 * one in progress gets its whole time again. Nothing while the device is down or
 * without a key. */
void wr_attempt_begin(struct wr_peer *peer, struct wr_instant now, struct wr_span delay);
/* There is another address to try: an initiation that waits for an answer is sent anew soon, not
 * only after rekey_timeout. Nothing where there is a session, or no attempt. */
void wr_attempt_hasten(struct wr_peer *peer);
/* Forgets the attempt, if any. */
void wr_attempt_stop(struct wr_peer *peer);
/* The other side has a session with us; at `wall`, for people to see. */
void wr_attempt_succeeded(struct wr_peer *peer, struct wr_wall wall);
/* Does what is due. True if there is an output: an initiation, or that the
 * attempt has failed. */
bool wr_attempt_run(struct wr_peer *peer, const struct wr_moment *moment,
		    const struct wr_entropy *entropy, struct wr_output *ret_output) WR_MUST_CHECK;

/* In case the local address is what stands in the way (it may be gone): lets the
 * kernel choose one. */
void wr_attempt_forget_source(struct wr_peer *peer);

static inline bool wr_attempt_is_on(const struct wr_peer *peer)
{
	return !wr_is_never(peer->handshake.retry);
}

/* Uniform, up to the timing's jitter. */
static inline struct wr_span wr_attempt_jitter(const struct wr_peer *peer,
					       const struct wr_entropy *entropy)
{
	return (struct wr_span){ entropy->jitter_seed % (peer->port->timing.jitter.ns + 1) };
}
