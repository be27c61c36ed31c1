/* Packets that wait for a peer's handshake, oldest first. Bounded for each peer
 * as in the kernel, and in all: what is over that is dropped, the peer's oldest
 * first.
 *
 * Floor 5.  The control thread's.  A peer's queue hangs from peer->owner. */
#pragma once

#include "base/base.h"
#include "wg/peer.h"

/* MAX_STAGED_PACKETS of the kernel's WireGuard. */
#define WR_STAGED_PER_PEER 128
/* Bytes for all peers: some 3,000 full-size packets. */
#define WR_STAGED_BYTES (4 * 1024 * 1024)

struct wr_staged {
	struct wr_staged *next;
	uint32_t len;
	uint8_t data[]; /* the packet and 16 bytes for padding */
};

struct wr_staged_queue;

struct wr_staging {
	size_t bytes;
	struct wr_staged_queue *first; /* of the queues that are not empty */
};

/* Copies the packet. Returns how many packets were dropped to make room (the new
 * one itself, where nothing else of this peer could go). */
unsigned wr_staging_add(struct wr_staging *staging, struct wr_peer *peer, struct wr_bytes packet);
/* The peer's oldest, or NULL; the caller frees it with wr_staging_free(). */
struct wr_staged *wr_staging_take(struct wr_staging *staging, struct wr_peer *peer);
void wr_staging_free(struct wr_staged *staged);
/* Drops all of a peer's; returns how many. */
unsigned wr_staging_drop(struct wr_staging *staging, struct wr_peer *peer);
/* The same for all peers that were removed, before their memory is freed. */
unsigned wr_staging_drop_removed(struct wr_staging *staging);
/* The same for all peers. */
void wr_staging_done(struct wr_staging *staging);
