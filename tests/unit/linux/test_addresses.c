#include "linux/addresses.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include "namespace.h"

/* The addresses, one after the other with a space behind each. */
static void assert_list(const char *skip, const char *wanted)
{
	struct wr_host_address list[WR_ADDRESSES_MAX];
	uint32_t index = skip ? if_nametoindex(skip) : 0;
	char text[1000] = "";
	int count = wr_addresses_list(&index, skip ? 1 : 0, list);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		char one[WR_ENDPOINT_TEXT_LEN];

		wr_ip_format(&list[i].ip, one);
		strcat(text, one);
		strcat(text, list[i].is_default ? "* " : " ");
	}
	assert_string_equal(text, wanted);
}

static void test_addresses_are_those_where_others_reach_us(void **state)
{
	struct wr_gateway gateway;
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	namespace_enter();
	assert_list(NULL, "");
	assert_int_equal(wr_addresses_gateway(WR_IPV4, &gateway), -ENETUNREACH);
	namespace_run(
		"ip link add net1 type veth peer name far1 && ip link add net2 type veth peer name far2 && "
		"ip link add lan type bridge && ip link set far1 master lan && "
		"for i in net1 far1 net2 far2 lan; do ip link set $i up; done");
	namespace_run("ip addr add 10.1.0.5/24 dev net1 && ip addr add 192.168.7.5/24 dev net2 && "
		      "ip addr add 172.17.0.1/16 dev lan && ip addr add 169.254.3.3/16 dev net2 && "
		      "ip addr add 2001:4860:1::5/64 dev net2 nodad && "
		      "ip addr add 2001:4860:2::5/64 dev net2 nodad preferred_lft 0 && "
		      "ip addr add fd00::5/64 dev net2 nodad");
	namespace_run(
		"ip tuntap add tun1 mode tun && ip addr add 10.9.0.1/32 dev tun1 && ip link set tun1 up");
	assert_list(NULL, "10.1.0.5 192.168.7.5 fd00::5 2001:4860:1::5 172.17.0.1 ");
	/* What lies over a tunnel is none either, what lies over a network is. */
	namespace_run("ip link add over1 type vxlan id 1 dstport 4789 remote 10.9.0.2 dev tun1 && "
		      "ip link add over2 type vxlan id 2 dstport 4789 remote 10.5.0.2 dev over1 && "
		      "ip link add over3 type vxlan id 3 dstport 4789 remote 10.1.0.6 dev net1 && "
		      "for i in over1 over2 over3; do ip link set $i up; done && "
		      "ip addr add 10.5.0.1/24 dev over1 && ip addr add 10.6.0.1/24 dev over2 && "
		      "ip addr add 10.7.0.1/24 dev over3");
	assert_list(NULL, "10.1.0.5 192.168.7.5 10.7.0.1 fd00::5 2001:4860:1::5 172.17.0.1 ");
	namespace_run("ip link del over2 && ip link del over1 && ip link del over3");
	/* The way out comes first. */
	namespace_run("ip route add default via 192.168.7.1 dev net2 metric 50 && "
		      "ip route add default via 10.1.0.1 dev net1 metric 100");
	assert_list(NULL, "10.1.0.5* 192.168.7.5* fd00::5* 2001:4860:1::5* 172.17.0.1 ");
	assert_list("net2", "10.1.0.5* 172.17.0.1 ");
	assert_int_equal(wr_addresses_gateway(WR_IPV4, &gateway), 0);
	wr_ip_format(&gateway.ip, text);
	assert_string_equal(text, "192.168.7.1");
	wr_ip_format(&gateway.local, text);
	assert_string_equal(text, "192.168.7.5");
	assert_int_equal(gateway.interface, if_nametoindex("net2"));
	assert_int_equal(wr_addresses_gateway(WR_IPV6, &gateway), -ENETUNREACH);
	namespace_run("ip -6 route add default via fe80::1 dev net2");
	assert_int_equal(wr_addresses_gateway(WR_IPV6, &gateway), 0);
	/* No carrier: nobody is there. */
	namespace_run("ip link set far2 down");
	assert_list(NULL, "10.1.0.5* 172.17.0.1 ");
}

static void test_addresses_tells_what_the_internet_routes(void **state)
{
	static const struct {
		const char *ip;
		bool is_global;
	} rows[] = {
		{ "8.8.8.8", true },      { "10.0.0.1", false },        { "172.15.255.255", true },
		{ "172.16.0.0", false },  { "172.31.255.255", false },  { "172.32.0.0", true },
		{ "192.168.0.1", false }, { "192.169.0.1", true },      { "100.63.255.255", true },
		{ "100.64.0.0", false },  { "100.127.255.255", false }, { "100.128.0.0", true },
		{ "169.254.1.1", false }, { "127.0.0.1", false },       { "0.0.0.0", false },
		{ "224.0.0.1", false },   { "198.18.0.1", false },      { "198.20.0.1", true },
		{ "2001:4860::1", true }, { "fe80::1", false },         { "fd00::1", false },
		{ "::1", false },         { "ff02::1", false },         { "3fff::1", true },
	};

	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(rows); i++) {
		struct wr_ip ip;

		assert_true(wr_ip_parse(rows[i].ip, strlen(rows[i].ip), &ip));
		if (wr_address_is_global(&ip) != rows[i].is_global)
			print_error("%s\n", rows[i].ip);
		assert_int_equal(wr_address_is_global(&ip), rows[i].is_global);
	}
}

static bool has_changed(int fd, const char *skip)
{
	return wr_addresses_changed(fd, skip ? if_nametoindex(skip) : 0);
}

static void test_addresses_watch_sees_what_matters(void **state)
{
	int fd;

	(void)state;
	namespace_enter();
	namespace_run(
		"ip link add net1 type veth peer name far1 && ip link set net1 up && ip link set far1 up && "
		"ip tuntap add tun1 mode tun && ip link set tun1 up && sleep 0.2");
	assert_int_equal(wr_addresses_watch(&fd), 0);
	assert_false(has_changed(fd, NULL));
	namespace_run("ip addr add 10.1.0.5/24 dev net1");
	assert_true(has_changed(fd, NULL));
	assert_false(has_changed(fd, NULL));
	namespace_run("ip route add 10.77.0.0/16 via 10.1.0.1");
	assert_false(has_changed(fd, NULL));
	namespace_run("ip route add default via 10.1.0.1");
	assert_true(has_changed(fd, NULL));
	namespace_run("ip addr add 10.9.0.1/32 dev tun1");
	assert_false(has_changed(fd, "tun1"));
	namespace_run("ip link set far1 down");
	assert_true(has_changed(fd, "tun1"));
	/* More than the socket holds: what was lost may have mattered. */
	namespace_run(
		"for i in $(seq 1 3000); do echo addr add 10.$((i / 200 + 10)).$((i %% 200)).1/32 dev tun1; "
		"done | ip -batch - 2>&1");
	assert_true(has_changed(fd, "tun1"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_those_where_others_reach_us),
		cmocka_unit_test(test_addresses_tells_what_the_internet_routes),
		cmocka_unit_test(test_addresses_watch_sees_what_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
