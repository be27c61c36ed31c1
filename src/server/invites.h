/* Invites: one lets one person sign up, and into an organisation.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include "base/base.h"
#include "server/call.h"

struct wr_invite {
	int64_t id, org; /* org 0: into none */
	char uid[WR_UID_LEN + 1];
	char org_uid[WR_UID_LEN + 1];
	char role[16]; /* "": none */
};

/* 1, 0 where it is none or over, or a negative errno. */
int wr_invite_find(struct wr_call *call, const char *secret, struct wr_invite *ret_invite)
	WR_MUST_CHECK;
/* Makes the user a member, and ends the invite. 0 or a negative errno. */
int wr_invite_use(struct wr_call *call, const struct wr_invite *invite, int64_t user) WR_MUST_CHECK;
