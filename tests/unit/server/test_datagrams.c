#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "server/datagrams.h"

struct seen {
	unsigned count;
	int64_t machine;
	size_t len;
	uint8_t mark;
};

static void on_datagram(void *context, int64_t machine, struct wr_bytes datagram)
{
	struct seen *seen = context;

	seen->count++;
	seen->machine = machine;
	seen->len = datagram.len;
	seen->mark = datagram.data[20];
}

static int hub_socket(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void run(uv_loop_t *loop)
{
	for (unsigned i = 0; i < 5; i++)
		uv_run(loop, UV_RUN_NOWAIT);
}

static ssize_t hear(int fd, uint8_t *data, size_t room, struct sockaddr_in *ret_from)
{
	socklen_t len = sizeof(*ret_from);

	return recvfrom(fd, data, room, 0, (struct sockaddr *)ret_from, &len);
}

struct fixture {
	uv_loop_t loop;
	struct seen seen;
	struct wr_member_datagrams *all;
	int hub;
};

static void start(struct fixture *fixture, unsigned most, unsigned idle_seconds)
{
	struct wr_member_datagrams_config config = { .most = most,
						     .idle_seconds = idle_seconds,
						     .send = on_datagram,
						     .context = &fixture->seen };

	memset(fixture, 0, sizeof(*fixture));
	fixture->hub = hub_socket(&config.hub_port);
	config.context = &fixture->seen;
	uv_loop_init(&fixture->loop);
	assert_int_equal(wr_member_datagrams_open(&fixture->loop, &config, &fixture->all), 0);
}

static void stop(struct fixture *fixture)
{
	assert_null(wr_member_datagrams_close(fixture->all));
	run(&fixture->loop);
	assert_int_equal(uv_loop_close(&fixture->loop), 0);
	close(fixture->hub);
}

static void test_datagrams_stand_for_machines(void **state)
{
	struct fixture fixture;
	struct sockaddr_in first, second;
	uint8_t data[1500] = { 4 }, heard[2000];
	struct wr_ip ip = { .family = WR_IPV4 };

	(void)state;
	start(&fixture, 0, 0);
	wr_member_datagrams_take(fixture.all, 7, (struct wr_bytes){ data, 1488 });
	wr_member_datagrams_take(fixture.all, 8, (struct wr_bytes){ data, 32 });
	wr_member_datagrams_take(fixture.all, 9, (struct wr_bytes){ data, 31 });
	assert_int_equal(wr_member_datagrams_count(fixture.all), 2);
	assert_int_equal(hear(fixture.hub, heard, sizeof(heard), &first), 1488);
	assert_memory_equal(heard, data, 1488);
	assert_int_equal(hear(fixture.hub, heard, sizeof(heard), &second), 32);
	/* Each from an address of its own, which nobody is told. */
	assert_int_not_equal(first.sin_addr.s_addr, second.sin_addr.s_addr);
	memcpy(ip.bytes, &first.sin_addr, 4);
	assert_true(wr_member_datagrams_is_own(&ip));
	ip.bytes[0] = 10;
	assert_false(wr_member_datagrams_is_own(&ip));

	data[20] = 5;
	sendto(fixture.hub, data, 100, 0, (struct sockaddr *)&second, sizeof(second));
	run(&fixture.loop);
	assert_int_equal(fixture.seen.count, 1);
	assert_int_equal(fixture.seen.machine, 8);
	assert_int_equal(fixture.seen.len, 100);
	assert_int_equal(fixture.seen.mark, 5);
	/* The same socket as before. */
	wr_member_datagrams_take(fixture.all, 7, (struct wr_bytes){ data, 64 });
	assert_int_equal(hear(fixture.hub, heard, sizeof(heard), &second), 64);
	assert_int_equal(second.sin_port, first.sin_port);
	stop(&fixture);
}

/* Only the hub is listened to. */
static void test_datagrams_are_the_hubs_only(void **state)
{
	struct fixture fixture;
	struct sockaddr_in from;
	uint8_t data[100] = { 4 };
	uint16_t port;
	int stranger = hub_socket(&port);

	(void)state;
	start(&fixture, 0, 0);
	wr_member_datagrams_take(fixture.all, 1, (struct wr_bytes){ data, 64 });
	assert_int_equal(hear(fixture.hub, data, sizeof(data), &from), 64);
	sendto(stranger, data, 64, 0, (struct sockaddr *)&from, sizeof(from));
	run(&fixture.loop);
	assert_int_equal(fixture.seen.count, 0);
	close(stranger);
	stop(&fixture);
}

static void test_datagrams_are_bounded(void **state)
{
	struct fixture fixture;
	uint8_t data[64] = { 4 };

	(void)state;
	start(&fixture, 3, 1);
	for (int64_t machine = 1; machine <= 5; machine++)
		wr_member_datagrams_take(fixture.all, machine, (struct wr_bytes){ data, 64 });
	assert_int_equal(wr_member_datagrams_count(fixture.all), 3);
	wr_member_datagrams_end(fixture.all, 2);
	wr_member_datagrams_end(fixture.all, 5);
	assert_int_equal(wr_member_datagrams_count(fixture.all), 2);
	wr_member_datagrams_take(fixture.all, 5, (struct wr_bytes){ data, 64 });
	assert_int_equal(wr_member_datagrams_count(fixture.all), 3);
	/* Nothing comes of any: their sockets go, and the timer stops with the last. */
	uv_run(&fixture.loop, UV_RUN_DEFAULT);
	assert_int_equal(wr_member_datagrams_count(fixture.all), 0);
	wr_member_datagrams_take(fixture.all, 5, (struct wr_bytes){ data, 64 });
	assert_int_equal(wr_member_datagrams_count(fixture.all), 1);
	stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams_stand_for_machines),
		cmocka_unit_test(test_datagrams_are_the_hubs_only),
		cmocka_unit_test(test_datagrams_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
