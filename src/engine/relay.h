/* Relaying as threads do it. A worker sends what goes on from the buffers that it came into:
 * bursts of UDP_GRO go on as bursts of UDP_SEGMENT, not opened and not copied. The control
 * thread passes handshake messages on, and learns from them which ways there are.
 *
 * Floor 5, for this folder only.  Source: wg/relay.h; docs/hub.md, "The relay". */
#pragma once

#include "base/base.h"
#include "base/verdict.h"
#include "engine/worker.h"
#include "wg/relay.h"

/* What is to go on, of what one wr_udp_receive() brought: its bytes stay until it is sent. */
struct wr_relay_outbox {
	/* The last message's. */
	struct wr_relay_way *way;
	const struct wr_udp_burst *from;
	struct wr_udp_burst *last; /* of one of the lists */

	uint64_t packets, bytes;
	unsigned count4, count6;
	struct wr_udp_burst bursts4[WR_UDP_BATCH], bursts6[WR_UDP_BATCH];
};

static inline void wr_relay_outbox_init(struct wr_relay_outbox *outbox)
{
	outbox->way = NULL;
	outbox->from = NULL;
	outbox->last = NULL;
	outbox->packets = outbox->bytes = 0;
	outbox->count4 = outbox->count6 = 0;
}

/* A worker: takes a transport message of `burst` whose receiver index is not ours. False if
 * there is no way for it. */
bool wr_relay_pass(struct wr_worker *worker, struct wr_relay_outbox *outbox,
		   const struct wr_udp_burst *burst, uint8_t *message, uint32_t len);
/* Sends all, before the bytes go. */
void wr_relay_flush(struct wr_worker *worker, struct wr_relay_outbox *outbox);

struct wr_engine;

/* The control thread: true if the handshake message is one that is relayed; then it was passed
 * on, or *ret_verdict says why not. */
bool wr_relay_take(struct wr_engine *engine, struct wr_bytes datagram,
		   const struct wr_endpoint *from, struct wr_instant now,
		   enum wr_verdict *ret_verdict);
