/* People's accounts: rows as structs, and as the API shows them; what is done to them from
 * several operations.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "crypto/unlock.h"
#include "server/call.h"
#include "server/events.h"
#include "server/names.h"

#define WR_LOGIN_LEN 64
/* NIST SP 800-63B section 5.1.1.1: at least 8 characters, and 64 or more allowed. */
#define WR_PASSWORD_MIN 8
#define WR_PASSWORD_MAX 256

struct wr_account {
	int64_t id;
	char uid[WR_UID_LEN + 1];
	char login[WR_LOGIN_LEN + 1];
	char name[WR_NAME_LEN + 1];
	char hash[WR_PASSWORD_HASH_LEN];
	bool is_site_admin, is_disabled;
	int64_t created, version;
};

/* 1, 0 for none, or a negative errno. */
int wr_account_get(struct wr_db *db, int64_t id, struct wr_account *ret_account) WR_MUST_CHECK;
int wr_account_by_login(struct wr_db *db, const char *login, struct wr_account *ret_account)
	WR_MUST_CHECK;
/* By uid or login; 0, or -1 and a problem (404). */
int wr_account_named(struct wr_call *call, const char *text, struct wr_account *ret_account)
	WR_MUST_CHECK;

/* Adds faults of what somebody wants to be called by; does not ask whether it is taken. */
void wr_account_check(struct wr_call *call, const char *login, const char *name,
		      const char *password);
/* A new row, of login (made lower case), name, hash and flags; fills in the rest. 0, or -1 and
 * a problem (409). */
int wr_account_add(struct wr_call *call, struct wr_account *account) WR_MUST_CHECK;

/* Ends all sessions of the user but one (0: all), and the user's streams. 0 or a negative errno. */
int wr_account_end_sessions(struct wr_call *call, int64_t user, int64_t but) WR_MUST_CHECK;
/* Ends streams of events, when all is on the disk: those of the user (0: of anybody),
 * by the credential (0: any), in the organisation (0: any). */
void wr_account_end_streams(struct wr_call *call, const struct wr_events_reader *whose);

json_t *wr_account_json(const struct wr_account *account);
/* Who it is, in a few words: uid, login, name. */
json_t *wr_account_brief(const struct wr_account *account);
/* What can be changed of it, for the audit log. */
json_t *wr_account_settings(const struct wr_account *account);
/* The fields of wr_account_json() and wr_account_brief(). */
extern const struct wr_field wr_account_fields[], wr_account_brief_fields[];
