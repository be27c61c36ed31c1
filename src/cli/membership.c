#include "cli/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/files.h"
#include "zeroconf/state.h"

const char *wr_membership_base(const struct wr_arguments *arguments)
{
	const char *given = wr_value_of(arguments, "state");
	const char *variable = getenv("WARREN_STATE");

	return given ? given : variable && *variable ? variable : NULL;
}

int wr_membership_each(const struct wr_arguments *arguments, wr_membership_see *see, void *context)
{
	const char *base = wr_membership_base(arguments);
	int status = wr_folder_list(base, see, context);

	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot read %s: %s%s", base ? base : WR_FOLDER_BASE,
			   strerror(-status), status == -EACCES ? " (run it as root)" : "");
}

char *wr_membership_mesh_name(const char *folder)
{
	WR_AUTO(wr_mesh_state_done) struct wr_mesh_state state = { .folder = NULL };

	return wr_mesh_state_load(folder, &state) == 0 ? wr_text_new("%s", state.mesh) : NULL;
}

char *wr_membership_start_hint(enum wr_folder_kind kind, const char *interface)
{
	if (kind == WR_FOLDER_MESH)
		return wr_text_new("warren up -i %s", interface);
	return wr_text_new("systemctl start warren-agent@%s, or warren agent -i %s", interface,
			   interface);
}

/* --- Which one. --- */

struct search {
	const char *interface, *mesh; /* NULL: any */
	bool has_kind;
	enum wr_folder_kind kind;
	unsigned count;
	struct wr_membership *found;
	char *second;
	char *other; /* that was asked for, and is of the other kind */
};

static bool is_mesh_named(const char *folder, const char *name)
{
	WR_AUTO(wr_text_freep) char *mesh = wr_membership_mesh_name(folder);

	return mesh && strcmp(mesh, name) == 0;
}

static bool is_wanted(struct search *search, enum wr_folder_kind kind, const char *interface,
		      const char *folder)
{
	if (search->interface && strcmp(search->interface, interface) != 0)
		return false;
	if (search->mesh && (kind != WR_FOLDER_MESH || !is_mesh_named(folder, search->mesh)))
		return false;
	if (!search->has_kind || search->kind == kind)
		return true;
	if (search->interface && !search->other)
		search->other = wr_text_new("%s", interface);
	return false;
}

static void see(void *context, enum wr_folder_kind kind, const char *interface, const char *folder)
{
	struct search *search = context;

	if (!is_wanted(search, kind, interface, folder))
		return;
	if (++search->count == 1) {
		search->found->kind = kind;
		search->found->interface = wr_text_new("%s", interface);
		search->found->folder = wr_text_new("%s", folder);
	} else if (!search->second) {
		search->second = wr_text_new("%s", interface);
	}
}

static int refuse_none(const struct wr_arguments *arguments, const struct search *search)
{
	bool is_mesh = search->has_kind && search->kind == WR_FOLDER_MESH;

	if (search->other)
		return wr_complain(arguments,
				   is_mesh ? "%s is of a server's network, not of a mesh"
					   : "%s is of a mesh, not of a server's network "
					     "(warren down ends it)",
				   search->other);
	if (search->mesh)
		return wr_complain(arguments, "this machine is not in mesh %s (warren status)",
				   search->mesh);
	if (search->interface)
		return wr_complain(arguments, "%s is no membership of this machine (warren status)",
				   search->interface);
	if (is_mesh)
		return wr_complain(arguments, "this machine is in no mesh yet (warren up MESH)");
	return wr_complain(arguments, "this machine is a member of no network yet (warren up MESH, "
				      "or warren join KEY)");
}

static int refuse(const struct wr_arguments *arguments, const struct search *search)
{
	if (search->count == 0)
		return refuse_none(arguments, search);
	return wr_complain(arguments,
			   "this machine is in several networks, such as those of %s and %s: say "
			   "--interface",
			   search->found->interface, search->second);
}

static int find(const struct wr_arguments *arguments, struct search *search,
		struct wr_membership *ret_membership)
{
	struct wr_membership found = { .arguments = arguments };
	int status;

	search->found = &found;
	status = wr_membership_each(arguments, see, search);
	if (status == WR_EXIT_DONE && search->count != 1)
		status = refuse(arguments, search);
	free(search->second);
	free(search->other);
	if (status == WR_EXIT_DONE)
		*ret_membership = found;
	else
		wr_membership_done(&found);
	return status;
}

int wr_membership_find(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
{
	struct search search = { .interface = wr_value_of(arguments, "interface"),
				 .mesh = wr_value_of(arguments, "mesh") };

	return find(arguments, &search, ret_membership);
}

int wr_membership_find_agent(const struct wr_arguments *arguments,
			     struct wr_membership *ret_membership)
{
	struct search search = { .interface = wr_value_of(arguments, "interface"),
				 .has_kind = true,
				 .kind = WR_FOLDER_AGENT };

	return find(arguments, &search, ret_membership);
}

int wr_membership_find_mesh(const struct wr_arguments *arguments, const char *mesh,
			    const char *interface, struct wr_membership *ret_membership)
{
	struct search search = {
		.interface = interface, .mesh = mesh, .has_kind = true, .kind = WR_FOLDER_MESH
	};

	return find(arguments, &search, ret_membership);
}

static void note_mesh(void *context, enum wr_folder_kind kind, const char *interface,
		      const char *folder)
{
	bool *has_mesh = context;

	(void)interface;
	(void)folder;
	*has_mesh |= kind == WR_FOLDER_MESH;
}

bool wr_membership_has_mesh(const struct wr_arguments *arguments)
{
	bool has_mesh = false;

	return wr_folder_list(wr_membership_base(arguments), note_mesh, &has_mesh) == 0 && has_mesh;
}

void wr_membership_done(struct wr_membership *membership)
{
	free(membership->interface);
	free(membership->folder);
	membership->interface = membership->folder = NULL;
}
