#include "policy/guard.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/rcu.h"
#include "network.h"

#define SYN WR_TCP_SYN
#define ACK WR_TCP_ACK

enum {
	NONE,
	SELF,
	WEB,
	DB,
	ROUTER
};

/* Slots are places: nobody is in the first. */
static const struct machine machines[] = {
	{ "nobody", NULL, NULL, NULL },
	{ "self", NULL, "10.0.0.1", "fd00::1" },
	{ "web", "m1", "10.0.0.2", "fd00::2" },
	{ "db", "m2", "10.0.0.3", NULL },
	{ "router", "m3", "10.0.0.4", "fd00::4" },
};

static const uint8_t secret[16] = { 9 };

struct world {
	struct wr_guard *guard;
	struct wr_retire_list retire;
	struct wr_instant now;
};

static void reclaim(struct world *world)
{
	struct wr_retire_list list = wr_retire_take(&world->retire);

	wr_retire_free_all(&list);
}

static struct wr_ruleset *ruleset_of(const struct wr_member *members, size_t count,
				     const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy = policy_from(text);
	struct wr_ruleset *ruleset = wr_ruleset_compile_saved(policy, members, count, 64, 1,
							      &faults);

	assert_non_null(ruleset);
	wr_policy_free(policy);
	return ruleset;
}

static struct wr_prefix prefix_from(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

/* Hosts and members of the table above; behind the router is 192.168.0.0/16, behind us
 * 192.168.5.0/24. */
static int set_all(struct wr_guard *guard, const char *text, struct wr_retire_list *retire)
{
	static const char *const behind[WR_ARRAY_LEN(machines)] = {
		[SELF] = "192.168.5.0/24", [ROUTER] = "192.168.0.0/16"
	};
	struct wr_prefix prefixes[WR_ARRAY_LEN(machines)][3];
	struct wr_guard_host hosts[WR_ARRAY_LEN(machines)];
	struct network network;
	size_t count = 0;

	network_init(&network, machines, WR_ARRAY_LEN(machines));
	for (uint32_t slot = SELF; slot < WR_ARRAY_LEN(machines); slot++) {
		size_t used = 0;

		prefixes[slot][used++] = prefix_from(machines[slot].v4);
		if (machines[slot].v6)
			prefixes[slot][used++] = prefix_from(machines[slot].v6);
		if (behind[slot])
			prefixes[slot][used++] = prefix_from(behind[slot]);
		hosts[count++] = (struct wr_guard_host){ slot, prefixes[slot], used };
	}
	return wr_guard_set(guard, ruleset_of(network.members + 1, network.count - 1, text), hosts,
			    count, retire);
}

static void change(struct world *world, const char *text)
{
	assert_int_equal(set_all(world->guard, text, &world->retire), 0);
	reclaim(world);
}

static void start(struct world *world, const char *text)
{
	*world = (struct world){ .guard = wr_guard_new(secret), .now = { 1000000000000 } };
	assert_non_null(world->guard);
	if (text)
		change(world, text);
}

static void end(struct world *world)
{
	world->guard = wr_guard_free(world->guard);
	reclaim(world);
}

static void expect(struct world *world, const struct packet *packet, enum wr_verdict verdict)
{
	assert_string_equal(wr_verdict_name(wr_guard_judge(world->guard, packet->bytes, packet->len,
							   world->now)),
			    wr_verdict_name(verdict));
}

static void tcp(struct world *world, const char *src, uint16_t src_port, const char *dst,
		uint16_t dst_port, uint8_t flags, enum wr_verdict verdict)
{
	struct packet packet = packet_tcp(ip_from(src), src_port, ip_from(dst), dst_port, flags);

	expect(world, &packet, verdict);
}

static void test_guard_lets_nothing_pass_before_the_first_rules(void **state)
{
	struct world world;

	(void)state;
	start(&world, NULL);
	tcp(&world, "10.0.0.2", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.1", 1, "10.0.0.2", 80, SYN, WR_DROP_POLICY);
	end(&world);
}

static void test_guard_knows_machines_by_their_addresses(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow tag:m1 -> self tcp 80\nallow self -> tag:m2\n");
	tcp(&world, "10.0.0.2", 1, "10.0.0.1", 80, SYN, WR_TAKEN);
	tcp(&world, "fd00::2", 1, "fd00::1", 80, SYN, WR_TAKEN);
	tcp(&world, "10.0.0.2", 1, "10.0.0.1", 81, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.3", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.1", 1, "10.0.0.3", 443, SYN, WR_TAKEN);
	tcp(&world, "10.0.0.3", 443, "10.0.0.1", 1, SYN | ACK, WR_TAKEN);
	tcp(&world, "10.0.0.1", 1, "10.0.0.2", 443, SYN, WR_DROP_POLICY);
	end(&world);
}

static void test_guard_takes_the_longest_prefix_around_an_address(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow 192.168.0.0/16 -> self\nallow tag:m1 -> 192.168.5.0/24\n");
	/* The router's, and not ours. */
	tcp(&world, "192.168.4.255", 1, "10.0.0.1", 80, SYN, WR_TAKEN);
	tcp(&world, "192.168.6.0", 1, "10.0.0.1", 80, SYN, WR_TAKEN);
	/* Ours to ours, which no tunnel carries. */
	tcp(&world, "192.168.5.0", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "192.168.5.255", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	/* What is behind us. */
	tcp(&world, "10.0.0.2", 1, "192.168.5.9", 80, SYN, WR_TAKEN);
	tcp(&world, "192.168.5.9", 80, "10.0.0.2", 1, SYN | ACK, WR_TAKEN);
	tcp(&world, "10.0.0.3", 1, "192.168.5.9", 80, SYN, WR_DROP_POLICY);
	end(&world);
}

static void test_guard_drops_what_is_not_between_us_and_a_machine(void **state)
{
	struct world world;

	(void)state;
	start(&world, "default allow\n");
	tcp(&world, "10.0.0.2", 1, "10.0.0.1", 80, SYN, WR_TAKEN);
	tcp(&world, "10.0.0.2", 1, "10.0.0.3", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.99", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.1", 1, "10.0.0.99", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "fd00::99", 1, "fd00::1", 80, SYN, WR_DROP_POLICY);
	tcp(&world, "10.0.0.1", 1, "10.0.0.1", 80, SYN, WR_DROP_POLICY);
	end(&world);
}

static void test_guard_keeps_flows_that_new_rules_allow_and_stops_the_others(void **state)
{
	struct world world;

	(void)state;
	start(&world, "allow tag:m1 -> self tcp 80\nallow self -> tag:m2\n");
	tcp(&world, "10.0.0.2", 1, "10.0.0.1", 80, SYN, WR_TAKEN);
	tcp(&world, "10.0.0.1", 1, "10.0.0.3", 22, SYN, WR_TAKEN);
	change(&world, "allow tag:m1 -> self tcp 80\n");
	tcp(&world, "10.0.0.1", 80, "10.0.0.2", 1, ACK, WR_TAKEN);
	tcp(&world, "10.0.0.3", 22, "10.0.0.1", 1, ACK, WR_DROP_POLICY);
	tcp(&world, "10.0.0.1", 1, "10.0.0.3", 22, ACK, WR_DROP_POLICY);
	change(&world, "default allow\n");
	tcp(&world, "10.0.0.3", 22, "10.0.0.1", 1, ACK, WR_TAKEN);
	end(&world);
}

/* --- Against a walk through all prefixes. --- */

#define HOSTS 24
#define PREFIXES 6
#define ROUNDS 60
#define LOOKS 400

struct twin {
	struct unit_random random;
	struct wr_prefix prefixes[HOSTS][PREFIXES];
	struct wr_guard_host hosts[HOSTS];
};

/* Few bits, so that they meet. */
static struct wr_ip some_ip(struct twin *twin)
{
	bool is_v4 = unit_random_below(&twin->random, 2);
	struct wr_ip ip = { .family = is_v4 ? WR_IPV4 : WR_IPV6 };

	ip.bytes[0] = is_v4 ? 10 : 0xfd;
	ip.bytes[2] = (uint8_t)unit_random_below(&twin->random, 4);
	ip.bytes[3] = (uint8_t)unit_random_below(&twin->random, 16);
	if (!is_v4)
		ip.bytes[15] = (uint8_t)unit_random_below(&twin->random, 4);
	return ip;
}

static struct wr_prefix some_prefix(struct twin *twin)
{
	struct wr_prefix prefix = { .ip = some_ip(twin) };
	unsigned bits = wr_ip_bits(prefix.ip.family);

	prefix.length = (uint8_t)(unit_random_below(&twin->random, 2)
					  ? bits
					  : unit_random_below(&twin->random, bits + 1));
	for (unsigned bit = prefix.length; bit < bits; bit++)
		prefix.ip.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return prefix;
}

static bool is_inside(const struct wr_ip *ip, const struct wr_prefix *prefix)
{
	if (ip->family != prefix->ip.family)
		return false;
	for (unsigned bit = 0; bit < prefix->length; bit++)
		if ((ip->bytes[bit / 8] ^ prefix->ip.bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* No two have the same prefix. */
static bool is_new(const struct twin *twin, size_t host, size_t count,
		   const struct wr_prefix *prefix)
{
	for (size_t i = 0; i <= host; i++)
		for (size_t j = 0; j < (i == host ? count : twin->hosts[i].prefix_count); j++)
			if (twin->prefixes[i][j].length == prefix->length &&
			    wr_ip_equal(&twin->prefixes[i][j].ip, &prefix->ip))
				return false;
	return true;
}

static void make_hosts(struct twin *twin)
{
	for (size_t i = 0; i < HOSTS; i++) {
		size_t count = 0, wanted = unit_random_below(&twin->random, PREFIXES + 1);

		for (size_t j = 0; j < wanted; j++) {
			struct wr_prefix prefix = some_prefix(twin);

			if (is_new(twin, i, count, &prefix))
				twin->prefixes[i][count++] = prefix;
		}
		twin->hosts[i] = (struct wr_guard_host){ (uint32_t)i + 1, twin->prefixes[i],
							 count };
	}
}

static uint32_t naive_slot(const struct twin *twin, const struct wr_ip *ip)
{
	int longest = -1;
	uint32_t slot = 0;

	for (size_t i = 0; i < HOSTS; i++) {
		for (size_t j = 0; j < twin->hosts[i].prefix_count; j++) {
			const struct wr_prefix *prefix = &twin->prefixes[i][j];

			if (!is_inside(ip, prefix) || prefix->length <= longest)
				continue;
			longest = prefix->length;
			slot = twin->hosts[i].slot;
		}
	}
	return slot;
}

/* What is denied holds for what is behind machines too, so it tells slots apart. */
static enum wr_verdict naive_judge(const struct twin *twin, const struct wr_ip *src,
				   const struct wr_ip *dst)
{
	uint32_t from = naive_slot(twin, src), to = naive_slot(twin, dst);

	if ((from == WR_GUARD_SELF) == (to == WR_GUARD_SELF) || !from || !to)
		return WR_DROP_POLICY;
	return (from == WR_GUARD_SELF ? to : from) % 2 ? WR_DROP_POLICY : WR_TAKEN;
}

static void set_random_hosts(struct twin *twin, struct world *world)
{
	static const char *const odd[] = { "odd" };
	struct wr_member members[HOSTS];

	make_hosts(twin);
	for (uint32_t i = 0; i < HOSTS; i++)
		members[i] = (struct wr_member){ .slot = i + 1,
						 .name = i ? "" : "self",
						 .tags = odd,
						 .tag_count = (i + 1) % 2 };
	assert_int_equal(wr_guard_set(world->guard,
				      ruleset_of(members, HOSTS,
						 "deny tag:odd -> self\ndeny self -> tag:odd\n"
						 "default allow\n"),
				      twin->hosts, HOSTS, &world->retire),
			 0);
	reclaim(world);
}

static void look_once(struct twin *twin, struct world *world)
{
	struct wr_ip src = some_ip(twin), dst = some_ip(twin);
	struct packet packet;

	if (src.family != dst.family)
		return;
	packet = packet_udp(src, 1, dst, 2);
	expect(world, &packet, naive_judge(twin, &src, &dst));
}

static void test_guard_finds_slots_as_a_walk_does(void **state)
{
	static struct twin twin;
	struct world world;

	(void)state;
	twin.random = unit_random_start("guard twin");
	start(&world, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		set_random_hosts(&twin, &world);
		/* No flow is known from the round before. */
		world.now.ns += UINT64_C(1000000000000);
		for (unsigned j = 0; j < LOOKS; j++)
			look_once(&twin, &world);
	}
	end(&world);
}

/* --- With readers. --- */

#define WORKERS 3
#define CHANGES 100

static struct {
	struct wr_guard *guard;
	struct wr_rcu rcu;
	_Atomic bool is_over;
	_Atomic unsigned rounds, wrong;
} it;

static enum wr_verdict judge(const char *src, const char *dst)
{
	struct packet packet = packet_udp(ip_from(src), 5, ip_from(dst), 5);

	return wr_guard_judge(it.guard, packet.bytes, packet.len,
			      (struct wr_instant){ UINT64_C(5000000000000) });
}

/* Rules and addresses disagree between two versions; by either one alone this is so. */
static void work_once(void)
{
	if (judge("10.0.0.2", "10.0.0.1") != WR_TAKEN)
		atomic_fetch_add(&it.wrong, 1);
	if (judge("10.0.0.9", "10.0.0.1") != WR_DROP_POLICY)
		atomic_fetch_add(&it.wrong, 1);
	(void)judge("10.0.0.1", "10.0.0.2");
}

static void *work(void *argument)
{
	(void)argument;
	wr_rcu_enter();
	while (!atomic_load(&it.is_over)) {
		for (unsigned i = 0; i < 20; i++)
			work_once();
		atomic_fetch_add(&it.rounds, 1);
		wr_rcu_quiescent(&it.rcu);
	}
	wr_rcu_leave(&it.rcu);
	return NULL;
}

/* 10.0.0.2 and 10.0.0.9 change slots, and slots change tags. */
static void set_version(bool is_second, struct wr_retire_list *retire)
{
	static const char *const good[] = { "good" }, *const bad[] = { "bad" };
	struct wr_prefix prefixes[] = { prefix_from("10.0.0.1"), prefix_from("10.0.0.2"),
					prefix_from("10.0.0.9") };
	struct wr_guard_host hosts[] = { { 1, &prefixes[0], 1 },
					 { 2, &prefixes[is_second ? 2 : 1], 1 },
					 { 3, &prefixes[is_second ? 1 : 2], 1 } };
	struct wr_member members[] = {
		{ .slot = 1, .name = "self" },
		{ .slot = 2, .name = "", .tags = is_second ? bad : good, .tag_count = 1 },
		{ .slot = 3, .name = "", .tags = is_second ? good : bad, .tag_count = 1 },
	};

	assert_int_equal(wr_guard_set(it.guard,
				      ruleset_of(members, WR_ARRAY_LEN(members),
						 "deny tag:bad -> self\ndefault allow\n"),
				      hosts, WR_ARRAY_LEN(hosts), retire),
			 0);
}

static void collect(struct wr_retire_list *retire)
{
	struct wr_retire_list list = wr_retire_take(retire);

	wr_rcu_wait(&it.rcu);
	wr_retire_free_all(&list);
}

static void test_guard_puts_rules_and_addresses_in_force_together(void **state)
{
	struct wr_retire_list retire = { NULL };
	pthread_t threads[WORKERS];

	(void)state;
	it.guard = wr_guard_new(secret);
	assert_non_null(it.guard);
	set_version(false, &retire);
	for (size_t i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (unsigned i = 1; i <= CHANGES; i++) {
		unsigned rounds = atomic_load(&it.rounds);

		set_version(i % 2, &retire);
		collect(&retire);
		while (atomic_load(&it.rounds) < rounds + 4)
			sched_yield();
	}
	atomic_store(&it.is_over, true);
	for (size_t i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&it.wrong), 0);
	wr_guard_free(it.guard);
	collect(&retire);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_lets_nothing_pass_before_the_first_rules),
		cmocka_unit_test(test_guard_knows_machines_by_their_addresses),
		cmocka_unit_test(test_guard_takes_the_longest_prefix_around_an_address),
		cmocka_unit_test(test_guard_drops_what_is_not_between_us_and_a_machine),
		cmocka_unit_test(test_guard_keeps_flows_that_new_rules_allow_and_stops_the_others),
		cmocka_unit_test(test_guard_finds_slots_as_a_walk_does),
		cmocka_unit_test(test_guard_puts_rules_and_addresses_in_force_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
