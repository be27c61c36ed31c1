/* A peer of a device: who it is, where it is, its sessions and its timers.
 *
 * Two threads of control meet here. The port's thread owns the peer. The data
 * plane reads what is published (`current`, `next`, `endpoint`) and leaves notes of
 * what it did (`activity`); from these notes the port's thread derives every
 * timer of the protocol. When a note needs its attention sooner than it would
 * look, the data plane puts the peer on the port's attention stack.
 *
 * Floor 3.  Source: WireGuard paper, section 6; kernel timers.c. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/heap.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/retire.h"
#include "wg/allowedips.h"
#include "wg/cookie.h"
#include "wg/handshake.h"
#include "wg/latch.h"
#include "wg/managed.h"
#include "wg/session.h"

struct wr_device;
struct wr_port;
struct wr_relay_member;

/* Why a peer needs the port's thread: bits of wr_activity.attention. */
enum wr_attention {
	WR_ATTENTION_TIMERS = 1,    /* a timer may have to run that none watches yet */
	WR_ATTENTION_REKEY = 2,     /* traffic on a session past its rekey time */
	WR_ATTENTION_CONFIRM = 4,   /* first packet on a session that we answered for */
	WR_ATTENTION_HANDSHAKE = 8, /* data to send and no session */
};

/* Notes of the data plane; instants in ns, 0 for "not so". */
struct wr_activity {
	_Atomic uint64_t unanswered_sent;     /* first data sent since anything came in */
	_Atomic uint64_t unanswered_received; /* first data received since anything went out */
	_Atomic uint64_t last_traversal;      /* last authentic packet in or out */
	_Atomic uint64_t rx_bytes, tx_bytes;  /* of UDP payload, as `wg show` counts */
	_Atomic uint64_t ask_after;           /* no WR_ATTENTION_REKEY before this */
	_Atomic bool is_watched;              /* the port's thread has a deadline for us */
	_Atomic uint32_t attention;           /* bits that wait to be seen */
	_Atomic(struct wr_peer *) attention_next;
};

struct wr_peer {
	/* Published to the data plane. */
	_Atomic(struct wr_session *) current; /* what to send with; NULL if none */
	_Atomic(struct wr_session *) next;    /* the same, once it is confirmed */
	struct wr_device *device;
	struct wr_port *port;
	void *owner;                /* for who made the port; NULL at first */
	uint32_t slot;              /* the same; before its allowed-ips are set */
	struct wr_latch endpoint;   /* the data plane writes it too */
	struct wr_managed *managed; /* NULL: its endpoint follows it */
	_Alignas(WR_CACHE_LINE) struct wr_activity activity;

	/* The port's thread only. */
	_Alignas(WR_CACHE_LINE) struct wr_key public_key;
	struct wr_key preshared_key;
	struct wr_session *previous;
	struct wr_handshake handshake;
	struct wr_cookie_jar cookie; /* what the peer gave us, for our mac2 */
	struct wr_allowed_list allowed;
	uint16_t keepalive_interval;       /* seconds; 0 is off */
	struct wr_wall latest_handshake;   /* 0: never */
	struct wr_instant session_derived; /* for zeroing; WR_NEVER when zeroed */
	struct wr_heap_node timer;
	bool is_removed;
	struct wr_relay_member *relay;         /* wg/relay.h; NULL: not needed yet */
	struct wr_peer *hash_next;             /* of the device's table */
	struct wr_peer *list_next, *list_prev; /* of the device, oldest first */
	struct wr_retired retired;
};

/* 10,000 idle peers are to fit into 40 MiB with all that belongs to them. */
static_assert(sizeof(struct wr_peer) <= 896, "a peer is small");

/* --- For the data plane: any thread, under a grace period. --- */

/* The session to send data with, or NULL: then stage the packet and call
 * wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE). */
static inline struct wr_session *wr_peer_session(const struct wr_peer *peer, struct wr_instant now)
{
	struct wr_session *session = atomic_load_explicit(&peer->next, memory_order_acquire);

	/* From the packet that confirmed it on, its answer already goes with it: the
	 * other side may have no older one. The port's thread follows. */
	if (!session || !wr_session_is_usable(session))
		session = atomic_load_explicit(&peer->current, memory_order_acquire);
	return session && !wr_session_is_expired(session, now) ? session : NULL;
}

/* Where the peer is: the version of *ret_endpoint, which another endpoint never
 * has; or 0, and *ret_endpoint is as it was, if that is not known. */
static inline uint32_t wr_peer_endpoint(const struct wr_peer *peer,
					struct wr_endpoint *ret_endpoint)
{
	return wr_latch_read(&peer->endpoint, ret_endpoint);
}

static inline bool wr_peer_has_endpoint(const struct wr_peer *peer)
{
	return atomic_load_explicit(&peer->endpoint.version, memory_order_relaxed) != 0;
}

/* An authentic, fresh packet came from there: answers go there from now on. True if that is
 * news. */
bool wr_peer_follow(struct wr_peer *peer, const struct wr_endpoint *from);

/* The same for any peer. One that is managed is not followed (but answers leave from the address
 * that was asked): true if it is to be told that it was heard there. So it is of one that is
 * followed, where the port relays and it has moved. */
bool wr_peer_hear(struct wr_peer *peer, const struct wr_endpoint *from, struct wr_instant now);

/* Puts the peer on the port's attention stack. True if the port's thread must
 * be woken (the stack was empty). */
bool wr_peer_ask(struct wr_peer *peer, enum wr_attention why);

/* After packets were sealed with `session` and sent: `bytes` of UDP payload in
 * all, `has_data` unless only keepalives. True: wake the port's thread. */
bool wr_peer_note_sent(struct wr_peer *peer, const struct wr_session *session,
		       struct wr_instant now, uint64_t bytes, bool has_data);
/* After authentic, fresh packets came in on `session`. */
bool wr_peer_note_received(struct wr_peer *peer, struct wr_session *session, struct wr_instant now,
			   uint64_t bytes, bool has_data);

/* --- For the port's thread. --- */

/* Remembers the mac1 of a handshake message that goes to the peer: a cookie reply
 * must be made for it. */
void wr_peer_note_mac1(struct wr_peer *peer, const uint8_t *message, size_t len);

/* Its endpoint is where it is set from now on; before its allowed-ips are. 0 or -ENOMEM. */
int wr_peer_manage(struct wr_peer *peer) WR_MUST_CHECK;
/* Publishes where the peer is; as configured, or seen on an authentic message. */
void wr_peer_set_endpoint(struct wr_peer *peer, const struct wr_endpoint *endpoint);
/* All zero: none. Takes effect with the next handshake. */
void wr_peer_set_preshared_key(struct wr_peer *peer, const struct wr_key *key);
/* Seconds, 0 is off. A keepalive goes at once where it was off and the device is up. */
void wr_peer_set_keepalive(struct wr_peer *peer, uint16_t seconds, struct wr_instant now);
/* Begins a handshake (as soon as rekey_timeout after the last allows), be there a session or not:
 * the other side may have lost it. What there is goes on to be used until then. */
void wr_peer_renew(struct wr_peer *peer, struct wr_instant now);
/* Something on the way to it is as it should be now: an initiation that waits for an answer goes
 * again soon. Nothing where there is a session, or no handshake under way. */
void wr_peer_hasten(struct wr_peer *peer);
/* Computes what depends on the peer's key and is first needed for a handshake,
 * once: 10,000 peers are configured in less time than their Diffie-Hellman takes. */
void wr_peer_prepare(struct wr_peer *peer);
int wr_peer_allow(struct wr_peer *peer, const struct wr_prefix *prefix) WR_MUST_CHECK;
void wr_peer_disallow(struct wr_peer *peer, const struct wr_prefix *prefix);
void wr_peer_disallow_all(struct wr_peer *peer);
