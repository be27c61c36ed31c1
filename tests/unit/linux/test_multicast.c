#include "linux/multicast.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "linux/addresses.h"
#include "linux/netns.h"
#include "linux/udp.h"
#include "namespace.h"

/* Nothing that is waited for takes as long. */
#define PATIENCE_MS 10000

/* --- Which interfaces. --- */

/* Names, each with 4 and 6 for its families. */
static void list_links(const char *skip, char ret_text[1000])
{
	struct wr_multicast_link links[WR_MULTICAST_LINKS];
	int count = wr_multicast_links(skip, links);
	char name[IF_NAMESIZE];

	assert_true(count >= 0);
	*ret_text = '\0';
	for (int i = 0; i < count; i++) {
		assert_non_null(if_indextoname(links[i].index, name));
		snprintf(ret_text + strlen(ret_text), 1000 - strlen(ret_text), "%s%s%s ", name,
			 links[i].v4.family ? " 4" : "", links[i].v6.family ? " 6" : "");
	}
}

/* That a carrier came or went, the kernel notes a moment later, and tells. */
static void assert_links(const char *skip, const char *wanted)
{
	struct pollfd news = { .events = POLLIN };
	char text[1000];

	assert_int_equal(wr_addresses_watch(&news.fd), 0);
	for (;;) {
		list_links(skip, text);
		if (strcmp(text, wanted) == 0 || poll(&news, 1, PATIENCE_MS) != 1)
			break;
		wr_addresses_changed(news.fd, 0);
	}
	close(news.fd);
	assert_string_equal(text, wanted);
}

static void test_multicast_links_are_those_with_neighbours(void **state)
{
	(void)state;
	namespace_enter();
	assert_links(NULL, "");
	/* Link-local addresses are set by hand: those of the kernel are tentative at first. */
	namespace_run(
		"for i in lan port other quiet; do ip link add $i type veth peer name far-$i; "
		"for j in $i far-$i; do ip link set $j addrgenmode none; ip link set $j up; done; "
		"done");
	namespace_run("ip link add sw type bridge && ip link set sw addrgenmode none && "
		      "ip link set port master sw && ip link set sw up");
	namespace_run(
		"ip addr add 10.1.0.5/24 dev lan && ip addr add 10.2.0.5/24 dev sw && "
		"ip addr add 10.3.0.5/24 dev port && ip addr add fe80::5/64 dev other nodad && "
		"ip addr add fd00::5/64 dev quiet nodad");
	namespace_run("ip tuntap add tun1 mode tun && ip addr add 10.9.0.1/32 dev tun1 && "
		      "ip link set tun1 up");
	assert_links(NULL, "lan 4 other 6 sw 4 ");
	/* Over a tunnel there are neighbours, who are not to be met there. */
	namespace_run("ip link add over type vxlan id 1 dstport 4789 remote 10.9.0.2 dev tun1 && "
		      "ip link set over up && ip addr add 10.8.0.1/24 dev over");
	namespace_run("ip addr add fe80::6/64 dev lan nodad && ip link del other");
	assert_links(NULL, "lan 4 6 sw 4 ");
	assert_links("sw", "lan 4 6 ");
	/* Without a carrier, and without multicast. */
	namespace_run("ip link set far-lan down && ip link set sw multicast off");
	assert_links(NULL, "");
	namespace_run("ip link set far-lan up");
	assert_links(NULL, "lan 4 6 ");
}

/* --- Sockets. --- */

static struct wr_netns a, b;

static int lay_lan(void **state)
{
	(void)state;
	namespace_enter();
	assert_int_equal(wr_netns_create("a", &a), 0);
	assert_int_equal(wr_netns_create("b", &b), 0);
	/* Two cables. */
	namespace_run(
		"for i in 1 2; do ip link add net$i netns a type veth peer name net$i netns b; "
		"for n in a b; do ip -n $n link set net$i addrgenmode none; "
		"ip -n $n link set net$i up; done; "
		"ip -n a addr add 10.$i.0.1/24 dev net$i; ip -n b addr add 10.$i.0.2/24 dev net$i; "
		"ip -n a addr add fe80::1/64 dev net$i nodad; "
		"ip -n b addr add fe80::2/64 dev net$i nodad; done");
	return 0;
}

static int remove_lan(void **state)
{
	(void)state;
	wr_netns_delete("a");
	wr_netns_delete("b");
	wr_netns_close(&a);
	wr_netns_close(&b);
	return 0;
}

static struct wr_endpoint group_on(const char *ip, uint32_t interface)
{
	struct wr_endpoint group = { .port = 51818, .interface = interface };

	assert_true(wr_ip_parse(ip, strlen(ip), &group.ip));
	return group;
}

struct ear {
	struct wr_endpoint group;
	int fd;
};

static struct ear open_ear(const struct wr_netns *netns, const char *group, const char *link)
{
	struct wr_netns_visit visit;
	struct ear ear;

	assert_int_equal(wr_netns_enter(netns, &visit), 0);
	ear.group = group_on(group, if_nametoindex(link));
	assert_int_equal(wr_multicast_open(&ear.group, &ear.fd), 0);
	wr_netns_leave(&visit);
	return ear;
}

static void say(const struct ear *ear, const char *text)
{
	struct wr_bytes datagram = { (const uint8_t *)text, strlen(text) };

	assert_int_equal(wr_multicast_send(ear->fd, &ear->group, datagram), 0);
}

/* The next that it hears, and from where. */
static void assert_hears(const struct ear *ear, const char *text, const char *from)
{
	struct wr_udp_receiver *receiver = wr_udp_receiver_new();
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	struct pollfd poll_fd = { .fd = ear->fd, .events = POLLIN };
	char address[WR_ENDPOINT_TEXT_LEN];

	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(wr_udp_receive(ear->fd, receiver, bursts), 1);
	assert_int_equal(bursts[0].len, strlen(text));
	assert_memory_equal(bursts[0].data, text, strlen(text));
	wr_ip_format(&bursts[0].remote.ip, address);
	assert_string_equal(address, from);
	assert_int_equal(bursts[0].remote.port, 51818);
	assert_int_equal(bursts[0].remote.interface, ear->group.interface);
	if (bursts[0].remote.ip.family == WR_IPV6)
		assert_int_equal(bursts[0].remote.scope, ear->group.interface);
	wr_udp_receiver_free(receiver);
}

static void assert_hears_nothing(const struct ear *ear)
{
	char byte;

	assert_int_equal(read(ear->fd, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

/* On both cables, with two listeners at one place, as two daemons of a host are. */
static void check_family(const char *group, const char *a_ip, const char *a_ip_2, const char *b_ip)
{
	struct ear a1 = open_ear(&a, group, "net1"), a2 = open_ear(&a, group, "net2");
	struct ear b1 = open_ear(&b, group, "net1"), b2 = open_ear(&b, group, "net2");
	struct ear b1_too = open_ear(&b, group, "net1");

	say(&a1, "one");
	assert_hears(&b1, "one", a_ip);
	assert_hears(&b1_too, "one", a_ip);
	assert_hears(&a1, "one", a_ip);
	assert_hears_nothing(&b2);
	assert_hears_nothing(&a2);
	say(&a2, "two");
	assert_hears(&b2, "two", a_ip_2);
	assert_hears_nothing(&b1);
	say(&b1_too, "three");
	assert_hears(&b1, "three", b_ip);
	assert_hears(&a1, "three", b_ip);
	close(a1.fd);
	close(a2.fd);
	close(b1.fd);
	close(b2.fd);
	close(b1_too.fd);
}

static void test_multicast_is_heard_on_its_link_by_all(void **state)
{
	(void)state;
	check_family("239.255.87.78", "10.1.0.1", "10.2.0.1", "10.1.0.2");
	check_family("ff02::5752:4e", "fe80::1", "fe80::1", "fe80::2");
}

/* A program with the port at an address of the host, as gossip has it, is not in the way and gets
 * its datagrams; one that has the port at all addresses is told. */
static void test_multicast_shares_the_port(void **state)
{
	struct wr_ip own4 = { .family = WR_IPV4, .bytes = { 10, 1, 0, 2 } };
	struct wr_ip any = { .family = WR_IPV4 };
	struct wr_endpoint group = group_on("239.255.87.78", 0);
	struct wr_netns_visit visit;
	struct ear ear;
	int fd;

	(void)state;
	assert_int_equal(wr_netns_bind(&b, SOCK_DGRAM, &own4, 51818, &fd), 0);
	ear = open_ear(&b, "239.255.87.78", "net1");
	close(fd);
	close(ear.fd);
	assert_int_equal(wr_netns_bind(&b, SOCK_DGRAM, &any, 51818, &fd), 0);
	assert_int_equal(wr_netns_enter(&b, &visit), 0);
	group.interface = if_nametoindex("net1");
	assert_int_equal(wr_multicast_open(&group, &ear.fd), -EADDRINUSE);
	close(fd);
	group.interface = 12345;
	assert_int_equal(wr_multicast_open(&group, &ear.fd), -ENODEV);
	wr_netns_leave(&visit);
}

/* TTL and hop limit: no router passes them on. */
static void test_multicast_goes_no_further(void **state)
{
	static const char *const groups[] = { "239.255.87.78", "ff02::5752:4e" };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(groups); i++) {
		struct ear ear = open_ear(&a, groups[i], "net1");
		int level = i ? IPPROTO_IPV6 : IPPROTO_IP, limit = 0;
		socklen_t len = sizeof(limit);

		assert_int_equal(getsockopt(ear.fd, level,
					    i ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, &limit,
					    &len),
				 0);
		assert_int_equal(limit, 1);
		close(ear.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_multicast_links_are_those_with_neighbours),
		cmocka_unit_test_setup_teardown(test_multicast_is_heard_on_its_link_by_all, lay_lan,
						remove_lan),
		cmocka_unit_test_setup_teardown(test_multicast_shares_the_port, lay_lan,
						remove_lan),
		cmocka_unit_test_setup_teardown(test_multicast_goes_no_further, lay_lan,
						remove_lan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
