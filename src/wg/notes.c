#include "wg/notes.h"

#include "wg/port.h"

/* `last_traversal` moves in steps of this, so that it is not written for every
 * batch; persistent keepalives are counted in seconds. */
#define TRAVERSAL_GRAIN_NS UINT64_C(1000000)

static uint64_t read_relaxed(const _Atomic uint64_t *note)
{
	return atomic_load_explicit(note, memory_order_relaxed);
}

/* 0 is "not so". */
static uint64_t mark_of(struct wr_instant now)
{
	return now.ns ? now.ns : 1;
}

/* True if the stack was empty. Only whoever sets the first bit of a peer's
 * attention pushes it, so a peer is never on the stack twice. */
static bool push(struct wr_port *port, struct wr_peer *peer)
{
	struct wr_peer *head = atomic_load_explicit(&port->attention, memory_order_relaxed);

	do {
		atomic_store_explicit(&peer->activity.attention_next, head, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(
		&port->attention, &head, peer, memory_order_release, memory_order_relaxed));
	return !head;
}

bool wr_peer_ask(struct wr_peer *peer, enum wr_attention why)
{
	struct wr_activity *activity = &peer->activity;

	/* Most often it has been asked for already. The port's thread clears the
	 * bits before it looks, so a bit that still stands is not too late. */
	if (atomic_load(&activity->attention) & (uint32_t)why)
		return false;
	if (atomic_fetch_or(&activity->attention, (uint32_t)why))
		return false;
	return push(peer->port, peer);
}

/* Sets a note that is not set; asks for the port's thread if it does not watch. */
static bool arm(struct wr_peer *peer, _Atomic uint64_t *note, struct wr_instant now)
{
	if (read_relaxed(note))
		return false;
	atomic_store(note, mark_of(now));
	return !atomic_load(&peer->activity.is_watched) && wr_peer_ask(peer, WR_ATTENTION_TIMERS);
}

static void disarm(_Atomic uint64_t *note)
{
	if (read_relaxed(note))
		atomic_store_explicit(note, 0, memory_order_relaxed);
}

static void traverse(struct wr_activity *activity, struct wr_instant now)
{
	if (now.ns > read_relaxed(&activity->last_traversal) + TRAVERSAL_GRAIN_NS)
		atomic_store_explicit(&activity->last_traversal, now.ns, memory_order_relaxed);
}

static bool ask_for_rekey(struct wr_peer *peer, struct wr_instant now)
{
	return now.ns >= read_relaxed(&peer->activity.ask_after) &&
	       wr_peer_ask(peer, WR_ATTENTION_REKEY);
}

bool wr_peer_note_sent(struct wr_peer *peer, const struct wr_session *session,
		       struct wr_instant now, uint64_t bytes, bool has_data)
{
	struct wr_activity *activity = &peer->activity;
	bool wake = false;

	atomic_fetch_add_explicit(&activity->tx_bytes, bytes, memory_order_relaxed);
	disarm(&activity->unanswered_received);
	traverse(activity, now);
	if (has_data)
		wake |= arm(peer, &activity->unanswered_sent, now);
	if (wr_session_is_worn(session, now))
		wake |= ask_for_rekey(peer, now);
	return wake;
}

/* The first packet on a session that waited for it. */
static bool confirm(struct wr_peer *peer, struct wr_session *session)
{
	return !atomic_load_explicit(&session->is_heard, memory_order_relaxed) &&
	       !atomic_exchange(&session->is_heard, true) && !session->is_initiator &&
	       wr_peer_ask(peer, WR_ATTENTION_CONFIRM);
}

bool wr_peer_note_received(struct wr_peer *peer, struct wr_session *session, struct wr_instant now,
			   uint64_t bytes, bool has_data)
{
	struct wr_activity *activity = &peer->activity;
	bool wake = confirm(peer, session);

	atomic_fetch_add_explicit(&activity->rx_bytes, bytes, memory_order_relaxed);
	disarm(&activity->unanswered_sent);
	traverse(activity, now);
	if (has_data)
		wake |= arm(peer, &activity->unanswered_received, now);
	if (wr_is_past(session->rekey_receive, now))
		wake |= ask_for_rekey(peer, now);
	return wake;
}

void wr_note_handshake_sent(struct wr_peer *peer, struct wr_instant now, size_t len)
{
	atomic_fetch_add_explicit(&peer->activity.tx_bytes, len, memory_order_relaxed);
	disarm(&peer->activity.unanswered_received);
	traverse(&peer->activity, now);
}

void wr_note_handshake_received(struct wr_peer *peer, struct wr_instant now, size_t len)
{
	atomic_fetch_add_explicit(&peer->activity.rx_bytes, len, memory_order_relaxed);
	disarm(&peer->activity.unanswered_sent);
	traverse(&peer->activity, now);
}

void wr_note_given_up(struct wr_peer *peer)
{
	disarm(&peer->activity.unanswered_received);
}

void wr_note_clear(struct wr_peer *peer)
{
	/* In this order: who armed a note while we still watched is not lost. */
	atomic_store(&peer->activity.is_watched, false);
	atomic_store(&peer->activity.unanswered_sent, 0);
	atomic_store(&peer->activity.unanswered_received, 0);
}

struct wr_notes wr_notes_of(const struct wr_peer *peer)
{
	const struct wr_activity *activity = &peer->activity;

	return (struct wr_notes){
		.unanswered_sent = { atomic_load(&activity->unanswered_sent) },
		.unanswered_received = { atomic_load(&activity->unanswered_received) },
		.last_traversal = { read_relaxed(&activity->last_traversal) },
	};
}

struct wr_notes wr_notes_look(struct wr_peer *peer)
{
	struct wr_activity *activity = &peer->activity;
	struct wr_notes notes = wr_notes_of(peer);
	bool was_watched = atomic_load_explicit(&activity->is_watched, memory_order_relaxed);

	if (was_watched && !wr_notes_is_armed(&notes)) {
		atomic_store(&activity->is_watched, false);
		notes = wr_notes_of(peer);
		was_watched = false;
	}
	if (!was_watched && wr_notes_is_armed(&notes))
		atomic_store(&activity->is_watched, true);
	return notes;
}

void wr_note_settle(_Atomic uint64_t *note, struct wr_instant armed)
{
	atomic_compare_exchange_strong(note, &armed.ns, 0);
}
