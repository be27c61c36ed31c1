#include "crypto/mac1.h"

#include "crypto/crypto.h"
#include "crypto/mac1_lanes.h"
#include "crypto/noise.h"
#include "unit.h"

/* The definition: WireGuard paper, section 5.4.4. */
static struct wr_mac naive_mac1(const struct wr_key *public_key, const uint8_t *input)
{
	struct wr_hash key = wr_hash2((struct wr_bytes){ (const uint8_t *)"mac1----", 8 },
				      (struct wr_bytes){ public_key->bytes, WR_KEY_LEN });

	return wr_mac16((struct wr_bytes){ key.bytes, sizeof(key.bytes) },
			(struct wr_bytes){ input, WR_MAC1_INPUT_LEN });
}

static void for_all(void (*run)(const struct wr_mac1_code *code, struct unit_random *random),
		    const char *name)
{
	const struct wr_mac1_code *const *codes = wr_mac1_codes();

	for (size_t i = 0; codes[i]; i++) {
		struct unit_random random = unit_random_start(name);

		print_message("code: %s\n", codes[i]->name);
		run(codes[i], &random);
	}
}

static void run_empty(const struct wr_mac1_code *code, struct unit_random *random)
{
	struct wr_mac1_set *set = wr_mac1_set_new_with(code);
	uint8_t input[WR_MAC1_INPUT_LEN], mac[16];

	unit_random_bytes(random, input, sizeof(input));
	unit_random_bytes(random, mac, sizeof(mac));
	assert_int_equal(wr_mac1_set_count(set), 0);
	assert_int_equal(wr_mac1_set_find(set, input, mac), WR_MAC1_NONE);
	assert_null(wr_mac1_set_free(set));
	assert_null(wr_mac1_set_free(NULL));
}

static void test_mac1_finds_nothing_in_an_empty_set(void **state)
{
	(void)state;
	for_all(run_empty, __func__);
}

#define KEYS 1000

/* Every key is found by its own mac1, in its slot and in no other; a mac1 with a
 * flipped bit is found nowhere. */
static void run_each_key(const struct wr_mac1_code *code, struct unit_random *random)
{
	struct wr_mac1_set *set = wr_mac1_set_new_with(code);
	static struct wr_key keys[KEYS];

	unit_random_bytes(random, keys, sizeof(keys));
	for (size_t i = 0; i < KEYS; i++)
		assert_int_equal(wr_mac1_set_add(set, &keys[i]), i);
	assert_int_equal(wr_mac1_set_count(set), KEYS);
	for (size_t i = 0; i < KEYS; i++) {
		uint8_t input[WR_MAC1_INPUT_LEN];
		struct wr_mac mac;

		unit_random_bytes(random, input, sizeof(input));
		mac = naive_mac1(&keys[i], input);
		assert_int_equal(wr_mac1_set_find(set, input, mac.bytes), i);
		assert_true(wr_mac1_set_check(set, i, input, mac.bytes));
		assert_false(wr_mac1_set_check(set, (i + 1) % KEYS, input, mac.bytes));
		mac.bytes[unit_random_below(random, 16)] ^= 0x10;
		assert_int_equal(wr_mac1_set_find(set, input, mac.bytes), WR_MAC1_NONE);
		assert_false(wr_mac1_set_check(set, i, input, mac.bytes));
	}
	wr_mac1_set_free(set);
}

static void test_mac1_finds_the_key_of_each_mac(void **state)
{
	(void)state;
	for_all(run_each_key, __func__);
}

struct naive_set {
	struct wr_key keys[200];
	bool is_used[200];
	size_t count;
};

static size_t naive_find(const struct naive_set *set, const uint8_t *input, const uint8_t *mac)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(set->keys); i++) {
		if (!set->is_used[i])
			continue;
		if (memcmp(naive_mac1(&set->keys[i], input).bytes, mac, 16) == 0)
			return i;
	}
	return WR_MAC1_NONE;
}

static void step(struct wr_mac1_set *set, struct naive_set *naive, struct unit_random *random)
{
	size_t at = unit_random_below(random, WR_ARRAY_LEN(naive->keys));

	if (naive->is_used[at]) {
		wr_mac1_set_remove(set, at);
		naive->is_used[at] = false;
		naive->count--;
	} else if (naive->count < WR_ARRAY_LEN(naive->keys) - WR_MAC1_LANES) {
		struct wr_key key;
		size_t slot;

		unit_random_bytes(random, key.bytes, sizeof(key.bytes));
		slot = wr_mac1_set_add(set, &key);
		assert_true(slot < WR_ARRAY_LEN(naive->keys));
		assert_false(naive->is_used[slot]);
		naive->is_used[slot] = true;
		naive->keys[slot] = key;
		naive->count++;
	}
	assert_int_equal(wr_mac1_set_count(set), naive->count);
}

/* Keys come and go; the mac1 of a key that has gone is found no more. */
static void run_random(const struct wr_mac1_code *code, struct unit_random *random)
{
	struct wr_mac1_set *set = wr_mac1_set_new_with(code);
	static struct naive_set naive;

	memset(&naive, 0, sizeof(naive));
	for (unsigned round = 0; round < 3000; round++) {
		size_t at = unit_random_below(random, WR_ARRAY_LEN(naive.keys));
		uint8_t input[WR_MAC1_INPUT_LEN];
		struct wr_mac mac;

		step(set, &naive, random);
		unit_random_bytes(random, input, sizeof(input));
		mac = naive_mac1(&naive.keys[at], input);
		assert_int_equal(wr_mac1_set_find(set, input, mac.bytes),
				 naive_find(&naive, input, mac.bytes));
	}
	wr_mac1_set_free(set);
}

static void test_mac1_equals_its_naive_twin_as_keys_come_and_go(void **state)
{
	(void)state;
	for_all(run_random, __func__);
}

/* Slots stay as they are while the set grows. */
static void run_stable(const struct wr_mac1_code *code, struct unit_random *random)
{
	struct wr_mac1_set *set = wr_mac1_set_new_with(code);
	uint8_t input[WR_MAC1_INPUT_LEN];
	struct wr_key first, key;
	struct wr_mac mac;
	size_t slot;

	unit_random_bytes(random, first.bytes, sizeof(first.bytes));
	unit_random_bytes(random, input, sizeof(input));
	mac = naive_mac1(&first, input);
	slot = wr_mac1_set_add(set, &first);
	for (unsigned i = 0; i < 5000; i++) {
		unit_random_bytes(random, key.bytes, sizeof(key.bytes));
		assert_int_not_equal(wr_mac1_set_add(set, &key), slot);
	}
	assert_int_equal(wr_mac1_set_find(set, input, mac.bytes), slot);
	wr_mac1_set_free(set);
}

static void test_mac1_slots_stay_as_the_set_grows(void **state)
{
	(void)state;
	for_all(run_stable, __func__);
}

/* The same public key twice: either slot will do, and both can be removed. */
static void test_mac1_takes_a_key_twice(void **state)
{
	struct wr_mac1_set *set = wr_mac1_set_new();
	static const uint8_t input[WR_MAC1_INPUT_LEN];
	struct wr_key key = { { 7 } };
	struct wr_mac mac = naive_mac1(&key, input);
	size_t a = wr_mac1_set_add(set, &key), b = wr_mac1_set_add(set, &key);

	(void)state;
	assert_int_not_equal(a, b);
	wr_mac1_set_remove(set, a);
	assert_int_equal(wr_mac1_set_find(set, input, mac.bytes), b);
	wr_mac1_set_remove(set, b);
	assert_int_equal(wr_mac1_set_find(set, input, mac.bytes), WR_MAC1_NONE);
	assert_int_equal(wr_mac1_set_add(set, &key), 0);
	wr_mac1_set_free(set);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac1_finds_nothing_in_an_empty_set),
		cmocka_unit_test(test_mac1_finds_the_key_of_each_mac),
		cmocka_unit_test(test_mac1_equals_its_naive_twin_as_keys_come_and_go),
		cmocka_unit_test(test_mac1_slots_stay_as_the_set_grows),
		cmocka_unit_test(test_mac1_takes_a_key_twice),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
