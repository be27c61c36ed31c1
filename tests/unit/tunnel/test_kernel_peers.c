/* What changes in the kernel's answers mean. */
#include "tunnel/kernel_peers.h"

#include "unit.h"

static const struct wr_key key = { { 5 } };
static struct wr_instant now = { 1000 };

static struct wr_endpoint at(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

#define RELAY "192.0.2.1:1"
#define DIRECT "198.51.100.2:2"

/* What was known, what was done, what is seen, and what it means. */
struct change {
	const char *name;
	const char *known;  /* its endpoint at the last look */
	const char *set;    /* since then; NULL: nothing */
	bool has_base;      /* and a look followed, that saw nothing new */
	const char *seen;   /* its endpoint */
	uint64_t handshake; /* 100 at the last look */
	uint64_t received;  /* 1,000 then */
	bool has_shaken, is_heard;
};

static const struct change changes[] = {
	{ "nothing", RELAY, NULL, false, RELAY, 100, 1000, false, false },
	{ "packets from where it was", RELAY, NULL, false, RELAY, 100, 2000, false, false },
	{ "a handshake", RELAY, NULL, false, RELAY, 200, 2000, true, true },
	{ "it moved", RELAY, NULL, false, DIRECT, 100, 2000, false, true },
	{ "set, and silent", RELAY, DIRECT, true, DIRECT, 100, 1000, false, false },
	{ "set, and packets come", RELAY, DIRECT, true, DIRECT, 100, 1032, false, true },
	{ "set, and a handshake", RELAY, DIRECT, true, DIRECT, 200, 1092, true, true },
	{ "set, and it is where it was", RELAY, DIRECT, true, RELAY, 100, 1032, false, true },
	/* They may have come before it was set. */
	{ "set, and packets at once", RELAY, DIRECT, false, DIRECT, 100, 1032, false, false },
	{ "set, and a handshake at once", RELAY, DIRECT, false, DIRECT, 200, 1092, true, false },
	{ "set, and it moved back at once", RELAY, DIRECT, false, RELAY, 100, 1032, false, true },
	{ "its first endpoint", NULL, NULL, false, DIRECT, 200, 1092, true, true },
	{ "it still has none", NULL, NULL, false, NULL, 100, 1000, false, false },
};

static struct wr_wgnl_sight sight_of(const char *endpoint, uint64_t handshake, uint64_t received)
{
	struct wr_wgnl_sight sight = { .public_key = key,
				       .latest_handshake = { handshake },
				       .rx_bytes = received };

	if (endpoint)
		sight.endpoint = at(endpoint);
	return sight;
}

static struct wr_kernel_change see(struct wr_kernel_peers *peers, const struct wr_wgnl_sight *sight)
{
	struct wr_kernel_peer *peer = wr_kernel_peers_add(peers, &key);

	wr_kernel_peers_begin(peers);
	return wr_kernel_peer_see(peers, peer, sight, now);
}

static void check(const struct change *change)
{
	struct wr_kernel_peers peers = { 0 };
	struct wr_wgnl_sight sight = sight_of(change->known, 100, 1000);
	struct wr_kernel_peer *peer;
	struct wr_kernel_change got;

	print_message("%s\n", change->name);
	see(&peers, &sight);
	peer = wr_kernel_peers_find(&peers, &key);
	if (change->set) {
		peer->sight.endpoint = at(change->set);
		peer->is_set = peer->is_tried = true;
	}
	if (change->has_base) {
		sight = sight_of(change->set, 100, 1000);
		assert_false(see(&peers, &sight).is_heard);
	}
	sight = sight_of(change->seen, change->handshake, change->received);
	got = see(&peers, &sight);
	assert_int_equal(got.has_shaken, change->has_shaken);
	assert_int_equal(got.is_heard, change->is_heard);
	assert_int_equal(got.bytes, change->received - 1000);
	/* Once. */
	got = see(&peers, &sight);
	assert_false(got.has_shaken || got.is_heard || got.bytes);
	wr_kernel_peers_done(&peers);
}

static void test_kernel_peers_tell_what_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(changes); i++)
		check(&changes[i]);
}

static void test_kernel_peers_are_found_by_key(void **state)
{
	struct wr_kernel_peers peers = { 0 };
	struct unit_random random = unit_random_start("kernel peers");
	struct wr_key keys[200];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(keys); i++) {
		unit_random_bytes(&random, &keys[i], sizeof(keys[i]));
		assert_null(wr_kernel_peers_find(&peers, &keys[i]));
		assert_non_null(wr_kernel_peers_add(&peers, &keys[i]));
	}
	assert_int_equal(peers.count, WR_ARRAY_LEN(keys));
	for (size_t i = 0; i < WR_ARRAY_LEN(keys); i += 2)
		wr_kernel_peers_remove(&peers, &keys[i]);
	assert_int_equal(peers.count, WR_ARRAY_LEN(keys) / 2);
	for (size_t i = 0; i < WR_ARRAY_LEN(keys); i++) {
		struct wr_kernel_peer *peer = wr_kernel_peers_find(&peers, &keys[i]);

		assert_int_equal(peer != NULL, i % 2);
		if (peer)
			assert_true(wr_key_equal(&peer->sight.public_key, &keys[i]));
	}
	wr_kernel_peers_done(&peers);
}

static void test_kernel_peers_not_seen_are_gone(void **state)
{
	struct wr_kernel_peers peers = { 0 };
	struct wr_wgnl_sight sight = sight_of(RELAY, 0, 0);
	struct wr_wgnl_sight more = { .public_key = key, .is_more = true, .allowed_count = 7 };

	(void)state;
	assert_non_null(wr_kernel_peers_add(&peers, &(struct wr_key){ { 9 } }));
	sight.allowed_count = 3;
	see(&peers, &sight);
	/* The rest of its allowed-ips, in another message. */
	wr_kernel_peer_see(&peers, wr_kernel_peers_find(&peers, &key), &more, now);
	wr_kernel_peers_end(&peers);
	assert_int_equal(peers.count, 1);
	assert_int_equal(wr_kernel_peers_find(&peers, &key)->sight.allowed_count, 10);
	wr_kernel_peers_done(&peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_peers_tell_what_changed),
		cmocka_unit_test(test_kernel_peers_are_found_by_key),
		cmocka_unit_test(test_kernel_peers_not_seen_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
