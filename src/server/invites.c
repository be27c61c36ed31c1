#include "server/invites.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crypto/unlock.h"
#include "server/auth.h"
#include "server/format.h"
#include "server/orgs.h"
#include "server/rows.h"

#define INVITES_OF_ORG 200
#define DEFAULT_SECONDS INT64_C(604800)
#define MAX_SECONDS INT64_C(2592000)

static const char *const roles[] = { "viewer", "operator", "admin", "owner", NULL };

#define INVITE_FIELDS \
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" }, \
		{ .name = "role", \
		  .kind = WR_KIND_CHOICE, \
		  .is_required = true, \
		  .choices = roles, \
		  .help = "The role of who signs up by it" }, \
		{ .name = "created", \
		  .kind = WR_KIND_TIME, \
		  .is_required = true, \
		  .help = "Since when" }, \
	{ \
		.name = "expires", .kind = WR_KIND_TIME, .is_required = true, \
		.help = "When it ends" \
	}

const struct wr_field wr_invite_fields[] = { INVITE_FIELDS, { 0 } };
const struct wr_field wr_invite_new_fields[] = {
	INVITE_FIELDS,
	{ .name = "invite",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The secret, for one person to sign up with; it is not shown again" },
	{ 0 },
};

/* --- Used. --- */

int wr_invite_find(struct wr_call *call, const char *secret, struct wr_invite *ret_invite)
{
	struct wr_token_hash hash = wr_token_hash_of(secret);
	struct wr_row *row;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT i.id, coalesce(i.organisation, 0), i.uid,"
			      " coalesce(o.uid, ''), coalesce(i.role, '') FROM invite i"
			      " LEFT JOIN organisation o ON o.id = i.organisation"
			      " WHERE i.hash = ? AND i.expires > ?"
			      " AND NOT coalesce(o.is_disabled, 0)",
			      WR_B(hash.bytes, sizeof(hash.bytes)), WR_I(wr_call_time(call)));

	if (found <= 0)
		return found;
	ret_invite->id = wr_row_int(row, 0);
	ret_invite->org = wr_row_int(row, 1);
	snprintf(ret_invite->uid, sizeof(ret_invite->uid), "%s", wr_row_text(row, 2));
	snprintf(ret_invite->org_uid, sizeof(ret_invite->org_uid), "%s", wr_row_text(row, 3));
	snprintf(ret_invite->role, sizeof(ret_invite->role), "%s", wr_row_text(row, 4));
	wr_row_end(row);
	return 1;
}

int wr_invite_use(struct wr_call *call, const struct wr_invite *invite, int64_t user)
{
	int error = WR_DB_RUN(call->db, "DELETE FROM invite WHERE id = ?", WR_I(invite->id));

	if (!error && invite->org)
		error = WR_DB_RUN(call->db,
				  "INSERT INTO membership (user, organisation, role, created)"
				  " VALUES (?, ?, ?, ?)",
				  WR_I(user), WR_I(invite->org), WR_T(invite->role),
				  WR_I(wr_call_time(call)));
	return error;
}

/* --- Listed. --- */

static json_t *item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:s, s:s?, s:o, s:o}", "uid", wr_row_text(row, 1), "role",
			 wr_row_text(row, 2), "created", wr_json_time(wr_row_int(row, 3)),
			 "expires", wr_json_time(wr_row_int(row, 4)));
}

int wr_invite_list_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = { WR_I(call->org), WR_I(page.after), WR_I(wr_call_time(call)),
				     WR_I(page.limit) };

	return wr_rows_list(call,
			    "SELECT id, uid, role, created, expires FROM invite"
			    " WHERE organisation = ? AND id > ? AND expires > ?"
			    " ORDER BY id LIMIT ?",
			    WR_ARRAY_LEN(values), values, item);
}

/* --- Made. --- */

/* Nobody gives away more than they have. */
static int check_role(struct wr_call *call, const char *role)
{
	if (wr_role_parse(role) <= call->caller.role)
		return 0;
	return wr_call_fail(call, 403, "role", "Your role is %s: you cannot invite an %s.",
			    wr_role_text(call->caller.role), role);
}

static int read_end(struct wr_call *call, int64_t *ret_expires)
{
	const char *text = wr_call_text(call, "expires_in");
	int64_t seconds = DEFAULT_SECONDS;

	if (text &&
	    (!wr_span_parse(text, strlen(text), &seconds) || !seconds || seconds > MAX_SECONDS))
		return wr_call_fault(call, "/expires_in",
				     "is no span such as \"7d\", of 30 days at the most");
	*ret_expires = wr_call_time(call) + seconds;
	return 0;
}

/* Removes what is over; then there is room, or not. */
static int check_room(struct wr_call *call)
{
	int64_t count;
	int error = WR_DB_RUN(call->db,
			      "DELETE FROM invite WHERE organisation = ? AND expires <= ?",
			      WR_I(call->org), WR_I(wr_call_time(call)));

	if (error)
		return wr_call_fail_db(call, error);
	if (wr_rows_number(call, "SELECT count(*) FROM invite WHERE organisation = ?",
			   WR_I(call->org), &count) < 0)
		return -1;
	if (count < INVITES_OF_ORG)
		return 0;
	return wr_call_fail(call, 409, "quota",
			    "The organisation has %d invites that nobody used; remove one first.",
			    INVITES_OF_ORG);
}

static int add(struct wr_call *call, const char *role, int64_t expires)
{
	char secret[WR_TOKEN_LEN], uid[WR_UID_LEN + 1];
	struct wr_token_hash hash;
	int64_t now = wr_call_time(call);
	int error;

	wr_uid_new('i', uid);
	wr_token_new(WR_INVITE_PREFIX, secret, &hash);
	error = WR_DB_RUN(call->db,
			  "INSERT INTO invite (uid, hash, organisation, role, created, expires,"
			  " creator) VALUES (?, ?, ?, ?, ?, ?, ?)",
			  WR_T(uid), WR_B(hash.bytes, sizeof(hash.bytes)), WR_I(call->org),
			  WR_T(role), WR_I(now), WR_I(expires),
			  call->caller.user ? WR_I(call->caller.user) : WR_N);
	if (error)
		return wr_call_fail_db(call, error);
	call->result = json_pack("{s:s, s:s, s:o, s:o, s:s}", "uid", uid, "role", role, "created",
				 wr_json_time(now), "expires", wr_json_time(expires), "invite",
				 secret);
	wr_wipe(secret, sizeof(secret));
	wr_call_audit(call, uid, NULL, NULL,
		      json_pack("{s:s, s:o}", "role", role, "expires", wr_json_time(expires)));
	wr_call_event(call, "invite.created", json_pack("{s:s, s:s}", "uid", uid, "role", role));
	return 0;
}

int wr_invite_add_run(struct wr_call *call)
{
	const char *role = wr_call_text(call, "role");
	int64_t expires = 0;

	if (check_role(call, role) < 0 || read_end(call, &expires) < 0 || check_room(call) < 0)
		return -1;
	return add(call, role, expires);
}

/* --- Removed. --- */

int wr_invite_remove_run(struct wr_call *call)
{
	int error = WR_DB_RUN(call->db, "DELETE FROM invite WHERE organisation = ? AND uid = ?",
			      WR_I(call->org), WR_T(call->path[1]));

	if (error)
		return wr_call_fail_db(call, error);
	if (wr_db_changes(call->db) == 0)
		return wr_call_fail(call, 404, "not-found", "There is no such invite.");
	wr_call_audit(call, call->path[1], NULL, json_pack("{s:s}", "uid", call->path[1]), NULL);
	wr_call_event(call, "invite.removed", json_pack("{s:s}", "uid", call->path[1]));
	return 0;
}
