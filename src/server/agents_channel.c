/* One channel: how it opens, what comes in, how it ends. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "server/agents_state.h"
#include "server/call.h"

/* Text messages an agent may send: so many at once, so many a second. */
#define MESSAGES_BURST 200
#define MESSAGES_RATE 20
#define PROBES_BURST 40
#define PROBES_RATE 5
/* Datagrams that wait: a tenth of a second at 20 Mbit/s. */
#define DATAGRAMS_WAIT ((size_t)256 << 10)

static bool take_token(struct wr_agent_rate *rate, double burst, double per_second)
{
	struct wr_instant now = wr_clock_now();
	double gone = rate->since.ns ? (double)(now.ns - rate->since.ns) / 1e9 : 1e9;

	rate->since = now;
	rate->tokens += gone * per_second;
	if (rate->tokens > burst)
		rate->tokens = burst;
	if (rate->tokens < 1)
		return false;
	rate->tokens -= 1;
	return true;
}

/* --- Out. --- */

bool wr_agent_send(struct wr_agent *agent, const void *text, size_t len)
{
	if (agent->state == WR_AGENT_ENDING)
		return false;
	if (wr_websocket_send(agent->websocket, true, text, len)) {
		agent->agents->bytes += len;
		return true;
	}
	wr_agent_end(agent, 1008, "it does not read what it is sent");
	return false;
}

/* Like packets, they are dropped where there is no room. */
void wr_agents_send_datagram(void *context, int64_t machine, struct wr_bytes datagram)
{
	struct wr_agent *agent = wr_agents_find(context, machine);

	if (agent && agent->state == WR_AGENT_LIVE &&
	    wr_websocket_unsent(agent->websocket) < DATAGRAMS_WAIT &&
	    wr_websocket_send(agent->websocket, false, datagram.data, datagram.len))
		agent->agents->bytes += datagram.len;
}

void wr_agent_send_json(struct wr_agent *agent, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	if (text)
		(void)wr_agent_send(agent, text, strlen(text));
	free(text);
}

void wr_agent_end(struct wr_agent *agent, unsigned code, const char *why)
{
	if (agent->state == WR_AGENT_ENDING)
		return;
	wr_agent_unsettle(agent);
	agent->state = WR_AGENT_ENDING;
	wr_websocket_close(agent->websocket, code, why);
}

void wr_agent_refuse(struct wr_agent *agent, const char *reason, const char *text)
{
	if (agent->state == WR_AGENT_ENDING)
		return;
	agent->agents->refused++;
	wr_agent_send_json(agent, json_pack("{s:s, s:s, s:s}", "type", "refused", "reason", reason,
					    "text", text));
	wr_agent_end(agent, 1008, reason);
}

/* --- In. --- */

static void take_ping(struct wr_agent *agent, const json_t *message)
{
	json_t *id = json_object_get(message, "id");

	wr_agent_send_json(agent, json_pack("{s:s, s:O?}", "type", "pong", "id",
					    json_is_string(id) || json_is_integer(id) ? id : NULL));
}

/* The other is told, if it has a channel; else it finds out by itself. */
static void take_probe(struct wr_agent *agent, const json_t *message)
{
	const char *uid = json_string_value(json_object_get(message, "machine"));
	struct wr_agent *other;
	int64_t machine;

	if (!uid || !agent->listener ||
	    !wr_listener_sees(agent->home->world, agent->listener, uid, &machine) ||
	    !take_token(&agent->probes, PROBES_BURST, PROBES_RATE))
		return;
	other = wr_agents_find(agent->agents, machine);
	if (other && other->state == WR_AGENT_LIVE &&
	    take_token(&other->asked, PROBES_BURST, PROBES_RATE))
		wr_agent_send_json(other,
				   json_pack("{s:s, s:s}", "type", "probe", "machine", agent->uid));
}

static void take_message(struct wr_agent *agent, const char *type, const json_t *message)
{
	if (agent->state == WR_AGENT_HELLO) {
		if (strcmp(type, "hello") == 0)
			wr_agent_hello(agent, message);
		else
			wr_agent_refuse(agent, "protocol", "The first message has to be `hello`.");
	} else if (strcmp(type, "ping") == 0) {
		take_ping(agent, message);
	} else if (strcmp(type, "report") == 0) {
		wr_agent_report(agent, message);
	} else if (strcmp(type, "probe") == 0) {
		take_probe(agent, message);
	}
	/* Words of a later version are none of ours; `pong` was heard. */
}

static void take_text(struct wr_agent *agent, const uint8_t *data, size_t len)
{
	json_t *message;
	const char *type;

	if (!take_token(&agent->messages, MESSAGES_BURST, MESSAGES_RATE)) {
		wr_agent_refuse(agent, "protocol", "Too many messages.");
		return;
	}
	message = wr_agent_message(data, len, &type);
	if (message)
		take_message(agent, type, message);
	else
		wr_agent_refuse(agent, "protocol",
				"A message has to be a JSON object with a type.");
	json_decref(message);
}

static void on_message(void *context, bool is_text, const uint8_t *data, size_t len)
{
	struct wr_agent *agent = context;

	if (agent->state == WR_AGENT_ENDING)
		return;
	wr_agent_heard(agent);
	if (is_text)
		take_text(agent, data, len);
	else if (agent->state == WR_AGENT_LIVE)
		wr_member_datagrams_take(agent->agents->datagrams, agent->machine,
					 (struct wr_bytes){ data, len });
}

static void on_pong(void *context)
{
	struct wr_agent *agent = context;

	if (agent->state != WR_AGENT_ENDING)
		wr_agent_heard(agent);
}

/* --- The end. --- */

static void unlist(struct wr_agent *agent)
{
	struct wr_agents *agents = agent->agents;

	if (agent->prev)
		agent->prev->next = agent->next;
	else
		agents->list = agent->next;
	if (agent->next)
		agent->next->prev = agent->prev;
	agents->count--;
	agents->turnover++;
	agents->turned = wr_clock_now();
	agents->unsent -= agent->unsent;
}

/* "the other side closed it: the agent ends (1001)": RFC 6455 section 7.4.1, going away. */
static bool is_goodbye(const char *why)
{
	static const char code[] = "(1001)";
	size_t len = strlen(why);

	return strncmp(why, "the other side", 14) == 0 && len > strlen(code) &&
	       strcmp(why + len - strlen(code), code) == 0;
}

static void on_closed(void *context, unsigned status, const char *why)
{
	struct wr_agent *agent = context;
	struct wr_agents *agents = agent->agents;

	(void)status;
	agent->has_left = is_goodbye(why);
	wr_agent_unsettle(agent);
	unlist(agent);
	free(agent->candidates);
	free(agent);
	wr_agents_look_closed(agents);
}

/* --- The beginning. --- */

static void list(struct wr_agents *agents, struct wr_agent *agent)
{
	agent->next = agents->list;
	if (agents->list)
		agents->list->prev = agent;
	agents->list = agent;
	agents->count++;
	agents->turnover++;
	agents->turned = agent->opened;
}

static struct wr_agent *new_agent(struct wr_agents *agents, const struct wr_call *call)
{
	struct wr_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->agents = agents;
	agent->org = call->org;
	agent->machine = call->caller.machine;
	agent->opened = agent->heard = wr_clock_now();
	return agent;
}

static bool accept_channel(struct wr_agent *agent, struct wr_http_request *request)
{
	static const struct wr_websocket_limits limits = {
		.message = WR_AGENTS_MESSAGE,
		.unsent = WR_AGENTS_UNSENT,
	};
	static const struct wr_websocket_handlers handlers = {
		.received = on_message,
		.ponged = on_pong,
		.closed = on_closed,
	};

	agent->websocket = wr_websocket_accept(request, WR_AGENTS_PROTOCOL, &limits, &handlers,
					       agent);
	return agent->websocket != NULL;
}

static int refuse_call(struct wr_call *call)
{
	call->retry_after = 10;
	return wr_call_fail(call, 503, "busy",
			    "The server has as many channels as it takes, or "
			    "is being stopped. Come back in a while.");
}

static int open_channel(struct wr_agents *agents, struct wr_call *call)
{
	struct wr_agent *agent;

	if (!wr_http_is_websocket(call->request, WR_AGENTS_PROTOCOL))
		return wr_call_fail(call, 400, "websocket",
				    "This is a WebSocket with the subprotocol %s.",
				    WR_AGENTS_PROTOCOL);
	if (agents->is_closing || agents->count >= WR_AGENTS_MAX)
		return refuse_call(call);
	agent = new_agent(agents, call);
	if (!agent || !accept_channel(agent, call->request)) {
		free(agent);
		return refuse_call(call);
	}
	list(agents, agent);
	return 0;
}

void wr_agents_serve(struct wr_call *call)
{
	struct wr_agents *agents = call->server->agents;

	if (!agents)
		(void)refuse_call(call);
	else
		call->is_streaming = open_channel(agents, call) == 0;
}
