/* What carries the packets of one interface: the engine, or the kernel's WireGuard; the same to
 * whoever uses it.
 *
 * Floor 6.  On the thread of its loop.  Owns the interface, and removes it at the end.
 * Source: docs/architecture.md; linux/wireguard.h; wg(8). */
#pragma once

#include <net/if.h>
#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "crypto/aead.h"
#include "engine/engine.h"
#include "policy/guard.h"

enum wr_backend_kind {
	WR_BACKEND_AUTO, /* the kernel's where it has one, else the engine */
	WR_BACKEND_KERNEL,
	WR_BACKEND_ENGINE
};

struct wr_backend_config {
	const char *name; /* of the interface */
	enum wr_backend_kind kind;
	struct wr_key private_key; /* copied; the caller wipes */
	uint16_t port;             /* UDP; 0: any that is free */
	uint32_t mark;             /* SO_MARK of what it sends; 0: none */
	uint32_t mtu;
	unsigned workers;           /* the engine's */
	const struct wr_aead *aead; /* the engine's; NULL: the fastest */
	unsigned time_scale;        /* the engine's: how much faster its timers run; 0 is 1 */
	bool has_wg_view;           /* the engine's: `wg show` finds it, and may only look */
	/* Something authentic came from a peer, from an address that is not the one traffic goes to
	 * (engine), or its handshake or endpoint moved on (kernel: looked at each second, or when
	 * asked by wr_backend_look()). From the loop. */
	void (*heard)(void *context, const struct wr_key *peer, const struct wr_endpoint *from);
	/* A handshake with the peer is through. */
	void (*shook)(void *context, const struct wr_key *peer);
	/* Somebody has something to say to a peer without a session: a handshake was begun, or
	 * begun again, from here (the engine's; with the kernel's it is seen in the sight). */
	void (*wanted)(void *context, const struct wr_key *peer);
	/* The engine's: a knock came to WireGuard's port (engine/engine.h, WR_ENGINE_KNOCK_FIRST:
	 * nothing in it was checked). The bytes are there until it returns. From the loop. NULL:
	 * such datagrams are dropped. */
	void (*knocked)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);
	/* The engine's: may it pass datagrams on, unopened, between these two of its peers? Asked
	 * for a handshake between two that have none yet, from within any function that takes the
	 * backend: it remembers, and does nothing with it. NULL: it relays nothing. */
	bool (*may_relay)(void *context, const struct wr_key *from, const struct wr_key *to);
	/* The engine's: its handshakes say that it is at least this time, whatever the clock says;
	 * 0: none. */
	struct wr_wall least_wall;
	bool has_stun; /* the engine's: the port tells who asks by STUN what address it sees */
	/* The interface was deleted, by whomever: close the backend, open another. Once. */
	void (*gone)(void *context);
	void *context;
};

struct wr_backend_peer {
	struct wr_key public_key;
	struct wr_key preshared_key; /* all zero: none */
	const struct wr_prefix *allowed;
	size_t allowed_count;
	uint16_t keepalive; /* seconds; 0: off */
};

/* What is seen of a peer. */
struct wr_backend_sight {
	struct wr_key public_key;
	struct wr_endpoint endpoint; /* where traffic goes; family none: nowhere */
	struct wr_endpoint
		shook_from; /* the last handshake; the engine's; family none: not known */
	struct wr_wall latest_handshake;
	uint64_t rx_bytes, tx_bytes;
	struct wr_instant last_received; /* something authentic; 0: never */
	size_t allowed_count;
	uint64_t allowed_sum; /* wr_backend_allowed_sum() of them */
	uint16_t keepalive;
	uint64_t preshared_sum; /* wr_backend_key_sum() of its preshared key */
};

struct wr_backend;

/* A number that lists of prefixes share if they are the same in any order, and hardly any others:
 * whether somebody else has changed a peer's. */
uint64_t wr_backend_allowed_sum(const struct wr_prefix *prefixes, size_t count);

/* The same of a preshared key, which it does not tell; of none: 0. */
uint64_t wr_backend_key_sum(const struct wr_key *preshared_key);

/* Opens it; the interface is not up yet. 0; or a negative errno with what went wrong and what
 * to do in `ret_why` (200 bytes): -EEXIST where the interface is there and another's, -EPERM,
 * -EADDRINUSE for the port, -EOPNOTSUPP where there is no kernel WireGuard. */
int wr_backend_open(uv_loop_t *loop, const struct wr_backend_config *config,
		    struct wr_backend **ret_backend, char ret_why[200]) WR_MUST_CHECK;
/* Ends it and removes the interface; runs the loop until its handles are closed, so not from a
 * callback. NULL is fine; returns NULL. */
struct wr_backend *wr_backend_free(struct wr_backend *backend);

enum wr_backend_kind wr_backend_kind(const struct wr_backend *backend);
/* "engine" or "kernel". */
const char *wr_backend_name(const struct wr_backend *backend);
uint32_t wr_backend_index(const struct wr_backend *backend);
uint16_t wr_backend_port(const struct wr_backend *backend);
/* True if wr_backend_probe() does something. */
bool wr_backend_can_probe(const struct wr_backend *backend);

/* 0 or a negative errno, as all below. A new key ends the sessions. */
int wr_backend_set_key(struct wr_backend *backend, const struct wr_key *private_key) WR_MUST_CHECK;
int wr_backend_set_up(struct wr_backend *backend, bool is_up) WR_MUST_CHECK;
/* Adds it, or makes it so: allowed-ips are replaced where they differ; sessions of a peer whose
 * key is the same live on. Its endpoint is as it was. */
int wr_backend_set_peer(struct wr_backend *backend, const struct wr_backend_peer *peer)
	WR_MUST_CHECK;
int wr_backend_remove_peer(struct wr_backend *backend, const struct wr_key *public_key);
/* Traffic of the peer goes there; it stays there, whatever comes from elsewhere, with a backend
 * that can probe; the kernel's follows the peer, which shows in the sight. */
int wr_backend_set_endpoint(struct wr_backend *backend, const struct wr_key *public_key,
			    const struct wr_endpoint *endpoint) WR_MUST_CHECK;
/* Addresses that the peer may be at (up to WR_SPREAD_MAX), from now on: while there is no session
 * with it, handshakes go to all of these beside its endpoint, and its traffic goes to where the
 * first answer comes from, or the peer's own handshake; `heard` tells of it. -EOPNOTSUPP with the
 * kernel's. */
int wr_backend_set_spread(struct wr_backend *backend, const struct wr_key *public_key,
			  const struct wr_endpoint *endpoints, size_t count);
/* Begins a handshake, if there is no session. (The kernel's: something authentic goes to the peer's
 * endpoint, a handshake first if there is no session.) */
int wr_backend_wake(struct wr_backend *backend, const struct wr_key *public_key);
/* Something on the way to the peer works now: a handshake that waits for an answer goes again at
 * once. -EOPNOTSUPP with the kernel's. */
int wr_backend_hasten(struct wr_backend *backend, const struct wr_key *public_key);
/* Begins a handshake although there is a session, which the other side may have lost. (The kernel's
 * has no way to say so: the peer is made anew, so what is sent until then waits, and its latest
 * handshake is 0.) */
int wr_backend_renew(struct wr_backend *backend, const struct wr_key *public_key);
/* Sends an authentic keepalive to a second address. -ENOTCONN if there is no session,
 * -EOPNOTSUPP with the kernel's. */
int wr_backend_probe(struct wr_backend *backend, const struct wr_key *public_key,
		     const struct wr_endpoint *to);
/* Sends a knock of up to WR_ENGINE_KNOCK_MAX_LEN bytes from WireGuard's own port. -EOPNOTSUPP with
 * the kernel's. */
int wr_backend_send(struct wr_backend *backend, struct wr_bytes datagram,
		    const struct wr_endpoint *to) WR_MUST_CHECK;
/* What may_relay() says may be another thing by now: it is asked again for those that talk through
 * us, and what it forbids stops. Nothing with the kernel's. */
void wr_backend_review_relay(struct wr_backend *backend);
/* What its engine did since it was opened. -EOPNOTSUPP with the kernel's. */
int wr_backend_count(const struct wr_backend *backend, struct wr_counters *ret_counters)
	WR_MUST_CHECK;
/* Calls `see` for each peer; it changes nothing. */
int wr_backend_look(struct wr_backend *backend,
		    void (*see)(void *context, const struct wr_backend_sight *sight), void *context)
	WR_MUST_CHECK;
/* The same of one peer; -ENOENT. The kernel's tells of all or none, so what it told in the last
 * 20 ms is taken for new. */
int wr_backend_look_one(struct wr_backend *backend, const struct wr_key *public_key,
			struct wr_backend_sight *ret_sight) WR_MUST_CHECK;
/* What passes between interface and tunnel from now on is judged by it: the engine's. Borrowed
 * until another is set (NULL: nothing is judged); what was retired by it is freed by the engine:
 * wr_backend_retired() is the list for wr_guard_set() (NULL with the kernel's). -EOPNOTSUPP with
 * the kernel's. */
int wr_backend_set_guard(struct wr_backend *backend, struct wr_guard *guard);
struct wr_retire_list *wr_backend_retired(struct wr_backend *backend);
