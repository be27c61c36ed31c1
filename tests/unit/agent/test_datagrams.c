#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

#include "agent/datagrams.h"

struct seen {
	unsigned count;
	uint8_t last[2000];
	size_t len;
};

static void on_datagram(void *context, struct wr_bytes datagram)
{
	struct seen *seen = context;

	seen->count++;
	seen->len = datagram.len;
	memcpy(seen->last, datagram.data, datagram.len);
}

static int tunnel_socket(uint16_t *ret_port)
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

static void say(int fd, const struct wr_endpoint *to, const uint8_t *data, size_t len)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(to->port) };

	memcpy(&address.sin_addr, to->ip.bytes, 4);
	assert_int_equal(sendto(fd, data, len, 0, (struct sockaddr *)&address, sizeof(address)),
			 (ssize_t)len);
}

static void run(uv_loop_t *loop)
{
	for (unsigned i = 0; i < 5; i++)
		uv_run(loop, UV_RUN_NOWAIT);
}

/* What WireGuard sends: data of 32 to 1500 bytes, and nothing that only looks like it. */
static void test_datagrams_pass_both_ways(void **state)
{
	uv_loop_t loop;
	struct seen seen = { 0 };
	struct wr_datagrams *datagrams;
	struct wr_endpoint hub;
	uint8_t data[1500] = { 4 }, answer[2000];
	uint16_t port, other_port;
	int fd = tunnel_socket(&port), other = tunnel_socket(&other_port);

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(wr_datagrams_open(&loop, on_datagram, &seen, &datagrams), 0);
	wr_datagrams_endpoint(datagrams, &hub);
	assert_int_equal(hub.ip.family, WR_IPV4);
	assert_int_equal(hub.ip.bytes[0], 127);
	/* Nobody is there yet. */
	wr_datagrams_take(datagrams, (struct wr_bytes){ data, 32 });
	data[20] = 9;
	say(fd, &hub, data, 1488);
	run(&loop);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.len, 1488);
	assert_memory_equal(seen.last, data, 1488);
	say(fd, &hub, data, 31);                         /* too short for data */
	say(fd, &hub, (const uint8_t *)"\x05\0\0\0", 4); /* no type of WireGuard's */
	run(&loop);
	assert_int_equal(seen.count, 1);

	data[20] = 8;
	wr_datagrams_take(datagrams, (struct wr_bytes){ data, 64 });
	wr_datagrams_take(datagrams, (struct wr_bytes){ data, 8 });
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 64);
	assert_memory_equal(answer, data, 64);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), -1);

	/* Another program of this host does not get the answers, once the port is known. */
	wr_datagrams_expect(datagrams, port);
	say(other, &hub, data, 64);
	run(&loop);
	assert_int_equal(seen.count, 1);
	wr_datagrams_take(datagrams, (struct wr_bytes){ data, 64 });
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 64);
	assert_int_equal(recv(other, answer, sizeof(answer), 0), -1);

	assert_null(wr_datagrams_close(datagrams));
	assert_null(wr_datagrams_close(NULL));
	run(&loop);
	assert_int_equal(uv_loop_close(&loop), 0);
	close(fd);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams_pass_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
