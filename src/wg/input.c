#include <string.h>

#include "wg/attempt.h"
#include "wg/match.h"
#include "wg/notes.h"
#include "wg/port.h"
#include "wg/rotation.h"
#include "wg/spread.h"
#include "wg/timers.h"

/* kernel messages.h, INITIATIONS_PER_SECOND: of one peer. */
#define MIN_INITIATION_GAP WR_SPAN_MS(20)

/* One datagram and what came with it. */
struct input {
	struct wr_port *port;
	struct wr_bytes datagram;
	const struct wr_endpoint *from;
	bool is_under_load;
	const struct wr_moment *moment;
	const struct wr_entropy *entropy;
	struct wr_output *output;
	struct wr_peer *shook, *heard; /* as of `output`, which is written last */
};

/* --- Under load: does the sender receive where it says? --- */

static void answer_with_cookie(struct input *input, const struct wr_key *own_public,
			       uint32_t sender)
{
	const uint8_t *mac1 = input->datagram.data + input->datagram.len - 2 * WR_MAC_LEN;
	struct wr_cookie_reply reply;

	wr_cookie_baker_reply(&input->port->baker, own_public, sender, mac1, input->from,
			      input->entropy->nonce, &reply);
	*input->output = (struct wr_output){ .kind = WR_OUTPUT_DATAGRAM,
					     .to = *input->from,
					     .len = WR_COOKIE_LEN };
	wr_cookie_reply_write(&reply, input->output->datagram);
}

/* mac1 is right; `sender` is the message's. */
static enum wr_verdict admit(struct input *input, const struct wr_key *own_public, uint32_t sender)
{
	struct wr_port *port = input->port;
	struct wr_instant now = input->moment->now;

	if (!input->is_under_load)
		return WR_TAKEN;
	wr_cookie_baker_refresh(&port->baker, &input->entropy->cookie_secret, now,
				port->timing.cookie_lifetime);
	if (!wr_cookie_baker_check(&port->baker, input->datagram, input->from)) {
		answer_with_cookie(input, own_public, sender);
		return WR_DROP_COOKIE;
	}
	return wr_budget_take(port->handshakes, &input->from->ip, 1, now) ? WR_TAKEN : WR_DROP_RATE;
}

/* --- Handshakes. --- */

/* The peer has proved that it has its key, and where it is. */
static void heard_from(struct input *input, struct wr_peer *peer)
{
	if (peer->managed)
		peer->managed->shook_from = *input->from;
	if (!peer->managed)
		wr_peer_set_endpoint(peer, input->from);
	else if (wr_spread_follow(peer, input->from, input->moment->now) ||
		 wr_peer_hear(peer, input->from, input->moment->now))
		input->heard = peer;
	wr_relay_heard(peer);
	wr_note_handshake_received(peer, input->moment->now, input->datagram.len);
}

/* The other side has the keys of the session that waited for that. */
static void confirm(struct input *input, struct wr_peer *peer)
{
	if (!wr_rotation_confirm(peer))
		return;
	wr_attempt_succeeded(peer, input->moment->wall);
	input->shook = peer;
}

/* A session under a fresh index; NULL where memory is short. */
static struct wr_session *session_answered(struct input *input, struct wr_peer *peer,
					   const struct wr_transport_keys *keys,
					   uint32_t remote_index)
{
	struct wr_port *port = input->port;
	struct wr_session *session = wr_session_new(peer, keys, false, &port->timing,
						    input->moment->now);

	if (!session)
		return NULL;
	session->remote_index = remote_index;
	if (!wr_index_add(&port->indices, &session->index, input->entropy->index_seed,
			  &port->retire)) {
		wr_session_free_retired(&session->retired);
		return NULL;
	}
	return session;
}

static void send_response(struct input *input, struct wr_peer *peer,
			  const struct wr_response *response)
{
	struct wr_output *output = input->output;

	*output = (struct wr_output){
		.kind = WR_OUTPUT_DATAGRAM, .peer = peer, .to = *input->from, .len = WR_RESPONSE_LEN
	};
	wr_response_write(response, output->datagram);
	wr_cookie_jar_sign(&peer->cookie, input->moment->now, output->datagram, output->len);
	wr_peer_note_mac1(peer, output->datagram, output->len);
	wr_note_handshake_sent(peer, input->moment->now, output->len);
}

static enum wr_verdict respond(struct input *input, struct wr_peer *peer,
			       const struct wr_initiation_opened *opened)
{
	struct wr_transport_keys keys;
	struct wr_response response = { 0 };
	struct wr_session *session;

	if (!wr_handshake_respond(opened, &peer->preshared_key, &input->entropy->ephemeral,
				  &response, &keys))
		return WR_DROP_FORGED;
	session = session_answered(input, peer, &keys, opened->sender);
	wr_wipe(&keys, sizeof(keys));
	if (!session)
		return WR_DROP_RATE; /* more than there is memory for */
	response.sender = session->index.index;
	wr_rotation_add(peer, session);
	peer->session_derived = input->moment->now;
	send_response(input, peer, &response);
	return WR_TAKEN;
}

/* An initiation of a known peer must be newer than any before, and not too soon
 * after the last. */
static enum wr_verdict check_age(const struct wr_handshake *handshake,
				 const uint8_t timestamp[WR_TAI64N_LEN], struct wr_instant now)
{
	if (memcmp(timestamp, handshake->latest_timestamp, WR_TAI64N_LEN) <= 0)
		return WR_DROP_REPLAY;
	if (handshake->consumed.ns &&
	    !wr_is_past(wr_after(handshake->consumed, MIN_INITIATION_GAP), now))
		return WR_DROP_RATE;
	return WR_TAKEN;
}

static enum wr_verdict initiation_of_peer(struct input *input, struct wr_peer *peer,
					  struct wr_initiation_opened *opened)
{
	struct wr_handshake *handshake = &peer->handshake;
	uint8_t timestamp[WR_TAI64N_LEN];
	enum wr_verdict verdict;

	wr_peer_prepare(peer);
	if (!wr_handshake_open_timestamp(&handshake->static_static, opened, timestamp))
		return WR_DROP_FORGED;
	verdict = check_age(handshake, timestamp, input->moment->now);
	if (verdict != WR_TAKEN)
		return verdict;

	memcpy(handshake->latest_timestamp, timestamp, WR_TAI64N_LEN);
	handshake->consumed = input->moment->now;
	confirm(input, peer);
	heard_from(input, peer);
	verdict = respond(input, peer, opened);
	wr_timers_schedule(peer, input->moment->now);
	return verdict;
}

/* It may be a peer soon; then it has another one under way by rekey_timeout. */
static void keep_for_later(const struct input *input, const struct wr_key *public_key)
{
	struct wr_port *port = input->port;

	wr_early_keep(&port->early, public_key, input->datagram, input->from,
		      wr_after(input->moment->now, port->timing.rekey_timeout));
}

static enum wr_verdict initiation_of_device(struct input *input, const struct wr_device *device,
					    const struct wr_initiation *message)
{
	struct wr_initiation_opened opened;
	struct wr_peer *peer;
	enum wr_verdict verdict = WR_DROP_PEER;

	if (!wr_handshake_open_initiation(&device->identity, message, &opened))
		return WR_DROP_FORGED;
	peer = wr_device_find_peer(device, &opened.peer_public);
	if (peer)
		verdict = initiation_of_peer(input, peer, &opened);
	else
		keep_for_later(input, &opened.peer_public);
	wr_wipe(&opened, sizeof(opened));
	return verdict;
}

static enum wr_verdict on_initiation(struct input *input)
{
	struct wr_initiation message;
	struct wr_device *device;
	enum wr_verdict verdict;

	if (!wr_initiation_read(input->datagram, &message))
		return WR_DROP_SHORT;
	verdict = wr_match_initiation(input->port, input->datagram, input->from, input->moment->now,
				      &device);
	if (verdict == WR_TAKEN)
		verdict = admit(input, &device->identity.public_key, message.sender);
	if (verdict == WR_TAKEN)
		verdict = initiation_of_device(input, device, &message);
	return verdict;
}

/* The session takes over the index of the initiation that was answered. */
static enum wr_verdict begin_session(struct input *input, struct wr_peer *peer,
				     const struct wr_transport_keys *keys, uint32_t remote_index)
{
	struct wr_port *port = input->port;
	struct wr_session *session = wr_session_new(peer, keys, true, &port->timing,
						    input->moment->now);

	if (!session)
		return WR_DROP_RATE; /* more than there is memory for */
	session->remote_index = remote_index;
	wr_index_replace(&port->indices, &peer->handshake.index, &session->index);
	wr_handshake_clear(&peer->handshake);
	wr_rotation_add(peer, session);
	wr_attempt_succeeded(peer, input->moment->wall);
	input->shook = peer;
	peer->session_derived = input->moment->now;
	*input->output = (struct wr_output){ .kind = WR_OUTPUT_SESSION,
					     .peer = peer,
					     .needs_keepalive = true };
	return WR_TAKEN;
}

static enum wr_verdict response_of_peer(struct input *input, struct wr_peer *peer,
					const struct wr_response *message)
{
	struct wr_transport_keys keys;
	enum wr_verdict verdict;

	if (!wr_handshake_finish(&peer->handshake, &peer->device->identity, &peer->preshared_key,
				 message, &keys))
		return WR_DROP_FORGED;
	heard_from(input, peer);
	verdict = begin_session(input, peer, &keys, message->sender);
	wr_wipe(&keys, sizeof(keys));
	wr_timers_schedule(peer, input->moment->now);
	return verdict;
}

static enum wr_verdict on_response(struct input *input)
{
	struct wr_response message;
	struct wr_index_entry *entry;
	struct wr_peer *peer;
	enum wr_verdict verdict;

	if (!wr_response_read(input->datagram, &message))
		return WR_DROP_SHORT;
	entry = wr_index_find(&input->port->indices, message.receiver);
	if (!entry || entry->kind != WR_INDEX_HANDSHAKE)
		return WR_DROP_INDEX;
	peer = WR_CONTAINER_OF(entry, struct wr_peer, handshake.index);
	if (!wr_cookie_mac1_check(&peer->device->identity.public_key, input->datagram))
		return WR_DROP_MAC1;
	verdict = admit(input, &peer->device->identity.public_key, message.sender);
	return verdict == WR_TAKEN ? response_of_peer(input, peer, &message) : verdict;
}

/* --- Cookies. --- */

/* Of a handshake, or of a session: its response may be what the other side asks a
 * cookie for. */
static struct wr_peer *peer_of_index(const struct wr_port *port, uint32_t index)
{
	struct wr_index_entry *entry = wr_index_find(&port->indices, index);

	if (!entry)
		return NULL;
	if (entry->kind == WR_INDEX_HANDSHAKE)
		return WR_CONTAINER_OF(entry, struct wr_peer, handshake.index);
	return WR_CONTAINER_OF(entry, struct wr_session, index)->peer;
}

static enum wr_verdict on_cookie_reply(struct input *input)
{
	struct wr_cookie_reply reply;
	struct wr_peer *peer;

	if (!wr_cookie_reply_read(input->datagram, &reply))
		return WR_DROP_SHORT;
	peer = peer_of_index(input->port, reply.receiver);
	if (!peer)
		return WR_DROP_INDEX;
	/* One reply a message: the next one is a copy. */
	if (!peer->handshake.has_sent_mac1)
		return WR_DROP_REPLAY;
	if (!wr_cookie_jar_take(&peer->cookie, &reply, &peer->handshake.sent_mac1,
				input->moment->now, input->port->timing.cookie_lifetime))
		return WR_DROP_FORGED;
	peer->handshake.has_sent_mac1 = false;
	return WR_TAKEN;
}

static enum wr_verdict take(struct input *input)
{
	switch (wr_message_type(input->datagram)) {
	case WR_MESSAGE_INITIATION: return on_initiation(input);
	case WR_MESSAGE_RESPONSE: return on_response(input);
	case WR_MESSAGE_COOKIE: return on_cookie_reply(input);
	case WR_MESSAGE_DATA: return WR_DROP_TYPE; /* not for here */
	case WR_MESSAGE_NONE: break;
	}
	return wr_message_refuse(input->datagram);
}

enum wr_verdict wr_port_input(struct wr_port *port, struct wr_bytes datagram,
			      const struct wr_endpoint *from, bool under_load,
			      const struct wr_moment *moment, const struct wr_entropy *entropy,
			      struct wr_output *ret_output)
{
	struct input input = { .port = port,
			       .datagram = datagram,
			       .from = from,
			       .is_under_load = under_load,
			       .moment = moment,
			       .entropy = entropy,
			       .output = ret_output };
	enum wr_verdict verdict;

	ret_output->kind = WR_OUTPUT_NONE;
	ret_output->peer = NULL;
	verdict = take(&input);
	ret_output->shook = input.shook;
	ret_output->heard = input.heard;
	return verdict;
}
