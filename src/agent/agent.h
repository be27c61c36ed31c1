/* A member's daemon: keeps the channel, applies the map, and tells what it sees.
 *
 * Floor 9.  On the thread of its loop.  Source: docs/agents.md. */
#pragma once

#include <uv.h>

#include "agent/state.h"
#include "base/base.h"
#include "crypto/aead.h"

struct wr_agent_config {
	unsigned workers;           /* the engine's */
	const struct wr_aead *aead; /* the engine's; NULL: the fastest */
	const char *hosts_file;     /* "/etc/hosts" */
	const char *version;        /* of this program */
	/* It wants to end: asked over the control socket (0), or because it cannot go on (a
	 * negative errno, after a log line). Once. */
	void (*ended)(void *context, int error);
	void *context;
};

struct wr_agent;

/* Takes the state's content. 0; or a negative errno, with what went wrong and what to do in
 * `ret_why` (200 bytes); then nothing of the host is changed. */
int wr_agent_open(uv_loop_t *loop, const struct wr_agent_config *config, struct wr_state *state,
		  struct wr_agent **ret_agent, char ret_why[200]) WR_MUST_CHECK;
/* Puts back what was changed, and ends. Runs the loop until its handles are closed, so not from a
 * callback. NULL is fine; returns NULL. */
struct wr_agent *wr_agent_free(struct wr_agent *agent);

/* Some things cannot be done from a callback: when the loop was stopped, ask whether it was for
 * that, and if so take a turn and go on. 0, or a negative errno after a log line: it cannot go on.
 */
bool wr_agent_wants_turn(const struct wr_agent *agent);
int wr_agent_turn(struct wr_agent *agent) WR_MUST_CHECK;

const char *wr_agent_interface(const struct wr_agent *agent);
