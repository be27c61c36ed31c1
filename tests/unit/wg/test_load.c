/* Ten thousand keys on one port, and strangers who throw garbage at it. */
#include "link.h"
#include "unit.h"
#include "wg/match.h"

#define KEYS 10000
#define SAMPLES 40
/* What a scan of all keys costs: see wg/match.c. */
#define SCAN_TOKENS ((KEYS + 63) / 64)

struct crowd {
	struct link link; /* A initiates; B is not used */
	struct wr_port *port;
	struct wr_device *devices[KEYS];
};

static struct wr_key private_key_of(uint32_t number)
{
	struct wr_key key = { { 8, 9 } };

	memcpy(key.bytes + 4, &number, sizeof(number));
	wr_x25519_clamp(&key);
	return key;
}

static int crowd_start(void **state)
{
	static const struct wr_siphash_key hash_key = { { 5 } };
	struct crowd *crowd = aligned_alloc(_Alignof(struct crowd), sizeof(*crowd));
	struct wr_key a_public;

	assert_non_null(crowd);
	link_start(&crowd->link);
	a_public = crowd->link.a.device->identity.public_key;
	crowd->port = wr_port_new(&wr_timing_paper, &hash_key);
	assert_non_null(crowd->port);
	for (uint32_t i = 0; i < KEYS; i++) {
		struct wr_key key = private_key_of(i);

		crowd->devices[i] = wr_device_new(crowd->port);
		assert_non_null(crowd->devices[i]);
		assert_int_equal(wr_device_set_private_key(crowd->devices[i], &key), 0);
		wr_device_set_up(crowd->devices[i], true, crowd->link.moment.now);
		assert_non_null(wr_device_add_peer(crowd->devices[i], &a_public));
	}
	*state = crowd;
	return 0;
}

static int crowd_end(void **state)
{
	struct crowd *crowd = *state;

	wr_port_free(crowd->port);
	link_end(&crowd->link);
	free(crowd);
	return 0;
}

/* A's initiation to a device of the crowd. */
static void initiate(struct crowd *crowd, size_t device, struct wr_output *ret)
{
	struct link *link = &crowd->link;
	const struct wr_key *public_key = &crowd->devices[device]->identity.public_key;

	link->a.peer = wr_device_find_peer(link->a.device, public_key);
	if (!link->a.peer)
		link->a.peer = wr_device_add_peer(link->a.device, public_key);
	assert_non_null(link->a.peer);
	wr_peer_set_endpoint(link->a.peer, &link->b.address);
	end_initiate(link, &link->a, ret);
}

static enum wr_verdict input(struct crowd *crowd, const struct wr_output *message,
			     const struct wr_endpoint *from, struct wr_output *ret)
{
	struct wr_entropy entropy = link_entropy(&crowd->link);

	return wr_port_input(crowd->port, (struct wr_bytes){ message->datagram, message->len },
			     from, false, &crowd->link.moment, &entropy, ret);
}

static struct wr_endpoint source(uint32_t number)
{
	struct wr_endpoint endpoint = test_endpoint("0.0.0.0:999");

	endpoint.ip.bytes[0] = 20;
	memcpy(endpoint.ip.bytes + 1, &number, 3);
	return endpoint;
}

static void test_load_finds_each_device_among_ten_thousand(void **state)
{
	struct crowd *crowd = *state;
	struct wr_output initiation, output;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		size_t device = (size_t)i * (KEYS / SAMPLES) + i;
		struct wr_endpoint from = source(i);

		initiate(crowd, device, &initiation);
		assert_int_equal(input(crowd, &initiation, &from, &output), WR_TAKEN);
		assert_ptr_equal(output.peer->device, crowd->devices[device]);
	}
}

/* Whoever is found pays nothing: one address can be many machines. */
static void test_load_takes_no_tokens_of_who_is_found(void **state)
{
	struct crowd *crowd = *state;
	struct wr_output initiation, output;
	struct wr_endpoint from = source(0x111111);

	link_advance(&crowd->link, 10 * S);
	for (uint16_t i = 0; i < 100; i++) {
		initiate(crowd, 5000u + i, &initiation);
		from.port = i;
		assert_int_equal(input(crowd, &initiation, &from, &output), WR_TAKEN);
	}
}

static unsigned throw_garbage(struct crowd *crowd, unsigned count, uint32_t first_source,
			      uint32_t step)
{
	struct wr_output garbage = { .len = WR_INITIATION_LEN };
	struct wr_output output;
	unsigned scans = 0;

	for (unsigned i = 0; i < count; i++) {
		struct wr_endpoint from = source(first_source + i * step);
		enum wr_verdict verdict;

		unit_random_bytes(&crowd->link.random, garbage.datagram, garbage.len);
		memcpy(garbage.datagram, (uint8_t[]){ WR_MESSAGE_INITIATION, 0, 0, 0 }, 4);
		verdict = input(crowd, &garbage, &from, &output);
		assert_true(verdict == WR_DROP_MAC1 || verdict == WR_DROP_BUDGET);
		scans += verdict == WR_DROP_MAC1;
	}
	return scans;
}

static void test_load_bounds_scans_for_one_prefix(void **state)
{
	struct crowd *crowd = *state;
	unsigned bound = wr_match_budget.per_second / SCAN_TOKENS;
	unsigned scans;

	link_advance(&crowd->link, 10 * S);
	/* Bytes 1 to 3 are little-endian: the last is the host's. */
	scans = throw_garbage(crowd, 200, 0x0a, 0x10000);
	assert_int_equal(scans, bound);
	link_advance(&crowd->link, S);
	scans = throw_garbage(crowd, 200, 0x0a, 0x10000);
	assert_true(scans + 1 >= bound);
	assert_true(scans <= bound + 1);
}

static void test_load_bounds_scans_for_all(void **state)
{
	struct crowd *crowd = *state;
	unsigned bound = wr_match_budget.all_per_second / SCAN_TOKENS;
	unsigned scans;

	link_advance(&crowd->link, 10 * S);
	scans = throw_garbage(crowd, 2000, 1, 1);
	assert_int_equal(scans, bound);
}

/* While strangers use the budget up, who was here before is let in. */
static void test_load_flood_does_not_keep_known_sources_out(void **state)
{
	struct crowd *crowd = *state;
	struct wr_endpoint known = source(0x222222), stranger = source(0x333333);
	struct wr_output initiation, output;

	link_advance(&crowd->link, 10 * S);
	initiate(crowd, 7777, &initiation);
	assert_int_equal(input(crowd, &initiation, &known, &output), WR_TAKEN);
	link_advance(&crowd->link, 10 * S);
	throw_garbage(crowd, 2000, 1, 1);
	initiate(crowd, 7777, &initiation);
	assert_int_equal(input(crowd, &initiation, &known, &output), WR_TAKEN);
	assert_ptr_equal(output.peer->device, crowd->devices[7777]);
	initiate(crowd, 7778, &initiation);
	assert_int_equal(input(crowd, &initiation, &stranger, &output), WR_DROP_BUDGET);
}

/* The source's last key has gone, and its slot has a new owner. */
static void test_load_stale_source_is_looked_up_again(void **state)
{
	struct crowd *crowd = *state;
	struct wr_endpoint from = source(0x444444);
	struct wr_key key = private_key_of(KEYS + 1);
	struct wr_output initiation, output;

	link_advance(&crowd->link, 10 * S);
	initiate(crowd, 42, &initiation);
	assert_int_equal(input(crowd, &initiation, &from, &output), WR_TAKEN);
	assert_int_equal(wr_device_set_private_key(crowd->devices[42], &key), 0);
	link_advance(&crowd->link, 10 * S);
	initiate(crowd, 42, &initiation);
	assert_int_equal(input(crowd, &initiation, &from, &output), WR_TAKEN);
	assert_ptr_equal(output.peer->device, crowd->devices[42]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load_finds_each_device_among_ten_thousand),
		cmocka_unit_test(test_load_takes_no_tokens_of_who_is_found),
		cmocka_unit_test(test_load_bounds_scans_for_one_prefix),
		cmocka_unit_test(test_load_bounds_scans_for_all),
		cmocka_unit_test(test_load_flood_does_not_keep_known_sources_out),
		cmocka_unit_test(test_load_stale_source_is_looked_up_again),
	};

	return cmocka_run_group_tests(tests, crowd_start, crowd_end);
}
