#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "node/inside.h"
#include "tunnel/handle.h"

/* --- What the parts tell. --- */

static void on_drift(void *context, const char *what)
{
	(void)context;
	wr_log_error("drift: mended: %s", what);
}

static void on_path_asks(void *context, const char *uid)
{
	struct wr_node *node = context;

	if (node->config.path_asks)
		node->config.path_asks(node->config.context, uid);
}

static void on_path_changed(void *context, const char *uid)
{
	struct wr_node *node = context;

	if (node->config.path_changed)
		node->config.path_changed(node->config.context, uid);
}

static void on_observed(void *context, const struct wr_key *by, const struct wr_endpoint *us)
{
	struct wr_node *node = context;

	if (node->config.observed)
		node->config.observed(node->config.context, by, us);
}

/* --- Opening. --- */

static int open_mesh(struct wr_node *node)
{
	const struct wr_node_config *config = &node->config;
	struct wr_reconciler_config reconciler = {
		.backend = node->backend,
		.interface = config->interface,
		.accepts_routes = config->accepts_routes,
		.may_forward = config->may_forward,
		.masquerade = config->masquerades,
		.names = config->names,
		.hosts_file = config->hosts_file,
		.keepalive = config->keepalive,
		.preshared_key = config->preshared_key,
		.mtu = WR_TUNNEL_MTU,
		.drifted = on_drift,
		.context = node,
	};
	const struct wr_paths_config paths = {
		.backend = node->backend,
		.changed = on_path_changed,
		.ask = on_path_asks,
		.observed = on_observed,
		.context = node,
	};
	int status = wr_reconciler_new(node->loop, &reconciler, &node->reconciler);

	wr_wipe(&reconciler.preshared_key, sizeof(reconciler.preshared_key));
	return status < 0 ? status : wr_paths_new(node->loop, &paths, &node->paths);
}

static int open_parts(struct wr_node *node, char ret_why[200])
{
	int status = wr_node_open_control(node, ret_why);

	if (status < 0)
		return status;
	status = wr_node_open_metrics(node, ret_why);
	if (status < 0)
		return status;
	status = wr_node_open_backend(node, ret_why);
	if (status < 0)
		return status;
	status = open_mesh(node);
	if (status == -ENOENT && wr_backend_kind(node->backend) == WR_BACKEND_KERNEL) {
		snprintf(ret_why, 200,
			 "nft(8) is not there, which enforces the policy beside the kernel's "
			 "WireGuard: install nftables, or choose --backend engine");
		return status;
	}
	if (status == 0)
		status = wr_node_watch_addresses(node);
	if (status < 0)
		snprintf(ret_why, 200, "%s", strerror(-status));
	return status;
}

int wr_node_open(uv_loop_t *loop, const struct wr_node_config *config, struct wr_node **ret_node,
		 char ret_why[200])
{
	struct wr_node *node = calloc(1, sizeof(*node));
	int status;

	if (!node) {
		snprintf(ret_why, 200, "memory is short");
		return -ENOMEM;
	}
	node->loop = loop;
	node->started = wr_clock_wall();
	node->config = *config;
	uv_async_init(loop, &node->reopen, wr_node_reopen);
	node->reopen.data = node;
	status = open_parts(node, ret_why);
	if (status < 0) {
		wr_node_free(node);
		return status;
	}
	/* Whoever is told of the port and of candidates asks the node for more. */
	*ret_node = node;
	wr_node_backend_opened(node);
	return 0;
}

/* --- Ending. --- */

void wr_node_quit(struct wr_node *node, int error)
{
	if (node->is_ending)
		return;
	node->is_ending = true;
	if (node->config.ended)
		node->config.ended(node->config.context, error);
}

static void on_part_closed(void *context)
{
	struct wr_node *node = context;

	node->open_things--;
}

static void close_server(struct wr_node *node, struct wr_http_server **server)
{
	if (!*server)
		return;
	node->open_things++;
	wr_http_server_close(*server, WR_SPAN_MS(500), on_part_closed, node);
	*server = NULL;
}

static void close_parts(struct wr_node *node)
{
	close_server(node, &node->control);
	close_server(node, &node->metrics);
	wr_node_cancel_netcheck(node);
	wr_node_unwatch_addresses(node);
	wr_handle_close((uv_handle_t *)&node->reopen);
}

struct wr_node *wr_node_free(struct wr_node *node)
{
	if (!node)
		return NULL;
	node->is_ending = true;
	close_parts(node);
	while (node->open_things)
		uv_run(node->loop, UV_RUN_ONCE);
	node->paths = wr_paths_free(node->paths);
	node->reconciler = wr_reconciler_free(node->reconciler);
	node->backend = wr_backend_free(node->backend);
	uv_run(node->loop, UV_RUN_NOWAIT);
	node->map = wr_netmap_free(node->map);
	wr_wipe(&node->config.private_key, sizeof(node->config.private_key));
	wr_wipe(&node->config.preshared_key, sizeof(node->config.preshared_key));
	free(node);
	return NULL;
}

/* --- The map, and the parts. --- */

void wr_node_use_map(struct wr_node *node)
{
	wr_reconciler_set_map(node->reconciler, node->map);
	wr_paths_set_map(node->paths, node->map);
	wr_paths_set_candidates(node->paths, node->own.candidates, node->own.count);
}

void wr_node_set_map(struct wr_node *node, struct wr_netmap *map)
{
	struct wr_netmap *before = node->map;

	node->map = map;
	wr_node_use_map(node);
	wr_netmap_free(before);
	wr_log_verbose("map: generation=%llu peers=%zu", (unsigned long long)map->generation,
		       map->peer_count);
}

const struct wr_netmap *wr_node_map(const struct wr_node *node)
{
	return node ? node->map : NULL;
}

const struct wr_path_own *wr_node_candidates(const struct wr_node *node)
{
	return &node->own;
}

struct wr_backend *wr_node_backend(struct wr_node *node)
{
	return node ? node->backend : NULL;
}

struct wr_paths *wr_node_paths(struct wr_node *node)
{
	return node->paths;
}

struct wr_reconciler *wr_node_reconciler(struct wr_node *node)
{
	return node->reconciler;
}

int wr_node_set_key(struct wr_node *node, const struct wr_key *private_key)
{
	node->config.private_key = *private_key;
	return node->backend ? wr_backend_set_key(node->backend, private_key) : 0;
}
