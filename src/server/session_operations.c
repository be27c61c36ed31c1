/* Signing in and out, the own password, and signing up. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "server/accounts.h"
#include "server/auth.h"
#include "server/operation.h"
#include "server/passwords.h"
#include "server/sessions.h"
#include "server/state.h"

/* Of the rate limit: a try takes the server a twentieth of a second; the lock-out bounds it. */
#define HASHING_COST 2

/* --- Signing in. --- */

static int begin_sign_in(struct wr_call *call)
{
	const char *login = wr_call_text(call, "login");
	struct wr_password_work work = { .shown = wr_call_text(call, "password") };
	struct wr_account account;
	int found;

	if (wr_password_admit(call, login) < 0)
		return -1;
	found = wr_account_by_login(call->db, login, &account);
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (found)
		memcpy(work.known, account.hash, sizeof(work.known));
	return wr_password_start(call, &work);
}

static int refuse_wrong(struct wr_call *call)
{
	return wr_call_fail(call, 401, "wrong-password", "The login or the password is wrong.");
}

/* The password may have been changed while it was compared. */
static int find_again(struct wr_call *call, const struct wr_password_work *work,
		      struct wr_account *ret_account)
{
	int found = wr_account_by_login(call->db, wr_call_text(call, "login"), ret_account);

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found || strcmp(ret_account->hash, work->known) != 0)
		return refuse_wrong(call);
	if (ret_account->is_disabled)
		return wr_call_fail(call, 403, "disabled",
				    "This account is disabled; an administrator can enable it.");
	return 0;
}

static int end_sign_in(struct wr_call *call)
{
	struct wr_password_work *work = wr_password_result(call);
	struct wr_account account;

	if (!work)
		return -1;
	if (!work->is_right)
		return refuse_wrong(call);
	wr_password_was_right(call, wr_call_text(call, "login"));
	if (find_again(call, work, &account) < 0 || wr_session_begin(call, &account) < 0)
		return -1;
	wr_call_audit(call, account.uid, account.login, NULL, NULL);
	wr_call_event(call, "session.created",
		      json_pack("{s:o}", "user", wr_account_brief(&account)));
	return 0;
}

static int run_sign_in(struct wr_call *call)
{
	return call->step ? end_sign_in(call) : begin_sign_in(call);
}

/* --- Who am I. --- */

static const char *const kinds[] = {
	[WR_CALLER_NOBODY] = "nobody", [WR_CALLER_USER] = "user",       [WR_CALLER_TOKEN] = "token",
	[WR_CALLER_LOCAL] = "local",   [WR_CALLER_MACHINE] = "machine",
};

static bool add_role(void *context, const struct wr_row *row)
{
	json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:s}", "org", wr_row_text(row, 0),
						 "label", wr_row_text(row, 1), "name",
						 wr_row_text(row, 2), "role", wr_row_text(row, 3)));
	return true;
}

static int add_roles(struct wr_call *call, json_t *result)
{
	json_t *roles = json_array();

	json_object_set_new(result, "roles", roles);
	return (int)wr_db_each(
		call->db,
		"SELECT o.uid, o.label, o.name, m.role FROM membership m"
		" JOIN organisation o ON o.id = m.organisation"
		" WHERE m.user = ?1 AND (?2 = 0 OR o.id = ?2) ORDER BY o.label",
		2, (struct wr_value[]){ WR_I(call->caller.user), WR_I(call->caller.only_org) },
		add_role, roles);
}

static int add_user(struct wr_call *call, json_t *result)
{
	struct wr_account account;
	int found = call->caller.user ? wr_account_get(call->db, call->caller.user, &account) : 0;

	json_object_set_new(result, "user", found > 0 ? wr_account_json(&account) : json_null());
	return found;
}

static int add_csrf(struct wr_call *call, json_t *result)
{
	char text[WR_CSRF_TEXT_LEN + 1];
	struct wr_row *row;
	int found;

	if (call->caller.kind != WR_CALLER_USER)
		return 0;
	found = WR_DB_ONE(call->db, &row, "SELECT csrf, expires FROM session WHERE id = ?",
			  WR_I(call->caller.credential));
	if (found <= 0)
		return found;
	wr_auth_csrf_text(wr_row_blob(row, 0), text);
	json_object_set_new(result, "csrf", json_string(text));
	json_object_set_new(result, "expires", wr_json_time(wr_row_int(row, 1)));
	wr_row_end(row);
	return 0;
}

static int run_show(struct wr_call *call)
{
	json_t *result = json_pack("{s:s, s:b, s:b}", "kind", kinds[call->caller.kind],
				   "is_site_admin", call->caller.is_site_admin, "may_write",
				   call->caller.may_write);
	int error = add_user(call, result);

	call->result = result;
	if (error >= 0)
		error = add_roles(call, result);
	if (error >= 0)
		error = add_csrf(call, result);
	return error < 0 ? wr_call_fail_db(call, error) : 0;
}

/* --- Signing out. --- */

static int run_sign_out(struct wr_call *call)
{
	struct wr_caller *caller = &call->caller;
	int error;

	if (caller->kind != WR_CALLER_USER)
		return wr_call_fail(call, 409, "no-session",
				    "This call is not part of a session; a token is revoked by "
				    "DELETE /tokens/{token}.");
	error = WR_DB_RUN(call->db, "DELETE FROM session WHERE id = ?", WR_I(caller->credential));
	if (error)
		return wr_call_fail_db(call, error);
	wr_account_end_streams(call,
			       &(struct wr_events_reader){ .kind = WR_CALLER_USER,
							   .credential = caller->credential });
	wr_call_audit(call, caller->uid, caller->name, NULL, NULL);
	return wr_session_forget_cookie(call);
}

/* --- The own password. --- */

static int begin_password(struct wr_call *call)
{
	struct wr_password_work work = { .shown = wr_call_text(call, "current"),
					 .wanted = wr_call_text(call, "new") };
	struct wr_account account;
	int found;

	if (call->caller.kind != WR_CALLER_USER)
		return wr_call_fail(call, 403, "sign-in",
				    "Sign in to change the own password; a site administrator "
				    "changes others' by PATCH /users/{user}.");
	found = wr_account_get(call->db, call->caller.user, &account);
	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	if (strcmp(work.shown, work.wanted) == 0)
		return wr_call_fault(call, "/new", "is the current one");
	if (strcasecmp(account.login, work.wanted) == 0)
		return wr_call_fault(call, "/new", "is the login");
	if (wr_password_admit(call, account.login) < 0)
		return -1;
	memcpy(work.known, account.hash, sizeof(work.known));
	return wr_password_start(call, &work);
}

static int store_password(struct wr_call *call, const struct wr_password_work *work)
{
	int error = WR_DB_RUN(call->db,
			      "UPDATE user SET password = ?, version = version + 1"
			      " WHERE id = ? AND password = ?",
			      WR_T(work->hash), WR_I(call->caller.user), WR_T(work->known));

	if (!error && wr_db_changes(call->db) == 0)
		return wr_call_fail(call, 409, "changed",
				    "The password was changed by another call meanwhile.");
	if (!error)
		error = wr_account_end_sessions(call, call->caller.user, call->caller.credential);
	return error ? wr_call_fail_db(call, error) : 0;
}

static int end_password(struct wr_call *call)
{
	struct wr_password_work *work = wr_password_result(call);

	if (!work)
		return -1;
	if (!work->is_right)
		return wr_call_fail(call, 403, "wrong-password", "The current password is wrong.");
	wr_password_was_right(call, call->caller.name);
	if (store_password(call, work) < 0)
		return -1;
	wr_call_audit(call, call->caller.uid, call->caller.name, NULL,
		      json_pack("{s:s}", "password", "changed"));
	wr_call_event(call, "user.changed", json_pack("{s:s}", "uid", call->caller.uid));
	return 0;
}

static int run_password(struct wr_call *call)
{
	return call->step ? end_password(call) : begin_password(call);
}

/* --- The table. --- */

static const struct wr_field sign_in_fields[] = {
	{ .name = "login",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = 255,
	  .help = "In upper or lower case" },
	{ .name = "password",
	  .kind = WR_KIND_PASSWORD,
	  .is_required = true,
	  .min = 1,
	  .max = WR_PASSWORD_MAX,
	  .help = "The password" },
	{ 0 },
};

static const struct wr_field session_fields[] = {
	{ .name = "user",
	  .kind = WR_KIND_OBJECT,
	  .is_required = true,
	  .fields = wr_account_fields,
	  .help = "Who signed in" },
	{ .name = "csrf",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "To be sent back in X-CSRF-Token with each change" },
	{ .name = "expires",
	  .kind = WR_KIND_TIME,
	  .is_required = true,
	  .help = "When the session ends by itself" },
	{ 0 },
};

static const struct wr_field role_fields[] = {
	{ .name = "org", .kind = WR_KIND_TEXT, .is_required = true, .help = "Its identifier" },
	{ .name = "label", .kind = WR_KIND_LABEL, .is_required = true, .help = "Its label" },
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "Its name" },
	{ .name = "role", .kind = WR_KIND_TEXT, .is_required = true, .help = "The role there" },
	{ 0 },
};

static const struct wr_field show_fields[] = {
	{ .name = "kind",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "\"user\" (a session), \"token\" or \"local\" (the Unix socket)" },
	{ .name = "is_site_admin",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "May do everything, in every organisation" },
	{ .name = "may_write",
	  .kind = WR_KIND_FLAG,
	  .is_required = true,
	  .help = "May change things" },
	{ .name = "user",
	  .kind = WR_KIND_OBJECT,
	  .is_required = true,
	  .can_be_null = true,
	  .fields = wr_account_fields,
	  .help = "Whose session or token it is; null for \"local\"" },
	{ .name = "roles",
	  .kind = WR_KIND_LIST,
	  .is_required = true,
	  .fields = role_fields,
	  .help = "Organisations that the user is a member of" },
	{ .name = "csrf",
	  .kind = WR_KIND_TEXT,
	  .help = "Of a session: to be sent back in X-CSRF-Token with each change" },
	{ .name = "expires", .kind = WR_KIND_TIME, .help = "Of a session: when it ends" },
	{ 0 },
};

static const struct wr_field password_fields[] = {
	{ .name = "current",
	  .kind = WR_KIND_PASSWORD,
	  .is_required = true,
	  .min = 1,
	  .max = WR_PASSWORD_MAX,
	  .help = "The password until now" },
	{ .name = "new",
	  .kind = WR_KIND_PASSWORD,
	  .is_required = true,
	  .min = WR_PASSWORD_MIN,
	  .max = WR_PASSWORD_MAX,
	  .help = "The password from now on" },
	{ 0 },
};

const struct wr_operation wr_operations_session[] = {
	{ .id = "session.create",
	  .method = WR_HTTP_POST,
	  .path = "/session",
	  .summary = "Sign in",
	  .about = "Sets the cookie of a session, which lasts for 12 hours. After five wrong "
		   "passwords for an account, or twenty from an address, each further try has to "
		   "wait twice as long (429, Retry-After), up to 15 minutes.",
	  .access = WR_ACCESS_ANYONE,
	  .is_change = true,
	  .body = sign_in_fields,
	  .result = session_fields,
	  .status = 201,
	  .cost = HASHING_COST,
	  .run = run_sign_in },
	{ .id = "session.show",
	  .method = WR_HTTP_GET,
	  .path = "/session",
	  .summary = "Who calls, and with which roles",
	  .access = WR_ACCESS_SIGNED_IN,
	  .result = show_fields,
	  .status = 200,
	  .run = run_show },
	{ .id = "session.delete",
	  .method = WR_HTTP_DELETE,
	  .path = "/session",
	  .summary = "Sign out",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_change = true,
	  .status = 204,
	  .run = run_sign_out },
	{ .id = "session.password",
	  .method = WR_HTTP_PUT,
	  .path = "/session/password",
	  .summary = "Change the own password",
	  .about = "All other sessions of the user end; this one and the tokens stay.",
	  .access = WR_ACCESS_SIGNED_IN,
	  .is_change = true,
	  .body = password_fields,
	  .status = 204,
	  .cost = HASHING_COST,
	  .run = run_password },
	{ .id = "session.sign-up",
	  .method = WR_HTTP_POST,
	  .path = "/sign-up",
	  .summary = "Make an account for oneself",
	  .about = "By the server's setting this is closed (403), takes an invite, or is open to "
		   "anyone.",
	  .access = WR_ACCESS_ANYONE,
	  .is_change = true,
	  .body = wr_sign_up_fields,
	  .result = wr_sign_up_result_fields,
	  .status = 201,
	  .cost = HASHING_COST,
	  .run = wr_sign_up_run },
	{ 0 },
};
