/* The way out: the channel to the server, the hub, and what is looked at from time to time. */
#include <errno.h>
#include <stdio.h>

#include "agent/inside.h"
#include "base/log.h"
#include "linux/clock.h"

/* How old the hub's handshake is shows within this. */
#define TICK_MS 5000
#define CLOCK_JUMP_NS UINT64_C(10000000000)

/* --- The hub. --- */

/* The hub's peer and the relay of all others. */
void wr_agent_tell_hub_endpoint(struct wr_agent *agent)
{
	struct wr_endpoint endpoint = wr_uplink_endpoint(agent->uplink);
	struct wr_backend *backend = wr_node_backend(agent->node);
	const struct wr_netmap *map = wr_node_map(agent->node);

	if (endpoint.ip.family == WR_FAMILY_NONE || !agent->node)
		return;
	if (backend && map) {
		if (wr_backend_set_endpoint(backend, &map->hub_key, &endpoint) < 0)
			wr_log_verbose("hub: it is no peer yet");
		(void)wr_backend_wake(backend, &map->hub_key);
	}
	wr_paths_set_relay(wr_node_paths(agent->node), &endpoint);
}

/* Everything that was known of the way out may be wrong now. */
void wr_agent_network_changed(void *context)
{
	struct wr_agent *agent = context;
	struct wr_backend *backend = wr_node_backend(agent->node);
	const struct wr_netmap *map = wr_node_map(agent->node);
	struct wr_endpoint hub = wr_uplink_endpoint(agent->uplink);

	wr_uplink_network_changed(agent->uplink, wr_clock_now());
	/* The hub hears from where we are, and the relay follows. */
	if (backend && map && hub.ip.family != WR_FAMILY_NONE &&
	    wr_backend_probe(backend, &map->hub_key, &hub) < 0)
		(void)wr_backend_wake(backend, &map->hub_key);
	if (agent->channel)
		wr_channel_hurry(agent->channel);
}

static void on_uplink_moved(void *context, const struct wr_endpoint *endpoint, bool is_over_channel)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_endpoint_format(endpoint, text);
	wr_log_verbose("hub: at=%s way=%s", text, is_over_channel ? "channel" : "udp");
	wr_agent_tell_hub_endpoint(context);
}

static void send_datagram(void *context, struct wr_bytes datagram)
{
	struct wr_agent *agent = context;

	if (agent->channel)
		(void)wr_channel_send_datagram(agent->channel, datagram);
}

int wr_agent_open_uplink(struct wr_agent *agent)
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

/* --- The server. --- */

/* No subnet route may lead the way to the server into the tunnel. */
static void keep_server_outside(struct wr_agent *agent)
{
	struct wr_ip server = wr_channel_server(agent->channel);

	if (server.family != WR_FAMILY_NONE)
		wr_reconciler_set_outside(wr_node_reconciler(agent->node), &server, 1);
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

int wr_agent_open_channel(struct wr_agent *agent)
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

/* --- The clock. --- */

/* The time of day was set, so the times of handshakes mean nothing any more. */
static bool has_clock_jumped(struct wr_agent *agent)
{
	uint64_t offset = wr_clock_wall().ns - wr_clock_now().ns;
	uint64_t before = agent->clock_offset;
	uint64_t moved = offset > before ? offset - before : before - offset;

	agent->clock_offset = offset;
	return before != 0 && moved > CLOCK_JUMP_NS;
}

static void on_tick(uv_timer_t *timer)
{
	struct wr_agent *agent = timer->data;
	bool has_jumped = has_clock_jumped(agent);
	struct wr_backend *backend = wr_node_backend(agent->node);
	const struct wr_netmap *map = wr_node_map(agent->node);
	struct wr_backend_sight hub;

	if (!backend || !map || wr_backend_look_one(backend, &map->hub_key, &hub) < 0)
		return;
	if (has_jumped)
		(void)wr_backend_renew(backend, &map->hub_key);
	else
		wr_uplink_look(agent->uplink, hub.latest_handshake, wr_clock_now());
	/* Somebody took the peer away, and the reconciler put it back. */
	if (hub.endpoint.ip.family == WR_FAMILY_NONE)
		wr_agent_tell_hub_endpoint(agent);
}

void wr_agent_start_tick(struct wr_agent *agent)
{
	uv_timer_init(agent->loop, &agent->tick);
	agent->tick.data = agent;
	uv_timer_start(&agent->tick, on_tick, TICK_MS, TICK_MS);
}
