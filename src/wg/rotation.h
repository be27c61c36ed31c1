/* A peer's sessions: the one to send with, the one before it, and one that waits
 * for its first packet.
 *
 * Floor 3.  The port's thread.
 * Source: WireGuard paper, section 6.3; kernel noise.c, add_new_keypair(). Two things
 * are not as in the kernel.  Our own initiation outlives the answer to the other
 * side's: where both begin at once, both have a session after one round trip, not
 * after 5 s.  And no session ends that the other side may still be sending with. */
#pragma once

#include "wg/peer.h"
#include "wg/session.h"

/* Takes a session whose index is entered. An initiator's becomes the current
 * one; a responder's waits to be confirmed. */
void wr_rotation_add(struct wr_peer *peer, struct wr_session *session);
/* If the session that waits has been confirmed, makes it the current one: true. */
bool wr_rotation_confirm(struct wr_peer *peer) WR_MUST_CHECK;
/* Ends all sessions. */
void wr_rotation_clear(struct wr_peer *peer);

/* The port's own look at what it publishes. */
static inline struct wr_session *wr_rotation_current(const struct wr_peer *peer)
{
	return atomic_load_explicit(&peer->current, memory_order_relaxed);
}

static inline struct wr_session *wr_rotation_next(const struct wr_peer *peer)
{
	return atomic_load_explicit(&peer->next, memory_order_relaxed);
}
