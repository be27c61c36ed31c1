#include "linux/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "namespace.h"

static struct wr_tun *open_tun(const char *name, unsigned queues)
{
	struct wr_tun *tun = NULL;

	assert_int_equal(wr_tun_open(name, queues, &tun), 0);
	return tun;
}

static void test_tun_open_makes_the_interface(void **state)
{
	struct wr_tun *tun = open_tun("wg7", 4);
	uint32_t mtu;

	(void)state;
	assert_string_equal(tun->name, "wg7");
	assert_int_equal(tun->index, if_nametoindex("wg7"));
	assert_int_equal(tun->queue_count, 4);
	assert_true(tun->has_offload);
	for (unsigned i = 0; i < tun->queue_count; i++) {
		assert_true(fcntl(tun->queues[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(tun->queues[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(wr_tun_set_mtu(tun, 1420), 0);
	assert_int_equal(wr_tun_mtu(tun, &mtu), 0);
	assert_int_equal(mtu, 1420);
	assert_int_equal(wr_tun_set_mtu(tun, 7), -EINVAL);
	tun = wr_tun_free(tun);
	assert_int_equal(if_nametoindex("wg7"), 0);
}

static void test_tun_open_lets_the_kernel_number_it(void **state)
{
	struct wr_tun *first = open_tun("wg%d", 1);
	struct wr_tun *second = open_tun("wg%d", 2);

	(void)state;
	assert_string_equal(first->name, "wg0");
	assert_string_equal(second->name, "wg1");
	assert_int_equal(second->queue_count, 2);
	wr_tun_free(first);
	wr_tun_free(second);
}

static void test_tun_open_refuses(void **state)
{
	static const struct {
		const char *setup;
		const char *name;
		int want;
	} cases[] = {
		{ "ip link add other type veth peer name other2", "other", -EEXIST },
		{ "true", "lo", -EEXIST },
		{ "ip tuntap add tap7 mode tap", "tap7", -EEXIST },
		{ "true", "a/b", -EINVAL },
		{ "true", "a b", -EINVAL },
		{ "true", "name-that-is-long", -ENAMETOOLONG },
	};

	(void)state;
	for (size_t i = 0; i < 2 * WR_ARRAY_LEN(cases); i++) {
		size_t which = i / 2;
		struct wr_tun *tun = NULL;

		if (i % 2 == 0)
			namespace_run("%s", cases[which].setup);
		print_message("%s\n", cases[which].name);
		assert_int_equal(wr_tun_open(cases[which].name, i % 2 ? 4 : 1, &tun),
				 cases[which].want);
		assert_null(tun);
	}
}

/* However many queues either has. */
static void test_tun_open_refuses_one_in_use(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct wr_tun *first = open_tun("wg0", i & 1 ? 3 : 1);
		struct wr_tun *second = NULL;

		assert_int_equal(wr_tun_open("wg0", i & 2 ? 3 : 1, &second), -EBUSY);
		assert_null(second);
		wr_tun_free(first);
	}
}

static void test_tun_open_takes_a_persistent_one(void **state)
{
	static const struct {
		const char *options;
		unsigned asked, want;
	} cases[] = {
		{ "", 1, 1 },
		{ "", 4, 1 },
		{ "multi_queue", 1, 1 },
		{ "multi_queue", 4, 4 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_tun *tun, *second;

		namespace_run("ip tuntap add wg0 mode tun %s", cases[i].options);
		tun = open_tun("wg0", cases[i].asked);
		assert_int_equal(tun->queue_count, cases[i].want);
		assert_true(tun->has_offload);
		assert_int_equal(wr_tun_open("wg0", cases[i].asked, &second), -EBUSY);
		wr_tun_free(tun);
		assert_int_not_equal(if_nametoindex("wg0"), 0);
		namespace_run("ip tuntap del wg0 mode tun %s", cases[i].options);
	}
}

static int open_device(const char *name, int flags)
{
	struct ifreq request = { .ifr_flags = (short)flags };
	int fd = open("/dev/net/tun", O_RDWR);

	assert_true(fd >= 0);
	memcpy(request.ifr_name, name, strlen(name));
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	return fd;
}

static void test_tun_adopt_takes_a_descriptor(void **state)
{
	(void)state;
	for (int with_header = 0; with_header < 2; with_header++) {
		int fd = open_device("wg3", IFF_TUN | IFF_NO_PI | (with_header ? IFF_VNET_HDR : 0));
		struct wr_tun *tun = NULL;

		assert_int_equal(wr_tun_adopt(fd, &tun), 0);
		assert_string_equal(tun->name, "wg3");
		assert_int_equal(tun->index, if_nametoindex("wg3"));
		assert_int_equal(tun->queue_count, 1);
		assert_int_equal(tun->queues[0], fd);
		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_int_equal(tun->has_offload, with_header);
		wr_tun_free(tun);
		assert_int_equal(fcntl(fd, F_GETFL), -1);
	}
}

static void test_tun_adopt_refuses(void **state)
{
	struct wr_tun *tun = NULL;
	int tap = open_device("tap0", IFF_TAP | IFF_NO_PI);
	int null = open("/dev/null", O_RDWR);

	(void)state;
	assert_int_equal(wr_tun_adopt(tap, &tun), -EINVAL);
	assert_int_equal(wr_tun_adopt(null, &tun), -EBADF);
	assert_null(tun);
	/* They are still the caller's. */
	assert_int_equal(close(tap) + close(null), 0);
	assert_int_equal(wr_tun_adopt(null, &tun), -EBADF);
}

static void test_tun_is_up_follows_the_interface_anywhere(void **state)
{
	struct wr_tun *tun = open_tun("wg0", 2);
	bool is_up = true;

	(void)state;
	assert_int_equal(wr_tun_is_up(tun, &is_up), 0);
	assert_false(is_up);
	namespace_run("ip link set wg0 up");
	assert_int_equal(wr_tun_is_up(tun, &is_up), 0);
	assert_true(is_up);
	namespace_run("mkdir -p /run/netns && ip netns add other && ip link set wg0 netns other");
	assert_int_equal(wr_tun_is_up(tun, &is_up), 0);
	assert_false(is_up);
	namespace_run("ip -n other link set wg0 up");
	assert_int_equal(wr_tun_is_up(tun, &is_up), 0);
	assert_true(is_up);
	namespace_run("ip -n other link del wg0 && ip netns del other");
	assert_int_equal(wr_tun_is_up(tun, &is_up), -ENODEV);
	wr_tun_free(tun);
}

/* Reads until a UDP packet comes; others are the kernel's own (router solicitations). */
static size_t read_udp(int queue, uint8_t *bytes, size_t size)
{
	struct pollfd readable = { .fd = queue, .events = POLLIN };

	for (;;) {
		ssize_t len;

		assert_int_equal(poll(&readable, 1, 2000), 1);
		len = read(queue, bytes, size);
		assert_true(len > (ssize_t)(WR_TUN_HEADER_LEN + sizeof(struct iphdr)));
		if (bytes[WR_TUN_HEADER_LEN] >> 4 == 4 && bytes[WR_TUN_HEADER_LEN + 9] == 17)
			return (size_t)len;
	}
}

static void send_to_tun(const void *bytes, size_t len, int segment)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(inet_pton(AF_INET, "10.1.2.2", &to.sin_addr), 1);
	if (segment)
		assert_int_equal(
			setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	assert_int_equal(sendto(fd, bytes, len, 0, (void *)&to, sizeof(to)), (ssize_t)len);
	close(fd);
}

static uint8_t packet[70000];
static uint8_t payload[10000];

static void test_tun_hands_over_large_packets_whole(void **state)
{
	struct wr_tun *tun = open_tun("wg0", 1);
	const size_t headers = WR_TUN_HEADER_LEN + sizeof(struct iphdr) + sizeof(struct udphdr);
	struct virtio_net_hdr header;

	(void)state;
	unit_random_bytes(&(struct unit_random){ 5 }, payload, sizeof(payload));
	assert_int_equal(wr_tun_set_mtu(tun, 1420), 0);
	namespace_run("ip addr add 10.1.2.1/24 dev wg0 && ip link set wg0 up");
	send_to_tun(payload, 100, 0);
	assert_int_equal(read_udp(tun->queues[0], packet, sizeof(packet)), headers + 100);
	assert_memory_equal(packet + headers, payload, 100);

	assert_true(tun->has_udp_offload);
	send_to_tun(payload, sizeof(payload), 1000);
	assert_int_equal(read_udp(tun->queues[0], packet, sizeof(packet)),
			 headers + sizeof(payload));
	memcpy(&header, packet, sizeof(header));
	assert_int_equal(header.gso_type, 5 /* VIRTIO_NET_HDR_GSO_UDP_L4 */);
	assert_int_equal(header.gso_size, 1000);
	assert_true(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_memory_equal(packet + headers, payload, sizeof(payload));
	wr_tun_free(tun);
}

static void test_tun_left_behind_goes_with_its_namespace(void **state)
{
	struct wr_tun *tun = open_tun("wg0", 1);

	(void)state;
	namespace_run("ip netns add other && ip link set wg0 netns other");
	wr_tun_leave_behind(tun);
	wr_tun_free(tun);
	namespace_run("ip -n other link show wg0 >/dev/null");
	namespace_run("ip netns del other && test -z \"$(ip netns list)\"");
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
		cmocka_unit_test_setup(test_tun_open_makes_the_interface, enter),
		cmocka_unit_test_setup(test_tun_open_lets_the_kernel_number_it, enter),
		cmocka_unit_test_setup(test_tun_open_refuses, enter),
		cmocka_unit_test_setup(test_tun_open_refuses_one_in_use, enter),
		cmocka_unit_test_setup(test_tun_open_takes_a_persistent_one, enter),
		cmocka_unit_test_setup(test_tun_adopt_takes_a_descriptor, enter),
		cmocka_unit_test_setup(test_tun_adopt_refuses, enter),
		cmocka_unit_test_setup(test_tun_is_up_follows_the_interface_anywhere, enter),
		cmocka_unit_test_setup(test_tun_hands_over_large_packets_whole, enter),
		cmocka_unit_test_setup(test_tun_left_behind_goes_with_its_namespace, enter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
