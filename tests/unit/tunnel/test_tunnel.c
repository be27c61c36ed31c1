#include "tunnel/tunnel.h"

#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/namespace.h"
#include "linux/tun.h"

static uv_loop_t loop;
static struct wr_tunnel *tunnel;
static unsigned ends;

static void on_ended(void *context)
{
	(void)context;
	ends++;
	uv_stop(&loop);
}

static struct wr_tunnel_config config_of(const char *name)
{
	return (struct wr_tunnel_config){
		.name = name,
		.tun_fd = -1,
		.uapi_fd = -1,
		.engine = {
			.workers = 2, .aead = wr_aead_pick(NULL), .timing = wr_timing_paper,
		},
		.ended = on_ended,
	};
}

/* The tests are one process, whose threads a new namespace would not take along:
 * so they share one, and leave it as they found it. */
static int enter(void **state)
{
	(void)state;
	namespace_enter();
	assert_int_equal(uv_loop_init(&loop), 0);
	return wr_crypto_start();
}

static int leave(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void open_wg0(void)
{
	struct wr_tunnel_config config = config_of("wg0");
	enum wr_tunnel_step step;

	ends = 0;
	assert_int_equal(wr_tunnel_open(&loop, &config, &tunnel, &step), 0);
	assert_int_equal(wr_tunnel_start(tunnel, &step), 0);
}

static void close_wg0(void)
{
	tunnel = wr_tunnel_free(tunnel);
	assert_int_equal(if_nametoindex("wg0"), 0);
	assert_int_equal(access("/run/wireguard/wg0.sock", F_OK), -1);
}

static void on_too_late(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("it did not happen within 5 s");
}

/* Turns the loop until `is_so`. */
static void await(bool (*is_so)(void))
{
	uv_timer_t patience;

	uv_timer_init(&loop, &patience);
	uv_timer_start(&patience, on_too_late, 5000, 0);
	while (!is_so())
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&patience, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static bool has_ended(void)
{
	return ends > 0;
}

/* Asks the running tunnel, from outside. */
static const char *ask(const char *request)
{
	static char answer[1024];
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "/run/wireguard/wg0.sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ssize_t len = -1;

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	while (len < 0) {
		uv_run(&loop, UV_RUN_NOWAIT);
		len = read(fd, answer, sizeof(answer) - 1);
	}
	answer[len] = '\0';
	close(fd);
	uv_run(&loop, UV_RUN_NOWAIT);
	return answer;
}

/* Whether the port is open is what others see of it. */
static bool is_port_open(void)
{
	return system("ss -aunH 'sport = :4567' | grep -q 4567") == 0;
}

static bool is_port_closed(void)
{
	return !is_port_open();
}

static void test_tunnel_makes_interface_and_socket(void **state)
{
	(void)state;
	open_wg0();
	assert_string_equal(wr_tunnel_name(tunnel), "wg0");
	namespace_run("ip link show wg0 | grep -q 'mtu 1420'");
	assert_string_equal(ask("get=1\n\n"), "errno=0\n\n");
	close_wg0();
	open_wg0();
	close_wg0();
}

static void test_tunnel_port_is_open_while_the_link_is_up(void **state)
{
	(void)state;
	open_wg0();
	assert_string_equal(ask("set=1\nlisten_port=4567\n\n"), "errno=0\n\n");
	assert_true(is_port_closed());
	for (int i = 0; i < 3; i++) {
		namespace_run("ip link set wg0 up");
		await(is_port_open);
		namespace_run("ip link set wg0 down");
		await(is_port_closed);
	}
	/* Faster than the loop looks. */
	for (int i = 0; i < 20; i++) {
		namespace_run("ip link set wg0 up; ip link set wg0 down; ip link set wg0 up");
		await(is_port_open);
		assert_string_equal(ask("get=1\n\n"), "listen_port=4567\nerrno=0\n\n");
		namespace_run("ip link set wg0 down");
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	await(is_port_closed);
	close_wg0();
}

static void test_tunnel_ends_when_the_interface_is_deleted(void **state)
{
	(void)state;
	for (int up = 0; up < 2; up++) {
		open_wg0();
		namespace_run("ip link set wg0 %s && ip link del wg0", up ? "up" : "down");
		await(has_ended);
		assert_int_equal(ends, 1);
		close_wg0();
	}
}

static void test_tunnel_ends_when_the_sockets_file_is_removed(void **state)
{
	(void)state;
	open_wg0();
	namespace_run("rm /run/wireguard/wg0.sock");
	await(has_ended);
	close_wg0();
}

/* The way to give a container nothing but the tunnel: the sockets stay outside. */
static void test_tunnel_follows_the_interface_into_another_namespace(void **state)
{
	(void)state;
	open_wg0();
	ask("set=1\nlisten_port=4567\n\n");
	namespace_run("mkdir -p /run/netns && ip netns add inside && ip link set wg0 netns inside");
	namespace_run("ip -n inside link set wg0 up");
	await(is_port_open);
	assert_int_equal(ends, 0);
	namespace_run("ip -n inside link set wg0 down");
	await(is_port_closed);
	assert_int_equal(ends, 0);
	namespace_run("ip -n inside link del wg0 && ip netns del inside");
	await(has_ended);
	close_wg0();
}

static void test_tunnel_open_tells_which_step_failed(void **state)
{
	struct wr_tunnel_config config = config_of("wg0");
	struct wr_tunnel *second = NULL;
	enum wr_tunnel_step step = WR_TUNNEL_WATCH;

	(void)state;
	open_wg0();
	assert_int_equal(wr_tunnel_open(&loop, &config, &second, &step), -EBUSY);
	assert_int_equal(step, WR_TUNNEL_DEVICE);
	/* Another interface that would have the same socket. */
	namespace_run("ip link set wg0 name wg1");
	assert_null(second);
	assert_int_equal(wr_tunnel_open(&loop, &config, &second, &step), 0);
	assert_int_equal(wr_tunnel_start(second, &step), -EADDRINUSE);
	assert_int_equal(step, WR_TUNNEL_SOCKET);
	second = wr_tunnel_free(second);
	assert_int_equal(if_nametoindex("wg0"), 0);
	/* The first one was not hurt. */
	assert_string_equal(ask("get=1\n\n"), "errno=0\n\n");
	close_wg0();
}

static void test_tunnel_takes_a_device_that_is_open(void **state)
{
	struct wr_tunnel_config config = config_of("unused");
	enum wr_tunnel_step step;
	struct wr_tun *tun;

	(void)state;
	assert_int_equal(wr_tun_open("wg0", 1, &tun), 0);
	config.tun_fd = dup(tun->queues[0]);
	wr_tun_free(tun);
	assert_int_equal(wr_tunnel_open(&loop, &config, &tunnel, &step), 0);
	assert_int_equal(wr_tunnel_start(tunnel, &step), 0);
	assert_string_equal(wr_tunnel_name(tunnel), "wg0");
	assert_string_equal(ask("get=1\n\n"), "errno=0\n\n");
	close_wg0();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnel_makes_interface_and_socket),
		cmocka_unit_test(test_tunnel_port_is_open_while_the_link_is_up),
		cmocka_unit_test(test_tunnel_ends_when_the_interface_is_deleted),
		cmocka_unit_test(test_tunnel_ends_when_the_sockets_file_is_removed),
		cmocka_unit_test(test_tunnel_follows_the_interface_into_another_namespace),
		cmocka_unit_test(test_tunnel_open_tells_which_step_failed),
		cmocka_unit_test(test_tunnel_takes_a_device_that_is_open),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
