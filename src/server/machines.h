/* Machines: rows as structs, and as the API shows them.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "base/key.h"
#include "server/addresses.h"
#include "server/call.h"
#include "server/names.h"
#include "server/sights.h"

#define WR_TAGS_MAX 32         /* of a machine */
#define WR_ROUTES_MAX 32       /* of a machine */
#define WR_ROUTES_OFFERED 5000 /* with those that wait or are rejected */
#define WR_ROUTES_OF_ORG 1000  /* they all stand in every machine's file */

/* A row. Texts that are pointers belong to the row it was read from, or to `owned`. */
struct wr_machine {
	int64_t id, org;
	char uid[WR_UID_LEN + 1];
	char name[WR_NAME_LEN + 1];
	char label[WR_LABEL_LEN + 1];
	struct wr_key public_key;
	struct wr_bytes sealed_key; /* the preshared key; length 0: none. Borrowed from the row */
	bool has_preshared_key;
	struct wr_addresses addresses;
	bool is_disabled;
	int64_t expires, created;            /* expires: 0 is never */
	int64_t latest_handshake, last_seen; /* 0: never, as far as the row knows */
	const char *endpoint;                /* NULL: unknown */
	int64_t rx_bytes, tx_bytes, version;
	const char *tags, *routes; /* words with a space between, "" for none; routes: approved */
	const char *active_routes; /* of these: traffic goes through this machine */
	bool is_agent, is_pending; /* pending: waits for approval, and is shut out */
	int64_t ephemeral;         /* removed when gone for so many seconds; 0: it stays */
	int64_t agent_seen;        /* 0: never */
	const char *hostname, *agent; /* as the agent says: name of its host, version; or NULL */
	char *owned;
};

/* What a statement has to select, from `machine m`, for wr_machine_read(). */
#define WR_MACHINE_COLUMNS \
	" m.id, m.organisation, m.uid, m.name, m.label, m.public_key, m.preshared_key," \
	" m.address4, m.address6, m.is_disabled, m.expires, m.created, m.latest_handshake," \
	" m.last_seen, m.endpoint, m.rx_bytes, m.tx_bytes, m.version," \
	" (SELECT group_concat(tag, ' ') FROM machine_tag WHERE machine = m.id)," \
	" (SELECT group_concat(prefix, ' ') FROM machine_route WHERE machine = m.id" \
	"  AND state = 'approved' AND is_offered)," \
	" (SELECT group_concat(prefix, ' ') FROM machine_route WHERE machine = m.id" \
	"  AND is_active)," \
	" m.is_agent, m.is_pending, m.ephemeral, m.agent_seen, m.hostname, m.agent_version "
#define WR_MACHINE_COLUMN_COUNT 27

/* Borrows texts from the row. */
void wr_machine_read(const struct wr_row *row, struct wr_machine *ret_machine);
/* By row id, or by uid or label in an organisation; to be ended with wr_machine_done(). 1, 0 for
 * none, or a negative errno. */
int wr_machine_get(struct wr_db *db, int64_t id, struct wr_machine *ret_machine) WR_MUST_CHECK;
int wr_machine_find(struct wr_db *db, int64_t org, const char *uid_or_label,
		    struct wr_machine *ret_machine) WR_MUST_CHECK;
/* All zero is fine. */
void wr_machine_done(struct wr_machine *machine);

/* With what was seen since the row was written. */
enum wr_machine_state {
	WR_MACHINE_ONLINE,
	WR_MACHINE_OFFLINE,
	WR_MACHINE_NEVER, /* connected */
	WR_MACHINE_DISABLED,
	WR_MACHINE_EXPIRED,
	WR_MACHINE_PENDING
};
enum wr_machine_state wr_machine_state(const struct wr_machine *machine,
				       const struct wr_sight *sight, int64_t now);
/* "online", "offline", "never", "disabled", "expired", "pending", NULL. */
extern const char *const wr_machine_states[];
/* By is_agent: "plain", "agent"; then NULL. */
extern const char *const wr_machine_kinds[];
/* Neither disabled, nor expired, nor waiting for approval. */
bool wr_machine_is_on(const struct wr_machine *machine, int64_t now);

/* As the API shows it. */
json_t *wr_machine_json(const struct wr_machine *machine, const struct wr_sight *sight,
			int64_t now);
/* What people set of it, for the audit log. */
json_t *wr_machine_settings(const struct wr_machine *machine);
/* The fields of wr_machine_json(), and of a result that has the file too. */
extern const struct wr_field wr_machine_fields[], wr_machine_config_fields[];

/* The next word of `*words`, or false; see wr_machine's tags. */
bool wr_machine_word(const char **words, char *word, size_t size);

/* What an organisation's machines need of its row; 1, 0 for none, or a negative errno. */
struct wr_machine_org {
	int64_t id;
	char uid[WR_UID_LEN + 1];
	char name[WR_NAME_LEN + 1];
	char label[WR_LABEL_LEN + 1];
	struct wr_range range;
	struct wr_key hub_key; /* public */
	int64_t machine_quota;
};
int wr_machine_org_get(struct wr_db *db, int64_t id, struct wr_machine_org *ret_org) WR_MUST_CHECK;
