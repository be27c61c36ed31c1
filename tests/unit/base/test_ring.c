#include "base/ring.h"

#include <pthread.h>
#include <sched.h>

#include "unit.h"

static struct wr_bytes text(const char *string)
{
	return (struct wr_bytes){ (const uint8_t *)string, strlen(string) };
}

static const struct wr_bytes nothing = { 0 };

static void test_ring_gives_records_back_in_order(void **state)
{
	struct wr_ring *ring = wr_ring_new(128);
	struct wr_bytes record;

	(void)state;
	assert_false(wr_ring_peek(ring, &record));
	assert_true(wr_ring_push(ring, text("head"), text("body")));
	assert_true(wr_ring_push(ring, nothing, text("second")));
	assert_true(wr_ring_push(ring, nothing, nothing));
	for (unsigned i = 0; i < 2; i++) {
		assert_true(wr_ring_peek(ring, &record));
		assert_int_equal(record.len, 8);
		assert_memory_equal(record.data, "headbody", 8);
		assert_int_equal((uintptr_t)record.data % 8, 0);
	}
	wr_ring_pop(ring);
	assert_true(wr_ring_peek(ring, &record));
	assert_int_equal(record.len, 6);
	assert_memory_equal(record.data, "second", 6);
	wr_ring_pop(ring);
	assert_true(wr_ring_peek(ring, &record));
	assert_int_equal(record.len, 0);
	wr_ring_pop(ring);
	assert_false(wr_ring_peek(ring, &record));
	assert_null(wr_ring_free(ring));
	assert_null(wr_ring_free(NULL));
}

static void test_ring_push_refuses_when_full_and_changes_nothing(void **state)
{
	struct wr_ring *ring = wr_ring_new(64);
	struct wr_bytes record;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_true(wr_ring_push(ring, text("12345678"), nothing));
	assert_false(wr_ring_push(ring, nothing, nothing));
	assert_true(wr_ring_peek(ring, &record));
	wr_ring_pop(ring);
	assert_false(wr_ring_push(ring, text("123456789"), nothing));
	assert_true(wr_ring_push(ring, text("abcdefgh"), nothing));
	for (unsigned i = 0; i < 4; i++) {
		assert_true(wr_ring_peek(ring, &record));
		assert_memory_equal(record.data, i < 3 ? "12345678" : "abcdefgh", 8);
		wr_ring_pop(ring);
	}
	assert_false(wr_ring_peek(ring, &record));
	wr_ring_free(ring);
}

/* Wherever the indices stand, an empty ring takes a record of the promised size. */
static void test_ring_empty_takes_the_longest_record_anywhere(void **state)
{
	static const uint8_t zeros[1024];
	struct wr_bytes record;

	(void)state;
	for (size_t skip = 0; skip < 128; skip++) {
		struct wr_ring *ring = wr_ring_new(1024);

		for (size_t i = 0; i < skip; i++) {
			assert_true(wr_ring_push(ring, nothing, nothing));
			assert_true(wr_ring_peek(ring, &record));
			wr_ring_pop(ring);
		}
		assert_true(wr_ring_push(ring, (struct wr_bytes){ zeros, wr_ring_record_max(ring) },
					 nothing));
		assert_true(wr_ring_peek(ring, &record));
		assert_int_equal(record.len, wr_ring_record_max(ring));
		wr_ring_free(ring);
	}
}

static void test_ring_refuses_lengths_that_would_wrap(void **state)
{
	struct wr_ring *ring = wr_ring_new(64);
	struct wr_bytes huge = { (const uint8_t *)"", SIZE_MAX - 4 };

	(void)state;
	assert_false(wr_ring_push(ring, huge, nothing));
	assert_false(wr_ring_push(ring, nothing, huge));
	assert_false(wr_ring_push(ring, huge, huge));
	wr_ring_free(ring);
}

/* A queue that is obviously right. */
struct naive {
	uint8_t data[4096][64];
	size_t len[4096];
	size_t first, last;
};

static void naive_check_first(struct naive *naive, struct wr_ring *ring)
{
	struct wr_bytes record;

	assert_int_equal(wr_ring_peek(ring, &record), naive->first != naive->last);
	if (naive->first == naive->last)
		return;
	assert_int_equal(record.len, naive->len[naive->first % 4096]);
	assert_memory_equal(record.data, naive->data[naive->first % 4096], record.len);
	wr_ring_pop(ring);
	naive->first++;
}

static void test_ring_equals_a_naive_queue(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	struct wr_ring *ring = wr_ring_new(1024);
	static struct naive naive;

	(void)state;
	for (unsigned step = 0; step < 200000; step++) {
		uint8_t bytes[64];
		size_t len = unit_random_below(&random, sizeof(bytes) + 1);
		size_t cut = unit_random_below(&random, len + 1);

		if (unit_random_below(&random, 2)) {
			naive_check_first(&naive, ring);
			continue;
		}
		unit_random_bytes(&random, bytes, len);
		if (wr_ring_push(ring, (struct wr_bytes){ bytes, cut },
				 (struct wr_bytes){ bytes + cut, len - cut })) {
			memcpy(naive.data[naive.last % 4096], bytes, len);
			naive.len[naive.last++ % 4096] = len;
		} else {
			assert_true(naive.first != naive.last);
		}
	}
	wr_ring_free(ring);
}

#define RECORDS 300000

/* Record `number`: its length and bytes follow from the number. */
static size_t make_record(uint32_t number, uint8_t ret[64])
{
	size_t len = 4 + number * UINT32_C(2654435761) % 61;

	memset(ret, (int)(number & 0xff), len);
	memcpy(ret, &number, 4);
	return len;
}

static void *produce(void *argument)
{
	struct wr_ring *ring = argument;

	for (uint32_t number = 0; number < RECORDS; number++) {
		uint8_t bytes[64];
		size_t len = make_record(number, bytes);

		while (!wr_ring_push(ring, (struct wr_bytes){ bytes, 3 },
				     (struct wr_bytes){ bytes + 3, len - 3 }))
			sched_yield();
	}
	return NULL;
}

static void test_ring_carries_records_between_two_threads(void **state)
{
	struct wr_ring *ring = wr_ring_new(1024);
	pthread_t producer;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
	for (uint32_t number = 0; number < RECORDS; number++) {
		struct wr_bytes record;
		uint8_t want[64];

		while (!wr_ring_peek(ring, &record))
			sched_yield();
		assert_int_equal(record.len, make_record(number, want));
		assert_memory_equal(record.data, want, record.len);
		wr_ring_pop(ring);
	}
	assert_int_equal(pthread_join(producer, NULL), 0);
	wr_ring_free(ring);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_gives_records_back_in_order),
		cmocka_unit_test(test_ring_push_refuses_when_full_and_changes_nothing),
		cmocka_unit_test(test_ring_empty_takes_the_longest_record_anywhere),
		cmocka_unit_test(test_ring_refuses_lengths_that_would_wrap),
		cmocka_unit_test(test_ring_equals_a_naive_queue),
		cmocka_unit_test(test_ring_carries_records_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
