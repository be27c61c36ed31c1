#include "wg/session.h"

#include <stdlib.h>
#include <string.h>

#include "wg/handshake.h"

struct wr_session *wr_session_new(struct wr_peer *peer, const struct wr_transport_keys *keys,
				  bool is_initiator, const struct wr_timing *timing,
				  struct wr_instant now)
{
	struct wr_session *session = aligned_alloc(_Alignof(struct wr_session), sizeof(*session));
	struct wr_span last_minute = { timing->reject_after.ns - timing->keepalive_timeout.ns -
				       timing->rekey_timeout.ns };

	if (!session)
		return NULL;
	memset(session, 0, sizeof(*session));
	session->index.kind = WR_INDEX_SESSION;
	session->is_initiator = is_initiator;
	session->created = now;
	session->expires = wr_after(now, timing->reject_after);
	session->rekey_send = is_initiator ? wr_after(now, timing->rekey_after) : WR_NEVER;
	session->rekey_receive = is_initiator ? wr_after(now, last_minute) : WR_NEVER;
	session->peer = peer;
	session->send_key = keys->send;
	session->receive_key = keys->receive;
	atomic_init(&session->is_heard, false);
	atomic_init(&session->send_counter, 0);
	wr_replay_init(&session->replay);
	return session;
}

void wr_session_free_retired(struct wr_retired *retired)
{
	struct wr_session *session = WR_CONTAINER_OF(retired, struct wr_session, retired);

	wr_wipe(session, sizeof(*session));
	free(session);
}
