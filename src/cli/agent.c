/* The verb that runs an agent, and how others start one. */
#include "cli/agent.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/membership.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = {
	WR_MEMBERSHIP_OPTIONS,
	{ 'f', "foreground", "stay in the foreground" },
};

/* --- systemd. --- */

/* True if it ran and was content. */
static bool systemctl(const char *const *words)
{
	char **arguments = (char **)(uintptr_t)words;
	pid_t child;
	int status = 0;

	if (posix_spawnp(&child, "systemctl", NULL, NULL, arguments, environ) != 0)
		return false;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* sd_booted(3); and our unit is installed. */
static bool has_service(const char *unit)
{
	const char *const words[] = { "systemctl", "--quiet", "cat", unit, NULL };

	return access("/run/systemd/system", F_OK) == 0 && systemctl(words);
}

static char *unit_of(const char *interface)
{
	return wr_text_new("warren-agent@%s.service", interface);
}

void wr_agent_unregister(const char *interface)
{
	WR_AUTO(wr_text_freep) char *unit = unit_of(interface);
	const char *const words[] = { "systemctl", "--quiet", "disable", unit, NULL };

	if (has_service(unit))
		(void)systemctl(words);
}

static int start_service(const struct wr_arguments *arguments, const char *unit)
{
	const char *const words[] = { "systemctl", "--quiet", "enable", "--now", unit, NULL };

	if (systemctl(words))
		return WR_EXIT_DONE;
	return wr_complain(arguments, "the agent did not start: journalctl -u %s says why", unit);
}

/* --- In the background. --- */

static int start_daemon(const struct wr_arguments *arguments, const char *folder)
{
	const char *level = getenv("LOG_LEVEL");
	struct wr_daemon daemon = { .keeps_output = level && *level };
	int exit_status = WR_EXIT_FAILED;
	int status = wr_daemon_fork(&daemon, &exit_status);

	if (status < 0)
		return wr_complain(arguments, "cannot go into the background: %s",
				   strerror(-status));
	if (status > 0)
		return exit_status;
	/* The child's own end: what the parent goes on with is not for it. */
	exit(wr_agent_run(arguments, folder, &daemon));
}

int wr_agent_start(const struct wr_arguments *arguments, const char *interface, const char *folder,
		   bool in_foreground)
{
	WR_AUTO(wr_text_freep) char *unit = unit_of(interface);
	struct wr_daemon daemon = { .is_child = false };

	if (in_foreground)
		return wr_agent_run(arguments, folder, &daemon);
	if (!wr_membership_base(arguments) && has_service(unit))
		return start_service(arguments, unit);
	fflush(stdout);
	return start_daemon(arguments, folder);
}

static int run(const struct wr_arguments *arguments)
{
	struct wr_membership membership;
	int status = wr_membership_find(arguments, &membership);

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
