/* Peers of the kernel's WireGuard as they were seen last, and what it means that one looks
 * different now: the kernel tells nothing by itself.
 *
 * Floor 6, for this folder only.  One thread. */
#pragma once

#include "base/base.h"
#include "linux/wgnl.h"
#include "tunnel/backend.h"

struct wr_kernel_peer {
	struct wr_backend_sight sight; /* as it was seen last, or set since */
	uint32_t generation;           /* of the look that saw it; 0: none yet */
	bool is_set; /* its endpoint was, since then: what came before may be from elsewhere */
	/* What it is to be, to make it anew; before it was set: NULL. */
	struct wr_kernel_wish *wish;
	uint64_t rx_before, tx_before; /* counted before it was made anew */
	bool is_tried;                 /* nothing came from the endpoint that was set, yet */
};

struct wr_kernel_wish {
	struct wr_key preshared_key;
	uint16_t keepalive;
	size_t allowed_count;
	struct wr_prefix allowed[];
};

/* All zero is empty. */
struct wr_kernel_peers {
	struct wr_kernel_peer **places; /* by public key */
	size_t count, room;
	uint32_t generation; /* of the newest look */
};

void wr_kernel_peers_done(struct wr_kernel_peers *peers);
/* NULL if there is none. */
struct wr_kernel_peer *wr_kernel_peers_find(const struct wr_kernel_peers *peers,
					    const struct wr_key *public_key);
/* The one that is there, or a new one; NULL where memory is short. */
struct wr_kernel_peer *wr_kernel_peers_add(struct wr_kernel_peers *peers,
					   const struct wr_key *public_key);
/* 0 or -ENOMEM. */
int wr_kernel_peer_set_wish(struct wr_kernel_peer *peer, const struct wr_backend_peer *wanted)
	WR_MUST_CHECK;
void wr_kernel_peers_remove(struct wr_kernel_peers *peers, const struct wr_key *public_key);

/* A look begins; those that it has not seen at its end are gone. */
void wr_kernel_peers_begin(struct wr_kernel_peers *peers);
void wr_kernel_peers_end(struct wr_kernel_peers *peers);

/* What became of a peer between two looks. */
struct wr_kernel_change {
	bool has_shaken; /* a handshake is through */
	bool is_heard;   /* something authentic came from where its endpoint is now */
	uint64_t bytes;  /* in both directions */
};
struct wr_kernel_change wr_kernel_peer_see(struct wr_kernel_peers *peers,
					   struct wr_kernel_peer *peer,
					   const struct wr_wgnl_sight *sight,
					   struct wr_instant now);
