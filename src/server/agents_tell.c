/* What is new goes out: all that is new for an agent in one message, a few milliseconds' worth
 * of messages a turn of the loop. */
#include <stdlib.h>

#include "linux/clock.h"
#include "server/agents_state.h"

/* Of a turn: between two of them the loop has its sockets. */
#define TURN WR_SPAN_MS(3)
/* What follows one round soon comes with the next: so many small changes are one delta. */
#define BETWEEN_ROUNDS WR_SPAN_MS(100)
/* Memory that is kept from message to message. */
#define OUT_KEPT ((size_t)1 << 20)

/* --- Who is next. --- */

static void line_up(struct wr_agents_org *org)
{
	struct wr_agents *agents = org->agents;

	org->is_due = true;
	org->due_next = NULL;
	if (agents->due_last)
		agents->due_last->due_next = org;
	else
		agents->due = org;
	agents->due_last = org;
}

static void take_first(struct wr_agents *agents)
{
	struct wr_agents_org *org = agents->due;

	agents->due = org->due_next;
	if (!agents->due)
		agents->due_last = NULL;
	org->due_next = NULL;
	org->is_due = false;
}

void wr_agents_org_due(struct wr_agents_org *org)
{
	struct wr_agents *agents = org->agents;

	if (org->is_due || agents->is_closing || !wr_world_has_next(org->world))
		return;
	line_up(org);
	wr_agents_tell_start(agents);
}

/* --- One agent. --- */

static void end_gone(struct wr_agent *agent)
{
	const char *text;
	const char *reason = wr_agents_off_reason(wr_world_reading(agent->home->world),
						  agent->machine, &text);

	if (reason)
		wr_agent_refuse(agent, reason, text);
	else
		wr_agent_end(agent, 1013, "its place in the network is another");
}

void wr_agent_count_unsent(struct wr_agent *agent, struct wr_instant now)
{
	struct wr_agents *agents = agent->agents;
	bool was_full = agent->full_since.ns != 0;

	agents->unsent -= agent->unsent;
	agent->unsent = wr_websocket_unsent(agent->websocket);
	agents->unsent += agent->unsent;
	if (agent->unsent < WR_AGENTS_FULL)
		agent->full_since.ns = 0;
	else if (!was_full)
		agent->full_since = now;
	if (agent->state == WR_AGENT_LIVE && agent->is_held && agent->unsent < WR_AGENTS_FULL &&
	    agents->unsent < WR_AGENTS_FULL_ALL) {
		agent->is_held = false;
		wr_listener_put_back(agent->home->world, agent->listener);
		wr_agents_org_due(agent->home);
	}
}

static bool is_full(struct wr_agent *agent, struct wr_instant now)
{
	if (agent->unsent)
		wr_agent_count_unsent(agent, now);
	return agent->unsent >= WR_AGENTS_FULL || agent->agents->unsent >= WR_AGENTS_FULL_ALL;
}

static void send_out(struct wr_agent *agent, struct wr_instant now)
{
	struct wr_agents *agents = agent->agents;

	if (wr_agent_send(agent, agents->out.data, agents->out.len))
		wr_agent_count_unsent(agent, now);
}

static void tell(struct wr_agent *agent, struct wr_instant now)
{
	struct wr_agents *agents = agent->agents;
	bool is_map = !wr_listener_was_told(agent->listener);
	int status;

	if (wr_listener_is_gone(agent->listener)) {
		end_gone(agent);
		return;
	}
	if (is_full(agent, now)) {
		agent->is_held = true;
		return;
	}
	wr_buffer_take(&agents->out, agents->out.len);
	status = wr_listener_delta(agent->home->world, agent->listener, &agents->out);
	if (status < 0) {
		wr_agent_end(agent, 1013, "the server is short of memory");
	} else if (status > 0) {
		agents->maps += is_map;
		agents->deltas += !is_map;
		send_out(agent, now);
	}
	if (agents->out.room > OUT_KEPT)
		wr_buffer_done(&agents->out);
}

/* --- A turn. --- */

/* The round of the first organisation goes on; false when it is over. */
static bool tell_one(struct wr_agents *agents, struct wr_instant now)
{
	struct wr_agents_org *org = agents->due;
	struct wr_listener *listener;

	if (!wr_is_past(org->round_after, now))
		return false;
	listener = wr_world_next(org->world);
	if (!listener)
		return false;
	tell(wr_listener_context(listener), now);
	return true;
}

static void end_round(struct wr_agents *agents, struct wr_instant now)
{
	struct wr_agents_org *org = agents->due;

	take_first(agents);
	if (wr_is_past(org->round_after, now))
		org->round_after = wr_after(now, BETWEEN_ROUNDS);
	if (wr_world_has_next(org->world))
		line_up(org);
	else if (!org->count)
		wr_agents_org_done(org);
}

static void on_turn(uv_idle_t *idle)
{
	struct wr_agents *agents = idle->data;
	struct wr_instant began = wr_clock_now(), now = began;
	size_t waiting = 0;

	while (agents->due && waiting <= agents->orgs.count && now.ns - began.ns < TURN.ns) {
		if (tell_one(agents, now)) {
			waiting = 0;
		} else {
			end_round(agents, now);
			waiting++;
		}
		now = wr_clock_now();
	}
	if (agents->due && waiting <= agents->orgs.count)
		return;
	uv_idle_stop(idle);
	if (agents->due)
		wr_agents_later(agents);
}

void wr_agents_tell_start(struct wr_agents *agents)
{
	if (agents->due && !agents->is_closing)
		uv_idle_start(&agents->idle, on_turn);
}

static void on_later(uv_timer_t *timer)
{
	struct wr_agents *agents = timer->data;

	wr_agents_read_on(agents);
	wr_agents_tell_start(agents);
}

void wr_agents_later(struct wr_agents *agents)
{
	if (!agents->is_closing && !uv_is_active((uv_handle_t *)&agents->later))
		uv_timer_start(&agents->later, on_later, 20, 0);
}
