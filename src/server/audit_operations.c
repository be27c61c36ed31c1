/* The audit log: who changed what, when and from where; newest first. */
#include <errno.h>
#include <string.h>

#include "server/format.h"
#include "server/operation.h"
#include "server/rows.h"

static json_t *stored(const struct wr_row *row, unsigned column)
{
	const char *text = wr_row_text(row, column);
	json_t *json = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	return json ? json : json_null();
}

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	json_t *json = json_pack("{s:I, s:o, s:s, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:o, s:o, s:s}",
				 "id", (json_int_t)wr_row_int(row, 0), "time",
				 wr_json_time(wr_row_int(row, 1)), "operation", wr_row_text(row, 2),
				 "actor_kind", wr_row_text(row, 3), "actor_uid",
				 wr_row_text(row, 4), "actor", wr_row_text(row, 5), "address",
				 wr_row_text(row, 6), "target_uid", wr_row_text(row, 7), "target",
				 wr_row_text(row, 8), "before", stored(row, 9), "after",
				 stored(row, 10), "request_id", wr_row_text(row, 11));
	const char *org = wr_row_text(row, 12);

	(void)call;
	json_object_set_new(json, "org", org ? json_string(org) : json_null());
	return json;
}

static const char *filter(const struct wr_call *call, const char *name)
{
	return json_string_value(json_object_get(call->query, name));
}

static struct wr_value time_filter(const struct wr_call *call, const char *name)
{
	const char *text = filter(call, name);
	int64_t seconds;

	return text && wr_time_parse(text, strlen(text), &seconds) ? WR_I(seconds) : WR_N;
}

/* "machine." stands for all operations on machines. */
#define FILTERS \
	" (?1 = 0 OR a.id < ?1)" \
	" AND (?2 IS NULL OR a.operation = ?2" \
	"  OR (substr(?2, -1) = '.' AND substr(a.operation, 1, length(?2)) = ?2))" \
	" AND (?3 IS NULL OR a.actor = ?3 COLLATE NOCASE OR a.actor_uid = ?3)" \
	" AND (?4 IS NULL OR a.target = ?4 OR a.target_uid = ?4)" \
	" AND (?5 IS NULL OR a.time >= ?5) AND (?6 IS NULL OR a.time < ?6)" \
	" ORDER BY a.id DESC LIMIT ?7"
#define SELECTED \
	"SELECT a.id, a.time, a.operation, a.actor_kind, a.actor_uid, a.actor, a.address," \
	" a.target_uid, a.target, a.before, a.after, a.request, o.uid" \
	" FROM audit a LEFT JOIN organisation o ON o.id = a.organisation WHERE"
#define VALUES 8

/* Newest first: a page goes on below the last. */
static void set_values(const struct wr_call *call, struct wr_value values[VALUES])
{
	struct wr_page page = wr_call_page(call);

	values[0] = WR_I(page.after);
	values[1] = WR_T(filter(call, "operation"));
	values[2] = WR_T(filter(call, "actor"));
	values[3] = WR_T(filter(call, "target"));
	values[4] = time_filter(call, "since");
	values[5] = time_filter(call, "until");
	values[6] = WR_I(page.limit);
	values[7] = WR_I(call->org);
}

static int run_list_org(struct wr_call *call)
{
	struct wr_value values[VALUES];

	set_values(call, values);
	return wr_rows_list(call, SELECTED " a.organisation = ?8 AND" FILTERS, VALUES, values,
			    item);
}

static int run_list(struct wr_call *call)
{
	struct wr_value values[VALUES];

	set_values(call, values);
	return wr_rows_list(call, SELECTED FILTERS, VALUES - 1, values, item);
}

/* --- The table. --- */

static const struct wr_field query_fields[] = {
	{ .name = "operation",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 63,
	  .help = "\"machine.add\"; \"machine.\" for all on machines" },
	{ .name = "actor",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 255,
	  .help = "Login or identifier of who did it" },
	{ .name = "target",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 255,
	  .help = "Name or identifier of what it was done to" },
	{ .name = "since", .kind = WR_KIND_TIME, .help = "Not before" },
	{ .name = "until", .kind = WR_KIND_TIME, .help = "Before" },
	{ 0 },
};

static const struct wr_field result_fields[] = {
	{ .name = "id",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Grows" },
	{ .name = "time", .kind = WR_KIND_TIME, .is_required = true, .help = "When" },
	{ .name = "operation", .kind = WR_KIND_TEXT, .is_required = true, .help = "What was done" },
	{ .name = "actor_kind",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "\"user\", \"token\", \"local\" (the Unix socket) or \"nobody\"" },
	{ .name = "actor_uid",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Identifier of the user or token" },
	{ .name = "actor", .kind = WR_KIND_TEXT, .is_required = true, .help = "Who did it" },
	{ .name = "address",
	  .kind = WR_KIND_IP,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "From where; null: the Unix socket" },
	{ .name = "target_uid",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Identifier of what it was done to" },
	{ .name = "target",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Its name" },
	{ .name = "before",
	  .kind = WR_KIND_ANY,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "How it was" },
	{ .name = "after",
	  .kind = WR_KIND_ANY,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "How it is" },
	{ .name = "request_id",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The request's, as in its answer" },
	{ .name = "org",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Identifier of the organisation; null: the site" },
	{ 0 },
};

const struct wr_operation wr_operations_audit[] = {
	{ .id = "audit.list",
	  .method = WR_HTTP_GET,
	  .path = "/audit",
	  .summary = "The audit log of the site and of all organisations, newest first",
	  .access = WR_ACCESS_SITE,
	  .is_paged = true,
	  .query = query_fields,
	  .result = result_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "audit.list-org",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/audit",
	  .summary = "The audit log of an organisation, newest first",
	  .access = WR_ACCESS_ADMIN,
	  .is_paged = true,
	  .query = query_fields,
	  .result = result_fields,
	  .status = 200,
	  .run = run_list_org },
	{ 0 },
};
