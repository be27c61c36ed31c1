/* Tokens: what programs show instead of a password. */
#include <errno.h>
#include <string.h>

#include "crypto/unlock.h"
#include "server/accounts.h"
#include "server/auth.h"
#include "server/format.h"
#include "server/names.h"
#include "server/operation.h"
#include "server/rows.h"

#define TOKENS_OF_USER 100
/* A token that is over stays in the listing for so long. */
#define SHOWN_AFTER_SECONDS INT64_C(2592000)

#define COLUMNS \
	" t.id, t.uid, t.name, o.uid, t.role, t.may_write, t.created, t.expires, t.last_used," \
	" u.login "
#define TABLES \
	"FROM token t JOIN user u ON u.id = t.user" \
	" LEFT JOIN organisation o ON o.id = t.organisation "

/* --- Shown. --- */

static json_t *time_column(const struct wr_row *row, unsigned column)
{
	return wr_json_time(wr_row_is_null(row, column) ? 0 : wr_row_int(row, column));
}

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:b, s:o, s:o, s:o}", "uid",
			 wr_row_text(row, 1), "user", wr_row_text(row, 9), "name",
			 wr_row_text(row, 2), "org", wr_row_text(row, 3), "role",
			 wr_row_text(row, 4), "may_write", wr_row_int(row, 5) != 0, "created",
			 time_column(row, 6), "expires", time_column(row, 7), "last_used",
			 time_column(row, 8));
}

/* Site administrators see all: a token that leaked is theirs to revoke. */
static bool sees_all(const struct wr_call *call)
{
	return call->caller.is_site_admin;
}

static int run_list(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(sees_all(call)), WR_I(call->caller.user),
				     WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT" COLUMNS TABLES "WHERE (?1 OR t.user = ?2) AND t.id > ?3"
			    " ORDER BY t.id LIMIT ?4",
			    WR_ARRAY_LEN(values), values, item);
}

static int find(struct wr_call *call, const char *uid, int64_t *ret_id, json_t **ret_token)
{
	struct wr_row *row;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT" COLUMNS TABLES "WHERE t.uid = ? AND (? OR t.user = ?)",
			      WR_T(uid), WR_I(sees_all(call)), WR_I(call->caller.user));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 404, "not-found", "You have no such token.");
	*ret_id = wr_row_int(row, 0);
	*ret_token = item(call, row);
	wr_row_end(row);
	return 0;
}

/* --- Made. --- */

struct wish {
	int64_t user, org, expires; /* 0: any, never */
};

/* Over the Unix socket nobody is signed in: a token is somebody's all the same. */
static int find_first_admin(struct wr_call *call, struct wr_account *ret_account)
{
	struct wr_row *row;
	int64_t id = 0;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT id FROM user WHERE is_site_admin AND NOT is_disabled"
			      " ORDER BY id LIMIT 1");

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fault(call, "/user", "is missing: there is no site administrator");
	id = wr_row_int(row, 0);
	wr_row_end(row);
	found = wr_account_get(call->db, id, ret_account);
	return found > 0 ? 0 : wr_call_fail_db(call, found ? found : -ENOENT);
}

static int find_other(struct wr_call *call, const char *login, struct wr_account *ret_account)
{
	if (!call->caller.is_site_admin)
		return wr_call_fail(call, 403, "site-only",
				    "Only a site administrator makes tokens for others.");
	return wr_account_named(call, login, ret_account);
}

static int find_user(struct wr_call *call, struct wish *wish)
{
	const char *login = wr_call_text(call, "user");
	struct wr_account account;
	int error = 0;

	wish->user = call->caller.user;
	if (login)
		error = find_other(call, login, &account);
	else if (!wish->user)
		error = find_first_admin(call, &account);
	else
		return 0;
	if (!error)
		wish->user = account.id;
	return error;
}

/* One that the user has a part in. */
static int find_org(struct wr_call *call, struct wish *wish)
{
	const char *text = wr_call_text(call, "org");
	struct wr_row *row;
	int found;

	if (!text)
		return 0;
	found = WR_DB_ONE(call->db, &row,
			  "SELECT o.id FROM organisation o WHERE (o.uid = ?1 OR o.label = ?1)"
			  " AND (EXISTS (SELECT 1 FROM membership WHERE user = ?2"
			  "  AND organisation = o.id)"
			  " OR (SELECT is_site_admin FROM user WHERE id = ?2))"
			  " ORDER BY o.uid = ?1 DESC LIMIT 1",
			  WR_T(text), WR_I(wish->user));
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fault(call, "/org", "is no organisation of the user");
	wish->org = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

/* A token that ends makes none that stays. */
static int check_own_end(struct wr_call *call, const struct wish *wish)
{
	struct wr_row *row;
	int64_t expires;
	int found;

	if (call->caller.kind != WR_CALLER_TOKEN)
		return 0;
	found = WR_DB_ONE(call->db, &row, "SELECT coalesce(expires, 0) FROM token WHERE id = ?",
			  WR_I(call->caller.credential));
	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	expires = wr_row_int(row, 0);
	wr_row_end(row);
	if (expires && (!wish->expires || wish->expires > expires))
		return wr_call_fail(call, 403, "limited",
				    "This token ends, and makes none that stays longer: give "
				    "expires_in.");
	return 0;
}

static int find_end(struct wr_call *call, struct wish *wish)
{
	const char *text = wr_call_text(call, "expires_in");
	int64_t seconds;

	if (text) {
		if (!wr_span_parse(text, strlen(text), &seconds) || !seconds)
			return wr_call_fault(call, "/expires_in", "is no span such as \"90d\"");
		wish->expires = wr_call_time(call) + seconds;
	}
	return check_own_end(call, wish);
}

/* Removes what was over long ago; then there is room, or not. */
static int check_room(struct wr_call *call, const struct wish *wish)
{
	int64_t count;
	int error = WR_DB_RUN(call->db,
			      "DELETE FROM token WHERE user = ? AND expires > 0 AND expires < ?",
			      WR_I(wish->user), WR_I(wr_call_time(call) - SHOWN_AFTER_SECONDS));

	if (error)
		return wr_call_fail_db(call, error);
	if (wr_rows_number(call, "SELECT count(*) FROM token WHERE user = ?", WR_I(wish->user),
			   &count) < 0)
		return -1;
	if (count < TOKENS_OF_USER)
		return 0;
	return wr_call_fail(call, 409, "quota", "The user has %d tokens; revoke one first.",
			    TOKENS_OF_USER);
}

static int insert(struct wr_call *call, const struct wish *wish, const struct wr_token_hash *hash,
		  const char *uid)
{
	bool may_write = !wr_call_has(call, "may_write") ||
			 json_is_true(json_object_get(call->body, "may_write"));
	int error;

	error = WR_DB_RUN(call->db,
			  "INSERT INTO token (uid, hash, user, organisation, name, role, may_write,"
			  " created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			  WR_T(uid), WR_B(hash->bytes, sizeof(hash->bytes)), WR_I(wish->user),
			  wish->org ? WR_I(wish->org) : WR_N, WR_T(wr_call_text(call, "name")),
			  WR_T(wr_call_text(call, "role")), WR_I(may_write),
			  WR_I(wr_call_time(call)), wish->expires ? WR_I(wish->expires) : WR_N);
	return error ? wr_call_fail_db(call, error) : 0;
}

/* In the log and the event it stands without its secret, which is added to the answer last. */
static void note(struct wr_call *call, const char *type, json_t *before, json_t *after)
{
	json_t *token = after ? after : before;
	const char *uid = json_string_value(json_object_get(token, "uid"));
	const char *name = json_string_value(json_object_get(token, "name"));

	wr_call_event(call, type, json_pack("{s:s, s:s}", "uid", uid, "name", name));
	wr_call_audit(call, uid, name, json_deep_copy(before), json_deep_copy(after));
}

static int add(struct wr_call *call, const struct wish *wish)
{
	char secret[WR_TOKEN_LEN], uid[WR_UID_LEN + 1];
	struct wr_token_hash hash;
	struct wr_row *row;
	int found;

	wr_uid_new('t', uid);
	wr_token_new(WR_TOKEN_PREFIX, secret, &hash);
	if (insert(call, wish, &hash, uid) < 0)
		return -1;
	found = WR_DB_ONE(call->db, &row, "SELECT" COLUMNS TABLES "WHERE t.uid = ?", WR_T(uid));
	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	call->result = item(call, row);
	wr_row_end(row);
	note(call, "token.created", NULL, call->result);
	json_object_set_new(call->result, "token", json_string(secret));
	wr_wipe(secret, sizeof(secret));
	return 0;
}

static int run_add(struct wr_call *call)
{
	const char *name = wr_call_text(call, "name");
	const char *fault = wr_name_fault(name, strlen(name));
	struct wish wish = { .user = 0 };

	if (fault)
		wr_call_fault(call, "/name", "%s", fault);
	if (find_user(call, &wish) < 0 || find_org(call, &wish) < 0 || find_end(call, &wish) < 0 ||
	    call->problem.status || check_room(call, &wish) < 0)
		return -1;
	return add(call, &wish);
}

/* --- Revoked. --- */

static int run_revoke(struct wr_call *call)
{
	json_t *token = NULL;
	int64_t id = 0;
	int error;

	if (find(call, call->path[0], &id, &token) < 0)
		return -1;
	error = WR_DB_RUN(call->db, "DELETE FROM token WHERE id = ?", WR_I(id));
	if (!error) {
		wr_account_end_streams(call, &(struct wr_events_reader){ .kind = WR_CALLER_TOKEN,
									 .credential = id });
		note(call, "token.revoked", token, NULL);
	}
	json_decref(token);
	return error ? wr_call_fail_db(call, error) : 0;
}

/* --- The table. --- */

static const char *const roles[] = { "viewer", "operator", "admin", "owner", NULL };

#define TOKEN_FIELDS \
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" }, \
		{ .name = "user", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .help = "Login of the user whose it is" }, \
		{ .name = "name", \
		  .kind = WR_KIND_NAME, \
		  .is_required = true, \
		  .help = "What it is for" }, \
		{ .name = "org", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "Works in this organisation only; null: in all of the user's" }, \
		{ .name = "role", \
		  .kind = WR_KIND_CHOICE, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .choices = roles, \
		  .help = "Has this role at the most; null: the user's" }, \
		{ .name = "may_write", \
		  .kind = WR_KIND_FLAG, \
		  .is_required = true, \
		  .help = "May change things" }, \
		{ .name = "created", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .help = "Since when" }, \
		{ .name = "expires", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "When it ends; null: never" }, \
	{ \
		.name = "last_used", .kind = WR_KIND_TIME, .is_required = true, \
		.can_be_null = true, .help = "To the minute; null: not yet" \
	}

static const struct wr_field token_fields[] = { TOKEN_FIELDS, { 0 } };
static const struct wr_field new_token_fields[] = {
	TOKEN_FIELDS,
	{ .name = "token",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The secret; it is not shown again" },
	{ 0 },
};

static const struct wr_field add_fields[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "What it is for" },
	{ .name = "org",
	  .kind = WR_KIND_TEXT,
	  .can_be_null = true,
	  .min = 1,
	  .max = 63,
	  .help = "Identifier or label of the organisation that it works in" },
	{ .name = "role",
	  .kind = WR_KIND_CHOICE,
	  .can_be_null = true,
	  .choices = roles,
	  .help = "The role that it has at the most" },
	{ .name = "may_write",
	  .kind = WR_KIND_FLAG,
	  .help = "May change things; true if not given" },
	{ .name = "expires_in",
	  .kind = WR_KIND_SPAN,
	  .can_be_null = true,
	  .help = "When it ends; never if not given" },
	{ .name = "user",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = WR_LOGIN_LEN,
	  .help = "Whose it is to be; for site administrators. Over the Unix socket the first site "
		  "administrator's, if not given" },
	{ 0 },
};

const struct wr_operation wr_operations_token[] = {
	{ .id = "token.list",
	  .method = WR_HTTP_GET,
	  .path = "/tokens",
	  .summary = "List the own tokens; site administrators see all",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_paged = true,
	  .result = token_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "token.create",
	  .method = WR_HTTP_POST,
	  .path = "/tokens",
	  .summary = "Make a token",
	  .about = "A token can do what its user can, less what is given here. It is answered "
		   "once. A token that is limited makes no others.",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_change = true,
	  .body = add_fields,
	  .result = new_token_fields,
	  .status = 201,
	  .run = run_add },
	{ .id = "token.revoke",
	  .method = WR_HTTP_DELETE,
	  .path = "/tokens/{token}",
	  .summary = "Revoke a token",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_change = true,
	  .status = 204,
	  .run = run_revoke },
	{ 0 },
};
