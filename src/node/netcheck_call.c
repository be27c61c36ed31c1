/* A look at the network, asked for over the control socket: `warren netcheck`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/inside.h"
#include "node/netcheck.h"

#define LINE_MAX_LEN 300

struct wr_netcheck_call {
	struct wr_node *node;
	struct wr_http_request *request;
	struct wr_netcheck *netcheck;
};

static void add_line(void *context, const char *name, const char *text)
{
	char line[LINE_MAX_LEN];

	snprintf(line, sizeof(line), "%-16s%s", name, text);
	json_array_append_new(context, json_string(line));
}

static void on_done(void *context, const struct wr_netcheck_report *report)
{
	struct wr_netcheck_call *call = context;
	json_t *object = wr_netcheck_json(report);
	json_t *lines = json_array();

	wr_netcheck_lines(report, add_line, lines);
	if (object)
		json_object_set_new(object, "lines", lines);
	else
		json_decref(lines);
	wr_node_answer(call->request, 200, object);
	call->node->netcheck = NULL;
	free(call);
}

/* The map's hub, and whom the source knows. */
static size_t servers_of(const struct wr_node *node,
			 struct wr_endpoint ret_servers[WR_NETCHECK_SERVERS])
{
	const struct wr_netmap *map = node->map;
	size_t count = 0;

	for (size_t i = 0; !wr_key_is_zero(&map->hub_key) && i < WR_ARRAY_LEN(map->hub_endpoints);
	     i++)
		if (map->hub_endpoints[i].ip.family != WR_FAMILY_NONE)
			ret_servers[count++] = map->hub_endpoints[i];
	if (node->config.observers)
		count += node->config.observers(node->config.context, ret_servers + count,
						WR_NETCHECK_SERVERS - count);
	return count;
}

static void begin(struct wr_node *node, struct wr_http_request *request)
{
	struct wr_netcheck_call *call = calloc(1, sizeof(*call));
	struct wr_endpoint servers[WR_NETCHECK_SERVERS];
	struct wr_netcheck_config config = {
		.servers = servers,
		.server_count = servers_of(node, servers),
		.stun_port = node->map->stun_port,
		.is_mesh = wr_key_is_zero(&node->map->hub_key),
		.asks_router = true,
		.done = on_done,
		.context = call,
	};
	int status = -1;

	if (call) {
		call->node = node;
		call->request = request;
		status = wr_netcheck_start(node->loop, &config, &call->netcheck);
	}
	if (status == 0) {
		node->netcheck = call;
		return;
	}
	free(call);
	wr_node_refuse(request, 503, "no look at the network can be taken now");
}

void wr_node_get_netcheck(struct wr_node *node, struct wr_http_request *request)
{
	if (node->netcheck)
		wr_node_refuse(request, 409, "another look is being taken: try again");
	else if (!node->map)
		wr_node_refuse(request, 409,
			       "there is no map yet, so nobody to ask (warren status)");
	else
		begin(node, request);
}

void wr_node_cancel_netcheck(struct wr_node *node)
{
	struct wr_netcheck_call *call = node->netcheck;

	if (!call)
		return;
	wr_netcheck_cancel(call->netcheck);
	wr_node_refuse(call->request, 503, "it ends");
	node->netcheck = NULL;
	free(call);
}
