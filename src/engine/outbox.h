/* Sealed messages on their way out: successive messages to one peer lie one after
 * the other, so that one UDP_SEGMENT call sends up to 64 of them, and several
 * such bursts go with one system call.
 *
 * Floor 5.  One worker's, or the control thread's; allocated once. */
#pragma once

#include "base/base.h"
#include "base/verdict.h"
#include "crypto/aead.h"
#include "engine/counters.h"
#include "linux/udp.h"
#include "wg/peer.h"

/* Sent at the latest when this much is gathered (engine design: 64 to 128 KiB a
 * flush; below that small packets lose half their rate to system calls). */
#define WR_OUTBOX_FLUSH (128 * 1024)
/* The largest message: an IP packet of 65535 bytes with its overhead. */
#define WR_OUTBOX_MESSAGE_MAX (65535 + WR_DATA_OVERHEAD + WR_DATA_PADDING)

/* Where packets of one peer go just now. */
struct wr_flow {
	struct wr_peer *peer;
	struct wr_session *session;
	uint32_t endpoint_version; /* of the peer's endpoint; 0: not known */
	struct wr_endpoint endpoint;
};

static inline struct wr_flow wr_flow_to(struct wr_peer *peer, struct wr_instant now)
{
	struct wr_flow flow = { .peer = peer, .session = wr_peer_session(peer, now) };

	flow.endpoint_version = wr_peer_endpoint(peer, &flow.endpoint);
	return flow;
}

struct wr_outbox {
	struct wr_tally *tally;
	struct wr_aead_context *aead_context;
	const struct wr_aead *aead;
	int v4, v6;          /* sockets, -1 if none */
	struct wr_flow flow; /* of the last burst */
	uint64_t flow_bytes; /* sealed for it and not yet noted in the peer */
	bool flow_has_data;
	bool is_last_open;     /* the last burst may grow */
	bool wakes_control;    /* a peer asks for the port's thread */
	struct wr_instant now; /* of this round */
	unsigned count;
	size_t used;
	uint8_t *buffer;
	struct wr_udp_burst bursts[WR_UDP_BATCH];
};

/* False where memory is short. */
bool wr_outbox_init(struct wr_outbox *outbox, const struct wr_aead *aead,
		    struct wr_aead_context *context, struct wr_tally *tally) WR_MUST_CHECK;
void wr_outbox_done(struct wr_outbox *outbox);

/* Seals `plain` with `counter` for `flow`; sends what is gathered first where it
 * must. `tos`: only its ECN bits go on the outside. Up to 15 bytes after the
 * plaintext are used for padding, and put back. */
void wr_outbox_add(struct wr_outbox *outbox, const struct wr_flow *flow, uint64_t counter,
		   uint8_t *plain, uint32_t len, uint32_t mtu, uint8_t tos);

/* True if it is time for wr_outbox_flush(). */
static inline bool wr_outbox_is_full(const struct wr_outbox *outbox)
{
	return outbox->used >= WR_OUTBOX_FLUSH;
}

/* Seals an empty packet and sends it at once to `to`, wherever the peer's packets go, and without
 * a note. False if the session has no more counters. */
bool wr_outbox_probe(struct wr_outbox *outbox, struct wr_session *session,
		     const struct wr_endpoint *to);
/* Sends all, and leaves notes in the peers. */
void wr_outbox_flush(struct wr_outbox *outbox);
