/* TUN -> allowed-IPs -> session -> seal -> UDP. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/mail.h"
#include "engine/worker.h"
#include "wire/message.h"
#include "wire/packet.h"

/* Before the packet: room for the header of virtio, at an aligned packet. */
#define HEADROOM WR_CACHE_LINE
#define PACKET_MAX 65535

static_assert(HEADROOM >= WR_TUN_HEADER_LEN, "the header of virtio stands before the packet");

/* Packets read in one round at the most, so that the other direction gets its
 * turn also when they are small. */
#define ROUND_PACKETS 256

/* Reads one packet; its length, 0 if there is none now. */
static uint32_t read_packet(struct wr_worker *worker, const struct wr_tun *tun,
			    struct virtio_net_hdr *ret_header)
{
	uint8_t *packet = worker->tun_buffer + HEADROOM;
	size_t header_len = tun->has_offload ? WR_TUN_HEADER_LEN : 0;
	ssize_t got = read(wr_worker_queue(worker, tun), packet - header_len,
			   PACKET_MAX + header_len);

	*ret_header = (struct virtio_net_hdr){ 0 };
	if (got <= (ssize_t)header_len)
		return 0;
	memcpy(ret_header, packet - header_len, header_len);
	return (uint32_t)((size_t)got - header_len);
}

/* Where the packet goes; the peer is NULL, and the drop counted, if nowhere. */
static struct wr_flow find_flow(struct wr_worker *worker, const struct wr_attachment *attachment,
				const struct wr_packet *packet)
{
	struct wr_flow flow = { 0 };
	struct wr_peer *peer = wr_allowedips_find(&attachment->device->allowed, packet->family,
						  packet->dst);

	if (!peer) {
		wr_tally_drop(&worker->tally, WR_DROP_NO_ROUTE);
		return flow;
	}
	flow = wr_flow_to(peer, worker->now);
	if (!flow.endpoint_version) {
		wr_tally_drop(&worker->tally, WR_DROP_NO_ENDPOINT);
		flow.peer = NULL;
	}
	return flow;
}

/* Without a session the packets wait with the control thread for a handshake. */
static void stage(struct wr_worker *worker, struct wr_peer *peer)
{
	struct wr_letter letter = { .kind = WR_LETTER_PACKET, .peer = peer };
	struct wr_segment segment;

	while (wr_segmenter_next(&worker->segmenter, &segment))
		if (!wr_mail_push(worker->packet_mail, &letter,
				  (struct wr_bytes){ segment.data, segment.len }))
			wr_tally_drop(&worker->tally, WR_DROP_STAGED);
	worker->wakes_control = true;
}

static void seal_all(struct wr_worker *worker, const struct wr_attachment *attachment,
		     const struct wr_flow *flow, uint8_t tos)
{
	uint32_t mtu = atomic_load_explicit(&attachment->mtu, memory_order_relaxed);
	struct wr_segment segment;
	uint64_t counter;

	if (!wr_session_take_counters(flow->session, worker->segmenter.left, &counter)) {
		wr_tally_add(&worker->tally.verdicts[WR_DROP_EXPIRED], worker->segmenter.left);
		worker->wakes_control |= wr_peer_ask(flow->peer, WR_ATTENTION_HANDSHAKE);
		return;
	}
	while (wr_segmenter_next(&worker->segmenter, &segment))
		wr_outbox_add(&worker->outbox, flow, counter++, segment.data, segment.len, mtu,
			      tos);
}

/* A super-packet is one flow's: its headers say all. Before they are written over. */
static enum wr_verdict judge(const struct wr_worker *worker, const struct wr_attachment *attachment,
			     const uint8_t *ip, const struct wr_packet *packet)
{
	struct wr_guard *guard = wr_guard_of(attachment);

	return guard ? wr_guard_judge(guard, ip, packet->total_len, worker->now) : WR_TAKEN;
}

static void carry(struct wr_worker *worker, const struct wr_attachment *attachment,
		  const struct virtio_net_hdr *header, uint32_t len)
{
	uint8_t *ip = worker->tun_buffer + HEADROOM;
	struct wr_packet packet;

	if (!wr_packet_read((struct wr_bytes){ ip, len }, &packet)) {
		wr_tally_drop(&worker->tally, WR_DROP_INNER);
		return;
	}
	struct wr_flow flow = find_flow(worker, attachment, &packet);

	if (!flow.peer)
		return;
	enum wr_verdict verdict = judge(worker, attachment, ip, &packet);

	if (verdict == WR_TAKEN)
		verdict = wr_segmenter_start(&worker->segmenter, header, ip, len);
	if (verdict != WR_TAKEN)
		wr_tally_drop(&worker->tally, verdict);
	else if (flow.session)
		seal_all(worker, attachment, &flow, wr_packet_tos(ip));
	else
		stage(worker, flow.peer);
}

void wr_worker_outbound(struct wr_worker *worker, const struct wr_binding *binding)
{
	struct wr_outbox *outbox = &worker->outbox;
	struct virtio_net_hdr header;

	for (unsigned i = 0; i < ROUND_PACKETS && !wr_outbox_is_full(outbox); i++) {
		uint32_t len = read_packet(worker, binding->tun, &header);

		if (!len)
			break;
		carry(worker, binding->attachment, &header, len);
	}
	wr_outbox_flush(outbox);
	worker->wakes_control |= outbox->wakes_control;
	outbox->wakes_control = false;
}
