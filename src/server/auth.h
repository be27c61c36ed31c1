/* Who calls: a session's cookie, a token, an agent, or a local process; and whether the operation
 * is theirs to call.
 *
 * Floor 8.  On the ledger's thread, inside of the call's savepoint. */
#pragma once

#include "server/call.h"

#define WR_SESSION_COOKIE "warren_session"
#define WR_SESSION_PREFIX "warren_s_" /* of wr_token_new(); the row has its hash */
#define WR_TOKEN_PREFIX "warren_t_"
#define WR_INVITE_PREFIX "warren_i_"
#define WR_MACHINE_PREFIX "warren_m_" /* an agent's: the machine's row has its hash */

/* The CSRF token: 32 random bytes in the session's row, 64 hexadecimal digits for the user,
 * who sends them back in X-CSRF-Token. */
#define WR_CSRF_LEN 32
#define WR_CSRF_TEXT_LEN 64
void wr_auth_csrf_text(struct wr_bytes csrf, char ret_text[WR_CSRF_TEXT_LEN + 1]);

/* True if the request shows a session or a token, or came over the Unix socket: if not, there
 * is no need to ask the database. */
bool wr_auth_has_credentials(const struct wr_http_request *request);

/* What it shows, as a text that tells callers apart; NULL if it shows nothing. */
const char *wr_auth_shown(const struct wr_http_request *request);

/* Fills `call->caller` and, where the path names an organisation, `call->org`; refuses whoever
 * may not (401, 403, 404; 503 where the database fails). 0 or -1. */
int wr_auth_check(struct wr_call *call) WR_MUST_CHECK;

/* "viewer", "operator", "admin", "owner"; WR_ACCESS_SIGNED_IN for any other word. */
enum wr_access wr_role_parse(const char *text);
/* NULL for what is no role. */
const char *wr_role_text(enum wr_access role);
