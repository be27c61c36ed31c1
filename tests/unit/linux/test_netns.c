#include "linux/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/setup.h"
#include "namespace.h"

static ino_t inode_here(void)
{
	struct stat found;

	assert_int_equal(stat("/proc/thread-self/ns/net", &found), 0);
	return found.st_ino;
}

static struct wr_netns make(const char *name)
{
	struct wr_netns netns;

	assert_int_equal(wr_netns_create(name, &netns), 0);
	return netns;
}

static void unmake(struct wr_netns *netns)
{
	assert_int_equal(wr_netns_delete(netns->name), 0);
	wr_netns_close(netns);
}

static void test_netns_create_makes_one_for_ip_netns(void **state)
{
	ino_t home = inode_here();
	struct wr_netns netns = make("warren-a-1"), again;

	(void)state;
	assert_int_equal(inode_here(), home);
	assert_int_not_equal(netns.inode, home);
	assert_string_equal(netns.name, "warren-a-1");
	assert_true(fcntl(netns.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(wr_netns_has_name(&netns));
	namespace_run("ip netns list | grep -q warren-a-1");
	/* lo, up, and nothing else. */
	namespace_run("test \"$(ip -n warren-a-1 -o link | wc -l)\" = 1");
	namespace_run("ip netns exec warren-a-1 ping -c1 -W1 127.0.0.1 >/dev/null");
	assert_int_equal(wr_netns_create("warren-a-1", &again), -EEXIST);
	assert_int_equal(inode_here(), home);
	unmake(&netns);
	namespace_run("test -z \"$(ip netns list)\" && test -z \"$(ls /run/netns)\"");
	namespace_run("! grep -q nsfs /proc/self/mountinfo");
}

static void test_netns_refuses_what_is_no_name(void **state)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		".x",
		"a/b",
		"/",
		"../../tmp/x",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	struct wr_netns netns;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(names); i++) {
		assert_int_equal(wr_netns_create(names[i], &netns), -EINVAL);
		assert_int_equal(wr_netns_delete(names[i]), -EINVAL);
	}
	assert_int_equal(wr_netns_delete("warren-not-there"), -ENOENT);
}

static void test_netns_name_is_restored(void **state)
{
	struct wr_netns netns = make("warren-a-1");

	(void)state;
	namespace_run("ip netns del warren-a-1");
	assert_false(wr_netns_has_name(&netns));
	assert_int_equal(wr_netns_restore_name(&netns), 0);
	assert_true(wr_netns_has_name(&netns));
	/* Somebody's, of the same name; and a file that is nothing. */
	namespace_run("ip netns del warren-a-1 && ip netns add warren-a-1");
	assert_false(wr_netns_has_name(&netns));
	assert_int_equal(wr_netns_restore_name(&netns), 0);
	assert_true(wr_netns_has_name(&netns));
	namespace_run("ip netns del warren-a-1 && touch /run/netns/warren-a-1");
	assert_false(wr_netns_has_name(&netns));
	assert_int_equal(wr_netns_restore_name(&netns), 0);
	assert_true(wr_netns_has_name(&netns));
	namespace_run("ip netns del warren-a-1 && umount -l /run/netns && rm -r /run/netns");
	assert_int_equal(wr_netns_restore_name(&netns), 0);
	assert_true(wr_netns_has_name(&netns));
	unmake(&netns);
}

struct names {
	char text[200];
};

static void delete_it(void *context, const char *name)
{
	struct names *names = context;
	size_t len = strlen(names->text);

	snprintf(names->text + len, sizeof(names->text) - len, "%s ", name);
	assert_int_equal(wr_netns_delete(name), 0);
}

static void test_netns_list_finds_those_of_a_prefix(void **state)
{
	struct wr_netns one = make("warren-a-1"), other = make("warren-b-1");
	struct names names = { "" };

	(void)state;
	assert_int_equal(wr_netns_list("warren-a-", delete_it, &names), 0);
	assert_string_equal(names.text, "warren-a-1 ");
	assert_false(wr_netns_has_name(&one));
	assert_true(wr_netns_has_name(&other));
	wr_netns_close(&one);
	unmake(&other);
	namespace_run("umount -l /run/netns && rmdir /run/netns");
	assert_int_equal(wr_netns_list("", delete_it, &names), 0);
}

static void test_netns_opens_things_inside(void **state)
{
	static const struct wr_ip lo4 = { WR_IPV4, { 127, 0, 0, 1 } };
	static const struct wr_ip lo6 = { WR_IPV6, { [15] = 1 } };
	ino_t home = inode_here();
	struct wr_netns netns = make("warren-a-1");
	struct wr_tun *tun;
	int fds[4];

	(void)state;
	assert_int_equal(wr_netns_bind(&netns, SOCK_DGRAM, &lo4, 53, &fds[0]), 0);
	assert_int_equal(wr_netns_bind(&netns, SOCK_DGRAM, &lo6, 53, &fds[1]), 0);
	assert_int_equal(wr_netns_bind(&netns, SOCK_STREAM, &lo4, 53, &fds[2]), 0);
	assert_int_equal(wr_netns_bind(&netns, SOCK_DGRAM, &lo4, 53, &fds[3]), -EADDRINUSE);
	assert_int_equal(listen(fds[2], 1), 0);
	namespace_run("ss -N warren-a-1 -Hlun | grep -q '127.0.0.1:53'");
	namespace_run("ss -N warren-a-1 -Hlun | grep -qF '[::1]:53'");
	namespace_run("ss -N warren-a-1 -Hltn | grep -q '127.0.0.1:53'");
	namespace_run("test -z \"$(ss -Hlun)\"");
	assert_int_equal(wr_netns_open_tun(&netns, "hub", 1400, &tun), 0);
	namespace_run("ip -n warren-a-1 link show hub | grep -q 'mtu 1400'");
	namespace_run("! ip link show hub 2>/dev/null");
	assert_int_equal(wr_netns_open_tun(&netns, "lo", 1400, &tun), -EEXIST);
	assert_int_equal(inode_here(), home);
	wr_tun_free(tun);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	unmake(&netns);
}

/* --- What an interface should be. --- */

static struct wr_setup example(uint32_t index)
{
	return (struct wr_setup){
		.index = index,
		.addresses = { { WR_IPV4, { 10, 100, 0, 1 } },
			       { WR_IPV6, { 0xfd, 0x42, [15] = 1 } } },
		.address_count = 2,
		.routes = { { { WR_IPV4, { 10, 100 } }, 16 },
			    { { WR_IPV6, { 0xfd, 0x42 } }, 64 },
			    { { WR_IPV4, { 0 } }, 0 },
			    { { WR_IPV6, { 0 } }, 0 } },
		.route_count = 4,
	};
}

static bool is_whole(const struct wr_setup *setup)
{
	bool whole = false;

	assert_int_equal(wr_setup_look(setup, &whole), 0);
	return whole;
}

static void test_setup_mends_whatever_was_damaged(void **state)
{
	static const char *const damages[] = {
		"ip link set hub down",
		"ip addr flush dev hub",
		"ip addr del 10.100.0.1/32 dev hub",
		"ip -6 addr del fd42::1/128 dev hub",
		"ip route del 10.100.0.0/16",
		"ip route del default",
		"ip -6 route del fd42::/64",
		"ip -6 route del default",
		"ip route flush table main; ip -6 route flush table main",
		"ip route replace 10.100.0.0/16 dev lo",
		"ip route replace blackhole 10.100.0.0/16",
		"sysctl -qw net.ipv6.conf.hub.disable_ipv6=1; sysctl -qw net.ipv6.conf.hub.disable_ipv6=0",
	};
	struct wr_tun *tun;
	struct wr_setup setup;
	int watch;

	(void)state;
	assert_int_equal(wr_tun_open("hub", 1, &tun), 0);
	setup = example(tun->index);
	assert_false(is_whole(&setup));
	assert_int_equal(wr_setup_apply(&setup), 0);
	assert_true(is_whole(&setup));
	assert_int_equal(wr_setup_watch(&watch), 0);
	assert_false(wr_setup_drain(watch));
	for (size_t i = 0; i < WR_ARRAY_LEN(damages); i++) {
		print_message("damage: %s\n", damages[i]);
		namespace_run("%s", damages[i]);
		assert_true(wr_setup_drain(watch));
		assert_false(is_whole(&setup));
		assert_int_equal(wr_setup_apply(&setup), 0);
		assert_true(is_whole(&setup));
	}
	namespace_run("ip link del hub");
	{
		bool whole;

		assert_int_equal(wr_setup_look(&setup, &whole), -ENODEV);
		assert_int_equal(wr_setup_apply(&setup), -ENODEV);
	}
	close(watch);
	wr_tun_free(tun);
}

/* It neither forwards nor speaks for itself, whatever the host's defaults are. */
static void test_setup_makes_a_quiet_host(void **state)
{
	struct wr_tun *tun;
	struct wr_setup setup;

	(void)state;
	namespace_run("sysctl -qw net.ipv4.conf.default.forwarding=1");
	assert_int_equal(wr_tun_open("hub", 1, &tun), 0);
	setup = example(tun->index);
	assert_int_equal(wr_setup_apply(&setup), 0);
	namespace_run("test \"$(sysctl -n net.ipv4.conf.hub.forwarding)\" = 0");
	namespace_run("test \"$(sysctl -n net.ipv4.conf.hub.accept_redirects)\" = 0");
	namespace_run("test \"$(sysctl -n net.ipv6.conf.hub.forwarding)\" = 0");
	namespace_run("! ip -6 addr show dev hub | grep -q fe80");
	namespace_run("ip route get 10.100.7.7 | grep -q 'dev hub src 10.100.0.1'");
	namespace_run("ip route get fd42::7 | grep -q 'dev hub.*src fd42::1'");
	namespace_run("ip route get 192.168.50.7 | grep -q 'dev hub src 10.100.0.1'");
	wr_tun_free(tun);
}

/* --- From a pool, and without rights. --- */

#define THREADS 4
#define ROUNDS 8

static void *make_many(void *argument)
{
	char name[32];
	ino_t home = inode_here();

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct wr_netns netns;
		struct wr_tun *tun;

		snprintf(name, sizeof(name), "warren-t%u-%u", *(unsigned *)argument, i);
		if (wr_netns_create(name, &netns) < 0 ||
		    wr_netns_open_tun(&netns, "hub", 1420, &tun) < 0)
			return NULL;
		wr_tun_free(tun);
		if (wr_netns_delete(name) < 0 || inode_here() != home)
			return NULL;
		wr_netns_close(&netns);
	}
	return argument;
}

static void test_netns_is_for_many_threads(void **state)
{
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];

	(void)state;
	namespace_run("umount -l /run/netns 2>/dev/null; rm -rf /run/netns");
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, make_many, &numbers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *answer;

		pthread_join(threads[i], &answer);
		assert_ptr_equal(answer, &numbers[i]);
	}
	/* Mounted onto itself once, however many came at once. */
	namespace_run("test \"$(grep -c ' /run/netns ' /proc/self/mountinfo)\" = 1");
	namespace_run("test -z \"$(ls /run/netns)\"");
}

/* Keeps only these of the capabilities; in a child process. */
static bool keep_only(const cap_value_t *kept, int count)
{
	cap_t capabilities = cap_init();

	return (count == 0 ||
		(cap_set_flag(capabilities, CAP_PERMITTED, count, kept, CAP_SET) == 0 &&
		 cap_set_flag(capabilities, CAP_EFFECTIVE, count, kept, CAP_SET) == 0)) &&
	       cap_set_proc(capabilities) == 0;
}

static int in_a_child(int (*does)(const void *argument), const void *argument)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(does(argument));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

struct lack {
	cap_value_t kept[2];
	int count;
	const char *missing;
};

static int misses(const void *argument)
{
	const struct lack *lack = argument;
	struct wr_netns netns;

	if (!keep_only(lack->kept, lack->count))
		return 1;
	if (strcmp(wr_netns_missing(), lack->missing) != 0)
		return 2;
	return wr_netns_create("warren-a-1", &netns) == -EPERM ? 0 : 3;
}

static void test_netns_missing_says_which_capability(void **state)
{
	static const struct lack lacks[] = {
		{ { 0 }, 0, "CAP_SYS_ADMIN and CAP_NET_ADMIN" },
		{ { CAP_NET_ADMIN }, 1, "CAP_SYS_ADMIN" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(lacks); i++)
		assert_int_equal(in_a_child(misses, &lacks[i]), 0);
	assert_null(wr_netns_missing());
}

/* With these two alone: port 53 too. */
static int serves(const void *argument)
{
	static const cap_value_t kept[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN };
	static const struct wr_ip lo4 = { WR_IPV4, { 127, 0, 0, 1 } };
	struct wr_netns netns;
	struct wr_tun *tun;
	int fd;

	(void)argument;
	if (!keep_only(kept, 2) || wr_netns_missing())
		return 1;
	if (wr_netns_create("warren-a-1", &netns) < 0)
		return 2;
	if (wr_netns_open_tun(&netns, "hub", 1420, &tun) < 0)
		return 3;
	if (wr_netns_bind(&netns, SOCK_DGRAM, &lo4, 53, &fd) < 0)
		return 4;
	return wr_netns_delete("warren-a-1") < 0 ? 5 : 0;
}

static void test_netns_needs_two_capabilities_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(serves, NULL), 0);
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
		cmocka_unit_test_setup(test_netns_create_makes_one_for_ip_netns, enter),
		cmocka_unit_test_setup(test_netns_refuses_what_is_no_name, enter),
		cmocka_unit_test_setup(test_netns_name_is_restored, enter),
		cmocka_unit_test_setup(test_netns_list_finds_those_of_a_prefix, enter),
		cmocka_unit_test_setup(test_netns_opens_things_inside, enter),
		cmocka_unit_test_setup(test_setup_mends_whatever_was_damaged, enter),
		cmocka_unit_test_setup(test_setup_makes_a_quiet_host, enter),
		cmocka_unit_test_setup(test_netns_is_for_many_threads, enter),
		cmocka_unit_test_setup(test_netns_missing_says_which_capability, enter),
		cmocka_unit_test_setup(test_netns_needs_two_capabilities_and_no_more, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
