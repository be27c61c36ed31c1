/* Being out of a mesh. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/membership.h"
#include "cli/service.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"
#include "zeroconf/state.h"

static const struct wr_option options[] = {
	WR_MEMBERSHIP_OPTIONS,
	{ 0, "forget", "remove this machine's identity in it, too" },
	{ 'y', "yes", "do not ask" },
};

static bool has_founder_key(const char *folder)
{
	WR_AUTO(wr_founder_done) struct wr_founder founder = { .invitations = NULL };

	return wr_founder_load(folder, &founder) == 0;
}

static int confirm(const struct wr_arguments *arguments, const struct wr_membership *membership,
		   const char *mesh)
{
	bool is_founder = has_founder_key(membership->folder);
	WR_AUTO(wr_text_freep)
	char *question = wr_text_new("Forget mesh %s, with this machine's identity in it%s? [y/N] ",
				     mesh ? mesh : membership->interface,
				     is_founder ? " AND THE FOUNDER'S KEY: nobody can be admitted "
						  "or put out any more"
						: "");

	if (!wr_is_given(arguments, "forget") || wr_is_given(arguments, "yes"))
		return WR_EXIT_DONE;
	if (!wr_terminal_can_ask())
		return wr_misuse(arguments, "--forget takes --yes where nobody can be asked");
	return wr_terminal_confirm(question) ? WR_EXIT_DONE : WR_EXIT_FAILED;
}

static void disable(const char *mesh)
{
	WR_AUTO(wr_text_freep) char *unit = NULL;

	if (!mesh)
		return;
	unit = wr_text_new("warren-mesh@%s.service", mesh);
	wr_service_disable(unit);
}

static int forget(const struct wr_arguments *arguments, const struct wr_membership *membership)
{
	int status;

	if (!wr_is_given(arguments, "forget"))
		return WR_EXIT_DONE;
	status = wr_mesh_state_forget(membership->folder);
	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot remove %s: %s", membership->folder,
			   strerror(-status));
}

static int bring_down(const struct wr_arguments *arguments, const struct wr_membership *membership)
{
	WR_AUTO(wr_text_freep) char *mesh = wr_membership_mesh_name(membership->folder);
	bool was_up = !wr_folder_is_free(membership->folder);
	int status = confirm(arguments, membership, mesh);

	if (status == WR_EXIT_DONE && !was_up && !wr_is_given(arguments, "forget"))
		return wr_complain(arguments, "mesh %s is not up",
				   mesh ? mesh : membership->interface);
	if (status == WR_EXIT_DONE)
		status = wr_membership_end(membership);
	if (status != WR_EXIT_DONE)
		return status;
	if (!wr_membership_base(arguments))
		disable(mesh);
	return forget(arguments, membership);
}

static int run(const struct wr_arguments *arguments)
{
	const char *mesh = arguments->operand_count ? arguments->operands[0] : NULL;
	struct wr_membership membership;
	int status = wr_membership_find_mesh(arguments, mesh, wr_value_of(arguments, "interface"),
					     &membership);

	if (status != WR_EXIT_DONE)
		return status;
	status = bring_down(arguments, &membership);
	wr_membership_done(&membership);
	return status;
}

const struct wr_verb wr_verb_down = {
	.name = "down",
	.summary = "leave a mesh for now: say farewell, take the interface away",
	.about = "What this machine is there stays, for the next `warren up`.\n",
	.operand = "[MESH]",
	.max_operands = 1,
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
