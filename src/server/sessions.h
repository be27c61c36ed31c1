/* Sessions: made when somebody signs in, recognised by server/auth.h.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include "base/base.h"
#include "server/accounts.h"
#include "server/call.h"

/* OWASP Session Management Cheat Sheet: hours, not days; a working day and a half. */
#define WR_SESSION_SECONDS INT64_C(43200)
/* Of one user; with one more the oldest ends. */
#define WR_SESSIONS_OF_USER 50

/* A new session: its row, the call's cookie, and what the user is told: {user, csrf, expires}.
 * From here on the caller is that user. 0, or -1 and a problem. */
int wr_session_begin(struct wr_call *call, const struct wr_account *account) WR_MUST_CHECK;
/* Takes the cookie back from the browser. */
int wr_session_forget_cookie(struct wr_call *call) WR_MUST_CHECK;

/* Operations of server/session_operations.c that stand in server/sign_up.c. */
int wr_sign_up_run(struct wr_call *call);
extern const struct wr_field wr_sign_up_fields[], wr_sign_up_result_fields[];
