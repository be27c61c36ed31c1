/* The networks that this machine is a member of, of a server's or zero-config meshes, for the
 * verbs: which one is meant, and asking its daemon over the control socket.
 *
 * Floor 10.  Every failure is told on standard error, in one line. */
#pragma once

#include <jansson.h>

#include "cli/verb.h"
#include "mesh/folder.h"

#define WR_OPTION_INTERFACE \
	{ \
		'i', "interface", "which membership; needless if there is one", "IFACE" \
	}
#define WR_OPTION_STATE \
	{ \
		0, "state", "folder of memberships", "DIR" \
	}
#define WR_OPTION_MESH \
	{ \
		0, "mesh", "which mesh, by its name; needless if there is one", "MESH" \
	}
/* Of verbs for members of a server's network; and of those for these and meshes. */
#define WR_MEMBERSHIP_OPTIONS WR_OPTION_HELP, WR_OPTION_INTERFACE, WR_OPTION_STATE
#define WR_NETWORK_OPTIONS WR_MEMBERSHIP_OPTIONS, WR_OPTION_MESH

struct wr_membership {
	const struct wr_arguments *arguments;
	enum wr_folder_kind kind;
	char *interface, *folder;
};

typedef void wr_membership_see(void *context, enum wr_folder_kind kind, const char *interface,
			       const char *folder);

/* --state, WARREN_STATE, or NULL: the usual one. */
const char *wr_membership_base(const struct wr_arguments *arguments);
/* --interface, --mesh, or the only one there is, of a verb with WR_NETWORK_OPTIONS. Exit status. */
int wr_membership_find(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
	WR_MUST_CHECK;
/* The same of a verb with WR_MEMBERSHIP_OPTIONS: of a server's network. */
int wr_membership_find_agent(const struct wr_arguments *arguments,
			     struct wr_membership *ret_membership) WR_MUST_CHECK;
/* The same among meshes: `mesh` is its name or NULL, `interface` too. */
int wr_membership_find_mesh(const struct wr_arguments *arguments, const char *mesh,
			    const char *interface, struct wr_membership *ret_membership)
	WR_MUST_CHECK;
/* True if this machine is in a mesh; silent. */
bool wr_membership_has_mesh(const struct wr_arguments *arguments);
/* The name of the mesh whose state is there, as a new string; NULL where it cannot be read. */
char *wr_membership_mesh_name(const char *folder);
void wr_membership_done(struct wr_membership *membership);

/* Asks its daemon; takes `body` (NULL: none). Exit status; *ret_result is NULL where it failed. */
int wr_membership_ask(const struct wr_membership *membership, const char *method, const char *path,
		      json_t *body, json_t **ret_result) WR_MUST_CHECK;
/* The same, but a refusal is no failure: its status and document, or NULL, are given. */
int wr_membership_call(const struct wr_membership *membership, const char *method, const char *path,
		       json_t *body, unsigned *ret_status, json_t **ret_result) WR_MUST_CHECK;
/* wr_membership_ask(), silent: false if no agent answers. */
bool wr_membership_try(const char *folder, const char *method, const char *path,
		       json_t **ret_result);
/* Ends its daemon, and waits until it is gone: what it changed is as it was. Exit status; one that
 * does not run is fine. */
int wr_membership_end(const struct wr_membership *membership) WR_MUST_CHECK;
/* How many there are; calls `see` for each. Exit status. */
int wr_membership_each(const struct wr_arguments *arguments, wr_membership_see *see, void *context)
	WR_MUST_CHECK;
/* What to start it with: "systemctl start warren-agent@warren0, or warren agent -i warren0". A new
 * string. */
char *wr_membership_start_hint(enum wr_folder_kind kind, const char *interface);
