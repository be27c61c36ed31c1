#include "server/auth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "crypto/unlock.h"
#include "server/credential.h"
#include "server/state.h"
#include "server/touch.h"

/* --- Roles. --- */
static const char *const roles[] = {
	[WR_ACCESS_VIEWER] = "viewer",
	[WR_ACCESS_OPERATOR] = "operator",
	[WR_ACCESS_ADMIN] = "admin",
	[WR_ACCESS_OWNER] = "owner",
};

enum wr_access wr_role_parse(const char *text)
{
	for (unsigned i = WR_ACCESS_VIEWER; text && i <= WR_ACCESS_OWNER; i++) {
		if (strcmp(text, roles[i]) == 0)
			return (enum wr_access)i;
	}
	return WR_ACCESS_SIGNED_IN;
}

const char *wr_role_text(enum wr_access role)
{
	return role >= WR_ACCESS_VIEWER && role <= WR_ACCESS_OWNER ? roles[role] : NULL;
}

/* --- Who. --- */
static int refuse_signed_out(struct wr_call *call)
{
	return wr_call_fail(call, 401, "signed-out",
			    "The session or token is unknown, or is over: sign in again, or make "
			    "a new token.");
}

static void be_local(struct wr_caller *caller)
{
	caller->kind = WR_CALLER_LOCAL;
	caller->is_site_admin = true;
	caller->may_write = true;
	snprintf(caller->name, sizeof(caller->name), "local");
}

static void be(struct wr_caller *caller, const struct wr_credential *credential)
{
	bool is_limited = credential->only_org || credential->role_limit != WR_ACCESS_SITE;

	caller->kind = credential->kind;
	caller->user = credential->user;
	caller->credential = credential->row;
	caller->machine = credential->kind == WR_CALLER_MACHINE ? credential->row : 0;
	caller->is_site_admin = credential->is_site_admin && !is_limited;
	caller->may_write = credential->may_write;
	caller->only_org = credential->only_org;
	memcpy(caller->uid, credential->uid, sizeof(caller->uid));
	memcpy(caller->name, credential->name, sizeof(caller->name));
}

static bool is_local(const struct wr_http_request *request)
{
	uid_t uid;

	if (!wr_http_is_unix(request))
		return false;
	uid = wr_http_uid(request);
	return uid == 0 || uid == geteuid();
}

/* Whoever shows something that is wrong is nobody where anyone may call; elsewhere it is
 * refused. A session or token counts before the way it came. */
static int recognise(struct wr_call *call, struct wr_credential *credential)
{
	int found = wr_credential_find(call->db, call->request, wr_call_time(call), credential);

	if (found < 0)
		return wr_call_fail_db(call, found);
	/* An agent is nobody but where agents call. */
	if (found > 0 && credential->kind == WR_CALLER_MACHINE &&
	    call->operation->access == WR_ACCESS_ANYONE)
		return 0;
	if (found > 0) {
		be(&call->caller, credential);
		call->is_to_be_touched = wr_call_time(call) - credential->last_used >=
					 WR_TOUCH_SECONDS;
		return 0;
	}
	if (!wr_auth_shown(call->request) && is_local(call->request)) {
		be_local(&call->caller);
		return 0;
	}
	return call->operation->access == WR_ACCESS_ANYONE ? 0 : refuse_signed_out(call);
}

/* --- Forged requests: what a browser was made to send by somebody else's page. --- */

/* "https://host:port" against "host:port". */
static bool is_same_origin(const char *origin, const char *host)
{
	const char *at = strstr(origin, "://");

	return at && host && strcasecmp(at + 3, host) == 0;
}

static bool is_from_elsewhere(const struct wr_http_request *request)
{
	const char *site = wr_http_header(request, "sec-fetch-site");
	const char *origin = wr_http_header(request, "origin");

	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return true;
	return origin && !is_same_origin(origin, wr_http_header(request, "host"));
}

/* In constant time. */
static bool has_csrf(const struct wr_call *call, const struct wr_credential *credential)
{
	const char *text = wr_http_header(call->request, "x-csrf-token");
	struct wr_key shown;

	return text && wr_key_from_hex(text, strlen(text), &shown) &&
	       wr_key_equal(&shown, &credential->csrf);
}

/* Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet. */
static int check_forgery(struct wr_call *call, const struct wr_credential *credential)
{
	enum wr_http_method method = wr_http_method(call->request);
	bool is_read = method == WR_HTTP_GET || method == WR_HTTP_HEAD;
	bool is_browser = call->caller.kind == WR_CALLER_USER ||
			  call->caller.kind == WR_CALLER_NOBODY;

	if (is_read || !is_browser)
		return 0;
	if (is_from_elsewhere(call->request))
		return wr_call_fail(call, 403, "other-site", "Another site's page sent this.");
	if (call->caller.kind == WR_CALLER_NOBODY || call->operation->access == WR_ACCESS_ANYONE)
		return 0;
	if (!has_csrf(call, credential))
		return wr_call_fail(call, 403, "csrf",
				    "The header X-CSRF-Token is missing or wrong: it has to be "
				    "what signing in, or GET /session, said.");
	return 0;
}

/* --- Where. --- */
struct org {
	int64_t row;
	bool is_disabled;
};

static int find_org_by(struct wr_call *call, const char *sql, const char *text, struct org *ret_org)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row, sql, WR_T(text));

	if (found <= 0)
		return found;
	ret_org->row = wr_row_int(row, 0);
	ret_org->is_disabled = wr_row_int(row, 2) != 0;
	snprintf(call->org_uid, sizeof(call->org_uid), "%s", wr_row_text(row, 1));
	wr_row_end(row);
	return 1;
}

/* An identifier stands before a label: nobody can take another's by a name that is like it. */
static int find_org(struct wr_call *call, const char *text, struct org *ret_org)
{
	int found = 0;

	if (strlen(text) == WR_UID_LEN)
		found = find_org_by(call,
				    "SELECT id, uid, is_disabled FROM organisation WHERE uid = ?",
				    text, ret_org);
	if (found == 0)
		found = find_org_by(call,
				    "SELECT id, uid, is_disabled FROM organisation WHERE label = ?",
				    text, ret_org);
	return found;
}

static int find_membership(struct wr_call *call, int64_t org, enum wr_access *ret_role)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT role FROM membership WHERE user = ? AND organisation = ?",
			      WR_I(call->caller.user), WR_I(org));

	if (found > 0) {
		*ret_role = wr_role_parse(wr_row_text(row, 0));
		wr_row_end(row);
	}
	return found;
}

static enum wr_access lesser(enum wr_access a, enum wr_access b)
{
	return a < b ? a : b;
}

/* 0, or a negative errno. */
static int find_role(struct wr_call *call, const struct wr_credential *credential, int64_t org)
{
	enum wr_access role = WR_ACCESS_SIGNED_IN;
	int found = 0;

	if (call->caller.only_org && call->caller.only_org != org)
		return 0;
	if (call->caller.kind == WR_CALLER_LOCAL || credential->is_site_admin)
		role = WR_ACCESS_SITE;
	else
		found = find_membership(call, org, &role);
	if (call->caller.kind != WR_CALLER_LOCAL)
		role = lesser(role, credential->role_limit);
	if (call->caller.only_org && role == WR_ACCESS_SITE)
		role = WR_ACCESS_OWNER;
	call->caller.role = role;
	return found < 0 ? found : 0;
}

static bool names_org(const struct wr_operation *operation)
{
	return strncmp(operation->path, "/orgs/{org}", strlen("/orgs/{org}")) == 0;
}

static int enter_org(struct wr_call *call, const struct wr_credential *credential)
{
	struct org org = { 0 };
	int found = find_org(call, call->path[0], &org);

	if (found > 0)
		found = find_role(call, credential, org.row) < 0 ? -EIO : 1;
	if (found < 0)
		return wr_call_fail_db(call, found);
	if (found == 0 || call->caller.role < WR_ACCESS_VIEWER)
		return wr_call_fail(call, 404, "not-found",
				    "There is no such organisation, or you have no part in it.");
	if (org.is_disabled && call->operation->is_change && call->caller.role < WR_ACCESS_SITE)
		return wr_call_fail(call, 403, "disabled",
				    "The organisation is disabled; a site administrator can "
				    "enable it.");
	call->org = org.row;
	return 0;
}

static int enter_org_of_machine(struct wr_call *call)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row,
			      "SELECT uid, is_disabled FROM organisation WHERE id = ?",
			      WR_I(call->caller.only_org));
	bool is_disabled;

	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	snprintf(call->org_uid, sizeof(call->org_uid), "%s", wr_row_text(row, 0));
	is_disabled = wr_row_int(row, 1) != 0;
	wr_row_end(row);
	call->org = call->caller.only_org;
	/* Its agent is told so by its channel. */
	if (is_disabled && call->operation->is_change)
		return wr_call_fail(call, 403, "disabled",
				    "The network is disabled; a site administrator can enable it.");
	return 0;
}

/* Agents call what is theirs, and nobody else does. */
static int check_machine(struct wr_call *call)
{
	bool is_machine = call->caller.kind == WR_CALLER_MACHINE;

	if (is_machine == (call->operation->access == WR_ACCESS_MACHINE))
		return is_machine ? enter_org_of_machine(call) : 0;
	if (is_machine)
		return wr_call_fail(call, 403, "machine",
				    "This is a machine's token: it is good for what its agent "
				    "does, and nothing else.");
	return wr_call_fail(call, 403, "machine-only",
			    "This is for agents: it takes a machine's token, which joining the "
			    "network gives.");
}

/* --- Whether. --- */
static int check_token(struct wr_call *call, const struct wr_credential *credential)
{
	bool is_limited = credential->only_org || credential->role_limit != WR_ACCESS_SITE;

	if (call->caller.kind != WR_CALLER_TOKEN || !call->operation->is_change ||
	    call->operation->access == WR_ACCESS_ANYONE)
		return 0;
	if (!call->caller.may_write)
		return wr_call_fail(call, 403, "read-only", "This token may only read.");
	/* Else a token for one organisation could make itself one for all. */
	if (is_limited && call->operation->access == WR_ACCESS_SIGNED_IN)
		return wr_call_fail(call, 403, "limited",
				    "This token is limited to an organisation or a role.");
	return 0;
}

static int check_access(struct wr_call *call)
{
	enum wr_access access = call->operation->access;

	if (access == WR_ACCESS_SITE && !call->caller.is_site_admin)
		return wr_call_fail(call, 403, "site-only",
				    "Only a site administrator may do this.");
	if (access >= WR_ACCESS_VIEWER && access <= WR_ACCESS_OWNER && call->caller.role < access)
		return wr_call_fail(call, 403, "role",
				    "This takes the role %s in the organisation; yours is %s.",
				    roles[access], wr_role_text(call->caller.role));
	return 0;
}

int wr_auth_check(struct wr_call *call)
{
	struct wr_credential credential = { .role_limit = WR_ACCESS_SITE };
	struct wr_ip address = call->caller.address;

	call->caller = (struct wr_caller){ .address = address, .role = WR_ACCESS_SIGNED_IN };
	call->org = 0;
	if (recognise(call, &credential) < 0 || check_machine(call) < 0 ||
	    check_forgery(call, &credential) < 0)
		return -1;
	if (names_org(call->operation) && enter_org(call, &credential) < 0)
		return -1;
	if (check_token(call, &credential) < 0)
		return -1;
	return check_access(call);
}
