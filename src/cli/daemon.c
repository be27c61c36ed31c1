#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/verb.h"

/* The child ended without a word: of that the parent has to tell. */
static int explain_end(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		fprintf(stderr, "warren: the daemon was ended by signal %d before it was ready\n",
			WTERMSIG(status));
	return WR_EXIT_FAILED;
}

static int wait_for(pid_t child, int fd)
{
	char byte;
	ssize_t len;

	do
		len = read(fd, &byte, 1);
	while (len < 0 && errno == EINTR);
	return len == 1 ? WR_EXIT_DONE : explain_end(child);
}

/* A session of its own, so that no terminal's end is its end; and no folder of
 * somebody's is kept from being unmounted. */
static int begin_child(struct wr_daemon *daemon, int ready_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	if (setsid() < 0 || chdir("/") < 0)
		return -errno;
	daemon->is_child = true;
	daemon->ready_fd = ready_fd;
	daemon->null_fd = null_fd;
	return 0;
}

int wr_daemon_fork(struct wr_daemon *daemon, int *ret_exit_status)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		close(ends[0]);
		return begin_child(daemon, ends[1]);
	}
	close(ends[1]);
	*ret_exit_status = wait_for(child, ends[0]);
	return 1;
}

static void detach(const struct wr_daemon *daemon)
{
	int last = daemon->keeps_output ? STDIN_FILENO : STDERR_FILENO;

	for (int fd = STDIN_FILENO; fd <= last; fd++)
		(void)dup2(daemon->null_fd, fd);
}

void wr_daemon_ready(struct wr_daemon *daemon)
{
	ssize_t len;

	if (!daemon->is_child)
		return;
	detach(daemon);
	close(daemon->null_fd);
	len = write(daemon->ready_fd, "", 1);
	(void)len;
	close(daemon->ready_fd);
	daemon->is_child = false;
}
