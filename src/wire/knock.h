/* The knock: how members of a zero-config mesh find each other, by multicast on a LAN, or straight
 * to a port that somebody was told of. It says "I am, of this mesh, WireGuard is at this port".
 *
 *     "WRNK" | version 1 (8) | flags (8) | mesh tag, 8 bytes | identity, 32 | WireGuard's port (16)
 * | knock port (16) | epoch (64) | sequence (32) | signature (64) | MAC (16)
 *
 * Numbers are big-endian. The first byte is none of WireGuard's nor STUN's, so a knock can come to
 * WireGuard's own port. The MAC (keyed BLAKE2s of all before, key from the mesh's) is looked at
 * first: who is not of the mesh costs little. Epoch and sequence only grow with one identity, so a
 * replay is known as one.
 *
 * Floor 2.  No state.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include "base/base.h"
#include "crypto/sign.h"
#include "wire/item.h"

#define WR_KNOCK_LEN 142
#define WR_KNOCK_FIRST 'W'

enum {
	WR_KNOCK_ASKS = 1, /* answer with a knock of yours */
};

struct wr_knock {
	uint8_t flags;
	uint8_t mesh[WR_MESH_TAG_LEN];
	struct wr_key identity;
	uint16_t port;       /* WireGuard's */
	uint16_t knock_port; /* where answers are heard; with the engine the same */
	uint64_t epoch;      /* start of the program that this is, kept on disk */
	uint32_t sequence;   /* of this epoch, from 1 */
};

enum wr_knock_fault {
	WR_KNOCK_GOOD,
	WR_KNOCK_MALFORMED,
	WR_KNOCK_OTHER_MESH, /* not for us: nothing is wrong with it */
	WR_KNOCK_MAC,        /* our tag, but not the mesh's key */
	WR_KNOCK_SIGNATURE,
};

/* The fields and the MAC; the signature is wr_knock_check()'s, when it is known to be worth it. */
enum wr_knock_fault wr_knock_read(struct wr_bytes datagram, const uint8_t mesh[WR_MESH_TAG_LEN],
				  const struct wr_key *mac_key, struct wr_knock *ret_knock)
	WR_MUST_CHECK;
bool wr_knock_check(struct wr_bytes datagram) WR_MUST_CHECK;
/* `identity` is the seed's. */
void wr_knock_write(const struct wr_knock *knock, const struct wr_key *seed,
		    const struct wr_key *mac_key, uint8_t ret_datagram[WR_KNOCK_LEN]);
