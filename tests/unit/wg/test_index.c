#include "wg/index.h"

#include <pthread.h>

#include "unit.h"

#define ENTRIES 5000

static struct wr_retire_list retire;

static void table_start(struct wr_index_table *table)
{
	assert_true(wr_index_init(table));
}

static void table_end(struct wr_index_table *table)
{
	wr_index_done(table);
	wr_retire_free_all(&retire);
}

static void test_index_finds_what_was_added(void **state)
{
	struct wr_index_entry *entries = test_calloc(ENTRIES, sizeof(*entries));
	struct wr_index_table table;

	(void)state;
	table_start(&table);
	for (size_t i = 0; i < ENTRIES; i++)
		assert_true(wr_index_add(&table, &entries[i], i * 7, &retire));
	assert_int_equal(table.count, ENTRIES);
	for (size_t i = 0; i < ENTRIES; i++) {
		assert_ptr_equal(wr_index_find(&table, entries[i].index), &entries[i]);
		/* Another index of the same slot is nobody's. */
		assert_null(wr_index_find(&table, entries[i].index ^ UINT32_C(0x80000000)));
	}
	table_end(&table);
	test_free(entries);
}

/* Equal seeds: each draws on until it finds an index of its own. */
static void test_index_add_never_gives_an_index_twice(void **state)
{
	struct wr_index_entry entries[100];
	struct wr_index_table table;

	(void)state;
	table_start(&table);
	for (size_t i = 0; i < WR_ARRAY_LEN(entries); i++) {
		assert_true(wr_index_add(&table, &entries[i], 42, &retire));
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(entries[i].index, entries[j].index);
	}
	table_end(&table);
}

static void test_index_remove_lets_go(void **state)
{
	struct wr_index_entry a, b;
	struct wr_index_table table;

	(void)state;
	table_start(&table);
	assert_true(wr_index_add(&table, &a, 1, &retire));
	assert_true(wr_index_add(&table, &b, 2, &retire));
	wr_index_remove(&table, &a);
	assert_int_equal(table.count, 1);
	assert_null(wr_index_find(&table, a.index));
	assert_ptr_equal(wr_index_find(&table, b.index), &b);
	table_end(&table);
}

static void test_index_replace_hands_the_index_over(void **state)
{
	struct wr_index_entry handshake = { .kind = WR_INDEX_HANDSHAKE };
	struct wr_index_entry session = { .kind = WR_INDEX_SESSION };
	struct wr_index_table table;

	(void)state;
	table_start(&table);
	assert_true(wr_index_add(&table, &handshake, 1, &retire));
	wr_index_replace(&table, &handshake, &session);
	assert_int_equal(session.index, handshake.index);
	assert_ptr_equal(wr_index_find(&table, handshake.index), &session);
	assert_int_equal(session.kind, WR_INDEX_SESSION);
	assert_int_equal(table.count, 1);
	table_end(&table);
}

/* Against an array that is searched. */
static void test_index_equals_a_list(void **state)
{
	struct unit_random random = unit_random_start("index");
	struct wr_index_entry *entries = test_calloc(ENTRIES, sizeof(*entries));
	bool *is_in = test_calloc(ENTRIES, sizeof(*is_in));
	struct wr_index_table table;
	uint32_t count = 0;

	(void)state;
	table_start(&table);
	for (unsigned round = 0; round < 100000; round++) {
		size_t i = unit_random_below(&random, ENTRIES);
		struct wr_index_entry *found = wr_index_find(&table, entries[i].index);

		if (is_in[i]) {
			assert_ptr_equal(found, &entries[i]);
			wr_index_remove(&table, &entries[i]);
			count--;
		} else {
			assert_ptr_not_equal(found, &entries[i]);
			assert_true(wr_index_add(&table, &entries[i], unit_random_next(&random),
						 &retire));
			count++;
		}
		is_in[i] = !is_in[i];
		assert_int_equal(table.count, count);
	}
	table_end(&table);
	test_free(entries);
	test_free(is_in);
}

struct reader {
	const struct wr_index_table *table;
	const struct wr_index_entry *stays;
	_Atomic bool is_over;
	size_t misses;
};

static void *read_on(void *argument)
{
	struct reader *reader = argument;

	while (!atomic_load(&reader->is_over))
		reader->misses += wr_index_find(reader->table, reader->stays->index) !=
				  reader->stays;
	return NULL;
}

/* While the table grows and entries come and go, one that stays is always found. */
static void test_index_find_never_misses_while_the_table_changes(void **state)
{
	struct wr_index_entry *entries = test_calloc(ENTRIES, sizeof(*entries));
	struct wr_index_entry stays;
	struct wr_index_table table;
	struct reader reader = { .table = &table, .stays = &stays };
	pthread_t thread;

	(void)state;
	table_start(&table);
	assert_true(wr_index_add(&table, &stays, 99, &retire));
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (unsigned round = 0; round < 20; round++) {
		for (size_t i = 0; i < ENTRIES; i++)
			assert_true(wr_index_add(&table, &entries[i], round + i, &retire));
		for (size_t i = 0; i < ENTRIES; i++)
			wr_index_remove(&table, &entries[i]);
	}
	atomic_store(&reader.is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.misses, 0);
	table_end(&table);
	test_free(entries);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_finds_what_was_added),
		cmocka_unit_test(test_index_add_never_gives_an_index_twice),
		cmocka_unit_test(test_index_remove_lets_go),
		cmocka_unit_test(test_index_replace_hands_the_index_over),
		cmocka_unit_test(test_index_equals_a_list),
		cmocka_unit_test(test_index_find_never_misses_while_the_table_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
