#include "hub/gateway.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gates.h"
#include "linux/clock.h"
#include "linux/namespace.h"
#include "wire/packet.h"

#define DIG "ip netns exec machine1 dig +time=2 +tries=1 +noall +answer +authority +comments "

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void wait_ms(uv_loop_t *loop, unsigned ms)
{
	uint64_t end = uv_hrtime() + ms * UINT64_C(1000000);

	while (uv_hrtime() < end) {
		uv_run(loop, UV_RUN_NOWAIT);
		usleep(200);
	}
}

/* --- Ping, by hand. --- */

static size_t make_ping4(uint8_t *bytes)
{
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
		char body[12];
	} ping = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_ICMP },
		.icmp = { .type = ICMP_ECHO, .un.echo = { htons(7), htons(1) } },
		.body = "hello, hub",
	};
	struct wr_bytes icmp = { (uint8_t *)&ping.icmp, sizeof(ping) - sizeof(ping.ip) };

	ping.ip.tot_len = htons(sizeof(ping));
	inet_pton(AF_INET, "10.100.0.2", &ping.ip.saddr);
	inet_pton(AF_INET, "10.100.0.1", &ping.ip.daddr);
	wr_ipv4_checksum_write((uint8_t *)&ping.ip, sizeof(ping.ip));
	ping.icmp.checksum = (uint16_t)~wr_sum_fold(wr_sum(icmp, 0));
	memset(bytes, 0, WR_TUN_HEADER_LEN);
	memcpy(bytes + WR_TUN_HEADER_LEN, &ping, sizeof(ping));
	return WR_TUN_HEADER_LEN + sizeof(ping);
}

static size_t make_ping6(uint8_t *bytes)
{
	uint8_t *ip = bytes + WR_TUN_HEADER_LEN, *icmp = ip + 40;
	struct wr_packet packet;
	uint64_t sum;
	uint16_t folded;

	memset(bytes, 0, 100);
	ip[0] = 0x60;
	ip[5] = 16;
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = 64;
	inet_pton(AF_INET6, "fd42::2", ip + 8);
	inet_pton(AF_INET6, "fd42::1", ip + 24);
	icmp[0] = 128;
	icmp[5] = 7;
	assert_true(wr_packet_read((struct wr_bytes){ ip, 56 }, &packet));
	sum = wr_sum_pseudo(&packet, 16);
	folded = (uint16_t)~wr_sum_fold(wr_sum((struct wr_bytes){ icmp, 16 }, sum));
	memcpy(icmp + 2, &folded, 2);
	return WR_TUN_HEADER_LEN + 56;
}

/* The kernel answers with the same body, ends swapped. */
static void assert_pong(const struct wr_tun *tun, const uint8_t *ping, size_t len, size_t addresses,
			size_t address_len, size_t header_len, uint8_t type)
{
	struct pollfd readable = { .fd = tun->queues[0], .events = POLLIN };
	uint8_t pong[2000];
	const uint8_t *from = pong + WR_TUN_HEADER_LEN, *sent = ping + WR_TUN_HEADER_LEN;

	assert_int_equal(write(tun->queues[0], ping, len), len);
	assert_int_equal(poll(&readable, 1, 2000), 1);
	assert_int_equal(read(tun->queues[0], pong, sizeof(pong)), len);
	assert_memory_equal(from + addresses, sent + addresses + address_len, address_len);
	assert_memory_equal(from + addresses + address_len, sent + addresses, address_len);
	assert_int_equal(from[header_len], type);
	assert_memory_equal(from + header_len + 4, sent + header_len + 4,
			    len - WR_TUN_HEADER_LEN - header_len - 4);
}

static void test_gateway_opens_answers_ping_and_leaves_nothing(void **state)
{
	uv_loop_t *loop = *state;
	unsigned fds = count_fds();
	struct gate *gate;
	uint8_t ping[200];
	size_t len;

	gate = gate_open(loop, 1, "acme");
	assert_string_equal(wr_gateway_name(gate->gateway), "warren-test-1");
	assert_true(wr_gateway_is_whole(gate->gateway));
	assert_string_equal(gate->tun->name, "hub");
	assert_true(gate->tun->has_offload);
	gates_say(loop, NULL, "test \"$(ip -n warren-test-1 -o link | wc -l)\" = 2");
	/* Nothing was said but what is asked for. */
	len = make_ping4(ping);
	assert_pong(gate->tun, ping, len, 12, 4, 20, ICMP_ECHOREPLY);
	len = make_ping6(ping);
	assert_pong(gate->tun, ping, len, 8, 16, 40, 129);
	gate_close(gate);
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
	gates_say(loop, NULL, "! grep nsfs /proc/self/mountinfo");
	assert_int_equal(count_fds(), fds);
}

/* --- DNS. --- */

static void test_gateway_answers_dns_to_its_machines(void **state)
{
	static const struct {
		const char *query, *want;
	} cases[] = {
		{ "db.acme.warren", "IN\tA\t10.100.7.1" },
		{ "db.acme.warren AAAA", "IN\tAAAA\tfd42::1" },
		{ "DB.aCMe.WARREN", "DB.aCMe.WARREN.\t\t30\tIN\tA\t10.100.7.1" },
		{ "hub.acme.warren", "IN\tA\t10.100.0.1" },
		{ "acme.warren AAAA", "IN\tAAAA\tfd42::1" },
		{ "-x 10.100.7.1", "IN\tPTR\tdb.acme.warren." },
		{ "-x 10.100.0.1", "IN\tPTR\thub.acme.warren." },
		{ "-x fd42::1", "PTR hub.acme.warren." },
		{ "-x 10.100.7.2", "status: NXDOMAIN" },
		{ "nobody.acme.warren", "status: NXDOMAIN" },
		{ "nobody.acme.warren",
		  "SOA\thub.acme.warren. hostmaster.acme.warren. 1 3600 600 86400 5" },
		{ "db.acme.warren TXT", "status: NOERROR" },
		{ "db.acme.warren ANY", "HINFO\t\"RFC8482\" \"\"" },
		{ "acme.warren NS", "NS\thub.acme.warren." },
		{ "example.com", "status: REFUSED" },
		{ "acme.warren AXFR", "" },
		{ "db.acme.warren +noedns", "10.100.7.1" },
		{ "db.acme.warren +edns=1 +noednsneg", "status: BADVERS" },
		{ "db.acme.warren +opcode=notify", "status: NOTIMP" },
		{ "db.acme.warren CH", "status: REFUSED" },
		{ "db.acme.warren +dnssec +cd +ednsopt=12:0000", "10.100.7.1" },
	};
	static const char *const ways[] = { "@10.100.0.1", "@fd42::1", "@10.100.0.1 +tcp",
					    "@fd42::1 +tcp" };
	uv_loop_t *loop = *state;
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		for (size_t j = 0; j < WR_ARRAY_LEN(ways); j++)
			gates_say(loop, cases[i].want, DIG "%s %s", ways[j], cases[i].query);
	}
	gate_close(gate);
}

static void test_gateway_keeps_equal_names_apart(void **state)
{
	uv_loop_t *loop = *state;
	struct gate *one, *two;

	one = gate_open(loop, 1, "acme");
	two = gate_open(loop, 2, "acme");
	gate_join(one);
	gate_join(two);
	gates_say(loop, "10.100.7.1\n",
		  "ip netns exec machine1 dig +short +time=2 @10.100.0.1 db.acme.warren");
	gates_say(loop, "10.100.7.2\n",
		  "ip netns exec machine2 dig +short +time=2 @10.100.0.1 db.acme.warren");
	gates_say(loop, NULL, "ip netns exec machine2 ping -c1 -W2 10.100.0.1");
	gates_say(loop, NULL, "ip netns exec machine2 ping -c1 -W2 fd42::1");
	gate_close(one);
	gates_say(loop, NULL, "ip netns exec machine2 ping -c1 -W2 -s 1300 10.100.0.1");
	gate_close(two);
}

/* A socket of the machine, connected to the hub's DNS. */
static int ask_from(const struct gate *gate, int type, const char *from)
{
	struct sockaddr_in hub = { .sin_family = AF_INET, .sin_port = htons(53) };
	struct wr_ip ip;
	int fd;

	assert_true(wr_ip_parse(from, strlen(from), &ip));
	assert_int_equal(wr_netns_bind(&gate->machine, type, &ip, 0, &fd), 0);
	inet_pton(AF_INET, "10.100.0.1", &hub.sin_addr);
	if (connect(fd, (struct sockaddr *)&hub, sizeof(hub)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static const uint8_t query[] = "\0\7\1\0\0\1\0\0\0\0\0\0\2db\4acme\6warren\0\0\1\0\1";
#define QUERY_LEN (sizeof(query) - 1)

static unsigned count_answers(uv_loop_t *loop, int fd)
{
	uint8_t answer[1500];
	unsigned count = 0;

	wait_ms(loop, 100);
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		count++;
	return count;
}

static void test_gateway_bounds_what_a_machine_asks(void **state)
{
	uv_loop_t *loop = *state;
	struct gate *gate;
	uint64_t begun;
	unsigned answers = 0, limit;
	int busy, quiet;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	gates_say(loop, NULL, "ip -n machine1 addr add 10.100.0.3/32 dev wg0");
	busy = ask_from(gate, SOCK_DGRAM, "10.100.0.2");
	quiet = ask_from(gate, SOCK_DGRAM, "10.100.0.3");
	begun = uv_hrtime();
	for (unsigned i = 0; i < 600; i++) {
		assert_int_equal(send(busy, query, QUERY_LEN, 0), QUERY_LEN);
		if (i % 20 == 0)
			wait_ms(loop, 1);
	}
	answers = count_answers(loop, busy);
	limit = 200 + (unsigned)((uv_hrtime() - begun) / 10000000) + 1;
	print_message("%u of 600 answered, at most %u\n", answers, limit);
	assert_in_range(answers, 200, limit < 590 ? limit : 590);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(send(busy, query, QUERY_LEN, 0), QUERY_LEN);
		if (i % 20 == 0)
			wait_ms(loop, 1);
	}
	assert_int_equal(send(quiet, query, QUERY_LEN, 0), QUERY_LEN);
	assert_int_equal(count_answers(loop, quiet), 1);
	close(busy);
	close(quiet);
	gate_close(gate);
}

/* More than all together may ask: reading rests, and goes on. */
static void test_gateway_bounds_what_all_ask(void **state)
{
	uv_loop_t *loop = *state;
	struct gate *gate;
	int busy, quiet;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	gates_say(loop, NULL, "ip -n machine1 addr add 10.100.0.3/32 dev wg0");
	busy = ask_from(gate, SOCK_DGRAM, "10.100.0.2");
	quiet = ask_from(gate, SOCK_DGRAM, "10.100.0.3");
	for (unsigned i = 0; i < 20000; i++) {
		(void)send(busy, query, QUERY_LEN, 0);
		if (i % 100 == 0)
			uv_run(loop, UV_RUN_NOWAIT);
	}
	wait_ms(loop, 500);
	assert_int_equal(send(quiet, query, QUERY_LEN, 0), QUERY_LEN);
	assert_int_equal(count_answers(loop, quiet), 1);
	close(busy);
	close(quiet);
	gate_close(gate);
}

static void test_gateway_survives_hostile_queries(void **state)
{
	struct unit_random random = unit_random_start("hostile");
	uv_loop_t *loop = *state;
	struct gate *gate;
	int fd;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	fd = ask_from(gate, SOCK_DGRAM, "10.100.0.2");
	for (unsigned i = 0; i < 150; i++) {
		uint8_t bytes[1400] = { 0 };
		size_t len = unit_random_below(&random, sizeof(bytes));

		unit_random_bytes(&random, bytes, len);
		if (i % 2) {
			memcpy(bytes, query, QUERY_LEN);
			bytes[unit_random_below(&random, QUERY_LEN)] =
				(uint8_t)unit_random_next(&random);
			len = QUERY_LEN + unit_random_below(&random, 4);
		}
		assert_int_equal(send(fd, bytes, len, 0), len);
		wait_ms(loop, 1);
	}
	(void)count_answers(loop, fd);
	assert_int_equal(send(fd, query, QUERY_LEN, 0), QUERY_LEN);
	assert_int_equal(count_answers(loop, fd), 1);
	close(fd);
	gate_close(gate);
}

/* --- DNS over TCP. --- */

static bool is_ready(int fd, short events)
{
	struct pollfd poller = { .fd = fd, .events = events };

	return poll(&poller, 1, 0) > 0;
}

static void wait_for(uv_loop_t *loop, int fd, short events)
{
	uint64_t end = uv_hrtime() + UINT64_C(15000000000);

	while (!is_ready(fd, events) && uv_hrtime() < end)
		wait_ms(loop, 1);
	assert_true(is_ready(fd, events));
}

static void send_all(uv_loop_t *loop, int fd, const void *bytes, size_t len)
{
	wait_for(loop, fd, POLLOUT);
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* What the other side did: bytes received, 0 if it hung up. */
static size_t receive(uv_loop_t *loop, int fd, size_t wanted)
{
	uint8_t bytes[2048];
	size_t got = 0;

	while (got < wanted || wanted == 0) {
		ssize_t len;

		wait_for(loop, fd, POLLIN);
		len = recv(fd, bytes, sizeof(bytes), 0);
		assert_true(len >= 0 || errno == ECONNRESET);
		if (len <= 0)
			return got;
		got += (size_t)len;
	}
	return got;
}

static void assert_open(uv_loop_t *loop, int fd)
{
	wait_for(loop, fd, POLLOUT);
	wait_ms(loop, 50);
	assert_false(is_ready(fd, POLLIN));
}

static void test_gateway_serves_queries_of_a_stream_in_order(void **state)
{
	uint8_t two[2 * (2 + QUERY_LEN)];
	const size_t answer_len = 2 + QUERY_LEN + 16;
	uv_loop_t *loop = *state;
	struct gate *gate;
	int fd;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	two[0] = 0;
	two[1] = QUERY_LEN;
	memcpy(two + 2, query, QUERY_LEN);
	memcpy(two + sizeof(two) / 2, two, sizeof(two) / 2);
	fd = ask_from(gate, SOCK_STREAM, "10.100.0.2");
	/* In pieces, and two at once. */
	send_all(loop, fd, two, 1);
	send_all(loop, fd, two + 1, 10);
	assert_open(loop, fd);
	send_all(loop, fd, two + 11, sizeof(two) / 2 - 11);
	assert_int_equal(receive(loop, fd, answer_len), answer_len);
	send_all(loop, fd, two, sizeof(two));
	assert_int_equal(receive(loop, fd, 2 * answer_len), 2 * answer_len);
	close(fd);
	gate_close(gate);
}

/* Who does not read is not read from, and all the answers come when it does. */
static void test_gateway_waits_for_who_does_not_read(void **state)
{
	uint8_t message[2 + QUERY_LEN];
	const size_t answer_len = 2 + QUERY_LEN + 16;
	uv_loop_t *loop = *state;
	struct gate *gate;
	int fd;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	message[0] = 0;
	message[1] = QUERY_LEN;
	memcpy(message + 2, query, QUERY_LEN);
	fd = ask_from(gate, SOCK_STREAM, "10.100.0.2");
	wait_for(loop, fd, POLLOUT);
	for (unsigned i = 0; i < 150; i++)
		assert_int_equal(send(fd, message, sizeof(message), 0), sizeof(message));
	assert_int_equal(receive(loop, fd, 150 * answer_len), 150 * answer_len);
	close(fd);
	gate_close(gate);
}

static void test_gateway_hangs_up_on_hostile_streams(void **state)
{
	static const struct {
		const char *name;
		const uint8_t bytes[16];
		size_t len;
	} cases[] = {
		{ "length beyond all queries", "\xff\xff", 2 },
		{ "length of 1025", "\x04\x01", 2 },
		{ "no header", "\0\1x", 3 },
		{ "nothing", "\0\0", 2 },
		{ "an answer", "\0\x0c\0\0\x80\0\0\0\0\0\0\0\0\0", 14 },
	};
	uv_loop_t *loop = *state;
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		int fd = ask_from(gate, SOCK_STREAM, "10.100.0.2");

		print_message("case: %s\n", cases[i].name);
		send_all(loop, fd, cases[i].bytes, cases[i].len);
		assert_int_equal(receive(loop, fd, 0), 0);
		close(fd);
	}
	gate_close(gate);
}

static void test_gateway_bounds_streams_of_a_machine(void **state)
{
	uv_loop_t *loop = *state;
	struct gate *gate;
	int fds[6];

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	gates_say(loop, NULL, "ip -n machine1 addr add 10.100.0.3/32 dev wg0");
	for (size_t i = 0; i < 6; i++) {
		fds[i] = ask_from(gate, SOCK_STREAM, i < 5 ? "10.100.0.2" : "10.100.0.3");
		wait_for(loop, fds[i], POLLOUT);
	}
	assert_int_equal(receive(loop, fds[4], 0), 0);
	for (size_t i = 0; i < 6; i++) {
		if (i != 4)
			assert_open(loop, fds[i]);
	}
	/* Room for another again. */
	close(fds[0]);
	wait_ms(loop, 50);
	fds[0] = ask_from(gate, SOCK_STREAM, "10.100.0.2");
	assert_open(loop, fds[0]);
	for (size_t i = 0; i < 6; i++)
		close(fds[i]);
	/* Clients that are still there do not hold the gateway up. */
	gate_close(gate);
}

/* Who says nothing, and who never ends, is hung up on after ten seconds. */
static void test_gateway_hangs_up_on_idle_streams(void **state)
{
	uv_loop_t *loop = *state;
	uint64_t begun = uv_hrtime();
	struct gate *gate;
	int silent, slow;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	silent = ask_from(gate, SOCK_STREAM, "10.100.0.2");
	slow = ask_from(gate, SOCK_STREAM, "10.100.0.2");
	for (unsigned i = 0; i < 8; i++) {
		send_all(loop, slow, "\1", 1);
		wait_ms(loop, 1000);
	}
	assert_int_equal(receive(loop, silent, 0), 0);
	assert_int_equal(receive(loop, slow, 0), 0);
	assert_in_range((uv_hrtime() - begun) / 1000000, 9500, 30000);
	close(silent);
	close(slow);
	gate_close(gate);
}

/* --- Mending. --- */

struct mending {
	bool is_done;
	int status;
};

static void on_mended(void *context, int status)
{
	struct mending *mending = context;

	mending->status = status;
	mending->is_done = true;
}

static int mend(struct gate *gate)
{
	struct mending mending = { false, 0 };

	assert_int_equal(wr_gateway_mend(gate->gateway, on_mended, &mending), 0);
	assert_true(wr_gateway_is_whole(gate->gateway));
	assert_int_equal(wr_gateway_mend(gate->gateway, on_mended, &mending), -EBUSY);
	gates_wait(gate->loop, &mending.is_done);
	return mending.status;
}

static void test_gateway_is_mended_in_place(void **state)
{
	static const char *const damages[] = {
		"ip -n warren-test-1 link set hub down",
		"ip -n warren-test-1 addr flush dev hub",
		"ip -n warren-test-1 route flush table main",
		"ip -n warren-test-1 -6 addr del fd42::1/128 dev hub",
		"ip -n warren-test-1 -6 route del fd42::/64",
		"ip netns del warren-test-1",
		"ip netns del warren-test-1; ip netns add warren-test-1",
		"ip -n warren-test-1 link set hub down; ip netns del warren-test-1",
	};
	uv_loop_t *loop = *state;
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	for (size_t i = 0; i < WR_ARRAY_LEN(damages); i++) {
		print_message("damage: %s\n", damages[i]);
		assert_true(wr_gateway_is_whole(gate->gateway));
		gates_say(loop, NULL, "%s", damages[i]);
		wait_ms(loop, 100);
		assert_false(wr_gateway_is_whole(gate->gateway));
		assert_int_equal(mend(gate), 0);
		wait_ms(loop, 50);
		assert_true(wr_gateway_is_whole(gate->gateway));
		gates_say(loop, NULL, "ip netns exec machine1 ping -c1 -W2 10.100.0.1");
		gates_say(loop, "fd42::1", DIG "@fd42::1 db.acme.warren AAAA");
		gates_say(loop, "10.100.7.1", DIG "@10.100.0.1 +tcp db.acme.warren");
	}
	/* All but the two that are told by the name alone. */
	assert_int_equal(gate->damages, WR_ARRAY_LEN(damages) - 2);
	gate_close(gate);
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
}

static void test_gateway_without_its_tun_is_opened_again(void **state)
{
	uv_loop_t *loop = *state;
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	gates_say(loop, NULL, "ip -n warren-test-1 link del hub");
	wait_ms(loop, 100);
	assert_int_equal(gate->damages, 1);
	assert_false(wr_gateway_is_whole(gate->gateway));
	assert_int_equal(mend(gate), -ENODEV);
	assert_false(wr_gateway_is_whole(gate->gateway));
	gate_close(gate);
	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	gates_say(loop, NULL, "ip netns exec machine1 ping -c1 -W2 10.100.0.1");
	gate_close(gate);
}

/* --- Leftovers. --- */

static void test_gateway_takes_the_place_of_a_leftover(void **state)
{
	static const char *const leftovers[] = {
		"ip netns add warren-test-1",
		"mkdir -p /run/netns && touch /run/netns/warren-test-1"
	};
	uv_loop_t *loop = *state;
	struct gate *gate;

	for (size_t i = 0; i < WR_ARRAY_LEN(leftovers); i++) {
		gates_say(loop, NULL, "%s", leftovers[i]);
		gate = gate_open(loop, 1, "acme");
		gate_join(gate);
		gates_say(loop, NULL, "ip netns exec machine1 ping -c1 -W2 10.100.0.1");
		gate_close(gate);
	}
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
}

static void test_gateway_clear_leftovers_takes_its_own_only(void **state)
{
	uv_loop_t *loop = *state;

	gates_say(loop, NULL,
		  "for name in warren-test-1 warren-test-18446744073709551615 warren-test-x "
		  "warren-test-2-3 warren-test warren-other-1 mine; do ip netns add $name; done; "
		  "touch /run/netns/warren-test-9");
	assert_int_equal(wr_gateway_clear_leftovers("test"), 3);
	gates_say(loop, "mine\nwarren-other-1\nwarren-test\nwarren-test-2-3\nwarren-test-x\n",
		  "ls /run/netns");
	assert_int_equal(wr_gateway_clear_leftovers("test"), 0);
	assert_int_equal(wr_gateway_clear_leftovers("test-2"), 1);
	assert_int_equal(wr_gateway_clear_leftovers(""), -EINVAL);
	assert_int_equal(wr_gateway_clear_leftovers("../x"), -EINVAL);
	gates_say(loop, NULL, "for name in $(ls /run/netns); do ip netns del $name; done");
}

/* --- Connections into the organisation. --- */

struct reached {
	bool is_done;
	int status, fd;
};

static void on_connected(void *context, int status, int fd)
{
	struct reached *reached = context;

	assert_false(reached->is_done);
	*reached = (struct reached){ true, status, fd };
}

static void connect_to(struct gate *gate, const char *text, uint16_t port, struct reached *reached)
{
	struct wr_ip ip;

	*reached = (struct reached){ false, 0, -1 };
	assert_true(wr_ip_parse(text, strlen(text), &ip));
	assert_int_equal(wr_gateway_connect(gate->gateway, &ip, port, WR_SPAN_MS(300), on_connected,
					    reached),
			 0);
}

static void test_gateway_connects_into_the_organisation(void **state)
{
	static const char *const machines[] = { "10.100.0.2", "fd42::2" };
	uv_loop_t *loop = *state;
	struct reached reached;
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	gate_join(gate);
	for (size_t i = 0; i < WR_ARRAY_LEN(machines); i++) {
		struct wr_ip ip;
		char byte;
		int listener, peer;

		assert_true(wr_ip_parse(machines[i], strlen(machines[i]), &ip));
		assert_int_equal(wr_netns_bind(&gate->machine, SOCK_STREAM, &ip, 22, &listener), 0);
		assert_int_equal(listen(listener, 1), 0);
		connect_to(gate, machines[i], 22, &reached);
		gates_wait(loop, &reached.is_done);
		assert_int_equal(reached.status, 0);
		assert_true(fcntl(reached.fd, F_GETFD) & FD_CLOEXEC);
		wait_for(loop, listener, POLLIN);
		peer = accept(listener, NULL, NULL);
		assert_true(peer >= 0);
		assert_int_equal(send(reached.fd, "x", 1, 0), 1);
		wait_for(loop, peer, POLLIN);
		assert_int_equal(recv(peer, &byte, 1, MSG_DONTWAIT), 1);
		close(peer);
		close(reached.fd);
		close(listener);
		connect_to(gate, machines[i], 23, &reached);
		gates_wait(loop, &reached.is_done);
		assert_int_equal(reached.status, -ECONNREFUSED);
		assert_int_equal(reached.fd, -1);
	}
	/* Nobody there: the hub drops it. */
	connect_to(gate, "192.168.50.1", 22, &reached);
	gates_wait(loop, &reached.is_done);
	assert_int_equal(reached.status, -ETIMEDOUT);
	gate_close(gate);
}

static void test_gateway_bounds_and_cancels_connections(void **state)
{
	static struct reached reached[WR_GATEWAY_CONNECTS], none;
	const struct wr_ip ip = { WR_IPV4, { 10, 100, 0, 77 } };
	uv_loop_t *loop = *state;
	unsigned fds = count_fds();
	struct gate *gate;

	gate = gate_open(loop, 1, "acme");
	for (size_t i = 0; i < WR_ARRAY_LEN(reached); i++)
		connect_to(gate, "10.100.0.77", 22, &reached[i]);
	assert_int_equal(wr_gateway_connect(gate->gateway, &ip, 22, WR_SPAN_S(1), on_connected,
					    &none),
			 -EAGAIN);
	wait_ms(loop, 20);
	gate_close(gate);
	for (size_t i = 0; i < WR_ARRAY_LEN(reached); i++)
		assert_int_equal(reached[i].status, -ECANCELED);
	assert_int_equal(count_fds(), fds);
}

/* --- Haste. --- */

static void test_gateway_may_be_closed_while_it_opens(void **state)
{
	uv_loop_t *loop = *state;
	unsigned fds = count_fds();

	for (unsigned i = 0; i < 20; i++) {
		struct gate *gate;

		gate = gate_begin(loop, 1, "acme");
		wait_ms(loop, i / 2);
		gate_close(gate);
	}
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
	assert_int_equal(count_fds(), fds);
}

static void on_gone(void *context)
{
	*(bool *)context = true;
}

/* Of the same name: the old one does not take the new one's. */
static void test_gateway_is_opened_again_while_the_old_one_goes(void **state)
{
	uv_loop_t *loop = *state;

	for (unsigned i = 0; i < 20; i++) {
		struct gate *old = gate_open(loop, 1, "acme"), *new;

		wr_gateway_close(old->gateway, on_gone, &old->is_closed);
		new = gate_open(loop, 1, "acme");
		gates_wait(loop, &old->is_closed);
		assert_true(wr_gateway_is_whole(new->gateway));
		free(old);
		gate_close(new);
	}
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
}

static void test_gateway_refuses_names_that_are_none(void **state)
{
	static const char *const tags[] = { "",    "a/b", "A",
					    "a b", ".",   "012345678901234567890123456789012" };
	struct wr_gateway *gateway;

	for (size_t i = 0; i < WR_ARRAY_LEN(tags); i++) {
		struct wr_gateway_config config = { .tag = tags[i], .label = "a", .suffix = "b" };

		assert_int_equal(wr_gateway_open(*state, &config, &gateway), -EINVAL);
	}
	assert_int_equal(wr_gateway_open(*state,
					 &(struct wr_gateway_config){
						 .tag = "a", .label = "a..b", .suffix = "c" },
					 &gateway),
			 -EINVAL);
}

#define MANY 100

static void test_gateway_has_many_beside_it(void **state)
{
	static struct gate *gates[MANY];
	uv_loop_t *loop = *state;
	uint64_t begun = uv_hrtime();
	unsigned fds = count_fds();

	for (unsigned i = 0; i < MANY; i++)
		gates[i] = gate_begin(loop, i, "acme");
	for (unsigned i = 0; i < MANY; i++) {
		gates_wait(loop, &gates[i]->is_opened);
		assert_int_equal(gates[i]->status, 0);
	}
	print_message("%d opened in %u ms\n", MANY, (unsigned)((uv_hrtime() - begun) / 1000000));
	print_message("%u descriptors each\n", (count_fds() - fds) / MANY);
	begun = uv_hrtime();
	for (unsigned i = 0; i < MANY; i++)
		assert_true(wr_gateway_is_whole(gates[i]->gateway));
	print_message("looked at in %u us\n", (unsigned)((uv_hrtime() - begun) / 1000));
	begun = uv_hrtime();
	for (unsigned i = 0; i < MANY; i++)
		wr_gateway_close(gates[i]->gateway, on_gone, &gates[i]->is_closed);
	for (unsigned i = 0; i < MANY; i++) {
		gates_wait(loop, &gates[i]->is_closed);
		free(gates[i]);
	}
	print_message("closed in %u ms\n", (unsigned)((uv_hrtime() - begun) / 1000000));
	gates_say(loop, NULL, "test -z \"$(ls /run/netns)\"");
	assert_int_equal(count_fds(), fds);
}

/* The pool's threads are where the first one of them began: all tests are in one network. */
static int open_loop(void **state)
{
	static uv_loop_t loop;

	namespace_enter();
	uv_loop_init(&loop);
	/* What the first child process takes is not a gateway's. */
	gates_say(&loop, NULL, "mkdir /run/netns");
	*state = &loop;
	return 0;
}

static void delete_name(void *context, const char *name)
{
	(void)context;
	(void)wr_netns_delete(name);
}

/* What a test that failed left there. */
static int clear(void **state)
{
	(void)state;
	return wr_netns_list("", delete_name, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_gateway_opens_answers_ping_and_leaves_nothing, clear),
		cmocka_unit_test_setup(test_gateway_answers_dns_to_its_machines, clear),
		cmocka_unit_test_setup(test_gateway_keeps_equal_names_apart, clear),
		cmocka_unit_test_setup(test_gateway_bounds_what_a_machine_asks, clear),
		cmocka_unit_test_setup(test_gateway_bounds_what_all_ask, clear),
		cmocka_unit_test_setup(test_gateway_survives_hostile_queries, clear),
		cmocka_unit_test_setup(test_gateway_serves_queries_of_a_stream_in_order, clear),
		cmocka_unit_test_setup(test_gateway_waits_for_who_does_not_read, clear),
		cmocka_unit_test_setup(test_gateway_hangs_up_on_hostile_streams, clear),
		cmocka_unit_test_setup(test_gateway_bounds_streams_of_a_machine, clear),
		cmocka_unit_test_setup(test_gateway_hangs_up_on_idle_streams, clear),
		cmocka_unit_test_setup(test_gateway_is_mended_in_place, clear),
		cmocka_unit_test_setup(test_gateway_without_its_tun_is_opened_again, clear),
		cmocka_unit_test_setup(test_gateway_takes_the_place_of_a_leftover, clear),
		cmocka_unit_test_setup(test_gateway_clear_leftovers_takes_its_own_only, clear),
		cmocka_unit_test_setup(test_gateway_connects_into_the_organisation, clear),
		cmocka_unit_test_setup(test_gateway_bounds_and_cancels_connections, clear),
		cmocka_unit_test_setup(test_gateway_may_be_closed_while_it_opens, clear),
		cmocka_unit_test_setup(test_gateway_is_opened_again_while_the_old_one_goes, clear),
		cmocka_unit_test_setup(test_gateway_refuses_names_that_are_none, clear),
		cmocka_unit_test_setup(test_gateway_has_many_beside_it, clear),
	};

	return cmocka_run_group_tests(tests, open_loop, NULL);
}
