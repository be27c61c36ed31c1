#include "mesh/l2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link_change.h"
#include "linux/namespace.h"
#include "linux/netns.h"
#include "linux/news.h"
#include "linux/nft.h"

/* Three hosts with an interface that stands for the tunnel, of the tunnel's usual MTU, on one
 * switch; a and c have another one beside, to a LAN. */
#define HOSTS 3
#define UNDER_MTU 1420
#define PORT 51820
#define PATIENCE_MS 10000

struct host {
	char name[2];
	struct wr_netns netns;
	struct wr_ip own; /* fd00::1 to fd00::3 */
	struct wr_l2 *l2;
	int packets; /* a socket on its VXLAN */
	uint8_t mac[ETH_ALEN];
};

static struct host hosts[HOSTS];
static struct wr_ip all[HOSTS];

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static int begin(void **state)
{
	(void)state;
	namespace_enter();
	namespace_run("ip link add switch type bridge mcast_snooping 0 && ip link set switch up");
	for (unsigned i = 0; i < HOSTS; i++) {
		char own[] = { 'f', 'd', '0', '0', ':', ':', (char)('1' + i), '\0' };

		hosts[i] = (struct host){ .name = { (char)('a' + i) }, .packets = -1 };
		hosts[i].own = all[i] = ip_of(own);
		assert_int_equal(wr_netns_create(hosts[i].name, &hosts[i].netns), 0);
		namespace_run("ip link add w0 netns %s mtu %d type veth peer name port%u && "
			      "ip link set port%u master switch && ip link set port%u up && "
			      "ip -n %s addr add %s/64 dev w0 nodad && ip -n %s link set w0 up",
			      hosts[i].name, UNDER_MTU, i, i, i, hosts[i].name, own, hosts[i].name);
	}
	/* The kernel says nothing by itself on what comes later: no multicast listener reports. */
	namespace_run("for n in a b c; do ip netns exec $n sysctl -qw "
		      "net.ipv6.conf.default.disable_ipv6=1; done");
	namespace_run("ip link add lan netns a type veth peer name lan netns c && "
		      "for n in a c; do ip netns exec $n sysctl -qw "
		      "net.ipv6.conf.lan.disable_ipv6=0; done && "
		      "ip -n a addr add fd01::1/64 dev lan nodad && ip -n a link set lan up && "
		      "ip -n c addr add fd01::3/64 dev lan nodad && ip -n c link set lan up");
	/* The switch needs a moment, or more where the kernel is busy with others' namespaces. */
	namespace_run(
		"for way in 'a fd00::2' 'a fd00::3' 'b fd00::3' 'a fd01::3'; do set -- $way; "
		"timeout 60 sh -c \"until ip netns exec $1 ping -q -c 1 -W 1 $2; do :; done\" "
		">/dev/null 2>&1 || exit 1; done");
	return 0;
}

static void close_host(struct host *host)
{
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&host->netns, &visit), 0);
	host->l2 = wr_l2_close(host->l2);
	wr_netns_leave(&visit);
	if (host->packets >= 0)
		close(host->packets);
	host->packets = -1;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOSTS; i++) {
		close_host(&hosts[i]);
		wr_netns_delete(hosts[i].name);
		wr_netns_close(&hosts[i].netns);
	}
	return 0;
}

static int try_open(struct host *host, char ret_why[200])
{
	struct wr_l2_config config = {
		.name = "l2-w0",
		.under_mtu = UNDER_MTU,
		.port = PORT,
		.own = host->own,
	};
	struct wr_netns_visit visit;
	int status;

	assert_int_equal(wr_netns_enter(&host->netns, &visit), 0);
	config.under = if_nametoindex("w0");
	status = wr_l2_open(&config, &host->l2, ret_why);
	wr_netns_leave(&visit);
	return status;
}

static int set_members(struct host *host, const struct wr_ip *members, size_t count)
{
	struct wr_netns_visit visit;
	int status;

	assert_int_equal(wr_netns_enter(&host->netns, &visit), 0);
	status = wr_l2_set_members(host->l2, members, count);
	wr_netns_leave(&visit);
	return status;
}

static void open_packets(struct host *host)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5) };
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&host->netns, &visit), 0);
	host->packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x88b5));
	wr_netns_leave(&visit);
	assert_true(host->packets >= 0);
	address.sll_ifindex = (int)wr_l2_index(host->l2);
	assert_int_equal(bind(host->packets, (struct sockaddr *)&address, sizeof(address)), 0);
	/* From its address in the mesh, so that it is the same each time. */
	memcpy(host->mac, host->own.bytes + 10, ETH_ALEN);
	host->mac[0] = 2;
}

static void open_all(void)
{
	char why[200];

	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(try_open(&hosts[i], why), 0);
		assert_int_equal(set_members(&hosts[i], all, HOSTS), 0);
		open_packets(&hosts[i]);
	}
}

/* --- Frames, of the type for experiments: IEEE 802, 88-B5. --- */

static const uint8_t broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t stranger[ETH_ALEN] = { 2, 1 };

static size_t write_frame(const uint8_t *to, const uint8_t *from, const char *text,
			  uint8_t ret_frame[ETH_FRAME_LEN])
{
	struct ether_header header = { .ether_type = htons(0x88b5) };

	memset(ret_frame, 0, ETH_FRAME_LEN);
	memcpy(header.ether_dhost, to, ETH_ALEN);
	memcpy(header.ether_shost, from, ETH_ALEN);
	memcpy(ret_frame, &header, sizeof(header));
	memcpy(ret_frame + sizeof(header), text, strlen(text));
	return sizeof(header) + 50;
}

static void send_frame(const struct host *from, const uint8_t *to, const char *text)
{
	uint8_t frame[ETH_FRAME_LEN];
	size_t len = write_frame(to, from->mac, text, frame);

	assert_int_equal(send(from->packets, frame, len, 0), len);
}

/* The next frame that comes is this one: none came before it. */
static void assert_receives(const struct host *host, const char *text)
{
	struct pollfd poll_fd = { .fd = host->packets, .events = POLLIN };
	uint8_t frame[ETH_FRAME_LEN] = { 0 };

	if (poll(&poll_fd, 1, PATIENCE_MS) != 1)
		fail_msg("\"%s\" did not come to %s", text, host->name);
	assert_true(recv(host->packets, frame, sizeof(frame) - 1, 0) > 0);
	assert_string_equal((const char *)frame + sizeof(struct ether_header), text);
}

/* --- The table, as bridge(8) shows it. --- */

static void assert_table(const struct host *host, const char *wanted)
{
	char command[200], text[4000] = "";
	FILE *pipe;

	/* A lifetime counts, in some versions. */
	snprintf(command, sizeof(command),
		 "bridge -n %s fdb show dev l2-w0 | sed 's/ *$//; s/ src_vni.*//' | sort",
		 host->name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	text[fread(text, 1, sizeof(text) - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	assert_string_equal(text, wanted);
}

#define DEFAULT_TO(number) "00:00:00:00:00:00 dst fd00::" number " self permanent\n"

/* --- Frames pass. --- */

static void test_l2_carries_frames(void **state)
{
	(void)state;
	open_all();
	send_frame(&hosts[0], broadcast, "to all");
	assert_receives(&hosts[1], "to all");
	assert_receives(&hosts[2], "to all");
	/* Where a is, they have learnt. */
	send_frame(&hosts[1], hosts[0].mac, "to a");
	assert_receives(&hosts[0], "to a");
	send_frame(&hosts[0], hosts[1].mac, "to b");
	assert_receives(&hosts[1], "to b");
	send_frame(&hosts[0], broadcast, "to all again");
	assert_receives(&hosts[2], "to all again");
	assert_receives(&hosts[1], "to all again");
}

static void test_l2_carries_ip_up_to_its_mtu(void **state)
{
	struct wr_link_sight sight;
	struct wr_netns_visit visit;

	(void)state;
	open_all();
	assert_int_equal(wr_l2_mtu(hosts[0].l2), 1350);
	assert_int_equal(wr_netns_enter(&hosts[0].netns, &visit), 0);
	assert_int_equal(wr_link_find("l2-w0", &sight), 0);
	wr_netns_leave(&visit);
	assert_int_equal(sight.mtu, 1350);
	assert_int_equal(sight.index, wr_l2_index(hosts[0].l2));
	assert_string_equal(sight.alias, "warren");
	namespace_run("i=1; for n in a b c; do ip -n $n addr add 10.5.0.$i/24 dev l2-w0; "
		      "i=$((i+1)); done");
	/* With 28 bytes of headers. */
	namespace_run("ip netns exec a ping -q -c 1 -W 10 -M do -s 1322 10.5.0.2 >/dev/null");
	namespace_run("ip netns exec b ping -q -c 1 -W 10 -M do -s 1322 10.5.0.3 >/dev/null");
	namespace_run("! ip netns exec a ping -q -c 1 -W 1 -M do -s 1323 10.5.0.2 >/dev/null 2>&1");
	/* Nothing was cut in pieces below. */
	namespace_run("ip netns exec a grep -q 'Ip6FragCreates.*\\b0$' /proc/net/snmp6");
}

/* --- The table follows the members. --- */

static void test_l2_follows_members(void **state)
{
	(void)state;
	open_all();
	assert_table(&hosts[0], DEFAULT_TO("2") DEFAULT_TO("3"));
	send_frame(&hosts[2], broadcast, "hello");
	assert_receives(&hosts[0], "hello");
	assert_receives(&hosts[1], "hello");
	assert_table(&hosts[0],
		     DEFAULT_TO("2") DEFAULT_TO("3") "02:00:00:00:00:03 dst fd00::3 self\n");
	/* What was learnt of one that is gone is gone too. */
	assert_int_equal(set_members(&hosts[0], all, 2), 0);
	assert_table(&hosts[0], DEFAULT_TO("2"));
	send_frame(&hosts[0], broadcast, "without c");
	assert_receives(&hosts[1], "without c");
	assert_int_equal(set_members(&hosts[0], all, 3), 0);
	send_frame(&hosts[0], broadcast, "with c");
	assert_receives(&hosts[2], "with c");
	assert_int_equal(set_members(&hosts[0], NULL, 0), 0);
	assert_table(&hosts[0], "");
}

/* Of its table, as the kernel tells of them. */
static unsigned count_changes(const struct host *host, int news)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[8192];
	struct nlmsghdr *message = (void *)bytes;
	unsigned count = 0;
	ssize_t len;

	while ((len = recv(news, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		const struct ndmsg *entry = NLMSG_DATA(message);

		assert_true(NLMSG_OK(message, (unsigned)len));
		count += entry->ndm_ifindex == (int)wr_l2_index(host->l2);
	}
	return count;
}

static void test_l2_mends_what_others_changed(void **state)
{
	const struct wr_ip twice[] = { all[1], all[2], all[1], all[0], { 0 } };
	struct wr_netns_visit visit;
	struct wr_link_sight sight;
	int news;

	(void)state;
	open_all();
	namespace_run(
		"bridge -n a fdb append 00:00:00:00:00:00 dev l2-w0 dst fd00::99 && "
		"bridge -n a fdb append 00:00:00:00:00:00 dev l2-w0 dst fd00::2 port 99 vni 8 via lan && "
		"bridge -n a fdb add 02:00:00:00:00:77 dev l2-w0 dst fd00::98 && "
		"bridge -n a fdb add 02:00:00:00:00:78 dev l2-w0 dst fd00::98 dynamic && "
		"bridge -n a fdb add 02:00:00:00:00:79 dev l2-w0 dst fd00::2 && "
		"bridge -n a fdb del 00:00:00:00:00:00 dev l2-w0 dst fd00::3 && "
		"ip -n a link set l2-w0 down");
	assert_int_equal(set_members(&hosts[0], twice, WR_ARRAY_LEN(twice)), 0);
	assert_table(&hosts[0], DEFAULT_TO("2") DEFAULT_TO("3"));
	assert_int_equal(wr_netns_enter(&hosts[0].netns, &visit), 0);
	assert_int_equal(wr_link_find("l2-w0", &sight), 0);
	wr_netns_leave(&visit);
	assert_true(sight.is_up);
	assert_int_equal(wr_netns_enter(&hosts[0].netns, &visit), 0);
	assert_int_equal(wr_news_watch(NETLINK_ROUTE, RTMGRP_NEIGH, &news), 0);
	wr_netns_leave(&visit);
	/* What is right is not touched. */
	assert_int_equal(set_members(&hosts[0], twice, WR_ARRAY_LEN(twice)), 0);
	assert_int_equal(count_changes(&hosts[0], news), 0);
	assert_int_equal(set_members(&hosts[0], all, 2), 0);
	assert_int_equal(count_changes(&hosts[0], news), 1);
	close(news);
}

static void test_l2_has_room_for_many(void **state)
{
	enum {
		MANY = 2000
	};
	static struct wr_ip many[MANY];
	char why[200];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		many[i] = ip_of("fd00::1:0:0");
		many[i].bytes[14] = (uint8_t)(i >> 8);
		many[i].bytes[15] = (uint8_t)i;
	}
	assert_int_equal(try_open(&hosts[0], why), 0);
	assert_int_equal(set_members(&hosts[0], many, MANY), 0);
	namespace_run("test $(bridge -n a fdb show dev l2-w0 | wc -l) = %d", MANY);
	assert_int_equal(set_members(&hosts[0], many + 500, 1000), 0);
	namespace_run("test $(bridge -n a fdb show dev l2-w0 | wc -l) = 1000");
}

/* --- Nobody else puts frames in, or gets any. --- */

static void send_vxlan(const struct host *from, const char *to, uint8_t vni, const char *text,
		       size_t len)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(WR_L2_PORT) };
	uint8_t bytes[4000] = { 0x08, 0, 0, 0, 0, 0, vni, 0 };
	uint8_t frame[ETH_FRAME_LEN];
	size_t frame_len = write_frame(broadcast, stranger, text, frame);
	int fd;

	memcpy(bytes + 8, frame, frame_len);
	assert_int_equal(wr_netns_socket(&from->netns, WR_IPV6, SOCK_DGRAM, &fd), 0);
	assert_int_equal(inet_pton(AF_INET6, to, &address.sin6_addr), 1);
	/* What is dropped on its way out may be told. */
	(void)!sendto(fd, bytes, len, 0, (struct sockaddr *)&address, sizeof(address));
	close(fd);
}

static void test_l2_takes_nothing_from_elsewhere(void **state)
{
	(void)state;
	open_all();
	/* To the LAN's address, whole and in pieces; and to the mesh's, by way of the LAN. */
	send_vxlan(&hosts[2], "fd01::1", WR_L2_VNI, "from the LAN", 100);
	send_vxlan(&hosts[2], "fd01::1", WR_L2_VNI, "in pieces", 3000);
	namespace_run("ip -n c route add fd00::1/128 via fd01::1 dev lan");
	send_vxlan(&hosts[2], "fd00::1", WR_L2_VNI, "to the mesh's address", 100);
	namespace_run("ip -n c route del fd00::1/128 via fd01::1 dev lan");
	/* By a user of the host. */
	send_vxlan(&hosts[0], "::1", WR_L2_VNI, "from here", 100);
	send_vxlan(&hosts[0], "fd00::1", WR_L2_VNI, "from here", 100);
	/* Through the tunnel it would have come. */
	send_vxlan(&hosts[1], "fd00::1", WR_L2_VNI, "through the tunnel", 100);
	assert_receives(&hosts[0], "through the tunnel");
}

/* Where another route leads out of the tunnel, nothing goes there; of another number, which is
 * somebody else's, it does. */
static void test_l2_sends_nothing_elsewhere(void **state)
{
	uint8_t bytes[4000];
	char why[200];
	int fd;

	(void)state;
	namespace_run("ip -n c addr add fd00::2/128 dev lan nodad && "
		      "ip -n a route add fd00::2/128 via fd01::3 dev lan");
	assert_int_equal(wr_netns_bind(&hosts[2].netns, SOCK_DGRAM, &all[1], WR_L2_PORT, &fd), 0);
	assert_int_equal(try_open(&hosts[0], why), 0);
	assert_int_equal(set_members(&hosts[0], all, HOSTS), 0);
	open_packets(&hosts[0]);
	send_frame(&hosts[0], broadcast, "not by the LAN");
	send_vxlan(&hosts[0], "fd00::2", WR_L2_VNI + 1, "by the LAN", 100);
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 100);
	assert_int_equal(bytes[6], WR_L2_VNI + 1);
	close(fd);
}

static void test_l2_puts_its_guard_back(void **state)
{
	(void)state;
	open_all();
	namespace_run("ip netns exec a nft flush ruleset");
	assert_int_equal(set_members(&hosts[0], all, HOSTS), 0);
	namespace_run("ip netns exec a nft add rule inet warren-l2-w0 arrive accept && "
		      "ip netns exec a nft insert rule inet warren-l2-w0 arrive accept");
	assert_int_equal(set_members(&hosts[0], all, HOSTS), 0);
	send_vxlan(&hosts[2], "fd01::1", WR_L2_VNI, "from the LAN", 100);
	send_vxlan(&hosts[1], "fd00::1", WR_L2_VNI, "through the tunnel", 100);
	assert_receives(&hosts[0], "through the tunnel");
	close_host(&hosts[0]);
	namespace_run("test -z \"$(ip netns exec a nft list tables)\"");
}

/* --- The tunnel stays out of it. --- */

/* A socket of b on `port` of all its addresses. */
static int listen_at(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct wr_netns_visit visit;
	int fd;

	assert_int_equal(wr_netns_enter(&hosts[1].netns, &visit), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	wr_netns_leave(&visit);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_to_port(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct wr_netns_visit visit;
	int fd;

	assert_int_equal(inet_pton(AF_INET, "10.5.0.2", &to.sin_addr), 1);
	assert_int_equal(wr_netns_enter(&hosts[0].netns, &visit), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	wr_netns_leave(&visit);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	close(fd);
}

/* What is for another port comes, which was sent after it. */
static void assert_only_others_come(void)
{
	int tunnel = listen_at(PORT), other = listen_at(PORT + 1);

	namespace_run("timeout 60 sh -c 'until ip netns exec a ping -q -c 1 -W 1 10.5.0.2; do :; "
		      "done' >/dev/null 2>&1");
	send_to_port(PORT);
	send_to_port(PORT + 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = other, .events = POLLIN }, 1, PATIENCE_MS),
			 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = tunnel, .events = POLLIN }, 1, 0), 0);
	close(tunnel);
	close(other);
}

static void test_l2_is_no_way_for_its_tunnel(void **state)
{
	(void)state;
	open_all();
	namespace_run("ip -n a addr add 10.5.0.1/24 dev l2-w0 && "
		      "ip -n b addr add 10.5.0.2/24 dev l2-w0");
	assert_only_others_come();
	namespace_run(
		"ip -n b addr del 10.5.0.2/24 dev l2-w0 && ip -n b link add wide type bridge && "
		"ip -n b link set l2-w0 master wide && ip -n b link set wide up && "
		"ip -n b addr add 10.5.0.2/24 dev wide && ip -n a neigh flush dev l2-w0");
	assert_only_others_come();
	/* Its table is put back, as the other one is. */
	namespace_run("ip netns exec b nft flush ruleset");
	assert_int_equal(set_members(&hosts[1], all, HOSTS), 0);
	assert_only_others_come();
}

/* --- Its life. --- */

static void assert_refused(int status, const char *why)
{
	char said[200];

	assert_int_equal(try_open(&hosts[0], said), status);
	assert_string_equal(said, why);
	namespace_run("test -z \"$(ip netns exec a nft list tables)\"");
}

static void test_l2_refuses_anothers_interface(void **state)
{
	(void)state;
	namespace_run("ip -n a link add l2-w0 type bridge");
	assert_refused(-EEXIST, "an interface l2-w0 is there, and is none of ours");
	namespace_run(
		"ip -n a link del l2-w0 && ip -n a link add l2-w0 type vxlan id 9 dstport 4789 "
		"local fd00::1 dev w0");
	assert_refused(-EEXIST, "an interface l2-w0 is there, and is none of ours");
	namespace_run("ip -n a link show l2-w0 >/dev/null");
}

static void test_l2_refuses_a_number_that_is_taken(void **state)
{
	(void)state;
	namespace_run("ip -n a link add other type vxlan id 7 dstport 4789 local fd00::1 dev w0");
	assert_refused(-EEXIST, "another VXLAN of this host has number 7 and port 4789: only one "
				"mesh can have layer 2");
}

static void test_l2_clears_away_what_a_crash_left(void **state)
{
	char why[200];

	(void)state;
	namespace_run("ip -n a link add l2-w0 type vxlan id 7 dstport 4789 local fd00::9 dev w0 && "
		      "ip -n a link set l2-w0 alias warren && "
		      "bridge -n a fdb append 00:00:00:00:00:00 dev l2-w0 dst fd00::99");
	assert_int_equal(try_open(&hosts[0], why), 0);
	assert_int_equal(set_members(&hosts[0], all, HOSTS), 0);
	assert_table(&hosts[0], DEFAULT_TO("2") DEFAULT_TO("3"));
}

static void test_l2_ends_with_the_tunnel(void **state)
{
	(void)state;
	open_all();
	namespace_run("ip -n a link del w0");
	assert_int_equal(set_members(&hosts[0], all, HOSTS), -ENODEV);
	close_host(&hosts[1]);
	namespace_run("! ip -n b link show l2-w0 >/dev/null 2>&1");
	assert_null(wr_l2_close(NULL));
}

#define L2_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		L2_TEST(test_l2_carries_frames),
		L2_TEST(test_l2_carries_ip_up_to_its_mtu),
		L2_TEST(test_l2_follows_members),
		L2_TEST(test_l2_mends_what_others_changed),
		L2_TEST(test_l2_has_room_for_many),
		L2_TEST(test_l2_takes_nothing_from_elsewhere),
		L2_TEST(test_l2_sends_nothing_elsewhere),
		L2_TEST(test_l2_puts_its_guard_back),
		L2_TEST(test_l2_is_no_way_for_its_tunnel),
		L2_TEST(test_l2_refuses_anothers_interface),
		L2_TEST(test_l2_refuses_a_number_that_is_taken),
		L2_TEST(test_l2_clears_away_what_a_crash_left),
		L2_TEST(test_l2_ends_with_the_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
