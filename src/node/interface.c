/* The interface: opened on the port that it had, and again when somebody deleted it. */
#include <errno.h>

#include "base/log.h"
#include "node/inside.h"

static void on_heard(void *context, const struct wr_key *peer, const struct wr_endpoint *from)
{
	struct wr_node *node = context;

	if (node->paths)
		wr_paths_heard(node->paths, peer, from);
}

static void on_shook(void *context, const struct wr_key *peer)
{
	struct wr_node *node = context;

	node->handshakes++;
	if (node->paths)
		wr_paths_shook(node->paths, peer);
	if (node->config.shook)
		node->config.shook(node->config.context, peer);
}

static void on_wanted(void *context, const struct wr_key *peer)
{
	struct wr_node *node = context;

	if (node->paths)
		wr_paths_wanted(node->paths, peer);
}

static void on_knocked(void *context, struct wr_bytes datagram, const struct wr_endpoint *from)
{
	struct wr_node *node = context;

	node->config.knocked(node->config.context, datagram, from);
}

static bool may_relay(void *context, const struct wr_key *from, const struct wr_key *to)
{
	struct wr_node *node = context;

	return node->config.may_relay(node->config.context, from, to);
}

/* Not from within the backend's own callback. */
static void on_gone(void *context)
{
	struct wr_node *node = context;

	wr_log_error("interface: %s was deleted by somebody; it is made again",
		     node->config.interface);
	uv_async_send(&node->reopen);
}

static int open_backend_on(struct wr_node *node, uint16_t port, char ret_why[200])
{
	const struct wr_backend_config config = {
		.name = node->config.interface,
		.kind = node->config.backend,
		.private_key = node->config.private_key,
		.port = port,
		.mtu = WR_TUNNEL_MTU,
		.workers = node->config.workers,
		.aead = node->config.aead,
		.has_wg_view = true,
		.least_wall = node->config.least_wall,
		.heard = on_heard,
		.shook = on_shook,
		.wanted = on_wanted,
		.knocked = node->config.knocked ? on_knocked : NULL,
		.may_relay = node->config.may_relay ? may_relay : NULL,
		.has_stun = node->config.may_relay,
		.gone = on_gone,
		.context = node,
	};

	return wr_backend_open(node->loop, &config, &node->backend, ret_why);
}

int wr_node_open_backend(struct wr_node *node, char ret_why[200])
{
	struct wr_node_config *config = &node->config;
	int status = open_backend_on(node, config->port ? config->port : config->last_port,
				     ret_why);

	/* Somebody else took the one that nobody asked for. */
	if (status == -EADDRINUSE && !config->port && config->last_port)
		status = open_backend_on(node, 0, ret_why);
	if (status == 0)
		config->last_port = wr_backend_port(node->backend);
	return status;
}

/* All that was told to the last one. */
static void tell_backend(struct wr_node *node)
{
	wr_reconciler_set_backend(node->reconciler, node->backend);
	wr_paths_set_backend(node->paths, node->backend);
	if (node->map)
		wr_node_use_map(node);
	wr_node_backend_opened(node);
}

void wr_node_reopen(uv_async_t *async)
{
	struct wr_node *node = async->data;

	node->reopens = true;
	uv_stop(node->loop);
}

bool wr_node_wants_turn(const struct wr_node *node)
{
	return node->reopens;
}

int wr_node_turn(struct wr_node *node)
{
	char why[200];
	int status;

	node->reopens = false;
	wr_reconciler_set_backend(node->reconciler, NULL);
	wr_paths_set_backend(node->paths, NULL);
	node->backend = wr_backend_free(node->backend);
	status = wr_node_open_backend(node, why);
	if (status < 0) {
		wr_log_error("interface: cannot be made again: %s", why);
		return status;
	}
	tell_backend(node);
	return 0;
}
