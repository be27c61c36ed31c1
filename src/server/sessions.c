#include "server/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/unlock.h"
#include "server/auth.h"

/* --- The cookie. --- */

/* SameSite=Strict: no other site's page can make the browser send it. */
static int set_cookie(struct wr_call *call, const char *value, int64_t seconds)
{
	const char *secure = call->request && wr_http_is_secure(call->request) ? "; Secure" : "";

	free(call->cookie);
	if (asprintf(&call->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
		     WR_SESSION_COOKIE, value, (long long)seconds, secure) >= 0)
		return 0;
	call->cookie = NULL;
	return wr_call_fail(call, 503, "memory", "The server is short of memory.");
}

int wr_session_forget_cookie(struct wr_call *call)
{
	return set_cookie(call, "", 0);
}

/* --- The row. --- */

/* Those that are over, and of this user's the oldest of too many. */
static int remove_old(struct wr_call *call, int64_t user)
{
	int error = WR_DB_RUN(call->db, "DELETE FROM session WHERE expires <= ?",
			      WR_I(wr_call_time(call)));

	if (!error)
		error = WR_DB_RUN(call->db,
				  "DELETE FROM session WHERE user = ?1 AND id NOT IN"
				  " (SELECT id FROM session WHERE user = ?1"
				  "  ORDER BY id DESC LIMIT ?2)",
				  WR_I(user), WR_I(WR_SESSIONS_OF_USER - 1));
	return error;
}

static int add_row(struct wr_call *call, int64_t user, const struct wr_token_hash *hash,
		   const uint8_t csrf[WR_CSRF_LEN])
{
	char address[WR_ENDPOINT_TEXT_LEN] = "";
	int64_t now = wr_call_time(call);

	if (call->caller.address.family != WR_FAMILY_NONE)
		wr_ip_format(&call->caller.address, address);
	return WR_DB_RUN(call->db,
			 "INSERT INTO session (hash, csrf, user, created, last_used, expires,"
			 " address) VALUES (?, ?, ?, ?, ?, ?, ?)",
			 WR_B(hash->bytes, sizeof(hash->bytes)), WR_B(csrf, WR_CSRF_LEN),
			 WR_I(user), WR_I(now), WR_I(now), WR_I(now + WR_SESSION_SECONDS),
			 WR_T(address));
}

/* The audit log says who it was. */
static void become(struct wr_call *call, const struct wr_account *account)
{
	struct wr_caller *caller = &call->caller;

	caller->kind = WR_CALLER_USER;
	caller->user = account->id;
	caller->credential = wr_db_last_id(call->db);
	caller->is_site_admin = account->is_site_admin;
	caller->may_write = true;
	memcpy(caller->uid, account->uid, sizeof(caller->uid));
	snprintf(caller->name, sizeof(caller->name), "%s", account->login);
}

static void set_result(struct wr_call *call, const struct wr_account *account,
		       const uint8_t csrf[WR_CSRF_LEN])
{
	char text[WR_CSRF_TEXT_LEN + 1];

	wr_auth_csrf_text((struct wr_bytes){ csrf, WR_CSRF_LEN }, text);
	call->result = json_pack("{s:o, s:s, s:o}", "user", wr_account_json(account), "csrf", text,
				 "expires", wr_json_time(wr_call_time(call) + WR_SESSION_SECONDS));
}

int wr_session_begin(struct wr_call *call, const struct wr_account *account)
{
	char token[WR_TOKEN_LEN];
	struct wr_token_hash hash;
	uint8_t csrf[WR_CSRF_LEN];
	int error = remove_old(call, account->id);

	wr_token_new(WR_SESSION_PREFIX, token, &hash);
	wr_random(csrf, sizeof(csrf));
	if (!error)
		error = add_row(call, account->id, &hash, csrf);
	if (error)
		return wr_call_fail_db(call, error);
	become(call, account);
	set_result(call, account, csrf);
	error = set_cookie(call, token, WR_SESSION_SECONDS);
	wr_wipe(token, sizeof(token));
	return error;
}
