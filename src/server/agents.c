#include "server/agents.h"

#include <errno.h>
#include <stdlib.h>

#include "linux/clock.h"
#include "server/agents_state.h"

/* --- Opening. --- */

static void start_timers(struct wr_agents *agents)
{
	uv_loop_t *loop = agents->server->loop;

	uv_idle_init(loop, &agents->idle);
	uv_timer_init(loop, &agents->later);
	uv_timer_init(loop, &agents->resolve);
	agents->idle.data = agents->later.data = agents->resolve.data = agents;
	agents->handles = 3;
}

static int open_datagrams(struct wr_agents *agents)
{
	const struct wr_member_datagrams_config config = {
		.hub_port = agents->server->config.hub_port,
		.send = wr_agents_send_datagram,
		.context = agents,
	};

	return wr_member_datagrams_open(agents->server->loop, &config, &agents->datagrams);
}

int wr_agents_open(struct wr_server *server, struct wr_agents **ret_agents)
{
	struct wr_agents *agents = calloc(1, sizeof(*agents));
	int error;

	if (!agents)
		return -ENOMEM;
	agents->server = server;
	error = open_datagrams(agents);
	if (error < 0) {
		free(agents);
		return error;
	}
	agents->started = wr_clock_now();
	agents->is_in_grace = true;
	pthread_mutex_init(&agents->mutex, NULL);
	start_timers(agents);
	wr_agents_resolve(agents);
	wr_agents_load(agents);
	*ret_agents = agents;
	return 0;
}

/* --- The end. --- */

struct wr_agents *wr_agents_free(struct wr_agents *agents)
{
	struct wr_known *known;
	size_t at = 0;

	if (!agents)
		return NULL;
	assert(agents->is_closing && !agents->handles);
	while (agents->org_list)
		wr_agents_org_free(agents->org_list);
	for (size_t i = 0; i < agents->note_count; i++)
		free(agents->notes[i].candidates);
	free(agents->notes);
	while ((known = wr_map_next(&agents->known, &at)) != NULL)
		free(known);
	wr_map_done(&agents->by_machine);
	wr_map_done(&agents->known);
	wr_map_done(&agents->orgs);
	wr_buffer_done(&agents->out);
	pthread_mutex_destroy(&agents->mutex);
	free(agents);
	return NULL;
}

static void handle_closed(uv_handle_t *handle)
{
	struct wr_agents *agents = handle->data;

	if (--agents->handles == 0)
		agents->closed(agents->closed_context);
}

void wr_agents_look_closed(struct wr_agents *agents)
{
	if (!agents->is_closing || agents->list || agents->entries || !agents->handles ||
	    uv_is_closing((uv_handle_t *)&agents->idle))
		return;
	uv_close((uv_handle_t *)&agents->idle, handle_closed);
	uv_close((uv_handle_t *)&agents->later, handle_closed);
	uv_close((uv_handle_t *)&agents->resolve, handle_closed);
}

void wr_agents_close(struct wr_agents *agents, void (*closed)(void *context), void *context)
{
	agents->is_closing = true;
	agents->closed = closed;
	agents->closed_context = context;
	uv_idle_stop(&agents->idle);
	uv_timer_stop(&agents->later);
	uv_timer_stop(&agents->resolve);
	for (struct wr_agent *agent = agents->list; agent; agent = agent->next)
		wr_agent_end(agent, 1001, "the server ends");
	agents->datagrams = wr_member_datagrams_close(agents->datagrams);
	if (agents->is_resolving)
		uv_cancel((uv_req_t *)&agents->resolving);
	wr_agents_save(agents);
	wr_agents_look_closed(agents);
}

/* --- Looking. --- */

struct wr_agent *wr_agents_find(const struct wr_agents *agents, int64_t machine)
{
	return wr_map_get(&agents->by_machine, (uint64_t)machine);
}

void wr_agents_end(struct wr_agents *agents, int64_t machine, const char *reason, const char *text)
{
	struct wr_agent *agent = wr_agents_find(agents, machine);

	if (agent)
		wr_agent_refuse(agent, reason, text);
}

void wr_agents_count(const struct wr_agents *agents, struct wr_agents_numbers *ret_numbers)
{
	*ret_numbers = (struct wr_agents_numbers){
		.connected = agents->live,
		.maps = agents->maps,
		.deltas = agents->deltas,
		.bytes = agents->bytes,
		.refused = agents->refused,
		.orgs = agents->orgs.count,
		.paths = { agents->paths[WR_PAIR_NONE], agents->paths[WR_PAIR_RELAYED],
			   agents->paths[WR_PAIR_DIRECT], agents->paths[WR_PAIR_HUB] },
	};
}
