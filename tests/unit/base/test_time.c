#include "base/base.h"

#include "unit.h"

static void test_time_after_saturates_at_never(void **state)
{
	struct wr_instant late = { UINT64_MAX - 5 };

	(void)state;
	assert_int_equal(wr_after(late, (struct wr_span){ 4 }).ns, UINT64_MAX - 1);
	assert_true(wr_is_never(wr_after(late, (struct wr_span){ 5 })));
	assert_true(wr_is_never(wr_after(late, WR_SPAN_S(1))));
	assert_true(wr_is_never(wr_after(WR_NEVER, WR_SPAN_MS(1))));
}

static void test_time_past_includes_the_moment_itself(void **state)
{
	struct wr_instant now = { 100 };

	(void)state;
	assert_true(wr_is_past((struct wr_instant){ 99 }, now));
	assert_true(wr_is_past((struct wr_instant){ 100 }, now));
	assert_false(wr_is_past((struct wr_instant){ 101 }, now));
	assert_false(wr_is_past(WR_NEVER, now));
}

static void test_time_units_are_nanoseconds(void **state)
{
	(void)state;
	assert_int_equal(WR_SPAN_MS(3).ns, 3000000);
	assert_int_equal(WR_SPAN_S(120).ns, UINT64_C(120000000000));
	assert_int_equal(wr_sooner((struct wr_instant){ 2 }, WR_NEVER).ns, 2);
	assert_int_equal(wr_sooner(WR_NEVER, (struct wr_instant){ 2 }).ns, 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_after_saturates_at_never),
		cmocka_unit_test(test_time_past_includes_the_moment_itself),
		cmocka_unit_test(test_time_units_are_nanoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
