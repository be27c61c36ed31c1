/* What a membership is, on disk: which server, who we are there, our key; and how this machine
 * wants it. One folder a membership, named after its interface:
 *
 *     STATE/warren0/state.json   mode 0600
 *     STATE/warren0/map.json     the last map (mesh/netmap.h)
 *     STATE/warren0/control.sock while the agent runs
 *     STATE/warren0/lock         one agent at a time
 *
 * Floor 9.  One thread; waits for the disk. Holds secrets. */
#pragma once

#include <net/if.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "mesh/netmap.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

#define WR_STATE_FOLDER "/var/lib/warren-agent"
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

/* STATE/INTERFACE, a new string. `base` NULL: WR_STATE_FOLDER. */
char *wr_state_folder(const char *base, const char *interface);
/* Makes the folders, mode 0700. 0 or a negative errno. */
int wr_state_make_folder(const char *folder) WR_MUST_CHECK;

/* 0; -ENOENT if nothing was joined there; -EPERM where others may read it; -EBADMSG where it is
 * none of ours; or another negative errno. */
int wr_state_load(const char *folder, struct wr_state *ret_state) WR_MUST_CHECK;
/* In one step: the old or the new is there. 0 or a negative errno. */
int wr_state_save(const struct wr_state *state) WR_MUST_CHECK;
/* Removes the files and the folder. */
int wr_state_forget(const char *folder);
/* Wipes it. */
void wr_state_done(struct wr_state *state);

/* One process a membership: a lock on the folder, until the descriptor is closed. 0, -EBUSY where
 * another has it, or another negative errno. */
int wr_state_lock(const char *folder, int *ret_fd) WR_MUST_CHECK;
/* True if nobody has the lock. */
bool wr_state_is_free(const char *folder);

/* Paths in the folder, new strings. */
char *wr_state_map_path(const struct wr_state *state);
char *wr_state_socket_path(const char *folder);

/* Calls `see` with each folder below `base` that has a membership, by name. 0 or a negative errno;
 * no folder is none. */
int wr_state_list(const char *base,
		  void (*see)(void *context, const char *interface, const char *folder),
		  void *context) WR_MUST_CHECK;

/* Words of the settings; false if it is none of them. */
bool wr_backend_kind_parse(const char *word, enum wr_backend_kind *ret_kind) WR_MUST_CHECK;
bool wr_names_kind_parse(const char *word, enum wr_names_kind *ret_kind) WR_MUST_CHECK;
