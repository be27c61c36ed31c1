#include "server/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "server/admit.h"
#include "server/answer.h"
#include "server/auth.h"
#include "server/check.h"
#include "server/health.h"
#include "server/router.h"
#include "server/server_metrics.h"
#include "server/state.h"
#include "server/touch.h"

static void enter(struct wr_call *call);

/* --- On the ledger's thread. --- */

/* Whoever may not call is told that, and not what else is wrong. */
static bool may_run(struct wr_call *call)
{
	if (wr_auth_check(call) < 0)
		return false;
	if (call->faults.status) {
		wr_problem_done(&call->problem);
		call->problem = call->faults;
		call->faults = (struct wr_problem){ 0 };
	}
	return call->problem.status == 0;
}

/* Each change is in the audit log: one that said nothing of itself by its name at least. */
static int finish(struct wr_call *call)
{
	if (call->problem.status)
		return -1;
	if (call->operation->is_change && call->audit_count == 0 && !call->pool_work)
		wr_call_audit(call, NULL, call->path[0], NULL, NULL);
	if (call->audit_error < 0)
		return wr_call_fail_db(call, call->audit_error);
	return 0;
}

int wr_dispatch_run(struct wr_call *call)
{
	int status = call->operation->run(call);

	if (status >= 0)
		return finish(call);
	if (call->problem.status == 0)
		wr_call_fail(call, 500, "internal", "The server failed, and nothing was changed.");
	return -1;
}

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct wr_call *call = WR_CONTAINER_OF(entry, struct wr_call, entry);

	call->db = db;
	call->pool_work = NULL;
	if (!may_run(call))
		return -1;
	return call->operation->serve ? 0 : wr_dispatch_run(call);
}

/* --- On the thread pool. --- */
static void in_pool(uv_work_t *work)
{
	struct wr_call *call = work->data;

	call->pool_work(call);
}

static void after_pool(uv_work_t *work, int status)
{
	struct wr_call *call = work->data;

	(void)status;
	call->step++;
	enter(call);
}

static void go_to_pool(struct wr_call *call)
{
	int error;

	call->pool.data = call;
	error = uv_queue_work(call->server->loop, &call->pool, in_pool, after_pool);
	if (error == 0)
		return;
	wr_call_fail(call, 503, "busy", "The server is short of threads.");
	wr_answer(call);
}

/* --- Back on the loop. --- */
static void settled(void *context)
{
	wr_answer(context);
}

static void serve(struct wr_call *call)
{
	call->operation->serve(call);
	if (call->is_streaming)
		wr_answer_not(call);
	else
		wr_answer(call);
}

static void kept(struct wr_call *call)
{
	bool has_told = wr_call_follow(call);

	call->db = NULL;
	if (call->is_to_be_touched && !call->pool_work)
		wr_touch(call);
	if (call->pool_work)
		go_to_pool(call);
	else if (call->operation->serve)
		serve(call);
	else if (has_told && call->server->hub)
		wr_hub_settle(call->server->hub, settled, call);
	else
		wr_answer(call);
}

static void done(struct wr_entry *entry, int status)
{
	struct wr_call *call = WR_CONTAINER_OF(entry, struct wr_call, entry);

	if (status >= 0) {
		if (call->operation->is_change)
			call->server->database_error = 0;
		kept(call);
		return;
	}
	wr_call_forget(call);
	if (call->problem.status == 0)
		wr_call_fail_db(call, status);
	if (call->db_error)
		call->server->database_error = call->db_error;
	wr_admit_failed(call);
	wr_answer(call);
}

static void enter(struct wr_call *call)
{
	call->entry = (struct wr_entry){ .work = work, .done = done };
	if (wr_ledger_enter(call->server->ledger, &call->entry) == 0)
		return;
	call->retry_after = 1;
	wr_call_fail(call, 503, "busy", "Too many calls wait for the database.");
	wr_answer(call);
}

/* --- What comes in. --- */
static int find(struct wr_call *call)
{
	struct wr_route *route = call->route;

	if (wr_metrics_is_path(wr_http_path(call->request)))
		wr_metrics_find(call, route);
	else
		wr_router_find(call->server->router, wr_http_method(call->request),
			       wr_http_path(call->request), route);
	switch (route->kind) {
	case WR_ROUTE_FOUND: break;
	case WR_ROUTE_NOWHERE:
		return wr_call_fail(call, 404, "not-found",
				    "There is nothing here; see " WR_API_PREFIX "/openapi.json.");
	case WR_ROUTE_OTHER_METHOD:
		return wr_call_fail(call, 405, "method", "This path knows %s.", route->allow);
	case WR_ROUTE_BAD_PATH:
		return wr_call_fail(call, 400, "path",
				    "The path's percent-encoding or UTF-8 is wrong.");
	}
	call->operation = route->operation;
	memcpy(call->path, route->values, sizeof(call->path));
	return 0;
}

static int look(struct wr_call *call)
{
	bool is_found;

	if (call->server->is_closing)
		return wr_call_fail(call, 503, "closing", "The server is being stopped.");
	/* What is refused at once costs too. */
	is_found = find(call) == 0;
	if (wr_admit(call) < 0 || !is_found)
		return -1;
	if (call->operation->access != WR_ACCESS_ANYONE && !wr_auth_has_credentials(call->request))
		return wr_call_fail(call, 401, "signed-out",
				    "Sign in, or send a token: Authorization: Bearer ...");
	return 0;
}

/* Faults wait until it is known who calls. */
static void read_input(struct wr_call *call)
{
	const struct wr_http_request *request = call->request;
	struct wr_problem body_faults = { 0 };

	call->query = wr_check_query(call->operation, wr_http_query(request), &call->faults);
	call->body = wr_check_body(call->operation, wr_http_header(request, "content-type"),
				   wr_http_body(request), &body_faults);
	wr_problem_join(&call->faults, &body_faults);
}

static struct wr_call *new_call(struct wr_server *server, struct wr_http_request *request)
{
	struct wr_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->route = calloc(1, sizeof(*call->route));
	if (!call->route) {
		free(call);
		return NULL;
	}
	call->server = server;
	call->request = request;
	call->began = wr_clock_now();
	call->caller.address = *wr_http_remote(request);
	wr_uid_new('r', call->request_id);
	server->calls++;
	return call;
}

static void begin(struct wr_call *call)
{
	const struct wr_operation *operation;

	if (look(call) < 0) {
		wr_answer(call);
		return;
	}
	operation = call->operation;
	read_input(call);
	if (operation->serve && operation->access == WR_ACCESS_ANYONE && !call->faults.status)
		serve(call);
	else
		enter(call);
}

static bool is_health(struct wr_server *server, struct wr_http_request *request)
{
	struct wr_ledger_numbers ledger = { 0 };
	struct wr_health health = {
		.is_closing = server->is_closing,
		.is_hub_open = server->hub != NULL,
		.database_error = server->database_error,
	};

	if (server->ledger)
		wr_ledger_count(server->ledger, &ledger);
	health.ledger_waiting = ledger.waiting;
	return wr_health_serve(&health, request);
}

static void respond_short_of_memory(struct wr_http_request *request)
{
	const struct wr_http_response response = { .status = 503 };

	wr_http_respond(request, &response);
}

void wr_dispatch(void *context, struct wr_http_request *request)
{
	struct wr_server *server = context;
	struct wr_call *call;

	if (is_health(server, request))
		return;
	call = new_call(server, request);
	if (call)
		begin(call);
	else
		respond_short_of_memory(request);
}
