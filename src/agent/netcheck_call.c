/* A look at the network, asked for over the control socket: `warren netcheck`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside.h"
#include "agent/netcheck.h"

#define LINE_MAX_LEN 300

struct wr_netcheck_call {
	struct wr_agent *agent;
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
	wr_control_answer(call->request, 200, object);
	call->agent->netcheck = NULL;
	free(call);
}

static size_t servers_of(const struct wr_netmap *map, struct wr_endpoint ret_servers[2])
{
	size_t count = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(map->hub_endpoints); i++)
		if (map->hub_endpoints[i].ip.family != WR_FAMILY_NONE)
			ret_servers[count++] = map->hub_endpoints[i];
	return count;
}

static void begin(struct wr_agent *agent, struct wr_http_request *request)
{
	struct wr_netcheck_call *call = calloc(1, sizeof(*call));
	struct wr_endpoint servers[2];
	struct wr_netcheck_config config = {
		.servers = servers,
		.server_count = servers_of(agent->map, servers),
		.stun_port = agent->map->stun_port,
		.asks_router = true,
		.done = on_done,
		.context = call,
	};
	int status = -1;

	if (call) {
		call->agent = agent;
		call->request = request;
		status = wr_netcheck_start(agent->loop, &config, &call->netcheck);
	}
	if (status == 0) {
		agent->netcheck = call;
		return;
	}
	free(call);
	wr_control_refuse(request, 503, "no look at the network can be taken now");
}

void wr_agent_get_netcheck(struct wr_agent *agent, struct wr_http_request *request)
{
	if (agent->netcheck)
		wr_control_refuse(request, 409, "another look is being taken: try again");
	else if (!agent->map)
		wr_control_refuse(request, 409,
				  "there is no map yet, so no server to ask (warren status)");
	else
		begin(agent, request);
}

void wr_agent_cancel_netcheck(struct wr_agent *agent)
{
	struct wr_netcheck_call *call = agent->netcheck;

	if (!call)
		return;
	wr_netcheck_cancel(call->netcheck);
	wr_control_refuse(call->request, 503, "the agent ends");
	agent->netcheck = NULL;
	free(call);
}
