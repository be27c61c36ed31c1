#include "server/upkeep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/agents.h"
#include "server/intents.h"
#include "server/machine_run.h"
#include "server/routes.h"
#include "server/state.h"

/* Of a second: the next ones are the next second's. */
#define ORGS 256
#define MACHINES 64
/* Somebody has to look first. */
#define PENDING_SECONDS INT64_C(86400)

/* A call that nobody made, so that lines of the audit log, events and what the hub is told come
 * about as in others. */
struct upkeep {
	struct wr_call call;
	int64_t orgs[ORGS], machines[MACHINES];
	size_t org_count, machine_count;
};

static struct upkeep *of_entry(struct wr_entry *entry)
{
	return WR_CONTAINER_OF(entry, struct upkeep, call.entry);
}

static int enter_org(struct wr_call *call, int64_t org)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row, "SELECT uid FROM organisation WHERE id = ?",
			      WR_I(org));

	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	call->org = org;
	snprintf(call->org_uid, sizeof(call->org_uid), "%s", wr_row_text(row, 0));
	wr_row_end(row);
	return 0;
}

/* --- Routers. --- */

static bool take_org(void *context, const struct wr_row *row)
{
	struct upkeep *upkeep = context;

	upkeep->orgs[upkeep->org_count++] = wr_row_int(row, 0);
	return upkeep->org_count < ORGS;
}

static int tell_moves(struct wr_call *call, const struct wr_route_moves *moves)
{
	int status = 0;

	for (size_t i = 0; i < moves->count && !status; i++)
		status = wr_intend_machine(call, moves->machines[i], false);
	if (!moves->count || status)
		return status;
	wr_intend_maps(call);
	wr_call_event(call, "route.moved", NULL);
	return 0;
}

static int move_routes(struct wr_call *call, int64_t org)
{
	struct wr_route_moves moves = { .count = 0 };
	int status = enter_org(call, org);

	if (!status)
		status = wr_routes_choose(call->server, call->db, org, wr_call_time(call), &moves);
	if (!status)
		status = tell_moves(call, &moves);
	wr_route_moves_done(&moves);
	return status;
}

/* A prefix with a choice has a router that is not active. */
static int move_all(struct upkeep *upkeep)
{
	struct wr_call *call = &upkeep->call;
	int64_t count = wr_db_each(call->db,
				   "SELECT DISTINCT organisation FROM machine_route"
				   " WHERE is_active = 0 AND state = 'approved' AND is_offered"
				   " AND organisation > ? ORDER BY organisation",
				   1, &WR_I(call->server->upkeep_org), take_org, upkeep);
	int status = count < 0 ? (int)count : 0;

	/* Where there are more the next come in the next second. */
	call->server->upkeep_org = upkeep->org_count == ORGS ? upkeep->orgs[ORGS - 1] : 0;
	for (size_t i = 0; i < upkeep->org_count && !status; i++)
		status = move_routes(call, upkeep->orgs[i]);
	return status;
}

/* --- Ephemeral members. --- */

/* As the rows have it, it is gone; they are some seconds old. */
static bool is_gone(const struct wr_server *server, int64_t machine, int64_t patience, int64_t now)
{
	struct wr_sight sight = wr_sights_of(server->sights, machine);

	if ((sight.is_judged && sight.is_online) ||
	    (server->agents && wr_agents_is_connected(server->agents, machine)))
		return false;
	/* After a start of the server each has the time to come back. */
	return sight.last_seen + patience <= now && server->started + patience <= now;
}

static bool take_gone(void *context, const struct wr_row *row)
{
	struct upkeep *upkeep = context;
	int64_t machine = wr_row_int(row, 0);

	if (is_gone(upkeep->call.server, machine, wr_row_int(row, 1), wr_call_time(&upkeep->call)))
		upkeep->machines[upkeep->machine_count++] = machine;
	return upkeep->machine_count < MACHINES;
}

static int remove_machine(struct wr_call *call, int64_t id)
{
	struct wr_machine machine = { 0 };
	int found = wr_machine_get(call->db, id, &machine);
	int status = found > 0 ? enter_org(call, machine.org) : found;

	if (found > 0 && !status)
		status = wr_machine_run_remove(call, &machine, "machine.vanished");
	wr_machine_done(&machine);
	return status;
}

static int remove_gone(struct upkeep *upkeep)
{
	struct wr_call *call = &upkeep->call;
	struct wr_value values[] = { WR_I(PENDING_SECONDS), WR_I(wr_call_time(call)) };
	int64_t count = wr_db_each(call->db,
				   "SELECT id, patience FROM (SELECT id, max(created,"
				   " coalesce(agent_seen, 0), coalesce(last_seen, 0)) AS seen,"
				   " CASE WHEN is_pending THEN max(ephemeral, ?1) ELSE ephemeral"
				   " END AS patience FROM machine WHERE ephemeral > 0)"
				   " WHERE seen + patience <= ?2 ORDER BY id",
				   WR_ARRAY_LEN(values), values, take_gone, upkeep);
	int status = count < 0 ? (int)count : 0;

	for (size_t i = 0; i < upkeep->machine_count && !status; i++)
		status = remove_machine(call, upkeep->machines[i]);
	return status;
}

/* --- The entry. --- */

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct upkeep *upkeep = of_entry(entry);
	int status;

	upkeep->call.db = db;
	status = move_all(upkeep);
	if (!status)
		status = remove_gone(upkeep);
	return status ? status : upkeep->call.audit_error;
}

static void done(struct wr_entry *entry, int status)
{
	struct upkeep *upkeep = of_entry(entry);
	struct wr_server *server = upkeep->call.server;

	if (status < 0) {
		wr_log_error("upkeep: failed, and is tried again: error=%s",
			     upkeep->call.problem.type[0] ? upkeep->call.problem.type
							  : strerror(-status));
		wr_call_forget(&upkeep->call);
	} else {
		wr_call_follow(&upkeep->call);
	}
	server->is_upkeeping = false;
	wr_call_done(&upkeep->call);
	free(upkeep);
	wr_server_call_ended(server);
}

static const struct wr_operation upkeep_operation = { .id = "machine.vanish" };

void wr_upkeep(struct wr_server *server)
{
	struct upkeep *upkeep;

	if (!server->ledger || server->is_upkeeping || server->is_closing)
		return;
	upkeep = calloc(1, sizeof(*upkeep));
	if (!upkeep)
		return;
	upkeep->call.entry = (struct wr_entry){ .work = work, .done = done };
	upkeep->call.server = server;
	upkeep->call.operation = &upkeep_operation;
	upkeep->call.caller = (struct wr_caller){ .kind = WR_CALLER_LOCAL, .name = "server" };
	wr_uid_new('r', upkeep->call.request_id);
	server->is_upkeeping = wr_ledger_enter(server->ledger, &upkeep->call.entry) == 0;
	if (server->is_upkeeping)
		server->calls++;
	else
		free(upkeep);
}
