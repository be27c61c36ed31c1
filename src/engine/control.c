#include "engine/control.h"

#include "crypto/crypto.h"
#include "engine/mail.h"
#include "engine/relay.h"
#include "linux/clock.h"

/* Handshake datagrams of one worker that are handled in a turn: some 200 us each,
 * so that configuration and timers wait for 20 ms at the most. */
#define TURN_LETTERS 64
/* This much unread mail of one worker, some 140 handshakes or 30 ms of work, is
 * load, and for a second after (kernel: UNDER_LOAD; wireguard-go: 128 handshakes). */
#define LOAD_MAIL (WR_MAIL_LEN / 4)
#define LOAD_LASTS WR_SPAN_S(1)
/* What is retired waits this long, so that a grace period serves many. */
#define RECLAIM_DELAY WR_SPAN_MS(50)
struct turn {
	struct wr_moment moment;
	bool has_more;
};

static struct wr_moment moment_now(void)
{
	return (struct wr_moment){ wr_clock_now(), wr_clock_wall() };
}

/* An initiation for want of a session. */
static void tell_wanted(const struct wr_engine *engine, const struct wr_output *output,
			struct wr_instant now)
{
	if (output->datagram[0] == WR_MESSAGE_INITIATION && engine->wanted &&
	    output->peer->managed && !wr_peer_session(output->peer, now))
		engine->wanted(engine->context, output->peer);
}

/* --- Doing what the port asks. --- */

static void do_output(struct wr_engine *engine, const struct turn *turn, struct wr_output *output)
{
	struct wr_instant now = turn->moment.now;

	switch (output->kind) {
	case WR_OUTPUT_NONE: break;
	case WR_OUTPUT_DATAGRAM:
		wr_control_send_datagram(engine, output);
		tell_wanted(engine, output, now);
		break;
	case WR_OUTPUT_SESSION:
		if (!wr_control_send_staged(engine, output->peer, now) && output->needs_keepalive)
			wr_control_send_keepalive(engine, output->peer, now);
		break;
	case WR_OUTPUT_KEEPALIVE: wr_control_send_keepalive(engine, output->peer, now); break;
	case WR_OUTPUT_GIVE_UP:
		wr_tally_add(&engine->tally.verdicts[WR_DROP_STAGED],
			     wr_staging_drop(&engine->staging, output->peer));
		break;
	}
	if (output->shook && engine->shook)
		engine->shook(engine->context, output->shook);
}

static void tell_heard(struct wr_engine *engine, struct wr_peer *peer,
		       const struct wr_endpoint *from)
{
	if (!peer->managed) {
		wr_relay_heard(peer);
		return;
	}
	wr_relay_heard_at(peer, from);
	if (!peer->is_removed && engine->heard)
		engine->heard(engine->context, peer, from);
}

/* Fresh randomness for one call of the port. */
static const struct wr_entropy *fresh_entropy(struct wr_engine *engine)
{
	if (!engine->entropy_left) {
		wr_random_many(engine->entropy, sizeof(engine->entropy));
		engine->entropy_left = WR_ENTROPY_POOL;
	}
	return &engine->entropy[engine->entropy_left - 1];
}

/* After a call that may have used what it was given. */
static void spend_entropy(struct wr_engine *engine)
{
	wr_wipe(&engine->entropy[--engine->entropy_left], sizeof(engine->entropy[0]));
}

/* Refused at a glance: before any randomness was used. */
static bool is_garbage(enum wr_verdict verdict)
{
	return verdict == WR_DROP_SHORT || verdict == WR_DROP_TYPE || verdict == WR_DROP_MAC1 ||
	       verdict == WR_DROP_BUDGET || verdict == WR_DROP_INDEX;
}

static void take_handshake(struct wr_engine *engine, struct turn *turn,
			   const struct wr_letter *letter, struct wr_bytes datagram)
{
	struct wr_output output = { .kind = WR_OUTPUT_NONE };

	/* A turn full of handshakes takes longer than what is measured between two. */
	turn->moment = moment_now();

	bool is_loaded = !wr_is_past(engine->loaded_until, turn->moment.now);
	enum wr_verdict verdict;

	if (wr_relay_take(engine, datagram, &letter->from, turn->moment.now, &verdict)) {
		if (verdict != WR_TAKEN)
			wr_tally_drop(&engine->tally, verdict);
		return;
	}
	verdict = wr_port_input(engine->shared.port, datagram, &letter->from, is_loaded,
				&turn->moment, fresh_entropy(engine), &output);

	if (!is_garbage(verdict))
		spend_entropy(engine);
	if (verdict != WR_TAKEN)
		wr_tally_drop(&engine->tally, verdict);
	/* First, so that it is known where a session that is told of leads. */
	if (output.heard)
		tell_heard(engine, output.heard, &letter->from);
	do_output(engine, turn, &output);
}

static void take_packet(struct wr_engine *engine, const struct turn *turn, struct wr_peer *peer,
			struct wr_bytes packet)
{
	unsigned dropped = wr_staging_add(&engine->staging, peer, packet);

	wr_tally_add(&engine->tally.verdicts[WR_DROP_STAGED], dropped);
	/* The session may have come while the packet was on its way here. */
	if (!wr_control_send_staged(engine, peer, turn->moment.now))
		wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE);
}

static void take_wish(struct wr_engine *engine, const struct wr_peer *peer)
{
	if (!peer->is_removed && engine->wants_tun)
		engine->wants_tun(engine->context, peer->device);
}

static void take_letter(struct wr_engine *engine, struct turn *turn, const struct wr_letter *letter,
			struct wr_bytes body)
{
	if (letter->kind == WR_LETTER_HANDSHAKE)
		take_handshake(engine, turn, letter, body);
	else if (letter->kind == WR_LETTER_TUN)
		take_wish(engine, letter->peer);
	else if (letter->kind == WR_LETTER_KNOCK)
		engine->knocked(engine->context, body, &letter->from);
	else if (letter->kind == WR_LETTER_HEARD)
		tell_heard(engine, letter->peer, &letter->from);
	else if (letter->peer->is_removed)
		wr_tally_drop(&engine->tally, WR_DROP_STAGED);
	else
		take_packet(engine, turn, letter->peer, body);
}

/* At most `limit` letters of one ring; true if that was not all. */
static bool read_mail(struct wr_engine *engine, struct turn *turn, struct wr_ring *ring,
		      unsigned limit)
{
	const struct wr_letter *letter;
	struct wr_bytes body;

	for (; wr_mail_peek(ring, &letter, &body); limit--) {
		if (!limit)
			return true;
		take_letter(engine, turn, letter, body);
		wr_ring_pop(ring);
	}
	return false;
}

static void look_at_load(struct wr_engine *engine, const struct turn *turn,
			 const struct wr_worker *worker)
{
	if (wr_ring_used(worker->mail) > LOAD_MAIL)
		engine->loaded_until = wr_after(turn->moment.now, LOAD_LASTS);
}

static void read_all_mail(struct wr_engine *engine, struct turn *turn)
{
	for (unsigned i = 0; i < engine->shared.worker_count; i++) {
		struct wr_worker *worker = &engine->workers[i];

		look_at_load(engine, turn, worker);
		turn->has_more |= read_mail(engine, turn, worker->mail, TURN_LETTERS);
		turn->has_more |= read_mail(engine, turn, worker->packet_mail, TURN_LETTERS);
	}
}

static void poll_port(struct wr_engine *engine, const struct turn *turn)
{
	struct wr_output output = { .kind = WR_OUTPUT_NONE };

	bool has_more = true;

	while (has_more) {
		has_more = wr_port_poll(engine->shared.port, &turn->moment, fresh_entropy(engine),
					&output);
		spend_entropy(engine);
		if (output.heard)
			tell_heard(engine, output.heard, &output.to);
		do_output(engine, turn, &output);
		output.kind = WR_OUTPUT_NONE;
		output.shook = output.heard = NULL;
	}
}

static struct turn begin_turn(struct wr_engine *engine)
{
	struct turn turn = { .moment = moment_now() };

	engine->outbox.now = turn.moment.now;
	return turn;
}

/* --- Memory. --- */

static void schedule_reclaim(struct wr_engine *engine, struct wr_instant now)
{
	if (!engine->shared.port->retire.first && !engine->retired.first)
		engine->reclaim_due = WR_NEVER;
	else if (wr_is_never(engine->reclaim_due))
		engine->reclaim_due = wr_after(now, RECLAIM_DELAY);
}

/* All letters that are there now; who writes on does not hold this up. */
static void read_old_mail(struct wr_engine *engine, struct turn *turn, struct wr_ring *ring)
{
	uint64_t end = wr_ring_end(ring);

	while (!wr_ring_is_past(ring, end))
		read_mail(engine, turn, ring, 1);
}

/* Letters that were written before the grace period may name removed peers, and
 * what was staged for these is dropped. */
static void forget_letters(struct wr_engine *engine)
{
	struct turn turn = begin_turn(engine);

	for (unsigned i = 0; i < engine->shared.worker_count; i++) {
		look_at_load(engine, &turn, &engine->workers[i]);
		read_old_mail(engine, &turn, engine->workers[i].mail);
		read_old_mail(engine, &turn, engine->workers[i].packet_mail);
	}
	wr_outbox_flush(&engine->outbox);
}

void wr_control_reclaim(struct wr_engine *engine)
{
	struct wr_retire_list of_port = wr_port_take_retired(engine->shared.port);
	struct wr_retire_list own = wr_retire_take(&engine->retired);

	wr_rcu_wait(&engine->shared.rcu);
	forget_letters(engine);
	wr_port_forget(engine->shared.port);
	wr_tally_add(&engine->tally.verdicts[WR_DROP_STAGED],
		     wr_staging_drop_removed(&engine->staging));
	wr_retire_free_all(&of_port);
	wr_retire_free_all(&own);
	engine->reclaim_due = WR_NEVER;
	schedule_reclaim(engine, engine->outbox.now);
}

/* Notes of what was sent here, and letters read while reclaiming, put peers on the
 * stack, and wake nobody up. */
static bool has_attention(const struct wr_engine *engine)
{
	return atomic_load_explicit(&engine->shared.port->attention, memory_order_relaxed);
}

bool wr_control_turn(struct wr_engine *engine)
{
	struct turn turn = begin_turn(engine);

	read_all_mail(engine, &turn);
	poll_port(engine, &turn);
	if (engine->shared.port->relay)
		wr_relay_age(engine->shared.port->relay, turn.moment.now);
	wr_outbox_flush(&engine->outbox);
	engine->outbox.wakes_control = false;
	schedule_reclaim(engine, turn.moment.now);
	if (wr_is_past(engine->reclaim_due, turn.moment.now))
		wr_control_reclaim(engine);
	return !turn.has_more && !has_attention(engine);
}
