/* The filter of a member, by the engine's guard and by the kernel's nftables: the same cases for
 * both; for the kernel with real packets, forwarded between two TUN devices. */
#include "mesh/enforce.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../linux/namespace.h"
#include "../policy/packets.h"
#include "enforcing.h"
#include "linux/nft.h"
#include "mesh/enforce_hosts.h"
#include "mesh/enforce_table.h"
#include "networks.h"

#define INTERFACE "wr-test0"
#define PULSES 51819

static const char *const addresses[PARTIES][2] = {
	[SELF] = { "10.77.0.2", "fd77::2" },   [BEHIND_US] = { "192.168.5.9", "fd80:0:0:5::9" },
	[WEB] = { "10.77.0.3", "fd77::3" },    [DB] = { "10.77.0.4", "fd77::4" },
	[ROUTER] = { "10.77.0.5", "fd77::5" }, [BEHIND_ROUTER] = { "192.168.9.9", "fd80:0:0:9::9" },
	[HUB] = { "10.77.0.1", "fd77::1" },    [STRANGER] = { "10.77.9.9", "fd77::9:9" },
};

static struct wr_ip ip_of(enum who who, bool is_v6)
{
	return networks_ip(addresses[who][is_v6]);
}

/* --- The map. --- */

static void add_mark(struct wr_netmap_peer *peer, uint32_t mark)
{
	peer->marks = realloc(peer->marks, (peer->mark_count + 1) * sizeof(*peer->marks));
	assert_non_null(peer->marks);
	peer->marks[peer->mark_count++] = mark;
}

static void set_addresses(struct wr_netmap_peer *peer, enum who who)
{
	peer->v4 = ip_of(who, false);
	peer->v6 = ip_of(who, true);
}

static struct wr_netmap *map_with(const char *policy)
{
	static const enum who whos[] = { WEB, DB, ROUTER };
	struct wr_netmap *map = networks_empty();

	map->v4 = ip_of(SELF, false);
	map->v6 = ip_of(SELF, true);
	map->hub_v4 = ip_of(HUB, false);
	map->hub_v6 = ip_of(HUB, true);
	map->routes = calloc(2, sizeof(*map->routes));
	assert_non_null(map->routes);
	map->routes[map->route_count++] = networks_prefix("192.168.5.0/24");
	map->routes[map->route_count++] = networks_prefix("fd80:0:0:5::/64");
	for (unsigned i = 0; i < WR_ARRAY_LEN(whos); i++) {
		struct wr_netmap_peer *peer = networks_add(map, i + 2, WR_WAY_DIRECT);

		set_addresses(peer, whos[i]);
		add_mark(peer, i + 1);
		if (whos[i] == ROUTER) {
			networks_add_route(peer, "192.168.0.0/16");
			networks_add_route(peer, "fd80::/48");
		}
	}
	free(map->policy);
	map->policy = strdup(policy);
	assert_non_null(map->policy);
	return map;
}

/* --- Packets of a step. --- */

static struct packet packet_of(const struct step *step, bool is_v6)
{
	struct wr_ip src = ip_of(step->src, is_v6), dst = ip_of(step->dst, is_v6);
	struct packet about;

	switch (step->act) {
	case TCP: return packet_tcp(src, step->src_port, dst, step->dst_port, step->flags);
	case UDP: return packet_udp(src, step->src_port, dst, step->dst_port);
	case PING:
		return packet_icmp(src, dst, is_v6 ? ICMP6_REQUEST : ICMP4_REQUEST, step->src_port);
	case PONG: return packet_icmp(src, dst, is_v6 ? ICMP6_REPLY : ICMP4_REPLY, step->src_port);
	case OTHER: return packet_other(src, dst, 47);
	case UNREACHABLE:
		about = packet_udp(dst, step->dst_port, src, step->src_port);
		return packet_error(src, dst, is_v6 ? ICMP6_TOO_BIG : ICMP4_UNREACHABLE, &about);
	case END:
	case RULES: break;
	}
	fail_msg("no packet");
	return (struct packet){ .len = 0 };
}

static bool is_leaving(const struct step *step)
{
	return step->src == SELF || step->src == BEHIND_US;
}

/* --- Walking through the cases. --- */

struct world {
	struct wr_guard *guard;
	struct wr_enforce_slots slots;
	int tunnel, lan; /* TUN devices: the interface, and where we are */
};

struct way {
	void (*start)(struct world *world);
	void (*end)(struct world *world);
	void (*rules)(struct world *world, const char *policy);
	bool (*passes)(struct world *world, const struct step *step, struct packet *packet);
};

static void take_step(const struct way *way, struct world *world, const char *name, size_t number,
		      const struct step *step)
{
	if (step->act == RULES) {
		way->rules(world, step->rules);
		return;
	}
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet packet = packet_of(step, is_v6);
		bool passes = way->passes(world, step, &packet);

		if (passes != step->passes)
			fail_msg("%s: step %zu, IPv%d: %s", name, number, is_v6 ? 6 : 4,
				 passes ? "passed" : "was dropped");
	}
}

static void walk(const struct way *way)
{
	for (size_t i = 0; i < enforcing_case_count; i++) {
		const struct enforcing_case *this = &enforcing_cases[i];
		struct world world = { .tunnel = -1, .lan = -1 };

		way->start(&world);
		for (size_t j = 0; j < STEPS_MAX && this->steps[j].act != END; j++)
			take_step(way, &world, this->name, j, &this->steps[j]);
		way->end(&world);
	}
}

/* --- The guard. --- */

static void start_guard(struct world *world)
{
	world->guard = wr_guard_new((const uint8_t[16]){ 5 });
	assert_non_null(world->guard);
}

static void end_guard(struct world *world)
{
	wr_guard_free(world->guard);
	wr_enforce_slots_done(&world->slots);
}

static void guard_rules(struct world *world, const char *policy)
{
	struct wr_netmap *map = map_with(policy);
	struct wr_retire_list retire = { NULL };
	struct wr_enforce_hosts hosts;
	char why[200];

	assert_int_equal(wr_enforce_hosts_init(&hosts, &world->slots, map, why), 0);
	assert_int_equal(wr_enforce_guard(&hosts, world->guard, &retire), 0);
	wr_retire_free_all(&retire);
	wr_enforce_hosts_done(&hosts);
	wr_netmap_free(map);
}

static bool guard_passes(struct world *world, const struct step *step, struct packet *packet)
{
	(void)step;
	return wr_guard_judge(world->guard, packet->bytes, packet->len,
			      (struct wr_instant){ UINT64_C(1000000000000) }) == WR_TAKEN;
}

static void test_guard_enforces_the_cases(void **state)
{
	static const struct way way = { start_guard, end_guard, guard_rules, guard_passes };

	(void)state;
	walk(&way);
}

/* --- The kernel. --- */

static int open_tun(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	assert_true(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	namespace_run("ip link set %s addrgenmode none && ip link set %s up", name, name);
	return fd;
}

static void set_sysctl(const char *name, int value)
{
	namespace_run("echo %d > /proc/sys/net/%s", value, name);
}

/* We are a router, so that packets can be seen on both sides: our own addresses are behind the
 * second device. The packets of these tests have neither checksums nor sequence numbers. */
static void start_kernel(struct world *world)
{
	namespace_enter();
	set_sysctl("ipv4/conf/all/rp_filter", 0);
	set_sysctl("ipv4/conf/default/rp_filter", 0);
	set_sysctl("ipv4/conf/all/send_redirects", 0);
	set_sysctl("ipv4/conf/default/send_redirects", 0);
	set_sysctl("ipv4/ip_forward", 1);
	set_sysctl("ipv6/conf/all/forwarding", 1);
	world->tunnel = open_tun(INTERFACE);
	world->lan = open_tun("lan0");
	namespace_run("ip route add 10.77.0.0/16 dev %s; ip route add 192.168.0.0/16 dev %s; "
		      "ip -6 route add fd77::/64 dev %s; ip -6 route add fd80::/48 dev %s",
		      INTERFACE, INTERFACE, INTERFACE, INTERFACE);
	namespace_run("ip route add 10.77.0.2 dev lan0; ip route add 192.168.5.0/24 dev lan0; "
		      "ip -6 route add fd77::2 dev lan0; "
		      "ip -6 route add fd80:0:0:5::/64 dev lan0");
}

static void end_kernel(struct world *world)
{
	close(world->tunnel);
	close(world->lan);
}

static void kernel_rules(struct world *world, const char *policy)
{
	struct wr_netmap *map = map_with(policy);
	char why[200] = "", *script = wr_enforcer_nft(map, INTERFACE, why);

	(void)world;
	assert_string_equal(why, "");
	assert_non_null(script);
	if (wr_nft_run(script, WR_SPAN_S(10), why) != 0)
		fail_msg("%s\n%s", why, script);
	/* Connection tracking is there now. */
	set_sysctl("netfilter/nf_conntrack_checksum", 0);
	set_sysctl("netfilter/nf_conntrack_tcp_be_liberal", 1);
	free(script);
	wr_netmap_free(map);
}

static bool is_same(const struct packet *packet, const uint8_t *bytes, ssize_t len)
{
	uint32_t header = packet->bytes[0] >> 4 == 4 ? WR_IPV4_HEADER_LEN : WR_IPV6_HEADER_LEN;
	uint32_t at = packet->bytes[0] >> 4 == 4 ? 12 : 8; /* addresses */

	/* All but hops and checksum. */
	return len == (ssize_t)packet->len && bytes[0] == packet->bytes[0] &&
	       memcmp(bytes + at, packet->bytes + at, header - at) == 0 &&
	       memcmp(bytes + header, packet->bytes + header, packet->len - header) == 0;
}

static void send_packet(int fd, struct packet *packet)
{
	if (packet->bytes[0] >> 4 == 4)
		wr_ipv4_checksum_write(packet->bytes, WR_IPV4_HEADER_LEN);
	assert_int_equal(write(fd, packet->bytes, packet->len), packet->len);
}

/* A pulse, which passes: what was sent before it is there by then, or was dropped. */
static bool arrives_before(int fd, const struct packet *packet, const struct packet *pulse)
{
	bool has_come = false;
	uint8_t bytes[2048];

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t len;

		if (poll(&wait, 1, 5000) != 1)
			fail_msg("a pulse was dropped");
		len = read(fd, bytes, sizeof(bytes));
		if (is_same(pulse, bytes, len))
			return has_come;
		has_come |= is_same(packet, bytes, len);
	}
}

static bool kernel_passes(struct world *world, const struct step *step, struct packet *packet)
{
	static uint16_t number;
	bool leaves = is_leaving(step);
	int from = leaves ? world->lan : world->tunnel, to = leaves ? world->tunnel : world->lan;
	bool is_v6 = packet->bytes[0] >> 4 == 6;
	struct wr_ip src = ip_of(leaves ? SELF : ROUTER, is_v6);
	struct wr_ip dst = ip_of(leaves ? ROUTER : SELF, is_v6);
	struct packet pulse = packet_udp(src, (uint16_t)(20000 + number++ % 10000), dst, PULSES);

	send_packet(from, packet);
	send_packet(from, &pulse);
	return arrives_before(to, packet, &pulse);
}

static void test_kernel_enforces_the_cases(void **state)
{
	static const struct way way = { start_kernel, end_kernel, kernel_rules, kernel_passes };

	(void)state;
	walk(&way);
}

/* --- What the host itself translates. --- */

/* Of IPv4; the kernel says things of its own in IPv6. */
static ssize_t read_next(int fd, uint8_t *bytes, size_t size)
{
	ssize_t len;

	do
		len = read(fd, bytes, size);
	while (len > 0 && bytes[0] >> 4 != 4);
	return len;
}

/* Rules are about what is on the wire: of what is behind us and goes out as ours, ours is
 * judged. */
static void test_kernel_judges_what_is_on_the_wire(void **state)
{
	struct world world = { 0 };
	struct packet packet, translated;
	uint8_t bytes[2048];

	(void)state;
	start_kernel(&world);
	kernel_rules(&world, "allow self -> tag:m1 udp 53\n");
	packet = packet_udp(networks_ip("172.16.0.9"), 1000, ip_of(WEB, false), 53);
	translated = packet_udp(ip_of(SELF, false), 1000, ip_of(WEB, false), 53);
	namespace_run("nft 'table ip host { chain c { type nat hook postrouting priority srcnat; "
		      "oifname %s ip saddr 172.16.0.9 snat to 10.77.0.2; }; }'",
		      INTERFACE);
	namespace_run("ip route add 172.16.0.0/24 dev lan0");
	send_packet(world.lan, &packet);
	assert_int_equal(read_next(world.tunnel, bytes, sizeof(bytes)), packet.len);
	assert_true(is_same(&translated, bytes, packet.len));
	/* Its answer, back to whom it was. */
	packet = packet_udp(ip_of(WEB, false), 53, ip_of(SELF, false), 1000);
	translated = packet_udp(ip_of(WEB, false), 53, networks_ip("172.16.0.9"), 1000);
	send_packet(world.tunnel, &packet);
	assert_int_equal(read_next(world.lan, bytes, sizeof(bytes)), packet.len);
	assert_true(is_same(&translated, bytes, packet.len));
	/* Without the rule it is nobody's. */
	namespace_run("nft flush table ip host");
	packet = packet_udp(networks_ip("172.16.0.9"), 1001, ip_of(WEB, false), 53);
	send_packet(world.lan, &packet);
	assert_int_equal(read_next(world.tunnel, bytes, sizeof(bytes)), -1);
	end_kernel(&world);
}

/* --- The table is kept. --- */

/* Threads of the pool stay in the namespace in which the first of these tests began. */
static void enter_once(void)
{
	static bool is_in;

	if (!is_in)
		namespace_enter();
	is_in = true;
}

static char *script_with(const char *policy)
{
	struct wr_netmap *map = map_with(policy);
	char why[200], *script = wr_enforcer_nft(map, INTERFACE, why);

	assert_non_null(script);
	wr_netmap_free(map);
	return script;
}

static void run_until_settled(uv_loop_t *loop, const struct wr_table *table)
{
	char trouble[200];

	while (wr_table_look(table, trouble) == -EINPROGRESS)
		uv_run(loop, UV_RUN_ONCE);
	assert_string_equal(trouble, "");
}

static bool has_rule(const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "nft list table inet warren-%s 2>&1 | grep -q '%s'",
		 INTERFACE, text);
	return system(command) == 0;
}

/* Damages it, and expects that this is noticed and mended. */
static void damage(uv_loop_t *loop, struct wr_table *table, const char *command)
{
	namespace_run("%s", command);
	if (!wr_table_mend(table))
		fail_msg("not noticed: %s", command);
	run_until_settled(loop, table);
	assert_true(has_rule("s1"));
	assert_false(wr_table_mend(table));
}

static void test_table_is_mended_whatever_is_done_to_it(void **state)
{
	static const char *const damages[] = {
		"nft flush ruleset",
		"nft delete table inet warren-" INTERFACE,
		"nft flush table inet warren-" INTERFACE,
		"nft add rule inet warren-" INTERFACE " by_header accept",
		"nft insert rule inet warren-" INTERFACE " arriving accept",
		"nft delete element inet warren-" INTERFACE " others4 { 10.77.0.3-10.77.0.5 }",
		"nft add element inet warren-" INTERFACE " s1 { 10.77.9.9 }",
		"nft add table inet warren-" INTERFACE " '{ flags dormant; }'",
	};
	struct wr_table *table;
	uv_loop_t loop;

	(void)state;
	enter_once();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_table_new(&loop, INTERFACE, &table), 0);
	wr_table_want(table, script_with("allow tag:m1 -> self tcp 22\n"));
	assert_false(has_rule("chain"));
	assert_int_equal(wr_table_begin(table), 0);
	assert_true(has_rule("chain by_original"));
	for (size_t i = 0; i < WR_ARRAY_LEN(damages); i++)
		damage(&loop, table, damages[i]);
	/* Others' rules are no business of ours. */
	namespace_run("nft add table inet other; nft add chain inet other c");
	assert_false(wr_table_mend(table));
	assert_null(wr_table_free(table));
	assert_false(has_rule("chain"));
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Nobody has to ask. */
static void test_table_is_mended_at_once(void **state)
{
	struct wr_table *table;
	uv_loop_t loop;

	(void)state;
	enter_once();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_table_new(&loop, INTERFACE, &table), 0);
	wr_table_want(table, script_with("allow tag:m1 -> self tcp 22\n"));
	assert_int_equal(wr_table_begin(table), 0);
	namespace_run("nft delete table inet warren-%s", INTERFACE);
	while (!has_rule("chain by_original"))
		uv_run(&loop, UV_RUN_ONCE);
	run_until_settled(&loop, table);
	assert_true(wr_table_mend(table));
	assert_false(wr_table_mend(table));
	wr_table_free(table);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_table_lets_nothing_pass_before_the_first_rules(void **state)
{
	struct wr_table *table;
	uv_loop_t loop;

	(void)state;
	enter_once();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_table_new(&loop, INTERFACE, &table), 0);
	assert_int_equal(wr_table_begin(table), 0);
	assert_true(has_rule("drop"));
	assert_false(has_rule("accept$"));
	wr_table_want(table, script_with("default allow\n"));
	run_until_settled(&loop, table);
	assert_true(has_rule("accept$"));
	wr_table_end(table);
	assert_false(has_rule("chain"));
	wr_table_free(table);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_table_tells_what_nft_says(void **state)
{
	struct wr_table *table;
	char trouble[200];
	uv_loop_t loop;

	(void)state;
	enter_once();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_table_new(&loop, INTERFACE, &table), 0);
	assert_int_equal(wr_table_begin(table), 0);
	wr_table_want(table, strdup("table inet t { chain c { no such thing } }\n"));
	while (wr_table_look(table, trouble) == -EINPROGRESS)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(wr_table_look(table, trouble), -EINVAL);
	assert_memory_equal(trouble, "nft: syntax error, ", 19);
	/* What was there before is still there. */
	assert_true(has_rule("drop"));
	assert_false(wr_table_mend(table));
	wr_table_free(table);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_enforcer_refuses_what_it_cannot_tell_nft(void **state)
{
	static const char *const names[] = {
		"", "wg\"0", "wg*", "a b", "wg0;", "averyveryverylong"
	};
	struct wr_netmap *map = map_with("allow tag:m1 -> self\n");
	char why[200];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(names); i++) {
		assert_null(wr_enforcer_nft(map, names[i], why));
		assert_true(strlen(why) > 10);
	}
	free(map->policy);
	map->policy = strdup("allow nonsense\n");
	assert_null(wr_enforcer_nft(map, INTERFACE, why));
	assert_non_null(strstr(why, "the policy of the network map cannot be read"));
	wr_netmap_free(map);
}

static unsigned long long now_ms(bool is_cpu)
{
	struct timespec now;

	clock_gettime(is_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static char *policy_of_rules(size_t count)
{
	char *text = calloc(count + 1, 64);
	size_t len = 0;

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		len += (size_t)sprintf(text + len, "allow tag:m%zu -> self tcp %zu\n", 1 + i % 50,
				       1000 + i);
	return text;
}

/* Far more than it takes: the figures are printed. */
static void test_enforcer_takes_a_thousand_peers(void **state)
{
	struct wr_netmap *map = map_with("");
	unsigned long long start, made, told, looked;
	char why[200], *script;
	uint64_t fingerprint;

	(void)state;
	enter_once();
	for (unsigned i = 100; i < 1100; i++) {
		struct wr_netmap_peer *peer = networks_add(map, i, WR_WAY_DIRECT);

		for (uint32_t j = 0; j < 3; j++)
			add_mark(peer, 1 + (i + j * 17) % 50);
	}
	free(map->policy);
	map->policy = policy_of_rules(200);
	start = now_ms(true);
	script = wr_enforcer_nft(map, INTERFACE, why);
	assert_non_null(script);
	made = now_ms(true) - start;
	start = now_ms(false);
	assert_int_equal(wr_nft_run(script, WR_SPAN_S(10), why), 0);
	told = now_ms(false);
	assert_int_equal(wr_nft_fingerprint(WR_NFT_INET, "warren-" INTERFACE, &fingerprint), 0);
	looked = now_ms(false);
	print_message(
		"script of 1,000 peers and 200 rules: %zu KiB, %llu ms of CPU; nft %llu ms; a look "
		"%llu ms\n",
		strlen(script) / 1024, made, told - start, looked - told);
	assert_true(looked - start < 8000);
	namespace_run("nft delete table inet warren-%s", INTERFACE);
	free(script);
	wr_netmap_free(map);
}

static void test_enforcer_needs_no_hub(void **state)
{
	static const struct step pulse = { UDP, NULL, WEB, 40000, SELF, PULSES, 0, true };
	static const struct step hub = { PING, NULL, HUB, 7, SELF, 0, 0, false };
	struct wr_netmap *map = map_with("default deny\n");
	struct world world = { .tunnel = -1, .lan = -1 };
	struct wr_retire_list retire = { NULL };
	struct wr_enforce_hosts hosts;
	char why[200] = "", *script;

	(void)state;
	enter_once();
	networks_forget_hub(map);
	start_guard(&world);
	assert_int_equal(wr_enforce_hosts_init(&hosts, &world.slots, map, why), 0);
	assert_int_equal(wr_enforce_guard(&hosts, world.guard, &retire), 0);
	wr_retire_free_all(&retire);
	wr_enforce_hosts_done(&hosts);
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct packet packet = packet_of(&pulse, is_v6);

		assert_true(guard_passes(&world, &pulse, &packet));
		packet = packet_of(&hub, is_v6);
		assert_false(guard_passes(&world, &hub, &packet));
	}
	end_guard(&world);
	script = wr_enforcer_nft(map, INTERFACE, why);
	assert_non_null(script);
	assert_int_equal(wr_nft_run(script, WR_SPAN_S(10), why), 0);
	namespace_run("nft delete table inet warren-%s", INTERFACE);
	free(script);
	wr_netmap_free(map);
}

/* Slots stay when others come and go. */
static void test_enforcer_keeps_slots(void **state)
{
	struct wr_enforce_slots slots = { 0 };
	struct wr_enforce_hosts hosts;
	struct wr_netmap *map = networks_empty();
	char why[200];

	(void)state;
	networks_add(map, 5, WR_WAY_DIRECT);
	networks_add(map, 7, WR_WAY_DIRECT);
	assert_int_equal(wr_enforce_hosts_init(&hosts, &slots, map, why), 0);
	assert_int_equal(hosts.items[2].slot, WR_ENFORCE_FIRST);
	assert_int_equal(hosts.items[3].slot, WR_ENFORCE_FIRST + 1);
	wr_enforce_hosts_done(&hosts);
	wr_netmap_free(map);
	map = networks_empty();
	networks_add(map, 3, WR_WAY_DIRECT);
	networks_add(map, 7, WR_WAY_DIRECT);
	networks_add(map, 9, WR_WAY_DIRECT);
	assert_int_equal(wr_enforce_hosts_init(&hosts, &slots, map, why), 0);
	assert_int_equal(hosts.items[2].slot, WR_ENFORCE_FIRST);
	assert_int_equal(hosts.items[3].slot, WR_ENFORCE_FIRST + 1);
	assert_int_equal(hosts.items[4].slot, WR_ENFORCE_FIRST + 2);
	assert_int_equal(hosts.slot_count, WR_ENFORCE_FIRST + 3);
	wr_enforce_hosts_done(&hosts);
	wr_netmap_free(map);
	wr_enforce_slots_done(&slots);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_enforces_the_cases),
		cmocka_unit_test(test_kernel_enforces_the_cases),
		cmocka_unit_test(test_kernel_judges_what_is_on_the_wire),
		cmocka_unit_test(test_table_is_mended_whatever_is_done_to_it),
		cmocka_unit_test(test_table_is_mended_at_once),
		cmocka_unit_test(test_table_lets_nothing_pass_before_the_first_rules),
		cmocka_unit_test(test_table_tells_what_nft_says),
		cmocka_unit_test(test_enforcer_refuses_what_it_cannot_tell_nft),
		cmocka_unit_test(test_enforcer_takes_a_thousand_peers),
		cmocka_unit_test(test_enforcer_needs_no_hub),
		cmocka_unit_test(test_enforcer_keeps_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
