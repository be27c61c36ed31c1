#include "wg/rotation.h"

#include <string.h>

#include "wg/port.h"

/* Readers may use it until a grace period ends, but no packet finds it any more. */
static void end(struct wr_session *session)
{
	struct wr_port *port;

	if (!session)
		return;
	port = session->peer->port;
	wr_index_remove(&port->indices, &session->index);
	wr_retire(&port->retire, &session->retired, wr_session_free_retired);
}

static void publish(_Atomic(struct wr_session *) *place, struct wr_session *session)
{
	atomic_store_explicit(place, session, memory_order_release);
}

/* Made at the same time, not left over from before. */
static bool are_rivals(const struct wr_session *older, const struct wr_session *newer)
{
	return wr_after(older->created, older->peer->port->timing.rekey_timeout).ns >=
	       newer->created.ns;
}

static bool has_greater_key(const struct wr_peer *peer)
{
	return memcmp(&peer->device->identity.public_key, &peer->public_key, WR_KEY_LEN) > 0;
}

/* Two that begin at the same time make two sessions, and each sends with its own.
 * That works; but they should not both renew theirs at the same time again. The one
 * with the greater key lets the other go first, and then both use the new one. */
static void overtake(struct wr_peer *peer, struct wr_session *waiting, struct wr_session *session)
{
	waiting->is_overtaken = true;
	if (are_rivals(waiting, session) && has_greater_key(peer))
		session->rekey_send = wr_after(session->rekey_send,
					       peer->port->timing.rekey_timeout);
}

/* The other side sends with it, though we never will: it has, and not yet with `ours`,
 * which we send with. */
static bool is_their_own(const struct wr_session *session, const struct wr_session *ours)
{
	return session && session->is_overtaken && wr_session_is_heard(session) &&
	       !(ours && wr_session_is_heard(ours));
}

/* One becomes the previous one: that which the other side was sending with. */
static void step_back(struct wr_peer *peer, struct wr_session *current)
{
	if (is_their_own(peer->previous, current)) {
		peer->previous->is_overtaken = false;
		end(current);
	} else {
		end(peer->previous);
		peer->previous = current;
	}
}

/* The session that waits stays where it is: the other side may be sending with it,
 * and what it sends is to be taken. */
static void add_initiated(struct wr_peer *peer, struct wr_session *session)
{
	struct wr_session *current = wr_rotation_current(peer);
	struct wr_session *waiting = wr_rotation_next(peer);

	if (waiting)
		overtake(peer, waiting, session);
	publish(&peer->current, session);
	step_back(peer, current);
	peer->port->sessions_made++;
}

static void add_answered(struct wr_peer *peer, struct wr_session *session)
{
	struct wr_session *waiting = wr_rotation_next(peer);

	if (is_their_own(waiting, wr_rotation_current(peer))) {
		end(peer->previous);
		peer->previous = waiting;
	} else {
		end(waiting);
	}
	publish(&peer->next, session);
}

void wr_rotation_add(struct wr_peer *peer, struct wr_session *session)
{
	assert(session->peer == peer);
	if (session->is_initiator)
		add_initiated(peer, session);
	else
		add_answered(peer, session);
}

bool wr_rotation_confirm(struct wr_peer *peer)
{
	struct wr_session *next = wr_rotation_next(peer);
	struct wr_session *current = wr_rotation_current(peer);

	if (!next || !wr_session_is_usable(next))
		return false;
	/* In this order: at no moment do readers find only the older one. */
	publish(&peer->current, next);
	publish(&peer->next, NULL);
	step_back(peer, current);
	peer->port->sessions_made++;
	return true;
}

void wr_rotation_clear(struct wr_peer *peer)
{
	struct wr_session *current = wr_rotation_current(peer);
	struct wr_session *next = wr_rotation_next(peer);

	publish(&peer->next, NULL);
	publish(&peer->current, NULL);
	end(current);
	end(peer->previous);
	end(next);
	peer->previous = NULL;
}
