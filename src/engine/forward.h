/* From one peer of a device to another: judged by the device's filter, sealed again,
 * without a TUN.
 *
 * Floor 5, for this folder only.  A worker's. */
#pragma once

#include <string.h>

#include "base/base.h"
#include "base/verdict.h"
#include "engine/worker.h"
#include "wire/packet.h"

/* Packets in a run: what one burst of UDP_GRO brings at the most. */
#define WR_FORWARD_RUN 64

/* Successive packets to one peer: its endpoint, session and counters are looked up once. */
struct wr_forward_run {
	struct wr_attachment *attachment; /* of the packets that are counted below */
	struct wr_peer *to;
	unsigned count;
	uint64_t bytes, denied, lost;
	struct wr_segment packets[WR_FORWARD_RUN];
};

static inline void wr_forward_init(struct wr_forward_run *run)
{
	run->attachment = NULL;
	run->to = NULL;
	run->count = 0;
	run->bytes = run->denied = run->lost = 0;
}

/* True if the packet is for the device's own address. */
static inline bool wr_forward_is_own(const struct wr_attachment *attachment,
				     const struct wr_packet *packet)
{
	const struct wr_ip *own = packet->family == WR_IPV4 ? &attachment->forwarding.address4
							    : &attachment->forwarding.address6;

	return own->family == packet->family &&
	       memcmp(own->bytes, packet->dst, packet->family == WR_IPV4 ? 4 : 16) == 0;
}

/* Hands on a packet of `from`, whose bytes stay where they are until wr_forward_flush(),
 * and after which 15 bytes may be written. WR_TAKEN, or why not. */
enum wr_verdict wr_forward_add(struct wr_worker *worker, struct wr_forward_run *run,
			       struct wr_peer *from, uint8_t *ip, const struct wr_packet *packet);
/* Seals what was handed on; before its bytes go, or another device's packets come. */
void wr_forward_flush(struct wr_worker *worker, struct wr_forward_run *run);
