/* What people ask of an agent alone, over the control socket of its node: of its server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside.h"
#include "linux/files.h"

/* --- The status. --- */

static json_t *server_json(const struct wr_agent *agent)
{
	const struct wr_channel *channel = agent->channel;

	return json_pack("{s:s, s:b, s:i, s:s, s:s, s:s, s:b}", "url", agent->state.url,
			 "is_connected", (int)(channel && wr_channel_is_open(channel)),
			 "retry_seconds", channel ? (int)wr_channel_waits(channel) : 0, "trouble",
			 agent->trouble, "refusal", agent->refusal, "version",
			 agent->server_version, "is_behind", (int)agent->is_held);
}

static json_t *hub_addresses_json(const struct wr_netmap *map)
{
	json_t *array = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; map && i < 2; i++) {
		const struct wr_ip *ip = i ? &map->hub_v6 : &map->hub_v4;

		if (ip->family == WR_FAMILY_NONE)
			continue;
		wr_ip_format(ip, text);
		json_array_append_new(array, json_string(text));
	}
	return array;
}

static json_t *hub_json(const struct wr_agent *agent)
{
	struct wr_endpoint endpoint = wr_uplink_endpoint(agent->uplink);
	bool is_over_channel = wr_uplink_is_over_channel(agent->uplink);

	return json_pack("{s:o, s:s, s:b, s:o}", "endpoint",
			 is_over_channel ? json_null() : wr_netmap_endpoint_json(&endpoint), "way",
			 is_over_channel ? "channel" : "udp", "is_connected",
			 (int)wr_uplink_is_connected(agent->uplink), "addresses",
			 hub_addresses_json(wr_node_map(agent->node)));
}

void wr_agent_describe(void *context, json_t *status)
{
	const struct wr_agent *agent = context;

	if (!wr_node_map(agent->node)) {
		json_object_set_new(status, "network", json_string(agent->state.network));
		json_object_set_new(status, "name", json_string(agent->state.name));
	}
	json_object_set_new(status, "machine", json_string(agent->state.uid));
	json_object_set_new(status, "is_map_cached", json_boolean(agent->is_map_cached));
	json_object_set_new(status, "server", server_json(agent));
	json_object_set_new(status, "hub", hub_json(agent));
}

/* --- Calls. --- */

static void on_rotated(void *context, int error, const char *why)
{
	if (error == 0)
		wr_node_answer(context, 200, json_object());
	else
		wr_node_refuse(context, 502, *why ? why : strerror(-error));
}

static void post_rotate(void *context, struct wr_http_request *request)
{
	int status = wr_agent_rotate(context, on_rotated, request);

	if (status == -EBUSY)
		wr_node_refuse(request, 409, "another call to the server is under way: try again");
	else if (status < 0)
		wr_node_refuse(request, 500, strerror(-status));
}

static void post_refresh(void *context, struct wr_http_request *request)
{
	struct wr_agent *agent = context;
	WR_AUTO(wr_text_freep) char *accept = wr_http_query_value(wr_http_query(request), "accept");

	if (!agent->channel) {
		wr_node_refuse(request, 503, "the agent begins, or ends");
		return;
	}
	if (accept && strcmp(accept, "1") == 0)
		wr_agent_accept_older(agent);
	else
		wr_channel_hurry(agent->channel);
	wr_reconciler_run(wr_node_reconciler(agent->node));
	wr_node_answer(request, 200, json_object());
}

static void post_routes(void *context, struct wr_http_request *request)
{
	struct wr_bytes body = wr_http_body(request);
	json_t *object = json_loadb((const char *)body.data, body.len, 0, NULL);
	const json_t *routes = json_object_get(object, "routes");
	int status = -EINVAL;

	if (json_is_array(routes))
		status = wr_agent_change_routes(context, routes);
	json_decref(object);
	if (status < 0)
		wr_node_refuse(request, 422,
			       "routes are a list of prefixes, such as 192.168.5.0/24");
	else
		wr_node_answer(request, 200, json_object());
}

const struct wr_node_call wr_agent_calls[] = {
	{ WR_HTTP_POST, "/rotate", post_rotate },
	{ WR_HTTP_POST, "/refresh", post_refresh },
	{ WR_HTTP_POST, "/routes", post_routes },
};
const size_t wr_agent_call_count = WR_ARRAY_LEN(wr_agent_calls);
