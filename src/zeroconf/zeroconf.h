/* A member's daemon of a zero-config mesh: finds others, gossips with them inside the tunnels, and
 * makes the network map from what it learns.
 *
 * Floor 9.  On the thread of its loop.  Source: docs/mesh.md. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "crypto/aead.h"
#include "zeroconf/state.h"

struct wr_zeroconf_config {
	unsigned workers;           /* the engine's */
	const struct wr_aead *aead; /* the engine's; NULL: the fastest */
	const char *hosts_file;     /* "/etc/hosts" */
	const char *version;        /* of this program */
	/* It wants to end: asked over the control socket (0), or because it cannot go on (a
	 * negative errno, after a log line). Once. */
	void (*ended)(void *context, int error);
	void *context;
};

struct wr_zeroconf;

/* Takes the state's content. 0; or a negative errno, with what went wrong and what to do in
 * `ret_why` (200 bytes); then nothing of the host is changed, and nothing of the state. */
int wr_zeroconf_open(uv_loop_t *loop, const struct wr_zeroconf_config *config,
		     struct wr_mesh_state *state, struct wr_zeroconf **ret_zeroconf,
		     char ret_why[200]) WR_MUST_CHECK;
/* Says farewell, puts back what was changed, and ends. Runs the loop until its handles are closed,
 * so not from a callback. NULL is fine; returns NULL. */
struct wr_zeroconf *wr_zeroconf_free(struct wr_zeroconf *zeroconf);
/* As of a node (node/node.h). */
bool wr_zeroconf_wants_turn(const struct wr_zeroconf *zeroconf);
int wr_zeroconf_turn(struct wr_zeroconf *zeroconf) WR_MUST_CHECK;
