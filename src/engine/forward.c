#include "engine/forward.h"

#include <string.h>

#include "engine/mail.h"
#include "wg/port.h"

static enum wr_verdict judge(const struct wr_attachment *attachment, const struct wr_peer *from,
			     const struct wr_peer *to, const uint8_t *ip,
			     const struct wr_packet *packet, struct wr_instant now)
{
	struct wr_filter *filter = attachment->forwarding.filter;

	if (!filter)
		return WR_TAKEN;
	return wr_filter_judge(filter, ip, packet->total_len, from->slot, to->slot, now);
}

static void begin(struct wr_worker *worker, struct wr_forward_run *run, struct wr_peer *to)
{
	wr_forward_flush(worker, run);
	run->attachment = to->device->owner;
	run->to = to;
}

enum wr_verdict wr_forward_add(struct wr_worker *worker, struct wr_forward_run *run,
			       struct wr_peer *from, uint8_t *ip, const struct wr_packet *packet)
{
	const struct wr_device *device = from->device;
	struct wr_peer *to = wr_allowedips_find(&device->allowed, packet->family, packet->dst);
	enum wr_verdict verdict;

	run->attachment = device->owner;
	/* Back to where it came from is nowhere: it would go round for ever. */
	if (!to || to == from) {
		run->lost++;
		return WR_DROP_NO_ROUTE;
	}
	verdict = judge(run->attachment, from, to, ip, packet, worker->now);
	if (verdict != WR_TAKEN) {
		run->denied++;
		return verdict;
	}
	if (to != run->to || run->count == WR_FORWARD_RUN)
		begin(worker, run, to);
	run->packets[run->count++] = (struct wr_segment){ ip, packet->total_len };
	run->bytes += packet->total_len;
	return WR_TAKEN;
}

/* --- Sealing a run. --- */

static void stage(struct wr_worker *worker, const struct wr_forward_run *run)
{
	struct wr_letter letter = { .kind = WR_LETTER_PACKET, .peer = run->to };

	for (unsigned i = 0; i < run->count; i++)
		if (!wr_mail_push(worker->packet_mail, &letter,
				  (struct wr_bytes){ run->packets[i].data, run->packets[i].len }))
			wr_tally_drop(&worker->tally, WR_DROP_STAGED);
	worker->wakes_control = true;
}

static void seal(struct wr_worker *worker, const struct wr_forward_run *run,
		 const struct wr_flow *flow)
{
	uint32_t mtu = atomic_load_explicit(&run->attachment->mtu, memory_order_relaxed);
	uint64_t counter;

	if (!wr_session_take_counters(flow->session, run->count, &counter)) {
		wr_tally_add(&worker->tally.verdicts[WR_DROP_EXPIRED], run->count);
		worker->wakes_control |= wr_peer_ask(run->to, WR_ATTENTION_HANDSHAKE);
		return;
	}
	for (unsigned i = 0; i < run->count; i++)
		wr_outbox_add(&worker->outbox, flow, counter++, run->packets[i].data,
			      run->packets[i].len, mtu, wr_packet_tos(run->packets[i].data));
}

static void send_run(struct wr_worker *worker, const struct wr_forward_run *run)
{
	struct wr_flow flow = wr_flow_to(run->to, worker->now);

	if (!flow.endpoint_version)
		wr_tally_add(&worker->tally.verdicts[WR_DROP_NO_ENDPOINT], run->count);
	else if (flow.session)
		seal(worker, run, &flow);
	else
		stage(worker, run);
}

static void add(_Atomic uint64_t *counter, uint64_t count)
{
	if (count)
		atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

void wr_forward_flush(struct wr_worker *worker, struct wr_forward_run *run)
{
	struct wr_forward_tally *tally;

	if (!run->attachment)
		return;
	if (run->count)
		send_run(worker, run);
	tally = &run->attachment->tally;
	add(&tally->packets, run->count);
	add(&tally->bytes, run->bytes);
	add(&tally->denied, run->denied);
	add(&tally->lost, run->lost);
	wr_forward_init(run);
}
