/* Addresses and routes of an interface, one by one. */
#include "linux/network.h"

#include <errno.h>
#include <net/if.h>

#include "namespace.h"

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static struct wr_network_route route_of(const char *to, const char *source)
{
	struct wr_network_route route = { .source = ip_of(source) };

	assert_true(wr_prefix_parse(to, strlen(to), &route.to));
	return route;
}

static int set_up(void **state)
{
	(void)state;
	namespace_enter();
	namespace_run("ip link add one type veth peer name two");
	namespace_run("ip link set one addrgenmode none; ip link set two addrgenmode none");
	namespace_run("ip link set one up; ip link set two up");
	namespace_run("ip addr add 192.0.2.1/24 dev two");
	return 0;
}

static struct wr_network_changes *changes_of(const char *link)
{
	struct wr_network_changes *changes = NULL;

	assert_int_equal(wr_network_open(if_nametoindex(link), &changes), 0);
	return changes;
}

static void test_network_sees_what_it_made(void **state)
{
	struct wr_network_changes *changes = changes_of("one");
	struct wr_ip v4 = ip_of("10.9.0.1"), v6 = ip_of("fd09::1");
	struct wr_network_route route4 = route_of("10.9.0.0/16", "10.9.0.1");
	struct wr_network_route route6 = route_of("fd09::/64", "fd09::1");
	struct wr_network network;

	(void)state;
	assert_int_equal(wr_network_add_address(changes, &v4), 0);
	assert_int_equal(wr_network_add_address(changes, &v6), 0);
	assert_int_equal(wr_network_add_route(changes, &route4), 0);
	assert_int_equal(wr_network_add_route(changes, &route6), 0);
	assert_int_equal(wr_network_look(if_nametoindex("one"), &network), 0);
	/* lo's two, the other end's, and ours. */
	assert_int_equal(network.address_count, 5);
	assert_int_equal(network.route_count, 2);
	for (size_t i = 0; i < network.route_count; i++) {
		const struct wr_network_route *route = &network.routes[i];
		const struct wr_network_route *like = route->to.ip.family == WR_IPV4 ? &route4
										     : &route6;

		assert_int_equal(route->to.length, like->to.length);
		assert_true(wr_ip_equal(&route->to.ip, &like->to.ip));
		assert_true(wr_ip_equal(&route->source, &like->source));
	}
	wr_network_done(&network);
	/* What is of others is not ours: neither another interface's routes nor another program's.
	 */
	namespace_run(
		"ip route add 10.8.0.0/16 dev one; ip route add 10.7.0.0/16 dev two proto 87");
	assert_int_equal(wr_network_look(if_nametoindex("one"), &network), 0);
	assert_int_equal(network.route_count, 2);
	wr_network_done(&network);
	assert_int_equal(wr_network_remove_route(changes, &route4.to), 0);
	assert_int_equal(wr_network_remove_route(changes, &route6.to), 0);
	assert_int_equal(wr_network_remove_address(changes, &v4, 32), 0);
	assert_int_equal(wr_network_remove_address(changes, &v6, 128), 0);
	assert_int_equal(wr_network_look(if_nametoindex("one"), &network), 0);
	assert_int_equal(network.route_count, 0);
	assert_int_equal(network.address_count, 3);
	wr_network_done(&network);
	changes = wr_network_close(changes);
}

static void test_network_takes_nobodys_place(void **state)
{
	struct wr_network_changes *changes = changes_of("one");
	struct wr_network_route all = { .to.ip.family = WR_IPV4 };
	struct wr_network_route theirs = { 0 };

	(void)state;
	assert_true(wr_prefix_parse("10.8.0.0/16", 11, &theirs.to));
	namespace_run("ip route add 10.8.0.0/16 dev two");
	assert_int_equal(wr_network_add_route(changes, &theirs), -EEXIST);
	assert_int_not_equal(wr_network_remove_route(changes, &theirs.to), 0);
	namespace_run("ip route show 10.8.0.0/16 | grep -q 'dev two'");
	assert_int_equal(wr_network_add_route(changes, &all), -EINVAL);
	assert_int_equal(wr_network_remove_route(changes, &all.to), -EINVAL);
	changes = wr_network_close(changes);
}

static void test_network_sees_many_routes(void **state)
{
	struct wr_network_changes *changes = changes_of("one");
	struct wr_network_route route = { .to = { .ip.family = WR_IPV4, .length = 32 } };
	struct wr_network network;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		route.to.ip.bytes[0] = 10;
		route.to.ip.bytes[2] = (uint8_t)(i >> 8);
		route.to.ip.bytes[3] = (uint8_t)i;
		assert_int_equal(wr_network_add_route(changes, &route), 0);
	}
	assert_int_equal(wr_network_look(if_nametoindex("one"), &network), 0);
	assert_int_equal(network.route_count, 3000);
	wr_network_done(&network);
	changes = wr_network_close(changes);
}

static void test_network_finds_the_way(void **state)
{
	struct wr_ip near = ip_of("192.0.2.9"), far = ip_of("203.0.113.1");
	uint32_t link = 0;

	(void)state;
	assert_int_equal(wr_network_way(&near, &link), 0);
	assert_int_equal(link, if_nametoindex("two"));
	assert_int_equal(wr_network_way(&far, &link), -ENETUNREACH);
}

struct seen {
	unsigned count;
	bool has_wide, has_own;
};

static void see_route(void *context, const struct wr_prefix *to, uint32_t link)
{
	struct seen *seen = context;
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(to, text);
	seen->count++;
	seen->has_wide |= strcmp(text, "10.64.0.0/10") == 0 && link == if_nametoindex("two");
	seen->has_own |= strcmp(text, "192.0.2.0/24") == 0;
}

static void test_network_tells_all_routes_but_defaults(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	namespace_run("ip route add 10.64.0.0/10 via 192.0.2.7");
	namespace_run("ip route add default via 192.0.2.7; ip route add blackhole 10.1.0.0/16");
	assert_int_equal(wr_network_routes(WR_IPV4, see_route, &seen), 0);
	assert_true(seen.has_wide && seen.has_own);
	assert_int_equal(seen.count, 2);
	seen.count = 0;
	assert_int_equal(wr_network_routes(WR_IPV6, see_route, &seen), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_network_sees_what_it_made, set_up),
		cmocka_unit_test_setup(test_network_takes_nobodys_place, set_up),
		cmocka_unit_test_setup(test_network_sees_many_routes, set_up),
		cmocka_unit_test_setup(test_network_tells_all_routes_but_defaults, set_up),
		cmocka_unit_test_setup(test_network_finds_the_way, set_up),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
