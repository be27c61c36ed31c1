/* The notes that the data plane and the handshakes leave in a peer's activity,
 * and how the port's thread reads them without missing one.
 *
 * A note becomes due for the port's thread some time after it was armed (went from
 * 0 to an instant).  Who arms one asks for that thread, unless `is_watched` says
 * that it will look in time anyway.  That thread, when it looks, finds a note
 * armed and goes on watching, or stops watching.  No note is missed in between:
 *
 *	who arms:     note = now;           then reads is_watched
 *	who looks:    is_watched = false;   then reads the notes
 *
 * all four sequentially consistent, so that at least one of the two sees what the
 * other wrote.  While `is_watched` is true, the port's thread looks at the latest
 * keepalive_timeout after its last look, and no note is due sooner than that
 * after it was armed.  (Sequentially consistent accesses rather than fences: the
 * thread sanitizer knows only the former.)
 *
 * Floor 3.  wr_peer_ask() and wr_peer_note_*() (wg/peer.h) run on any thread, the
 * rest on the port's. */
#pragma once

#include "wg/peer.h"

/* A message of a handshake of `len` bytes went out, or came in and was authentic. */
void wr_note_handshake_sent(struct wr_peer *peer, struct wr_instant now, size_t len);
void wr_note_handshake_received(struct wr_peer *peer, struct wr_instant now, size_t len);
/* Nobody answers: no keepalive is owed. */
void wr_note_given_up(struct wr_peer *peer);
/* Forgets all notes. */
void wr_note_clear(struct wr_peer *peer);

/* A copy of the notes that timers come from; each 0 if not armed. */
struct wr_notes {
	struct wr_instant unanswered_sent, unanswered_received, last_traversal;
};

struct wr_notes wr_notes_of(const struct wr_peer *peer);

static inline bool wr_notes_is_armed(const struct wr_notes *notes)
{
	return notes->unanswered_sent.ns || notes->unanswered_received.ns;
}

/* The notes, of which none is armed unless `is_watched` is set: the caller must
 * look again within keepalive_timeout if one is. */
struct wr_notes wr_notes_look(struct wr_peer *peer);

/* The note is dealt with, if it still is the same. */
void wr_note_settle(_Atomic uint64_t *note, struct wr_instant armed);
