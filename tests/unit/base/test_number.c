#include "base/number.h"

#include "unit.h"

static void test_number_parse_takes_digits_up_to_the_maximum(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool is_number;
		uint64_t want;
	} cases[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "65535", UINT16_MAX, true, 65535 },
		{ "65536", UINT16_MAX, false, 0 },
		{ "00042", UINT16_MAX, true, 42 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "5", 4, false, 0 },
		{ "10", 9, false, 0 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "0x1", 10, false, 0 },
		{ "1a", 100, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint64_t number = 77;

		print_message("case: \"%s\" up to %llu\n", cases[i].text,
			      (unsigned long long)cases[i].max);
		assert_int_equal(wr_number_parse(cases[i].text, strlen(cases[i].text), cases[i].max,
						 &number),
				 cases[i].is_number);
		assert_int_equal(number, cases[i].is_number ? cases[i].want : 77);
	}
}

static void test_number_parse_reads_no_further_than_the_length(void **state)
{
	uint64_t number;

	(void)state;
	assert_true(wr_number_parse("1234", 2, 100, &number));
	assert_int_equal(number, 12);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_parse_takes_digits_up_to_the_maximum),
		cmocka_unit_test(test_number_parse_reads_no_further_than_the_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
