#include "server/server_metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/metrics.h"
#include "server/state.h"

struct listed {
	int64_t row;
	char *label, *uid;
};

struct gathering {
	struct listed *orgs;
	struct wr_metrics_org *views;
	size_t count, room;
	bool is_short_of_memory;
};

bool wr_metrics_is_path(const char *path)
{
	return strcmp(path, "/metrics") == 0;
}

/* --- The ledger's thread: which organisations there are. --- */
static void free_gathering(void *state)
{
	struct gathering *gathering = state;

	for (size_t i = 0; i < gathering->count; i++) {
		free(gathering->orgs[i].label);
		free(gathering->orgs[i].uid);
	}
	free(gathering->orgs);
	free(gathering->views);
	free(gathering);
}

static bool grow(struct gathering *gathering)
{
	size_t room = gathering->room ? gathering->room * 2 : 64;
	struct listed *orgs;

	if (gathering->count < gathering->room)
		return true;
	orgs = reallocarray(gathering->orgs, room, sizeof(*orgs));
	if (!orgs)
		return false;
	gathering->orgs = orgs;
	gathering->room = room;
	return true;
}

static bool add_org(void *context, const struct wr_row *row)
{
	struct gathering *gathering = context;
	struct listed *listed;

	gathering->is_short_of_memory = !grow(gathering);
	if (gathering->is_short_of_memory)
		return false;
	listed = &gathering->orgs[gathering->count++];
	listed->row = wr_row_int(row, 0);
	listed->label = strdup(wr_row_text(row, 1));
	listed->uid = strdup(wr_row_text(row, 2));
	gathering->is_short_of_memory = !listed->label || !listed->uid;
	return !gathering->is_short_of_memory;
}

/* --- The loop's: what the hub says of them. --- */
static size_t view_orgs(struct wr_server *server, struct gathering *gathering)
{
	size_t count = 0;

	for (size_t i = 0; i < gathering->count; i++) {
		const struct listed *listed = &gathering->orgs[i];
		struct wr_metrics_org *view = &gathering->views[count];

		view->label = listed->label;
		view->uid = listed->uid;
		count += wr_hub_count_org(server->hub, (uint64_t)listed->row, &view->numbers);
	}
	return count;
}

static uint64_t file_bytes(const struct wr_server *server, const char *name)
{
	char *path = wr_server_path(server, name);
	struct stat status;
	bool is_there = path && stat(path, &status) == 0;

	free(path);
	return is_there ? (uint64_t)status.st_size : 0;
}

static void write_document(struct wr_server *server, void *what)
{
	struct wr_call *call = what;
	struct gathering *gathering = call->state;
	struct wr_hub_numbers hub;
	struct wr_ledger_numbers ledger;
	struct wr_events_numbers events;
	struct wr_agents_numbers agents;
	struct wr_metrics_view view = {
		.version = WR_VERSION,
		.started = { (uint64_t)server->started * 1000000000 },
		.hub = &hub,
		.orgs = gathering->views,
		.org_count = view_orgs(server, gathering),
		.ledger = &ledger,
		.api = server->numbers,
		.events = &events,
		.agents = &agents,
		.database_bytes = file_bytes(server, WR_DATABASE) +
				  file_bytes(server, WR_DATABASE "-wal"),
	};
	size_t len;

	wr_hub_count(server->hub, &hub);
	wr_ledger_count(server->ledger, &ledger);
	wr_events_count(server->events, &events);
	wr_agents_count(server->agents, &agents);
	call->text = wr_metrics_document(&view, &len);
	call->text_type = WR_METRICS_TYPE;
	if (!call->text)
		wr_call_fail(call, 503, "memory", "The server is short of memory.");
}

static int run_metrics(struct wr_call *call)
{
	struct gathering *gathering = calloc(1, sizeof(*gathering));
	int64_t count;

	if (!gathering)
		return wr_call_fail_db(call, -ENOMEM);
	call->state = gathering;
	call->state_free = free_gathering;
	count = wr_db_each(call->db, "SELECT id, label, uid FROM organisation ORDER BY id", 0, NULL,
			   add_org, gathering);
	if (count < 0 || gathering->is_short_of_memory)
		return wr_call_fail_db(call, count < 0 ? (int)count : -ENOMEM);
	gathering->views = calloc(gathering->count + 1, sizeof(*gathering->views));
	if (!gathering->views)
		return wr_call_fail_db(call, -ENOMEM);
	wr_call_then(call, write_document, call, NULL);
	return 0;
}

static const struct wr_operation for_anyone = {
	.id = "metrics",
	.method = WR_HTTP_GET,
	.path = "/metrics",
	.access = WR_ACCESS_ANYONE,
	.status = 200,
	.run = run_metrics,
};
static const struct wr_operation for_site = {
	.id = "metrics",
	.method = WR_HTTP_GET,
	.path = "/metrics",
	.access = WR_ACCESS_SITE,
	.status = 200,
	.run = run_metrics,
};

static bool is_loopback(const struct wr_ip *ip)
{
	static const uint8_t six[16] = { [15] = 1 };

	if (ip->family == WR_IPV4)
		return ip->bytes[0] == 127;
	return ip->family == WR_IPV6 && memcmp(ip->bytes, six, sizeof(six)) == 0;
}

/* Behind a proxy, whoever it forgets to name seems to be here. */
void wr_metrics_find(const struct wr_call *call, struct wr_route *ret_route)
{
	enum wr_http_method method = wr_http_method(call->request);
	bool is_here = wr_http_is_unix(call->request) || (is_loopback(&call->caller.address) &&
							  !call->server->config.is_behind_proxy);

	ret_route->kind = WR_ROUTE_OTHER_METHOD;
	snprintf(ret_route->allow, sizeof(ret_route->allow), "GET, HEAD");
	if (method != WR_HTTP_GET && method != WR_HTTP_HEAD)
		return;
	ret_route->kind = WR_ROUTE_FOUND;
	ret_route->operation = is_here ? &for_anyone : &for_site;
}
