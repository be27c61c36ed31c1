/* The one exchange that makes a machine a member: a join key and a public key go to the server, an
 * identity comes back.
 *
 * Floor 9.  Blocks; any one thread.  Source: docs/agents.md, "Joining". */
#pragma once

#include "agent/state.h"
#include "base/base.h"
#include "wire/join_key.h"

#define WR_JOIN_WHY_LEN 400

/* Asks to be `name` (NULL: the host's name). `state` has private_key and gets url, pin, token, uid,
 * name and network. 0; or a negative errno and one line that says what is wrong and what
 * to do: -EACCES where the server refuses, and nothing has changed. *ret_is_pending: somebody
 * has to approve it first. */
int wr_join_ask(const struct wr_join_key *key, const char *name, struct wr_state *state,
		bool *ret_is_pending, char ret_why[WR_JOIN_WHY_LEN]) WR_MUST_CHECK;

/* One call of the machine's own, with its token: "DELETE", "/api/v1/agent". `body` is JSON text or
 * NULL. 0; or a negative errno and one line: -ENOENT where the server does not know us any more. */
int wr_member_call(const struct wr_state *state, const char *method, const char *path,
		   const char *body, char ret_why[WR_JOIN_WHY_LEN]) WR_MUST_CHECK;
