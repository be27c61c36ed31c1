#include "server/machines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Rows. --- */

static void copy_text(const struct wr_row *row, unsigned column, char *ret_text, size_t size)
{
	const char *text = wr_row_text(row, column);

	snprintf(ret_text, size, "%s", text ? text : "");
}

static struct wr_key key_column(const struct wr_row *row, unsigned column)
{
	struct wr_bytes blob = wr_row_blob(row, column);
	struct wr_key key = { 0 };

	if (blob.len == WR_KEY_LEN)
		memcpy(key.bytes, blob.data, WR_KEY_LEN);
	return key;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void wr_machine_read(const struct wr_row *row, struct wr_machine *ret_machine)
{
	*ret_machine = (struct wr_machine){
		.id = wr_row_int(row, 0),
		.org = wr_row_int(row, 1),
		.public_key = key_column(row, 5),
		.sealed_key = wr_row_is_null(row, 6) ? (struct wr_bytes){ 0 } : wr_row_blob(row, 6),
		.has_preshared_key = !wr_row_is_null(row, 6),
		.addresses = { wr_address_column(row, 7), wr_address_column(row, 8) },
		.is_disabled = wr_row_int(row, 9) != 0,
		.expires = wr_row_int(row, 10),
		.created = wr_row_int(row, 11),
		.latest_handshake = wr_row_int(row, 12),
		.last_seen = wr_row_int(row, 13),
		.endpoint = wr_row_text(row, 14),
		.rx_bytes = wr_row_int(row, 15),
		.tx_bytes = wr_row_int(row, 16),
		.version = wr_row_int(row, 17),
		.tags = or_empty(wr_row_text(row, 18)),
		.routes = or_empty(wr_row_text(row, 19)),
		.active_routes = or_empty(wr_row_text(row, 20)),
		.is_agent = wr_row_int(row, 21) != 0,
		.is_pending = wr_row_int(row, 22) != 0,
		.ephemeral = wr_row_int(row, 23),
		.agent_seen = wr_row_int(row, 24),
		.hostname = wr_row_text(row, 25),
		.agent = wr_row_text(row, 26),
	};
	copy_text(row, 2, ret_machine->uid, sizeof(ret_machine->uid));
	copy_text(row, 3, ret_machine->name, sizeof(ret_machine->name));
	copy_text(row, 4, ret_machine->label, sizeof(ret_machine->label));
}

/* Makes it independent of its row: one piece with all texts and the sealed key. */
static int own(struct wr_machine *machine)
{
	const char **texts[] = { &machine->tags,     &machine->routes,   &machine->active_routes,
				 &machine->endpoint, &machine->hostname, &machine->agent };
	size_t len = machine->sealed_key.len + 1;
	char *at;

	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++)
		len += *texts[i] ? strlen(*texts[i]) + 1 : 0;
	machine->owned = at = malloc(len);
	if (!at)
		return -1;
	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++) {
		if (!*texts[i])
			continue;
		strcpy(at, *texts[i]);
		*texts[i] = at;
		at += strlen(at) + 1;
	}
	if (machine->sealed_key.len)
		memcpy(at, machine->sealed_key.data, machine->sealed_key.len);
	machine->sealed_key.data = (const uint8_t *)at;
	return 0;
}

void wr_machine_done(struct wr_machine *machine)
{
	free(machine->owned);
	machine->owned = NULL;
}

/* `found` and `row` as wr_db_one() left them. */
static int take(int found, struct wr_row *row, struct wr_machine *ret_machine)
{
	if (found <= 0)
		return found;
	wr_machine_read(row, ret_machine);
	if (own(ret_machine) < 0)
		found = -ENOMEM;
	wr_row_end(row);
	return found;
}

int wr_machine_get(struct wr_db *db, int64_t id, struct wr_machine *ret_machine)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT" WR_MACHINE_COLUMNS "FROM machine m WHERE m.id = ?",
			      WR_I(id));

	return take(found, row, ret_machine);
}

static int find_uid(struct wr_db *db, int64_t org, const char *uid, struct wr_machine *ret_machine)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT" WR_MACHINE_COLUMNS "FROM machine m WHERE m.uid = ?"
			      " AND m.organisation = ?",
			      WR_T(uid), WR_I(org));

	return take(found, row, ret_machine);
}

int wr_machine_find(struct wr_db *db, int64_t org, const char *uid_or_label,
		    struct wr_machine *ret_machine)
{
	struct wr_row *row = NULL;
	int found = find_uid(db, org, uid_or_label, ret_machine);

	if (found)
		return found;
	found = WR_DB_ONE(db, &row,
			  "SELECT" WR_MACHINE_COLUMNS "FROM machine m WHERE m.organisation = ?"
			  " AND m.label = ?",
			  WR_I(org), WR_T(uid_or_label));
	return take(found, row, ret_machine);
}

static struct wr_prefix prefix_column(const struct wr_row *row, unsigned column)
{
	const char *text = or_empty(wr_row_text(row, column));
	struct wr_prefix prefix = { .ip.family = WR_FAMILY_NONE };

	if (!wr_prefix_parse(text, strlen(text), &prefix))
		prefix.ip.family = WR_FAMILY_NONE;
	return prefix;
}

int wr_machine_org_get(struct wr_db *db, int64_t id, struct wr_machine_org *ret_org)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT uid, name, label, range4, range6, hub_public, machine_quota"
			      " FROM organisation WHERE id = ?",
			      WR_I(id));

	if (found <= 0)
		return found;
	*ret_org = (struct wr_machine_org){
		.id = id,
		.range = { prefix_column(row, 3), prefix_column(row, 4) },
		.hub_key = key_column(row, 5),
		.machine_quota = wr_row_int(row, 6),
	};
	copy_text(row, 0, ret_org->uid, sizeof(ret_org->uid));
	copy_text(row, 1, ret_org->name, sizeof(ret_org->name));
	copy_text(row, 2, ret_org->label, sizeof(ret_org->label));
	wr_row_end(row);
	return found;
}

/* --- State. --- */

const char *const wr_machine_kinds[] = { "plain", "agent", NULL };

const char *const wr_machine_states[] = {
	[WR_MACHINE_ONLINE] = "online",
	[WR_MACHINE_OFFLINE] = "offline",
	[WR_MACHINE_NEVER] = "never",
	[WR_MACHINE_DISABLED] = "disabled",
	[WR_MACHINE_EXPIRED] = "expired",
	[WR_MACHINE_PENDING] = "pending",
	NULL,
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_expired(const struct wr_machine *machine, int64_t now)
{
	return machine->expires && machine->expires <= now;
}

bool wr_machine_is_on(const struct wr_machine *machine, int64_t now)
{
	return !machine->is_disabled && !machine->is_pending && !is_expired(machine, now);
}

enum wr_machine_state wr_machine_state(const struct wr_machine *machine,
				       const struct wr_sight *sight, int64_t now)
{
	if (machine->is_disabled)
		return WR_MACHINE_DISABLED;
	if (is_expired(machine, now))
		return WR_MACHINE_EXPIRED;
	if (machine->is_pending)
		return WR_MACHINE_PENDING;
	if (sight->is_online || (!sight->is_judged && later(machine->last_seen, sight->last_seen) >
							      now - WR_ONLINE_SECONDS))
		return WR_MACHINE_ONLINE;
	return later(machine->latest_handshake, sight->latest_handshake) ? WR_MACHINE_OFFLINE
									 : WR_MACHINE_NEVER;
}

/* --- As JSON. --- */

bool wr_machine_word(const char **words, char *word, size_t size)
{
	size_t len = strcspn(*words, " ");

	if (!len)
		return false;
	snprintf(word, size, "%.*s", (int)len, *words);
	*words += len + ((*words)[len] == ' ');
	return true;
}

static json_t *json_words(const char *words)
{
	json_t *list = json_array();
	char word[WR_ENDPOINT_TEXT_LEN];

	while (wr_machine_word(&words, word, sizeof(word)))
		json_array_append_new(list, json_string(word));
	return list;
}

static json_t *json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *json_ip(const struct wr_ip *ip)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	if (ip->family == WR_FAMILY_NONE)
		return json_null();
	wr_ip_format(ip, text);
	return json_string(text);
}

static json_t *json_key(const struct wr_key *key)
{
	char text[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(key, text);
	return json_string(text);
}

static json_t *json_endpoint(const struct wr_machine *machine, const struct wr_sight *sight)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	if (sight->endpoint.ip.family == WR_FAMILY_NONE)
		return machine->endpoint ? json_string(machine->endpoint) : json_null();
	wr_endpoint_format(&sight->endpoint, text);
	return json_string(text);
}

static void add_settings(json_t *json, const struct wr_machine *machine)
{
	json_object_set_new(json, "name", json_string(machine->name));
	json_object_set_new(json, "label", json_string(machine->label));
	json_object_set_new(json, "public_key", json_key(&machine->public_key));
	json_object_set_new(json, "has_preshared_key", json_boolean(machine->has_preshared_key));
	json_object_set_new(json, "address4", json_ip(&machine->addresses.v4));
	json_object_set_new(json, "address6", json_ip(&machine->addresses.v6));
	json_object_set_new(json, "tags", json_words(machine->tags));
	json_object_set_new(json, "routes", json_words(machine->routes));
	json_object_set_new(json, "kind", json_string(wr_machine_kinds[machine->is_agent]));
	json_object_set_new(json, "is_ephemeral", json_boolean(machine->ephemeral > 0));
	json_object_set_new(json, "is_pending", json_boolean(machine->is_pending));
	json_object_set_new(json, "is_disabled", json_boolean(machine->is_disabled));
	json_object_set_new(json, "expires", wr_json_time(machine->expires));
}

json_t *wr_machine_settings(const struct wr_machine *machine)
{
	json_t *json = json_object();

	add_settings(json, machine);
	return json;
}

json_t *wr_machine_json(const struct wr_machine *machine, const struct wr_sight *sight, int64_t now)
{
	json_t *json = json_object();

	json_object_set_new(json, "uid", json_string(machine->uid));
	add_settings(json, machine);
	json_object_set_new(json, "state",
			    json_string(wr_machine_states[wr_machine_state(machine, sight, now)]));
	json_object_set_new(json, "created", wr_json_time(machine->created));
	json_object_set_new(
		json, "latest_handshake",
		wr_json_time(later(machine->latest_handshake, sight->latest_handshake)));
	json_object_set_new(json, "last_seen",
			    wr_json_time(later(machine->last_seen, sight->last_seen)));
	json_object_set_new(json, "endpoint", json_endpoint(machine, sight));
	json_object_set_new(json, "rx_bytes",
			    json_integer(machine->rx_bytes + (json_int_t)sight->rx_bytes));
	json_object_set_new(json, "tx_bytes",
			    json_integer(machine->tx_bytes + (json_int_t)sight->tx_bytes));
	json_object_set_new(json, "hostname", json_text(machine->hostname));
	json_object_set_new(json, "agent_version", json_text(machine->agent));
	json_object_set_new(json, "agent_seen", wr_json_time(machine->agent_seen));
	json_object_set_new(json, "version", json_integer(machine->version));
	return json;
}

/* What the document says of it. */
#define FIELDS \
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Its identifier" }, \
		{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Its name" }, \
		{ .name = "label", \
		  .kind = WR_KIND_LABEL, \
		  .is_required = true, \
		  .help = "Its name in DNS and in policies, made from the name" }, \
		{ .name = "public_key", \
		  .kind = WR_KIND_KEY, \
		  .is_required = true, \
		  .help = "Its WireGuard public key" }, \
		{ .name = "has_preshared_key", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "A preshared key is mixed in" }, \
		{ .name = "address4", \
		  .kind = WR_KIND_IP, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Its IPv4 address" }, \
		{ .name = "address6", \
		  .kind = WR_KIND_IP, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Its IPv6 address" }, \
		{ .name = "tags", \
		  .kind = WR_KIND_TAGS, \
		  .is_required = true, \
		  .max = WR_TAGS_MAX, \
		  .help = "What policies call it besides its label" }, \
		{ .name = "routes", \
		  .kind = WR_KIND_PREFIXES, \
		  .is_required = true, \
		  .max = WR_ROUTES_MAX, \
		  .help = "Prefixes that are reached through it" }, \
		{ .name = "kind", \
		  .kind = WR_KIND_CHOICE, \
		  .is_required = true, \
		  .choices = wr_machine_kinds, \
		  .help = "Agent: it joined by a key; plain: it has nothing but WireGuard" }, \
		{ .name = "is_ephemeral", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "It is removed when it was gone for a while" }, \
		{ .name = "is_pending", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "It waits for approval, and is shut out until then" }, \
		{ .name = "is_disabled", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "It was shut out" }, \
		{ .name = "expires", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When it will be shut out" }, \
		{ .name = "state", \
		  .kind = WR_KIND_CHOICE, \
		  .is_required = true, \
		  .choices = wr_machine_states, \
		  .help = "Online is who was heard within three minutes; never: not yet connected" }, \
		{ .name = "created", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .help = "Since when" }, \
		{ .name = "latest_handshake", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When keys were last agreed upon" }, \
		{ .name = "last_seen", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When something authentic last came from it" }, \
		{ .name = "endpoint", \
		  .kind = WR_KIND_ENDPOINT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Where that came from" }, \
		{ .name = "rx_bytes", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .max = INT64_MAX, \
		  .help = "Bytes that came from it" }, \
		{ .name = "tx_bytes", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .max = INT64_MAX, \
		  .help = "Bytes that went to it" }, \
		{ .name = "hostname", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "What its host calls itself" }, \
		{ .name = "agent_version", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Version of its agent" }, \
		{ .name = "agent_seen", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When its agent was last connected" }, \
		{ .name = "is_connected", \
		  .kind = WR_KIND_FLAG, \
		  .help = "Its agent is connected; agents only" }, \
		{ .name = "agent", \
		  .kind = WR_KIND_ANY, \
		  .can_be_null = true, \
		  .help = "What its agent tells of itself and of its paths; of one machine only" }, \
	{ \
		.name = "version", .kind = WR_KIND_NUMBER, .is_required = true, .min = 1, \
		.max = INT64_MAX, .help = "Grows with each change; also the ETag" \
	}

const struct wr_field wr_machine_fields[] = { FIELDS, { 0 } };
const struct wr_field wr_machine_config_fields[] = {
	FIELDS,
	{ .name = "config",
	  .kind = WR_KIND_LONG_TEXT,
	  .is_required = true,
	  .max = 64 * 1024,
	  .help = "The file for wg-quick; a private key in it is shown this once and not kept" },
	{ 0 },
};
