/* `hello`, and two that say they are the same machine. */
#include <string.h>

#include "linux/clock.h"
#include "server/agents_state.h"

/* --- Rivals. --- */

static void ask_rival(struct wr_agent *newer, struct wr_agent *older)
{
	newer->state = WR_AGENT_RIVAL;
	newer->rival = older;
	older->rival = newer;
	newer->rival_asked = wr_clock_now();
	wr_websocket_ping(older->websocket);
}

static void part(struct wr_agent *agent)
{
	if (!agent->rival)
		return;
	agent->rival->rival = NULL;
	agent->rival = NULL;
}

static void refuse_duplicate(struct wr_agent *newer, struct wr_agent *older)
{
	wr_agents_tell_duplicate(older);
	wr_agent_refuse(
		newer, "duplicate",
		"Another host is connected as this machine. If this host is a copy of it (a "
		"cloned disk), give it a membership of its own: `warren leave --forget`, "
		"then `warren join` with a new key.");
}

void wr_agent_rival_lives(struct wr_agent *older)
{
	struct wr_agent *newer = older->rival;

	if (!newer || newer->state != WR_AGENT_RIVAL)
		return;
	part(older);
	refuse_duplicate(newer, older);
}

void wr_agent_rival_gone(struct wr_agent *agent)
{
	struct wr_agent *other = agent->rival;

	part(agent);
	if (other && other->state == WR_AGENT_RIVAL)
		wr_agent_settle(other);
}

void wr_agent_rival_tick(struct wr_agent *newer, struct wr_instant now)
{
	struct wr_agent *older = newer->rival;

	if (!older || now.ns - newer->rival_asked.ns < WR_AGENTS_RIVAL.ns)
		return;
	/* Its end lets the newer one in. */
	wr_agent_end(older, 1008, "it did not answer, and the machine has another channel");
}

static void meet(struct wr_agent *newer, struct wr_agent *older)
{
	bool is_same = strcmp(older->hello.instance, newer->hello.instance) == 0;

	if (!is_same && older->rival) {
		refuse_duplicate(newer, older);
	} else if (!is_same) {
		ask_rival(newer, older);
	} else {
		wr_agent_end(older, 1000, "the same agent has a newer channel");
		wr_agent_settle(newer);
	}
}

void wr_agent_hello(struct wr_agent *agent, const json_t *message)
{
	struct wr_agent *older = wr_agents_find(agent->agents, agent->machine);
	bool is_whole = wr_agent_read_hello(message, &agent->hello);

	if (agent->hello.protocol != 1) {
		wr_agent_refuse(agent, "protocol",
				"This server speaks protocol 1: the agent or the server is too "
				"old.");
		return;
	}
	if (!is_whole) {
		wr_agent_refuse(agent, "protocol", "`hello` needs version, instance and backend.");
		return;
	}
	if (older)
		meet(agent, older);
	else
		wr_agent_settle(agent);
}
