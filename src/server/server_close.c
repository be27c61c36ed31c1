/* The end: each part when those that need it have ended. Streams, channels and requests first, then
 * calls, what was seen of machines, the ledger, and the hub last: so packets go on as long as
 * they can. A server that did not open whole ends the same way. */
#include <stdlib.h>

#include "base/key.h"
#include "server/agents.h"
#include "server/events.h"
#include "server/intents.h"
#include "server/lockout.h"
#include "server/metrics.h"
#include "server/ratelimit.h"
#include "server/router.h"
#include "server/server_steps.h"

/* For answers under way; the ledger's are done in milliseconds. */
#define GRACE WR_SPAN_S(5)

static void go_on(struct wr_server *server);

static void part_closed(void *context)
{
	go_on(context);
}

static void free_server(struct wr_server *server)
{
	void (*closed)(void *context) = server->closed;
	void *context = server->closed_context;

	wr_agents_free(server->agents);
	wr_sights_free(server->sights);
	wr_intents_free(server->intents);
	wr_router_free(server->router);
	wr_lockout_free(server->lockout);
	wr_ratelimit_free(server->strangers);
	wr_ratelimit_free(server->callers);
	wr_api_numbers_free(server->numbers);
	free(server->openapi);
	wr_server_unconfigure(server);
	free(server);
	if (closed)
		closed(context);
}

static void timer_closed(uv_handle_t *handle)
{
	free_server(handle->data);
}

static void end_streams(struct wr_server *server)
{
	struct wr_events *events = WR_TAKE(server->events);

	server->stage = WR_SERVER_ENDS_STREAMS;
	if (events)
		wr_events_close(events, part_closed, server);
	else
		go_on(server);
}

/* The ledger's entries for agents end with them. */
static void end_agents(struct wr_server *server)
{
	server->stage = WR_SERVER_ENDS_AGENTS;
	if (server->agents)
		wr_agents_close(server->agents, part_closed, server);
	else
		go_on(server);
}

static void end_requests(struct wr_server *server)
{
	struct wr_http_server *http = WR_TAKE(server->http);

	server->stage = WR_SERVER_ENDS_REQUESTS;
	if (http)
		wr_http_server_close(http, GRACE, part_closed, server);
	else
		go_on(server);
}

/* Whose caller has gone may still be in the ledger. */
static void end_calls(struct wr_server *server)
{
	server->stage = WR_SERVER_ENDS_CALLS;
	server->calls++;
	wr_server_call_ended(server);
}

static void save(struct wr_server *server)
{
	server->stage = WR_SERVER_SAVES;
	server->calls++;
	if (server->ledger && server->sights)
		wr_sights_flush(server->sights);
	wr_server_call_ended(server);
}

static void end_ledger(struct wr_server *server)
{
	struct wr_ledger *ledger = WR_TAKE(server->ledger);

	server->stage = WR_SERVER_ENDS_LEDGER;
	if (ledger) {
		wr_ledger_close(ledger, part_closed, server);
		return;
	}
	server->db = wr_db_close(server->db);
	go_on(server);
}

static void end_hub(struct wr_server *server)
{
	struct wr_hub *hub = WR_TAKE(server->hub);

	server->stage = WR_SERVER_ENDS_HUB;
	if (hub)
		wr_hub_close(hub, part_closed, server);
	else
		go_on(server);
}

static void go_on(struct wr_server *server)
{
	switch (server->stage) {
	case WR_SERVER_RUNS: end_streams(server); break;
	case WR_SERVER_ENDS_STREAMS: end_agents(server); break;
	case WR_SERVER_ENDS_AGENTS: end_requests(server); break;
	case WR_SERVER_ENDS_REQUESTS: end_calls(server); break;
	case WR_SERVER_ENDS_CALLS: save(server); break;
	case WR_SERVER_SAVES: end_ledger(server); break;
	case WR_SERVER_ENDS_LEDGER: end_hub(server); break;
	case WR_SERVER_ENDS_HUB:
		server->stage = WR_SERVER_ENDS_TIMER;
		uv_close((uv_handle_t *)&server->tick, timer_closed);
		break;
	case WR_SERVER_ENDS_TIMER: break;
	}
}

void wr_server_call_ended(struct wr_server *server)
{
	assert(server->calls > 0);
	server->calls--;
	if (server->calls == 0 &&
	    (server->stage == WR_SERVER_ENDS_CALLS || server->stage == WR_SERVER_SAVES))
		go_on(server);
}

void wr_server_end(struct wr_server *server)
{
	server->is_closing = true;
	uv_timer_stop(&server->tick);
	go_on(server);
}

void wr_server_close(struct wr_server *server, void (*closed)(void *context), void *context)
{
	server->closed = closed;
	server->closed_context = context;
	wr_server_end(server);
}
