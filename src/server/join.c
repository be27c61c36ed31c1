/* POST /join: a machine becomes a member by a join key. All of it happens on the ledger's thread,
 * one after the other, so a key for one use admits one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto/unlock.h"
#include "server/agent_run.h"
#include "server/auth.h"
#include "server/intents.h"
#include "server/keys.h"
#include "server/machine_run.h"
#include "server/machine_settings.h"
#include "server/passwords.h"
#include "server/roster.h"
#include "server/routes.h"
#include "server/rows.h"
#include "server/state.h"

/* --- The key. --- */

/* Only who shows a real key is told what is wrong with it. Who guesses has to wait like who
 * guesses passwords. */
static int find_key(struct wr_call *call, struct wr_key_row *ret_key)
{
	int found;

	if (wr_password_admit(call, NULL) < 0)
		return -1;
	found = wr_key_find(call->db, wr_call_text(call, "secret"), ret_key);
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 403, "key-unknown",
				    "This server knows no such join key: it is another server's, "
				    "or was made before a restore. Make a new one with `warren "
				    "key create`.");
	wr_password_was_right(call, NULL);
	call->org = ret_key->org;
	memcpy(call->org_uid, ret_key->org_uid, sizeof(call->org_uid));
	return 0;
}

static int check_revoked(struct wr_call *call, const struct wr_key_row *key)
{
	if (key->is_revoked)
		return wr_call_fail(call, 403, "key-revoked",
				    "This join key was revoked. Make a new one with `warren key "
				    "create`.");
	if (key->is_org_disabled)
		return wr_call_fail(call, 403, "disabled",
				    "The network is disabled; a site administrator can enable it.");
	return 0;
}

static int check_left(struct wr_call *call, const struct wr_key_row *key)
{
	WR_AUTO(json_decrefp) json_t *expires = wr_json_time(key->expires);
	const char *text = json_string_value(expires);

	if (key->uses && key->used >= key->uses)
		return wr_call_fail(call, 403, "key-spent",
				    "This join key was used as often as it may be. Make a new one "
				    "with `warren key create` (--uses N for more machines).");
	if (key->expires && key->expires <= wr_call_time(call))
		return wr_call_fail(call, 403, "key-expired",
				    "This join key is over since %s. Make a new one with `warren "
				    "key create` (--expires SPAN for one that holds longer).",
				    text);
	return 0;
}

/* --- The machine. --- */

struct joining {
	struct wr_key_row key;
	struct wr_machine_org org;
	struct wr_machine machine; /* as it will be */
	struct wr_token_hash token_hash;
	char token[WR_TOKEN_LEN];
};

/* Who joined by this key with this public key, and was not connected yet: its answer was lost. */
static int64_t find_lost(struct wr_call *call, const struct joining *joining)
{
	struct wr_row *row = NULL;
	int64_t id;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT id FROM machine WHERE organisation = ? AND public_key = ?"
			      " AND +join_key = ? AND agent_seen IS NULL AND NOT is_disabled",
			      WR_I(call->org), WR_B(joining->machine.public_key.bytes, WR_KEY_LEN),
			      WR_I(joining->key.id));

	if (found <= 0)
		return found;
	id = wr_row_int(row, 0);
	wr_row_end(row);
	return id;
}

/* A key that says a name gives that one and no other. */
static int set_name(struct wr_call *call, struct joining *joining)
{
	char label[WR_LABEL_LEN + 1];

	if (joining->key.machine_name[0])
		json_object_set_new(call->body, "name", json_string(joining->key.machine_name));
	if (wr_machine_set_name(call, 0, &joining->machine))
		return -1;
	wr_label_make(joining->machine.name, "machine", 0, label);
	if (!joining->key.machine_name[0] || strcmp(label, joining->machine.label) == 0)
		return 0;
	return wr_call_fail(call, 409, "name-taken",
			    "This join key is for a machine called \"%s\", and that name is taken "
			    "meanwhile. Rename the other, or make a key for another name.",
			    joining->key.machine_name);
}

static int insert(struct wr_call *call, struct joining *joining)
{
	struct wr_machine *machine = &joining->machine;
	int error;

	wr_uid_new('m', machine->uid);
	error = WR_DB_RUN(
		call->db,
		"INSERT INTO machine (uid, organisation, name, label, public_key, address4,"
		" address6, created, creator, is_agent, is_pending, ephemeral, token, join_key,"
		" hostname, agent_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
		WR_T(machine->uid), WR_I(call->org), WR_T(machine->name), WR_T(machine->label),
		WR_B(machine->public_key.bytes, WR_KEY_LEN),
		wr_address_value(&machine->addresses.v4), wr_address_value(&machine->addresses.v6),
		WR_I(wr_call_time(call)), WR_T(call->caller.name),
		WR_I(joining->key.needs_approval), WR_I(joining->key.ephemeral),
		WR_B(joining->token_hash.bytes, sizeof(joining->token_hash.bytes)),
		WR_I(joining->key.id), WR_T(wr_call_text(call, "hostname")),
		WR_T(wr_call_text(call, "version")));
	if (error)
		return wr_machine_run_fail_write(call, error);
	machine->id = wr_db_last_id(call->db);
	return 0;
}

static int add_tags(struct wr_call *call, const struct joining *joining)
{
	return wr_machine_run_status(
		call, WR_DB_RUN(call->db,
				"INSERT OR IGNORE INTO machine_tag (machine, tag)"
				" SELECT ?, tag FROM join_key_tag WHERE join_key = ?",
				WR_I(joining->machine.id), WR_I(joining->key.id)));
}

static int add_machine(struct wr_call *call, struct joining *joining)
{
	if (wr_machine_run_quota(call, &joining->org) || set_name(call, joining) ||
	    wr_machine_set_addresses(call, &joining->org, &joining->machine) ||
	    insert(call, joining) || add_tags(call, joining))
		return -1;
	return wr_machine_run_status(call, wr_roster_touch(call->db, call->org));
}

/* Takes the place of one that is there: a machine that lost its state, or gets an agent. */
static int replace_machine(struct wr_call *call, struct joining *joining)
{
	int error = WR_DB_RUN(
		call->db,
		"UPDATE machine SET public_key = ?, preshared_key = NULL, is_agent = 1,"
		" is_pending = ?, ephemeral = ?, token = ?, join_key = ?, hostname = ?,"
		" agent_version = ?, agent_seen = NULL, version = version + 1 WHERE id = ?",
		WR_B(joining->machine.public_key.bytes, WR_KEY_LEN),
		WR_I(joining->key.needs_approval), WR_I(joining->key.ephemeral),
		WR_B(joining->token_hash.bytes, sizeof(joining->token_hash.bytes)),
		WR_I(joining->key.id), WR_T(wr_call_text(call, "hostname")),
		WR_T(wr_call_text(call, "version")), WR_I(joining->key.machine));

	if (error)
		return wr_machine_run_fail_write(call, error);
	joining->machine.id = joining->key.machine;
	wr_intend_agent_end(call, joining->machine.id, "revoked",
			    "Another machine joined in the place of this one.");
	return add_tags(call, joining);
}

/* --- What is answered, told and noted. --- */

static void answer(struct wr_call *call, const struct joining *joining,
		   const struct wr_machine *machine)
{
	call->result = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "machine", machine->uid, "name",
				 machine->label, "token", joining->token, "state",
				 machine->is_pending ? "pending" : "approved", "network",
				 joining->org.label, "suffix",
				 json_sprintf("%s." WR_DNS_SUFFIX, joining->org.label));
}

/* The machine is who did it. */
static void become(struct wr_call *call, const struct wr_machine *machine)
{
	call->caller.kind = WR_CALLER_MACHINE;
	call->caller.machine = machine->id;
	memcpy(call->caller.uid, machine->uid, sizeof(call->caller.uid));
	snprintf(call->caller.name, sizeof(call->caller.name), "machine %s", machine->label);
}

static json_t *settings_with_key(const struct wr_machine *machine, const struct wr_key_row *key)
{
	json_t *json = wr_machine_settings(machine);

	json_object_set_new(json, "join_key", json_string(key->uid));
	return json;
}

static int finish(struct wr_call *call, const struct joining *joining,
		  const struct wr_machine *before)
{
	struct wr_machine machine = { 0 };
	int status = wr_routes_settle(call);

	if (!status)
		status = wr_machine_run_get(call, joining->machine.id, &machine);
	if (!status)
		status = wr_intend_machine(call, machine.id, false);
	if (!status) {
		wr_intend_maps(call);
		become(call, &machine);
		wr_call_audit(call, machine.uid, machine.name,
			      before ? wr_machine_settings(before) : NULL,
			      settings_with_key(&machine, &joining->key));
		wr_machine_run_event(call, machine.is_pending ? "machine.pending" : "machine.added",
				     &machine);
		answer(call, joining, &machine);
	}
	wr_machine_done(&machine);
	return status;
}

/* --- Joining. --- */

/* A new token for who did not get the first: no use is counted. */
static int answer_again(struct wr_call *call, struct joining *joining, int64_t id)
{
	struct wr_machine machine = { 0 };
	int status = wr_machine_run_status(
		call, WR_DB_RUN(call->db, "UPDATE machine SET token = ? WHERE id = ?",
				WR_B(joining->token_hash.bytes, sizeof(joining->token_hash.bytes)),
				WR_I(id)));

	if (!status)
		status = wr_machine_run_get(call, id, &machine);
	if (!status) {
		become(call, &machine);
		wr_intend_agent_end(call, id, "revoked", "The machine joined once more.");
		wr_call_audit(call, machine.uid, machine.name, NULL,
			      json_pack("{s:s, s:b}", "join_key", joining->key.uid, "again", true));
		answer(call, joining, &machine);
	}
	wr_machine_done(&machine);
	return status;
}

static int join_in_place(struct wr_call *call, struct joining *joining)
{
	struct wr_machine before = { 0 };
	int status = wr_machine_run_get(call, joining->key.machine, &before);

	if (!status && !before.is_pending && !wr_machine_is_on(&before, wr_call_time(call)))
		status = wr_call_fail(call, 403, "disabled",
				      "The machine that this key is for, \"%s\", is shut out.",
				      before.label);
	if (!status)
		status = replace_machine(call, joining);
	if (!status)
		status = finish(call, joining, &before);
	wr_machine_done(&before);
	return status;
}

static int join_new(struct wr_call *call, struct joining *joining)
{
	return add_machine(call, joining) ? -1 : finish(call, joining, NULL);
}

static int join(struct wr_call *call, struct joining *joining)
{
	struct wr_key unused;
	int64_t lost;

	if (find_key(call, &joining->key) || check_revoked(call, &joining->key) ||
	    wr_machine_run_org(call, &joining->org) ||
	    wr_machine_set_key(call, &joining->org, &joining->machine, &unused))
		return -1;
	snprintf(call->caller.name, sizeof(call->caller.name), "join key %s", joining->key.uid);
	wr_token_new(WR_MACHINE_PREFIX, joining->token, &joining->token_hash);
	lost = find_lost(call, joining);
	if (lost < 0)
		return wr_call_fail_db(call, (int)lost);
	if (lost)
		return answer_again(call, joining, lost);
	if (check_left(call, &joining->key) ||
	    wr_machine_run_status(call, wr_key_use(call->db, &joining->key, wr_call_time(call))))
		return -1;
	return joining->key.machine ? join_in_place(call, joining) : join_new(call, joining);
}

int wr_join_run(struct wr_call *call)
{
	struct joining joining = { .token = "" };
	int status = join(call, &joining);

	wr_wipe(&joining, sizeof(joining));
	return status;
}
