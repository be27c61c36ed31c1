/* Asks a running interface for its counters. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/verb.h"
#include "cli/wg.h"
#include "tunnel/uapi_socket.h"

/* Some thirty lines of a name and a number. */
#define ANSWER_MAX 8192

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Connects and asks; a negative errno where nobody is there. */
static int ask(const char *name, int *ret_fd)
{
	static const char request[] = "stats=1\n\n";
	WR_AUTO(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int status = wr_uapi_socket_path(name, &address);

	if (status < 0)
		return status;
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
		return -errno;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Reads up to the empty line that ends the answer. False if none comes: then it is
 * not Warren that is asked. */
static bool read_answer(int fd, char answer[ANSWER_MAX])
{
	size_t len = 0;

	while (len < ANSWER_MAX - 1) {
		ssize_t more = read(fd, answer + len, ANSWER_MAX - 1 - len);

		if (more <= 0)
			return false;
		len += (size_t)more;
		answer[len] = '\0';
		if (len >= 2 && strcmp(answer + len - 2, "\n\n") == 0)
			return strstr(answer, "errno=0\n") != NULL;
	}
	return false;
}

static void print_line(const char *line, size_t len, bool as_json, bool is_first)
{
	const char *equals = memchr(line, '=', len);
	int name_len, value_len;

	if (!equals)
		return;
	name_len = (int)(equals - line);
	value_len = (int)len - name_len - 1;
	if (as_json)
		printf("%s\"%.*s\": %.*s", is_first ? "" : ", ", name_len, line, value_len,
		       equals + 1);
	else
		printf("%.*s %.*s\n", name_len, line, value_len, equals + 1);
}

/* All lines but the last, which is the errno. */
static void print_answer(const char *answer, bool as_json)
{
	const char *line = answer;

	if (as_json)
		printf("{");
	while (strncmp(line, "errno=", 6) != 0) {
		size_t len = strcspn(line, "\n");

		print_line(line, len, as_json, line == answer);
		line += len + (line[len] == '\n');
	}
	if (as_json)
		printf("}\n");
}

static void explain(const char *name, int error)
{
	if (error == -EACCES)
		fprintf(stderr, "warren wg: may not ask %s for its counters (run it as root)\n",
			name);
	else
		fprintf(stderr, "warren wg: no interface %s runs here (%s/%s.sock: %s)\n", name,
			WR_UAPI_DIRECTORY, name, strerror(-error));
}

int wr_wg_stats(const char *name, bool as_json)
{
	WR_AUTO(close_fd) int fd = -1;
	char answer[ANSWER_MAX];
	int status = ask(name, &fd);

	if (status < 0) {
		explain(name, status);
		return WR_EXIT_FAILED;
	}
	if (!read_answer(fd, answer)) {
		fprintf(stderr, "warren wg: %s is run by another program, which has no counters\n",
			name);
		return WR_EXIT_FAILED;
	}
	print_answer(answer, as_json);
	return WR_EXIT_DONE;
}
