#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/inside.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "linux/files.h"
#include "tunnel/handle.h"

/* --- What the node tells. --- */

/* By way of the server: a peer that does not answer over the relay may still hear that. */
static void on_path_asks(void *context, const char *uid)
{
	struct wr_agent *agent = context;

	if (agent->channel)
		(void)wr_channel_send(agent->channel,
				      json_pack("{s:s, s:s}", "type", "probe", "machine", uid));
}

static void on_path_changed(void *context, const char *uid)
{
	(void)uid;
	wr_agent_report_soon(context);
}

static void on_candidates_changed(void *context)
{
	wr_agent_report_now(context);
}

static void keep_port(struct wr_agent *agent, uint16_t port)
{
	if (agent->state.last_port == port)
		return;
	agent->state.last_port = port;
	if (wr_state_save(&agent->state) < 0)
		wr_log_error("state: cannot be kept in %s", agent->state.folder);
}

static void on_port_opened(void *context, uint16_t port)
{
	struct wr_agent *agent = context;

	keep_port(agent, port);
	wr_agent_tell_hub_endpoint(agent);
	wr_datagrams_expect(agent->datagrams, port);
}

static void on_ended(void *context, int error)
{
	struct wr_agent *agent = context;

	agent->config.ended(agent->config.context, error);
}

/* --- Opening. --- */

static int open_node(struct wr_agent *agent, char ret_why[200])
{
	const struct wr_state *state = &agent->state;
	struct wr_node_config config = {
		.interface = state->interface,
		.socket_path = agent->socket_path,
		.what = "agent",
		.version = agent->config.version,
		.private_key = state->private_key,
		.port = state->port,
		.last_port = state->last_port,
		.backend = state->backend,
		.names = state->names,
		.hosts_file = agent->config.hosts_file,
		.accepts_routes = state->accepts_routes,
		.may_forward = state->may_forward,
		.masquerades = state->masquerades,
		.keepalive = WR_HUB_KEEPALIVE,
		.workers = agent->config.workers,
		.aead = agent->config.aead,
		.port_opened = on_port_opened,
		.candidates_changed = on_candidates_changed,
		.network_changed = wr_agent_network_changed,
		.path_changed = on_path_changed,
		.path_asks = on_path_asks,
		.describe = wr_agent_describe,
		.calls = wr_agent_calls,
		.call_count = wr_agent_call_count,
		.ended = on_ended,
		.context = agent,
	};
	int status = wr_node_open(agent->loop, &config, &agent->node, ret_why);

	wr_wipe(&config.private_key, sizeof(config.private_key));
	return status;
}

static void start_timers(struct wr_agent *agent)
{
	uv_timer_init(agent->loop, &agent->report_timer);
	uv_timer_init(agent->loop, &agent->keep_timer);
	agent->report_timer.data = agent->keep_timer.data = agent;
	wr_agent_start_tick(agent);
}

/* What was known when it ended last: a start needs no server. */
static void load_map(struct wr_agent *agent)
{
	char why[200] = "";
	struct wr_netmap *map;
	int status = wr_netmap_load(agent->map_path, &map, why);

	if (status == 0) {
		agent->is_map_cached = true;
		wr_agent_set_map(agent, map);
	} else if (status != -ENOENT) {
		wr_log_error("map: %s is not used: %s", agent->map_path,
			     *why ? why : strerror(-status));
	}
}

static int lock(struct wr_agent *agent, char ret_why[200])
{
	int status = wr_folder_lock(agent->state.folder, &agent->lock_fd);

	if (status == -EBUSY)
		snprintf(ret_why, 200, "the agent of %s runs already (warren status)",
			 agent->state.interface);
	else if (status < 0)
		snprintf(ret_why, 200, "cannot lock %s: %s", agent->state.folder,
			 strerror(-status));
	return status;
}

static int open_parts(struct wr_agent *agent, char ret_why[200])
{
	int status = lock(agent, ret_why);

	if (status < 0)
		return status;
	status = wr_agent_open_uplink(agent);
	if (status < 0) {
		snprintf(ret_why, 200, "%s", strerror(-status));
		return status;
	}
	status = open_node(agent, ret_why);
	if (status < 0)
		return status;
	status = wr_agent_open_channel(agent);
	if (status < 0) {
		snprintf(ret_why, 200, "%s", strerror(-status));
		return status;
	}
	load_map(agent);
	return 0;
}

static void make_instance(struct wr_agent *agent)
{
	uint8_t random[WR_INSTANCE_LEN / 2];

	wr_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(agent->instance + 2 * i, 3, "%02x", random[i]);
}

int wr_agent_open(uv_loop_t *loop, const struct wr_agent_config *config, struct wr_state *state,
		  struct wr_agent **ret_agent, char ret_why[200])
{
	struct wr_agent *agent = calloc(1, sizeof(*agent));
	int status;

	if (!agent) {
		snprintf(ret_why, 200, "memory is short");
		return -ENOMEM;
	}
	agent->loop = loop;
	agent->lock_fd = -1;
	agent->config = *config;
	agent->state = *state;
	*state = (struct wr_state){ .folder = NULL };
	agent->map_path = wr_state_map_path(&agent->state);
	agent->socket_path = wr_folder_socket_path(agent->state.folder);
	make_instance(agent);
	start_timers(agent);
	status = open_parts(agent, ret_why);
	if (status < 0)
		wr_agent_free(agent);
	else
		*ret_agent = agent;
	return status;
}

/* --- Ending. --- */

static void on_part_closed(void *context)
{
	struct wr_agent *agent = context;

	agent->open_things--;
}

static void close_parts(struct wr_agent *agent)
{
	if (agent->channel) {
		agent->open_things++;
		wr_channel_close(agent->channel, on_part_closed, agent);
		agent->channel = NULL;
	}
	agent->datagrams = wr_datagrams_close(agent->datagrams);
	wr_handle_close((uv_handle_t *)&agent->tick);
	wr_handle_close((uv_handle_t *)&agent->report_timer);
	wr_handle_close((uv_handle_t *)&agent->keep_timer);
}

struct wr_agent *wr_agent_free(struct wr_agent *agent)
{
	if (!agent)
		return NULL;
	/* Whoever asked for the call is answered, and a key that it brought is kept. */
	while (agent->is_working)
		uv_run(agent->loop, UV_RUN_ONCE);
	wr_agent_keep_map_now(agent);
	close_parts(agent);
	agent->node = wr_node_free(agent->node);
	while (agent->open_things)
		uv_run(agent->loop, UV_RUN_ONCE);
	agent->uplink = wr_uplink_free(agent->uplink);
	uv_run(agent->loop, UV_RUN_NOWAIT);
	wr_state_done(&agent->state);
	wr_fd_closep(&agent->lock_fd);
	free(agent->map_path);
	free(agent->socket_path);
	free(agent);
	return NULL;
}

bool wr_agent_wants_turn(const struct wr_agent *agent)
{
	return wr_node_wants_turn(agent->node);
}

int wr_agent_turn(struct wr_agent *agent)
{
	return wr_node_turn(agent->node);
}

const char *wr_agent_interface(const struct wr_agent *agent)
{
	return agent->state.interface;
}
