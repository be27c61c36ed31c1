/* What a request shows to be recognised by: a session's cookie, or a token.
 *
 * Floor 8.  On the ledger's thread. */
#pragma once

#include "base/key.h"
#include "server/call.h"

struct wr_credential {
	enum wr_caller_kind kind;    /* WR_CALLER_USER, WR_CALLER_TOKEN or WR_CALLER_MACHINE */
	int64_t row, user, only_org; /* row: of a machine where it is one */
	enum wr_access role_limit;   /* WR_ACCESS_SITE: none */
	bool is_site_admin;          /* the user is */
	bool may_write;
	struct wr_key csrf; /* of a session */
	int64_t last_used;
	char uid[WR_UID_LEN + 1];
	char name[256];
};

/* 1: found, and it holds at `now`; 0: nothing is shown, or it is unknown, or over, or its
 * user is disabled (a machine may be: its agent is told so); or a negative errno. */
int wr_credential_find(struct wr_db *db, const struct wr_http_request *request, int64_t now,
		       struct wr_credential *ret_credential) WR_MUST_CHECK;
