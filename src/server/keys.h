/* Join keys: rows as structs, and as the API shows them. The secret is shown once; the row has
 * its hash.
 *
 * Floor 8.  On the ledger's thread, within an entry.
 * Source: docs/agents.md, "Joining"; wire/join_key.h. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/call.h"
#include "server/names.h"
#include "wire/join_key.h"

/* The secret in base64url, as POST /join has it. */
#define WR_JOIN_SECRET_TEXT_LEN 27
#define WR_KEYS_OF_ORG 1000
#define WR_KEY_USES_MAX 1000000
/* A member that is ephemeral and gone is removed after so long, unless the key says otherwise. */
#define WR_EPHEMERAL_SECONDS 600
#define WR_EPHEMERAL_MIN 60

struct wr_key_row {
	int64_t id, org;
	char uid[WR_UID_LEN + 1];
	char org_uid[WR_UID_LEN + 1];
	int64_t uses, used;         /* uses 0: any number */
	int64_t expires, ephemeral; /* 0: never */
	bool needs_approval, is_revoked, is_org_disabled;
	int64_t machine;                    /* row of the one whose place is taken; 0: a new one */
	char machine_name[WR_NAME_LEN + 1]; /* "": as the machine says */
};

/* By its secret's text: 1, 0 for none, or a negative errno. */
int wr_key_find(struct wr_db *db, const char *secret, struct wr_key_row *ret_key) WR_MUST_CHECK;
/* One more use. 0 or a negative errno. */
int wr_key_use(struct wr_db *db, const struct wr_key_row *key, int64_t now) WR_MUST_CHECK;

/* Where machines reach the API: false, and why as a sentence that says what to do, where that
 * cannot be known. `port`: the one that the API has. */
bool wr_key_address(const struct wr_server *server, uint16_t port, char ret_address[260],
		    char ret_why[300]);

/* --- For its operations: 0, or -1 and a problem. --- */
/* The call's organisation's key of this uid: its row, and as the API shows it. */
int wr_key_run_get(struct wr_call *call, const char *uid, int64_t *ret_id, json_t **ret_key)
	WR_MUST_CHECK;
/* The event and the line of the audit log: a key stands there without its secret. */
void wr_key_run_note(struct wr_call *call, const char *type, json_t *before, json_t *after);
int wr_key_create_run(struct wr_call *call);
