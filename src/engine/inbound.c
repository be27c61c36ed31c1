/* UDP -> index -> session -> open -> replay -> allowed-IPs -> TUN. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/forward.h"
#include "engine/knock.h"
#include "engine/mail.h"
#include "engine/relay.h"
#include "engine/worker.h"
#include "wire/message.h"
#include "wire/packet.h"
#include "wire/stun.h"

/* Transport messages opened at a time: a burst of UDP_GRO has up to 64. */
#define OPEN_BATCH 64

static_assert(WR_DATA_HEADER_LEN >= WR_COALESCE_HEADROOM,
	      "the header of virtio is written over the one of the message");

/* Successive transport messages of one session, from one place. */
struct group {
	struct wr_session *session;
	struct wr_attachment *attachment;
	const struct wr_binding *binding; /* of the attachment; NULL: no TUN */
	struct wr_guard *guard;           /* the same; NULL: all pass */
	const struct wr_udp_burst *burst;
	unsigned count;
	struct wr_aead_job jobs[OPEN_BATCH];
	struct wr_forward_run run;
	struct wr_relay_outbox relayed;
};

/* Its jobs are written before they are read. */
static void group_init(struct group *group)
{
	group->session = NULL;
	group->attachment = NULL;
	group->binding = NULL;
	group->guard = NULL;
	group->count = 0;
	wr_forward_init(&group->run);
	wr_relay_outbox_init(&group->relayed);
}

/* --- To the TUN. --- */

static void write_run(struct wr_worker *worker, const struct wr_tun *tun, struct wr_run *run)
{
	/* The kernel sends answers of this flow to the queue that it was written to
	 * (tun_flow_update()), so the flow's hash spreads flows over the workers. */
	int fd = tun->queues[run->flow % tun->queue_count];

	if (writev(fd, run->spans, run->count) < 0)
		wr_tally_add(&worker->tally.verdicts[WR_DROP_TUN], run->count);
}

static void write_all(struct wr_worker *worker, const struct wr_tun *tun)
{
	struct wr_coalescer *coalescer = worker->coalescer;

	for (unsigned i = 0; i < coalescer->count; i++) {
		wr_coalescer_finish(coalescer, &coalescer->runs[i]);
		write_run(worker, tun, &coalescer->runs[i]);
	}
	wr_coalescer_reset(coalescer);
}

static void deliver(struct wr_worker *worker, const struct wr_tun *tun, uint8_t *ip,
		    const struct wr_packet *packet)
{
	if (wr_coalescer_add(worker->coalescer, ip, packet))
		return;
	write_all(worker, tun);
	bool is_taken = wr_coalescer_add(worker->coalescer, ip, packet);

	assert(is_taken); /* an empty coalescer takes any packet */
}

/* --- One opened message. --- */

static enum wr_verdict check_inner(const struct group *group, uint8_t *ip, uint32_t len,
				   struct wr_packet *ret_packet)
{
	const struct wr_session *session = group->session;
	uint8_t tos, ecn;

	if (!wr_packet_read((struct wr_bytes){ ip, len }, ret_packet))
		return WR_DROP_INNER;
	if (wr_allowedips_find(&session->peer->device->allowed, ret_packet->family,
			       ret_packet->src) != session->peer)
		return WR_DROP_SOURCE;
	tos = wr_packet_tos(ip);
	if (!wr_ecn_decapsulate(group->burst->tos, tos, &ecn))
		return WR_DROP_ECN;
	if (ecn != (tos & WR_ECN_MASK))
		wr_packet_set_ecn(ip, ecn);
	return WR_TAKEN;
}

/* Somebody wants the device to have a TUN; the first one tells the control thread. */
static void ask_for_tun(struct wr_worker *worker, const struct group *group)
{
	struct wr_letter letter = { .kind = WR_LETTER_TUN, .peer = group->session->peer };
	struct wr_bytes nothing = { NULL, 0 };

	if (!group->attachment || !group->attachment->is_hub ||
	    atomic_exchange_explicit(&group->attachment->is_wanted, true, memory_order_relaxed))
		return;
	if (!wr_mail_push(worker->mail, &letter, nothing))
		atomic_store_explicit(&group->attachment->is_wanted, false, memory_order_relaxed);
	worker->wakes_control = true;
}

/* To a peer of the same device, or to its TUN. */
static enum wr_verdict hand_on(struct wr_worker *worker, struct group *group, uint8_t *ip,
			       const struct wr_packet *packet)
{
	const struct wr_attachment *attachment = group->attachment;
	enum wr_verdict verdict = WR_TAKEN;

	if (attachment && attachment->is_hub && !wr_forward_is_own(attachment, packet))
		return wr_forward_add(worker, &group->run, group->session->peer, ip, packet);
	if (!group->binding) {
		ask_for_tun(worker, group);
		return WR_DROP_TUN;
	}
	if (group->guard)
		verdict = wr_guard_judge(group->guard, ip, packet->total_len, worker->now);
	if (verdict == WR_TAKEN)
		deliver(worker, group->binding->tun, ip, packet);
	return verdict;
}

/* True if the message was authentic and fresh. */
static bool take(struct wr_worker *worker, struct group *group, const struct wr_aead_job *job)
{
	struct wr_packet packet;

	if (!job->is_authentic) {
		wr_tally_drop(&worker->tally, WR_DROP_FORGED);
		return false;
	}
	if (!wr_replay_accept(&group->session->replay, job->counter)) {
		wr_tally_drop(&worker->tally, WR_DROP_REPLAY);
		return false;
	}
	if (!job->len) /* a keepalive */
		return true;
	enum wr_verdict verdict = check_inner(group, job->dst, job->len, &packet);

	if (verdict == WR_TAKEN)
		verdict = hand_on(worker, group, job->dst, &packet);
	if (verdict != WR_TAKEN)
		wr_tally_drop(&worker->tally, verdict);
	return true;
}

/* --- A group. --- */

/* A managed peer was heard elsewhere than its traffic goes to. */
static void tell(struct wr_worker *worker, const struct group *group)
{
	struct wr_letter letter = {
		.kind = WR_LETTER_HEARD,
		.peer = group->session->peer,
		.from = group->burst->remote,
	};

	/* One that finds no room is told with the next packet of its kind. */
	(void)wr_mail_push(worker->mail, &letter, (struct wr_bytes){ NULL, 0 });
	worker->wakes_control = true;
}

static void open_group(struct wr_worker *worker, struct group *group)
{
	uint64_t bytes = 0, packets = 0;
	bool has_data = false;

	if (!group->count)
		return;
	worker->shared->aead->open(worker->aead_context, &group->session->receive_key, group->jobs,
				   group->count);
	for (unsigned i = 0; i < group->count; i++) {
		const struct wr_aead_job *job = &group->jobs[i];

		if (!take(worker, group, job))
			continue;
		bytes += job->len + WR_DATA_OVERHEAD;
		has_data |= job->len > 0;
		packets++;
	}
	group->count = 0;
	if (!packets)
		return;
	wr_tally_add(&worker->tally.rx_packets, packets);
	worker->wakes_control |= wr_peer_note_received(group->session->peer, group->session,
						       worker->now, bytes, has_data);
	if (wr_peer_hear(group->session->peer, &group->burst->remote, worker->now))
		tell(worker, group);
}

/* What is gathered for the device goes where it is for. */
static void finish(struct wr_worker *worker, struct group *group)
{
	if (group->binding)
		write_all(worker, group->binding->tun);
	wr_forward_flush(worker, &group->run);
}

/* A coalescer holds packets for one TUN. */
static void switch_session(struct wr_worker *worker, struct group *group,
			   struct wr_session *session)
{
	struct wr_attachment *attachment = session->peer->device->owner;

	open_group(worker, group);
	group->session = session;
	if (attachment == group->attachment)
		return;
	finish(worker, group);
	group->attachment = attachment;
	group->binding = attachment ? wr_binding_of(attachment) : NULL;
	group->guard = attachment ? wr_guard_of(attachment) : NULL;
	if (group->binding)
		wr_coalescer_init(worker->coalescer, group->binding->tun->has_offload,
				  group->binding->tun->has_udp_offload);
}

static void take_data(struct wr_worker *worker, struct group *group, uint8_t *message, uint32_t len)
{
	const struct wr_port *port = worker->shared->port;
	uint32_t receiver = wr_data_receiver(message);

	if (!group->session || group->session->index.index != receiver) {
		struct wr_index_entry *entry = wr_index_find(&port->indices, receiver);

		if (!entry || entry->kind != WR_INDEX_SESSION) {
			if (!wr_relay_pass(worker, &group->relayed, group->burst, message, len))
				wr_tally_drop(&worker->tally, WR_DROP_INDEX);
			return;
		}
		switch_session(worker, group, WR_CONTAINER_OF(entry, struct wr_session, index));
	}
	if (wr_session_is_expired(group->session, worker->now)) {
		wr_tally_drop(&worker->tally, WR_DROP_EXPIRED);
		return;
	}
	if (group->count == OPEN_BATCH)
		open_group(worker, group);
	group->jobs[group->count++] = (struct wr_aead_job){
		.src = message + WR_DATA_HEADER_LEN,
		.dst = message + WR_DATA_HEADER_LEN,
		.len = len - WR_DATA_OVERHEAD,
		.counter = wr_data_counter(message),
	};
}

static void take_handshake(struct wr_worker *worker, const struct wr_udp_burst *burst,
			   struct wr_bytes datagram)
{
	struct wr_letter letter = { .kind = WR_LETTER_HANDSHAKE, .from = burst->remote };

	if (!wr_mail_push(worker->mail, &letter, datagram))
		wr_tally_drop(&worker->tally, WR_DROP_QUEUE);
	worker->wakes_control = true;
}

/* No message of WireGuard's. */
static void take_other(struct wr_worker *worker, const struct wr_udp_burst *burst,
		       struct wr_bytes datagram)
{
	bool is_v4 = burst->remote.ip.family == WR_IPV4;
	_Atomic uint64_t *taken = &worker->tally.stun_answers;
	enum wr_verdict verdict;

	if (worker->stun && wr_stun_is(datagram)) {
		verdict = wr_stun_desk_take(worker->stun,
					    is_v4 ? worker->outbox.v4 : worker->outbox.v6, burst,
					    datagram, worker->now);
	} else if (worker->knocks && wr_knock_is(datagram)) {
		verdict = wr_knock_take(worker, burst, datagram);
		taken = &worker->tally.knocks;
	} else {
		verdict = wr_message_refuse(datagram);
	}
	if (verdict == WR_TAKEN)
		wr_tally_add(taken, 1);
	else
		wr_tally_drop(&worker->tally, verdict);
}

static void take_datagram(struct wr_worker *worker, struct group *group, uint8_t *data,
			  uint32_t len)
{
	struct wr_bytes datagram = { data, len };

	switch (wr_message_type(datagram)) {
	case WR_MESSAGE_DATA: take_data(worker, group, data, len); break;
	case WR_MESSAGE_INITIATION:
	case WR_MESSAGE_RESPONSE:
	case WR_MESSAGE_COOKIE: take_handshake(worker, group->burst, datagram); break;
	case WR_MESSAGE_NONE: take_other(worker, group->burst, datagram); break;
	}
}

static void take_burst(struct wr_worker *worker, struct group *group,
		       const struct wr_udp_burst *burst)
{
	group->burst = burst;
	if (!burst->len)
		wr_tally_drop(&worker->tally, WR_DROP_SHORT);
	for (uint32_t at = 0; at < burst->len; at += burst->segment) {
		uint32_t rest = burst->len - at;

		take_datagram(worker, group, burst->data + at,
			      rest < burst->segment ? rest : burst->segment);
	}
	/* A group is of one burst: endpoint and traffic class are the burst's. */
	open_group(worker, group);
}

void wr_worker_inbound(struct wr_worker *worker, int fd)
{
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	struct wr_outbox *outbox = &worker->outbox;
	struct group group;
	int count = wr_udp_receive(fd, worker->receiver, bursts);

	group_init(&group);
	for (int i = 0; i < count; i++)
		take_burst(worker, &group, &bursts[i]);
	finish(worker, &group);
	wr_relay_flush(worker, &group.relayed);
	wr_outbox_flush(outbox);
	worker->wakes_control |= outbox->wakes_control;
	outbox->wakes_control = false;
}
