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

/* The session that waits stays where it is: the other side may be sending with it,
 * and what it sends is to be taken. */
static void add_initiated(struct wr_peer *peer, struct wr_session *session)
{
	end(peer->previous);
	peer->previous = wr_rotation_current(peer);
	if (wr_rotation_next(peer))
		wr_rotation_next(peer)->is_overtaken = true;
	publish(&peer->current, session);
}

static void add_answered(struct wr_peer *peer, struct wr_session *session)
{
	end(wr_rotation_next(peer));
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

/* Made at the same time, not left over from before. */
static bool are_rivals(const struct wr_session *older, const struct wr_session *newer)
{
	return wr_after(older->created, older->peer->port->timing.rekey_timeout).ns >=
	       newer->created.ns;
}

/* Two that begin at the same time make two sessions. Each would go on sending with
 * its own, and both would have to be renewed. So they agree: the session counts
 * that was initiated by whoever has the smaller key. */
static bool is_theirs_to_decide(const struct wr_peer *peer)
{
	return memcmp(&peer->public_key, &peer->device->identity.public_key, WR_KEY_LEN) < 0;
}

static bool is_to_be_sent_with(const struct wr_peer *peer, const struct wr_session *next)
{
	if (!atomic_load_explicit(&next->is_confirmed, memory_order_acquire))
		return false;
	if (!next->is_overtaken)
		return true;
	return are_rivals(next, wr_rotation_current(peer)) && is_theirs_to_decide(peer);
}

bool wr_rotation_confirm(struct wr_peer *peer)
{
	struct wr_session *next = wr_rotation_next(peer);

	if (!next || !is_to_be_sent_with(peer, next))
		return false;
	next->is_overtaken = false;
	end(peer->previous);
	peer->previous = wr_rotation_current(peer);
	/* In this order: at no moment do readers find only the older one. */
	publish(&peer->current, next);
	publish(&peer->next, NULL);
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
