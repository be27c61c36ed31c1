#include <net/if.h>
#include <uv.h>

#include "namespace.h"

#include "node/address_watch.h"

struct watching {
	uv_loop_t loop;
	uv_timer_t timer;
	struct wr_address_watch *watch;
	unsigned changes;
	bool is_over;
};

static void on_changed(void *context)
{
	struct watching *watching = context;

	watching->changes++;
}

static void on_over(uv_timer_t *timer)
{
	struct watching *watching = timer->data;

	watching->is_over = true;
}

/* Long enough for what changed to settle and be told. */
static unsigned changes_after(struct watching *watching, const char *command)
{
	unsigned before = watching->changes;

	namespace_run("%s", command);
	watching->is_over = false;
	uv_update_time(&watching->loop);
	uv_timer_start(&watching->timer, on_over, 700, 700);
	while (!watching->is_over)
		uv_run(&watching->loop, UV_RUN_ONCE);
	return watching->changes - before;
}

static void test_address_watch_tells_what_is_another(void **state)
{
	struct watching watching = { 0 };

	(void)state;
	namespace_enter();
	namespace_run("ip link add net1 type veth peer name far1 && ip link set net1 up && "
		      "ip link set far1 up && ip addr add 10.1.0.5/24 dev net1 && "
		      "ip tuntap add tun1 mode tun && ip link set tun1 up && sleep 0.2");
	uv_loop_init(&watching.loop);
	uv_timer_init(&watching.loop, &watching.timer);
	watching.timer.data = &watching;
	assert_int_equal(
		wr_address_watch_open(&watching.loop, on_changed, &watching, &watching.watch), 0);
	wr_address_watch_skip(watching.watch, if_nametoindex("tun1"));

	/* Several at once are one. */
	assert_int_equal(changes_after(&watching, "ip addr add 10.1.0.6/24 dev net1 && "
						  "ip addr add 10.1.0.7/24 dev net1 && "
						  "ip route add default via 10.1.0.1"),
			 1);
	/* News, but nothing is another: a lifetime, a tunnel's address, a route to somewhere. */
	assert_int_equal(changes_after(&watching, "ip addr change 10.1.0.7/24 dev net1 valid_lft "
						  "1000 preferred_lft 900 && "
						  "ip addr add 10.9.0.1/32 dev tun1 && "
						  "ip route add 10.8.0.0/16 via 10.1.0.1"),
			 0);
	/* There and back again. */
	assert_int_equal(changes_after(&watching, "ip addr add 10.1.0.8/24 dev net1 && "
						  "ip addr del 10.1.0.8/24 dev net1"),
			 0);
	assert_int_equal(changes_after(&watching, "ip route del default"), 1);
	assert_int_equal(changes_after(&watching, "ip link set far1 down"), 1);

	assert_null(wr_address_watch_close(watching.watch));
	assert_null(wr_address_watch_close(NULL));
	uv_close((uv_handle_t *)&watching.timer, NULL);
	uv_run(&watching.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&watching.loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_watch_tells_what_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
