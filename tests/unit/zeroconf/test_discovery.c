#include "zeroconf/discovery.h"

#include <errno.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "members.h"

static struct wr_mesh_keys mesh, other_mesh;
static struct wr_netns hosts[3];
static struct member one, two, three;

/* --- Hosts a, b and c on a switch; their cables are there, but not up. --- */

static int begin(void **state)
{
	struct wr_key root = { { 7 } }, other_root = { { 8 } };

	(void)state;
	wr_mesh_keys(&root, &mesh);
	wr_mesh_keys(&other_root, &other_mesh);
	namespace_enter();
	namespace_run("ip link add switch type bridge mcast_snooping 0 && ip link set switch up");
	for (unsigned i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		char name[] = { (char)('a' + i), '\0' };

		assert_int_equal(wr_netns_create(name, &hosts[i]), 0);
		namespace_run("ip link add net0 netns %s type veth peer name port%u && "
			      "ip link set port%u master switch && ip link set port%u up",
			      name, i, i, i);
	}
	one = (struct member){ .number = 1, .netns = &hosts[0], .keys = &mesh };
	two = (struct member){ .number = 2, .netns = &hosts[1], .keys = &mesh };
	three = (struct member){ .number = 3, .netns = &hosts[2], .keys = &mesh };
	return 0;
}

static int end(void **state)
{
	static const char *const names[] = { "a", "b", "c" };

	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		wr_netns_delete(names[i]);
		wr_netns_close(&hosts[i]);
	}
	return 0;
}

/* IPv4 10.7.0.1 to 10.7.0.3; IPv6 fe80::1 to fe80::3. */
static void give_v4(void)
{
	namespace_run("i=1; for n in a b c; do ip -n $n addr add 10.7.0.$i/24 dev net0; "
		      "i=$((i+1)); done");
}

static void give_v6(void)
{
	namespace_run("i=1; for n in a b c; do ip -n $n addr add fe80::$i/64 dev net0 nodad; "
		      "i=$((i+1)); done");
}

static void set_up(void)
{
	namespace_run("for n in a b c; do ip -n $n link set net0 addrgenmode none; "
		      "ip -n $n link set net0 up; done");
}

/* --- Finding each other. --- */

static void test_discovery_finds_by_both_families(void **state)
{
	struct sight sight;

	(void)state;
	set_up();
	give_v4();
	give_v6();
	member_start(&one);
	member_start(&two);
	sight = member_await(&one, &two, "10.7.0.2");
	assert_int_equal(sight.knock.port, 52002);
	assert_int_equal(sight.knock.knock_port, 52002);
	sight = member_await(&one, &two, "fe80::2");
	assert_int_equal(sight.knock.port, 52002);
	assert_true(sight.from.scope != 0);
	member_await(&two, &one, "10.7.0.1");
	sight = member_await(&two, &one, "fe80::1");
	assert_true(sight.from.scope != 0);
	assert_int_equal(member_look(&one).interfaces, 1);
	assert_true(member_look(&one).good > 0);
	assert_int_equal(member_look(&one).forged + member_look(&one).malformed, 0);
	/* Their own come back, and are nothing. */
	assert_int_equal(member_count(&one, &one), 0);
	assert_int_equal(member_look(&one).replayed, 0);
	member_stop(&one);
	member_stop(&two);
}

/* Who is there already is heard by its answer, long before it announces itself again. */
static void test_discovery_is_answered(void **state)
{
	struct sight sight;

	(void)state;
	set_up();
	give_v4();
	member_start(&one);
	while (member_look(&one).sent < 4)
		;
	member_start(&two);
	sight = member_await(&two, &one, "10.7.0.1");
	assert_int_equal(sight.knock.flags & WR_KNOCK_ASKS, 0);
	/* And of many, some answer. */
	member_set_size(&one, 9);
	for (int i = 0; i < 5; i++)
		member_hurry(&two);
	member_await(&one, &two, "10.7.0.2");
	member_stop(&one);
	member_stop(&two);
}

static size_t count_answers(struct member *member, const struct member *other)
{
	size_t answers = 0;

	pthread_mutex_lock(&member->mutex);
	for (size_t i = 0; i < member->sight_count; i++) {
		const struct wr_knock *knock = &member->sights[i].knock;

		answers += !(knock->flags & WR_KNOCK_ASKS) &&
			   wr_key_equal(&knock->identity, &other->identity);
	}
	pthread_mutex_unlock(&member->mutex);
	return answers;
}

static void test_discovery_answers_nobody_who_is_known(void **state)
{
	(void)state;
	set_up();
	give_v4();
	one.knows = &two;
	member_start(&two);
	member_start(&one);
	assert_int_equal(member_knock(&two, "10.7.0.1", 52001), 0);
	member_await(&one, &two, "10.7.0.2");
	member_start(&three);
	while (!count_answers(&three, &one))
		member_await(&three, &one, "10.7.0.1");
	assert_int_equal(count_answers(&two, &one), 0);
	member_stop(&one);
	member_stop(&two);
	member_stop(&three);
}

static void test_discovery_needs_one_family_only(void **state)
{
	(void)state;
	set_up();
	give_v6();
	member_start(&one);
	member_start(&two);
	member_await(&one, &two, "fe80::2");
	member_await(&two, &one, "fe80::1");
	member_stop(&one);
	member_stop(&two);
	namespace_run("for n in a b c; do ip netns exec $n sysctl -qw "
		      "net.ipv6.conf.all.disable_ipv6=1; done");
	give_v4();
	member_start(&one);
	member_start(&two);
	member_await(&one, &two, "10.7.0.2");
	member_await(&two, &one, "10.7.0.1");
	member_stop(&one);
	member_stop(&two);
}

/* The kernel's WireGuard has no ear for knocks: another port has. */
static void test_discovery_has_a_port_of_its_own(void **state)
{
	struct sight sight;

	(void)state;
	set_up();
	give_v4();
	give_v6();
	one.is_kernel = two.is_kernel = true;
	two.own_port = 52102;
	member_start(&one);
	while (member_look(&one).sent < 4)
		;
	member_start(&two);
	sight = member_await(&two, &one, "10.7.0.1");
	assert_int_equal(sight.knock.port, 52001);
	assert_int_not_equal(sight.knock.knock_port, 52001);
	assert_int_equal(sight.knock.flags & WR_KNOCK_ASKS, 0);
	sight = member_await(&two, &one, "fe80::1");
	assert_int_equal(sight.knock.flags & WR_KNOCK_ASKS, 0);
	assert_int_equal(sight.from.port, sight.knock.knock_port);
	assert_int_equal(member_await(&one, &two, NULL).knock.knock_port, 52102);
	member_stop(&one);
	member_stop(&two);
}

static void test_discovery_takes_another_port_where_its_own_is_taken(void **state)
{
	(void)state;
	set_up();
	give_v4();
	two.is_kernel = true;
	two.own_port = 52002; /* WireGuard's */
	member_start(&one);
	member_start(&two);
	assert_int_not_equal(member_await(&one, &two, "10.7.0.2").knock.knock_port, 52002);
	member_await(&two, &one, "10.7.0.1");
	member_stop(&one);
	member_stop(&two);
}

/* --- When the network changes. --- */

static void await_interfaces(struct member *member, unsigned count)
{
	while (member_look(member).interfaces != count)
		;
}

static void test_discovery_waits_for_an_interface(void **state)
{
	(void)state;
	member_start(&one);
	member_start(&two);
	assert_int_equal(one.open_status, 0);
	assert_int_equal(member_look(&one).interfaces, 0);
	assert_int_equal(member_look(&one).sent, 0);
	set_up();
	give_v4();
	member_await(&one, &two, "10.7.0.2");
	await_interfaces(&one, 1);
	/* The other family comes, too. */
	give_v6();
	member_await(&one, &two, "fe80::2");
	/* Away and back, with another address. */
	namespace_run("ip -n b link set net0 down");
	await_interfaces(&two, 0);
	namespace_run("ip -n b addr flush dev net0 && ip -n b addr add 10.7.0.22/24 dev net0 && "
		      "ip -n b link set net0 up");
	member_await(&one, &two, "10.7.0.22");
	/* A second interface. */
	namespace_run("ip link add net1 netns b type veth peer name net1 netns c && "
		      "ip -n b addr add 10.8.0.2/24 dev net1 && ip -n b link set net1 up && "
		      "ip -n c addr add 10.8.0.3/24 dev net1 && ip -n c link set net1 up");
	member_start(&three);
	member_await(&three, &two, "10.8.0.2");
	member_await(&three, &two, "10.7.0.22");
	member_await(&two, &three, "10.8.0.3");
	await_interfaces(&two, 2);
	namespace_run("ip -n b link del net1");
	await_interfaces(&two, 1);
	member_stop(&one);
	member_stop(&two);
	member_stop(&three);
}

/* A VXLAN of ours is inside of the tunnels: who is met there is not to be reached there. */
static void test_discovery_skips_what_is_ours(void **state)
{
	(void)state;
	set_up();
	give_v4();
	namespace_run("ip -n a tuntap add tunnel mode tun && ip -n a link set tunnel up && "
		      "ip -n a link add other type vxlan id 6 dstport 4789 local 10.7.0.1 && "
		      "ip -n a link set other up && ip -n a addr add 10.9.0.1/24 dev other");
	member_start(&one);
	assert_int_equal(member_look(&one).interfaces, 2);
	member_stop(&one);
	namespace_run(
		"ip -n a link add ours type vxlan id 7 dstport 4789 local 10.7.0.1 dev tunnel && "
		"ip -n a link set ours up && ip -n a addr add 10.9.1.1/24 dev ours");
	member_start(&one);
	assert_int_equal(member_look(&one).interfaces, 2);
	member_stop(&one);
}

/* --- Among others. --- */

static void test_discovery_keeps_meshes_apart(void **state)
{
	(void)state;
	set_up();
	give_v4();
	give_v6();
	three.keys = &other_mesh;
	member_start(&one);
	member_start(&two);
	member_start(&three);
	member_await(&one, &two, "10.7.0.2");
	while (!member_look(&one).foreign || !member_look(&three).foreign)
		;
	assert_int_equal(member_count(&one, &three), 0);
	assert_int_equal(member_count(&three, &one) + member_count(&three, &two), 0);
	assert_int_equal(member_look(&three).good, 0);
	member_stop(&one);
	member_stop(&two);
	member_stop(&three);
}

/* Two daemons of one host and one of another. */
static void test_discovery_shares_a_host(void **state)
{
	(void)state;
	set_up();
	give_v4();
	give_v6();
	two.netns = &hosts[0];
	member_start(&one);
	member_start(&two);
	member_start(&three);
	member_await(&one, &two, "10.7.0.1");
	member_await(&two, &one, "10.7.0.1");
	member_await(&one, &two, "fe80::1");
	member_await(&three, &one, "10.7.0.1");
	member_await(&three, &two, "fe80::1");
	member_await(&one, &three, "10.7.0.3");
	member_await(&two, &three, "10.7.0.3");
	member_stop(&one);
	member_stop(&two);
	member_stop(&three);
}

/* --- Without a LAN. --- */

static void test_discovery_knocks_at_a_door(void **state)
{
	(void)state;
	set_up();
	give_v4();
	one.has_no_lan = two.has_no_lan = true;
	member_start(&one);
	member_start(&two);
	assert_int_equal(member_look(&one).interfaces, 0);
	assert_int_equal(member_knock(&one, "10.7.0.2", 52002), 0);
	assert_int_equal(member_await(&two, &one, "10.7.0.1").knock.flags & WR_KNOCK_ASKS,
			 WR_KNOCK_ASKS);
	assert_int_equal(member_await(&one, &two, "10.7.0.2").knock.flags & WR_KNOCK_ASKS, 0);
	assert_int_equal(member_look(&one).sent, 1);
	assert_int_equal(member_look(&two).sent, 1);
	member_stop(&one);
	member_stop(&two);
}

/* The other's NAT made another port of its own, and lets in what comes back to that one. */
static void test_discovery_answers_through_a_nat(void **state)
{
	struct sight sight;

	(void)state;
	set_up();
	give_v4();
	one.has_no_lan = two.has_no_lan = true;
	one.is_behind_nat = true;
	member_start(&one);
	member_start(&two);
	assert_int_equal(member_knock(&one, "10.7.0.2", 52002), 0);
	sight = member_await(&two, &one, "10.7.0.1");
	assert_int_equal(sight.knock.knock_port, 52001);
	assert_int_not_equal(sight.from.port, 52001);
	member_await(&one, &two, "10.7.0.2");
	member_stop(&one);
	member_stop(&two);
}

/* A member that was started again is no replay; what was sent before is one. */
static void test_discovery_knows_who_started_again(void **state)
{
	(void)state;
	set_up();
	give_v4();
	one.epoch = 1;
	member_start(&one);
	member_start(&two);
	member_await(&two, &one, "10.7.0.1");
	member_stop(&one);
	one.epoch = 2;
	member_start(&one);
	while (member_await(&two, &one, "10.7.0.1").knock.epoch != 2)
		;
	member_stop(&one);
	one.epoch = 1;
	member_start(&one);
	while (!member_look(&two).replayed)
		;
	assert_int_equal(member_await(&two, &one, "10.7.0.1").knock.epoch, 2);
	member_stop(&one);
	member_stop(&two);
}

static void test_discovery_says_that_the_port_is_taken(void **state)
{
	struct wr_ip any = { .family = WR_IPV4 }, any6 = { .family = WR_IPV6 };
	int fd, fd6;

	(void)state;
	set_up();
	give_v4();
	assert_int_equal(wr_netns_bind(&hosts[0], SOCK_DGRAM, &any, WR_DISCOVERY_PORT, &fd), 0);
	member_start(&one);
	assert_int_equal(one.open_status, -EADDRINUSE);
	assert_string_equal(one.why, "UDP port 51818 is taken by a program that does not share it: "
				     "nobody can be found on a LAN");
	/* The other family works. */
	give_v6();
	member_start(&one);
	assert_int_equal(one.open_status, 0);
	assert_int_equal(member_look(&one).interfaces, 1);
	member_stop(&one);
	close(fd);
	/* Gossip's socket is not in the way. */
	any6.bytes[15] = 1;
	assert_int_equal(wr_netns_bind(&hosts[0], SOCK_DGRAM, &any6, WR_DISCOVERY_PORT, &fd6), 0);
	member_start(&one);
	assert_int_equal(one.open_status, 0);
	member_stop(&one);
	close(fd6);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

#define LAN_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAN_TEST(test_discovery_finds_by_both_families),
		LAN_TEST(test_discovery_is_answered),
		LAN_TEST(test_discovery_answers_nobody_who_is_known),
		LAN_TEST(test_discovery_needs_one_family_only),
		LAN_TEST(test_discovery_has_a_port_of_its_own),
		LAN_TEST(test_discovery_takes_another_port_where_its_own_is_taken),
		LAN_TEST(test_discovery_waits_for_an_interface),
		LAN_TEST(test_discovery_skips_what_is_ours),
		LAN_TEST(test_discovery_keeps_meshes_apart),
		LAN_TEST(test_discovery_shares_a_host),
		LAN_TEST(test_discovery_knocks_at_a_door),
		LAN_TEST(test_discovery_answers_through_a_nat),
		LAN_TEST(test_discovery_knows_who_started_again),
		LAN_TEST(test_discovery_says_that_the_port_is_taken),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
