/* The file for a machine, and its secrets in the row. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/intents.h"
#include "server/machine_run.h"
#include "server/quick.h"
#include "server/state.h"

struct allowed {
	struct wr_prefix *prefixes;
	size_t count, room;
};

static bool take_route(void *context, const struct wr_row *row)
{
	struct allowed *allowed = context;
	const char *text = wr_row_text(row, 0);

	if (allowed->count < allowed->room && text &&
	    wr_prefix_parse(text, strlen(text), &allowed->prefixes[allowed->count]))
		allowed->count++;
	return allowed->count < allowed->room;
}

/* The ranges, and what is behind the others. */
static int read_allowed(struct wr_call *call, const struct wr_machine_org *org, int64_t id,
			struct allowed *ret_allowed)
{
	struct wr_value values[] = { WR_I(call->org), WR_I(id) };
	int64_t count;

	ret_allowed->room = WR_ROUTES_OF_ORG + 2;
	ret_allowed->prefixes = calloc(ret_allowed->room, sizeof(*ret_allowed->prefixes));
	if (!ret_allowed->prefixes)
		return wr_call_fail_db(call, -ENOMEM);
	ret_allowed->prefixes[0] = org->range.v4;
	ret_allowed->prefixes[1] = org->range.v6;
	ret_allowed->count = 2;
	count = wr_db_each(call->db,
			   "SELECT prefix FROM machine_route WHERE organisation = ?1 AND is_active"
			   " AND prefix NOT IN (SELECT prefix FROM machine_route"
			   " WHERE machine = ?2) ORDER BY prefix",
			   WR_ARRAY_LEN(values), values, take_route, ret_allowed);
	return count < 0 ? wr_call_fail_db(call, (int)count) : 0;
}

int wr_machine_run_config(struct wr_call *call, const struct wr_machine_org *org,
			  const struct wr_machine *machine,
			  const struct wr_machine_secrets *secrets)
{
	struct allowed allowed = { 0 };
	struct wr_quick quick = {
		.machine = machine->name,
		.org = org->name,
		.private_key = wr_key_is_zero(&secrets->private_key) ? NULL : &secrets->private_key,
		.public_key = &machine->public_key,
		.address4 = { machine->addresses.v4, org->range.v4.length },
		.address6 = { machine->addresses.v6, org->range.v6.length },
		.hub_key = org->hub_key,
		.preshared_key = wr_key_is_zero(&secrets->preshared_key) ? NULL
									 : &secrets->preshared_key,
		.endpoint = call->server->config.hub_endpoint,
	};
	int status = read_allowed(call, org, machine->id, &allowed);
	char *text = NULL;

	quick.allowed = allowed.prefixes;
	quick.allowed_count = allowed.count;
	if (!status)
		text = wr_quick_text(&quick);
	if (!status && !text)
		status = wr_call_fail_db(call, -ENOMEM);
	if (text)
		json_object_set_new(call->result, "config", json_string(text));
	wr_quick_free(text);
	free(allowed.prefixes);
	return status;
}

/* Sealed for the row; NULL in *ret_value for none. */
struct wr_value wr_machine_run_seal(struct wr_call *call, const char *uid, const struct wr_key *key,
				    uint8_t sealed[WR_SEALED_KEY_LEN])
{
	char place[WR_PLACE_LEN];

	if (wr_key_is_zero(key))
		return WR_N;
	wr_machine_key_place(uid, place);
	wr_vault_seal(&call->server->vault, place, (struct wr_bytes){ key->bytes, WR_KEY_LEN },
		      sealed);
	return WR_B(sealed, WR_SEALED_KEY_LEN);
}

/* -EEXIST can only be the key: label and addresses are free. */
int wr_machine_run_fail_write(struct wr_call *call, int error)
{
	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict",
				    "Another machine of the organisation has this public key.");
	return wr_call_fail_db(call, error);
}
