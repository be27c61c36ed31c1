#include "linux/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "namespace.h"

/* Two ends on loopback, a socket a family. */
struct ends {
	struct wr_udp_sockets a, b;
	struct wr_udp_receiver *receiver;
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	int count; /* of bursts that the last await() got */
};

static struct ends open_ends(void)
{
	struct ends ends = { .receiver = wr_udp_receiver_new() };

	assert_non_null(ends.receiver);
	assert_int_equal(wr_udp_open(0, 0, 1, &ends.a), 0);
	assert_int_equal(wr_udp_open(0, 0, 1, &ends.b), 0);
	assert_true(ends.a.has_segment);
	return ends;
}

static void close_ends(struct ends *ends)
{
	wr_udp_close(&ends->a);
	wr_udp_close(&ends->b);
	ends->receiver = wr_udp_receiver_free(ends->receiver);
}

static struct wr_ip ip(const char *text)
{
	struct wr_ip parsed;

	assert_true(wr_ip_parse(text, strlen(text), &parsed));
	return parsed;
}

static struct wr_endpoint at(const char *address, uint16_t port)
{
	return (struct wr_endpoint){ .ip = ip(address), .port = port };
}

static int socket_of(const struct wr_udp_sockets *sockets, const struct wr_endpoint *remote)
{
	return remote->ip.family == WR_IPV4 ? sockets->v4[0] : sockets->v6[0];
}

static void send_burst(const struct wr_udp_sockets *from, const struct wr_udp_burst *burst)
{
	unsigned dropped = 7;

	assert_int_equal(wr_udp_send(socket_of(from, &burst->remote), burst, 1, &dropped), 0);
	assert_int_equal(dropped, 0);
}

/* Waits until something is there, and takes it. */
static void await(struct ends *ends, int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&readable, 1, 2000), 1);
	ends->count = wr_udp_receive(fd, ends->receiver, ends->bursts);
	assert_true(ends->count >= 1);
}

static const char *const hosts[] = { "127.0.0.1", "::1" };

static void test_udp_carries_one_datagram(void **state)
{
	struct ends ends = open_ends();

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		uint8_t bytes[] = "one";
		struct wr_udp_burst burst = {
			.data = bytes,
			.len = 3,
			.segment = 3,
			.remote = at(hosts[i], ends.b.port),
		};
		const struct wr_udp_burst *got = &ends.bursts[0];
		struct wr_ip host = ip(hosts[i]);

		send_burst(&ends.a, &burst);
		await(&ends, socket_of(&ends.b, &burst.remote));
		assert_int_equal(ends.count, 1);
		assert_int_equal(got->len, 3);
		assert_int_equal(got->segment, 3);
		assert_memory_equal(got->data, "one", 3);
		assert_int_equal(got->tos, 0);
		assert_int_equal(got->remote.port, ends.a.port);
		assert_true(wr_ip_equal(&got->remote.ip, &host));
		assert_true(wr_ip_equal(&got->remote.local, &host));
		assert_int_not_equal(got->remote.interface, 0);
	}
	close_ends(&ends);
}

static void test_udp_receives_nothing_without_waiting(void **state)
{
	struct ends ends = open_ends();

	(void)state;
	assert_int_equal(wr_udp_receive(ends.a.v4[0], ends.receiver, ends.bursts), 0);
	assert_int_equal(wr_udp_receive(ends.a.v6[0], ends.receiver, ends.bursts), 0);
	close_ends(&ends);
}

/* Appends what arrives until there are `len` bytes; all datagrams but the last of
 * a burst must be `segment` long. Returns the number of bursts. */
static unsigned collect(struct ends *ends, int fd, uint8_t *bytes, size_t len, uint32_t segment)
{
	size_t have = 0;
	unsigned bursts = 0;

	while (have < len) {
		await(ends, fd);
		for (int i = 0; i < ends->count; i++) {
			const struct wr_udp_burst *burst = &ends->bursts[i];

			assert_true(have + burst->len <= len);
			assert_true(burst->segment == segment || burst->len <= segment);
			memcpy(bytes + have, burst->data, burst->len);
			have += burst->len;
			bursts++;
		}
	}
	return bursts;
}

static uint8_t sent_bytes[WR_UDP_MAX_PAYLOAD];
static uint8_t received_bytes[WR_UDP_BATCH * WR_UDP_MAX_PAYLOAD];

static void test_udp_segments_and_coalesces(void **state)
{
	static const struct {
		const char *name;
		uint32_t len, segment;
	} cases[] = {
		{ "two of one byte", 2, 1 },
		{ "ten and a rest", 10300, 1000 },
		{ "full segments only", 14520, 1452 },
		{ "as many as there may be", 64 * 100, 100 },
		{ "as long as a device takes it whole", 65469, 1452 },
	};
	struct unit_random random = unit_random_start("test_udp_segments_and_coalesces");
	struct ends ends = open_ends();

	(void)state;
	unit_random_bytes(&random, sent_bytes, sizeof(sent_bytes));
	for (size_t i = 0; i < WR_ARRAY_LEN(hosts) * WR_ARRAY_LEN(cases); i++) {
		size_t which = i / WR_ARRAY_LEN(hosts);
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = cases[which].len,
			.segment = cases[which].segment,
			.remote = at(hosts[i % WR_ARRAY_LEN(hosts)], ends.b.port),
		};
		unsigned bursts;

		print_message("%s to %s\n", cases[which].name, hosts[i % WR_ARRAY_LEN(hosts)]);
		send_burst(&ends.a, &burst);
		bursts = collect(&ends, socket_of(&ends.b, &burst.remote), received_bytes,
				 burst.len, burst.segment);
		assert_int_equal(bursts, 1);
		assert_memory_equal(received_bytes, sent_bytes, burst.len);
	}
	close_ends(&ends);
}

static void test_udp_sends_a_batch_in_order(void **state)
{
	struct unit_random random = unit_random_start("test_udp_sends_a_batch_in_order");
	struct ends ends = open_ends();
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	unsigned dropped;
	size_t len = 0;

	(void)state;
	unit_random_bytes(&random, sent_bytes, sizeof(sent_bytes));
	for (unsigned i = 0; i < WR_UDP_BATCH; i++) {
		bursts[i] = (struct wr_udp_burst){
			.data = sent_bytes + len,
			.len = i % 2 ? 700 * i + 1 : 700,
			.segment = 700,
			.remote = at("127.0.0.1", ends.b.port),
		};
		len += bursts[i].len;
	}
	assert_int_equal(wr_udp_send(ends.a.v4[0], bursts, WR_UDP_BATCH, &dropped), 0);
	assert_int_equal(dropped, 0);
	assert_int_equal(collect(&ends, ends.b.v4[0], received_bytes, len, 700), WR_UDP_BATCH);
	assert_memory_equal(received_bytes, sent_bytes, len);
	close_ends(&ends);
}

/* A burst's bytes may be changed in place, and what is around them. */
static void test_udp_receiver_has_spare_bytes(void **state)
{
	struct ends ends = open_ends();
	struct wr_udp_burst burst = {
		.data = sent_bytes,
		.len = 100,
		.segment = 100,
		.remote = at("127.0.0.1", ends.b.port),
	};

	(void)state;
	for (int i = 0; i < 2; i++)
		send_burst(&ends.a, &burst);
	await(&ends, ends.b.v4[0]);
	assert_int_equal(ends.count, 2);
	memset(ends.bursts[0].data - 64, 0xee, 64 + WR_UDP_BUFFER_LEN + 64);
	assert_memory_equal(ends.bursts[1].data, sent_bytes, 100);
	memset(ends.bursts[1].data - 64, 0xee, 64 + WR_UDP_BUFFER_LEN + 64);
	send_burst(&ends.a, &burst);
	await(&ends, ends.b.v4[0]);
	assert_memory_equal(ends.bursts[0].data, sent_bytes, 100);
	assert_int_equal(ends.bursts[0].len, 100);
	close_ends(&ends);
}

static void test_udp_answers_from_the_address_that_was_asked(void **state)
{
	static const char *const asked[] = { "127.0.0.77", "fd00::77" };
	struct ends ends = open_ends();

	(void)state;
	namespace_run("ip addr add fd00::77/128 dev lo nodad");
	/* The kernel adds the route a moment later. */
	namespace_run("timeout 5 sh -c 'until ip -6 route show table local | grep -q fd00::77; "
		      "do :; done'");
	for (size_t i = 0; i < WR_ARRAY_LEN(asked); i++) {
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = 3000,
			.segment = 1000,
			.remote = at(asked[i], ends.b.port),
		};
		struct wr_ip want = ip(asked[i]);

		send_burst(&ends.a, &burst);
		await(&ends, socket_of(&ends.b, &burst.remote));
		assert_int_equal(ends.bursts[0].segment, 1000);
		assert_true(wr_ip_equal(&ends.bursts[0].remote.local, &want));
		/* The same place back, local side and all. */
		burst.remote = ends.bursts[0].remote;
		send_burst(&ends.b, &burst);
		await(&ends, socket_of(&ends.a, &burst.remote));
		assert_int_equal(ends.bursts[0].len, 3000);
		assert_true(wr_ip_equal(&ends.bursts[0].remote.ip, &want));
		assert_int_equal(ends.bursts[0].remote.port, ends.b.port);
	}
	close_ends(&ends);
}

static void test_udp_leaves_out_a_local_address_that_is_gone(void **state)
{
	static const char *const gone[] = { "198.51.100.9", "2001:db8::9" };
	static const uint32_t lens[] = { 900, 5000 };
	struct ends ends = open_ends();

	(void)state;
	for (size_t i = 0; i < 2 * WR_ARRAY_LEN(hosts); i++) {
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = lens[i / 2],
			.segment = 900,
			.remote = at(hosts[i % 2], ends.b.port),
		};

		burst.remote.local = ip(gone[i % 2]);
		burst.remote.interface = 12345;
		send_burst(&ends.a, &burst);
		(void)collect(&ends, socket_of(&ends.b, &burst.remote), received_bytes, burst.len,
			      900);
		assert_memory_equal(received_bytes, sent_bytes, burst.len);
	}
	close_ends(&ends);
}

static void test_udp_carries_ecn_and_nothing_else_of_the_class(void **state)
{
	struct ends ends = open_ends();

	(void)state;
	for (unsigned i = 0; i < 4 * WR_ARRAY_LEN(hosts); i++) {
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = 2000,
			.segment = 1000,
			.tos = (uint8_t)(0xb8 | i / 2),
			.remote = at(hosts[i % 2], ends.b.port),
		};

		send_burst(&ends.a, &burst);
		await(&ends, socket_of(&ends.b, &burst.remote));
		assert_int_equal(ends.bursts[0].tos, i / 2);
		assert_int_equal(ends.bursts[0].segment, 1000);
	}
	close_ends(&ends);
}

/* UDP_SEGMENT refuses; the kernel fragments and puts together again. */
static void test_udp_falls_back_where_the_mtu_is_small(void **state)
{
	struct ends ends = open_ends();

	(void)state;
	unit_random_bytes(&(struct unit_random){ 1 }, sent_bytes, sizeof(sent_bytes));
	namespace_run("ip link set lo mtu 1300");
	for (size_t i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = 64 * 1000 + 1,
			.segment = 1400,
			.remote = at(hosts[i], ends.b.port),
		};

		send_burst(&ends.a, &burst);
		assert_true(collect(&ends, socket_of(&ends.b, &burst.remote), received_bytes,
				    burst.len, 1400) > 1);
		assert_memory_equal(received_bytes, sent_bytes, burst.len);
	}
	close_ends(&ends);
}

static void test_udp_counts_what_cannot_be_sent(void **state)
{
	struct ends ends = open_ends();
	struct wr_udp_burst bursts[] = {
		{ .data = sent_bytes, .len = 2500, .segment = 1000, .remote = at("192.0.2.1", 9) },
		{ .data = sent_bytes,
		  .len = 100,
		  .segment = 100,
		  .remote = at("127.0.0.1", ends.b.port) },
		{ .data = sent_bytes, .len = 100, .segment = 100, .remote = at("192.0.2.1", 9) },
	};
	unsigned dropped = 0;

	(void)state;
	assert_int_equal(wr_udp_send(ends.a.v4[0], bursts, 3, &dropped), -ENETUNREACH);
	assert_int_equal(dropped, 4);
	await(&ends, ends.b.v4[0]);
	assert_int_equal(ends.bursts[0].len, 100);
	close_ends(&ends);
}

static void test_udp_survives_a_flap(void **state)
{
	struct ends ends = open_ends();
	struct wr_udp_burst burst = {
		.data = sent_bytes,
		.len = 10,
		.segment = 10,
		.remote = at("127.0.0.1", ends.b.port),
	};
	unsigned dropped;

	(void)state;
	namespace_run("ip link set lo down");
	(void)wr_udp_send(ends.a.v4[0], &burst, 1, &dropped);
	assert_int_equal(wr_udp_receive(ends.b.v4[0], ends.receiver, ends.bursts), 0);
	namespace_run("ip link set lo up");
	send_burst(&ends.a, &burst);
	await(&ends, ends.b.v4[0]);
	close_ends(&ends);
}

static int bind_other(int family, uint16_t port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.sa_family = (sa_family_t)family };
	int fd = socket(family, SOCK_DGRAM, 0);
	int on = 1;

	/* At the same place in both. */
	address.v4.sin_port = htons(port);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	if (family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, &address.any, sizeof(address.v6)), 0);
	return fd;
}

/* Even by one that would share it. */
static void test_udp_refuses_a_port_in_use(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (unsigned i = 0; i < 2 * WR_ARRAY_LEN(families); i++) {
		struct wr_udp_sockets sockets;
		int other = bind_other(families[i % 2], 4242);

		assert_int_equal(wr_udp_open(4242, 0, 1 + i / 2, &sockets), -EADDRINUSE);
		close(other);
		assert_int_equal(wr_udp_open(4242, 0, 1 + i / 2, &sockets), 0);
		wr_udp_close(&sockets);
	}
}

static void test_udp_does_not_share_with_itself(void **state)
{
	struct wr_udp_sockets first, second;

	(void)state;
	assert_int_equal(wr_udp_open(4242, 0, 4, &first), 0);
	assert_int_equal(wr_udp_open(4242, 0, 4, &second), -EADDRINUSE);
	wr_udp_close(&first);
	assert_int_equal(wr_udp_open(4242, 0, 4, &second), 0);
	wr_udp_close(&second);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address;
	socklen_t len = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin6_port);
}

static void test_udp_opens_a_group_on_one_port(void **state)
{
	struct wr_udp_sockets sockets;

	(void)state;
	assert_int_equal(wr_udp_open(0, 0, WR_UDP_MAX_WORKERS, &sockets), 0);
	assert_int_not_equal(sockets.port, 0);
	for (unsigned i = 0; i < WR_UDP_MAX_WORKERS; i++) {
		assert_int_equal(port_of(sockets.v4[i]), sockets.port);
		assert_int_equal(port_of(sockets.v6[i]), sockets.port);
	}
	wr_udp_close(&sockets);
}

/* What is sent from many ports reaches every socket of the group: flows spread. */
static void test_udp_group_shares_the_work(void **state)
{
	struct wr_udp_receiver *receiver = wr_udp_receiver_new();
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	struct wr_udp_sockets group, from;

	(void)state;
	assert_int_equal(wr_udp_open(0, 0, 2, &group), 0);
	for (int i = 0; i < 64; i++) {
		struct wr_udp_burst burst = {
			.data = sent_bytes,
			.len = 1,
			.segment = 1,
			.remote = at("127.0.0.1", group.port),
		};

		assert_int_equal(wr_udp_open(0, 0, 1, &from), 0);
		send_burst(&from, &burst);
		wr_udp_close(&from);
	}
	assert_true(wr_udp_receive(group.v4[0], receiver, bursts) > 0);
	assert_true(wr_udp_receive(group.v4[1], receiver, bursts) > 0);
	wr_udp_close(&group);
	wr_udp_receiver_free(receiver);
}

static uint32_t mark_of(int fd)
{
	uint32_t mark;
	socklen_t len = sizeof(mark);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len), 0);
	return mark;
}

static void test_udp_marks_all_sockets(void **state)
{
	struct wr_udp_sockets sockets;

	(void)state;
	assert_int_equal(wr_udp_open(0, 51820, 2, &sockets), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mark_of(sockets.v4[i]), 51820);
		assert_int_equal(mark_of(sockets.v6[i]), 51820);
	}
	assert_int_equal(wr_udp_set_mark(&sockets, 0xcafe0001), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mark_of(sockets.v4[i]), 0xcafe0001);
		assert_int_equal(mark_of(sockets.v6[i]), 0xcafe0001);
	}
	wr_udp_close(&sockets);
}

/* In a process where the kernel has no IPv6: 0 if all is as it should be. */
static int open_without_v6(void)
{
	struct wr_udp_sockets sockets;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
			     SCMP_A0_32(SCMP_CMP_EQ, AF_INET6)) < 0 ||
	    seccomp_load(filter) < 0)
		return 1;
	seccomp_release(filter);
	if (wr_udp_open(0, 1, 2, &sockets) < 0)
		return 2;
	if (sockets.v4[1] < 0 || sockets.v6[0] != -1 || sockets.v6[1] != -1)
		return 3;
	if (!sockets.has_segment || wr_udp_set_mark(&sockets, 2) < 0)
		return 4;
	wr_udp_close(&sockets);
	return 0;
}

static void test_udp_does_without_ipv6(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(open_without_v6());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
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
		cmocka_unit_test_setup(test_udp_carries_one_datagram, enter),
		cmocka_unit_test_setup(test_udp_receives_nothing_without_waiting, enter),
		cmocka_unit_test_setup(test_udp_segments_and_coalesces, enter),
		cmocka_unit_test_setup(test_udp_sends_a_batch_in_order, enter),
		cmocka_unit_test_setup(test_udp_receiver_has_spare_bytes, enter),
		cmocka_unit_test_setup(test_udp_answers_from_the_address_that_was_asked, enter),
		cmocka_unit_test_setup(test_udp_leaves_out_a_local_address_that_is_gone, enter),
		cmocka_unit_test_setup(test_udp_carries_ecn_and_nothing_else_of_the_class, enter),
		cmocka_unit_test_setup(test_udp_falls_back_where_the_mtu_is_small, enter),
		cmocka_unit_test_setup(test_udp_counts_what_cannot_be_sent, enter),
		cmocka_unit_test_setup(test_udp_survives_a_flap, enter),
		cmocka_unit_test_setup(test_udp_refuses_a_port_in_use, enter),
		cmocka_unit_test_setup(test_udp_does_not_share_with_itself, enter),
		cmocka_unit_test_setup(test_udp_opens_a_group_on_one_port, enter),
		cmocka_unit_test_setup(test_udp_group_shares_the_work, enter),
		cmocka_unit_test_setup(test_udp_marks_all_sockets, enter),
		cmocka_unit_test_setup(test_udp_does_without_ipv6, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
