/* People's accounts, for site administrators. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/accounts.h"
#include "server/operation.h"
#include "server/passwords.h"
#include "server/rows.h"

#define HASHING_COST 2

/* --- Listing and showing. --- */

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "uid", wr_row_text(row, 1), "login",
			 wr_row_text(row, 2), "name", wr_row_text(row, 3), "is_site_admin",
			 wr_row_int(row, 4) != 0, "is_disabled", wr_row_int(row, 5) != 0, "created",
			 wr_json_time(wr_row_int(row, 6)));
}

static int run_list(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT id, uid, login, name, is_site_admin, is_disabled, created"
			    " FROM user WHERE id > ? ORDER BY id LIMIT ?",
			    WR_ARRAY_LEN(values), values, item);
}

static void set_result(struct wr_call *call, const struct wr_account *account)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", account->version);
	call->result = wr_account_json(account);
}

static int run_show(struct wr_call *call)
{
	struct wr_account account;

	if (wr_account_named(call, call->path[0], &account) < 0)
		return -1;
	set_result(call, &account);
	return 0;
}

/* --- Adding. --- */

static bool flag(const struct wr_call *call, const char *name, bool otherwise)
{
	return wr_call_has(call, name) ? json_is_true(json_object_get(call->body, name))
				       : otherwise;
}

static int begin_add(struct wr_call *call)
{
	struct wr_password_work work = { .wanted = wr_call_text(call, "password") };

	wr_account_check(call, wr_call_text(call, "login"), wr_call_text(call, "name"),
			 work.wanted);
	if (call->problem.status)
		return -1;
	if (!work.wanted) {
		wr_password_make(work.made);
		work.wanted = work.made;
	}
	return wr_password_start(call, &work);
}

static int end_add(struct wr_call *call)
{
	const char *name = wr_call_text(call, "name");
	struct wr_password_work *work = wr_password_result(call);
	struct wr_account account = { .is_site_admin = flag(call, "is_site_admin", false),
				      .is_disabled = flag(call, "is_disabled", false) };

	if (!work)
		return -1;
	memcpy(account.hash, work->hash, sizeof(account.hash));
	snprintf(account.login, sizeof(account.login), "%s", wr_call_text(call, "login"));
	snprintf(account.name, sizeof(account.name), "%s", name ? name : account.login);
	if (wr_account_add(call, &account) < 0)
		return -1;
	set_result(call, &account);
	if (work->made[0])
		json_object_set_new(call->result, "password", json_string(work->made));
	wr_call_audit(call, account.uid, account.login, NULL, wr_account_settings(&account));
	wr_call_event(call, "user.created", json_pack("{s:o}", "user", wr_account_brief(&account)));
	return 0;
}

static int run_add(struct wr_call *call)
{
	return call->step ? end_add(call) : begin_add(call);
}

/* --- Rules for those who are the last. --- */

static int keep_an_admin(struct wr_call *call, const struct wr_account *account)
{
	int64_t others = 0;

	if (!account->is_site_admin || account->is_disabled)
		return 0;
	if (wr_rows_number(
		    call,
		    "SELECT count(*) FROM user WHERE is_site_admin AND NOT is_disabled AND id <> ?",
		    WR_I(account->id), &others) < 0)
		return -1;
	return others ? 0
		      : wr_call_fail(call, 409, "last-admin",
				     "This is the last site administrator; make another one "
				     "first.");
}

static int keep_owners(struct wr_call *call, const struct wr_account *account)
{
	struct wr_row *row;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT o.name FROM membership m JOIN organisation o"
			      " ON o.id = m.organisation WHERE m.user = ?1 AND m.role = 'owner'"
			      " AND NOT EXISTS (SELECT 1 FROM membership x WHERE"
			      "  x.organisation = m.organisation AND x.role = 'owner'"
			      "  AND x.user <> ?1) ORDER BY o.id LIMIT 1",
			      WR_I(account->id));

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return 0;
	wr_call_fail(call, 409, "last-owner",
		     "\"%s\" has no other owner; make another member its owner, or delete it.",
		     wr_row_text(row, 0));
	wr_row_end(row);
	return -1;
}

/* --- Changing. --- */

static int match(struct wr_call *call, const struct wr_account *account)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", account->version);
	return wr_call_match(call, etag);
}

static void read_changes(const struct wr_call *call, struct wr_account *account)
{
	const struct wr_password_work *work = call->state;
	const char *name = wr_call_text(call, "name");

	if (name)
		snprintf(account->name, sizeof(account->name), "%s", name);
	account->is_site_admin = flag(call, "is_site_admin", account->is_site_admin);
	account->is_disabled = flag(call, "is_disabled", account->is_disabled);
	if (work)
		memcpy(account->hash, work->hash, sizeof(account->hash));
}

static int store(struct wr_call *call, const struct wr_account *account)
{
	int error = WR_DB_RUN(call->db,
			      "UPDATE user SET name = ?, password = ?, is_site_admin = ?,"
			      " is_disabled = ?, version = version + 1 WHERE id = ?",
			      WR_T(account->name), WR_T(account->hash),
			      WR_I(account->is_site_admin), WR_I(account->is_disabled),
			      WR_I(account->id));

	/* Whoever is out, or was not the one who knew the password, is out at once. */
	if (!error && (account->is_disabled || call->state))
		error = wr_account_end_sessions(call, account->id, 0);
	return error ? wr_call_fail_db(call, error) : 0;
}

static json_t *settings(const struct wr_call *call, const struct wr_account *account)
{
	json_t *json = wr_account_settings(account);

	if (call->state)
		json_object_set_new(json, "password", json_string("changed"));
	return json;
}

static int change(struct wr_call *call, const struct wr_account *before)
{
	struct wr_account after = *before;

	read_changes(call, &after);
	if ((!after.is_site_admin || after.is_disabled) && keep_an_admin(call, before) < 0)
		return -1;
	if (store(call, &after) < 0)
		return -1;
	after.version++;
	/* Streams go by what the caller was when they began. */
	if (before->is_site_admin && !after.is_site_admin)
		wr_account_end_streams(call, &(struct wr_events_reader){ .user = after.id });
	set_result(call, &after);
	wr_call_audit(call, after.uid, after.login, wr_account_settings(before),
		      settings(call, &after));
	wr_call_event(call, "user.changed", json_pack("{s:o}", "user", wr_account_brief(&after)));
	return 0;
}

static int run_change(struct wr_call *call)
{
	struct wr_password_work work = { .wanted = wr_call_text(call, "password") };
	struct wr_account account;

	if (wr_account_named(call, call->path[0], &account) < 0 || match(call, &account) < 0)
		return -1;
	if (call->step)
		return wr_password_result(call) ? change(call, &account) : -1;
	wr_account_check(call, work.wanted ? account.login : NULL, wr_call_text(call, "name"),
			 work.wanted);
	if (call->problem.status)
		return -1;
	return work.wanted ? wr_password_start(call, &work) : change(call, &account);
}

/* --- Removing. --- */

static int run_remove(struct wr_call *call)
{
	struct wr_account account;
	int error;

	if (wr_account_named(call, call->path[0], &account) < 0 ||
	    keep_an_admin(call, &account) < 0 || keep_owners(call, &account) < 0)
		return -1;
	error = WR_DB_RUN(call->db, "DELETE FROM user WHERE id = ?", WR_I(account.id));
	if (error)
		return wr_call_fail_db(call, error);
	wr_account_end_streams(call, &(struct wr_events_reader){ .user = account.id });
	wr_call_audit(call, account.uid, account.login, wr_account_settings(&account), NULL);
	wr_call_event(call, "user.removed", json_pack("{s:o}", "user", wr_account_brief(&account)));
	return 0;
}

/* --- The table. --- */

static const struct wr_field add_fields[] = {
	{ .name = "login",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LOGIN_LEN,
	  .help = "To sign in by: letters a-z, digits and . _ - @ +" },
	{ .name = "name",
	  .kind = WR_KIND_NAME,
	  .help = "What to call them; the login if not given" },
	{ .name = "password",
	  .kind = WR_KIND_PASSWORD,
	  .min = WR_PASSWORD_MIN,
	  .max = WR_PASSWORD_MAX,
	  .help = "The password; one is made, and answered once, if not given" },
	{ .name = "is_site_admin",
	  .kind = WR_KIND_FLAG,
	  .help = "May do everything, in every organisation" },
	{ .name = "is_disabled", .kind = WR_KIND_FLAG, .help = "May not sign in" },
	{ 0 },
};

static const struct wr_field change_fields[] = {
	{ .name = "name", .kind = WR_KIND_NAME, .help = "What to call them" },
	{ .name = "password",
	  .kind = WR_KIND_PASSWORD,
	  .min = WR_PASSWORD_MIN,
	  .max = WR_PASSWORD_MAX,
	  .help = "A new password; all sessions of the user end" },
	{ .name = "is_site_admin",
	  .kind = WR_KIND_FLAG,
	  .help = "May do everything, in every organisation" },
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .help = "May not sign in, and its tokens do not work; all sessions end" },
	{ 0 },
};

static const struct wr_field add_result_fields[] = {
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" },
	{ .name = "login", .kind = WR_KIND_TEXT, .is_required = true, .help = "Signs in by it" },
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "What to call them" },
	{ .name = "is_site_admin",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "May do everything, in every organisation" },
	{ .name = "is_disabled",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "May not sign in" },
	{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "Since when" },
	{ .name = "password",
	  .kind = WR_KIND_TEXT,
	  .help = "The password that was made; it is not shown again" },
	{ 0 },
};

const struct wr_operation wr_operations_user[] = {
	{ .id = "user.list",
	  .method = WR_HTTP_GET,
	  .path = "/users",
	  .summary = "List the users",
	  .access = WR_ACCESS_SITE,
	  .is_paged = true,
	  .result = wr_account_fields,
	  .status = 200,
	  .run = run_list },
	{ .id = "user.add",
	  .method = WR_HTTP_POST,
	  .path = "/users",
	  .summary = "Add a user",
	  .access = WR_ACCESS_SITE,
	  .is_change = true,
	  .body = add_fields,
	  .result = add_result_fields,
	  .status = 201,
	  .cost = HASHING_COST,
	  .run = run_add },
	{ .id = "user.show",
	  .method = WR_HTTP_GET,
	  .path = "/users/{user}",
	  .summary = "Show a user",
	  .access = WR_ACCESS_SITE,
	  .result = wr_account_fields,
	  .status = 200,
	  .run = run_show },
	{ .id = "user.change",
	  .method = WR_HTTP_PATCH,
	  .path = "/users/{user}",
	  .summary = "Change a user",
	  .about = "The last site administrator that is not disabled stays one (409).",
	  .access = WR_ACCESS_SITE,
	  .is_change = true,
	  .body = change_fields,
	  .result = wr_account_fields,
	  .status = 200,
	  .run = run_change },
	{ .id = "user.remove",
	  .method = WR_HTTP_DELETE,
	  .path = "/users/{user}",
	  .summary = "Remove a user, with sessions, tokens and memberships",
	  .about = "The last site administrator, and the last owner of an organisation, cannot "
		   "be removed (409).",
	  .access = WR_ACCESS_SITE,
	  .is_change = true,
	  .status = 204,
	  .run = run_remove },
	{ 0 },
};
