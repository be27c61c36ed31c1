/* The paths to all peers of the map: a path machine (path/path.h) each, the pulses between
 * members inside the tunnels (wire/pulse.h), and health: latency, loss, which path.
 *
 * A pulse is a small UDP datagram from a member's own address to another's, on WR_PULSE_PORT:
 * who am I to you, my candidates, where your last packets came from, and an echo of your time. It
 * goes only to peers with which traffic flows, or that someone asks for.
 *
 * Floor 7.  On the thread of its loop.  Source: docs/agents.md. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/netmap.h"
#include "path/path.h"
#include "tunnel/backend.h"

#define WR_PULSE_PORT 51819

struct wr_paths_config {
	struct wr_backend *backend; /* borrowed */
	/* A peer's path, its state or its health changed enough to tell. May be NULL. */
	void (*changed)(void *context, const char *uid);
	/* Asks the peer to probe by another way than a pulse, for the relay seems silent: over the
	 * channel. May be NULL. */
	void (*ask)(void *context, const char *uid);
	/* A peer's pulse tells where it heard us directly: an address of ours as others see it. It
	 * may be told again with each pulse. May be NULL. */
	void (*observed)(void *context, const struct wr_key *by, const struct wr_endpoint *us);
	void *context;
};

struct wr_paths;

int wr_paths_new(uv_loop_t *loop, const struct wr_paths_config *config, struct wr_paths **ret_paths)
	WR_MUST_CHECK;
/* Runs the loop until its handles are closed, so not from a callback. NULL is fine. */
struct wr_paths *wr_paths_free(struct wr_paths *paths);

/* After wr_reconciler_set_map() with the same map; borrowed until the next. Opens the pulse socket
 * on our own addresses when they are there. */
void wr_paths_set_map(struct wr_paths *paths, const struct wr_netmap *map);
/* NULL: there is none for a while; then nothing is done. */
void wr_paths_set_backend(struct wr_paths *paths, struct wr_backend *backend);
/* Where the hub is reached now (its endpoint is the relay's); a loopback address where UDP is
 * blocked and datagrams go over the channel. Family none: it is down; direct paths stay as they
 * are, and others are tried without it. */
void wr_paths_set_relay(struct wr_paths *paths, const struct wr_endpoint *relay);
/* In a mesh (the map has no hub) members relay for each other. These two pass datagrams on between
 * us and the peer: it is gone through whichever is reached directly, and for the other one when
 * that is silent or gone from the map; until the direct path is found. Up to WR_PATHS_RELAYS; 0:
 * none. After wr_paths_set_map(); forgotten with the peer. */
#define WR_PATHS_RELAYS 2
void wr_paths_set_relays(struct wr_paths *paths, const char *uid, const struct wr_key *relays,
			 size_t count);
/* The members that relay for us: there is to be a session with each, always. (That it stays alive
 * is WireGuard's matter: wr_reconciler_set_kept().) */
void wr_paths_keep(struct wr_paths *paths, const struct wr_key *keys, size_t count);
/* The backend's `wanted`. */
void wr_paths_wanted(struct wr_paths *paths, const struct wr_key *peer);
/* So many bytes of UDP payload go to the peer's address (IPv6, where it has one) by our own doing:
 * a tunnel that carries nothing else is no reason to watch its path, or to look for a better one.
 */
void wr_paths_spent(struct wr_paths *paths, const struct wr_key *peer, size_t bytes);
/* Our own candidates, to be told to peers. */
void wr_paths_set_candidates(struct wr_paths *paths, const struct wr_candidate *candidates,
			     size_t count);
/* The backend's `heard` and `shook`. */
void wr_paths_heard(struct wr_paths *paths, const struct wr_key *peer,
		    const struct wr_endpoint *from);
void wr_paths_shook(struct wr_paths *paths, const struct wr_key *peer);
/* The peer asks to probe, by another way than a pulse: the server passed it on. */
void wr_paths_asked(struct wr_paths *paths, const char *uid);
/* This host's network changed. */
void wr_paths_moved(struct wr_paths *paths);

/* Health of a peer. Connected is only said of a path that carried authentic traffic lately. */
struct wr_paths_sight {
	struct wr_path_sight path;
	bool is_connected;
	uint32_t latency_us;    /* smoothed; 0: not known */
	uint32_t loss_permille; /* of the last pulses */
	struct wr_wall latest_handshake;
	uint64_t rx_bytes, tx_bytes;
};
bool wr_paths_look(struct wr_paths *paths, const char *uid, struct wr_paths_sight *ret_sight);
/* Sends a pulse now, and calls back with the time it took, or -ETIMEDOUT, -ENETUNREACH (no
 * session and none came), -ENOENT. `ponged` is called once, never from within. */
void wr_paths_ping(struct wr_paths *paths, const char *uid, struct wr_span timeout,
		   void (*ponged)(void *context, int error, uint32_t latency_us), void *context);
/* The same, of one that is asked all the time: it is no reason to watch the path, or to look for a
 * better one. */
void wr_paths_ping_quietly(struct wr_paths *paths, const char *uid, struct wr_span timeout,
			   void (*ponged)(void *context, int error, uint32_t latency_us),
			   void *context);
