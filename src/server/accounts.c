#include "server/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/state.h"

#define COLUMNS \
	"id, uid, login, name, password, is_site_admin, is_disabled, created, version FROM user "

const struct wr_field wr_account_fields[] = {
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
	  .help = "May not sign in, and its tokens do not work" },
	{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "Since when" },
	{ 0 },
};

const struct wr_field wr_account_brief_fields[] = {
	{ .name = "uid", .kind = WR_KIND_TEXT, .is_required = true, .help = "Identifier" },
	{ .name = "login", .kind = WR_KIND_TEXT, .is_required = true, .help = "Signs in by it" },
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true, .help = "What to call them" },
	{ 0 },
};

/* --- Rows. --- */

static void copy(const struct wr_row *row, unsigned column, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s", wr_row_text(row, column));
}

/* What wr_db_one() said; ends the row. */
static int take(int found, struct wr_row *row, struct wr_account *ret_account)
{
	if (found <= 0)
		return found;
	*ret_account = (struct wr_account){
		.id = wr_row_int(row, 0),
		.is_site_admin = wr_row_int(row, 5) != 0,
		.is_disabled = wr_row_int(row, 6) != 0,
		.created = wr_row_int(row, 7),
		.version = wr_row_int(row, 8),
	};
	copy(row, 1, ret_account->uid, sizeof(ret_account->uid));
	copy(row, 2, ret_account->login, sizeof(ret_account->login));
	copy(row, 3, ret_account->name, sizeof(ret_account->name));
	copy(row, 4, ret_account->hash, sizeof(ret_account->hash));
	wr_row_end(row);
	return 1;
}

int wr_account_get(struct wr_db *db, int64_t id, struct wr_account *ret_account)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT " COLUMNS "WHERE id = ?", WR_I(id));

	return take(found, row, ret_account);
}

int wr_account_by_login(struct wr_db *db, const char *login, struct wr_account *ret_account)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT " COLUMNS "WHERE login = ?", WR_T(login));

	return take(found, row, ret_account);
}

static int by_uid(struct wr_db *db, const char *uid, struct wr_account *ret_account)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT " COLUMNS "WHERE uid = ?", WR_T(uid));

	return take(found, row, ret_account);
}

int wr_account_named(struct wr_call *call, const char *text, struct wr_account *ret_account)
{
	int found = by_uid(call->db, text, ret_account);

	if (found == 0)
		found = wr_account_by_login(call->db, text, ret_account);
	if (found < 0)
		return wr_call_fail_db(call, found);
	return found ? 0 : wr_call_fail(call, 404, "not-found", "There is no such user.");
}

/* --- What is good. --- */

static bool is_between(char letter, char first, char last)
{
	return letter >= first && letter <= last;
}

static bool is_plain(char letter)
{
	return is_between(letter, 'a', 'z') || is_between(letter, 'A', 'Z') ||
	       is_between(letter, '0', '9');
}

static bool is_login(const char *text)
{
	if (!is_plain(*text))
		return false;
	for (; *text; text++) {
		if (!is_plain(*text) && !strchr("._-@+", *text))
			return false;
	}
	return true;
}

/* Paths take either: one person's login must not be another's identifier. */
static bool is_like_uid(const char *text)
{
	return strlen(text) == WR_UID_LEN && strspn(text, "abcdefghijklmnopqrstuvwxyz"
							  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "234567") == WR_UID_LEN;
}

void wr_account_check(struct wr_call *call, const char *login, const char *name,
		      const char *password)
{
	const char *fault = name ? wr_name_fault(name, strlen(name)) : NULL;

	if (login && (!is_login(login) || is_like_uid(login)))
		wr_call_fault(
			call, "/login",
			"is made of letters a-z, digits and . _ - @ +, with a letter or digit "
			"first, and is no identifier");
	if (fault)
		wr_call_fault(call, "/name", "%s", fault);
	if (login && password && strcasecmp(login, password) == 0)
		wr_call_fault(call, "/password", "is the login");
}

/* --- Changes. --- */

static void lower(char *text)
{
	for (; *text; text++) {
		if (is_between(*text, 'A', 'Z'))
			*text = (char)(*text - 'A' + 'a');
	}
}

int wr_account_add(struct wr_call *call, struct wr_account *account)
{
	int error;

	wr_uid_new('u', account->uid);
	lower(account->login);
	account->created = wr_call_time(call);
	account->version = 1;
	error = WR_DB_RUN(call->db,
			  "INSERT INTO user (uid, login, name, password, is_site_admin,"
			  " is_disabled, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
			  WR_T(account->uid), WR_T(account->login), WR_T(account->name),
			  WR_T(account->hash), WR_I(account->is_site_admin),
			  WR_I(account->is_disabled), WR_I(account->created));
	if (error == -EEXIST)
		return wr_call_fail(call, 409, "conflict",
				    "The login \"%s\" is taken; choose another.", account->login);
	if (error)
		return wr_call_fail_db(call, error);
	account->id = wr_db_last_id(call->db);
	return 0;
}

int wr_account_end_sessions(struct wr_call *call, int64_t user, int64_t but)
{
	wr_account_end_streams(call, &(struct wr_events_reader){ .user = user });
	return WR_DB_RUN(call->db, "DELETE FROM session WHERE user = ? AND id <> ?", WR_I(user),
			 WR_I(but));
}

/* --- Streams. --- */

static bool is_whose(void *context, const struct wr_events_reader *reader)
{
	const struct wr_events_reader *whose = context;

	return (!whose->user || whose->user == reader->user) &&
	       (!whose->org || whose->org == reader->org) &&
	       (!whose->credential ||
		(whose->credential == reader->credential && whose->kind == reader->kind));
}

static void end_streams(struct wr_server *server, void *whose)
{
	if (server->events)
		wr_events_end(server->events, is_whose, whose);
}

void wr_account_end_streams(struct wr_call *call, const struct wr_events_reader *whose)
{
	struct wr_events_reader *kept = malloc(sizeof(*kept));

	/* Without memory they end with their credential's next use. */
	if (!kept)
		return;
	*kept = *whose;
	wr_call_then(call, end_streams, kept, free);
}

/* --- Shown. --- */

json_t *wr_account_json(const struct wr_account *account)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "uid", account->uid, "login",
			 account->login, "name", account->name, "is_site_admin",
			 account->is_site_admin, "is_disabled", account->is_disabled, "created",
			 wr_json_time(account->created));
}

json_t *wr_account_brief(const struct wr_account *account)
{
	return json_pack("{s:s, s:s, s:s}", "uid", account->uid, "login", account->login, "name",
			 account->name);
}

json_t *wr_account_settings(const struct wr_account *account)
{
	return json_pack("{s:s, s:s, s:b, s:b}", "login", account->login, "name", account->name,
			 "is_site_admin", account->is_site_admin, "is_disabled",
			 account->is_disabled);
}
