/* A machine is changed, removed or approved. */
#include <string.h>

#include "server/intents.h"
#include "server/machine_run.h"
#include "server/machine_settings.h"
#include "server/policies.h"
#include "server/roster.h"
#include "server/routes.h"

/* --- Change. --- */

/* A policy goes by labels: what it names can neither go nor be called otherwise. */
static int check_policy(struct wr_call *call, const struct wr_machine *machine)
{
	struct wr_policy_fault fault;
	int is_named = wr_policy_names(call, machine->label, &fault);

	if (is_named < 0)
		return wr_call_fail_db(call, is_named);
	if (!is_named)
		return 0;
	return wr_call_fail(call, 409, "policy",
			    "Line %u of the policy names \"%s\". Take it out of the policy first.",
			    fault.line, machine->label);
}

static int set_new_name(struct wr_call *call, const struct wr_machine *before,
			struct wr_machine *after)
{
	if (!wr_call_text(call, "name"))
		return 0;
	if (wr_machine_set_name(call, before->id, after))
		return -1;
	return strcmp(before->label, after->label) == 0 ? 0 : check_policy(call, before);
}

static int update(struct wr_call *call, const struct wr_machine *machine)
{
	return wr_machine_run_status(
		call,
		WR_DB_RUN(call->db,
			  "UPDATE machine SET name = ?, label = ?, is_disabled = ?,"
			  " expires = ?, version = version + 1 WHERE id = ?",
			  WR_T(machine->name), WR_T(machine->label), WR_I(machine->is_disabled),
			  machine->expires ? WR_I(machine->expires) : WR_N, WR_I(machine->id)));
}

static int change(struct wr_call *call, const struct wr_machine *before)
{
	const json_t *is_disabled = json_object_get(call->body, "is_disabled");
	struct wr_machine after = *before;
	struct wr_machine_org org;
	int bad;

	if (wr_machine_run_match(call, before) || wr_machine_run_org(call, &org))
		return -1;
	bad = set_new_name(call, before, &after);
	bad |= wr_machine_set_expires(call, &after);
	if (is_disabled)
		after.is_disabled = json_is_true(is_disabled);
	bad |= wr_machine_write_tags(call, after.id);
	bad |= wr_machine_write_routes(call, &org, after.id);
	if (bad || update(call, &after) ||
	    wr_machine_run_status(call, wr_roster_touch(call->db, call->org)))
		return -1;
	wr_intend_maps(call);
	return wr_machine_run_changed(call, before, "machine.changed");
}

int wr_machine_change_run(struct wr_call *call)
{
	struct wr_machine before = { 0 };
	int status = wr_machine_run_find(call, &before);

	if (!status)
		status = change(call, &before);
	wr_machine_done(&before);
	return status;
}

/* --- Remove. --- */

int wr_machine_run_remove(struct wr_call *call, const struct wr_machine *machine, const char *event)
{
	if (wr_machine_run_status(call, WR_DB_RUN(call->db, "DELETE FROM machine WHERE id = ?",
						  WR_I(machine->id))) ||
	    wr_machine_run_status(call,
				  wr_addresses_release(call->db, call->org, &machine->addresses,
						       wr_call_time(call))) ||
	    wr_machine_run_status(call, wr_roster_touch(call->db, call->org)))
		return -1;
	wr_intend_machine_gone(call, call->org, machine->id);
	wr_intend_maps(call);
	wr_call_audit(call, machine->uid, machine->name, wr_machine_settings(machine), NULL);
	wr_machine_run_event(call, event, machine);
	return wr_routes_settle(call);
}

static int remove_machine(struct wr_call *call, const struct wr_machine *machine)
{
	if (wr_machine_run_match(call, machine) || check_policy(call, machine))
		return -1;
	return wr_machine_run_remove(call, machine, "machine.removed");
}

int wr_machine_remove_run(struct wr_call *call)
{
	struct wr_machine machine = { 0 };
	int status = wr_machine_run_find(call, &machine);

	if (!status)
		status = remove_machine(call, &machine);
	wr_machine_done(&machine);
	return status;
}

/* --- Approve. --- */

static int approve(struct wr_call *call, const struct wr_machine *before)
{
	if (wr_machine_run_match(call, before))
		return -1;
	if (!before->is_pending)
		return wr_call_fail(call, 409, "conflict", "\"%s\" does not wait for approval.",
				    before->label);
	if (wr_machine_run_status(call, WR_DB_RUN(call->db,
						  "UPDATE machine SET is_pending = 0,"
						  " version = version + 1 WHERE id = ?",
						  WR_I(before->id))))
		return -1;
	wr_intend_maps(call);
	return wr_machine_run_changed(call, before, "machine.approved");
}

int wr_machine_approve_run(struct wr_call *call)
{
	struct wr_machine before = { 0 };
	int status = wr_machine_run_find(call, &before);

	if (!status)
		status = approve(call, &before);
	wr_machine_done(&before);
	return status;
}
