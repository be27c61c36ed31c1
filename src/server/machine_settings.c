#include "server/machine_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/format.h"
#include "server/policies.h"
#include "server/quick.h"
#include "server/routes.h"
#include "server/rows.h"

/* --- Name and label. --- */

/* Words that mean something else where a policy or DNS has a machine's label. */
static bool is_reserved(const char *label)
{
	static const char *const words[] = { "any",  "tcp",  "udp",     "icmp",  "allow",
					     "deny", "test", "default", "group", "topology",
					     "hub",  "star", "mesh",    "direct" };

	for (size_t i = 0; i < WR_ARRAY_LEN(words); i++) {
		if (strcmp(label, words[i]) == 0)
			return true;
	}
	return false;
}

struct labels {
	struct wr_call *call;
	int64_t id;
	struct wr_policy_version policy; /* in force */
};

static int is_taken(void *context, const char *label)
{
	const struct labels *labels = context;
	struct wr_row *row = NULL;
	int found;

	if (is_reserved(label) || wr_policy_has_group(labels->policy.text, label))
		return 1;
	found = WR_DB_ONE(
		labels->call->db, &row,
		"SELECT 1 FROM machine WHERE organisation = ?1 AND label = ?2 AND id <> ?3"
		" UNION ALL SELECT 1 FROM dns_record WHERE organisation = ?1 AND name = ?2"
		" LIMIT 1",
		WR_I(labels->call->org), WR_T(label), WR_I(labels->id));
	if (found > 0)
		wr_row_end(row);
	return found;
}

static int choose_label(struct wr_call *call, int64_t id, const char *name,
			char ret_label[WR_LABEL_LEN + 1])
{
	struct labels labels = { .call = call, .id = id };
	int64_t number;
	int error = wr_policy_number(call->db, call->org, &number);

	if (!error)
		error = wr_policy_version_get(call->db, call->org, number, &labels.policy);
	if (error > 0)
		error = wr_label_choose(name, "machine", is_taken, &labels, ret_label);
	else if (!error)
		error = -ENOENT;
	wr_policy_version_done(&labels.policy);
	return error ? wr_call_fail_db(call, error) : 0;
}

int wr_machine_set_name(struct wr_call *call, int64_t id, struct wr_machine *machine)
{
	const char *name = wr_call_text(call, "name");
	const char *fault = wr_name_fault(name, strlen(name));

	if (fault)
		return wr_call_fault(call, "/name", "%s", fault);
	snprintf(machine->name, sizeof(machine->name), "%s", name);
	return choose_label(call, id, name, machine->label);
}

/* --- Addresses. --- */

static int read_asked(struct wr_call *call, const char *name, const struct wr_prefix *range,
		      enum wr_family family, struct wr_ip *ret_ip)
{
	const char *text = wr_call_text(call, name);
	char pointer[16], range_text[WR_ENDPOINT_TEXT_LEN];

	if (!text)
		return 0;
	snprintf(pointer, sizeof(pointer), "/%s", name);
	if (!wr_ip_parse(text, strlen(text), ret_ip) || ret_ip->family != family)
		return wr_call_fault(call, pointer, "is no IPv%d address", (int)family);
	if (range->ip.family == WR_FAMILY_NONE)
		return wr_call_fault(call, pointer,
				     "is of a family that the organisation has no "
				     "range of");
	wr_prefix_format(range, range_text);
	if (!wr_address_is_for_machine(range, ret_ip))
		return wr_call_fault(call, pointer,
				     "is not for a machine: take one of %s behind the first, "
				     "which is the hub's",
				     range_text);
	return 0;
}

static int fail_addresses(struct wr_call *call, int error)
{
	switch (error) {
	case -EADDRINUSE:
		return wr_call_fail(call, 409, "conflict",
				    "The address that was asked for is another machine's. Ask for "
				    "another one, or for none.");
	case -EXFULL:
		return wr_call_fail(call, 409, "full",
				    "The organisation's range has no address left. Remove machines "
				    "that are not used any more.");
	default: return wr_call_fail_db(call, error);
	}
}

int wr_machine_set_addresses(struct wr_call *call, const struct wr_machine_org *org,
			     struct wr_machine *machine)
{
	struct wr_addresses *addresses = &machine->addresses;
	int bad, error;

	*addresses = (struct wr_addresses){ 0 };
	bad = read_asked(call, "address4", &org->range.v4, WR_IPV4, &addresses->v4);
	bad |= read_asked(call, "address6", &org->range.v6, WR_IPV6, &addresses->v6);
	if (bad)
		return bad;
	error = wr_addresses_choose(call->db, call->org, &org->range, wr_call_time(call),
				    addresses);
	return error ? fail_addresses(call, error) : 0;
}

/* --- Expiry and key. --- */

int wr_machine_set_expires(struct wr_call *call, struct wr_machine *machine)
{
	const char *text = wr_call_text(call, "expires_in");
	int64_t seconds;

	if (!wr_call_has(call, "expires_in"))
		return 0;
	if (!text) {
		machine->expires = 0;
		return 0;
	}
	if (!wr_span_parse(text, strlen(text), &seconds) || seconds < WR_EXPIRES_MIN)
		return wr_call_fault(call, "/expires_in",
				     "is no span of at least a minute, as \"90s\", \"15m\", "
				     "\"12h\" or \"7d\"");
	machine->expires = wr_call_time(call) + seconds;
	return 0;
}

int wr_machine_set_key(struct wr_call *call, const struct wr_machine_org *org,
		       struct wr_machine *machine, struct wr_key *ret_private)
{
	const char *text = wr_call_text(call, "public_key");

	if (!text) {
		wr_quick_keys(ret_private, &machine->public_key);
		return 0;
	}
	*ret_private = (struct wr_key){ 0 };
	if (!wr_quick_parse_key(text, &machine->public_key))
		return wr_call_fault(call, "/public_key",
				     "is no public key: 44 characters, as `wg pubkey` writes them");
	if (wr_key_equal(&machine->public_key, &org->hub_key))
		return wr_call_fault(call, "/public_key", "is the hub's own");
	return 0;
}

/* --- Tags and routes. --- */

static int wipe_rows(struct wr_call *call, const char *sql, int64_t id)
{
	int error = wr_db_run(call->db, sql, 1, &WR_I(id));

	return error ? wr_call_fail_db(call, error) : 0;
}

int wr_machine_write_tags(struct wr_call *call, int64_t id)
{
	const json_t *tags = json_object_get(call->body, "tags");
	const json_t *tag;
	size_t i;

	if (!tags)
		return 0;
	if (json_array_size(tags) > WR_TAGS_MAX)
		return wr_call_fault(call, "/tags", "has more than %d tags", WR_TAGS_MAX);
	if (wipe_rows(call, "DELETE FROM machine_tag WHERE machine = ?", id))
		return -1;
	json_array_foreach(tags, i, tag)
	{
		int error = WR_DB_RUN(call->db,
				      "INSERT OR IGNORE INTO machine_tag (machine, tag)"
				      " VALUES (?, ?)",
				      WR_I(id), WR_T(json_string_value(tag)));

		if (error)
			return wr_call_fail_db(call, error);
	}
	return 0;
}

static int write_route(struct wr_call *call, const struct wr_machine_org *org, int64_t id, size_t i,
		       const char *text)
{
	char pointer[32], canonical[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefix;
	const char *fault = wr_route_fault(org, text, &prefix);
	int error;

	snprintf(pointer, sizeof(pointer), "/routes/%zu", i);
	if (fault)
		return wr_call_fault(call, pointer, "%s", fault);
	wr_prefix_format(&prefix, canonical);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO machine_route (machine, prefix, organisation, state,"
			  " is_offered, is_set, is_active, since)"
			  " VALUES (?1, ?2, ?3, 'approved', 1, 1, 0, ?4)"
			  " ON CONFLICT (machine, prefix) DO UPDATE SET since ="
			  " CASE state WHEN 'approved' THEN since ELSE ?4 END,"
			  " state = 'approved', is_offered = 1, is_set = 1",
			  WR_I(id), WR_T(canonical), WR_I(call->org), WR_I(wr_call_time(call)));
	return error ? wr_call_fail_db(call, error) : 0;
}

/* What the agent offers by itself stays: approving and rejecting is another matter. */
static int forget_routes(struct wr_call *call, int64_t id, const json_t *routes)
{
	char *kept = json_dumps(routes, JSON_COMPACT);
	int error = kept ? WR_DB_RUN(call->db,
				     "DELETE FROM machine_route WHERE machine = ? AND is_set"
				     " AND prefix NOT IN (SELECT value FROM json_each(?))",
				     WR_I(id), WR_T(kept))
			 : -ENOMEM;

	free(kept);
	return error ? wr_call_fail_db(call, error) : 0;
}

int wr_machine_write_routes(struct wr_call *call, const struct wr_machine_org *org, int64_t id)
{
	const json_t *routes = json_object_get(call->body, "routes");
	const json_t *route;
	int bad = 0;
	size_t i;

	if (!routes)
		return 0;
	if (json_array_size(routes) > WR_ROUTES_MAX)
		return wr_call_fault(call, "/routes", "has more than %d routes", WR_ROUTES_MAX);
	if (forget_routes(call, id, routes))
		return -1;
	json_array_foreach(routes, i, route)
		bad |= write_route(call, org, id, i, json_string_value(route));
	return bad || !json_array_size(routes) ? bad : wr_route_check_count(call);
}
