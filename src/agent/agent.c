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

/* --- What the parts tell. --- */

static void on_drift(void *context, const char *what)
{
	(void)context;
	wr_log_error("drift: mended: %s", what);
}

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

/* --- Opening. --- */

static int open_mesh(struct wr_agent *agent)
{
	const struct wr_reconciler_config reconciler = {
		.backend = agent->backend,
		.interface = agent->state.interface,
		.accepts_routes = agent->state.accepts_routes,
		.may_forward = agent->state.may_forward,
		.masquerade = agent->state.masquerades,
		.names = agent->state.names,
		.hosts_file = agent->config.hosts_file,
		.keepalive = WR_HUB_KEEPALIVE,
		.mtu = WR_TUNNEL_MTU,
		.drifted = on_drift,
		.context = agent,
	};
	const struct wr_paths_config paths = {
		.backend = agent->backend,
		.changed = on_path_changed,
		.ask = on_path_asks,
		.context = agent,
	};
	int status = wr_reconciler_new(agent->loop, &reconciler, &agent->reconciler);

	return status < 0 ? status : wr_paths_new(agent->loop, &paths, &agent->paths);
}

static void start_timers(struct wr_agent *agent)
{
	uv_timer_init(agent->loop, &agent->report_timer);
	uv_async_init(agent->loop, &agent->reopen, wr_agent_reopen);
	agent->report_timer.data = agent->reopen.data = agent;
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
	int status = wr_state_lock(agent->state.folder, &agent->lock_fd);

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
	status = wr_agent_open_control(agent, ret_why);
	if (status < 0)
		return status;
	status = wr_agent_open_backend(agent, ret_why);
	if (status < 0)
		return status;
	status = open_mesh(agent);
	if (status == -ENOENT && wr_backend_kind(agent->backend) == WR_BACKEND_KERNEL) {
		snprintf(ret_why, 200,
			 "nft(8) is not there, which enforces the policy beside the kernel's "
			 "WireGuard: install nftables, or join with --backend engine");
		return status;
	}
	if (status == 0)
		status = wr_agent_open_uplink(agent);
	if (status == 0)
		status = wr_agent_watch_addresses(agent);
	if (status == 0)
		wr_agent_backend_opened(agent);
	if (status == 0)
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
	agent->socket_path = wr_state_socket_path(agent->state.folder);
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

void wr_agent_quit(struct wr_agent *agent, int error)
{
	if (agent->is_ending)
		return;
	agent->is_ending = true;
	agent->config.ended(agent->config.context, error);
}

static void on_part_closed(void *context)
{
	struct wr_agent *agent = context;

	agent->open_things--;
}

static void close_parts(struct wr_agent *agent)
{
	const struct wr_span grace = WR_SPAN_MS(500);

	if (agent->channel) {
		agent->open_things++;
		wr_channel_close(agent->channel, on_part_closed, agent);
		agent->channel = NULL;
	}
	if (agent->control) {
		agent->open_things++;
		wr_http_server_close(agent->control, grace, on_part_closed, agent);
		agent->control = NULL;
	}
	wr_agent_cancel_netcheck(agent);
	wr_agent_unwatch_addresses(agent);
	agent->datagrams = wr_datagrams_close(agent->datagrams);
	wr_handle_close((uv_handle_t *)&agent->tick);
	wr_handle_close((uv_handle_t *)&agent->report_timer);
	wr_handle_close((uv_handle_t *)&agent->reopen);
}

struct wr_agent *wr_agent_free(struct wr_agent *agent)
{
	if (!agent)
		return NULL;
	agent->is_ending = true;
	close_parts(agent);
	while (agent->open_things || agent->is_working)
		uv_run(agent->loop, UV_RUN_ONCE);
	agent->paths = wr_paths_free(agent->paths);
	agent->reconciler = wr_reconciler_free(agent->reconciler);
	agent->backend = wr_backend_free(agent->backend);
	agent->uplink = wr_uplink_free(agent->uplink);
	uv_run(agent->loop, UV_RUN_NOWAIT);
	agent->map = wr_netmap_free(agent->map);
	wr_state_done(&agent->state);
	wr_fd_closep(&agent->lock_fd);
	free(agent->map_path);
	free(agent->socket_path);
	free(agent);
	return NULL;
}

const char *wr_agent_interface(const struct wr_agent *agent)
{
	return agent->state.interface;
}
