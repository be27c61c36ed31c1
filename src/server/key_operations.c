/* Operations on join keys. */
#include "server/keys.h"
#include "server/machines.h"
#include "server/rows.h"

static const char *const states[] = { "valid", "expired", "spent", "revoked", NULL };

#define COLUMNS \
	" k.id, k.uid, k.comment, k.uses, k.used, k.expires, k.ephemeral, k.needs_approval," \
	" k.machine_name, k.revoked, k.last_used, k.created, k.creator," \
	" (SELECT group_concat(tag, ' ') FROM join_key_tag WHERE join_key = k.id)," \
	" (SELECT uid FROM machine WHERE id = k.machine) "

/* --- Shown. --- */

static const char *state_of(const struct wr_row *row, int64_t now)
{
	int64_t uses = wr_row_int(row, 3), expires = wr_row_int(row, 5);

	if (!wr_row_is_null(row, 9))
		return "revoked";
	if (uses && wr_row_int(row, 4) >= uses)
		return "spent";
	return expires && expires <= now ? "expired" : "valid";
}

static json_t *words(const char *text)
{
	json_t *list = json_array();
	char word[256];

	while (text && wr_machine_word(&text, word, sizeof(word)))
		json_array_append_new(list, json_string(word));
	return list;
}

static json_t *number_or_null(int64_t number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	int64_t uses = wr_row_int(row, 3), left = uses - wr_row_int(row, 4);
	json_t *json = json_pack("{s:s, s:s?, s:s, s:o, s:o, s:I, s:o}", "uid", wr_row_text(row, 1),
				 "comment", wr_row_text(row, 2), "state",
				 state_of(row, wr_call_time(call)), "tags",
				 words(wr_row_text(row, 13)), "uses", number_or_null(uses), "used",
				 (json_int_t)wr_row_int(row, 4), "uses_left",
				 uses ? json_integer(left > 0 ? left : 0) : json_null());

	json_object_set_new(json, "expires", wr_json_time(wr_row_int(row, 5)));
	json_object_set_new(json, "ephemeral_seconds", number_or_null(wr_row_int(row, 6)));
	json_object_set_new(json, "needs_approval", json_boolean(wr_row_int(row, 7)));
	json_object_set_new(json, "machine_name",
			    wr_row_is_null(row, 8) ? json_null()
						   : json_string(wr_row_text(row, 8)));
	json_object_set_new(json, "machine",
			    wr_row_is_null(row, 14) ? json_null()
						    : json_string(wr_row_text(row, 14)));
	json_object_set_new(json, "last_used", wr_json_time(wr_row_int(row, 10)));
	json_object_set_new(json, "created", wr_json_time(wr_row_int(row, 11)));
	json_object_set_new(json, "creator", json_string(wr_row_text(row, 12)));
	return json;
}

static int run_list(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(call->org), WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT" COLUMNS "FROM join_key k WHERE k.organisation = ?1"
			    " AND k.id > ?2 ORDER BY k.id LIMIT ?3",
			    WR_ARRAY_LEN(values), values, item);
}

int wr_key_run_get(struct wr_call *call, const char *uid, int64_t *ret_id, json_t **ret_key)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT" COLUMNS "FROM join_key k WHERE k.organisation = ?"
			      " AND k.uid = ?",
			      WR_I(call->org), WR_T(uid));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 404, "not-found",
				    "The organisation has no join key of this identifier.");
	*ret_id = wr_row_int(row, 0);
	*ret_key = item(call, row);
	wr_row_end(row);
	return 0;
}

void wr_key_run_note(struct wr_call *call, const char *type, json_t *before, json_t *after)
{
	const char *uid = json_string_value(json_object_get(after ? after : before, "uid"));

	wr_call_event(call, type, json_pack("{s:s}", "uid", uid));
	wr_call_audit(call, uid, NULL, json_deep_copy(before), json_deep_copy(after));
}

/* --- Revoked. --- */

/* It stays in the listing for a while; those who joined by it stay too. */
static int run_revoke(struct wr_call *call)
{
	json_t *before = NULL, *after = NULL;
	int64_t id = 0;
	int error;

	if (wr_key_run_get(call, call->path[1], &id, &before))
		return -1;
	error = WR_DB_RUN(call->db,
			  "UPDATE join_key SET revoked = coalesce(revoked, ?) WHERE id = ?",
			  WR_I(wr_call_time(call)), WR_I(id));
	if (error)
		wr_call_fail_db(call, error);
	else
		error = wr_key_run_get(call, call->path[1], &id, &after);
	if (!error)
		wr_key_run_note(call, "key.revoked", before, after);
	json_decref(before);
	json_decref(after);
	return error ? -1 : 0;
}

/* --- The table. --- */

#define KEY_FIELDS \
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" }, \
		{ .name = "comment", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "What it is for" }, \
		{ .name = "state", \
		  .kind = WR_KIND_CHOICE, \
		  .is_required = true, \
		  .choices = states, \
		  .help = "Whether machines can join by it" }, \
		{ .name = "tags", \
		  .kind = WR_KIND_TAGS, \
		  .is_required = true, \
		  .max = WR_TAGS_MAX, \
		  .help = "What machines that join by it have" }, \
		{ .name = "uses", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .max = WR_KEY_USES_MAX, \
		  .help = "How many machines may join by it; null: any number" }, \
		{ .name = "used", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .max = INT64_MAX, \
		  .help = "How many did" }, \
		{ .name = "uses_left", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .max = WR_KEY_USES_MAX, \
		  .help = "How many more may; null: any number" }, \
		{ .name = "expires", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When it ends; null: never" }, \
		{ .name = "ephemeral_seconds", \
		  .kind = WR_KIND_NUMBER, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .max = INT64_MAX, \
		  .help = "Machines that join by it are removed when they were gone for so long; " \
			  "null: they stay" }, \
		{ .name = "needs_approval", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "Machines that join by it wait for approval" }, \
		{ .name = "machine_name", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "For the machine of this name only" }, \
		{ .name = "machine", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Identifier of the machine whose place is taken" }, \
		{ .name = "last_used", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When a machine last joined by it" }, \
		{ .name = "created", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .help = "Since when" }, \
	{ \
		.name = "creator", .kind = WR_KIND_TEXT, .is_required = true, \
		.help = "Who made it" \
	}

static const struct wr_field key_fields[] = { KEY_FIELDS, { 0 } };
static const struct wr_field new_key_fields[] = {
	KEY_FIELDS,
	{ .name = "key",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .max = WR_JOIN_KEY_TEXT_LEN,
	  .help = "The key, for `warren join`; it is not shown again" },
	{ 0 },
};

static const struct wr_field create_body[] = {
	{ .name = "comment",
	  .kind = WR_KIND_TEXT,
	  .can_be_null = true,
	  .min = 1,
	  .max = 200,
	  .help = "What it is for" },
	{ .name = "tags",
	  .kind = WR_KIND_TAGS,
	  .max = WR_TAGS_MAX,
	  .help = "What machines that join by it have" },
	{ .name = "uses",
	  .kind = WR_KIND_NUMBER,
	  .can_be_null = true,
	  .min = 1,
	  .max = WR_KEY_USES_MAX,
	  .help = "How many machines may join by it; 1 if not given, null for any number" },
	{ .name = "expires_in",
	  .kind = WR_KIND_SPAN,
	  .can_be_null = true,
	  .help = "When it ends; after an hour if not given, null for never" },
	{ .name = "is_ephemeral",
	  .kind = WR_KIND_FLAG,
	  .help = "Machines that join by it are removed when they are gone" },
	{ .name = "ephemeral_after",
	  .kind = WR_KIND_SPAN,
	  .help = "How long these have to be gone; ten minutes if not given" },
	{ .name = "needs_approval",
	  .kind = WR_KIND_FLAG,
	  .help = "Machines that join by it wait until somebody lets them in" },
	{ .name = "machine",
	  .kind = WR_KIND_NAME,
	  .help = "For this machine only: one of this name or label is given to who joins, with "
		  "its addresses and tags; if there is none, who joins gets the name" },
	{ 0 },
};

const struct wr_operation wr_operations_key[] = {
	{ .id = "key.list",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/keys",
	  .summary = "Lists the join keys of an organisation",
	  .access = WR_ACCESS_OPERATOR,
	  .is_paged = true,
	  .result = key_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "key.create",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/keys",
	  .summary = "Makes a join key, by which machines with an agent become members",
	  .about = "It holds the server's address, the pin of its certificate and a secret; it is "
		   "answered once.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .body = create_body,
	  .result = new_key_fields,
	  .status = 201,
	  .run = wr_key_create_run },
	{ .id = "key.revoke",
	  .method = WR_HTTP_DELETE,
	  .path = "/orgs/{org}/keys/{key}",
	  .summary = "Revokes a join key",
	  .about = "Nobody joins by it any more; who did stays.",
	  .access = WR_ACCESS_OPERATOR,
	  .is_change = true,
	  .status = 204,
	  .run = run_revoke },
	{ 0 },
};
