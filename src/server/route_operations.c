/* Operations on routes: what is behind machines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/intents.h"
#include "server/machine_run.h"
#include "server/routes.h"
#include "server/rows.h"

#define COLUMNS \
	" 0, r.prefix, m.uid, m.label, r.state, r.is_offered, r.is_set, r.is_active, r.since "

static const char *const states[] = { "approved", "waiting", "rejected", NULL };

/* --- Shown. --- */

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o}", "prefix", wr_row_text(row, 1),
			 "machine", wr_row_text(row, 2), "label", wr_row_text(row, 3), "state",
			 wr_row_text(row, 4), "is_offered", wr_row_int(row, 5) != 0, "is_set",
			 wr_row_int(row, 6) != 0, "is_active", wr_row_int(row, 7) != 0, "since",
			 wr_json_time(wr_row_int(row, 8)));
}

static bool take_item(void *context, const struct wr_row *row)
{
	json_array_append_new(context, item(NULL, row));
	return true;
}

/* All of them: there are at most some thousands, and no row has a number to go by. */
static int run_list(struct wr_call *call)
{
	json_t *items = json_array();
	int64_t count = wr_db_each(call->db,
				   "SELECT" COLUMNS "FROM machine_route r"
				   " JOIN machine m ON m.id = r.machine WHERE r.organisation = ?"
				   " ORDER BY r.prefix, r.since, r.machine",
				   1, &WR_I(call->org), take_item, items);

	if (count < 0) {
		json_decref(items);
		return wr_call_fail_db(call, (int)count);
	}
	call->result = json_pack("{s:o}", "routes", items);
	return 0;
}

/* --- Changed. --- */

struct change {
	const char *state;
	char prefix[WR_ENDPOINT_TEXT_LEN];
};

static int read_prefix(struct wr_call *call, struct change *change)
{
	const char *text = wr_call_text(call, "prefix");
	struct wr_machine_org org;
	struct wr_prefix prefix;
	const char *fault;

	if (wr_machine_run_org(call, &org))
		return -1;
	fault = wr_route_fault(&org, text, &prefix);
	if (fault)
		return wr_call_fault(call, "/prefix", "%s", fault);
	wr_prefix_format(&prefix, change->prefix);
	return 0;
}

static int find(struct wr_call *call, const struct wr_machine *machine, const char *prefix,
		json_t **ret_route)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT" COLUMNS "FROM machine_route r"
			      " JOIN machine m ON m.id = r.machine WHERE r.machine = ?"
			      " AND r.prefix = ?",
			      WR_I(machine->id), WR_T(prefix));

	if (found < 0)
		return wr_call_fail_db(call, found);
	*ret_route = found ? item(call, row) : NULL;
	if (found)
		wr_row_end(row);
	return 0;
}

/* The machine itself is told too, though nothing that the hub knows may have changed. */
static int finish(struct wr_call *call, const struct wr_machine *machine,
		  const struct change *change, json_t *before)
{
	json_t *after = NULL;

	int error = WR_DB_RUN(call->db, "UPDATE machine SET version = version + 1 WHERE id = ?",
			      WR_I(machine->id));

	if (error)
		return wr_call_fail_db(call, error);
	if (wr_routes_settle(call) || wr_intend_machine(call, machine->id, false) ||
	    wr_route_check_count(call) || find(call, machine, change->prefix, &after))
		return -1;
	wr_intend_maps(call);
	wr_call_audit(call, machine->uid, machine->name, before, json_incref(after));
	wr_call_event(call, "route.changed",
		      json_pack("{s:s, s:s, s:s, s:s}", "machine", machine->uid, "label",
				machine->label, "prefix", change->prefix, "state",
				change->state ? change->state : "removed"));
	call->result = after;
	return 0;
}

static int refuse_unknown(struct wr_call *call, const struct wr_machine *machine,
			  const struct change *change)
{
	return wr_call_fail(call, 404, "not-found",
			    "\"%s\" offers no route to %s. `warren route add` sets one in its "
			    "place.",
			    machine->label, change->prefix);
}

static int set_state(struct wr_call *call, const struct wr_machine *machine,
		     const struct change *change)
{
	json_t *before = NULL;
	int error;

	if (find(call, machine, change->prefix, &before))
		return -1;
	if (!before)
		return refuse_unknown(call, machine, change);
	error = WR_DB_RUN(call->db,
			  "UPDATE machine_route SET state = ?1,"
			  " since = CASE state WHEN ?1 THEN since ELSE ?2 END"
			  " WHERE machine = ?3 AND prefix = ?4",
			  WR_T(change->state), WR_I(wr_call_time(call)), WR_I(machine->id),
			  WR_T(change->prefix));
	if (error) {
		json_decref(before);
		return wr_call_fail_db(call, error);
	}
	return finish(call, machine, change, before);
}

static int set_route(struct wr_call *call, const struct wr_machine *machine,
		     const struct change *change)
{
	json_t *before = NULL;
	int error;

	if (find(call, machine, change->prefix, &before))
		return -1;
	error = WR_DB_RUN(call->db,
			  "INSERT INTO machine_route (machine, prefix, organisation, state,"
			  " is_offered, is_set, is_active, since)"
			  " VALUES (?1, ?2, ?3, 'approved', 1, 1, 0, ?4)"
			  " ON CONFLICT (machine, prefix) DO UPDATE SET since ="
			  " CASE state WHEN 'approved' THEN since ELSE ?4 END,"
			  " state = 'approved', is_offered = 1, is_set = 1",
			  WR_I(machine->id), WR_T(change->prefix), WR_I(call->org),
			  WR_I(wr_call_time(call)));
	if (error) {
		json_decref(before);
		return wr_call_fail_db(call, error);
	}
	return finish(call, machine, change, before);
}

static int remove_route(struct wr_call *call, const struct wr_machine *machine,
			const struct change *change)
{
	json_t *before = NULL;
	int error;

	if (find(call, machine, change->prefix, &before))
		return -1;
	if (!before)
		return refuse_unknown(call, machine, change);
	error = WR_DB_RUN(call->db, "DELETE FROM machine_route WHERE machine = ? AND prefix = ?",
			  WR_I(machine->id), WR_T(change->prefix));
	if (error) {
		json_decref(before);
		return wr_call_fail_db(call, error);
	}
	return finish(call, machine, change, before);
}

static int with_machine(struct wr_call *call, const char *state,
			int (*work)(struct wr_call *call, const struct wr_machine *machine,
				    const struct change *change))
{
	struct change change = { .state = state };
	struct wr_machine machine = { 0 };
	int status = wr_machine_run_find(call, &machine);

	if (!status)
		status = read_prefix(call, &change);
	if (!status)
		status = work(call, &machine, &change);
	wr_machine_done(&machine);
	return status;
}

static int run_approve(struct wr_call *call)
{
	return with_machine(call, "approved", set_state);
}

static int run_reject(struct wr_call *call)
{
	return with_machine(call, "rejected", set_state);
}

static int run_add(struct wr_call *call)
{
	return with_machine(call, "approved", set_route);
}

static int run_remove(struct wr_call *call)
{
	int status = with_machine(call, NULL, remove_route);

	json_decref(WR_TAKE(call->result));
	return status;
}

/* --- The table. --- */

static const struct wr_field route_fields[] = {
	{ .name = "prefix", .kind = WR_KIND_PREFIX, .is_required = true, .help = "The prefix" },
	{ .name = "machine",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "Identifier of the machine that it is behind" },
	{ .name = "label", .kind = WR_KIND_LABEL, .is_required = true, .help = "Its label" },
	{ .name = "state",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = states,
	  .help = "Waiting: its agent offers it, and nobody has decided" },
	{ .name = "is_offered",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "Its agent offers it now, or it was set" },
	{ .name = "is_set",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "An operator set it: it stays, whatever the agent offers" },
	{ .name = "is_active",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "Of the routers of the prefix it is the one that traffic goes to: the first that "
		  "is online, in the order of approval" },
	{ .name = "since",
	  .kind = WR_KIND_TIME,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "When it came to this state" },
	{ 0 },
};

static const struct wr_field list_result[] = {
	{ .name = "routes",
	  .kind = WR_KIND_LIST,
	  .is_required = true,
	  .fields = route_fields,
	  .help = "By prefix; the routers of one in the order of approval" },
	{ 0 },
};

static const struct wr_field prefix_body[] = {
	{ .name = "prefix", .kind = WR_KIND_PREFIX, .is_required = true, .help = "The prefix" },
	{ 0 },
};

#define PATH "/orgs/{org}/machines/{machine}/routes"

const struct wr_operation wr_operations_route[] = {
	{ .id = "route.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/routes",
	  .summary = "Lists the routes of an organisation, with their routers",
	  .access = WR_ACCESS_VIEWER,
	  .result = list_result,
	  .status = 200,
	  .run = run_list },
	{ .id = "route.approve",
	  .method = WR_HTTP_POST,
	  .path = PATH "/approve",
	  .summary = "Approves a route that a machine's agent offers",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = prefix_body,
	  .result = route_fields,
	  .status = 200,
	  .run = run_approve },
	{ .id = "route.reject",
	  .method = WR_HTTP_POST,
	  .path = PATH "/reject",
	  .summary = "Rejects a route that a machine's agent offers, or takes approval back",
	  .about = "It is remembered, and rejected when it is offered again.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = prefix_body,
	  .result = route_fields,
	  .status = 200,
	  .run = run_reject },
	{ .id = "route.add",
	  .method = WR_HTTP_POST,
	  .path = PATH,
	  .summary = "Sets a route to what is behind a machine, approved",
	  .about = "For machines without an agent, or in an agent's place. Several machines may be "
		   "routers of one prefix: traffic goes to the first that is online.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = prefix_body,
	  .result = route_fields,
	  .status = 200,
	  .run = run_add },
	{ .id = "route.remove",
	  .method = WR_HTTP_POST,
	  .path = PATH "/remove",
	  .summary = "Removes a route, and what was decided about it",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = prefix_body,
	  .status = 204,
	  .run = run_remove },
	{ 0 },
};
