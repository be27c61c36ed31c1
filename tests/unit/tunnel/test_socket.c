#include "tunnel/uapi_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/namespace.h"

#define FILE_OF_WG0 "/run/wireguard/wg0.sock"

static struct wr_uapi_socket open_wg0(void)
{
	struct wr_uapi_socket socket;

	assert_int_equal(wr_uapi_socket_open("wg0", &socket), 0);
	return socket;
}

static bool can_connect(void)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool can;

	assert_int_equal(wr_uapi_socket_path("wg0", &address), 0);
	can = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return can;
}

static void test_socket_open_is_for_its_owner_only(void **state)
{
	struct wr_uapi_socket wg0 = open_wg0();
	struct stat file;

	(void)state;
	assert_int_equal(lstat("/run/wireguard", &file), 0);
	assert_int_equal(file.st_mode & 0777, 0700);
	assert_int_equal(lstat(FILE_OF_WG0, &file), 0);
	assert_true(S_ISSOCK(file.st_mode));
	assert_int_equal(file.st_mode & 0077, 0);
	assert_true(can_connect());
	wr_uapi_socket_done(&wg0);
	assert_int_equal(lstat(FILE_OF_WG0, &file), -1);
	assert_int_equal(errno, ENOENT);
}

static void test_socket_open_replaces_what_a_dead_one_left(void **state)
{
	struct wr_uapi_socket dead = open_wg0();
	struct wr_uapi_socket wg0;

	(void)state;
	close(dead.fd);
	assert_false(can_connect());
	wg0 = open_wg0();
	assert_true(can_connect());
	assert_false(wr_uapi_socket_is_gone(&wg0));
	wr_uapi_socket_done(&wg0);
	close(dead.watch_fd);
}

static void test_socket_open_refuses_where_one_lives(void **state)
{
	struct wr_uapi_socket wg0 = open_wg0();
	struct wr_uapi_socket second;

	(void)state;
	assert_int_equal(wr_uapi_socket_open("wg0", &second), -EADDRINUSE);
	assert_true(can_connect());
	wr_uapi_socket_done(&wg0);
	/* A file that is no socket is somebody's: it stays. */
	namespace_run("echo mine >" FILE_OF_WG0);
	assert_int_equal(wr_uapi_socket_open("wg0", &second), -EADDRINUSE);
	namespace_run("grep -q mine " FILE_OF_WG0 " && rm " FILE_OF_WG0);
}

static void test_socket_is_gone_when_its_file_was_removed(void **state)
{
	struct wr_uapi_socket wg0 = open_wg0();

	(void)state;
	namespace_run("touch /run/wireguard/x; rm /run/wireguard/x; chmod 660 " FILE_OF_WG0);
	assert_false(wr_uapi_socket_is_gone(&wg0));
	assert_int_equal(unlink(FILE_OF_WG0), 0);
	assert_true(wr_uapi_socket_is_gone(&wg0));
	assert_true(wr_uapi_socket_is_gone(&wg0));
	/* Another one's by now: not to be removed. */
	namespace_run("touch " FILE_OF_WG0);
	wr_uapi_socket_done(&wg0);
	namespace_run("rm " FILE_OF_WG0);
}

static void test_socket_is_gone_when_moved_or_with_its_directory(void **state)
{
	static const char *const ways[] = { "mv " FILE_OF_WG0 " /run/elsewhere",
					    "rm -r /run/wireguard" };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(ways); i++) {
		struct wr_uapi_socket wg0 = open_wg0();

		namespace_run("%s", ways[i]);
		assert_true(wr_uapi_socket_is_gone(&wg0));
		wr_uapi_socket_done(&wg0);
	}
}

/* All of this user's inotify descriptors are taken, those of others on the machine are not. */
static bool is_gone_without_inotify(void)
{
	struct wr_uapi_socket wg0;
	struct pollfd waiting = { .events = POLLIN };
	int limit;

	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	limit = open("/proc/sys/user/max_inotify_instances", O_WRONLY);
	if (write(limit, "0", 1) != 1 || close(limit) < 0 || wr_uapi_socket_open("wg0", &wg0) < 0 ||
	    !wg0.is_looked_after || wr_uapi_socket_is_gone(&wg0) || unlink(FILE_OF_WG0) < 0)
		return false;
	waiting.fd = wg0.watch_fd;
	return poll(&waiting, 1, -1) == 1 && wr_uapi_socket_is_gone(&wg0);
}

static void test_socket_is_gone_where_nothing_more_can_be_watched(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0)
		_exit(is_gone_without_inotify() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_socket_adopt_takes_one_that_listens(void **state)
{
	struct wr_uapi_socket made = open_wg0();
	struct wr_uapi_socket adopted;

	(void)state;
	assert_int_equal(fcntl(made.fd, F_SETFL, 0), 0);
	assert_int_equal(wr_uapi_socket_adopt(made.fd, &adopted), 0);
	close(made.watch_fd);
	assert_true(fcntl(adopted.fd, F_GETFL) & O_NONBLOCK);
	assert_string_equal(adopted.address.sun_path, "/var/run/wireguard/wg0.sock");
	assert_int_equal(unlink(FILE_OF_WG0), 0);
	assert_true(wr_uapi_socket_is_gone(&adopted));
	wr_uapi_socket_done(&adopted);
}

static void test_socket_adopt_refuses_others(void **state)
{
	struct wr_uapi_socket adopted;
	int quiet = socket(AF_UNIX, SOCK_STREAM, 0);
	int file = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(wr_uapi_socket_adopt(quiet, &adopted), -EINVAL);
	assert_int_equal(wr_uapi_socket_adopt(file, &adopted), -ENOTSOCK);
	close(quiet);
	assert_int_equal(wr_uapi_socket_adopt(quiet, &adopted), -EBADF);
	close(file);
}

/* One without a file, as a socket unit of an init system may have. */
static void test_socket_adopt_does_without_a_file(void **state)
{
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0wg0" };
	struct wr_uapi_socket adopted;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&abstract, sizeof(sa_family_t) + 4), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(wr_uapi_socket_adopt(fd, &adopted), 0);
	assert_int_equal(adopted.watch_fd, -1);
	assert_false(wr_uapi_socket_is_gone(&adopted));
	wr_uapi_socket_done(&adopted);
}

static int enter(void **state)
{
	(void)state;
	namespace_enter();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket_open_is_for_its_owner_only),
		cmocka_unit_test(test_socket_open_replaces_what_a_dead_one_left),
		cmocka_unit_test(test_socket_open_refuses_where_one_lives),
		cmocka_unit_test(test_socket_is_gone_when_its_file_was_removed),
		cmocka_unit_test(test_socket_is_gone_when_moved_or_with_its_directory),
		cmocka_unit_test(test_socket_is_gone_where_nothing_more_can_be_watched),
		cmocka_unit_test(test_socket_adopt_takes_one_that_listens),
		cmocka_unit_test(test_socket_adopt_refuses_others),
		cmocka_unit_test(test_socket_adopt_does_without_a_file),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
