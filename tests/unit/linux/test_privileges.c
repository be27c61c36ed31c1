#include "linux/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespace.h"

/* Privileges do not come back, so each case lives in a process of its own: what it
 * returns is its exit status, 0 if all was as it should be. */
typedef int life(void);

static int status_of(life *live)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(live());
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void assert_lives(life *live)
{
	int status = status_of(live);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_killed(life *live, int by)
{
	int status = status_of(live);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), by);
}

static bool has(cap_t capabilities, cap_value_t which, cap_flag_t set)
{
	cap_flag_value_t value = CAP_CLEAR;

	return cap_get_flag(capabilities, which, set, &value) == 0 && value == CAP_SET;
}

/* True if `kept` (a bit a capability) and nothing else is left, in all sets. */
static bool is_left(uint64_t kept)
{
	cap_t capabilities = cap_get_proc();
	bool is_good = true;

	for (cap_value_t which = 0; which < cap_max_bits(); which++) {
		bool want = kept >> which & 1;

		is_good &= has(capabilities, which, CAP_PERMITTED) == want &&
			   has(capabilities, which, CAP_EFFECTIVE) == want &&
			   !has(capabilities, which, CAP_INHERITABLE) &&
			   cap_get_ambient(which) == 0 && cap_get_bound(which) == 0;
	}
	cap_free(capabilities);
	return is_good;
}

static int drop(void)
{
	if (wr_privileges_drop(false) < 0)
		return 1;
	if (!is_left(UINT64_C(1) << CAP_NET_ADMIN))
		return 2;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static int drop_but_low_ports(void)
{
	if (wr_privileges_drop(true) < 0)
		return 1;
	return is_left(UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_BIND_SERVICE) ? 0 : 2;
}

/* One that was given CAP_NET_ADMIN alone, and cannot change its bounding set. */
static int drop_with_little(void)
{
	cap_t capabilities = cap_from_text("cap_net_admin=ep");

	if (cap_set_proc(capabilities) < 0)
		return 1;
	cap_free(capabilities);
	if (wr_privileges_drop(true) < 0)
		return 2;
	capabilities = cap_get_proc();
	if (!has(capabilities, CAP_NET_ADMIN, CAP_EFFECTIVE) ||
	    has(capabilities, CAP_NET_BIND_SERVICE, CAP_EFFECTIVE))
		return 3;
	cap_free(capabilities);
	return 0;
}

static void test_privileges_drop_keeps_only_what_is_said(void **state)
{
	(void)state;
	assert_lives(drop);
	assert_lives(drop_but_low_ports);
	assert_lives(drop_with_little);
}

static bool is_refused(long result)
{
	return result == -1 && errno == EPERM;
}

static bool is_refused_memory(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	       errno == EPERM;
}

static int filter(void)
{
	struct wr_seccomp *rules;

	return wr_privileges_drop(false) < 0 || wr_seccomp_new(&rules) < 0 ||
	       wr_seccomp_load(rules) < 0 || wr_seccomp_free(rules);
}

static int refuse(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int datagrams;

	if (filter())
		return 1;
	if (!is_refused(open("/etc/passwd", O_RDONLY)) || !is_refused(mkdir("/run/x", 0700)))
		return 2;
	if (!is_refused(socket(AF_INET, SOCK_STREAM, 0)) ||
	    !is_refused(socket(AF_PACKET, SOCK_DGRAM, 0)) ||
	    !is_refused(socket(AF_NETLINK, SOCK_RAW, 0)))
		return 3;
	if (!is_refused_memory(PROT_READ | PROT_EXEC))
		return 4;
	datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (datagrams < 0 || !is_refused(ioctl(datagrams, SIOCSIFMTU, &request)))
		return 5;
	if (!is_refused(kill(getppid(), 0)))
		return 6;
	return 0;
}

static void *thread_that_lives_on(void *done)
{
	int *fds = done;
	char byte;

	/* Until the filter is there; then an open() of this thread, too, is refused. */
	if (read(fds[0], &byte, 1) != 1)
		return NULL;
	return is_refused(open("/etc/passwd", O_RDONLY)) ? done : NULL;
}

static int refuse_in_all_threads(void)
{
	pthread_t thread;
	void *result;
	int fds[2];

	if (pipe(fds) < 0 || pthread_create(&thread, NULL, thread_that_lives_on, fds) != 0)
		return 1;
	if (filter() || write(fds[1], "", 1) != 1)
		return 2;
	if (pthread_join(thread, &result) != 0 || result != fds)
		return 3;
	/* And no more threads. */
	return pthread_create(&thread, NULL, thread_that_lives_on, fds) == EPERM ? 0 : 4;
}

static int allow(void)
{
	char *memory;

	if (filter())
		return 1;
	memory = malloc(1 << 20);
	if (!memory)
		return 2;
	memset(memory, 1, 1 << 20);
	memory = realloc(memory, 32 << 20);
	if (!memory)
		return 3;
	free(memory);
	if (if_nametoindex("lo") != 1)
		return 4;
	return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 5;
}

static void test_privileges_seccomp_refuses_what_is_not_needed(void **state)
{
	(void)state;
	assert_lives(refuse);
	assert_lives(refuse_in_all_threads);
	assert_lives(allow);
}

static int run_program(void)
{
	char *const none[] = { NULL };

	return filter() ? 1 : execve("/bin/true", none, none);
}

static int fork_again(void)
{
	return filter() ? 1 : (int)vfork();
}

static int change_namespace(void)
{
	return filter() ? 1 : unshare(CLONE_NEWNS);
}

static int fail_an_assertion(void)
{
	if (filter())
		return 1;
	abort();
}

static void test_privileges_seccomp_ends_a_process_that_is_not_ours_any_more(void **state)
{
	(void)state;
	assert_killed(run_program, SIGSYS);
	assert_killed(fork_again, SIGSYS);
	assert_killed(change_namespace, SIGSYS);
	/* assert(3) still ends it in its own way. */
	assert_killed(fail_an_assertion, SIGABRT);
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
		cmocka_unit_test(test_privileges_drop_keeps_only_what_is_said),
		cmocka_unit_test(test_privileges_seccomp_refuses_what_is_not_needed),
		cmocka_unit_test(test_privileges_seccomp_ends_a_process_that_is_not_ours_any_more),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
