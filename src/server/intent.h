/* One thing for the hub, copied from rows: an organisation with its policy, or a machine.
 *
 * Floor 8.  Made on the thread that has the database, applied on the loop's, freed on
 * either; server/intents.h is what others use. */
#pragma once

#include "base/base.h"
#include "crypto/unlock.h"
#include "hub/hub.h"
#include "policy/policy.h"
#include "server/machines.h"

struct wr_org_intent {
	struct wr_hub_org org;
	char uid[WR_UID_LEN + 1];
	char label[WR_LABEL_LEN + 1];
	struct wr_policy *policy; /* NULL: as it was */
	uint64_t version;
};
/* -ENOENT if there is no such organisation, -EKEYREJECTED if its key cannot be unsealed. */
int wr_org_intent_new(struct wr_db *db, const struct wr_vault *vault, int64_t org,
		      struct wr_org_intent **ret_intent) WR_MUST_CHECK;
/* Adds the newest version of the policy that parses; none, and a line
 * in the log, where there is none. 0 or a negative errno. */
int wr_org_intent_add_policy(struct wr_db *db, struct wr_org_intent *intent) WR_MUST_CHECK;
void wr_org_intent_apply(struct wr_hub *hub, struct wr_org_intent *intent);
/* NULL is fine; returns NULL. */
struct wr_org_intent *wr_org_intent_free(struct wr_org_intent *intent);

struct wr_machine_intent {
	struct wr_hub_machine machine;
	char uid[WR_UID_LEN + 1];
	char label[WR_LABEL_LEN + 1];
	struct wr_prefix *routes;
	const char **tags;
	char *words; /* what the tags point to */
};
/* NULL where memory is short. `is_back`: with the place where it was last, and a handshake at
 * once if it was there lately. */
struct wr_machine_intent *wr_machine_intent_new(const struct wr_machine *machine,
						const struct wr_vault *vault, int64_t now,
						bool is_back);
void wr_machine_intent_apply(struct wr_hub *hub, const struct wr_machine_intent *intent);
/* NULL is fine; returns NULL. */
struct wr_machine_intent *wr_machine_intent_free(struct wr_machine_intent *intent);
