#include "engine/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "wire/message.h"
#include "wire/packet.h"

#define BUFFER_LEN (WR_OUTBOX_FLUSH + WR_OUTBOX_MESSAGE_MAX)

bool wr_outbox_init(struct wr_outbox *outbox, const struct wr_aead *aead,
		    struct wr_aead_context *context, struct wr_tally *tally)
{
	*outbox = (struct wr_outbox){
		.tally = tally,
		.aead = aead,
		.aead_context = context,
		.v4 = -1,
		.v6 = -1,
		.buffer = aligned_alloc(WR_CACHE_LINE, (BUFFER_LEN + WR_CACHE_LINE - 1) &
							       ~(size_t)(WR_CACHE_LINE - 1)),
	};
	return outbox->buffer;
}

void wr_outbox_done(struct wr_outbox *outbox)
{
	free(outbox->buffer);
	outbox->buffer = NULL;
}

/* What was sealed for the current flow becomes its peer's note. */
static void note(struct wr_outbox *outbox)
{
	if (!outbox->flow_bytes)
		return;
	if (wr_peer_note_sent(outbox->flow.peer, outbox->flow.session, outbox->now,
			      outbox->flow_bytes, outbox->flow_has_data))
		outbox->wakes_control = true;
	outbox->flow_bytes = 0;
	outbox->flow_has_data = false;
}

static unsigned send_bursts(const struct wr_outbox *outbox)
{
	bool is_v4 = outbox->bursts[0].remote.ip.family == WR_IPV4;
	int fd = is_v4 ? outbox->v4 : outbox->v6;
	unsigned dropped = 0;

	if (fd >= 0) {
		wr_udp_send(fd, outbox->bursts, outbox->count, &dropped);
		return dropped;
	}
	for (unsigned i = 0; i < outbox->count; i++)
		dropped += (outbox->bursts[i].len + outbox->bursts[i].segment - 1) /
			   outbox->bursts[i].segment;
	return dropped;
}

void wr_outbox_flush(struct wr_outbox *outbox)
{
	note(outbox);
	if (outbox->count)
		wr_tally_add(&outbox->tally->verdicts[WR_DROP_UDP], send_bursts(outbox));
	outbox->count = 0;
	outbox->used = 0;
	outbox->is_last_open = false;
	outbox->flow = (struct wr_flow){ 0 };
}

static bool fits_last(const struct wr_outbox *outbox, const struct wr_flow *flow, uint32_t len,
		      uint8_t ecn)
{
	const struct wr_udp_burst *last = &outbox->bursts[outbox->count - 1];

	return outbox->is_last_open && outbox->flow.session == flow->session &&
	       outbox->flow.endpoint_version == flow->endpoint_version && last->tos == ecn &&
	       len <= last->segment && last->len + len <= WR_UDP_MAX_PAYLOAD &&
	       outbox->used + len <= BUFFER_LEN && last->len < last->segment * WR_UDP_MAX_SEGMENTS;
}

static void start_burst(struct wr_outbox *outbox, const struct wr_flow *flow, uint32_t len,
			uint8_t ecn)
{
	if (outbox->count == WR_UDP_BATCH || outbox->used + len > BUFFER_LEN ||
	    (outbox->count && outbox->bursts[0].remote.ip.family != flow->endpoint.ip.family))
		wr_outbox_flush(outbox);
	if (outbox->flow.session != flow->session)
		note(outbox);
	outbox->flow = *flow;
	outbox->bursts[outbox->count++] = (struct wr_udp_burst){
		.data = outbox->buffer + outbox->used,
		.segment = len,
		.tos = ecn,
		.remote = flow->endpoint,
	};
	outbox->is_last_open = true;
}

static void seal(struct wr_outbox *outbox, const struct wr_session *session, uint64_t counter,
		 uint8_t *plain, uint32_t len, uint32_t padding, uint8_t *message)
{
	struct wr_aead_job job = {
		.src = plain,
		.dst = message + WR_DATA_HEADER_LEN,
		.len = len + padding,
		.counter = counter,
	};
	uint8_t saved[WR_DATA_PADDING];

	wr_data_header_write(message, session->remote_index, counter);
	memcpy(saved, plain + len, padding);
	memset(plain + len, 0, padding);
	outbox->aead->seal(outbox->aead_context, &session->send_key, &job, 1);
	memcpy(plain + len, saved, padding);
}

void wr_outbox_add(struct wr_outbox *outbox, const struct wr_flow *flow, uint64_t counter,
		   uint8_t *plain, uint32_t len, uint32_t mtu, uint8_t tos)
{
	uint32_t padding = (uint32_t)wr_data_padded(len, mtu) - len;
	uint32_t message_len = len + padding + WR_DATA_OVERHEAD;
	uint8_t ecn = tos & WR_ECN_MASK;

	if (!outbox->count || !fits_last(outbox, flow, message_len, ecn))
		start_burst(outbox, flow, message_len, ecn);
	struct wr_udp_burst *burst = &outbox->bursts[outbox->count - 1];

	seal(outbox, flow->session, counter, plain, len, padding, burst->data + burst->len);
	burst->len += message_len;
	outbox->used += message_len;
	outbox->flow_bytes += message_len;
	outbox->flow_has_data |= len > 0;
	/* UDP_SEGMENT: only the last may be shorter. */
	if (message_len < burst->segment)
		outbox->is_last_open = false;
	wr_tally_add(&outbox->tally->tx_packets, 1);
}

bool wr_outbox_probe(struct wr_outbox *outbox, struct wr_session *session,
		     const struct wr_endpoint *to)
{
	int fd = to->ip.family == WR_IPV4 ? outbox->v4 : outbox->v6;
	uint8_t message[WR_DATA_OVERHEAD];
	uint8_t nothing[1] = { 0 };
	struct wr_udp_burst burst = {
		.data = message,
		.len = sizeof(message),
		.segment = sizeof(message),
		.remote = *to,
	};
	unsigned dropped = 1;
	uint64_t counter;

	if (!wr_session_take_counters(session, 1, &counter))
		return false;
	seal(outbox, session, counter, nothing, 0, 0, message);
	if (fd >= 0)
		wr_udp_send(fd, &burst, 1, &dropped);
	wr_tally_add(&outbox->tally->verdicts[WR_DROP_UDP], dropped);
	wr_tally_add(&outbox->tally->tx_packets, 1);
	return true;
}
