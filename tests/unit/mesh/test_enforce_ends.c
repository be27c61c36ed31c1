/* The filter at one end of a real tunnel, of either kind: the engine's guard, or nftables where the
 * kernel's WireGuard carries the packets (that in the guest: tests/e2e/test_enforce.py). */
#include "mesh/enforce.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../tunnel/ends.h"
#include "networks.h"

static struct wr_enforcer *enforcer;
static int near, far; /* UDP sockets: of the second end, which is filtered, and of the first */

/* --- Where it runs. --- */

static void do_nothing(uv_work_t *work)
{
	(void)work;
}

static void on_nothing_done(uv_work_t *work, int status)
{
	assert_int_equal(status, 0);
	*(bool *)work->data = true;
}

/* Threads of libuv's pool stay in the namespace in which they begin: the second end's. */
static int enter(void **state)
{
	struct wr_netns_visit visit;
	bool is_done = false;
	uv_work_t work = { .data = &is_done };

	assert_int_equal(ends_enter(state), 0);
	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	assert_int_equal(uv_queue_work(&loop, &work, do_nothing, on_nothing_done), 0);
	while (!is_done)
		uv_run(&loop, UV_RUN_ONCE);
	wr_netns_leave(&visit);
	return 0;
}

static int open_ends(void **state)
{
	struct wr_netns_visit visit;

	assert_int_equal(ends_open(state), 0);
	ends_introduce();
	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	assert_int_equal(wr_enforcer_new(&loop, second.backend, "wg0", &enforcer), 0);
	wr_netns_leave(&visit);
	ends_shake_hands();
	near = end_socket(&second, SECOND_INSIDE, 53);
	far = end_socket(&first, FIRST_INSIDE, 1000);
	return 0;
}

static void free_enforcer(void)
{
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	enforcer = wr_enforcer_free(enforcer);
	wr_netns_leave(&visit);
}

static int close_ends(void **state)
{
	free_enforcer();
	close(near);
	close(far);
	return ends_close(state);
}

static void set_policy(const char *policy)
{
	struct wr_netmap *map = networks_empty();
	struct wr_netmap_peer *peer = networks_add(map, 5, WR_WAY_DIRECT);
	struct wr_netns_visit visit;

	map->v4 = networks_ip(SECOND_INSIDE);
	peer->v4 = networks_ip(FIRST_INSIDE);
	peer->marks = calloc(1, sizeof(*peer->marks));
	assert_non_null(peer->marks);
	peer->marks[peer->mark_count++] = 1;
	free(map->policy);
	map->policy = strdup(policy);
	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	wr_enforcer_set_map(enforcer, map);
	wr_netns_leave(&visit);
	wr_netmap_free(map);
}

/* --- Packets. --- */

/* Who may not send is told so by the kernel, or not at all. */
static void try_send(int fd, const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	(void)!sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to));
}

static bool comes_in(unsigned ms)
{
	try_send(far, SECOND_INSIDE, 53);
	return receives(near, ms);
}

static bool goes_out(unsigned ms)
{
	try_send(near, FIRST_INSIDE, 1000);
	return receives(far, ms);
}

/* What the kernel knows of a flow outlives a test. */
static void change_port(uint16_t port)
{
	close(near);
	near = end_socket(&second, SECOND_INSIDE, port);
}

/* Until rules that were told are in force. */
static void await_passing(bool (*passes)(unsigned ms))
{
	for (unsigned i = 0; i < 100; i++)
		if (passes(200))
			return;
	fail_msg("what is allowed does not pass");
}

/* What passes comes within some 10 ms, and the loop turns meanwhile. */
static void await_silence(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		if (!comes_in(100))
			return;
		turn_for(20);
	}
	fail_msg("what is denied passes");
}

static void expect_no_trouble(void)
{
	char trouble[200];

	assert_int_equal(wr_enforcer_look(enforcer, trouble), 0);
	assert_string_equal(trouble, "");
}

static void test_enforcer_filters_a_tunnel(void **state)
{
	(void)state;
	/* Before the first map. */
	assert_false(comes_in(300));
	assert_false(goes_out(300));
	set_policy("allow tag:m1 -> self udp 53\n");
	await_passing(comes_in);
	assert_true(goes_out(2000));
	expect_no_trouble();
	/* A known flow stops, both ways. */
	set_policy("allow self -> tag:m1 udp 1001\n");
	await_silence();
	assert_false(comes_in(300));
	assert_false(goes_out(300));
	/* And goes on. */
	set_policy("allow tag:m1 -> self udp 53\ndefault deny\n");
	await_passing(goes_out);
	assert_true(comes_in(2000));
	expect_no_trouble();
}

/* What the map says is in force with the next backend as well. */
static void test_enforcer_goes_on_with_another_backend(void **state)
{
	struct wr_netns_visit visit;

	(void)state;
	set_policy("allow tag:m1 -> self udp 53\n");
	await_passing(comes_in);
	wr_enforcer_set_backend(enforcer, NULL);
	set_policy("allow self -> tag:m1\n");
	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	wr_enforcer_set_backend(enforcer, second.backend);
	wr_netns_leave(&visit);
	await_silence();
	assert_false(comes_in(300));
	change_port(54);
	await_passing(goes_out);
}

static bool has_table(void)
{
	return system("/usr/sbin/ip netns exec second /usr/sbin/nft list table inet warren-wg0 "
		      "> /dev/null 2>&1") == 0;
}

/* As the reconciler does each few seconds. */
static bool mend(void)
{
	struct wr_netns_visit visit;
	bool has_mended;

	assert_int_equal(wr_netns_enter(&second.netns, &visit), 0);
	has_mended = wr_enforcer_mend(enforcer);
	wr_netns_leave(&visit);
	turn_for(10);
	return has_mended;
}

/* The engine's cannot be touched. */
static void test_enforcer_mends_what_somebody_flushed(void **state)
{
	bool has_mended = false;

	(void)state;
	change_port(55);
	set_policy("allow self -> tag:m1\n");
	await_passing(goes_out);
	if (second.kind != WR_BACKEND_KERNEL) {
		assert_false(wr_enforcer_mend(enforcer));
		return;
	}
	namespace_run("/usr/sbin/ip netns exec second /usr/sbin/nft flush ruleset");
	for (unsigned i = 0; i < 1000 && !has_mended; i++)
		has_mended = mend();
	assert_true(has_mended);
	/* nft may have been too slow on a busy machine: then it is told again. */
	for (unsigned i = 0; i < 1000 && !has_table(); i++)
		(void)mend();
	assert_true(has_table());
	assert_true(goes_out(2000));
	free_enforcer();
	assert_false(has_table());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_enforcer_filters_a_tunnel, open_ends,
						close_ends),
		cmocka_unit_test_setup_teardown(test_enforcer_goes_on_with_another_backend,
						open_ends, close_ends),
		cmocka_unit_test_setup_teardown(test_enforcer_mends_what_somebody_flushed,
						open_ends, close_ends),
	};

	return cmocka_run_group_tests(tests, enter, ends_leave);
}
