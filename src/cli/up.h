/* What `warren up` is made of: which mesh, how it is wanted, whether it can be, how it is started.
 *
 * Floor 10.  Every failure is told on standard error, in one line; "exit status" is WR_EXIT_DONE or
 * what the verb is to end with. Nothing on the disk is changed before the daemon has opened all
 * that it needs, but for a new folder, which is taken away again. */
#pragma once

#include "cli/daemon.h"
#include "cli/verb.h"
#include "zeroconf/state.h"

struct wr_up {
	const struct wr_arguments *arguments;
	char mesh[WR_MESH_NAME_LEN + 1]; /* "": not said */
	bool has_secret;
	struct wr_key root; /* of that secret */
	bool has_invitation;
	struct wr_invitation invitation;
	bool is_new; /* to this machine */
	struct wr_mesh_state state;
};

/* The value of an option, else of a variable of the environment, or of another; NULL. */
const char *wr_up_wish(const struct wr_arguments *arguments, const char *option, const char *name,
		       const char *other);

/* up_words.c: by what. Each leaves alone what is not given. */
int wr_up_set_name(struct wr_up *up, const char *word) WR_MUST_CHECK;
int wr_up_read_name(struct wr_up *up) WR_MUST_CHECK;
int wr_up_read_invitation(struct wr_up *up) WR_MUST_CHECK;
int wr_up_read_secret(struct wr_up *up) WR_MUST_CHECK;
/* Once it is known whether the mesh is new. */
int wr_up_check_expiry(struct wr_up *up) WR_MUST_CHECK;

/* up_mesh.c: all of that, and what is known of the mesh: up->state. */
int wr_up_find_mesh(struct wr_up *up) WR_MUST_CHECK;
/* up_mesh.c: one damaged or unreadable mesh.json; WR_EXIT_FAILED. */
int wr_up_explain_state(const struct wr_arguments *arguments, const char *folder, int error);
/* up_wishes.c: options and environment into the state. */
int wr_up_read_wishes(struct wr_up *up) WR_MUST_CHECK;
/* up_check.c: whether it can be started here. */
int wr_up_check(const struct wr_up *up) WR_MUST_CHECK;
/* up_tell.c: what it is, and that an open one is open. */
void wr_up_tell(const struct wr_mesh_state *state);

/* mesh_run.c: the life of the daemon; takes the state, also where it fails. A folder that was made
 * for it goes again, if it cannot start. Exit status. */
int wr_mesh_run(const struct wr_arguments *arguments, struct wr_mesh_state *state,
		bool has_new_folder, struct wr_daemon *daemon);

void wr_up_done(struct wr_up *up);
