/* The verb that runs an agent, and how others start one. */
#include "cli/agent.h"

#include "cli/membership.h"
#include "cli/service.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = {
	WR_MEMBERSHIP_OPTIONS,
	{ 'f', "foreground", "stay in the foreground" },
};

static char *unit_of(const char *interface)
{
	return wr_text_new("warren-agent@%s.service", interface);
}

void wr_agent_unregister(const char *interface)
{
	WR_AUTO(wr_text_freep) char *unit = unit_of(interface);

	wr_service_disable(unit);
}

struct start {
	const struct wr_arguments *arguments;
	const char *folder;
};

static int run_forked(void *context, struct wr_daemon *daemon)
{
	const struct start *start = context;

	return wr_agent_run(start->arguments, start->folder, daemon);
}

static int start_daemon(const struct wr_arguments *arguments, const char *folder)
{
	struct start start = { arguments, folder };

	return wr_service_fork(arguments, run_forked, &start);
}

int wr_agent_start(const struct wr_arguments *arguments, const char *interface, const char *folder,
		   bool in_foreground)
{
	WR_AUTO(wr_text_freep) char *unit = unit_of(interface);
	struct wr_daemon daemon = { .is_child = false };

	if (in_foreground)
		return wr_agent_run(arguments, folder, &daemon);
	if (!wr_membership_base(arguments) && wr_service_is_there(unit))
		return wr_service_start(arguments, unit, "agent");
	return start_daemon(arguments, folder);
}

static int run(const struct wr_arguments *arguments)
{
	struct wr_membership membership;
	int status = wr_membership_find_agent(arguments, &membership);

	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "foreground"))
		status = wr_agent_start(arguments, membership.interface, membership.folder, true);
	else
		status = start_daemon(arguments, membership.folder);
	wr_membership_done(&membership);
	return status;
}

const struct wr_verb wr_verb_agent = {
	.name = "agent",
	.summary = "run the agent of a network that was joined",
	.about = "`warren join` starts it, and a service of systemd at each boot; this is for\n"
		 "machines without systemd, for containers (-f), and for looking at what it does\n"
		 "(LOG_LEVEL=verbose warren agent -f).\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
