/* The interface: opened on the port that it had, and again when somebody deleted it. */
#include <errno.h>

#include "agent/inside.h"
#include "base/log.h"

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

static int open_backend_on(struct wr_agent *agent, uint16_t port, char ret_why[200])
{
	const struct wr_backend_config config = {
		.name = agent->state.interface,
		.kind = agent->state.backend,
		.private_key = agent->state.private_key,
		.port = port,
		.mtu = WR_TUNNEL_MTU,
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

int wr_agent_open_backend(struct wr_agent *agent, char ret_why[200])
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
	wr_agent_tell_hub_endpoint(agent);
	wr_agent_backend_opened(agent);
}

void wr_agent_reopen(uv_async_t *async)
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
	status = wr_agent_open_backend(agent, why);
	if (status < 0) {
		wr_log_error("interface: cannot be made again: %s", why);
		return status;
	}
	tell_backend(agent);
	return 0;
}
