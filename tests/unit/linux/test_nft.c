#include "linux/nft.h"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/privileges.h"
#include "namespace.h"

#define PATIENCE WR_SPAN_S(20)

static const char good[] = "table inet t { set s { type ipv4_addr; elements = { 10.0.0.1 } }\n"
			   "chain c { ip saddr @s drop; }; }\n";

static void run_good(const char *script)
{
	char error[WR_NFT_ERROR_LEN];

	if (wr_nft_run(script, PATIENCE, error) != 0)
		fail_msg("%s", error);
	assert_string_equal(error, "");
}

static uint32_t generation(void)
{
	uint32_t number = 0;

	assert_int_equal(wr_nft_generation(&number), 0);
	return number;
}

static uint64_t fingerprint(const char *name)
{
	uint64_t number;

	assert_int_equal(wr_nft_fingerprint(WR_NFT_INET, name, &number), 0);
	return number;
}

static void test_nft_does_a_script_whole_or_not_at_all(void **state)
{
	char error[WR_NFT_ERROR_LEN];

	(void)state;
	namespace_enter();
	run_good(good);
	namespace_run("nft list table inet t | grep -q 'elements = { 10.0.0.1 }'");
	assert_int_equal(wr_nft_run("delete table inet t\nadd rule inet u c drop\n", PATIENCE,
				    error),
			 -EINVAL);
	assert_string_equal(error, "nft: Could not process rule: No such file or directory");
	namespace_run("nft list table inet t | grep -q 'elements = { 10.0.0.1 }'");
}

/* More than a pipe holds, both ways. */
static void test_nft_takes_long_scripts(void **state)
{
	static char script[600000];
	char error[WR_NFT_ERROR_LEN];
	size_t len;

	(void)state;
	namespace_enter();
	len = (size_t)snprintf(script, sizeof(script),
			       "table inet t { set s { type ipv4_addr; elements = { ");
	for (unsigned i = 0; i < 30000; i++)
		len += (size_t)snprintf(script + len, sizeof(script) - len, "10.%u.%u.%u, ",
					i >> 16, i >> 8 & 255, i & 255);
	snprintf(script + len, sizeof(script) - len, "10.9.9.9 }; }; }\n");
	run_good(script);
	for (len = 0; len < sizeof(script) - 16;)
		len += (size_t)snprintf(script + len, sizeof(script) - len, "nonsense\n");
	assert_int_equal(wr_nft_run(script, PATIENCE, error), -EINVAL);
	assert_memory_equal(error, "nft: syntax error", 17);
}

static void test_nft_tells_changes(void **state)
{
	uint32_t before;
	uint64_t first, second;
	int fd;

	(void)state;
	namespace_enter();
	assert_int_equal(wr_nft_watch(&fd), 0);
	assert_false(wr_nft_drain(fd));
	before = generation();
	assert_int_equal(generation(), before);
	run_good(good);
	assert_int_equal(generation(), before + 1);
	assert_true(wr_nft_drain(fd));
	assert_false(wr_nft_drain(fd));
	first = fingerprint("t");
	assert_int_equal(fingerprint("t"), first);
	/* Another table is another matter. */
	run_good("table inet u { chain c { drop; }; }\n");
	assert_int_not_equal(generation(), before + 1);
	assert_int_equal(fingerprint("t"), first);
	run_good("add element inet t s { 10.0.0.2 }\n");
	assert_int_not_equal(fingerprint("t"), first);
	run_good("delete element inet t s { 10.0.0.2 }\n");
	assert_int_equal(fingerprint("t"), first);
	assert_int_equal(wr_nft_fingerprint(WR_NFT_INET, "none", &first), -ENOENT);
	/* One of another family that is called the same is another one. */
	assert_int_equal(wr_nft_fingerprint(WR_NFT_BRIDGE, "t", &first), -ENOENT);
	run_good("table bridge t { chain c { drop; }; }\n");
	assert_int_equal(wr_nft_fingerprint(WR_NFT_BRIDGE, "t", &second), 0);
	assert_int_not_equal(second, fingerprint("t"));
	close(fd);
}

static void test_nft_is_stopped_when_it_takes_too_long(void **state)
{
	char error[WR_NFT_ERROR_LEN];

	(void)state;
	namespace_enter();
	assert_int_equal(wr_nft_run(good, WR_SPAN_MS(0), error), -ETIMEDOUT);
	assert_string_equal(error, "nft did not end in time, and was stopped");
	/* Nothing of it is left. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Privileges do not come back, so a process of its own. */
static int live_with(uid_t user)
{
	char error[WR_NFT_ERROR_LEN] = "";

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || (user && setuid(user) < 0) ||
	    wr_privileges_drop_for_agent(false) < 0)
		return 2;
	if (wr_nft_run(good, PATIENCE, error) == 0)
		return 0;
	fprintf(stderr, "%s\n", error);
	return 1;
}

static void test_nft_works_with_one_capability(void **state)
{
	/* Root's is different: capabilities(7). */
	static const uid_t users[] = { 0, 65534 };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(users); i++) {
		pid_t child;
		int status;

		namespace_enter();
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(live_with(users[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		namespace_run("nft list table inet t | grep -q 10.0.0.1");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nft_does_a_script_whole_or_not_at_all),
		cmocka_unit_test(test_nft_takes_long_scripts),
		cmocka_unit_test(test_nft_tells_changes),
		cmocka_unit_test(test_nft_is_stopped_when_it_takes_too_long),
		cmocka_unit_test(test_nft_works_with_one_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
