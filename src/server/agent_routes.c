/* What an agent offers to be the router for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/agent_run.h"
#include "server/intents.h"
#include "server/routes.h"
#include "server/rows.h"

/* --- The offer. --- */

static int offer_route(struct wr_call *call, const struct wr_machine *machine,
		       const struct wr_machine_org *org, size_t i, const char *text,
		       json_t *offered)
{
	char pointer[32], canonical[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefix;
	const char *fault = wr_route_fault(org, text, &prefix);
	int error;

	snprintf(pointer, sizeof(pointer), "/routes/%zu", i);
	if (fault)
		return wr_call_fault(call, pointer, "%s", fault);
	wr_prefix_format(&prefix, canonical);
	json_array_append_new(offered, json_string(canonical));
	error = WR_DB_RUN(call->db,
			  "INSERT INTO machine_route (machine, prefix, organisation, state,"
			  " is_offered, is_set, is_active, since)"
			  " VALUES (?1, ?2, ?3, 'waiting', 1, 0, 0, ?4)"
			  " ON CONFLICT (machine, prefix) DO UPDATE SET is_offered = 1"
			  " WHERE NOT is_offered",
			  WR_I(machine->id), WR_T(canonical), WR_I(call->org),
			  WR_I(wr_call_time(call)));
	return error ? wr_call_fail_db(call, error) : 0;
}

/* What an operator decided is remembered, and what one set stays. */
static int forget_others(struct wr_call *call, const struct wr_machine *machine,
			 const json_t *offered)
{
	char *kept = json_dumps(offered, JSON_COMPACT);
	int error = kept ? 0 : -ENOMEM;

	if (!error)
		error = WR_DB_RUN(call->db,
				  "DELETE FROM machine_route WHERE machine = ? AND NOT is_set"
				  " AND state = 'waiting'"
				  " AND prefix NOT IN (SELECT value FROM json_each(?))",
				  WR_I(machine->id), WR_T(kept));
	if (!error)
		error = WR_DB_RUN(call->db,
				  "UPDATE machine_route SET is_offered = 0, is_active = 0"
				  " WHERE machine = ? AND is_offered AND NOT is_set"
				  " AND prefix NOT IN (SELECT value FROM json_each(?))",
				  WR_I(machine->id), WR_T(kept));
	free(kept);
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- The answer. --- */

static bool take_offered(void *context, const struct wr_row *row)
{
	/* An agent is not told that it was rejected: it waits. */
	bool is_approved = strcmp(wr_row_text(row, 1), "approved") == 0;

	json_array_append_new(context, json_pack("{s:s, s:s}", "prefix", wr_row_text(row, 0),
						 "state", is_approved ? "approved" : "waiting"));
	return true;
}

static int list_offered(struct wr_call *call, const struct wr_machine *machine)
{
	json_t *routes = json_array();
	int64_t count = wr_db_each(call->db,
				   "SELECT prefix, state FROM machine_route WHERE machine = ?"
				   " AND is_offered ORDER BY prefix",
				   1, &WR_I(machine->id), take_offered, routes);

	json_decref(call->result);
	call->result = json_pack("{s:o}", "routes", routes);
	call->etag[0] = '\0';
	return count < 0 ? wr_call_fail_db(call, (int)count) : 0;
}

static int offer_all(struct wr_call *call, const struct wr_machine *machine,
		     const struct wr_machine_org *org, json_t *offered)
{
	const json_t *routes = json_object_get(call->body, "routes");
	const json_t *route;
	int bad = 0;
	size_t i;

	json_array_foreach(routes, i, route)
		bad |= offer_route(call, machine, org, i, json_string_value(route), offered);
	return bad ? -1 : forget_others(call, machine, offered);
}

/* Grows with each route that is another (server/schema.c). */
static int64_t generation(struct wr_call *call)
{
	int64_t number = 0;

	return wr_rows_number(call, "SELECT generation FROM organisation WHERE id = ?",
			      WR_I(call->org), &number) < 0
		       ? -1
		       : number;
}

static int note_routes(struct wr_call *call, const struct wr_machine *machine)
{
	int error = WR_DB_RUN(call->db, "UPDATE machine SET version = version + 1 WHERE id = ?",
			      WR_I(machine->id));

	if (error)
		return wr_call_fail_db(call, error);
	wr_intend_maps(call);
	return wr_machine_run_changed(call, machine, "machine.routes");
}

int wr_agent_run_routes(struct wr_call *call, const struct wr_machine *machine)
{
	WR_AUTO(json_decrefp) json_t *offered = json_array();
	struct wr_machine_org org;
	int64_t before;

	if (wr_agent_run_check_on(call, machine) || wr_machine_run_org(call, &org))
		return -1;
	if (json_array_size(json_object_get(call->body, "routes")) > WR_ROUTES_MAX)
		return wr_call_fault(call, "/routes", "has more than %d routes", WR_ROUTES_MAX);
	before = generation(call);
	if (offer_all(call, machine, &org, offered) || wr_route_check_count(call))
		return -1;
	/* Agents say the same again whenever they start. */
	if (generation(call) != before && note_routes(call, machine))
		return -1;
	return list_offered(call, machine);
}
