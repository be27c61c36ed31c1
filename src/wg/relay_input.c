/* Handshake messages that go on to another machine. */
#include "wg/cookie.h"
#include "wg/port.h"
#include "wg/relay.h"

static enum wr_verdict on_initiation(struct wr_relay *relay, struct wr_bytes datagram,
				     const struct wr_endpoint *source, struct wr_instant now,
				     struct wr_relay_pass *pass)
{
	struct wr_initiation message;
	struct wr_relay_match match;
	enum wr_verdict verdict;

	if (!wr_initiation_read(datagram, &message))
		return WR_DROP_SHORT;
	verdict = wr_relay_match(relay, datagram, source, now, &match);
	if (verdict != WR_TAKEN)
		return verdict;
	if (!wr_budget_take(relay->passes, &source->ip, 1, now))
		return WR_DROP_RATE;
	*pass = (struct wr_relay_pass){
		.match = match,
		.is_asked = !wr_relay_has_pair(relay, match.from, match.to),
		.has_index = true,
		.index = message.sender,
	};
	return WR_TAKEN;
}

/* The way that an answer with this receiver index goes; NULL if the index is ours or nobody's. */
static struct wr_relay_way *way_of(struct wr_relay *relay, uint32_t receiver,
				   const struct wr_endpoint *source, struct wr_instant now,
				   struct wr_relay_pass *pass)
{
	struct wr_relay_way *way;

	if (wr_index_find(&relay->port->indices, receiver))
		return NULL;
	way = wr_relay_find(relay, receiver, source);
	if (!way)
		return NULL;
	wr_relay_use(way, now);
	*pass = (struct wr_relay_pass){ .match = { way->from, way->to } };
	return way;
}

/* Garbage with an index that was seen on the way is not worth an entry: its mac1 is wrong. */
static enum wr_verdict on_response(struct wr_relay *relay, struct wr_bytes datagram,
				   const struct wr_endpoint *source, struct wr_instant now,
				   struct wr_relay_pass *pass)
{
	struct wr_response message;
	const struct wr_relay_way *way;

	if (!wr_response_read(datagram, &message))
		return WR_DROP_SHORT;
	way = way_of(relay, message.receiver, source, now, pass);
	if (!way)
		return WR_DROP_INDEX;
	if (!wr_cookie_mac1_check(&way->to->public_key, datagram))
		return WR_DROP_FORGED;
	pass->has_index = true;
	pass->index = message.sender;
	return WR_TAKEN;
}

static enum wr_verdict on_cookie_reply(struct wr_relay *relay, struct wr_bytes datagram,
				       const struct wr_endpoint *source, struct wr_instant now,
				       struct wr_relay_pass *pass)
{
	struct wr_cookie_reply message;

	if (!wr_cookie_reply_read(datagram, &message))
		return WR_DROP_SHORT;
	return way_of(relay, message.receiver, source, now, pass) ? WR_TAKEN : WR_DROP_INDEX;
}

enum wr_verdict wr_relay_input(struct wr_relay *relay, struct wr_bytes datagram,
			       const struct wr_endpoint *source, struct wr_instant now,
			       struct wr_relay_pass *ret_pass)
{
	switch (wr_message_type(datagram)) {
	case WR_MESSAGE_INITIATION: return on_initiation(relay, datagram, source, now, ret_pass);
	case WR_MESSAGE_RESPONSE: return on_response(relay, datagram, source, now, ret_pass);
	case WR_MESSAGE_COOKIE: return on_cookie_reply(relay, datagram, source, now, ret_pass);
	case WR_MESSAGE_DATA:
	case WR_MESSAGE_NONE: break;
	}
	return WR_DROP_INDEX;
}

enum wr_verdict wr_relay_commit(struct wr_relay *relay, const struct wr_relay_pass *pass,
				struct wr_instant now)
{
	if (!pass->has_index)
		return WR_TAKEN;
	return wr_relay_record(relay, pass->match.from, pass->match.to, pass->index, now);
}
