/* What the files of the relay share: its parts of peers and devices.
 *
 * Floor 3, for relay*.c only. */
#pragma once

#include "crypto/mac1.h"
#include "wg/port.h"
#include "wg/relay.h"

/* Where a peer sends from. */
struct wr_relay_place {
	struct wr_relay_member *member;
	struct wr_endpoint at; /* family none: nowhere */
	uint64_t hash;
	struct wr_relay_place *next; /* of the same bucket, oldest first */
};

/* Of a managed peer, made when it is first needed. */
struct wr_relay_elsewhere {
	struct wr_latch at[WR_RELAY_ELSEWHERE]; /* any thread may read */
	/* The port's thread only. */
	struct wr_relay_place places[WR_RELAY_ELSEWHERE]; /* the same */
	uint32_t heard[WR_RELAY_ELSEWHERE];               /* the turn in which it was */
	uint32_t turns;
};

/* A peer's. */
struct wr_relay_member {
	struct wr_peer *peer;
	struct wr_relay_place place; /* its endpoint */
	size_t key_slot;             /* in its network's keys; WR_MAC1_NONE: none */
	size_t last_slot;   /* of whom it shook hands with last; may be somebody else's by now */
	uint32_t way_count; /* of indices that it chose */
	struct wr_relay_pair *pairs;
};

/* A device's: the keys of its peers, made when the first of them asks for another. */
struct wr_relay_network {
	struct wr_mac1_set *keys; /* NULL: not made yet */
	struct wr_peer **by_slot;
	size_t by_slot_len;
	uint32_t way_count;
	struct wr_relay_pair *pair_first, *pair_last; /* the longest without a handshake first */
	struct wr_relay_network *next, *prev;         /* of those that have pairs */
};

/* Two machines of one network. */
struct wr_relay_pair {
	struct wr_relay_member *sides[2];
	struct wr_relay_pair *side_next[2], *side_prev[2]; /* of that member's pairs */
	struct wr_relay_pair *next, *prev;                 /* of the network's */
	struct wr_relay_pair *hash_next;
	struct wr_relay_way *ways;
	unsigned counts[2]; /* of ways whose index that side chose */
};

static inline struct wr_relay_network *wr_relay_network_of_pair(const struct wr_relay_pair *pair)
{
	return pair->sides[0]->peer->device->relay;
}

/* NULL where memory is short. */
struct wr_relay_member *wr_relay_member_of(struct wr_peer *peer);
struct wr_relay_network *wr_relay_network_of(struct wr_device *device);
/* Takes it from where it is placed. */
void wr_relay_displace(struct wr_relay *relay, struct wr_relay_member *member);
/* Those that are placed there, one after the other; NULL at the end. */
const struct wr_relay_place *wr_relay_first_at(const struct wr_relay *relay,
					       const struct wr_endpoint *at);
const struct wr_relay_place *wr_relay_next_at(const struct wr_relay_place *place);

void wr_relay_drop_way(struct wr_relay *relay, struct wr_relay_way *way);

/* NULL if they have no ways. */
struct wr_relay_pair *wr_relay_find_pair(const struct wr_relay *relay, const struct wr_peer *a,
					 const struct wr_peer *b);
/* NULL where memory is short. */
struct wr_relay_pair *wr_relay_new_pair(struct wr_relay *relay, struct wr_peer *a,
					struct wr_peer *b);
/* It shook hands: the last of its network to make room. */
void wr_relay_renew_pair(struct wr_relay *relay, struct wr_relay_pair *pair);
