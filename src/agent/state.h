/* What a membership is, on disk: which server, who we are there, our key; and how this machine
 * wants it. In the folder of the membership (mesh/folder.h):
 *
 *     state.json   mode 0600
 *     map.json     the last map (mesh/netmap.h)
 *
 * Floor 9.  One thread; waits for the disk. Holds secrets. */
#pragma once

#include <net/if.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "mesh/folder.h"
#include "mesh/netmap.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

#define WR_STATE_ROUTES 64
#define WR_MACHINE_TOKEN_LEN 80 /* with its NUL */

struct wr_state {
	char *folder; /* of this membership */
	char interface[IF_NAMESIZE];

	/* The server, and who we are there. */
	char url[300];
	char pin[45]; /* base64; "": the system's authorities decide */
	char token[WR_MACHINE_TOKEN_LEN];
	char uid[WR_NETMAP_UID_LEN + 1];
	char name[WR_NETMAP_NAME_LEN + 1];
	char network[WR_NETMAP_NAME_LEN + 1];

	struct wr_key private_key;
	struct wr_key next_key; /* on its way to the server; all zero: none */

	/* How this machine wants it. */
	uint16_t port;      /* UDP; 0: any */
	uint16_t last_port; /* that it was then: again, if it is free, for NATs and peers know it */
	enum wr_backend_kind backend;
	enum wr_names_kind names;
	bool accepts_routes;
	bool may_forward, masquerades;
	struct wr_prefix routes[WR_STATE_ROUTES]; /* that we offer to be the router for */
	size_t route_count;
};

/* 0; -ENOENT if nothing was joined there; -EPERM where others may read it; -EBADMSG where it is
 * none of ours; or another negative errno. */
int wr_state_load(const char *folder, struct wr_state *ret_state) WR_MUST_CHECK;
/* In one step: the old or the new is there. 0 or a negative errno. */
int wr_state_save(const struct wr_state *state) WR_MUST_CHECK;
/* Removes the files and the folder. */
int wr_state_forget(const char *folder);
/* Wipes it. */
void wr_state_done(struct wr_state *state);

/* Of the last map, a new string. */
char *wr_state_map_path(const struct wr_state *state);
