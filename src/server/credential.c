#include "server/credential.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "crypto/unlock.h"
#include "server/auth.h"

static const char *bearer_of(const struct wr_http_request *request)
{
	const char *text = wr_http_header(request, "authorization");

	if (!text || strncasecmp(text, "bearer ", 7) != 0)
		return NULL;
	return text + 7 + strspn(text + 7, " ");
}

/* The cookie's value, up to its ';'; NULL if there is none. */
static const char *cookie_of(const struct wr_http_request *request)
{
	static const char name[] = WR_SESSION_COOKIE "=";
	const char *at = wr_http_header(request, "cookie");

	while (at && *at) {
		at += strspn(at, " ;");
		if (strncmp(at, name, sizeof(name) - 1) == 0)
			return at + sizeof(name) - 1;
		at = strchr(at, ';');
	}
	return NULL;
}

const char *wr_auth_shown(const struct wr_http_request *request)
{
	const char *bearer = bearer_of(request);

	return bearer ? bearer : cookie_of(request);
}

bool wr_auth_has_credentials(const struct wr_http_request *request)
{
	return wr_http_is_unix(request) || wr_auth_shown(request);
}

void wr_auth_csrf_text(struct wr_bytes csrf, char ret_text[WR_CSRF_TEXT_LEN + 1])
{
	struct wr_key key = { 0 };

	if (csrf.len == sizeof(key.bytes))
		memcpy(key.bytes, csrf.data, csrf.len);
	wr_key_to_hex(&key, ret_text);
}

static void take_user(const struct wr_row *row, struct wr_credential *credential)
{
	credential->row = wr_row_int(row, 0);
	credential->user = wr_row_int(row, 1);
	credential->last_used = wr_row_int(row, 2);
	credential->is_site_admin = wr_row_int(row, 3) != 0;
}

static void take_session(const struct wr_row *row, struct wr_credential *credential)
{
	struct wr_bytes csrf = wr_row_blob(row, 6);

	take_user(row, credential);
	credential->kind = WR_CALLER_USER;
	credential->may_write = true;
	credential->role_limit = WR_ACCESS_SITE;
	snprintf(credential->uid, sizeof(credential->uid), "%s", wr_row_text(row, 4));
	snprintf(credential->name, sizeof(credential->name), "%s", wr_row_text(row, 5));
	if (csrf.len == sizeof(credential->csrf.bytes))
		memcpy(credential->csrf.bytes, csrf.data, csrf.len);
}

static int find_session(struct wr_db *db, const char *text, int64_t now,
			struct wr_credential *credential)
{
	struct wr_token_hash hash = wr_token_hash_of(text);
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT s.id, s.user, s.last_used, u.is_site_admin, u.uid, u.login,"
			      " s.csrf FROM session s JOIN user u ON u.id = s.user"
			      " WHERE s.hash = ? AND s.expires > ? AND NOT u.is_disabled",
			      WR_B(hash.bytes, sizeof(hash.bytes)), WR_I(now));

	if (found > 0) {
		take_session(row, credential);
		wr_row_end(row);
	}
	return found;
}

static void take_token(const struct wr_row *row, struct wr_credential *credential)
{
	take_user(row, credential);
	credential->kind = WR_CALLER_TOKEN;
	credential->may_write = wr_row_int(row, 6) != 0;
	credential->only_org = wr_row_is_null(row, 7) ? 0 : wr_row_int(row, 7);
	credential->role_limit = wr_row_is_null(row, 8) ? WR_ACCESS_SITE
							: wr_role_parse(wr_row_text(row, 8));
	snprintf(credential->uid, sizeof(credential->uid), "%s", wr_row_text(row, 4));
	snprintf(credential->name, sizeof(credential->name), "token %s", wr_row_text(row, 5));
}

static int find_token(struct wr_db *db, const char *text, int64_t now,
		      struct wr_credential *credential)
{
	struct wr_token_hash hash = wr_token_hash_of(text);
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(
		db, &row,
		"SELECT t.id, t.user, t.last_used, u.is_site_admin, t.uid, t.name,"
		" t.may_write, t.organisation, t.role"
		" FROM token t JOIN user u ON u.id = t.user WHERE t.hash = ?"
		" AND (coalesce(t.expires, 0) = 0 OR t.expires > ?) AND NOT u.is_disabled",
		WR_B(hash.bytes, sizeof(hash.bytes)), WR_I(now));

	if (found > 0) {
		take_token(row, credential);
		wr_row_end(row);
	}
	return found;
}

/* --- Agents. --- */

static void take_machine(const struct wr_row *row, int64_t now, struct wr_credential *credential)
{
	*credential = (struct wr_credential){
		.kind = WR_CALLER_MACHINE,
		.row = wr_row_int(row, 0),
		.only_org = wr_row_int(row, 1),
		.may_write = true,
		.last_used = now,
	};
	snprintf(credential->uid, sizeof(credential->uid), "%s", wr_row_text(row, 2));
	snprintf(credential->name, sizeof(credential->name), "machine %s", wr_row_text(row, 3));
}

static int find_machine(struct wr_db *db, const char *text, int64_t now,
			struct wr_credential *credential)
{
	struct wr_token_hash hash = wr_token_hash_of(text);
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row,
			      "SELECT id, organisation, uid, label FROM machine WHERE token = ?",
			      WR_B(hash.bytes, sizeof(hash.bytes)));

	if (found > 0) {
		take_machine(row, now, credential);
		wr_row_end(row);
	}
	return found;
}

static bool is_machine_token(const char *text)
{
	return strncmp(text, WR_MACHINE_PREFIX, sizeof(WR_MACHINE_PREFIX) - 1) == 0;
}

int wr_credential_find(struct wr_db *db, const struct wr_http_request *request, int64_t now,
		       struct wr_credential *ret_credential)
{
	const char *bearer = bearer_of(request), *cookie = cookie_of(request);
	char text[WR_TOKEN_LEN];
	size_t len;

	if (bearer && is_machine_token(bearer))
		return find_machine(db, bearer, now, ret_credential);
	if (bearer)
		return find_token(db, bearer, now, ret_credential);
	if (!cookie)
		return 0;
	len = strcspn(cookie, "; ");
	if (len >= sizeof(text))
		return 0;
	memcpy(text, cookie, len);
	text[len] = '\0';
	return find_session(db, text, now, ret_credential);
}
