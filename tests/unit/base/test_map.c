#include "base/map.h"

#include "unit.h"

#define KEYS 512

/* A naive twin: an array by key. */
static void test_map_equals_a_naive_table(void **state)
{
	struct unit_random random = unit_random_start("map");
	struct wr_map map = { 0 };
	uintptr_t twin[KEYS] = { 0 };
	size_t count = 0;

	(void)state;
	for (unsigned i = 1; i < 100000; i++) {
		uint64_t key = unit_random_below(&random, KEYS);

		if (unit_random_below(&random, 2)) {
			assert_true(wr_map_put(&map, key, (void *)(uintptr_t)i));
			count += !twin[key];
			twin[key] = i;
		} else {
			assert_int_equal((uintptr_t)wr_map_take(&map, key), twin[key]);
			count -= twin[key] != 0;
			twin[key] = 0;
		}
		key = unit_random_below(&random, KEYS);
		assert_int_equal((uintptr_t)wr_map_get(&map, key), twin[key]);
		assert_int_equal(map.count, count);
	}
	wr_map_done(&map);
}

static void test_map_next_gives_each_value_once(void **state)
{
	struct wr_map map = { 0 };
	bool seen[KEYS] = { false };
	size_t at = 0;
	void *value;

	(void)state;
	for (uintptr_t i = 1; i < KEYS; i++)
		assert_true(wr_map_put(&map, i << 40, (void *)i));
	while ((value = wr_map_next(&map, &at))) {
		assert_false(seen[(uintptr_t)value]);
		seen[(uintptr_t)value] = true;
	}
	for (size_t i = 1; i < KEYS; i++)
		assert_true(seen[i]);
	wr_map_done(&map);
}

static void test_map_empty_has_nothing(void **state)
{
	struct wr_map map = { 0 };
	size_t at = 0;

	(void)state;
	assert_null(wr_map_get(&map, 0));
	assert_null(wr_map_take(&map, 0));
	assert_null(wr_map_next(&map, &at));
	wr_map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_equals_a_naive_table),
		cmocka_unit_test(test_map_next_gives_each_value_once),
		cmocka_unit_test(test_map_empty_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
