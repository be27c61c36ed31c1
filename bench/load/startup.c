/* The time from starting a userspace WireGuard program until its interface can be configured.
 *
 *   startup SOCKET PROGRAM [ARGUMENT...]     prints milliseconds
 *
 * The program daemonises: its first process must return with status 0, and then SOCKET must answer
 * a `get`. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "startup: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* What daemonises keeps its standard files, so they must not be the pipe that our reader waits on.
 */
static void let_go_of_files(posix_spawn_file_actions_t *ret_actions)
{
	posix_spawn_file_actions_init(ret_actions);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		posix_spawn_file_actions_addopen(ret_actions, fd, "/dev/null", O_RDWR, 0);
}

static void run(char **command)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	let_go_of_files(&actions);
	errno = posix_spawn(&pid, command[0], &actions, NULL, command, environ);
	if (errno)
		die(command[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "startup: %s did not daemonise (status %d)\n", command[0], status);
		exit(1);
	}
}

static void configure(const char *path)
{
	static const char ask[] = "get=1\n\n";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char answer[4096];
	ssize_t len;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		die(path);
	if (write(fd, ask, sizeof(ask) - 1) != (ssize_t)sizeof(ask) - 1)
		die("write");
	len = read(fd, answer, sizeof(answer) - 1);
	if (len <= 0)
		die("no answer");
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: startup SOCKET PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	double start = now();

	run(argv + 2);
	configure(argv[1]);
	printf("%.3f\n", now() - start);
	return 0;
}
