/* Members of an organisation, and their roles. */
#include <errno.h>
#include <string.h>

#include "server/accounts.h"
#include "server/auth.h"
#include "server/orgs.h"
#include "server/rows.h"

static const char *const roles[] = { "viewer", "operator", "admin", "owner", NULL };

const struct wr_field wr_member_fields[] = {
	{ .name = "user",
	  .kind = WR_KIND_OBJECT,
	  .is_required = true,
	  .fields = wr_account_brief_fields,
	  .help = "Who it is" },
	{ .name = "role",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = roles,
	  .help = "What they may do" },
	{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "Since when" },
	{ 0 },
};

/* --- Listed. --- */

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:{s:s, s:s, s:s}, s:s, s:o}", "user", "uid", wr_row_text(row, 1),
			 "login", wr_row_text(row, 2), "name", wr_row_text(row, 3), "role",
			 wr_row_text(row, 4), "created", wr_json_time(wr_row_int(row, 5)));
}

int wr_member_list_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(call->org), WR_I(page.after), WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT u.id, u.uid, u.login, u.name, m.role, m.created"
			    " FROM membership m JOIN user u ON u.id = m.user"
			    " WHERE m.organisation = ? AND u.id > ? ORDER BY u.id LIMIT ?",
			    WR_ARRAY_LEN(values), values, item);
}

/* --- One. --- */

struct member {
	struct wr_account account;
	enum wr_access role; /* WR_ACCESS_SIGNED_IN: none */
	int64_t created;
};

static int find(struct wr_call *call, struct member *ret_member)
{
	struct wr_row *row;
	int found;

	if (wr_account_named(call, call->path[1], &ret_member->account) < 0)
		return -1;
	ret_member->role = WR_ACCESS_SIGNED_IN;
	ret_member->created = wr_call_time(call);
	found = WR_DB_ONE(call->db, &row,
			  "SELECT role, created FROM membership WHERE user = ?"
			  " AND organisation = ?",
			  WR_I(ret_member->account.id), WR_I(call->org));
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return 0;
	ret_member->role = wr_role_parse(wr_row_text(row, 0));
	ret_member->created = wr_row_int(row, 1);
	wr_row_end(row);
	return 0;
}

/* An organisation without an owner would be nobody's. */
static int keep_an_owner(struct wr_call *call, const struct member *member)
{
	struct wr_row *row;
	int found;

	if (member->role != WR_ACCESS_OWNER)
		return 0;
	found = WR_DB_ONE(call->db, &row,
			  "SELECT 1 FROM membership WHERE organisation = ? AND role = 'owner'"
			  " AND user <> ? LIMIT 1",
			  WR_I(call->org), WR_I(member->account.id));
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 409, "last-owner",
				    "This is the last owner; make another member owner first.");
	wr_row_end(row);
	return 0;
}

static json_t *role_json(enum wr_access role)
{
	const char *text = wr_role_text(role);

	return text ? json_pack("{s:s}", "role", text) : NULL;
}

static void note(struct wr_call *call, const char *type, const struct member *member,
		 enum wr_access role)
{
	const struct wr_account *account = &member->account;

	/* What a stream may tell goes by the role that its reader had. */
	if (role < member->role)
		wr_account_end_streams(call, &(struct wr_events_reader){ .user = account->id,
									 .org = call->org });
	wr_call_audit(call, account->uid, account->login, role_json(member->role), role_json(role));
	wr_call_event(call, type,
		      json_pack("{s:o, s:s?}", "user", wr_account_brief(account), "role",
				wr_role_text(role)));
}

static int store(struct wr_call *call, const struct member *member, enum wr_access role)
{
	int error =
		WR_DB_RUN(call->db,
			  "INSERT INTO membership (user, organisation, role, created)"
			  " VALUES (?, ?, ?, ?)"
			  " ON CONFLICT (user, organisation) DO UPDATE SET role = excluded.role",
			  WR_I(member->account.id), WR_I(call->org), WR_T(wr_role_text(role)),
			  WR_I(member->created));

	return error ? wr_call_fail_db(call, error) : 0;
}

int wr_member_set_run(struct wr_call *call)
{
	enum wr_access role = wr_role_parse(wr_call_text(call, "role"));
	struct member member;

	if (find(call, &member) < 0)
		return -1;
	if (role != WR_ACCESS_OWNER && keep_an_owner(call, &member) < 0)
		return -1;
	if (store(call, &member, role) < 0)
		return -1;
	note(call, member.role == WR_ACCESS_SIGNED_IN ? "member.added" : "member.changed", &member,
	     role);
	call->result = json_pack("{s:o, s:s, s:o}", "user", wr_account_brief(&member.account),
				 "role", wr_role_text(role), "created",
				 wr_json_time(member.created));
	return 0;
}

int wr_member_remove_run(struct wr_call *call)
{
	struct member member;
	int error;

	if (find(call, &member) < 0)
		return -1;
	if (member.role == WR_ACCESS_SIGNED_IN)
		return wr_call_fail(call, 404, "not-found", "The user is no member.");
	if (keep_an_owner(call, &member) < 0)
		return -1;
	error = WR_DB_RUN(call->db, "DELETE FROM membership WHERE user = ? AND organisation = ?",
			  WR_I(member.account.id), WR_I(call->org));
	if (error)
		return wr_call_fail_db(call, error);
	note(call, "member.removed", &member, WR_ACCESS_SIGNED_IN);
	return 0;
}
