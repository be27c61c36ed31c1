#include "wg/attempt.h"

#include <string.h>

#include "wg/notes.h"
#include "wg/rotation.h"
#include "wg/spread.h"
#include "wg/timers.h"

/* Between two initiations of which the first went to where nobody is. Who hears both all the same
 * takes them: kernel messages.h, INITIATIONS_PER_SECOND is 50. */
#define HASTY_GAP WR_SPAN_MS(250)

static bool is_possible(const struct wr_peer *peer)
{
	return peer->device->is_up && peer->device->mac1_slot != WR_MAC1_NONE;
}

void wr_attempt_begin(struct wr_peer *peer, struct wr_instant now, struct wr_span delay)
{
	struct wr_handshake *handshake = &peer->handshake;

	if (!is_possible(peer))
		return;
	if (!wr_attempt_is_on(peer))
		handshake->retry = wr_after(now, delay);
	handshake->started = now;
}

static void forget_initiation(struct wr_peer *peer)
{
	if (peer->handshake.state == WR_HANDSHAKE_INITIATED)
		wr_index_remove(&peer->port->indices, &peer->handshake.index);
	wr_handshake_clear(&peer->handshake);
}

void wr_attempt_stop(struct wr_peer *peer)
{
	forget_initiation(peer);
	peer->handshake.retry = WR_NEVER;
}

void wr_attempt_succeeded(struct wr_peer *peer, struct wr_wall wall)
{
	wr_attempt_stop(peer);
	peer->latest_handshake = wall;
}

static struct wr_instant give_up_time(const struct wr_peer *peer)
{
	return wr_after(peer->handshake.started, peer->port->timing.rekey_attempt);
}

void wr_attempt_hasten(struct wr_peer *peer)
{
	struct wr_handshake *handshake = &peer->handshake;

	if (handshake->state != WR_HANDSHAKE_INITIATED || !wr_attempt_is_on(peer) ||
	    wr_rotation_current(peer) || wr_rotation_next(peer))
		return;
	handshake->is_hasty = true;
	handshake->retry = wr_sooner(handshake->retry, wr_after(handshake->sent, HASTY_GAP));
	wr_timers_look_soon(peer);
}

/* One rekey_timeout after our last initiation; and after our last answer, whose
 * session the peer should be about to confirm. */
static struct wr_instant earliest(const struct wr_peer *peer)
{
	struct wr_span timeout = peer->port->timing.rekey_timeout;
	struct wr_span gap = peer->handshake.is_hasty ? HASTY_GAP : timeout;
	struct wr_instant sent = peer->handshake.sent;
	struct wr_instant after_sent = sent.ns ? wr_after(sent, gap) : sent;
	struct wr_instant after_answer = { 0 };

	if (wr_rotation_next(peer))
		after_answer = wr_after(wr_rotation_next(peer)->created, timeout);
	return after_sent.ns > after_answer.ns ? after_sent : after_answer;
}

void wr_attempt_forget_source(struct wr_peer *peer)
{
	struct wr_endpoint remote;

	if (!wr_peer_endpoint(peer, &remote))
		return;
	remote.local = (struct wr_ip){ 0 };
	remote.interface = 0;
	wr_peer_set_endpoint(peer, &remote);
}

static struct wr_wall wall_of(const struct wr_port *port, const struct wr_moment *moment)
{
	struct wr_wall least = { port->least_wall.ns + moment->now.ns - port->least_since.ns };

	return port->least_wall.ns && least.ns > moment->wall.ns ? least : moment->wall;
}

/* Makes an initiation under a new index; false if that is impossible: a key of
 * low order, or no memory for the index. */
static bool initiate(struct wr_peer *peer, const struct wr_moment *moment,
		     const struct wr_entropy *entropy, struct wr_initiation *ret)
{
	struct wr_handshake *handshake = &peer->handshake;
	struct wr_port *port = peer->port;

	forget_initiation(peer);
	if (!wr_index_add(&port->indices, &handshake->index, entropy->index_seed, &port->retire))
		return false;
	wr_peer_prepare(peer);
	wr_tai64n(wall_of(port, moment), handshake->sent_timestamp, handshake->sent_timestamp);
	if (wr_handshake_initiate(handshake, &peer->device->identity, &peer->public_key,
				  &entropy->ephemeral, handshake->sent_timestamp, ret))
		return true;
	wr_index_remove(&port->indices, &handshake->index);
	return false;
}

static bool send(struct wr_peer *peer, const struct wr_moment *moment,
		 const struct wr_entropy *entropy, struct wr_output *output)
{
	struct wr_handshake *handshake = &peer->handshake;
	const struct wr_spread *spread = wr_spread_of(peer, moment->now);
	struct wr_initiation message;
	struct wr_endpoint endpoint;

	if (!wr_peer_endpoint(peer, &endpoint))
		return false;
	handshake->sent = moment->now;
	handshake->is_hasty = false;
	if (!initiate(peer, moment, entropy, &message))
		return false;
	*output = (struct wr_output){
		.kind = WR_OUTPUT_DATAGRAM,
		.peer = peer,
		.to = endpoint,
		.also = spread,
		.len = WR_INITIATION_LEN,
	};
	wr_initiation_write(&message, output->datagram);
	wr_cookie_jar_sign(&peer->cookie, moment->now, output->datagram, output->len);
	wr_peer_note_mac1(peer, output->datagram, output->len);
	wr_note_handshake_sent(peer, moment->now, output->len);
	return true;
}

static bool give_up(struct wr_peer *peer, struct wr_output *output)
{
	wr_attempt_stop(peer);
	wr_note_given_up(peer);
	*output = (struct wr_output){ .kind = WR_OUTPUT_GIVE_UP, .peer = peer };
	return true;
}

/* What cannot be sent, because the peer's address is not known or its key does not
 * work, is tried again like what is not answered, and given up like it. */
static bool try_once(struct wr_peer *peer, const struct wr_moment *moment,
		     const struct wr_entropy *entropy, struct wr_output *output)
{
	struct wr_handshake *handshake = &peer->handshake;
	struct wr_span wait = { peer->port->timing.rekey_timeout.ns +
				wr_attempt_jitter(peer, entropy).ns };

	if (handshake->state == WR_HANDSHAKE_INITIATED)
		wr_attempt_forget_source(peer);
	handshake->retry = wr_sooner(wr_after(moment->now, wait), give_up_time(peer));
	return send(peer, moment, entropy, output);
}

bool wr_attempt_run(struct wr_peer *peer, const struct wr_moment *moment,
		    const struct wr_entropy *entropy, struct wr_output *ret_output)
{
	struct wr_instant soonest = earliest(peer);

	if (!wr_is_past(peer->handshake.retry, moment->now))
		return false;
	if (!is_possible(peer)) {
		wr_attempt_stop(peer);
		return false;
	}
	if (wr_is_past(give_up_time(peer), moment->now))
		return give_up(peer, ret_output);
	if (!wr_is_past(soonest, moment->now)) {
		peer->handshake.retry = wr_sooner(soonest, give_up_time(peer));
		return false;
	}
	return try_once(peer, moment, entropy, ret_output);
}
