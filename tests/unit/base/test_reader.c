#include "base/reader.h"

#include "unit.h"

static const uint8_t ten[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

static void test_reader_reads_in_order(void **state)
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ ten, sizeof(ten) });
	struct wr_bytes run;

	(void)state;
	assert_int_equal(wr_read_u8(&reader), 1);
	assert_int_equal(wr_read_be32(&reader), 0x02030405);
	assert_int_equal(wr_read_le32(&reader), 0x09080706);
	assert_false(wr_reader_done(&reader));
	run = wr_read_bytes(&reader, 1);
	assert_ptr_equal(run.data, ten + 9);
	assert_int_equal(run.len, 1);
	assert_true(wr_reader_done(&reader));
}

static void test_reader_stays_bad_after_a_short_read(void **state)
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ ten, 3 });
	uint8_t into[2] = { 77, 77 };

	(void)state;
	assert_int_equal(wr_read_be32(&reader), 0);
	assert_true(reader.bad);
	assert_int_equal(wr_read_u8(&reader), 0);
	assert_int_equal(wr_read_bytes(&reader, 1).len, 0);
	wr_read_into(&reader, into, sizeof(into));
	assert_int_equal(into[0], 77);
	assert_false(wr_reader_done(&reader));
}

static void test_reader_takes_an_empty_input(void **state)
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ NULL, 0 });

	(void)state;
	assert_true(wr_reader_done(&reader));
	assert_int_equal(wr_read_u8(&reader), 0);
	assert_false(wr_reader_done(&reader));
}

static void test_reader_refuses_a_length_that_would_wrap(void **state)
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ ten, sizeof(ten) });

	(void)state;
	assert_int_equal(wr_read_bytes(&reader, SIZE_MAX).len, 0);
	assert_true(reader.bad);
}

static void test_reader_copies_a_run(void **state)
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ ten, sizeof(ten) });
	uint8_t into[10] = { 0 };

	(void)state;
	wr_read_into(&reader, into, sizeof(into));
	assert_memory_equal(into, ten, sizeof(ten));
	assert_true(wr_reader_done(&reader));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_reads_in_order),
		cmocka_unit_test(test_reader_stays_bad_after_a_short_read),
		cmocka_unit_test(test_reader_takes_an_empty_input),
		cmocka_unit_test(test_reader_refuses_a_length_that_would_wrap),
		cmocka_unit_test(test_reader_copies_a_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
