/* Who is there: by what the hub hears of a machine, and by its channel. */
#include <malloc.h>
#include <stdlib.h>

#include "linux/clock.h"
#include "server/agents_state.h"

/* Channels that came and went, and a pause behind them. */
#define TURNOVER 200
#define TIDY_AFTER WR_SPAN_S(3)

/* Ticks that an answer may take. */
#define PATIENCE 4

/* After these, in ns, a machine is not heard by the hub and its channel. */
static uint64_t hub_silence(const struct wr_agent *agent)
{
	uint64_t now = wr_clock_wall().ns;

	return now > agent->hub_heard ? now - agent->hub_heard : 0;
}

static uint64_t silence(const struct wr_agent *agent, struct wr_instant now)
{
	uint64_t channel = now.ns - agent->heard.ns, hub = hub_silence(agent);

	return channel < hub ? channel : hub;
}

struct wr_known *wr_agents_know(struct wr_agents *agents, int64_t machine)
{
	struct wr_known *known = wr_map_get(&agents->known, (uint64_t)machine);

	if (known)
		return known;
	known = calloc(1, sizeof(*known));
	if (known && wr_map_put(&agents->known, (uint64_t)machine, known))
		return known;
	free(known);
	return NULL;
}

/* What its row says is not all there is to say: it has an agent, and was seen long enough. */
static const struct wr_known *judged(const struct wr_agents *agents, int64_t machine)
{
	const struct wr_known *known = wr_map_get(&agents->known, (uint64_t)machine);

	return known && (known->has_come || !agents->is_in_grace) ? known : NULL;
}

/* It had time to answer, and so had this loop to hear it: a server that is busy takes nobody for
 * gone. */
static bool is_lost(const struct wr_agent *agent, struct wr_instant now)
{
	return agent->pinged.ns && !agent->patience && silence(agent, now) >= WR_AGENTS_OFFLINE.ns;
}

/* --- Changes. --- */

static void set_online(struct wr_agent *agent, bool is_online)
{
	struct wr_agents *agents = agent->agents;

	pthread_mutex_lock(&agents->mutex);
	agent->is_silent = !is_online;
	pthread_mutex_unlock(&agents->mutex);
	wr_sights_set_online(agents->server->sights, agent->org, agent->machine, is_online);
}

void wr_agents_set_online(struct wr_agents *agents, int64_t number, int64_t machine, bool is_online)
{
	struct wr_agents_org *org = wr_agents_org(agents, number);

	if (!org)
		return;
	wr_world_set_online(org->world, machine, is_online);
	wr_agents_org_due(org);
}

void wr_agent_came(struct wr_agent *agent)
{
	struct wr_known *known = wr_agents_know(agent->agents, agent->machine);

	/* Without memory for it, it is judged as a machine without an agent. */
	if (known)
		*known = (struct wr_known){ .has_come = true };
	agent->heard = wr_clock_now();
	agent->pinged.ns = 0;
	set_online(agent, true);
	/* Of the time after a start it may be known as online already. */
	wr_agents_set_online(agent->agents, agent->org, agent->machine, true);
}

/* The hub may hear it still: another process of it comes. */
void wr_agent_went(struct wr_agent *agent)
{
	struct wr_known *known = wr_agents_know(agent->agents, agent->machine);

	if (agent->agents->is_closing)
		return;
	if (known && agent->has_left)
		known->left = wr_clock_wall().ns;
	if (agent->has_left || hub_silence(agent) >= WR_AGENTS_OFFLINE.ns)
		set_online(agent, false);
}

/* It may send its datagrams over the channel. */
static void say_silent(struct wr_agent *agent)
{
	static const char text[] = "{\"type\":\"silent\"}";
	struct wr_instant now = wr_clock_now();

	if (hub_silence(agent) < WR_AGENTS_SILENT.ns ||
	    now.ns - agent->silent_told.ns < WR_SPAN_S(10).ns)
		return;
	agent->silent_told = now;
	(void)wr_agent_send(agent, text, sizeof(text) - 1);
}

void wr_agent_heard(struct wr_agent *agent)
{
	bool was_pinged = agent->pinged.ns != 0;

	agent->heard = wr_clock_now();
	agent->pinged.ns = 0;
	wr_agent_rival_lives(agent);
	if (agent->state != WR_AGENT_LIVE || !was_pinged)
		return;
	set_online(agent, true);
	say_silent(agent);
}

/* --- What the hub sees. --- */

void wr_agents_see(struct wr_agents *agents, const struct wr_hub_sight *sight, bool *ret_is_online)
{
	struct wr_agent *agent = wr_map_get(&agents->by_machine, sight->number);
	const struct wr_known *known = judged(agents, (int64_t)sight->number);

	if (agent && agent->state == WR_AGENT_LIVE) {
		agent->hub_heard = sight->last_seen.ns;
		*ret_is_online = !is_lost(agent, wr_clock_now());
	} else if (known) {
		*ret_is_online = sight->last_seen.ns > known->left &&
				 sight->last_seen.ns + WR_AGENTS_OFFLINE.ns > wr_clock_wall().ns;
	}
}

bool wr_agents_has_agent(const struct wr_agents *agents, int64_t machine)
{
	return judged(agents, machine) != NULL;
}

void wr_agents_set_observed(struct wr_agents *agents, int64_t number, int64_t machine,
			    const struct wr_endpoint *endpoint)
{
	struct wr_agents_org *org = wr_agents_org(agents, number);

	if (!org || wr_member_datagrams_is_own(&endpoint->ip))
		return;
	wr_world_set_observed(org->world, machine, endpoint);
	wr_agents_org_due(org);
}

/* --- As time goes by. --- */

static void ping(struct wr_agent *agent, struct wr_instant now)
{
	if (!agent->pinged.ns)
		agent->pinged = now;
	agent->pinged_last = now;
	agent->patience = PATIENCE;
	wr_websocket_ping(agent->websocket);
}

static void watch_live(struct wr_agent *agent, struct wr_instant now)
{
	uint64_t quiet = silence(agent, now);
	uint64_t since_ping = now.ns - agent->pinged_last.ns;

	agent->patience -= agent->patience > 0;
	if (agent->full_since.ns && now.ns - agent->full_since.ns > WR_AGENTS_STUCK.ns) {
		wr_agent_end(agent, 1008, "it does not read what it is sent");
	} else if (agent->pinged.ns && now.ns - agent->pinged.ns > WR_AGENTS_DEAD.ns) {
		wr_agent_end(agent, 1001, "it does not answer");
	} else if (quiet >= WR_AGENTS_SILENT.ns && since_ping >= WR_AGENTS_SILENT.ns) {
		ping(agent, now);
	} else if (is_lost(agent, now)) {
		set_online(agent, false);
	} else if (now.ns - agent->heard.ns > WR_AGENTS_QUIET.ns &&
		   since_ping > WR_AGENTS_QUIET.ns) {
		ping(agent, now);
	}
}

static void watch(struct wr_agent *agent, struct wr_instant now)
{
	wr_agent_count_unsent(agent, now);
	switch (agent->state) {
	case WR_AGENT_HELLO:
		if (now.ns - agent->opened.ns > WR_AGENTS_HELLO.ns)
			wr_agent_end(agent, 1008, "no hello");
		break;
	case WR_AGENT_RIVAL: wr_agent_rival_tick(agent, now); break;
	case WR_AGENT_LIVE: watch_live(agent, now); break;
	case WR_AGENT_WAITING:
	case WR_AGENT_ENDING: break;
	}
}

/* From now on machines are what is seen of them. */
static void end_grace(struct wr_agents *agents)
{
	agents->is_in_grace = false;
	for (struct wr_agents_org *org = agents->org_list; org; org = org->next) {
		const struct wr_reading *reading = wr_world_reading(org->world);

		for (size_t i = 0; reading && i < reading->count; i++) {
			int64_t machine = reading->machines[i].id;
			struct wr_sight sight = wr_sights_of(agents->server->sights, machine);

			wr_world_set_online(org->world, machine, sight.is_online);
		}
		wr_agents_org_due(org);
	}
}

/* A handshake of TLS takes much more than a connection keeps, and leaves holes: after many of them,
 * pages that are free go back to the kernel. */
static void tidy_memory(struct wr_agents *agents, struct wr_instant now)
{
	if (agents->turnover < TURNOVER || now.ns - agents->turned.ns < TIDY_AFTER.ns)
		return;
	agents->turnover = 0;
	(void)malloc_trim(0);
}

void wr_agents_tick(struct wr_agents *agents)
{
	struct wr_instant now = wr_clock_now();

	for (struct wr_agent *agent = agents->list, *next; agent; agent = next) {
		next = agent->next;
		watch(agent, now);
	}
	if (agents->is_in_grace && now.ns - agents->started.ns > WR_AGENTS_GRACE.ns)
		end_grace(agents);
	wr_agents_save(agents);
	tidy_memory(agents, now);
}
