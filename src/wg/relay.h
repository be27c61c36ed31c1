/* Relaying: datagrams between two machines that both have a session with this port, passed on
 * unopened. Who sends is told by the source address, which must be where a peer is known,
 * from authentic packets, to be; whom it is for, by mac1 (initiations) or by the receiver
 * index (all else).
 *
 * Each way is (sender, receiver index) -> target, learnt from the initiation and the response
 * in which the target chose the index. Ways hang from peers, not from addresses: where either
 * is heard from another endpoint, they move along. Own indices and relayed ones are
 * disjoint, so nothing is looked up here for a packet that is ours.
 *
 * Floor 3.  One thread, except what says "any thread". Bounded as told below; nothing here
 * learns a key or a plaintext.  Source: docs/hub.md, "The relay"; design "Relay". */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/retire.h"
#include "base/verdict.h"
#include "wg/peer.h"

struct wr_device;
struct wr_port;
struct wr_relay_member;  /* a peer's part; from when it is first needed */
struct wr_relay_network; /* a device's part; the same */
struct wr_relay_pair;
struct wr_relay_place;

/* A way is forgotten when it was not used for this: longer than a session lives. */
#define WR_RELAY_IDLE WR_SPAN_S(180)
/* Ways in all (24 MiB of them); where there are more, the network that has most loses the
 * pair that shook hands the longest ago. */
#define WR_RELAY_MAX_WAYS (UINT32_C(1) << 18)
/* Of indices that one machine chose; beyond, its handshakes are not passed on. Three sessions
 * with each of a thousand machines. */
#define WR_RELAY_WAYS_OF_ONE 4096
/* From one machine to another: two sessions, one to come, and initiations that were not
 * answered (one each 5 s). The one that is unused the longest gives way. */
#define WR_RELAY_WAYS_OF_PAIR 8

/* Addresses of a managed peer that it was heard from, besides the one that traffic to it goes to:
 * it chooses where it sends from by itself. */
#define WR_RELAY_ELSEWHERE 3

#define WR_RELAY_BUCKETS (UINT32_C(1) << 16)
#define WR_RELAY_PAIR_BUCKETS (UINT32_C(1) << 12)

/* What `from` sends with this receiver index is for `to`. Published; immutable but for
 * `next` and `last_used`. */
struct wr_relay_way {
	_Atomic(struct wr_relay_way *) next; /* of the same bucket */
	struct wr_peer *from, *to;
	uint32_t index;
	_Atomic uint64_t last_used; /* ns; about */

	/* The port's thread only. */
	struct wr_relay_pair *pair;
	struct wr_relay_way *pair_next;
	struct wr_retired retired;
};

struct wr_relay {
	struct wr_port *port;
	uint64_t hash_factor;      /* secret, odd */
	struct wr_budget *lookups; /* of targets among a network's keys */
	struct wr_budget *passes;  /* of initiations whose target was found */
	uint32_t way_count;
	uint32_t pair_count;
	struct wr_instant sweep_due;
	uint32_t sweep_at;                 /* the next bucket */
	struct wr_relay_network *networks; /* those that have ways */
	struct wr_relay_place **places;    /* by endpoint */
	uint32_t place_mask, place_count;
	_Atomic(struct wr_relay_way *) ways[WR_RELAY_BUCKETS]; /* any thread may read */
	struct wr_relay_pair *pairs[WR_RELAY_PAIR_BUCKETS];
};

/* The port relays from now on; before it has peers. `secret` is randomness. 0 or -ENOMEM. */
int wr_relay_open(struct wr_port *port, uint64_t secret) WR_MUST_CHECK;
/* At the port's end, when its devices are gone; NULL is fine. Returns NULL. */
struct wr_relay *wr_relay_free(struct wr_relay *relay);

/* --- The data plane: any thread, under a grace period. --- */

static inline uint32_t wr_relay_bucket(const struct wr_relay *relay, uint32_t index)
{
	return (uint32_t)(index * relay->hash_factor >> 48) & (WR_RELAY_BUCKETS - 1);
}

bool wr_relay_is_elsewhere(const struct wr_peer *peer, const struct wr_endpoint *source);

static inline bool wr_relay_is_at(const struct wr_peer *peer, const struct wr_endpoint *source)
{
	struct wr_endpoint known;

	if (wr_peer_endpoint(peer, &known) && wr_endpoint_equal_remote(&known, source))
		return true;
	return wr_relay_is_elsewhere(peer, source);
}

/* The way of a message with this receiver index that came from `source`; NULL: none. */
static inline struct wr_relay_way *wr_relay_find(const struct wr_relay *relay, uint32_t index,
						 const struct wr_endpoint *source)
{
	struct wr_relay_way *way = atomic_load_explicit(&relay->ways[wr_relay_bucket(relay, index)],
							memory_order_acquire);

	while (way && !(way->index == index && wr_relay_is_at(way->from, source)))
		way = atomic_load_explicit(&way->next, memory_order_acquire);
	return way;
}

/* Something went this way; noted once a second. */
static inline void wr_relay_use(struct wr_relay_way *way, struct wr_instant now)
{
	if (now.ns > atomic_load_explicit(&way->last_used, memory_order_relaxed) + WR_SPAN_S(1).ns)
		atomic_store_explicit(&way->last_used, now.ns, memory_order_relaxed);
}

/* --- What happens to peers and devices; all do nothing where the port does not relay. --- */

/* It is where wr_peer_endpoint() says: something authentic came from there. */
void wr_relay_heard(struct wr_peer *peer);
/* The same, of a managed peer that was heard somewhere else: both are its places, and up to
 * WR_RELAY_ELSEWHERE such. */
void wr_relay_heard_at(struct wr_peer *peer, const struct wr_endpoint *from);
/* It has a place no more, nor pairs: removed, shut out, another key. */
void wr_relay_forget(struct wr_peer *peer);
/* A peer is there, and can be a target; or is there no more (and is forgotten). */
void wr_relay_enter(struct wr_peer *peer);
void wr_relay_leave(struct wr_peer *peer);
/* A device without peers goes. */
void wr_relay_leave_device(struct wr_device *device);

/* --- Handshakes. --- */

struct wr_relay_match {
	struct wr_peer *from, *to; /* of one device */
};

/* A handshake message that may go on to match.to, unchanged. */
struct wr_relay_pass {
	struct wr_relay_match match;
	bool is_asked; /* the two have no ways yet: may they? */
	bool has_index;
	uint32_t index; /* that match.from chose */
};

/* A handshake or cookie message came in from `source`. WR_TAKEN: if it may be passed on, say so
 * by wr_relay_commit(). WR_DROP_MAC1, WR_DROP_INDEX: it is none that is relayed, see what
 * wr_port_input() says. All else: it is dropped. */
enum wr_verdict wr_relay_input(struct wr_relay *relay, struct wr_bytes datagram,
			       const struct wr_endpoint *source, struct wr_instant now,
			       struct wr_relay_pass *ret_pass) WR_MUST_CHECK;
/* It goes on: its answers will be known. WR_TAKEN, or why it must not, as wr_relay_record(). */
enum wr_verdict wr_relay_commit(struct wr_relay *relay, const struct wr_relay_pass *pass,
				struct wr_instant now) WR_MUST_CHECK;

/* --- The parts of these. --- */

/* Which machine sent this initiation, and which of its network's is it for? WR_TAKEN;
 * WR_DROP_MAC1: nobody is known at `source`, or it is for none of these, or for the network's
 * own key: see what wr_port_input() says; WR_DROP_BUDGET: too many from there. */
enum wr_verdict wr_relay_match(struct wr_relay *relay, struct wr_bytes initiation,
			       const struct wr_endpoint *source, struct wr_instant now,
			       struct wr_relay_match *ret_match) WR_MUST_CHECK;

/* `chooser` chose `index`, in a handshake message for `sender`: what that sends with it is
 * for `chooser` from now on. WR_TAKEN; WR_DROP_INDEX: the index is in use, and its owner will
 * choose another one; WR_DROP_NO_ENDPOINT: one of the two has no session with us;
 * WR_DROP_RATE: too many, or no memory. */
enum wr_verdict wr_relay_record(struct wr_relay *relay, struct wr_peer *chooser,
				struct wr_peer *sender, uint32_t index, struct wr_instant now)
	WR_MUST_CHECK;
/* True if the two have ways now, so that it need not be asked again whether they may. */
bool wr_relay_has_pair(const struct wr_relay *relay, const struct wr_peer *a,
		       const struct wr_peer *b);

/* --- Pairs of a device, one after the other: NULL at first, NULL at the end. The next one is
 * to be asked for before the one at hand is dropped. --- */
struct wr_relay_pair *wr_relay_next_pair(const struct wr_device *device,
					 const struct wr_relay_pair *pair);
struct wr_relay_match wr_relay_pair_sides(const struct wr_relay_pair *pair);
/* Nothing goes between the two any more, as soon as readers have seen it. */
void wr_relay_drop_pair(struct wr_relay *relay, struct wr_relay_pair *pair);

/* --- Ageing. --- */

/* Forgets ways that are idle, or whose machine has no session with us any more: a part of them
 * each time; all within half a minute. */
void wr_relay_age(struct wr_relay *relay, struct wr_instant now);
/* When to do so next; WR_NEVER if there is nothing. */
struct wr_instant wr_relay_deadline(const struct wr_relay *relay);

/* True if the index is in use by any way: the port draws another one. */
bool wr_relay_has_index(const struct wr_relay *relay, uint32_t index);
