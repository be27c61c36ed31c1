#include "linux/link.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/tun.h"
#include "namespace.h"

static struct wr_link_watch *watch;

static struct wr_link_state read_state(void)
{
	struct wr_link_state got = { 0 };

	assert_int_equal(wr_link_watch_read(watch, &got), 0);
	return got;
}

static bool has_news(void)
{
	struct pollfd readable = { .fd = wr_link_watch_fd(watch), .events = POLLIN };

	return poll(&readable, 1, 0) == 1;
}

static void assert_state(bool exists, bool is_up, uint32_t mtu)
{
	struct wr_link_state got = read_state();

	assert_int_equal(got.exists, exists);
	assert_int_equal(got.is_up, is_up);
	if (exists)
		assert_int_equal(got.mtu, mtu);
}

static void test_link_watch_follows_the_interface(void **state)
{
	(void)state;
	namespace_run("ip tuntap add wg0 mode tun && ip link set wg0 mtu 1400");
	assert_int_equal(wr_link_watch_open(if_nametoindex("wg0"), &watch), 0);
	assert_state(true, false, 1400);
	assert_false(has_news());
	namespace_run("ip link set wg0 up");
	assert_true(has_news());
	assert_state(true, true, 1400);
	namespace_run("ip link set wg0 mtu 9000");
	assert_state(true, true, 9000);
	namespace_run("ip link set wg0 down && ip link set wg0 mtu 1280 && ip link set wg0 name x");
	assert_state(true, false, 1280);
	namespace_run("ip link set x up && ip link del x");
	assert_state(false, false, 0);
	watch = wr_link_watch_free(watch);
}

static void test_link_watch_minds_no_other_interface(void **state)
{
	(void)state;
	namespace_run("ip tuntap add wg0 mode tun && ip link set wg0 mtu 1400");
	assert_int_equal(wr_link_watch_open(if_nametoindex("wg0"), &watch), 0);
	namespace_run("ip tuntap add wg1 mode tun && ip link set wg1 up mtu 1300");
	namespace_run("ip link del wg1; ip link set lo down");
	assert_state(true, false, 1400);
	watch = wr_link_watch_free(watch);
}

static void test_link_watch_sees_that_it_never_was(void **state)
{
	(void)state;
	assert_int_equal(wr_link_watch_open(4711, &watch), 0);
	assert_state(false, false, 0);
	watch = wr_link_watch_free(watch);
}

static void test_link_watch_sees_it_move_away(void **state)
{
	(void)state;
	namespace_run("ip tuntap add wg0 mode tun; mkdir -p /run/netns; ip netns add other");
	assert_int_equal(wr_link_watch_open(if_nametoindex("wg0"), &watch), 0);
	assert_state(true, false, 1500);
	namespace_run("ip link set wg0 netns other");
	assert_state(false, false, 0);
	namespace_run("ip netns del other");
	watch = wr_link_watch_free(watch);
}

/* More news than the socket holds: the kernel drops what does not fit. */
static void test_link_watch_survives_lost_news(void **state)
{
	struct wr_tun *tun;
	int small = 1;

	(void)state;
	assert_int_equal(wr_tun_open("wg0", 1, &tun), 0);
	assert_int_equal(wr_link_watch_open(tun->index, &watch), 0);
	assert_int_equal(setsockopt(wr_link_watch_fd(watch), SOL_SOCKET, SO_RCVBUF, &small,
				    sizeof(small)),
			 0);
	for (uint32_t mtu = 1000; mtu <= 1100; mtu++)
		assert_int_equal(wr_tun_set_mtu(tun, mtu), 0);
	assert_state(true, false, 1100);
	tun = wr_tun_free(tun);
	assert_state(false, false, 0);
	watch = wr_link_watch_free(watch);
}

static void test_link_is_tun_held_while_a_program_has_it(void **state)
{
	struct wr_tun *tun;
	bool is_held = true;

	(void)state;
	namespace_run("ip tuntap add wg0 mode tun");
	assert_int_equal(wr_link_is_tun_held("wg0", &is_held), 0);
	assert_false(is_held);
	assert_int_equal(wr_tun_open("wg0", 1, &tun), 0);
	assert_int_equal(wr_link_is_tun_held("wg0", &is_held), 0);
	assert_true(is_held);
	wr_tun_free(tun);
	assert_int_equal(wr_link_is_tun_held("wg0", &is_held), 0);
	assert_false(is_held);
	assert_int_equal(wr_link_is_tun_held("wg1", &is_held), -ENODEV);
	assert_int_equal(wr_link_is_tun_held("lo", &is_held), -EEXIST);
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
		cmocka_unit_test_setup(test_link_watch_follows_the_interface, enter),
		cmocka_unit_test_setup(test_link_watch_minds_no_other_interface, enter),
		cmocka_unit_test_setup(test_link_watch_sees_that_it_never_was, enter),
		cmocka_unit_test_setup(test_link_watch_sees_it_move_away, enter),
		cmocka_unit_test_setup(test_link_watch_survives_lost_news, enter),
		cmocka_unit_test_setup(test_link_is_tun_held_while_a_program_has_it, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
