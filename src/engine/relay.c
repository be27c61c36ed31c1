#include "engine/relay.h"

#include <string.h>

#include "engine/control.h"
#include "wire/message.h"

/* Of a burst: what is above, the kernel divides in software (linux/udp.h). */
#define BURST_MAX 65469

/* --- A worker. --- */

static struct wr_udp_burst *new_burst(struct wr_worker *worker, struct wr_relay_outbox *outbox,
				      enum wr_family family)
{
	unsigned *count = family == WR_IPV4 ? &outbox->count4 : &outbox->count6;
	struct wr_udp_burst *bursts = family == WR_IPV4 ? outbox->bursts4 : outbox->bursts6;

	if (*count == WR_UDP_BATCH)
		wr_relay_flush(worker, outbox);
	return &bursts[(*count)++];
}

/* Our own address and port as a machine's: someone claims it, and datagrams would go round. */
static bool is_ourselves(const struct wr_shared *shared, const struct wr_endpoint *to)
{
	const struct wr_socket_set *set = atomic_load_explicit(&shared->sockets,
							       memory_order_acquire);

	return to->port == set->sockets.port && wr_ip_equal(&to->ip, &to->local);
}

static bool begin(struct wr_worker *worker, struct wr_relay_outbox *outbox,
		  const struct wr_udp_burst *from, uint8_t *message, uint32_t len)
{
	struct wr_udp_burst *burst;
	struct wr_endpoint to;

	if (!wr_peer_endpoint(outbox->way->to, &to) || is_ourselves(worker->shared, &to))
		return false;
	burst = new_burst(worker, outbox, to.ip.family);
	*burst = (struct wr_udp_burst){
		.data = message,
		.segment = len,
		.tos = from->tos,
		.remote = to,
	};
	wr_relay_use(outbox->way, worker->now);
	outbox->last = burst;
	return true;
}

/* Right behind the last one, and no longer: it goes with it. */
static bool fits_last(const struct wr_relay_outbox *outbox, const uint8_t *message, uint32_t len)
{
	const struct wr_udp_burst *last = outbox->last;

	return last && last->data + last->len == message && len <= last->segment &&
	       last->len % last->segment == 0 && last->len + len <= BURST_MAX &&
	       last->len < last->segment * WR_UDP_MAX_SEGMENTS;
}

static struct wr_relay_way *find_way(const struct wr_worker *worker,
				     const struct wr_relay_outbox *outbox,
				     const struct wr_udp_burst *burst, uint32_t receiver)
{
	if (outbox->way && outbox->from == burst && outbox->way->index == receiver)
		return outbox->way;
	return wr_relay_find(worker->shared->port->relay, receiver, &burst->remote);
}

bool wr_relay_pass(struct wr_worker *worker, struct wr_relay_outbox *outbox,
		   const struct wr_udp_burst *burst, uint8_t *message, uint32_t len)
{
	struct wr_relay_way *way;

	if (!worker->shared->port->relay)
		return false;
	way = find_way(worker, outbox, burst, wr_data_receiver(message));
	if (!way)
		return false;
	if (way != outbox->way || outbox->from != burst)
		outbox->last = NULL;
	outbox->way = way;
	outbox->from = burst;
	if (!fits_last(outbox, message, len) && !begin(worker, outbox, burst, message, len))
		return false;
	outbox->last->len += len;
	outbox->packets++;
	outbox->bytes += len;
	return true;
}

static void send_list(struct wr_worker *worker, int fd, const struct wr_udp_burst *bursts,
		      unsigned count)
{
	unsigned dropped = 0;

	if (!count)
		return;
	if (fd >= 0)
		wr_udp_send(fd, bursts, count, &dropped);
	wr_tally_add(&worker->tally.verdicts[WR_DROP_UDP], dropped);
}

void wr_relay_flush(struct wr_worker *worker, struct wr_relay_outbox *outbox)
{
	if (!outbox->packets)
		return;
	send_list(worker, worker->outbox.v4, outbox->bursts4, outbox->count4);
	send_list(worker, worker->outbox.v6, outbox->bursts6, outbox->count6);
	wr_tally_add(&worker->tally.relayed_packets, outbox->packets);
	wr_tally_add(&worker->tally.relayed_bytes, outbox->bytes);
	outbox->packets = outbox->bytes = 0;
	outbox->count4 = outbox->count6 = 0;
	outbox->last = NULL;
}

/* --- The control thread: handshakes. --- */

/* Unchanged, to where the machine is. */
static enum wr_verdict pass_on(struct wr_engine *engine, struct wr_bytes datagram,
			       const struct wr_peer *to)
{
	uint8_t message[WR_HANDSHAKE_MAX_LEN];
	struct wr_udp_burst burst = {
		.data = message,
		.len = (uint32_t)datagram.len,
		.segment = (uint32_t)datagram.len,
	};
	unsigned dropped = 1;
	int fd;

	if (!wr_peer_endpoint(to, &burst.remote) || is_ourselves(&engine->shared, &burst.remote))
		return WR_DROP_NO_ENDPOINT;
	memcpy(message, datagram.data, datagram.len);
	fd = burst.remote.ip.family == WR_IPV4 ? engine->outbox.v4 : engine->outbox.v6;
	if (fd >= 0)
		wr_udp_send(fd, &burst, 1, &dropped);
	if (dropped)
		return WR_DROP_UDP;
	wr_tally_add(&engine->tally.relayed_packets, 1);
	wr_tally_add(&engine->tally.relayed_bytes, datagram.len);
	return WR_TAKEN;
}

static enum wr_verdict decide(struct wr_engine *engine, struct wr_bytes datagram,
			      const struct wr_relay_pass *pass, struct wr_instant now)
{
	const struct wr_relay_match *match = &pass->match;
	enum wr_verdict verdict;

	if (pass->is_asked && !engine->may_relay(engine->context, match->from, match->to))
		return WR_DROP_POLICY;
	verdict = wr_relay_commit(engine->shared.port->relay, pass, now);
	return verdict == WR_TAKEN ? pass_on(engine, datagram, match->to) : verdict;
}

bool wr_relay_take(struct wr_engine *engine, struct wr_bytes datagram,
		   const struct wr_endpoint *from, struct wr_instant now,
		   enum wr_verdict *ret_verdict)
{
	struct wr_relay *relay = engine->shared.port->relay;
	struct wr_relay_pass pass;
	enum wr_verdict verdict;

	if (!relay)
		return false;
	verdict = wr_relay_input(relay, datagram, from, now, &pass);
	if (verdict == WR_DROP_MAC1 || verdict == WR_DROP_INDEX)
		return false;
	if (verdict == WR_TAKEN)
		verdict = decide(engine, datagram, &pass, now);
	if (verdict != WR_TAKEN)
		wr_tally_add(&engine->tally.relay_refused, 1);
	*ret_verdict = verdict;
	return true;
}

void wr_engine_review_relay(struct wr_engine *engine, const struct wr_device *device)
{
	struct wr_relay_pair *pair = wr_relay_next_pair(device, NULL);

	while (pair) {
		struct wr_relay_pair *next = wr_relay_next_pair(device, pair);
		struct wr_relay_match sides = wr_relay_pair_sides(pair);

		if (!engine->may_relay(engine->context, sides.from, sides.to))
			wr_relay_drop_pair(engine->shared.port->relay, pair);
		pair = next;
	}
}
