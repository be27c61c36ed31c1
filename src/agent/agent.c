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

/* What cannot be waited for: the hub's peer, a generation that passed. */
#define TICK_MS 5000
/* Inside a tunnel of 1,500 bytes less what WireGuard, UDP and IPv6 take. */
#define TUNNEL_MTU 1420

/* --- What the parts tell. --- */

static void on_heard(void *context, const struct wr_key *peer, const struct wr_endpoint *from)
{
	struct wr_agent *agent = context;

	if (agent->paths)
		wr_paths_heard(agent->paths, peer, from);
}

static void on_shook(void *context, const struct wr_key *peer)
{
	struct wr_agent *agent = context;

	if (agent->paths)
		wr_paths_shook(agent->paths, peer);
}

/* Not from within the backend's own callback. */
static void on_gone(void *context)
{
	struct wr_agent *agent = context;

	wr_log_error("interface: %s was deleted by somebody; it is made again",
		     agent->state.interface);
	uv_async_send(&agent->reopen);
}

static void on_drift(void *context, const char *what)
{
	(void)context;
	wr_log_error("drift: mended: %s", what);
}

static void on_path_changed(void *context, const char *uid)
{
	(void)uid;
	wr_agent_report_soon(context);
}

/* The hub's peer and the relay of all others. */
static void tell_hub_endpoint(struct wr_agent *agent)
{
	struct wr_endpoint endpoint = wr_uplink_endpoint(agent->uplink);

	if (endpoint.ip.family == WR_FAMILY_NONE)
		return;
	if (agent->backend && agent->map) {
		if (wr_backend_set_endpoint(agent->backend, &agent->map->hub_key, &endpoint) < 0)
			wr_log_verbose("hub: it is no peer yet");
		(void)wr_backend_wake(agent->backend, &agent->map->hub_key);
	}
	if (agent->paths)
		wr_paths_set_relay(agent->paths, &endpoint);
}

static void on_uplink_moved(void *context, const struct wr_endpoint *endpoint, bool is_over_channel)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_endpoint_format(endpoint, text);
	wr_log_verbose("hub: at=%s way=%s", text, is_over_channel ? "channel" : "udp");
	tell_hub_endpoint(context);
}

/* No subnet route may lead the way to the server into the tunnel. */
static void keep_server_outside(struct wr_agent *agent)
{
	struct wr_ip server = wr_channel_server(agent->channel);

	if (server.family != WR_FAMILY_NONE)
		wr_reconciler_set_outside(agent->reconciler, &server, 1);
}

static void on_channel_changed(void *context, bool is_open, const char *why)
{
	struct wr_agent *agent = context;

	if (!is_open && (agent->refusal[0] == '\0' || *why == '\0'))
		snprintf(agent->trouble, sizeof(agent->trouble), "%s", why);
	if (is_open)
		agent->trouble[0] = agent->refusal[0] = '\0';
	wr_log_verbose("server: %s%s%s", is_open ? "connected" : "not connected",
		       is_open ? "" : ": ", is_open ? "" : why);
	if (is_open)
		keep_server_outside(agent);
	wr_uplink_set_channel(agent->uplink, is_open, wr_clock_now());
}

static void on_datagram(void *context, struct wr_bytes datagram)
{
	struct wr_agent *agent = context;

	if (agent->datagrams)
		wr_datagrams_take(agent->datagrams, datagram);
}

static void send_datagram(void *context, struct wr_bytes datagram)
{
	struct wr_agent *agent = context;

	if (agent->channel)
		(void)wr_channel_send_datagram(agent->channel, datagram);
}

/* --- The clock. --- */

static void on_tick(uv_timer_t *timer)
{
	struct wr_agent *agent = timer->data;

	struct wr_backend_sight hub;

	if (!agent->backend || !agent->map ||
	    wr_backend_look_one(agent->backend, &agent->map->hub_key, &hub) < 0)
		return;
	wr_uplink_look(agent->uplink, hub.latest_handshake, wr_clock_now());
	/* Somebody took the peer away, and the reconciler put it back. */
	if (hub.endpoint.ip.family == WR_FAMILY_NONE)
		tell_hub_endpoint(agent);
}

/* --- The interface. --- */

static int open_backend_on(struct wr_agent *agent, uint16_t port, char ret_why[200])
{
	const struct wr_backend_config config = {
		.name = agent->state.interface,
		.kind = agent->state.backend,
		.private_key = agent->state.private_key,
		.port = port,
		.mtu = TUNNEL_MTU,
		.workers = agent->config.workers,
		.aead = agent->config.aead,
		.has_wg_view = true,
		.heard = on_heard,
		.shook = on_shook,
		.gone = on_gone,
		.context = agent,
	};

	return wr_backend_open(agent->loop, &config, &agent->backend, ret_why);
}

static void keep_port(struct wr_agent *agent)
{
	uint16_t port = wr_backend_port(agent->backend);

	if (agent->state.last_port == port)
		return;
	agent->state.last_port = port;
	if (wr_state_save(&agent->state) < 0)
		wr_log_error("state: cannot be kept in %s", agent->state.folder);
}

static int open_backend(struct wr_agent *agent, char ret_why[200])
{
	const struct wr_state *state = &agent->state;
	int status = open_backend_on(agent, state->port ? state->port : state->last_port, ret_why);

	/* Somebody else took the one that nobody asked for. */
	if (status == -EADDRINUSE && !state->port && state->last_port)
		status = open_backend_on(agent, 0, ret_why);
	if (status == 0)
		keep_port(agent);
	return status;
}

/* All that was told to the last one. */
static void tell_backend(struct wr_agent *agent)
{
	wr_reconciler_set_backend(agent->reconciler, agent->backend);
	wr_paths_set_backend(agent->paths, agent->backend);
	if (agent->map)
		wr_agent_use_map(agent);
	tell_hub_endpoint(agent);
	wr_agent_backend_opened(agent);
}

static void on_reopen(uv_async_t *async)
{
	struct wr_agent *agent = async->data;

	agent->reopens = true;
	uv_stop(agent->loop);
}

bool wr_agent_wants_turn(const struct wr_agent *agent)
{
	return agent->reopens;
}

int wr_agent_turn(struct wr_agent *agent)
{
	char why[200];
	int status;

	agent->reopens = false;
	wr_reconciler_set_backend(agent->reconciler, NULL);
	wr_paths_set_backend(agent->paths, NULL);
	agent->backend = wr_backend_free(agent->backend);
	status = open_backend(agent, why);
	if (status < 0) {
		wr_log_error("interface: cannot be made again: %s", why);
		return status;
	}
	tell_backend(agent);
	return 0;
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
		.mtu = TUNNEL_MTU,
		.drifted = on_drift,
		.context = agent,
	};
	const struct wr_paths_config paths = {
		.backend = agent->backend,
		.changed = on_path_changed,
		.context = agent,
	};
	int status = wr_reconciler_new(agent->loop, &reconciler, &agent->reconciler);

	return status < 0 ? status : wr_paths_new(agent->loop, &paths, &agent->paths);
}

static int open_uplink(struct wr_agent *agent)
{
	const struct wr_uplink_config uplink = { .moved = on_uplink_moved, .context = agent };
	struct wr_endpoint stand_in;
	int status;

	agent->uplink = wr_uplink_new(agent->loop, &uplink);
	if (!agent->uplink)
		return -ENOMEM;
	status = wr_datagrams_open(agent->loop, send_datagram, agent, &agent->datagrams);
	if (status < 0)
		return status;
	wr_datagrams_endpoint(agent->datagrams, &stand_in);
	wr_uplink_set_stand_in(agent->uplink, &stand_in);
	return 0;
}

static int open_channel(struct wr_agent *agent)
{
	const struct wr_channel_config config = {
		.url = agent->state.url,
		.pin = agent->state.pin,
		.token = agent->state.token,
		.hello = wr_intake_hello,
		.received = wr_intake_received,
		.datagram = on_datagram,
		.changed = on_channel_changed,
		.context = agent,
	};

	agent->channel = wr_channel_open(agent->loop, &config);
	return agent->channel ? 0 : -ENOMEM;
}

static void start_timers(struct wr_agent *agent)
{
	uv_timer_init(agent->loop, &agent->tick);
	uv_timer_init(agent->loop, &agent->report_timer);
	uv_async_init(agent->loop, &agent->reopen, on_reopen);
	agent->tick.data = agent->report_timer.data = agent->reopen.data = agent;
	uv_timer_start(&agent->tick, on_tick, TICK_MS, TICK_MS);
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
	status = open_backend(agent, ret_why);
	if (status < 0)
		return status;
	status = open_mesh(agent);
	if (status == 0)
		status = open_uplink(agent);
	if (status == 0)
		status = wr_agent_watch_addresses(agent);
	if (status == 0)
		wr_agent_backend_opened(agent);
	if (status == 0)
		status = open_channel(agent);
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
