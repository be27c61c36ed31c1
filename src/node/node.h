/* A node: this machine in one network, whoever says what the network is. It has the interface, the
 * paths to peers, what makes the host equal to the map, where we may be reached, and the control
 * socket. A source (a server's agent, a zero-config mesh) gives it maps.
 *
 * Floor 8.  On the thread of its loop.  Source: docs/architecture.md, "Intent". */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/base.h"
#include "crypto/aead.h"
#include "http/metrics.h"
#include "http/server.h"
#include "mesh/netmap.h"
#include "mesh/paths.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

/* Of a tunnel within 1,500 bytes: less what WireGuard, UDP and IPv6 take. */
#define WR_TUNNEL_MTU 1420

struct wr_node;

/* A call of the control socket that only this source has, or has in another way. */
struct wr_node_call {
	enum wr_http_method method;
	const char *path;
	void (*take)(void *context, struct wr_http_request *request);
};

struct wr_node_config {
	/* All strings and arrays are borrowed as long as the node lives. Callbacks come when
	 * wr_node_open() has set *ret_node, the first ones from within it. */
	const char *interface;
	const char *socket_path; /* of the control socket */
	const char *what;        /* "agent", "mesh": in messages */
	const char *version;     /* of this program; NULL: not told */
	/* "127.0.0.1:9588": the metrics are there too, for whoever reaches it, in the clear; NULL:
	 * on the control socket alone. */
	const char *metrics_listen;
	struct wr_key private_key;   /* copied; the caller wipes */
	struct wr_key preshared_key; /* with every peer of the map; all zero: none */
	uint16_t port;               /* WireGuard's; 0: last_port if it is free, else any */
	uint16_t last_port;
	struct wr_wall least_wall; /* tunnel/backend.h; 0: none */
	struct wr_ip listen;       /* only this address is told to others; family none: all */
	enum wr_backend_kind backend;
	enum wr_names_kind names;
	const char *hosts_file;
	bool accepts_routes, may_forward, masquerades;
	uint16_t keepalive; /* towards the hub, seconds; 0: none */
	unsigned workers;
	const struct wr_aead *aead;

	/* The engine's port passes datagrams on, unopened, between peers that this allows; and
	 * answers STUN. NULL: it does not. */
	bool (*may_relay)(void *context, const struct wr_key *from, const struct wr_key *to);
	/* Another datagram than WireGuard's came to the engine's port (tunnel/backend.h). May be
	 * NULL. */
	void (*knocked)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);

	/* Any may be NULL. */
	void (*port_opened)(void *context,
			    uint16_t port);        /* the interface is there, perhaps again */
	void (*candidates_changed)(void *context); /* wr_node_candidates() */
	void (*network_changed)(void *context);    /* addresses of this host, or a resume */
	void (*path_changed)(void *context, const char *uid);
	void (*path_asks)(void *context, const char *uid); /* mesh/paths.h, `ask` */
	void (*shook)(void *context, const struct wr_key *peer);
	/* A peer says where it heard us: our address as others see it. */
	void (*observed)(void *context, const struct wr_key *by, const struct wr_endpoint *us);
	/* Who beside the map's hub answers STUN, to be asked by netcheck: at most `max`; returns
	 * how many. */
	size_t (*observers)(void *context, struct wr_endpoint *ret_endpoints, size_t max);
	/* The source's part of the status: adds to it. */
	void (*describe)(void *context, json_t *status);
	/* The source's part of a peer's status; with "is_hidden": true the list of all leaves it
	 * out. */
	void (*describe_peer)(void *context, const struct wr_netmap_peer *peer, json_t *status);
	/* The source's part of the metrics (GET /metrics): adds families. */
	void (*measure)(void *context, struct wr_metrics *metrics);
	const struct wr_node_call *calls;
	size_t call_count;
	/* It wants to end: asked over the control socket (0), or it cannot go on (negative errno,
	 * after a log line). Once. */
	void (*ended)(void *context, int error);
	void *context;
};

/* 0; or a negative errno, with what went wrong and what to do in `ret_why` (200 bytes); then
 * nothing of the host is changed. */
int wr_node_open(uv_loop_t *loop, const struct wr_node_config *config, struct wr_node **ret_node,
		 char ret_why[200]) WR_MUST_CHECK;
/* Puts back what was changed. Runs the loop until its handles are closed, so not from a callback.
 * NULL is fine; returns NULL. */
struct wr_node *wr_node_free(struct wr_node *node);
/* Some things cannot be done from a callback: when the loop was stopped, ask whether it was for
 * that, and if so take a turn and go on. 0, or a negative errno after a log line. */
bool wr_node_wants_turn(const struct wr_node *node);
int wr_node_turn(struct wr_node *node) WR_MUST_CHECK;
/* Tells `ended`, once. */
void wr_node_quit(struct wr_node *node, int error);

/* Takes the map: reconciler, paths and status work by it. */
void wr_node_set_map(struct wr_node *node, struct wr_netmap *map);
const struct wr_netmap *wr_node_map(const struct wr_node *node);
/* Where others may reach us, as far as this host knows: addresses of its interfaces, what its
 * router maps. */
const struct wr_path_own *wr_node_candidates(const struct wr_node *node);
/* More of these, from who sees us from outside; copied, they replace those of before. */
void wr_node_add_candidates(struct wr_node *node, const struct wr_candidate *candidates,
			    size_t count);
/* NULL while the interface is gone. (NULL is fine for the node, for whoever still opens it.) */
struct wr_backend *wr_node_backend(struct wr_node *node);
struct wr_paths *wr_node_paths(struct wr_node *node);
struct wr_reconciler *wr_node_reconciler(struct wr_node *node);
/* Another WireGuard key from now on; copied. 0 or a negative errno: the interface does not take it,
 * now; it is the node's all the same. */
int wr_node_set_key(struct wr_node *node, const struct wr_key *private_key) WR_MUST_CHECK;
/* By name, identifier, address; NULL if there is none. */
const struct wr_netmap_peer *wr_node_find_peer(const struct wr_node *node, const char *word);
/* As the status has it; NULL where memory is short. */
json_t *wr_node_peer_status(struct wr_node *node, const struct wr_netmap_peer *peer);
/* The part of it that is of paths, as others are told. */
json_t *wr_node_peer_report(const struct wr_netmap_peer *peer, const struct wr_paths_sight *sight);

/* Answers a control call; takes the object. Or refuses, with one line. */
void wr_node_answer(struct wr_http_request *request, unsigned status, json_t *object);
void wr_node_refuse(struct wr_http_request *request, unsigned status, const char *detail);
