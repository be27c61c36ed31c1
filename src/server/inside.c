/* Calls that nobody made: the first start's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/dispatch.h"
#include "server/router.h"
#include "server/state.h"

static const struct wr_operation *find_operation(const char *id)
{
	for (const struct wr_operation *const *table = wr_operation_tables; *table; table++) {
		for (const struct wr_operation *at = *table; at->id; at++) {
			if (strcmp(at->id, id) == 0)
				return at;
		}
	}
	return NULL;
}

static int run(struct wr_call *call)
{
	int status;

	do {
		call->pool_work = NULL;
		status = wr_dispatch_run(call);
		if (status >= 0 && call->pool_work)
			call->pool_work(call);
		call->step++;
	} while (status >= 0 && call->pool_work);
	if (status >= 0)
		return 0;
	wr_log_error("first start: %s: %s", call->operation->id,
		     call->problem.detail ? call->problem.detail : call->problem.type);
	return -EIO;
}

static void become_local(struct wr_caller *caller)
{
	caller->kind = WR_CALLER_LOCAL;
	caller->is_site_admin = true;
	caller->may_write = true;
	caller->role = WR_ACCESS_SITE;
	snprintf(caller->name, sizeof(caller->name), "local");
}

int wr_dispatch_inside(struct wr_server *server, struct wr_db *db, const char *id, json_t *body,
		       json_t **ret_result)
{
	struct wr_call *call = calloc(1, sizeof(*call));
	int status;

	if (!call || !body) {
		json_decref(body);
		free(call);
		return -ENOMEM;
	}
	call->server = server;
	call->db = db;
	call->operation = find_operation(id);
	assert(call->operation);
	call->body = body;
	call->query = json_object();
	become_local(&call->caller);
	wr_uid_new('r', call->request_id);
	status = run(call);
	/* Before the commit: where that fails, the server does not start. */
	if (status == 0)
		wr_call_follow(call);
	if (status == 0 && ret_result)
		*ret_result = WR_TAKE(call->result);
	wr_call_done(call);
	free(call);
	return status;
}
