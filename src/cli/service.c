#include "cli/service.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

bool wr_service_is_there(const char *unit)
{
	const char *const words[] = { "systemctl", "--quiet", "cat", unit, NULL };

	return access("/run/systemd/system", F_OK) == 0 && systemctl(words);
}

int wr_service_start(const struct wr_arguments *arguments, const char *unit, const char *what)
{
	const char *const words[] = { "systemctl", "--quiet", "enable", "--now", unit, NULL };

	if (systemctl(words))
		return WR_EXIT_DONE;
	return wr_complain(arguments, "the %s did not start: journalctl -u %s says why", what,
			   unit);
}

void wr_service_disable(const char *unit)
{
	const char *const words[] = { "systemctl", "--quiet", "disable", unit, NULL };

	if (wr_service_is_there(unit))
		(void)systemctl(words);
}

int wr_service_fork(const struct wr_arguments *arguments,
		    int (*run)(void *context, struct wr_daemon *daemon), void *context)
{
	const char *level = getenv("LOG_LEVEL");
	struct wr_daemon daemon = { .keeps_output = level && *level };
	int exit_status = WR_EXIT_FAILED;
	int status;

	fflush(stdout);
	status = wr_daemon_fork(&daemon, &exit_status);
	if (status < 0)
		return wr_complain(arguments, "cannot go into the background: %s",
				   strerror(-status));
	if (status > 0)
		return exit_status;
	/* The child's own end: what the parent goes on with is not for it. */
	exit(run(context, &daemon));
}
