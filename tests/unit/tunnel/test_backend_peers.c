/* What a backend does with its peers, whichever carries the packets. */
#include <errno.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "ends.h"
#include "policy/guard.h"

/* A peer that is nowhere. */
static struct end stranger(void)
{
	struct end end = { .name = "stranger" };

	wr_random(&end.private_key, sizeof(end.private_key));
	end.public_key = wr_x25519_public(&end.private_key);
	return end;
}

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

static void assert_allowed(struct end *end, const struct end *other, const char *const *allowed)
{
	struct wr_backend_sight sight = end_see(end, other);
	size_t count = 0;
	uint64_t sum = 0;

	for (; allowed[count]; count++) {
		struct wr_prefix prefix = prefix_of(allowed[count]);

		sum += wr_backend_allowed_sum(&prefix, 1);
	}
	assert_int_equal(sight.allowed_count, count);
	assert_int_equal(sight.allowed_sum, sum);
}

#define ALLOWED(...) ((const char *[]){ __VA_ARGS__, NULL })

static void test_backend_replaces_allowed_addresses(void **state)
{
	struct end third = stranger();

	(void)state;
	ends_introduce();
	ends_shake_hands();
	end_add(&first, &second, ALLOWED(SECOND_INSIDE "/32", "10.1.0.0/16", "fd00:1::/64"));
	assert_allowed(&first, &second, ALLOWED("fd00:1::/64", SECOND_INSIDE "/32", "10.1.0.0/16"));
	end_add(&first, &second, ALLOWED("10.2.0.0/16", SECOND_INSIDE "/32"));
	assert_allowed(&first, &second, ALLOWED(SECOND_INSIDE "/32", "10.2.0.0/16"));
	/* What another gets is taken from who had it. */
	end_add(&first, &third, ALLOWED("10.2.0.0/16", "10.3.0.0/16"));
	assert_allowed(&first, &third, ALLOWED("10.2.0.0/16", "10.3.0.0/16"));
	assert_allowed(&first, &second, ALLOWED(SECOND_INSIDE "/32"));
	end_add(&first, &third, (const char *[]){ NULL });
	assert_int_equal(end_see(&first, &third).allowed_count, 0);
	/* The session lived on. */
	assert_int_not_equal(end_see(&first, &second).latest_handshake.ns, 0);
	assert_int_equal(first.shook, 1);
}

static void test_backend_removes_a_peer(void **state)
{
	struct end third = stranger();
	struct wr_backend_sight sight;

	(void)state;
	ends_introduce();
	ends_shake_hands();
	assert_int_equal(wr_backend_remove_peer(first.backend, &third.public_key), -ENOENT);
	assert_int_equal(wr_backend_remove_peer(first.backend, &second.public_key), 0);
	assert_int_equal(wr_backend_remove_peer(first.backend, &second.public_key), -ENOENT);
	assert_int_equal(wr_backend_look_one(first.backend, &second.public_key, &sight), -ENOENT);
	assert_int_equal(wr_backend_wake(first.backend, &second.public_key), -ENOENT);
	assert_int_equal(wr_backend_set_endpoint(first.backend, &second.public_key,
						 &(struct wr_endpoint){ .ip.family = WR_IPV4 }),
			 -ENOENT);
}

static void test_backend_is_no_peer_of_itself(void **state)
{
	struct wr_backend_peer peer = { .public_key = first.public_key };

	(void)state;
	assert_int_equal(wr_backend_set_peer(first.backend, &peer), -EINVAL);
}

/* More than fits into a message of netlink, in both directions. */
#define PEERS 300
#define PREFIXES 100
#define MANY_PREFIXES 3000

struct crowd {
	size_t peers, prefixes;
	uint64_t sum;
};

static void count(void *context, const struct wr_backend_sight *sight)
{
	struct crowd *crowd = context;

	crowd->peers++;
	crowd->prefixes += sight->allowed_count;
	crowd->sum += sight->allowed_sum;
}

static struct crowd crowd_of(struct end *end)
{
	struct crowd crowd = { 0 };

	assert_int_equal(wr_backend_look(end->backend, count, &crowd), 0);
	return crowd;
}

static struct wr_prefix nth_prefix(uint32_t number)
{
	return (struct wr_prefix){
		.ip = { WR_IPV6,
			{ 0xfd, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			  (uint8_t)number } },
		.length = 40,
	};
}

static void test_backend_holds_many_peers(void **state)
{
	static struct wr_prefix prefixes[MANY_PREFIXES];
	static struct wr_key keys[PEERS];
	struct crowd wanted = { .peers = PEERS }, seen;
	uint32_t number = 0;

	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		struct wr_backend_peer peer = { .allowed = prefixes };

		peer.allowed_count = i == PEERS / 2 ? MANY_PREFIXES : PREFIXES;
		keys[i] = peer.public_key = stranger().public_key;
		for (size_t at = 0; at < peer.allowed_count; at++)
			prefixes[at] = nth_prefix(number++);
		wanted.prefixes += peer.allowed_count;
		wanted.sum += wr_backend_allowed_sum(prefixes, peer.allowed_count);
		assert_int_equal(wr_backend_set_peer(first.backend, &peer), 0);
	}
	seen = crowd_of(&first);
	assert_int_equal(seen.peers, wanted.peers);
	assert_int_equal(seen.prefixes, wanted.prefixes);
	assert_int_equal(seen.sum, wanted.sum);
	for (size_t i = 0; i < PEERS; i++)
		assert_int_equal(wr_backend_remove_peer(first.backend, &keys[i]), 0);
	assert_int_equal(crowd_of(&first).peers, 0);
}

/* --- Keys. --- */

static void test_backend_needs_the_same_preshared_key(void **state)
{
	struct wr_prefix prefix = prefix_of(SECOND_INSIDE "/32");
	struct wr_backend_peer peer = { .public_key = second.public_key,
					.allowed = &prefix,
					.allowed_count = 1 };

	(void)state;
	ends_introduce();
	wr_random(&peer.preshared_key, sizeof(peer.preshared_key));
	assert_int_equal(wr_backend_set_peer(first.backend, &peer), 0);
	assert_int_equal(wr_backend_wake(first.backend, &second.public_key), 0);
	turn_for(300);
	assert_int_equal(first.shook, 0);
	/* A new one need not wait five seconds for its next try. */
	assert_int_equal(wr_backend_remove_peer(first.backend, &second.public_key), 0);
	ends_introduce();
	ends_shake_hands();
}

static void test_backend_takes_another_key(void **state)
{
	struct end other = stranger();

	(void)state;
	ends_introduce();
	ends_shake_hands();
	first.shook = second.shook = 0;
	assert_int_equal(wr_backend_set_key(first.backend, &other.private_key), 0);
	assert_int_equal(wr_backend_remove_peer(second.backend, &first.public_key), 0);
	first.public_key = other.public_key;
	end_add(&second, &first, (const char *[]){ FIRST_INSIDE "/32", NULL });
	ends_shake_hands();
	assert_true(wr_key_equal(&second.peer, &other.public_key));
}

/* --- Keepalives. --- */

static uint64_t before;

/* Of that nothing is told, so it is looked at now and then. */
static bool has_second_received_twice(void)
{
	turn_for(10);
	return end_see(&second, &first).rx_bytes >= before + 64;
}

static void test_backend_keeps_a_peer_alive(void **state)
{
	struct wr_prefix prefix = prefix_of(SECOND_INSIDE "/32");
	struct wr_backend_peer peer = { .public_key = second.public_key,
					.allowed = &prefix,
					.allowed_count = 1,
					.keepalive = 1 };

	(void)state;
	ends_introduce();
	ends_shake_hands();
	turn_for(100);
	before = end_see(&second, &first).rx_bytes;
	assert_int_equal(wr_backend_set_peer(first.backend, &peer), 0);
	await(has_second_received_twice, "two keepalives");
	assert_int_equal(end_see(&first, &second).keepalive, 1);
	/* Waking does not stop them. */
	assert_int_equal(wr_backend_wake(first.backend, &second.public_key), 0);
	assert_int_equal(end_see(&first, &second).keepalive, 1);
	before = end_see(&second, &first).rx_bytes + 32;
	await(has_second_received_twice, "two keepalives");
}

/* --- What others do. --- */

/* Our loop answers wg, so it may not be waited for. */
static bool has_answer(void)
{
	turn_for(20);
	return system("test -s /tmp/wg.$PPID") == 0;
}

static void run_wg(const char *arguments, const char *key)
{
	namespace_run("rm -f /tmp/wg.$PPID; (wg %s %s >/tmp/wgs.$PPID 2>&1; echo status $? "
		      ">>/tmp/wgs.$PPID; mv /tmp/wgs.$PPID /tmp/wg.$PPID) &",
		      arguments, key);
	await(has_answer, "what wg says");
}

static void test_backend_is_seen_by_wg(void **state)
{
	char key[WR_KEY_BASE64_LEN + 1];

	(void)state;
	ends_introduce();
	wr_key_to_base64(&second.public_key, key);
	if (first.kind == WR_BACKEND_KERNEL) {
		namespace_run("nsenter --net=/run/netns/first wg show wg0 peers | grep -qF %s",
			      key);
		namespace_run("nsenter --net=/run/netns/first wg set wg0 peer %s allowed-ips "
			      "10.77.0.0/16",
			      key);
		assert_allowed(&first, &second, ALLOWED("10.77.0.0/16"));
		namespace_run("nsenter --net=/run/netns/first wg set wg0 peer %s remove", key);
		assert_int_equal(crowd_of(&first).peers, 0);
		assert_int_equal(wr_backend_wake(first.backend, &second.public_key), -ENOENT);
		return;
	}
	run_wg("show wg0 peers", "");
	namespace_run("grep -qF %s /tmp/wg.$PPID && grep -q 'status 0' /tmp/wg.$PPID", key);
	run_wg("set wg0 listen-port 4242 peer", key);
	namespace_run("! grep -q 'status 0' /tmp/wg.$PPID; rm -f /tmp/wg.$PPID");
	assert_int_not_equal(wr_backend_port(first.backend), 4242);
	assert_int_equal(crowd_of(&first).peers, 1);
}

static bool has_kernel(void)
{
	return first.kind == WR_BACKEND_KERNEL || second.kind == WR_BACKEND_KERNEL;
}

/* An interface of the kernel's that is ours was left behind: the kernel's backend goes on with it,
 * the engine's puts its own in its place. Without our alias it is another's. */
static void test_backend_takes_over_what_was_left_behind(void **state)
{
	struct end third = stranger();
	char why[200], key[WR_KEY_BASE64_LEN + 1];

	(void)state;
	if (!has_kernel())
		return;
	wr_key_to_base64(&third.public_key, key);
	namespace_run("/usr/sbin/ip -n first link add wg9 type wireguard");
	assert_int_equal(end_open(&first, "wg9", 0, why), -EEXIST);
	namespace_run("/usr/sbin/ip -n first link set wg9 alias warren");
	namespace_run("nsenter --net=/run/netns/first wg set wg9 listen-port 4242 peer %s", key);
	assert_int_equal(end_open(&first, "wg9", 0, why), 0);
	namespace_run("/usr/sbin/ip -n first link show wg9 | grep -q 'mtu 1400'");
	if (first.kind == WR_BACKEND_KERNEL) {
		assert_int_equal(wr_backend_port(first.backend), 4242);
		assert_int_equal(crowd_of(&first).peers, 1);
		assert_int_equal(wr_backend_remove_peer(first.backend, &third.public_key), 0);
	}
	assert_int_equal(crowd_of(&first).peers, 0);
	end_close(&first);
	namespace_run("! /usr/sbin/ip -n first link show wg9 2>/dev/null");
}

static void test_backend_is_the_kernels_where_there_is_one(void **state)
{
	enum wr_backend_kind kind = first.kind;
	bool is_there = has_kernel();
	char why[200];

	(void)state;
	first.kind = WR_BACKEND_AUTO;
	assert_int_equal(end_open(&first, "wg0", 0, why), 0);
	assert_int_equal(wr_backend_kind(first.backend),
			 is_there ? WR_BACKEND_KERNEL : WR_BACKEND_ENGINE);
	end_close(&first);
	first.kind = WR_BACKEND_KERNEL;
	if (!is_there) {
		assert_int_equal(end_open(&first, "wg0", 0, why), -EOPNOTSUPP);
		assert_non_null(strstr(why, "WireGuard"));
	}
	first.kind = kind;
}

/* --- The guard. --- */

static void test_backend_guards_both_directions(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000);
	int to = end_socket(&second, SECOND_INSIDE, 7000);
	static const uint8_t secret[16] = { 1 };
	/* One that was not set yet lets nothing pass. */
	struct wr_guard *guard = wr_guard_new(secret);

	(void)state;
	ends_introduce();
	ends_shake_hands();
	assert_non_null(guard);
	if (first.kind == WR_BACKEND_KERNEL) {
		assert_int_equal(wr_backend_set_guard(first.backend, guard), -EOPNOTSUPP);
		assert_null(wr_backend_retired(first.backend));
	} else {
		assert_non_null(wr_backend_retired(first.backend));
		assert_int_equal(wr_backend_set_guard(first.backend, guard), 0);
		send_to(from, SECOND_INSIDE, 7000);
		assert_false(receives(to, 200));
		send_to(to, FIRST_INSIDE, 7000);
		assert_false(receives(from, 200));
		assert_int_equal(wr_backend_set_guard(first.backend, NULL), 0);
	}
	send_to(from, SECOND_INSIDE, 7000);
	assert_true(receives(to, 3000));
	send_to(to, FIRST_INSIDE, 7000);
	assert_true(receives(from, 3000));
	wr_guard_free(guard);
	close(from);
	close(to);
}

/* `text` in force: self is the first end, tag m1 is the second. */
static void enforce(struct wr_guard *guard, const char *text)
{
	static const char *const tags[] = { "m1" };
	const struct wr_member members[] = {
		{ .slot = WR_GUARD_SELF, .name = "self", .v4 = prefix_of(FIRST_INSIDE "/32").ip },
		{ .slot = 2,
		  .name = "other",
		  .tags = tags,
		  .tag_count = 1,
		  .v4 = prefix_of(SECOND_INSIDE "/32").ip },
	};
	struct wr_prefix prefixes[] = { prefix_of(FIRST_INSIDE "/32"),
					prefix_of(SECOND_INSIDE "/32") };
	const struct wr_guard_host hosts[] = { { WR_GUARD_SELF, &prefixes[0], 1 },
					       { 2, &prefixes[1], 1 } };
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);
	struct wr_ruleset *ruleset;

	assert_non_null(policy);
	ruleset = wr_ruleset_compile_saved(policy, members, 2, 3, 1, &faults);
	assert_non_null(ruleset);
	assert_int_equal(wr_guard_set(guard, ruleset, hosts, 2, wr_backend_retired(first.backend)),
			 0);
	wr_policy_free(policy);
}

static void test_backend_guards_by_policy(void **state)
{
	int from = end_socket(&first, FIRST_INSIDE, 7000);
	int to = end_socket(&second, SECOND_INSIDE, 7000);
	int other = end_socket(&first, FIRST_INSIDE, 7001);
	static const uint8_t secret[16] = { 1 };
	struct wr_guard *guard = wr_guard_new(secret);

	(void)state;
	ends_introduce();
	ends_shake_hands();
	if (wr_backend_set_guard(first.backend, guard) == 0) {
		enforce(guard, "allow tag:m1 -> self udp 7000\ndefault deny\n");
		send_to(from, SECOND_INSIDE, 7000);
		assert_false(receives(to, 200));
		send_to(to, FIRST_INSIDE, 7001);
		assert_false(receives(other, 200));
		send_to(to, FIRST_INSIDE, 7000);
		assert_true(receives(from, 3000));
		/* What answers passes. */
		send_to(from, SECOND_INSIDE, 7000);
		assert_true(receives(to, 3000));
		enforce(guard, "allow self -> tag:m1 tcp 7000\ndefault deny\n");
	}
	/* Packets of 64 KiB at a time, where the interface has offloads. */
	assert_true(ends_carry_tcp(7000, 4 << 20));
	if (wr_backend_can_probe(first.backend))
		assert_int_equal(wr_backend_set_guard(first.backend, NULL), 0);
	wr_guard_free(guard);
	close(from);
	close(to);
	close(other);
}

#define OPENED(test) cmocka_unit_test_setup_teardown(test, ends_open, ends_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPENED(test_backend_replaces_allowed_addresses),
		OPENED(test_backend_removes_a_peer),
		OPENED(test_backend_is_no_peer_of_itself),
		OPENED(test_backend_holds_many_peers),
		OPENED(test_backend_needs_the_same_preshared_key),
		OPENED(test_backend_takes_another_key),
		OPENED(test_backend_keeps_a_peer_alive),
		OPENED(test_backend_is_seen_by_wg),
		cmocka_unit_test(test_backend_takes_over_what_was_left_behind),
		cmocka_unit_test(test_backend_is_the_kernels_where_there_is_one),
		OPENED(test_backend_guards_both_directions),
		OPENED(test_backend_guards_by_policy),
	};

	return cmocka_run_group_tests(tests, ends_enter, ends_leave);
}
