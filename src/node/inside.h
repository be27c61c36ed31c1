/* The node from inside: one struct, from which all its state hangs.
 *
 * Floor 8, for this folder only. The loop's thread. */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/base.h"
#include "http/server.h"
#include "mesh/netmap.h"
#include "mesh/paths.h"
#include "mesh/reconcile.h"
#include "node/node.h"
#include "tunnel/backend.h"

struct wr_address_watch;
struct wr_netcheck_call;
struct wr_portmap;

struct wr_node {
	uv_loop_t *loop;
	struct wr_node_config config; /* with the key and the port that hold now */

	struct wr_backend *backend; /* NULL while the interface is gone */
	struct wr_reconciler *reconciler;
	struct wr_paths *paths;
	struct wr_http_server *control;
	struct wr_http_server *metrics; /* NULL: none over TCP */
	struct wr_address_watch *addresses;
	uv_timer_t sleep_timer;            /* looks whether this host slept */
	uint64_t slept_ns;                 /* since it booted, as seen last */
	struct wr_portmap *portmap;        /* NULL: not asked for */
	struct wr_netcheck_call *netcheck; /* one at a time; NULL: none */

	struct wr_netmap *map; /* NULL: none yet */

	struct wr_path_own own; /* candidates */
	struct wr_candidate added[WR_PATH_CANDIDATES];
	size_t added_count;

	struct wr_wall started;
	uint64_t handshakes;

	uv_async_t reopen; /* the backend is to be opened again */
	bool reopens;      /* the same: in wr_node_turn() */
	bool is_ending;    /* told `ended` */
	unsigned open_things;
};

/* --- interface.c --- */
int wr_node_open_backend(struct wr_node *node, char ret_why[200]) WR_MUST_CHECK;
/* Asks for wr_node_turn(). */
void wr_node_reopen(uv_async_t *async);

/* --- candidates.c: where we may be reached --- */
int wr_node_watch_addresses(struct wr_node *node) WR_MUST_CHECK;
void wr_node_unwatch_addresses(struct wr_node *node);
/* The interface and its port are there, perhaps others than before. */
void wr_node_backend_opened(struct wr_node *node);

/* --- node.c --- */
/* Tells the map that there is to those who make the host equal to it. */
void wr_node_use_map(struct wr_node *node);

/* --- control.c, status.c: what people ask --- */
int wr_node_open_control(struct wr_node *node, char ret_why[200]) WR_MUST_CHECK;
json_t *wr_node_status(struct wr_node *node);

/* --- metrics.c, metrics_peers.c: for Prometheus --- */
int wr_node_open_metrics(struct wr_node *node, char ret_why[200]) WR_MUST_CHECK;
void wr_node_get_metrics(struct wr_node *node, struct wr_http_request *request);
/* How many there are of each kind; and, if asked for, each by its name. */
void wr_node_measure_peers(struct wr_node *node, struct wr_metrics *metrics, bool has_each);

/* --- netcheck_call.c --- */
void wr_node_get_netcheck(struct wr_node *node, struct wr_http_request *request);
void wr_node_cancel_netcheck(struct wr_node *node);
