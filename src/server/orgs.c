#include "server/orgs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/sights.h"
#include "server/state.h"

const struct wr_field wr_org_fields[] = {
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" },
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Display name" },
	{ .name = "label",
	  .kind = WR_KIND_LABEL,
	  .is_required = true,
	  .help = "Made from the name; in paths and in DNS" },
	{ .name = "network4",
	  .kind = WR_KIND_PREFIX,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "IPv4 range of its machines" },
	{ .name = "network6",
	  .kind = WR_KIND_PREFIX,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "IPv6 range of its machines" },
	{ .name = "hub_public_key",
	  .kind = WR_KIND_KEY,
	  .is_required = true,
	  .help = "The hub's public key for this organisation" },
	{ .name = "hub_address4",
	  .kind = WR_KIND_IP,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "The hub's address in the range: gateway and DNS" },
	{ .name = "hub_address6",
	  .kind = WR_KIND_IP,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "The same of IPv6" },
	{ .name = "machine_quota",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = WR_ORG_QUOTA_MAX,
	  .help = "Machines that it may have" },
	{ .name = "machine_count",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = WR_ORG_QUOTA_MAX,
	  .help = "Machines that it has" },
	{ .name = "online_count",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = WR_ORG_QUOTA_MAX,
	  .help = "Machines that are online" },
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "Its machines do not reach the hub, and its members change nothing" },
	{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "Since when" },
	{ .name = "version",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Grows with each change; the ETag" },
	{ 0 },
};

/* --- Rows. --- */

static struct wr_prefix prefix_column(const struct wr_row *row, unsigned column)
{
	const char *text = wr_row_text(row, column);
	struct wr_prefix prefix = { .length = 0 };

	if (text && !wr_prefix_parse(text, strlen(text), &prefix))
		prefix = (struct wr_prefix){ .length = 0 };
	return prefix;
}

static void copy(const struct wr_row *row, unsigned column, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", wr_row_text(row, column));
}

void wr_org_read(const struct wr_row *row, struct wr_org *ret_org)
{
	struct wr_bytes key = wr_row_blob(row, 6);

	*ret_org = (struct wr_org){
		.id = wr_row_int(row, 0),
		.range = { prefix_column(row, 4), prefix_column(row, 5) },
		.machine_quota = wr_row_int(row, 7),
		.machine_count = wr_row_int(row, 8),
		.is_disabled = wr_row_int(row, 9) != 0,
		.created = wr_row_int(row, 10),
		.version = wr_row_int(row, 11),
	};
	copy(row, 1, ret_org->uid, sizeof(ret_org->uid));
	copy(row, 2, ret_org->name, sizeof(ret_org->name));
	copy(row, 3, ret_org->label, sizeof(ret_org->label));
	if (key.len == WR_KEY_LEN)
		memcpy(ret_org->hub_public.bytes, key.data, WR_KEY_LEN);
}

int wr_org_get(struct wr_call *call, int64_t id, struct wr_org *ret_org)
{
	struct wr_row *row;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT" WR_ORG_COLUMNS "FROM organisation o WHERE o.id = ?",
			      WR_I(id));

	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	wr_org_read(row, ret_org);
	wr_row_end(row);
	return 0;
}

/* --- Labels. --- */

struct asker {
	struct wr_db *db;
	int64_t org;
};

/* Paths take either: one's label must not be another's identifier. */
static bool is_like_uid(const char *label)
{
	return strlen(label) == WR_UID_LEN &&
	       strspn(label, "abcdefghijklmnopqrstuvwxyz234567") == WR_UID_LEN;
}

static int is_taken(void *context, const char *label)
{
	struct asker *asker = context;
	struct wr_row *row;
	int found;

	if (is_like_uid(label))
		return 1;
	found = WR_DB_ONE(asker->db, &row, "SELECT 1 FROM organisation WHERE label = ? AND id <> ?",
			  WR_T(label), WR_I(asker->org));
	if (found > 0)
		wr_row_end(row);
	return found;
}

int wr_org_choose_label(struct wr_call *call, int64_t org, const char *name,
			char ret_label[WR_LABEL_LEN + 1])
{
	struct asker asker = { call->db, org };
	int error = wr_label_choose(name, "organisation", is_taken, &asker, ret_label);

	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- Shown. --- */

static json_t *prefix_json(const struct wr_prefix *prefix)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	if (prefix->ip.family == WR_FAMILY_NONE)
		return json_null();
	wr_prefix_format(prefix, text);
	return json_string(text);
}

static json_t *hub_json(const struct wr_prefix *prefix)
{
	char text[WR_ENDPOINT_TEXT_LEN];
	struct wr_ip hub;

	if (prefix->ip.family == WR_FAMILY_NONE)
		return json_null();
	hub = wr_address_at(prefix, WR_HOST_HUB);
	wr_ip_format(&hub, text);
	return json_string(text);
}

json_t *wr_org_json(struct wr_call *call, const struct wr_org *org)
{
	char key[WR_KEY_BASE64_LEN + 1];
	struct wr_sights *sights = call->server->sights;
	json_int_t online = sights ? (json_int_t)wr_sights_online(sights, org->id) : 0;

	wr_key_to_base64(&org->hub_public, key);
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:I, s:b, s:o, s:I}",
			 "uid", org->uid, "name", org->name, "label", org->label, "network4",
			 prefix_json(&org->range.v4), "network6", prefix_json(&org->range.v6),
			 "hub_public_key", key, "hub_address4", hub_json(&org->range.v4),
			 "hub_address6", hub_json(&org->range.v6), "machine_quota",
			 (json_int_t)org->machine_quota, "machine_count",
			 (json_int_t)org->machine_count, "online_count", online, "is_disabled",
			 org->is_disabled, "created", wr_json_time(org->created), "version",
			 (json_int_t)org->version);
}

json_t *wr_org_settings(const struct wr_org *org)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:b}", "name", org->name, "label", org->label,
			 "network4", prefix_json(&org->range.v4), "network6",
			 prefix_json(&org->range.v6), "machine_quota",
			 (json_int_t)org->machine_quota, "is_disabled", org->is_disabled);
}
