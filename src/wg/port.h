/* One UDP port that speaks WireGuard for many keys: its devices, their peers,
 * the indices that packets carry, and every handshake and timer.
 *
 * Sans-I/O: who owns the port brings handshake datagrams, the time and
 * randomness, and does what comes out. Transport packets do not come here: the
 * data plane opens and seals them with the sessions found through `indices`,
 * and leaves notes (wg/peer.h).
 *
 * Floor 3.  One thread, except what says "any thread".
 * Source: WireGuard paper; design "The port". */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/heap.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/retire.h"
#include "base/verdict.h"
#include "crypto/mac1.h"
#include "wg/budget.h"
#include "wg/early.h"
#include "wg/index.h"
#include "wg/peer.h"
#include "wg/relay.h"
#include "wg/source.h"
#include "wg/spread.h"
#include "wg/timing.h"
#include "wire/message.h"

/* What the time is, brought along with every call. */
struct wr_moment {
	struct wr_instant now;
	struct wr_wall wall;
};

/* Fresh randomness for one call, whether it will be used or not. */
struct wr_entropy {
	struct wr_key ephemeral;
	struct wr_key cookie_secret;
	uint8_t nonce[24];
	uint64_t index_seed;
	uint64_t jitter_seed;
};

/* What the owner of the port is to do. */
enum wr_output_kind {
	WR_OUTPUT_NONE,
	WR_OUTPUT_DATAGRAM,  /* send `datagram` to `to` */
	WR_OUTPUT_SESSION,   /* `peer` has a new session to send with: send what was
			      * staged for it, or a keepalive if nothing was and
			      * `needs_keepalive` */
	WR_OUTPUT_KEEPALIVE, /* send `peer` an empty packet on its session */
	WR_OUTPUT_GIVE_UP,   /* the handshake failed for rekey_attempt: drop what was
			      * staged for `peer` */
};

struct wr_output {
	enum wr_output_kind kind;
	struct wr_peer *peer;  /* NULL for a cookie reply */
	struct wr_peer *shook; /* besides: a handshake with it is through; or NULL */
	struct wr_peer *heard; /* besides: it is managed, and the message was its, from elsewhere
				* than traffic goes to, which is to be told; or NULL */
	bool needs_keepalive;
	struct wr_endpoint to;
	const struct wr_spread *also; /* and there (but for `to`); NULL: nowhere else */
	size_t len;
	uint8_t datagram[WR_HANDSHAKE_MAX_LEN];
};

/* A device: one static key with its peers and allowed-IPs. */
struct wr_device {
	struct wr_port *port;
	void *owner;                  /* for who made it; NULL at first */
	struct wr_allowedips allowed; /* any thread may read */
	struct wr_identity identity;
	size_t mac1_slot; /* WR_MAC1_NONE without a key */
	bool is_up;       /* down: no handshakes, no keepalives */
	uint32_t peer_count;
	struct wr_peer *peer_first, *peer_last;
	struct wr_relay_network *relay; /* wg/relay.h; NULL: not needed yet */
	struct wr_peer **peer_table;    /* by public key */
	uint32_t peer_table_mask;
	struct wr_device *list_next, *list_prev;
	struct wr_retired retired;
};

struct wr_port {
	struct wr_index_table indices; /* any thread may read */
	struct wr_relay *relay;        /* NULL: the port does not relay; never changes */
	_Alignas(WR_CACHE_LINE) _Atomic(struct wr_peer *) attention;

	_Alignas(WR_CACHE_LINE) struct wr_timing timing;
	struct wr_mac1_set *keys; /* slots of devices */
	struct wr_device **by_slot;
	size_t by_slot_len;
	struct wr_source_cache *sources; /* address -> slot that it used last */
	struct wr_budget *lookups;       /* of strangers' mac1 */
	struct wr_budget *handshakes;    /* of valid initiations under load */
	struct wr_cookie_baker baker;
	struct wr_early early; /* initiations that wait for their peer */
	struct wr_siphash_key hash_key;
	struct wr_heap timers;
	struct wr_wall least_wall; /* of initiations, as of then; 0: none */
	struct wr_instant least_since;
	size_t peer_count;      /* of all devices */
	uint64_t sessions_made; /* and agreed upon by both sides */
	struct wr_device *device_first, *device_last;
	struct wr_retire_list retire;
};

/* `hash_key` is secret randomness. NULL where memory is short. */
struct wr_port *wr_port_new(const struct wr_timing *timing, const struct wr_siphash_key *hash_key);
/* Initiations say that it is at least this time (and what has passed since), whatever the clock
 * says: a machine without a battery begins with an old one, and its peers would take what it says
 * for replays. */
void wr_port_set_least_wall(struct wr_port *port, struct wr_wall wall, struct wr_instant now);
/* Frees it with all devices, at once: no readers are left. Returns NULL. */
struct wr_port *wr_port_free(struct wr_port *port);

/* A handshake or cookie message came in. `under_load` asks strangers for a
 * cookie. At most one thing is to be done, in *ret_output, besides telling. */
enum wr_verdict wr_port_input(struct wr_port *port, struct wr_bytes datagram,
			      const struct wr_endpoint *from, bool under_load,
			      const struct wr_moment *moment, const struct wr_entropy *entropy,
			      struct wr_output *ret_output) WR_MUST_CHECK;

/* True if something is to be done now; call again, with new entropy, until
 * false. Looks at initiations that came before their peer, at the attention stack and at the
 * timers. Where `heard` is set it was heard at `to`. */
bool wr_port_poll(struct wr_port *port, const struct wr_moment *moment,
		  const struct wr_entropy *entropy, struct wr_output *ret_output) WR_MUST_CHECK;
/* When to call wr_port_poll() next, if nobody asks sooner. */
struct wr_instant wr_port_deadline(const struct wr_port *port);

/* Retired objects, to be freed after a grace period. Peers among them may still
 * stand on the attention stack: call wr_port_forget() in between. */
struct wr_retire_list wr_port_take_retired(struct wr_port *port);
/* After the grace period and before wr_retire_free_all(): takes removed peers
 * off the attention stack. */
void wr_port_forget(struct wr_port *port);

/* A device without key and peers, down. NULL where memory is short. */
struct wr_device *wr_device_new(struct wr_port *port);
/* Removes it with its peers and sessions; memory is retired. */
void wr_device_remove(struct wr_device *device);
/* All zero removes the key. Sessions end; a peer with the same public key is
 * removed. 0 or -ENOMEM. */
int wr_device_set_private_key(struct wr_device *device, const struct wr_key *private_key)
	WR_MUST_CHECK;
/* Up: persistent keepalives begin. Down: sessions and handshakes end. */
void wr_device_set_up(struct wr_device *device, bool is_up, struct wr_instant now);

struct wr_peer *wr_device_find_peer(const struct wr_device *device,
				    const struct wr_key *public_key);
/* A new peer; the key must not be in use in this device, nor its own. NULL
 * where memory is short. */
struct wr_peer *wr_device_add_peer(struct wr_device *device, const struct wr_key *public_key);
/* Its sessions end; memory is retired. */
void wr_peer_remove(struct wr_peer *peer);
