#include "linux/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of what nft says; its first line is what people are shown. */
#define OUTPUT_MAX 4096
/* Between two looks whether it has ended. */
#define WAIT_MS 20

static const char *const programs[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/local/sbin/nft" };

/* --- Starting it. --- */

struct child {
	pid_t pid;
	int input, output;
};

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Standard input is closed for writing by us, output and error go one way. */
static int spawn_with(const posix_spawn_file_actions_t *actions,
		      const posix_spawnattr_t *attributes, pid_t *ret_pid)
{
	char *const arguments[] = { (char[]){ "nft" }, (char[]){ "-f" }, (char[]){ "-" }, NULL };
	char *const environment[] = { (char[]){ "LC_ALL=C" }, NULL };
	int error = ENOENT;

	for (size_t i = 0; i < WR_ARRAY_LEN(programs) && error == ENOENT; i++)
		error = posix_spawn(ret_pid, programs[i], actions, attributes, arguments,
				    environment);
	return -error;
}

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int input,
		   int output)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	/* ^C at a terminal is for us; we end it in our own time. */
	if (!error)
		error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
								     POSIX_SPAWN_SETSIGDEF |
								     POSIX_SPAWN_SETPGROUP);
	return -error;
}

static int spawn(int input, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int status;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	status = prepare(&actions, &attributes, input, output);
	if (status == 0)
		status = spawn_with(&actions, &attributes, ret_pid);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

static int start(struct child *child)
{
	WR_AUTO(closep) int their_input = -1;
	WR_AUTO(closep) int their_output = -1;
	int input[2], output[2];

	if (pipe2(input, O_CLOEXEC) < 0)
		return -errno;
	their_input = input[0];
	child->input = input[1];
	if (pipe2(output, O_CLOEXEC) < 0)
		return -errno;
	child->output = output[0];
	their_output = output[1];
	if (fcntl(child->input, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(child->output, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return spawn(their_input, their_output, &child->pid);
}

/* --- Talking to it. --- */

struct talk {
	struct child *child;
	const char *script;
	size_t script_len;
	char output[OUTPUT_MAX];
	size_t output_len;
	uint64_t deadline_ms;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_input(struct child *child)
{
	closep(&child->input);
	child->input = -1;
}

/* One that ends early does not read all; what it says then is why. */
static void say(struct talk *talk)
{
	ssize_t sent = write(talk->child->input, talk->script, talk->script_len);

	if (sent > 0) {
		talk->script += sent;
		talk->script_len -= (size_t)sent;
	}
	if (talk->script_len == 0 || (sent < 0 && errno != EAGAIN && errno != EINTR))
		close_input(talk->child);
}

/* False at its end. What is more than there is room for is read and forgotten. */
static bool hear(struct talk *talk)
{
	char rest[512];
	size_t room = sizeof(talk->output) - talk->output_len;
	ssize_t got = read(talk->child->output, room ? talk->output + talk->output_len : rest,
			   room ? room : sizeof(rest));

	if (got > 0 && room)
		talk->output_len += (size_t)got;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static int talk_to(struct talk *talk)
{
	for (;;) {
		struct pollfd fds[] = { { .fd = talk->child->output, .events = POLLIN },
					{ .fd = talk->child->input, .events = POLLOUT } };
		uint64_t now = now_ms();

		if (now >= talk->deadline_ms)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)(talk->deadline_ms - now)) < 0 && errno != EINTR)
			return -errno;
		if (talk->child->input >= 0 && fds[1].revents)
			say(talk);
		if (fds[0].revents && !hear(talk))
			return 0;
	}
}

/* It has closed its output, so it ends, or is ended. */
static int wait_for(struct talk *talk, bool is_killed, int *ret_status)
{
	struct timespec pause = { .tv_nsec = WAIT_MS * 1000000 };

	if (is_killed)
		kill(talk->child->pid, SIGKILL);
	for (;;) {
		pid_t ended = waitpid(talk->child->pid, ret_status, is_killed ? 0 : WNOHANG);

		if (ended == talk->child->pid)
			return is_killed ? -ETIMEDOUT : 0;
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (ended == 0 && now_ms() >= talk->deadline_ms)
			return wait_for(talk, true, ret_status);
		if (ended == 0)
			nanosleep(&pause, NULL);
	}
}

/* --- What people are shown. --- */

/* The first line, without where in our script it is, and nothing that could write over a
 * terminal. */
static void take_line(const struct talk *talk, char ret_error[WR_NFT_ERROR_LEN])
{
	const char *line = talk->output, *mark;
	size_t len = 0;
	char text[OUTPUT_MAX + 1];

	while (len < talk->output_len && line[len] >= ' ' && line[len] <= '~')
		len++;
	memcpy(text, line, len);
	text[len] = '\0';
	mark = strstr(text, "Error: ");
	snprintf(ret_error, WR_NFT_ERROR_LEN, "nft: %.180s", mark ? mark + 7 : text);
}

static int explain(const struct talk *talk, int status, int exit_status,
		   char ret_error[WR_NFT_ERROR_LEN])
{
	if (status == -ENOENT)
		snprintf(ret_error, WR_NFT_ERROR_LEN,
			 "there is no program 'nft': install the package nftables");
	else if (status == -ETIMEDOUT)
		snprintf(ret_error, WR_NFT_ERROR_LEN, "nft did not end in time, and was stopped");
	else if (status < 0)
		snprintf(ret_error, WR_NFT_ERROR_LEN, "nft could not be run: %s",
			 strerror(-status));
	else if (!WIFEXITED(exit_status) || WEXITSTATUS(exit_status) != 0) {
		take_line(talk, ret_error);
		return -EINVAL;
	}
	return status;
}

int wr_nft_run(const char *script, struct wr_span timeout, char ret_error[WR_NFT_ERROR_LEN])
{
	struct child child = { .pid = -1, .input = -1, .output = -1 };
	struct talk talk = { .child = &child,
			     .script = script,
			     .script_len = strlen(script),
			     .deadline_ms = now_ms() + timeout.ns / 1000000 };
	int exit_status = 0;
	int status = start(&child);

	ret_error[0] = '\0';
	if (status == 0) {
		int talked = talk_to(&talk);

		close_input(&child);
		status = wait_for(&talk, talked < 0, &exit_status);
		if (status == 0)
			status = talked;
	}
	closep(&child.input);
	closep(&child.output);
	return explain(&talk, status, exit_status, ret_error);
}
