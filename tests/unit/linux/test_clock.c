#include "linux/clock.h"

#include "unit.h"

static uint64_t read_clock(clockid_t clock)
{
	struct timespec at;

	assert_int_equal(clock_gettime(clock, &at), 0);
	return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static void test_clock_now_is_the_time_since_boot(void **state)
{
	uint64_t before = read_clock(CLOCK_BOOTTIME);
	uint64_t now = wr_clock_now().ns;

	(void)state;
	assert_in_range(now, before, read_clock(CLOCK_BOOTTIME));
}

static void test_clock_wall_is_the_time_of_day(void **state)
{
	uint64_t before = read_clock(CLOCK_REALTIME);
	uint64_t now = wr_clock_wall().ns;

	(void)state;
	assert_in_range(now, before, read_clock(CLOCK_REALTIME));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_now_is_the_time_since_boot),
		cmocka_unit_test(test_clock_wall_is_the_time_of_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
