/* What the control side sends: handshakes, keepalives, what waited for a session, knocks. */
#include <errno.h>
#include <string.h>

#include "engine/control.h"
#include "linux/clock.h"
#include "wire/packet.h"

static uint32_t mtu_of(const struct wr_peer *peer)
{
	const struct wr_attachment *attachment = peer->device->owner;

	return attachment ? atomic_load_explicit(&attachment->mtu, memory_order_relaxed)
			  : UINT16_MAX;
}

/* False if the peer has no session or no endpoint. */
static bool find_flow(struct wr_peer *peer, struct wr_instant now, struct wr_flow *ret_flow)
{
	*ret_flow = (struct wr_flow){
		.peer = peer,
		.session = wr_peer_session(peer, now),
	};
	ret_flow->endpoint_version = wr_peer_endpoint(peer, &ret_flow->endpoint);
	return ret_flow->session && ret_flow->endpoint_version;
}

static void seal_one(struct wr_engine *engine, const struct wr_flow *flow, uint8_t *plain,
		     uint32_t len)
{
	uint8_t tos = len ? wr_packet_tos(plain) : 0;
	uint64_t counter;

	if (!wr_session_take_counters(flow->session, 1, &counter)) {
		wr_tally_drop(&engine->tally, WR_DROP_EXPIRED);
		return;
	}
	wr_outbox_add(&engine->outbox, flow, counter, plain, len, mtu_of(flow->peer), tos);
	if (wr_outbox_is_full(&engine->outbox))
		wr_outbox_flush(&engine->outbox);
}

void wr_control_send_keepalive(struct wr_engine *engine, struct wr_peer *peer,
			       struct wr_instant now)
{
	uint8_t padding[WR_DATA_PADDING] = { 0 };
	struct wr_flow flow;

	if (find_flow(peer, now, &flow))
		seal_one(engine, &flow, padding, 0);
}

bool wr_control_send_staged(struct wr_engine *engine, struct wr_peer *peer, struct wr_instant now)
{
	struct wr_flow flow;
	bool has_sent = false;

	while (peer->owner && find_flow(peer, now, &flow)) {
		struct wr_staged *staged = wr_staging_take(&engine->staging, peer);

		seal_one(engine, &flow, staged->data, staged->len);
		wr_staging_free(staged);
		has_sent = true;
	}
	return has_sent;
}

static void send_to(struct wr_engine *engine, struct wr_output *output,
		    const struct wr_endpoint *to)
{
	struct wr_udp_burst burst = {
		.data = output->datagram,
		.len = (uint32_t)output->len,
		.segment = (uint32_t)output->len,
		.remote = *to,
	};
	int fd = to->ip.family == WR_IPV4 ? engine->outbox.v4 : engine->outbox.v6;
	unsigned dropped = 1;

	if (fd >= 0)
		wr_udp_send(fd, &burst, 1, &dropped);
	wr_tally_add(&engine->tally.verdicts[WR_DROP_UDP], dropped);
}

void wr_control_send_datagram(struct wr_engine *engine, struct wr_output *output)
{
	const struct wr_spread *also = output->also;

	send_to(engine, output, &output->to);
	for (size_t i = 0; also && i < also->count; i++)
		if (!wr_endpoint_equal_remote(&also->endpoints[i], &output->to))
			send_to(engine, output, &also->endpoints[i]);
	if (output->datagram[0] == WR_MESSAGE_COOKIE)
		wr_tally_add(&engine->tally.sent_cookies, 1);
}

bool wr_engine_probe(struct wr_engine *engine, struct wr_peer *peer, const struct wr_endpoint *to)
{
	struct wr_session *session = wr_peer_session(peer, wr_clock_now());

	return session && wr_outbox_probe(&engine->outbox, session, to);
}

int wr_engine_send(const struct wr_engine *engine, struct wr_bytes datagram,
		   const struct wr_endpoint *to)
{
	uint8_t bytes[WR_ENGINE_KNOCK_MAX_LEN];
	struct wr_udp_burst burst = {
		.data = bytes,
		.len = (uint32_t)datagram.len,
		.segment = (uint32_t)datagram.len,
		.remote = *to,
	};
	int fd = to->ip.family == WR_IPV4 ? engine->outbox.v4 : engine->outbox.v6;
	unsigned dropped = 0;

	assert(datagram.len > 0 && datagram.len <= sizeof(bytes));
	if (fd < 0)
		return -ENOTCONN;
	memcpy(bytes, datagram.data, datagram.len);
	return wr_udp_send(fd, &burst, 1, &dropped);
}
