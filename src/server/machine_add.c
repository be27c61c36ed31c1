/* A new machine, and a new key for one. */
#include <inttypes.h>

#include "crypto/crypto.h"
#include "server/intents.h"
#include "server/machine_run.h"
#include "server/machine_settings.h"
#include "server/roster.h"
#include "server/routes.h"
#include "server/rows.h"

/* --- Add. --- */

int wr_machine_run_quota(struct wr_call *call, const struct wr_machine_org *org)
{
	int64_t count;

	if (wr_rows_number(call, "SELECT count(*) FROM machine WHERE organisation = ?",
			   WR_I(call->org), &count) < 0)
		return -1;
	if (count < org->machine_quota)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "The organisation has as many machines as its quota allows: %" PRId64
			    ".",
			    org->machine_quota);
}

static int insert(struct wr_call *call, struct wr_machine *machine,
		  const struct wr_machine_secrets *secrets)
{
	uint8_t sealed[WR_SEALED_KEY_LEN];
	int error;

	wr_uid_new('m', machine->uid);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO machine (uid, organisation, name, label, public_key,"
			  " preshared_key, address4, address6, expires, created, creator)"
			  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  WR_T(machine->uid), WR_I(call->org), WR_T(machine->name),
			  WR_T(machine->label), WR_B(machine->public_key.bytes, WR_KEY_LEN),
			  wr_machine_run_seal(call, machine->uid, &secrets->preshared_key, sealed),
			  wr_address_value(&machine->addresses.v4),
			  wr_address_value(&machine->addresses.v6),
			  machine->expires ? WR_I(machine->expires) : WR_N,
			  WR_I(wr_call_time(call)), WR_T(call->caller.name));
	if (error)
		return wr_machine_run_fail_write(call, error);
	machine->id = wr_db_last_id(call->db);
	return 0;
}

static int read_new(struct wr_call *call, const struct wr_machine_org *org,
		    struct wr_machine *machine, struct wr_machine_secrets *secrets)
{
	int bad = wr_machine_set_name(call, 0, machine);

	bad |= wr_machine_set_expires(call, machine);
	bad |= wr_machine_set_key(call, org, machine, &secrets->private_key);
	if (!bad)
		bad = wr_machine_set_addresses(call, org, machine);
	if (json_is_true(json_object_get(call->body, "with_preshared_key")))
		wr_random(&secrets->preshared_key, sizeof(secrets->preshared_key));
	return bad ? -1 : 0;
}

/* The rows are there: what is answered, told and noted. */
static int finish_add(struct wr_call *call, const struct wr_machine_org *org, int64_t id,
		      const struct wr_machine_secrets *secrets)
{
	struct wr_machine machine = { 0 };
	int status = wr_routes_settle(call);

	if (!status)
		status = wr_machine_run_get(call, id, &machine);
	if (!status) {
		wr_machine_run_result(call, &machine);
		status = wr_machine_run_config(call, org, &machine, secrets);
	}
	if (!status)
		status = wr_intend_machine(call, id, false);
	if (!status) {
		wr_call_audit(call, machine.uid, machine.name, NULL, wr_machine_settings(&machine));
		wr_machine_run_event(call, "machine.added", &machine);
		wr_intend_maps(call);
	}
	wr_machine_done(&machine);
	return status;
}

static int add(struct wr_call *call, struct wr_machine_secrets *secrets)
{
	struct wr_machine machine = { 0 };
	struct wr_machine_org org;

	if (wr_machine_run_org(call, &org) || wr_machine_run_quota(call, &org) ||
	    read_new(call, &org, &machine, secrets) || insert(call, &machine, secrets) ||
	    wr_machine_write_tags(call, machine.id) ||
	    wr_machine_write_routes(call, &org, machine.id) ||
	    wr_machine_run_status(call, wr_roster_touch(call->db, call->org)))
		return -1;
	return finish_add(call, &org, machine.id, secrets);
}

int wr_machine_add_run(struct wr_call *call)
{
	struct wr_machine_secrets secrets = { 0 };
	int status = add(call, &secrets);

	wr_wipe(&secrets, sizeof(secrets));
	return status;
}

/* --- Rotate. --- */

static int write_keys(struct wr_call *call, const struct wr_machine *machine,
		      const struct wr_machine_secrets *secrets)
{
	uint8_t sealed[WR_SEALED_KEY_LEN];
	int error =
		WR_DB_RUN(call->db,
			  "UPDATE machine SET public_key = ?, preshared_key = ?,"
			  " version = version + 1 WHERE id = ?",
			  WR_B(machine->public_key.bytes, WR_KEY_LEN),
			  wr_machine_run_seal(call, machine->uid, &secrets->preshared_key, sealed),
			  WR_I(machine->id));

	return error ? wr_machine_run_fail_write(call, error) : 0;
}

static int rotate(struct wr_call *call, const struct wr_machine *before,
		  struct wr_machine_secrets *secrets)
{
	struct wr_machine after = *before;
	struct wr_machine_org org;

	if (before->is_agent)
		return wr_call_fail(call, 409, "agent",
				    "\"%s\" has an agent, which makes its own keys: `warren "
				    "rotate` there gives it another.",
				    before->label);
	if (wr_machine_run_match(call, before) || wr_machine_run_org(call, &org) ||
	    wr_machine_set_key(call, &org, &after, &secrets->private_key))
		return -1;
	/* The file has both, and only a new one can be shown. */
	if (before->has_preshared_key)
		wr_random(&secrets->preshared_key, sizeof(secrets->preshared_key));
	if (write_keys(call, &after, secrets) ||
	    wr_machine_run_changed(call, before, "machine.rotated"))
		return -1;
	return wr_machine_run_config(call, &org, &after, secrets);
}

int wr_machine_rotate_run(struct wr_call *call)
{
	struct wr_machine before = { 0 };
	struct wr_machine_secrets secrets = { 0 };
	int status = wr_machine_run_find(call, &before);

	if (!status)
		status = rotate(call, &before, &secrets);
	wr_wipe(&secrets, sizeof(secrets));
	wr_machine_done(&before);
	return status;
}
