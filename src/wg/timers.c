#include "wg/timers.h"

#include "wg/attempt.h"
#include "wg/notes.h"
#include "wg/rotation.h"

/* WireGuard paper, section 6.3: keys are erased after 3 x REJECT_AFTER_TIME. */
#define ZERO_AFTER_REJECTS 3
/* A managed peer's go when the last of them is of no use any more: a member of a thousand talks to
 * each of the others once in a while, and a session has 4 KiB. */

/* When each thing is due; WR_NEVER if it is not. The attempt has its own. */
struct dues {
	struct wr_instant zero;       /* erase old keys */
	struct wr_instant silence;    /* nothing came back: new handshake */
	struct wr_instant keepalive;  /* data came, nothing went back */
	struct wr_instant persistent; /* persistent keepalive */
};

static struct wr_instant due_after(struct wr_instant start, struct wr_span span)
{
	return start.ns ? wr_after(start, span) : WR_NEVER;
}

static struct wr_instant zero_due(const struct wr_peer *peer)
{
	uint64_t rejects = peer->managed ? 1 : ZERO_AFTER_REJECTS;
	struct wr_span span = { rejects * peer->port->timing.reject_after.ns };

	return wr_after(peer->session_derived, span);
}

/* Without an endpoint there is nowhere to send a keepalive to. */
static struct wr_instant persistent_due(const struct wr_peer *peer, struct wr_instant last)
{
	if (!peer->keepalive_interval || !wr_peer_has_endpoint(peer))
		return WR_NEVER;
	return last.ns ? wr_after(last, WR_SPAN_S(peer->keepalive_interval)) : last;
}

static struct dues dues_of(const struct wr_peer *peer, const struct wr_notes *notes)
{
	const struct wr_timing *timing = &peer->port->timing;
	struct wr_span silence = { timing->keepalive_timeout.ns + timing->rekey_timeout.ns };

	return (struct dues){
		.zero = zero_due(peer),
		.silence = due_after(notes->unanswered_sent, silence),
		.keepalive = due_after(notes->unanswered_received, timing->keepalive_timeout),
		.persistent = persistent_due(peer, notes->last_traversal),
	};
}

static bool has_usable_session(const struct wr_peer *peer, struct wr_instant now)
{
	return wr_peer_session(peer, now) != NULL;
}

/* An empty packet on the session, or a session first. */
static bool keepalive(struct wr_peer *peer, struct wr_instant now, struct wr_output *output)
{
	atomic_store_explicit(&peer->activity.last_traversal, now.ns, memory_order_relaxed);
	if (!has_usable_session(peer, now)) {
		if (!wr_attempt_is_on(peer))
			wr_attempt_begin(peer, now, (struct wr_span){ 0 });
		return false;
	}
	*output = (struct wr_output){ .kind = WR_OUTPUT_KEEPALIVE, .peer = peer };
	return true;
}

/* The other side seems to have lost the session. */
static void answer_silence(struct wr_peer *peer, const struct wr_notes *notes,
			   const struct wr_moment *moment, const struct wr_entropy *entropy)
{
	wr_note_settle(&peer->activity.unanswered_sent, notes->unanswered_sent);
	wr_attempt_forget_source(peer);
	wr_attempt_begin(peer, moment->now, wr_attempt_jitter(peer, entropy));
}

static bool run_dues(struct wr_peer *peer, const struct wr_moment *moment,
		     const struct wr_entropy *entropy, struct wr_output *output)
{
	struct wr_notes notes = wr_notes_of(peer);
	struct dues dues = dues_of(peer, &notes);

	if (wr_is_past(dues.zero, moment->now)) {
		wr_rotation_clear(peer);
		peer->session_derived = WR_NEVER;
	}
	if (wr_is_past(dues.silence, moment->now))
		answer_silence(peer, &notes, moment, entropy);
	if (wr_is_past(dues.keepalive, moment->now)) {
		wr_note_settle(&peer->activity.unanswered_received, notes.unanswered_received);
		return keepalive(peer, moment->now, output);
	}
	if (wr_is_past(dues.persistent, moment->now))
		return keepalive(peer, moment->now, output);
	return false;
}

bool wr_timers_run(struct wr_peer *peer, const struct wr_moment *moment,
		   const struct wr_entropy *entropy, struct wr_output *ret_output)
{
	bool has_output = false;

	if (peer->device->is_up)
		has_output = run_dues(peer, moment, entropy, ret_output) ||
			     wr_attempt_run(peer, moment, entropy, ret_output);
	wr_timers_schedule(peer, moment->now);
	return has_output;
}

static void set_deadline(struct wr_peer *peer, struct wr_instant deadline)
{
	struct wr_heap *timers = &peer->port->timers;

	if (wr_is_never(deadline)) {
		wr_heap_remove(timers, &peer->timer);
		return;
	}

	/* wr_device_add_peer() has made room for it. */
	bool has_room = wr_heap_set(timers, &peer->timer, deadline);

	assert(has_room);
}

void wr_timers_schedule(struct wr_peer *peer, struct wr_instant now)
{
	struct wr_notes notes;
	struct dues dues;
	struct wr_instant deadline = peer->handshake.retry;

	if (!peer->device->is_up) {
		wr_timers_stop(peer);
		return;
	}
	notes = wr_notes_look(peer);
	dues = dues_of(peer, &notes);
	deadline = wr_sooner(deadline, wr_sooner(dues.zero, dues.silence));
	deadline = wr_sooner(deadline, wr_sooner(dues.keepalive, dues.persistent));
	if (wr_notes_is_armed(&notes))
		deadline = wr_sooner(deadline, wr_after(now, peer->port->timing.keepalive_timeout));
	set_deadline(peer, deadline);
}

void wr_timers_look_soon(struct wr_peer *peer)
{
	if (peer->device->is_up)
		set_deadline(peer, (struct wr_instant){ 0 });
}

void wr_timers_stop(struct wr_peer *peer)
{
	wr_note_clear(peer);
	wr_heap_remove(&peer->port->timers, &peer->timer);
}
