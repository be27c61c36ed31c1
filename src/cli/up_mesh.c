/* Which mesh is meant, and what this machine knows of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/membership.h"
#include "cli/terminal.h"
#include "cli/up.h"
#include "cli/wg.h"
#include "crypto/crypto.h"
#include "linux/files.h"

#define INTERFACES 100

/* --- What is known. --- */

int wr_up_explain_state(const struct wr_arguments *arguments, const char *folder, int error)
{
	if (error == -EPERM)
		return wr_complain(arguments, "others may read %s/mesh.json: chmod 600 it", folder);
	if (error == -EBADMSG)
		return wr_complain(arguments,
				   "%s/mesh.json is damaged: put back a copy of it, or give it "
				   "up: warren down --forget -i %s",
				   folder, strrchr(folder, '/') + 1);
	return wr_complain(arguments, "cannot read %s/mesh.json: %s", folder, strerror(-error));
}

static int ask_name(struct wr_up *up)
{
	WR_AUTO(wr_text_freep) char *word = NULL;

	if (!wr_terminal_can_ask())
		return wr_misuse(up->arguments, "say which mesh: warren up home, or MESH_NAME");
	word = wr_terminal_line("Name of the mesh: ");
	return wr_up_set_name(up, word ? word : "");
}

struct search {
	const struct wr_up *up;
	const char *interface; /* NULL: any */
	struct wr_mesh_state *state;
	unsigned count;              /* of those that fit */
	bool is_taken;               /* the interface is another network's */
	char elsewhere[IF_NAMESIZE]; /* where that mesh is, in place of the interface */
	char *damaged;               /* folder */
	int error;                   /* of that */
};

static void see_mesh(struct search *search, const char *interface, const char *folder)
{
	struct wr_mesh_state state = { .folder = NULL };
	bool is_there = !search->interface || strcmp(search->interface, interface) == 0;
	int status = wr_mesh_state_load(folder, &state);
	bool is_it = !*search->up->mesh || strcmp(search->up->mesh, state.mesh) == 0;

	if (status < 0) {
		if (is_there && !search->damaged) {
			search->damaged = wr_text_new("%s", folder);
			search->error = status;
		}
	} else if (is_there && is_it && search->count++ == 0) {
		*search->state = state;
		return;
	} else if (*search->up->mesh && is_it && !is_there) {
		memcpy(search->elsewhere, state.interface, sizeof(search->elsewhere));
	} else if (search->interface && is_there) {
		search->is_taken = true;
	}
	wr_mesh_state_done(&state);
}

static void see(void *context, enum wr_folder_kind kind, const char *interface, const char *folder)
{
	struct search *search = context;

	if (kind == WR_FOLDER_MESH)
		see_mesh(search, interface, folder);
	else if (search->interface && strcmp(search->interface, interface) == 0)
		search->is_taken = true;
}

/* One that cannot be read may be the one that is meant. */
static int conclude(struct wr_up *up, const struct search *search)
{
	if (search->count > 1)
		return wr_misuse(up->arguments, "this machine is in several meshes: say which");
	up->is_new = search->count == 0;
	if (!up->is_new) {
		memcpy(up->mesh, up->state.mesh, sizeof(up->mesh));
		return WR_EXIT_DONE;
	}
	if (search->is_taken)
		return wr_complain(up->arguments,
				   "%s is another network's (warren status): take another "
				   "interface",
				   search->interface);
	if (*search->elsewhere)
		return wr_complain(
			up->arguments,
			"mesh %s is on interface %s of this machine, and stays there: leave out "
			"--interface",
			up->mesh, search->elsewhere);
	if (search->damaged)
		return wr_up_explain_state(up->arguments, search->damaged, search->error);
	return *up->mesh ? WR_EXIT_DONE : ask_name(up);
}

static int find_state(struct wr_up *up, const char *interface)
{
	struct search search = { .up = up, .interface = interface, .state = &up->state };
	int status = wr_membership_each(up->arguments, see, &search);

	if (status == WR_EXIT_DONE)
		status = conclude(up, &search);
	free(search.damaged);
	return status;
}

/* --- One that is known: it is the same mesh. --- */

static int check_known(struct wr_up *up)
{
	struct wr_mesh_state *state = &up->state;

	if (up->has_secret && !wr_key_equal(&up->root, &state->root))
		return wr_complain(up->arguments,
				   "this machine is in mesh %s with another secret: give that one, "
				   "or leave that mesh first: warren down %s --forget",
				   up->mesh, up->mesh);
	if (up->has_invitation && !wr_key_equal(&up->invitation.root, &state->root))
		return wr_complain(up->arguments,
				   "this machine is in another mesh %s than the one of the "
				   "invitation: leave it first: warren down %s --forget",
				   up->mesh, up->mesh);
	if (up->has_invitation && up->invitation.has_founder && state->has_founder &&
	    !wr_key_equal(&up->invitation.founder, &state->founder))
		return wr_complain(up->arguments,
				   "the invitation is of another founder than the one that this "
				   "machine knows of mesh %s",
				   up->mesh);
	return WR_EXIT_DONE;
}

static int check_founder(const struct wr_up *up)
{
	WR_AUTO(wr_founder_done) struct wr_founder founder = { .invitations = NULL };

	if (!wr_is_given(up->arguments, "founder") || up->is_new)
		return WR_EXIT_DONE;
	if (wr_founder_load(up->state.folder, &founder) == 0)
		return WR_EXIT_DONE;
	if (up->state.has_founder)
		return wr_complain(up->arguments, "mesh %s has a founder already", up->mesh);
	return wr_complain(up->arguments,
			   "mesh %s is there already: bring it up, then close it with: warren "
			   "admit --close",
			   up->mesh);
}

/* --- One that is new. --- */

static bool is_free(const struct wr_arguments *arguments, const char *interface)
{
	WR_AUTO(wr_text_freep)
	char *folder = wr_folder_path(wr_membership_base(arguments), interface);

	return access(folder, F_OK) != 0 && if_nametoindex(interface) == 0;
}

static int pick_interface(struct wr_up *up, const char *wanted)
{
	struct wr_mesh_state *state = &up->state;

	if (wanted && (!wr_wg_is_name(wanted) || strchr(wanted, '%')))
		return wr_misuse(up->arguments, "%s cannot be the name of an interface", wanted);
	if (wanted && !is_free(up->arguments, wanted))
		return wr_complain(up->arguments,
				   "interface %s is taken: take another (-i), or remove it: ip "
				   "link delete %s",
				   wanted, wanted);
	if (wanted)
		snprintf(state->interface, sizeof(state->interface), "%s", wanted);
	for (int i = 0; !wanted && i < INTERFACES; i++) {
		snprintf(state->interface, sizeof(state->interface), "warren%d", i);
		if (is_free(up->arguments, state->interface))
			break;
	}
	state->folder = wr_folder_path(wr_membership_base(up->arguments), state->interface);
	return WR_EXIT_DONE;
}

static int make_state(struct wr_up *up, const char *interface)
{
	struct wr_mesh_state *state = &up->state;
	int status = pick_interface(up, interface);

	if (status != WR_EXIT_DONE)
		return status;
	memcpy(state->mesh, up->mesh, sizeof(state->mesh));
	wr_random(&state->seed, sizeof(state->seed));
	state->root = up->has_invitation ? up->invitation.root : up->root;
	state->has_secret = up->has_secret;
	return WR_EXIT_DONE;
}

/* Without any, the name is all that one must know. */
static int find_root(struct wr_up *up)
{
	struct wr_key open;

	if (wr_mesh_root(up->mesh, (struct wr_bytes){ NULL, 0 }, &open) < 0)
		return wr_complain(up->arguments, "memory is short");
	if (up->has_invitation)
		up->state.has_secret = !wr_key_equal(&up->invitation.root, &open);
	else if (!up->has_secret)
		up->state.root = open;
	return WR_EXIT_DONE;
}

static void take_invitation(struct wr_up *up)
{
	if (!up->has_invitation)
		return;
	up->state.has_invitation = true;
	up->state.invitation = up->invitation;
	if (up->invitation.has_founder) {
		up->state.has_founder = true;
		up->state.founder = up->invitation.founder;
	}
}

int wr_up_find_mesh(struct wr_up *up)
{
	const char *interface = wr_value_of(up->arguments, "interface");
	int status = wr_up_read_name(up);

	if (status == WR_EXIT_DONE)
		status = wr_up_read_invitation(up);
	if (status == WR_EXIT_DONE)
		status = find_state(up, interface);
	if (status == WR_EXIT_DONE)
		status = wr_up_check_expiry(up);
	if (status == WR_EXIT_DONE)
		status = wr_up_read_secret(up);
	if (status != WR_EXIT_DONE)
		return status;
	if (up->is_new) {
		status = make_state(up, interface);
		if (status == WR_EXIT_DONE)
			status = find_root(up);
	} else {
		status = check_known(up);
	}
	if (status == WR_EXIT_DONE)
		status = check_founder(up);
	if (status == WR_EXIT_DONE)
		take_invitation(up);
	return status;
}

void wr_up_done(struct wr_up *up)
{
	wr_mesh_state_done(&up->state);
	wr_wipe(up, sizeof(*up));
}
