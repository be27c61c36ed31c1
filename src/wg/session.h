/* A session: one pair of transport keys with its counters and replay window,
 * made by a handshake, used by the data plane.
 *
 * Floor 3.  Made and retired by the port's thread; sending and receiving on any
 * thread, lock-free.  Secrets are wiped when it is freed.
 * Source: WireGuard paper, sections 5.4.5 and 5.4.6. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/key.h"
#include "base/retire.h"
#include "wg/index.h"
#include "wg/replay.h"
#include "wg/timing.h"

struct wr_peer;
struct wr_transport_keys;

struct wr_session {
	struct wr_index_entry index; /* what the peer writes as receiver */
	uint32_t remote_index;       /* what we write */
	bool is_initiator;
	_Atomic bool is_overtaken;       /* by one that we initiated: wg/rotation.c */
	struct wr_instant created;       /* when the keys were derived */
	struct wr_instant expires;       /* created + reject_after */
	struct wr_instant rekey_send;    /* initiator: asks for new keys when it sends
					  * after this; else WR_NEVER */
	struct wr_instant rekey_receive; /* the same when it receives */
	struct wr_peer *peer;            /* lives longer than the session */
	struct wr_key send_key;
	struct wr_key receive_key;
	/* An authentic packet has come. To a responder the first proves that the
	 * initiator has the keys; only then are they sent with. */
	_Atomic bool is_heard;
	_Alignas(WR_CACHE_LINE) _Atomic uint64_t send_counter;
	struct wr_replay replay;
	struct wr_retired retired;
};

/* A session of `peer` with keys derived `now`, in no index table yet; NULL where
 * memory is short. */
struct wr_session *wr_session_new(struct wr_peer *peer, const struct wr_transport_keys *keys,
				  bool is_initiator, const struct wr_timing *timing,
				  struct wr_instant now) WR_MUST_CHECK;
/* Wipes and frees, at once or as wr_retired.free_it. */
void wr_session_free_retired(struct wr_retired *retired);

/* Takes `count` successive counters for sealing; the first is in *ret_first.
 * False if the session has no more. Any thread. */
static inline bool wr_session_take_counters(struct wr_session *session, uint32_t count,
					    uint64_t *ret_first)
{
	*ret_first = atomic_fetch_add_explicit(&session->send_counter, count, memory_order_relaxed);
	return *ret_first < WR_REJECT_AFTER_MESSAGES - count;
}

/* The other side has sent with it. Any thread. */
static inline bool wr_session_is_heard(const struct wr_session *session)
{
	return atomic_load_explicit(&session->is_heard, memory_order_acquire);
}

/* For one that waits to be confirmed: it has been, and nothing newer stands in its
 * place. */
static inline bool wr_session_is_usable(const struct wr_session *session)
{
	return wr_session_is_heard(session) &&
	       !atomic_load_explicit(&session->is_overtaken, memory_order_relaxed);
}

static inline bool wr_session_is_expired(const struct wr_session *session, struct wr_instant now)
{
	return wr_is_past(session->expires, now);
}

/* True if the sender should ask for new keys: an initiator after rekey_after, and
 * whoever has sent a great many messages. */
static inline bool wr_session_is_worn(const struct wr_session *session, struct wr_instant now)
{
	return wr_is_past(session->rekey_send, now) ||
	       atomic_load_explicit(&session->send_counter, memory_order_relaxed) >
		       WR_REKEY_AFTER_MESSAGES;
}
