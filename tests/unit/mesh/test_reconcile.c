/* The reconciler with a real interface, in a namespace that looks like somebody's host: whatever
 * is deleted by hand comes back, and at the end the host is as it was, byte for byte. */
#include "mesh/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "linux/files.h"
#include "linux/namespace.h"
#include "networks.h"

#define LINK "wr0"
#define MTU 1380

static uv_loop_t loop;
static enum wr_backend_kind kind = WR_BACKEND_ENGINE;
static unsigned patience = 1000; /* milliseconds until something is back */
static char folder[] = "/tmp/warren-reconcile-XXXXXX";
static char hosts[100], before[100], after[100];

/* --- The member. --- */

struct member {
	struct wr_backend *backend;
	struct wr_reconciler *reconciler;
	struct wr_netmap *map;
	unsigned gone, drifted;
	char drift[200]; /* the last */
};

static struct member member;

static void on_gone(void *context)
{
	(void)context;
	member.gone++;
}

static void on_drift(void *context, const char *what)
{
	(void)context;
	member.drifted++;
	snprintf(member.drift, sizeof(member.drift), "%s", what);
}

static void open_backend(void)
{
	const struct wr_backend_config config = {
		.name = LINK,
		.kind = kind,
		.private_key.bytes = { 8, [31] = 0x40 },
		.mtu = MTU,
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.gone = on_gone,
	};
	char why[200] = "";

	if (wr_backend_open(&loop, &config, &member.backend, why) < 0)
		fail_msg("%s", why);
}

static struct wr_reconciler_config usual(void)
{
	return (struct wr_reconciler_config){
		.backend = member.backend,
		.interface = LINK,
		.accepts_routes = true,
		.names = WR_NAMES_HOSTS,
		.hosts_file = hosts,
		.keepalive = 8,
		.mtu = MTU,
		.drifted = on_drift,
	};
}

static void begin(const struct wr_reconciler_config *config)
{
	assert_int_equal(wr_reconciler_new(&loop, config, &member.reconciler), 0);
	wr_reconciler_set_map(member.reconciler, member.map);
}

static void begin_as_usual(void)
{
	struct wr_reconciler_config config = usual();

	begin(&config);
}

/* As a server changes it. */
static void change_map(struct wr_netmap *map)
{
	struct wr_netmap *old = member.map;

	member.map = map;
	wr_reconciler_set_map(member.reconciler, map);
	wr_netmap_free(old);
}

static struct wr_reconciler_sight sight(void)
{
	struct wr_reconciler_sight now;

	wr_reconciler_look(member.reconciler, &now);
	return now;
}

/* Five machines: two with a tunnel of their own, one with something behind it; three by the hub,
 * one of these with something behind it. */
static struct wr_netmap *small_network(void)
{
	struct wr_netmap *map = networks_empty();

	networks_add(map, 2, WR_WAY_DIRECT);
	networks_add_route(networks_add(map, 3, WR_WAY_RELAY), "172.16.3.0/24");
	networks_add(map, 4, WR_WAY_HUB);
	networks_add_route(networks_add(map, 5, WR_WAY_HUB), "172.16.5.0/24");
	networks_add(map, 6, WR_WAY_HUB);
	return map;
}

/* --- The host. --- */

static int shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void take_snapshot(const char *name)
{
	namespace_run("{ ip -j addr; ip -j -4 route show table all; ip -j -6 route show table all;"
		      " ip -4 rule; ip -6 rule; nft list ruleset;"
		      " sysctl -a 2>/dev/null | grep '^net[.]ipv[46][.]\\(conf\\|ip_forward\\)';"
		      " cat %s; stat -c '%%a %%u %%g' %s; } >%s",
		      hosts, hosts, name);
}

static int make_host(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(hosts, sizeof(hosts), "%s/hosts", folder);
	snprintf(before, sizeof(before), "%s/before", folder);
	snprintf(after, sizeof(after), "%s/after", folder);
	namespace_run("printf '127.0.0.1 localhost' >%s", hosts);
	namespace_run("ip link add lan0 type veth peer name lan1");
	namespace_run("ip link set lan0 addrgenmode none; ip link set lan1 addrgenmode none");
	namespace_run("ip link set lan0 up; ip link set lan1 up");
	namespace_run(
		"ip addr add 192.168.5.1/24 dev lan0; ip addr add fd00:5::1/64 dev lan0 nodad");
	namespace_run("ip route add default via 192.168.5.254");
	namespace_run("ip route add 172.20.0.0/16 via 192.168.5.253");
	return 0;
}

static int remove_host(void **state)
{
	(void)state;
	namespace_run("rm -rf %s", folder);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	memset(&member, 0, sizeof(member));
	take_snapshot(before);
	open_backend();
	member.map = small_network();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	member.reconciler = wr_reconciler_free(member.reconciler);
	member.backend = wr_backend_free(member.backend);
	member.map = wr_netmap_free(member.map);
	take_snapshot(after);
	namespace_run("diff -u %s %s", before, after);
	return 0;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

/* Turns the loop for that long. */
static void turn_for(unsigned ms)
{
	struct wr_instant end = wr_after(wr_clock_now(), WR_SPAN_MS(ms));
	uv_timer_t timer;

	assert_int_equal(uv_timer_init(&loop, &timer), 0);
	assert_int_equal(uv_timer_start(&timer, on_tick, 1, 1), 0);
	while (!wr_is_past(end, wr_clock_now()))
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

/* Turns the loop until the shell says yes; how many milliseconds that took. */
static unsigned await_shell(const char *command)
{
	struct wr_instant start = wr_clock_now();

	for (;;) {
		uint64_t ms = (wr_clock_now().ns - start.ns) / 1000000;

		if (shell(command) == 0)
			return (unsigned)ms;
		if (ms > 10000)
			fail_msg("not within 10 s: %s", command);
		turn_for(10);
	}
}

/* --- What is made. --- */

struct peers {
	size_t count;
	size_t hub_allowed, hub_keepalive, others_keepalive;
};

static void see_peer(void *context, const struct wr_backend_sight *peer)
{
	struct peers *peers = context;

	peers->count++;
	if (wr_key_equal(&peer->public_key, &member.map->hub_key)) {
		peers->hub_allowed = peer->allowed_count;
		peers->hub_keepalive = peer->keepalive;
	} else {
		peers->others_keepalive += peer->keepalive;
	}
}

static struct peers see_peers(void)
{
	struct peers peers = { 0 };

	assert_int_equal(wr_backend_look(member.backend, see_peer, &peers), 0);
	return peers;
}

static void assert_all_there(void)
{
	assert_int_equal(shell("ip link show " LINK " | grep 'mtu 1380' | grep -q UP"), 0);
	assert_int_equal(shell("ip -4 addr show dev " LINK " | grep -q 'inet 10.77.0.2/32 '"), 0);
	assert_int_equal(shell("ip -6 addr show dev " LINK " | grep -q 'inet6 fd77::2/128 '"), 0);
	assert_int_equal(shell("test $(ip -6 addr show dev " LINK " | grep -c inet6) = 1"), 0);
	assert_int_equal(
		shell("ip route show dev " LINK " | grep -q '^10.77.0.0/16 .*src 10.77.0.2'"), 0);
	assert_int_equal(
		shell("ip -6 route show dev " LINK " | grep -q '^fd77::/64 .*src fd77::2'"), 0);
	assert_int_equal(shell("ip route show dev " LINK " | grep -q '^172.16.3.0/24 '"), 0);
	assert_int_equal(shell("ip route show dev " LINK " | grep -q '^172.16.5.0/24 '"), 0);
	assert_int_equal(shell("test $(ip route show dev " LINK " | wc -l) = 3"), 0);
}

static void test_reconcile_makes_the_host_equal_to_the_map(void **state)
{
	struct peers peers;
	struct wr_ip ip = networks_ip("172.16.5.9");

	(void)state;
	begin_as_usual();
	assert_all_there();
	assert_string_equal(sight().trouble, "");
	assert_int_equal(sight().error, 0);
	assert_int_equal(sight().mended, 0);
	assert_int_equal(member.drifted, 0);
	peers = see_peers();
	/* The hub, and the two with tunnels of their own. */
	assert_int_equal(peers.count, 3);
	/* Both ranges, and what is behind number 5. */
	assert_int_equal(peers.hub_allowed, 3);
	assert_int_equal(peers.hub_keepalive, 8);
	assert_int_equal(peers.others_keepalive, 0);
	namespace_run("grep -q '^10.77.0.3.host-2.acme.warren$' %s", hosts);
	assert_true(wr_reconciler_carries(member.reconciler, &ip));
	ip = networks_ip("192.168.5.9");
	assert_false(wr_reconciler_carries(member.reconciler, &ip));
}

static void test_reconcile_of_a_network_without_a_hub(void **state)
{
	struct wr_netmap *map = networks_empty();
	struct wr_reconciler_config config = usual();

	(void)state;
	networks_forget_hub(map);
	networks_add(map, 2, WR_WAY_DIRECT);
	networks_add_route(networks_add(map, 3, WR_WAY_DIRECT), "172.16.3.0/24");
	config.keepalive = 0;
	config.preshared_key.bytes[5] = 7;
	member.map = wr_netmap_free(member.map);
	member.map = map;
	begin(&config);
	assert_string_equal(sight().trouble, "");
	assert_int_equal(see_peers().count, 2);
	assert_int_equal(see_peers().others_keepalive, 0);
	namespace_run("ip route show dev " LINK " | grep -q '^172.16.3.0/24 '");
	namespace_run("grep -q '^10.77.0.3.host-2.acme.warren$' %s", hosts);
	namespace_run("! grep -q hub %s", hosts);
	/* And it stays so. */
	turn_for(200);
	wr_reconciler_run(member.reconciler);
	assert_int_equal(sight().mended, 0);
}

static void test_reconcile_touches_nothing_that_is_right(void **state)
{
	uint64_t operations;

	(void)state;
	begin_as_usual();
	/* News of what it did itself. */
	turn_for(200);
	operations = sight().operations;
	assert_true(operations > 0);
	wr_reconciler_run(member.reconciler);
	assert_int_equal(sight().operations, operations);
	/* Another map that says the same. */
	change_map(small_network());
	assert_int_equal(sight().operations, operations);
	/* One more peer is one operation. */
	struct wr_netmap *map = small_network();

	networks_add(map, 7, WR_WAY_DIRECT);
	change_map(map);
	/* And a line in the hosts file. */
	assert_int_equal(sight().operations, operations + 2);
	assert_int_equal(see_peers().count, 4);
	assert_int_equal(member.drifted, 0);
}

static void test_reconcile_follows_the_map(void **state)
{
	struct wr_netmap *map = networks_empty();

	(void)state;
	begin_as_usual();
	map->v4 = networks_ip("10.77.9.9");
	map->v6 = (struct wr_ip){ 0 };
	networks_add(map, 6, WR_WAY_DIRECT);
	change_map(map);
	assert_string_equal(sight().trouble, "");
	assert_int_equal(shell("test \"$(ip -j -4 addr show dev " LINK
			       " | grep -o '\"local\":\"[^\"]*\"')\" = '\"local\":\"10.77.9.9\"'"),
			 0);
	assert_int_equal(shell("test -z \"$(ip -6 addr show dev " LINK ")\""), 0);
	assert_int_equal(shell("test -z \"$(ip -6 route show dev " LINK ")\""), 0);
	assert_int_equal(shell("test \"$(ip route show dev " LINK
			       " | cut -d ' ' -f 1)\" = 10.77.0.0/16"),
			 0);
	assert_int_equal(shell("ip route show dev " LINK " | grep -q 'src 10.77.9.9'"), 0);
	assert_int_equal(see_peers().count, 2);
	turn_for(200);
	assert_int_equal(member.drifted, 0);
	/* Without a hub. */
	map = networks_empty();
	map->hub_key = (struct wr_key){ 0 };
	change_map(map);
	assert_int_equal(see_peers().count, 0);
}

/* --- Drift. --- */

static void test_reconcile_mends_what_was_deleted_by_hand(void **state)
{
	static const struct {
		const char *damage, *check, *told;
	} cases[] = {
		{ "ip -4 addr del 10.77.0.2/32 dev " LINK,
		  "ip route show dev " LINK " | grep -q '^10.77.0.0/16 .*src 10.77.0.2'", "" },
		{ "ip -6 addr flush dev " LINK,
		  "ip -6 addr show dev " LINK " | grep -q fd77::2/128", "" },
		{ "ip route del 10.77.0.0/16 dev " LINK,
		  "ip route show dev " LINK " | grep -q ^10.77.0.0/16", "route 10.77.0.0/16" },
		{ "ip -6 route del fd77::/64 dev " LINK,
		  "ip -6 route show dev " LINK " | grep -q ^fd77::/64", "route fd77::/64" },
		{ "ip route flush dev " LINK, "ip route show dev " LINK " | grep -q ^172.16.5.0/24",
		  "route " },
		{ "ip link set " LINK " down", "ip link show " LINK " | grep -q UP", "" },
		{ "ip link set " LINK " mtu 1300", "ip link show " LINK " | grep -q 'mtu 1380'",
		  "MTU was 1300" },
		{ "ip addr add 10.1.2.3/24 dev " LINK,
		  "! ip addr show dev " LINK " | grep -q 10.1.2.3", "address 10.1.2.3 was there" },
		{ "ip route change 10.77.0.0/16 dev " LINK " proto 87 src 192.168.5.1 scope link",
		  "ip route show dev " LINK " | grep -q '^10.77.0.0/16 .*src 10.77.0.2'",
		  "route " },
	};

	(void)state;
	begin_as_usual();
	turn_for(200);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t mended = sight().mended;
		unsigned ms;

		member.drift[0] = '\0';
		namespace_run("%s", cases[i].damage);
		ms = await_shell(cases[i].check);
		turn_for(200);
		if (ms >= patience || sight().mended == mended ||
		    !strstr(member.drift, cases[i].told))
			fail_msg("%s: %u ms, \"%s\"", cases[i].damage, ms, member.drift);
		assert_string_equal(sight().trouble, "");
	}
	assert_all_there();
	namespace_run("sed -i /host-2/d %s", hosts);
	wr_reconciler_run(member.reconciler);
	namespace_run("grep -q host-2 %s", hosts);
}

/* A route of somebody else's through our interface is none of ours. */
static void test_reconcile_leaves_strange_routes_alone(void **state)
{
	(void)state;
	begin_as_usual();
	namespace_run("ip route add 198.18.0.0/15 dev " LINK);
	turn_for(200);
	namespace_run("ip route show dev " LINK " | grep -q ^198.18.0.0/15");
	assert_int_equal(member.drifted, 0);
}

static void test_reconcile_mends_peers(void **state)
{
	const struct wr_prefix allowed[] = { networks_prefix("10.9.9.9/32") };
	const struct wr_backend_peer stranger = { .public_key.bytes = { 9, [31] = 0x40 },
						  .allowed = allowed,
						  .allowed_count = 1 };
	struct wr_backend_peer other = { .public_key = member.map->peers[0]->public_key,
					 .allowed = allowed,
					 .allowed_count = 1 };
	struct peers peers;

	(void)state;
	begin_as_usual();
	assert_int_equal(wr_backend_remove_peer(member.backend, &member.map->hub_key), 0);
	assert_int_equal(wr_backend_set_peer(member.backend, &stranger), 0);
	assert_int_equal(wr_backend_set_peer(member.backend, &other), 0);
	wr_reconciler_run(member.reconciler);
	assert_int_equal(sight().mended, 3);
	assert_string_equal(sight().trouble, "");
	peers = see_peers();
	assert_int_equal(peers.count, 3);
	assert_int_equal(peers.hub_keepalive, 8);
	wr_reconciler_run(member.reconciler);
	assert_int_equal(sight().mended, 3);
}

static void test_reconcile_begins_anew_with_another_interface(void **state)
{
	(void)state;
	begin_as_usual();
	namespace_run("ip link del " LINK);
	while (!member.gone)
		uv_run(&loop, UV_RUN_ONCE);
	wr_reconciler_set_backend(member.reconciler, NULL);
	turn_for(100);
	member.backend = wr_backend_free(member.backend);
	open_backend();
	wr_reconciler_set_backend(member.reconciler, member.backend);
	assert_all_there();
	assert_int_equal(see_peers().count, 3);
	assert_string_equal(sight().trouble, "");
}

/* --- Routes that are not taken. --- */

static void test_reconcile_does_not_take_routes_away_from_the_host(void **state)
{
	static const struct {
		const char *route, *told;
	} cases[] = {
		{ "0.0.0.0/1", "the default route" },
		{ "128.0.0.0/1", "the default route" },
		{ "2000::/3", "the default route" },
		{ "192.168.5.0/24", "connected to it (192.168.5.1/24 on lan0)" },
		{ "192.168.5.128/25", "connected to it" },
		{ "192.168.0.0/16", "connected to it" },
		{ "fd00:5::/48", "connected to it" },
		{ "127.0.0.0/24", "each host's own" },
		{ "224.1.0.0/16", "each host's own" },
		{ "fe80::/64", "each host's own" },
		{ "203.0.113.0/24", "203.0.113.1 is reached outside" },
		{ "198.51.100.0/24", "198.51.100.5 is reached outside" },
		{ "172.20.0.0/16", "has another one to there" },
	};
	const struct wr_ip server = networks_ip("198.51.100.5");

	(void)state;
	begin_as_usual();
	wr_reconciler_set_outside(member.reconciler, &server, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wr_netmap *map = small_network();

		networks_add_route(map->peers[0], cases[i].route);
		change_map(map);
		if (!strstr(sight().trouble, cases[i].told) ||
		    !strstr(sight().trouble, cases[i].route))
			fail_msg("%s: %s", cases[i].route, sight().trouble);
		assert_int_not_equal(sight().error, 0);
		/* All else is as it should be. */
		assert_all_there();
		assert_int_equal(shell("ip route show 172.20.0.0/16 | grep -q lan0"), 0);
		assert_int_equal(shell("ip route show default | grep -q lan0"), 0);
	}
	change_map(small_network());
	assert_string_equal(sight().trouble, "");
}

/* Two networks with one range: the second one has the names and the way of the other family only.
 */
static void test_reconcile_of_a_second_network_with_the_same_range(void **state)
{
	(void)state;
	namespace_run("ip route add 10.77.0.0/16 dev lan1");
	begin_as_usual();
	assert_non_null(strstr(sight().trouble, "10.77.0.0/16 is not set"));
	namespace_run("grep -q '^fd77::3.host-2' %s", hosts);
	namespace_run("! grep -q '^10.77.' %s", hosts);
	assert_int_equal(shell("ip route show 10.77.0.0/16 | grep -q lan1"), 0);
	namespace_run("ip route del 10.77.0.0/16 dev lan1");
	await_shell("ip route show 10.77.0.0/16 | grep -q " LINK);
	turn_for(100);
	assert_string_equal(sight().trouble, "");
	namespace_run("grep -q '^10.77.0.3.host-2' %s", hosts);
}

/* What the host is connected to later wins too. */
static void test_reconcile_gives_a_route_up_when_the_host_needs_it(void **state)
{
	(void)state;
	begin_as_usual();
	turn_for(200);
	namespace_run("ip addr add 172.16.3.7/24 dev lan1");
	await_shell("! ip route show dev " LINK " | grep -q ^172.16.3.0/24");
	turn_for(200);
	assert_non_null(strstr(sight().trouble, "172.16.3.0/24"));
	namespace_run("ip addr del 172.16.3.7/24 dev lan1");
	await_shell("ip route show dev " LINK " | grep -q ^172.16.3.0/24");
}

static void test_reconcile_takes_no_routes_unless_it_may(void **state)
{
	struct wr_reconciler_config config = usual();

	(void)state;
	config.accepts_routes = false;
	begin(&config);
	assert_int_equal(shell("test $(ip route show dev " LINK " | wc -l) = 1"), 0);
	assert_int_equal(see_peers().hub_allowed, 2);
	assert_string_equal(sight().trouble, "");
}

/* --- Forwarding. --- */

static struct wr_netmap *router_network(void)
{
	struct wr_netmap *map = small_network();

	map->route_count = 1;
	map->routes = calloc(1, sizeof(*map->routes));
	map->routes[0] = networks_prefix("192.168.5.0/24");
	return map;
}

#define FORWARDS(link, value) "test $(cat /proc/sys/net/ipv4/conf/" link "/forwarding) = " value

static void test_reconcile_turns_no_forwarding_on_unasked(void **state)
{
	(void)state;
	member.map = wr_netmap_free(member.map);
	member.map = router_network();
	begin_as_usual();
	assert_int_equal(shell(FORWARDS("lan0", "0")), 0);
	assert_int_equal(shell(FORWARDS(LINK, "0")), 0);
	assert_non_null(strstr(sight().trouble, "forwarding of " LINK " is off"));
}

static void test_reconcile_forwards_where_it_may(void **state)
{
	struct wr_reconciler_config config = usual();

	(void)state;
	member.map = wr_netmap_free(member.map);
	member.map = router_network();
	config.may_forward = config.masquerade = true;
	begin(&config);
	assert_string_equal(sight().trouble, "");
	assert_int_equal(shell(FORWARDS("lan0", "1")), 0);
	assert_int_equal(shell(FORWARDS(LINK, "1")), 0);
	assert_int_equal(shell(FORWARDS("lan1", "0")), 0);
	assert_int_equal(shell("test $(cat /proc/sys/net/ipv4/ip_forward) = 0"), 0);
	await_shell("nft list table inet warren-nat-" LINK " 2>/dev/null |"
		    " grep -q 'ip saddr 10.77.0.0/16 ip daddr 192.168.5.0/24 masquerade'");
	turn_for(100);
	assert_int_equal(member.drifted, 0);
	/* Deleted by hand. */
	namespace_run("nft delete table inet warren-nat-" LINK);
	wr_reconciler_run(member.reconciler);
	await_shell("nft list table inet warren-nat-" LINK " >/dev/null 2>&1");
	turn_for(100);
	namespace_run("nft flush table inet warren-nat-" LINK);
	wr_reconciler_run(member.reconciler);
	await_shell("nft list table inet warren-nat-" LINK " | grep -q masquerade");
	namespace_run("echo 0 >/proc/sys/net/ipv4/conf/lan0/forwarding");
	wr_reconciler_run(member.reconciler);
	assert_int_equal(shell(FORWARDS("lan0", "1")), 0);
	assert_int_equal(member.drifted, 3);
	/* No router any more. */
	turn_for(100);
	change_map(small_network());
	assert_int_equal(shell(FORWARDS("lan0", "0")), 0);
	await_shell("! nft list table inet warren-nat-" LINK " >/dev/null 2>&1");
	/* And one at the end. */
	change_map(router_network());
	await_shell("nft list table inet warren-nat-" LINK " >/dev/null 2>&1");
}

/* Two routers of one network: who stands by has the other one in its map, and no use for it. */
static void test_reconcile_of_a_router_that_stands_by(void **state)
{
	struct wr_reconciler_config config = usual();

	(void)state;
	member.map = wr_netmap_free(member.map);
	member.map = router_network();
	networks_add_route(member.map->peers[0], "192.168.5.0/24");
	config.may_forward = true;
	begin(&config);
	assert_string_equal(sight().trouble, "");
	assert_all_there();
}

/* --- Many. --- */

static void test_reconcile_of_a_thousand_peers(void **state)
{
	struct wr_netmap *map = networks_empty();
	struct wr_instant start;
	uint64_t operations;

	(void)state;
	begin_as_usual();
	for (unsigned i = 0; i < 1000; i++)
		networks_add(map, 2 + i, WR_WAY_DIRECT);
	start = wr_clock_now();
	change_map(map);
	print_message("1,000 peers in %.1f ms\n", (double)(wr_clock_now().ns - start.ns) / 1000000);
	assert_int_equal(see_peers().count, 1001);
	assert_string_equal(sight().trouble, "");
	operations = sight().operations;
	start = wr_clock_now();
	wr_reconciler_run(member.reconciler);
	print_message("looked at in %.1f ms\n", (double)(wr_clock_now().ns - start.ns) / 1000000);
	assert_int_equal(sight().operations, operations);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reconcile_makes_the_host_equal_to_the_map),
		TEST(test_reconcile_of_a_network_without_a_hub),
		TEST(test_reconcile_touches_nothing_that_is_right),
		TEST(test_reconcile_follows_the_map),
		TEST(test_reconcile_mends_what_was_deleted_by_hand),
		TEST(test_reconcile_leaves_strange_routes_alone),
		TEST(test_reconcile_mends_peers),
		TEST(test_reconcile_begins_anew_with_another_interface),
		TEST(test_reconcile_does_not_take_routes_away_from_the_host),
		TEST(test_reconcile_of_a_second_network_with_the_same_range),
		TEST(test_reconcile_gives_a_route_up_when_the_host_needs_it),
		TEST(test_reconcile_takes_no_routes_unless_it_may),
		TEST(test_reconcile_turns_no_forwarding_on_unasked),
		TEST(test_reconcile_forwards_where_it_may),
		TEST(test_reconcile_of_a_router_that_stands_by),
		TEST(test_reconcile_of_a_thousand_peers),
	};
	const char *wanted = getenv("WARREN_TEST_BACKEND");
	int status;

	/* The kernel's is in the guest only: tests/e2e/test_reconcile_kernel.py. */
	if (wanted && strcmp(wanted, "kernel") == 0) {
		kind = WR_BACKEND_KERNEL;
		patience =
			5000; /* an emulated machine; the regular look alone would take as long */
	}
	if (getenv("WARREN_TEST_ONLY"))
		cmocka_set_test_filter(getenv("WARREN_TEST_ONLY"));
	namespace_enter();
	assert(wr_crypto_start() == 0);
	assert(uv_loop_init(&loop) == 0);
	status = cmocka_run_group_tests_name("reconcile", tests, make_host, remove_host);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert(uv_loop_close(&loop) == 0);
	return status;
}
