#include "server/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "server/admit.h"
#include "server/agents.h"
#include "server/events.h"
#include "server/intents.h"
#include "server/lockout.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/router.h"
#include "server/server_steps.h"
#include "server/upkeep.h"

#define TICK_MS 200
#define TICKS_A_SECOND (1000 / TICK_MS)
#define SIGHTS_EVERY (2 * TICKS_A_SECOND) /* what the hub sees of machines */
#define SIGHTS_OF_AGENTS_EVERY 3          /* ticks: less than from a keepalive to a ping */
#define LOOK_EVERY (5 * TICKS_A_SECOND)   /* whether another program changed the database */

/* --- Each tick. --- */
static uint64_t sights_every(const struct wr_server *server)
{
	struct wr_agents_numbers agents;

	wr_agents_count(server->agents, &agents);
	return agents.connected ? SIGHTS_OF_AGENTS_EVERY : SIGHTS_EVERY;
}

static void on_tick(uv_timer_t *timer)
{
	struct wr_server *server = timer->data;

	server->ticks++;
	if (wr_sights_are_due(server->sights) || server->ticks % sights_every(server) == 0)
		wr_sights_tick(server->sights);
	wr_agents_tick(server->agents);
	if (server->ticks % TICKS_A_SECOND == 0) {
		wr_machines_expire(server);
		wr_upkeep(server);
	}
	if (server->ticks % LOOK_EVERY == 0)
		wr_intents_reload(server);
}

/* --- Opening. --- */

/* Answers hold private keys, tokens and passwords that are shown once. */
static void wipe_and_free(void *memory)
{
	if (memory)
		wr_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

/* What needs nothing but memory. */
static int make_parts(struct wr_server *server)
{
	uint8_t seed[16];
	json_t *openapi;

	json_set_alloc_funcs(malloc, wipe_and_free);
	wr_random(seed, sizeof(seed));
	server->router = wr_router_new(wr_operation_tables);
	server->lockout = wr_lockout_new(seed);
	server->sights = wr_sights_new(server);
	server->numbers = wr_api_numbers_new();
	openapi = wr_openapi_document(wr_operation_tables, WR_VERSION);
	server->openapi = openapi ? json_dumps(openapi, JSON_COMPACT) : NULL;
	json_decref(openapi);
	if (!server->router || !server->lockout || !server->sights || !server->numbers ||
	    !server->openapi)
		return -ENOMEM;
	return wr_admit_open(server);
}

static int open_ledger(struct wr_server *server)
{
	int status = wr_ledger_open(server->loop, server->db, &server->ledger);

	if (status == 0)
		server->db = NULL;
	return status;
}

static int open_parts(struct wr_server *server, const struct wr_server_config *config,
		      struct wr_first_start *ret_first)
{
	int status = wr_server_open_folder(server);

	if (status == 0)
		status = wr_server_open_database(server, config->unlock);
	if (status == 0)
		status = make_parts(server);
	if (status == 0)
		status = wr_server_open_hub(server);
	if (status == 0)
		status = wr_events_open(server->loop, &server->events);
	/* Calls come when the loop runs, which is after all of this. What can fail goes before what
	 * is told only once: the first password. */
	if (status == 0)
		status = wr_server_open_api(server);
	if (status == 0)
		status = wr_server_first_start(server, ret_first);
	if (status == 0)
		status = open_ledger(server);
	if (status == 0)
		status = wr_agents_open(server, &server->agents);
	return status;
}

static struct wr_server *new_server(uv_loop_t *loop)
{
	struct wr_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->lock_fd = -1;
	server->started = (int64_t)(wr_clock_wall().ns / 1000000000);
	uv_timer_init(loop, &server->tick);
	server->tick.data = server;
	return server;
}

int wr_server_open(uv_loop_t *loop, const struct wr_server_config *config,
		   struct wr_first_start *ret_first, struct wr_server **ret_server)
{
	struct wr_server *server = new_server(loop);
	int status;

	if (!server)
		return -ENOMEM;
	json_object_seed(0);
	status = wr_server_configure(server, config);
	if (status == 0)
		status = open_parts(server, config, ret_first);
	if (status < 0) {
		wr_server_end(server);
		return status;
	}
	uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS);
	*ret_server = server;
	return 0;
}

/* --- Looking. --- */
const char *wr_server_socket(const struct wr_server *server)
{
	return server->socket_path;
}

uint16_t wr_server_port(const struct wr_server *server)
{
	return server->config.api_listen ? wr_http_server_port(server->http) : 0;
}

const char *wr_server_pin(const struct wr_server *server)
{
	return server->pin;
}
