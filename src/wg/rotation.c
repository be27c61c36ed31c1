#include "wg/rotation.h"

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

static void publish(struct wr_peer *peer, struct wr_session *session)
{
	atomic_store_explicit(&peer->current, session, memory_order_release);
}

/* The other side may send with any that it could hold confirmed: with the waiting
 * one, if there is one, else with the current one. */
static void add_initiated(struct wr_peer *peer, struct wr_session *session)
{
	struct wr_session *current = wr_rotation_current(peer);

	end(peer->previous);
	if (peer->next) {
		end(current);
		peer->previous = peer->next;
		peer->next = NULL;
	} else {
		peer->previous = current;
	}
	publish(peer, session);
}

static void add_answered(struct wr_peer *peer, struct wr_session *session)
{
	end(peer->next);
	end(peer->previous);
	peer->previous = NULL;
	peer->next = session;
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
	struct wr_session *next = peer->next;

	if (!next || !atomic_load_explicit(&next->is_confirmed, memory_order_acquire))
		return false;
	end(peer->previous);
	peer->previous = wr_rotation_current(peer);
	peer->next = NULL;
	publish(peer, next);
	return true;
}

void wr_rotation_clear(struct wr_peer *peer)
{
	struct wr_session *current = wr_rotation_current(peer);

	publish(peer, NULL);
	end(current);
	end(peer->previous);
	end(peer->next);
	peer->previous = NULL;
	peer->next = NULL;
}
