/* Ending a membership. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/join.h"
#include "cli/agent.h"
#include "cli/api.h"
#include "cli/membership.h"
#include "cli/verbs.h"

static const struct wr_option options[] = {
	WR_MEMBERSHIP_OPTIONS,
	{ 0, "force", "also where the server cannot be told" },
};

/* True if there is nothing left to be told: the server does not know us any more either. */
static int tell_server(const struct wr_arguments *arguments, const struct wr_membership *membership)
{
	WR_AUTO(wr_state_done) struct wr_state state = { .folder = NULL };
	char why[WR_JOIN_WHY_LEN] = "";
	int status = wr_state_load(membership->folder, &state);

	if (status == 0)
		status = wr_member_call(&state, "DELETE", "/api/v1/agent", NULL, why);
	if (status == 0 || status == -ENOENT || wr_is_given(arguments, "force"))
		return WR_EXIT_DONE;
	return wr_complain(
		arguments,
		"the server was not told: %s; nothing has changed (--force leaves anyway; "
		"then remove the machine at the server)",
		*why ? why : strerror(-status));
}

static int leave(const struct wr_arguments *arguments, const struct wr_membership *membership)
{
	int status = tell_server(arguments, membership);

	if (status == WR_EXIT_DONE)
		status = wr_membership_end(membership);
	if (status != WR_EXIT_DONE)
		return status;
	wr_agent_unregister(membership->interface);
	status = wr_state_forget(membership->folder);
	if (status < 0)
		return wr_complain(arguments, "cannot remove %s: %s", membership->folder,
				   strerror(-status));
	return WR_EXIT_DONE;
}

static int run(const struct wr_arguments *arguments)
{
	struct wr_membership membership;
	int status = wr_membership_find_agent(arguments, &membership);

	if (status != WR_EXIT_DONE)
		return status;
	status = leave(arguments, &membership);
	wr_membership_done(&membership);
	return status;
}

const struct wr_verb wr_verb_leave = {
	.name = "leave",
	.summary = "end the membership in a network, and put back what it changed",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
