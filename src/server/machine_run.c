#include "server/machine_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "server/agents.h"
#include "server/intents.h"
#include "server/routes.h"
#include "server/state.h"

int wr_machine_run_find(struct wr_call *call, struct wr_machine *machine)
{
	int found = wr_machine_find(call->db, call->org, call->path[1], machine);

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 404, "not-found",
				    "The organisation has no machine of this identifier or label.");
	return 0;
}

/* The row as it is now. */
int wr_machine_run_get(struct wr_call *call, int64_t id, struct wr_machine *machine)
{
	int found = wr_machine_get(call->db, id, machine);

	return found > 0 ? 0 : wr_call_fail_db(call, found ? found : -ENOENT);
}

int wr_machine_run_org(struct wr_call *call, struct wr_machine_org *org)
{
	int found = wr_machine_org_get(call->db, call->org, org);

	return found > 0 ? 0 : wr_call_fail_db(call, found ? found : -ENOENT);
}

static void set_etag(struct wr_call *call, const struct wr_machine *machine)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", machine->version);
}

/* 0, or -1 if somebody else changed it meanwhile. */
int wr_machine_run_match(struct wr_call *call, const struct wr_machine *machine)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", machine->version);
	return wr_call_match(call, etag);
}

json_t *wr_machine_run_json(struct wr_call *call, const struct wr_machine *machine)
{
	struct wr_sight sight = wr_sights_of(call->server->sights, machine->id);
	struct wr_agents *agents = call->server->agents;
	json_t *json = wr_machine_json(machine, &sight, wr_call_time(call));

	if (machine->is_agent)
		json_object_set_new(json, "is_connected",
				    json_boolean(agents &&
						 wr_agents_is_connected(agents, machine->id)));
	return json;
}

void wr_machine_run_result(struct wr_call *call, const struct wr_machine *machine)
{
	set_etag(call, machine);
	call->result = wr_machine_run_json(call, machine);
}

void wr_machine_run_event(struct wr_call *call, const char *type, const struct wr_machine *machine)
{
	json_t *data = json_pack("{s:s, s:s, s:s}", "uid", machine->uid, "name", machine->name,
				 "label", machine->label);

	wr_call_event(call, type, data);
}

int wr_machine_run_status(struct wr_call *call, int error)
{
	return error ? wr_call_fail_db(call, error) : 0;
}

/* What is answered, told and noted of a machine that was changed. */
int wr_machine_run_changed(struct wr_call *call, const struct wr_machine *before, const char *event)
{
	struct wr_machine after = { 0 };
	int64_t now = wr_call_time(call);
	int status = wr_routes_settle(call);

	if (!status)
		status = wr_machine_run_get(call, before->id, &after);
	if (!status)
		status = wr_intend_machine(call, before->id,
					   !wr_machine_is_on(before, now) &&
						   wr_machine_is_on(&after, now));
	if (!status) {
		wr_machine_run_result(call, &after);
		wr_call_audit(call, after.uid, after.name, wr_machine_settings(before),
			      wr_machine_settings(&after));
		wr_machine_run_event(call, event, &after);
	}
	wr_machine_done(&after);
	return status;
}
