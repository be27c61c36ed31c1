/* Operations on machines: list, add, show, change, remove, rotate the key. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "server/intents.h"
#include "server/machine_settings.h"
#include "server/machines.h"
#include "server/policies.h"
#include "server/quick.h"
#include "server/state.h"

/* --- What several do. --- */

static int find(struct wr_call *call, struct wr_machine *machine)
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
static int get(struct wr_call *call, int64_t id, struct wr_machine *machine)
{
	int found = wr_machine_get(call->db, id, machine);

	return found > 0 ? 0 : wr_call_fail_db(call, found ? found : -ENOENT);
}

static int get_org(struct wr_call *call, struct wr_machine_org *org)
{
	int found = wr_machine_org_get(call->db, call->org, org);

	return found > 0 ? 0 : wr_call_fail_db(call, found ? found : -ENOENT);
}

static void set_etag(struct wr_call *call, const struct wr_machine *machine)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", machine->version);
}

/* 0, or -1 if somebody else changed it meanwhile. */
static int match(struct wr_call *call, const struct wr_machine *machine)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", machine->version);
	return wr_call_match(call, etag);
}

static json_t *show_json(struct wr_call *call, const struct wr_machine *machine)
{
	struct wr_sight sight = wr_sights_of(call->server->sights, machine->id);

	return wr_machine_json(machine, &sight, wr_call_time(call));
}

static void set_result(struct wr_call *call, const struct wr_machine *machine)
{
	set_etag(call, machine);
	call->result = show_json(call, machine);
}

static void tell(struct wr_call *call, const char *type, const struct wr_machine *machine)
{
	json_t *data = json_pack("{s:s, s:s, s:s}", "uid", machine->uid, "name", machine->name,
				 "label", machine->label);

	wr_call_event(call, type, data);
}

static int done_or_fail(struct wr_call *call, int error)
{
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- The file. --- */

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
			   "SELECT prefix FROM machine_route WHERE organisation = ?"
			   " AND machine <> ? ORDER BY prefix",
			   WR_ARRAY_LEN(values), values, take_route, ret_allowed);
	return count < 0 ? wr_call_fail_db(call, (int)count) : 0;
}

struct secrets {
	struct wr_key private_key;   /* zero: not ours */
	struct wr_key preshared_key; /* zero: none */
};

static int set_config(struct wr_call *call, const struct wr_machine_org *org,
		      const struct wr_machine *machine, const struct secrets *secrets)
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
static struct wr_value seal(struct wr_call *call, const char *uid, const struct wr_key *key,
			    uint8_t sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD])
{
	char place[WR_PLACE_LEN];

	if (wr_key_is_zero(key))
		return WR_N;
	wr_machine_key_place(uid, place);
	wr_vault_seal(&call->server->vault, place, (struct wr_bytes){ key->bytes, WR_KEY_LEN },
		      sealed);
	return WR_B(sealed, WR_KEY_LEN + WR_SEAL_OVERHEAD);
}

/* --- Add. --- */

static int check_quota(struct wr_call *call, const struct wr_machine_org *org)
{
	struct wr_row *row = NULL;
	int64_t count = 0;
	int found = WR_DB_ONE(call->db, &row, "SELECT count(*) FROM machine WHERE organisation = ?",
			      WR_I(call->org));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (found) {
		count = wr_row_int(row, 0);
		wr_row_end(row);
	}
	if (count < org->machine_quota)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "The organisation has as many machines as its quota allows: %" PRId64
			    ".",
			    org->machine_quota);
}

/* -EEXIST can only be the key: label and addresses are free. */
static int fail_write(struct wr_call *call, int error)
{
	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict",
				    "Another machine of the organisation has this public key.");
	return wr_call_fail_db(call, error);
}

static int insert(struct wr_call *call, struct wr_machine *machine, const struct secrets *secrets)
{
	uint8_t sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD];
	int error;

	wr_uid_new('m', machine->uid);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO machine (uid, organisation, name, label, public_key,"
			  " preshared_key, address4, address6, expires, created, creator)"
			  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  WR_T(machine->uid), WR_I(call->org), WR_T(machine->name),
			  WR_T(machine->label), WR_B(machine->public_key.bytes, WR_KEY_LEN),
			  seal(call, machine->uid, &secrets->preshared_key, sealed),
			  wr_address_value(&machine->addresses.v4),
			  wr_address_value(&machine->addresses.v6),
			  machine->expires ? WR_I(machine->expires) : WR_N,
			  WR_I(wr_call_time(call)), WR_T(call->caller.name));
	if (error)
		return fail_write(call, error);
	machine->id = wr_db_last_id(call->db);
	return 0;
}

static int read_new(struct wr_call *call, const struct wr_machine_org *org,
		    struct wr_machine *machine, struct secrets *secrets)
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
		      const struct secrets *secrets)
{
	struct wr_machine machine = { 0 };
	int status = get(call, id, &machine);

	if (!status) {
		set_result(call, &machine);
		status = set_config(call, org, &machine, secrets);
	}
	if (!status)
		status = wr_intend_machine(call, id, false);
	if (!status) {
		wr_call_audit(call, machine.uid, machine.name, NULL, wr_machine_settings(&machine));
		tell(call, "machine.added", &machine);
	}
	wr_machine_done(&machine);
	return status;
}

static int add(struct wr_call *call, struct secrets *secrets)
{
	struct wr_machine machine = { 0 };
	struct wr_machine_org org;

	if (get_org(call, &org) || check_quota(call, &org) ||
	    read_new(call, &org, &machine, secrets) || insert(call, &machine, secrets) ||
	    wr_machine_write_tags(call, machine.id) ||
	    wr_machine_write_routes(call, &org, machine.id) ||
	    done_or_fail(call, wr_roster_touch(call->db, call->org)))
		return -1;
	return finish_add(call, &org, machine.id, secrets);
}

static int add_run(struct wr_call *call)
{
	struct secrets secrets = { 0 };
	int status = add(call, &secrets);

	wr_wipe(&secrets, sizeof(secrets));
	return status;
}

/* --- List and show. --- */

struct listing {
	struct wr_call *call;
	json_t *items;
	const char *state; /* NULL: any */
	size_t limit;      /* one more than goes out */
	int64_t last;
};

static bool take_item(void *context, const struct wr_row *row)
{
	struct listing *listing = context;
	struct wr_machine machine;
	json_t *item;
	const char *state;

	wr_machine_read(row, &machine);
	item = show_json(listing->call, &machine);
	state = json_string_value(json_object_get(item, "state"));
	if (listing->state && strcmp(state, listing->state) != 0) {
		json_decref(item);
		return true;
	}
	if (json_array_size(listing->items) + 1 < listing->limit)
		listing->last = machine.id;
	json_array_append_new(listing->items, item);
	return json_array_size(listing->items) < listing->limit;
}

static int list_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct listing listing = {
		.call = call,
		.items = json_array(),
		.state = json_string_value(json_object_get(call->query, "state")),
		.limit = (size_t)page.limit,
	};
	struct wr_value values[] = {
		WR_I(call->org),
		WR_I(page.after),
		WR_T(json_string_value(json_object_get(call->query, "tag"))),
		WR_T(json_string_value(json_object_get(call->query, "name"))),
	};
	int64_t count = wr_db_each(
		call->db,
		"SELECT" WR_MACHINE_COLUMNS "FROM machine m WHERE m.organisation = ?1"
		" AND m.id > ?2 AND (?3 IS NULL OR EXISTS (SELECT 1 FROM machine_tag"
		" WHERE machine = m.id AND tag = ?3)) AND (?4 IS NULL"
		" OR instr(lower(m.name), lower(?4)) OR instr(m.label, lower(?4))) ORDER BY m.id",
		WR_ARRAY_LEN(values), values, take_item, &listing);

	if (count < 0) {
		json_decref(listing.items);
		return wr_call_fail_db(call, (int)count);
	}
	wr_call_paged(call, listing.items, listing.last);
	return 0;
}

static int show_run(struct wr_call *call)
{
	struct wr_machine machine = { 0 };
	int status = find(call, &machine);

	if (!status)
		set_result(call, &machine);
	wr_machine_done(&machine);
	return status;
}

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
	return done_or_fail(
		call,
		WR_DB_RUN(call->db,
			  "UPDATE machine SET name = ?, label = ?, is_disabled = ?,"
			  " expires = ?, version = version + 1 WHERE id = ?",
			  WR_T(machine->name), WR_T(machine->label), WR_I(machine->is_disabled),
			  machine->expires ? WR_I(machine->expires) : WR_N, WR_I(machine->id)));
}

/* What is answered, told and noted of a machine that was changed. */
static int finish_change(struct wr_call *call, const struct wr_machine *before, const char *event)
{
	struct wr_machine after = { 0 };
	int64_t now = wr_call_time(call);
	int status = get(call, before->id, &after);

	if (!status)
		status = wr_intend_machine(call, before->id,
					   !wr_machine_is_on(before, now) &&
						   wr_machine_is_on(&after, now));
	if (!status) {
		set_result(call, &after);
		wr_call_audit(call, after.uid, after.name, wr_machine_settings(before),
			      wr_machine_settings(&after));
		tell(call, event, &after);
	}
	wr_machine_done(&after);
	return status;
}

static int change(struct wr_call *call, const struct wr_machine *before)
{
	const json_t *is_disabled = json_object_get(call->body, "is_disabled");
	struct wr_machine after = *before;
	struct wr_machine_org org;
	int bad;

	if (match(call, before) || get_org(call, &org))
		return -1;
	bad = set_new_name(call, before, &after);
	bad |= wr_machine_set_expires(call, &after);
	if (is_disabled)
		after.is_disabled = json_is_true(is_disabled);
	bad |= wr_machine_write_tags(call, after.id);
	bad |= wr_machine_write_routes(call, &org, after.id);
	if (bad || update(call, &after) || done_or_fail(call, wr_roster_touch(call->db, call->org)))
		return -1;
	return finish_change(call, before, "machine.changed");
}

static int change_run(struct wr_call *call)
{
	struct wr_machine before = { 0 };
	int status = find(call, &before);

	if (!status)
		status = change(call, &before);
	wr_machine_done(&before);
	return status;
}

/* --- Remove. --- */

static int remove_machine(struct wr_call *call, const struct wr_machine *machine)
{
	if (match(call, machine) || check_policy(call, machine) ||
	    done_or_fail(call, WR_DB_RUN(call->db, "DELETE FROM machine WHERE id = ?",
					 WR_I(machine->id))) ||
	    done_or_fail(call, wr_addresses_release(call->db, call->org, &machine->addresses,
						    wr_call_time(call))) ||
	    done_or_fail(call, wr_roster_touch(call->db, call->org)))
		return -1;
	wr_intend_machine_gone(call, call->org, machine->id);
	wr_call_audit(call, machine->uid, machine->name, wr_machine_settings(machine), NULL);
	tell(call, "machine.removed", machine);
	return 0;
}

static int remove_run(struct wr_call *call)
{
	struct wr_machine machine = { 0 };
	int status = find(call, &machine);

	if (!status)
		status = remove_machine(call, &machine);
	wr_machine_done(&machine);
	return status;
}

/* --- Rotate. --- */

static int write_keys(struct wr_call *call, const struct wr_machine *machine,
		      const struct secrets *secrets)
{
	uint8_t sealed[WR_KEY_LEN + WR_SEAL_OVERHEAD];
	int error = WR_DB_RUN(call->db,
			      "UPDATE machine SET public_key = ?, preshared_key = ?,"
			      " version = version + 1 WHERE id = ?",
			      WR_B(machine->public_key.bytes, WR_KEY_LEN),
			      seal(call, machine->uid, &secrets->preshared_key, sealed),
			      WR_I(machine->id));

	return error ? fail_write(call, error) : 0;
}

static int rotate(struct wr_call *call, const struct wr_machine *before, struct secrets *secrets)
{
	struct wr_machine after = *before;
	struct wr_machine_org org;

	if (match(call, before) || get_org(call, &org) ||
	    wr_machine_set_key(call, &org, &after, &secrets->private_key))
		return -1;
	/* The file has both, and only a new one can be shown. */
	if (before->has_preshared_key)
		wr_random(&secrets->preshared_key, sizeof(secrets->preshared_key));
	if (write_keys(call, &after, secrets) || finish_change(call, before, "machine.rotated"))
		return -1;
	return set_config(call, &org, &after, secrets);
}

static int rotate_run(struct wr_call *call)
{
	struct wr_machine before = { 0 };
	struct secrets secrets = { 0 };
	int status = find(call, &before);

	if (!status)
		status = rotate(call, &before, &secrets);
	wr_wipe(&secrets, sizeof(secrets));
	wr_machine_done(&before);
	return status;
}

/* --- The table. --- */

static const struct wr_field list_query[] = {
	{ .name = "tag", .kind = WR_KIND_TAG, .help = "Only machines with this tag" },
	{ .name = "name",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = WR_NAME_POINTS,
	  .help = "Only machines with this in their name or label" },
	{ .name = "state",
	  .kind = WR_KIND_CHOICE,
	  .choices = wr_machine_states,
	  .help = "Only machines in this state" },
	{ 0 },
};

#define SETTINGS \
	{ .name = "tags", \
	  .kind = WR_KIND_TAGS, \
	  .max = WR_TAGS_MAX, \
	  .help = "What policies call it besides its label" }, \
		{ .name = "routes", \
		  .kind = WR_KIND_PREFIXES, \
		  .max = WR_ROUTES_MAX, \
		  .help = "Prefixes that are reached through it" }, \
	{ \
		.name = "expires_in", .kind = WR_KIND_SPAN, .can_be_null = true, \
		.help = "It is shut out after this time; null: never" \
	}

static const struct wr_field add_body[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Its name" },
	{ .name = "address4",
	  .kind = WR_KIND_IP,
	  .help = "IPv4 address; the next free one if not given" },
	{ .name = "address6",
	  .kind = WR_KIND_IP,
	  .help = "IPv6 address; the next free one if not given" },
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .help = "Its own WireGuard public key; a key pair is made if not given" },
	SETTINGS,
	{ .name = "with_preshared_key",
	  .kind = WR_KIND_FLAG,
	  .help = "Mixes a preshared key in, against an adversary who keeps what is sent" },
	{ 0 },
};

static const struct wr_field change_body[] = {
	{ .name = "name",
	  .kind = WR_KIND_NAME,
	  .help = "Its name; its label follows, unless the policy names it" },
	SETTINGS,
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .help = "Shuts it out, or lets it in again" },
	{ 0 },
};

static const struct wr_field rotate_body[] = {
	{ .name = "public_key",
	  .kind = WR_KIND_KEY,
	  .help = "Its new public key; a key pair is made if not given" },
	{ 0 },
};

const struct wr_operation wr_operations_machine[] = {
	{ .id = "machine.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/machines",
	  .summary = "Lists the machines of an organisation",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .query = list_query,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = list_run },
	{ .id = "machine.add",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/machines",
	  .summary = "Adds a machine, and answers with its file for wg-quick",
	  .about =
		  "A private key that is made here stands in the file only: it is neither kept nor "
		  "shown again.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = add_body,
	  .result = wr_machine_config_fields,
	  .status = 201,
	  .run = add_run },
	{ .id = "machine.show",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Shows a machine",
	  .access = WR_ACCESS_VIEWER,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = show_run },
	{ .id = "machine.change",
	  .method = WR_HTTP_PATCH,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Changes a machine's name, tags, routes or expiry, or shuts it out",
	  .about = "A machine that the policy names keeps its label.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = change_body,
	  .result = wr_machine_fields,
	  .status = 200,
	  .run = change_run },
	{ .id = "machine.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/machines/{machine}",
	  .summary = "Removes a machine",
	  .about = "Its addresses are not given to another for a day. A machine that the policy "
		   "names cannot be removed.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .status = 204,
	  .run = remove_run },
	{ .id = "machine.rotate",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/machines/{machine}/rotate",
	  .summary = "Gives a machine a new key, and answers with its new file",
	  .about = "The old key is worth nothing at once. A preshared key changes too.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = rotate_body,
	  .result = wr_machine_config_fields,
	  .status = 200,
	  .run = rotate_run },
	{ 0 },
};
