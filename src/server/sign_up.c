/* Signing up: an account for oneself, where the server's setting allows it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/accounts.h"
#include "server/auth.h"
#include "server/invites.h"
#include "server/orgs.h"
#include "server/passwords.h"
#include "server/sessions.h"
#include "server/state.h"

/* Strangers fill no disk: more accounts are made by site administrators only. */
#define ACCOUNTS_MAX 10000

const struct wr_field wr_sign_up_fields[] = {
	{ .name = "login",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LOGIN_LEN,
	  .help = "To sign in by: letters a-z, digits and . _ - @ +" },
	{ .name = "name",
	  .kind = WR_KIND_NAME,
	  .help = "What to call you; the login if not given" },
	{ .name = "password",
	  .kind = WR_KIND_PASSWORD,
	  .is_required = true,
	  .min = WR_PASSWORD_MIN,
	  .max = WR_PASSWORD_MAX,
	  .help = "The password" },
	{ .name = "invite", .kind = WR_KIND_TEXT, .min = 1, .max = 63, .help = "An invite" },
	{ .name = "organisation",
	  .kind = WR_KIND_NAME,
	  .help = "Name of an organisation to make, of which you are the owner" },
	{ 0 },
};

const struct wr_field wr_sign_up_result_fields[] = {
	{ .name = "user",
	  .kind = WR_KIND_OBJECT,
	  .is_required = true,
	  .fields = wr_account_fields,
	  .help = "The new account" },
	{ 0 },
};

/* --- Whether. --- */

static int check_mode(struct wr_call *call)
{
	const struct wr_server_config *config = &call->server->config;

	if (config->sign_up == WR_SIGN_UP_CLOSED)
		return wr_call_fail(call, 403, "closed",
				    "Signing up is closed here; ask an administrator for an "
				    "account.");
	if (config->sign_up == WR_SIGN_UP_INVITE && !wr_call_text(call, "invite"))
		return wr_call_fault(call, "/invite",
				     "is missing: signing up takes an invite here");
	if (config->sign_up != WR_SIGN_UP_OPEN && wr_call_text(call, "organisation"))
		return wr_call_fault(call, "/organisation",
				     "is made by site administrators only here");
	return 0;
}

static int check_room(struct wr_call *call)
{
	struct wr_row *row;
	int found = WR_DB_ONE(call->db, &row, "SELECT count(*) FROM user");
	int64_t count;

	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -EIO);
	count = wr_row_int(row, 0);
	wr_row_end(row);
	if (count < ACCOUNTS_MAX)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "There are as many accounts as may sign up; ask an administrator.");
}

/* `ret_invite->id` is 0 without one. Who guesses invites has to wait like who guesses
 * passwords. */
static int find_invite(struct wr_call *call, struct wr_invite *ret_invite)
{
	const char *secret = wr_call_text(call, "invite");
	int found;

	*ret_invite = (struct wr_invite){ .id = 0 };
	if (!secret)
		return 0;
	if (wr_password_admit(call, NULL) < 0)
		return -1;
	found = wr_invite_find(call, secret, ret_invite);
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fault(call, "/invite", "is none, was used, or is over");
	wr_password_was_right(call, NULL);
	return 0;
}

static int is_taken(struct wr_call *call)
{
	struct wr_account account;
	int found = wr_account_by_login(call->db, wr_call_text(call, "login"), &account);

	if (found < 0)
		return wr_call_fail_db(call, found);
	return found ? wr_call_fail(call, 409, "conflict", "This login is taken; choose another.")
		     : 0;
}

static int check(struct wr_call *call, struct wr_invite *ret_invite)
{
	if (check_mode(call) < 0)
		return -1;
	wr_account_check(call, wr_call_text(call, "login"), wr_call_text(call, "name"),
			 wr_call_text(call, "password"));
	if (call->problem.status || find_invite(call, ret_invite) < 0 || check_room(call) < 0)
		return -1;
	return is_taken(call);
}

/* --- The account. --- */

static int begin(struct wr_call *call)
{
	struct wr_password_work work = { .wanted = wr_call_text(call, "password") };
	struct wr_invite invite;

	if (check(call, &invite) < 0)
		return -1;
	return wr_password_start(call, &work);
}

static int add_account(struct wr_call *call, struct wr_account *account)
{
	const char *name = wr_call_text(call, "name");
	struct wr_password_work *work = wr_password_result(call);

	if (!work)
		return -1;
	*account = (struct wr_account){ .id = 0 };
	memcpy(account->hash, work->hash, sizeof(account->hash));
	snprintf(account->login, sizeof(account->login), "%s", wr_call_text(call, "login"));
	snprintf(account->name, sizeof(account->name), "%s", name ? name : account->login);
	return wr_account_add(call, account);
}

/* The new account is who did it. */
static void become(struct wr_call *call, const struct wr_account *account)
{
	call->caller.kind = WR_CALLER_USER;
	call->caller.user = account->id;
	memcpy(call->caller.uid, account->uid, sizeof(call->caller.uid));
	snprintf(call->caller.name, sizeof(call->caller.name), "%s", account->login);
}

static int use_invite(struct wr_call *call, const struct wr_invite *invite,
		      const struct wr_account *account)
{
	int error = invite->id ? wr_invite_use(call, invite, account->id) : 0;

	if (error)
		return wr_call_fail_db(call, error);
	if (!invite->org)
		return 0;
	call->org = invite->org;
	memcpy(call->org_uid, invite->org_uid, sizeof(call->org_uid));
	wr_call_audit(call, account->uid, account->login, NULL,
		      json_pack("{s:s, s:s}", "role", invite->role, "invite", invite->uid));
	wr_call_event(call, "member.added",
		      json_pack("{s:o, s:s}", "user", wr_account_brief(account), "role",
				invite->role));
	return 0;
}

static int add_organisation(struct wr_call *call, const struct wr_account *account)
{
	struct wr_org_wish wish = {
		.name = wr_call_text(call, "organisation"),
		.has_v4 = true,
		.has_v6 = true,
		.machine_quota = WR_ORG_OPEN_QUOTA,
		.owner = account->id,
	};
	struct wr_org org;

	return wish.name ? wr_org_add(call, &wish, &org) : 0;
}

static int end(struct wr_call *call)
{
	struct wr_account account;
	struct wr_invite invite;

	if (check(call, &invite) < 0 || add_account(call, &account) < 0)
		return -1;
	become(call, &account);
	wr_call_audit(call, account.uid, account.login, NULL, wr_account_settings(&account));
	wr_call_event(call, "user.created", json_pack("{s:o}", "user", wr_account_brief(&account)));
	if (use_invite(call, &invite, &account) < 0 || add_organisation(call, &account) < 0)
		return -1;
	call->result = json_pack("{s:o}", "user", wr_account_json(&account));
	return 0;
}

int wr_sign_up_run(struct wr_call *call)
{
	return call->step ? end(call) : begin(call);
}
