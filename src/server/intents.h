/* What the hub is told: copies of rows, made on the ledger's thread, that are applied on
 * the loop's when they are on the disk.
 *
 * A machine that is disabled or expired stays in the hub by its name and its place in
 * the policy, with a key that nobody has: so a policy that names it goes on.
 *
 * Floor 8.  The thread stands at each group of functions. */
#pragma once

#include "base/base.h"
#include "policy/policy.h"
#include "server/call.h"
#include "server/roster.h"

struct wr_server;
struct wr_intents;

/* Where a sealed key belongs (crypto/unlock.h). */
#define WR_PLACE_LEN 48
void wr_org_key_place(const char *org_uid, char ret_place[WR_PLACE_LEN]);
void wr_machine_key_place(const char *machine_uid, char ret_place[WR_PLACE_LEN]);

/* --- Opening and closing: the loop's thread. --- */
/* Makes server->intents, and tells the hub everything: `server->db`, `server->hub` and the vault
 * are open, the ledger is not yet. 0 or a negative errno. A key that cannot be
 * unsealed or a policy that is bad stops nothing: it is logged. */
int wr_intents_load(struct wr_server *server) WR_MUST_CHECK;
/* When the ledger has ended. NULL is fine; returns NULL. */
struct wr_intents *wr_intents_free(struct wr_intents *intents);
/* Each few seconds: looks (on the ledger's thread) whether another program changed the database,
 * and if so tells the hub everything again and takes away what is gone. */
void wr_intents_reload(struct wr_server *server);
/* Each second: machines whose time is over leave the hub. */
void wr_machines_expire(struct wr_server *server);

/* --- For `run`, on the ledger's thread, when the rows are as they should be; the hub is told by
 * wr_call_then(). 0, or -1 after wr_call_fail_db(). --- */
/* A new or changed organisation, with its policy. */
int wr_intend_org(struct wr_call *call, int64_t org) WR_MUST_CHECK;
void wr_intend_org_gone(struct wr_call *call, int64_t org);
/* A new or changed machine. `is_back`: the hub is told where it was last. */
int wr_intend_machine(struct wr_call *call, int64_t machine, bool is_back) WR_MUST_CHECK;
void wr_intend_machine_gone(struct wr_call *call, int64_t org, int64_t machine);
/* Something of the organisation that maps show: agents hear of it. Is part of the others, but
 * for wr_intend_machine(), which tells of one machine's row only. */
void wr_intend_maps(struct wr_call *call);
void wr_intend_maps_of(struct wr_call *call, int64_t org);
/* The machine's token is worth nothing any more: its channel ends with a word
 * (docs/agents.md, "The channel"). Texts are literals. */
void wr_intend_agent_end(struct wr_call *call, int64_t machine, const char *reason,
			 const char *text);
/* Takes the policy. */
void wr_intend_policy(struct wr_call *call, int64_t org, struct wr_policy *policy, int64_t version);

/* The machines of an organisation as policies see them; wr_roster_unref() it. The ledger's
 * thread. 0 or a negative errno. */
int wr_intents_roster(struct wr_server *server, struct wr_db *db, int64_t org,
		      struct wr_roster **ret_roster) WR_MUST_CHECK;
