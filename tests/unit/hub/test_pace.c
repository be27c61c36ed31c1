#include "hub/pace.h"

#include "unit.h"

static const struct wr_pace_rule rule = {
	.per_second = 100,
	.burst = 20,
	.all_per_second = 1000,
	.all_burst = 50,
};

static struct wr_ip source(uint8_t number)
{
	return (struct wr_ip){ WR_IPV4, { 10, 0, 0, number } };
}

static unsigned take_all(struct wr_pace *pace, const struct wr_ip *ip, struct wr_instant now)
{
	unsigned taken = 0;

	while (wr_pace_take(pace, ip, now))
		taken++;
	return taken;
}

static void test_pace_bounds_a_source(void **state)
{
	struct wr_ip one = source(1), two = source(2);
	struct wr_instant now = { 5000000000 };
	struct wr_pace pace;

	(void)state;
	wr_pace_init(&pace, &rule);
	assert_int_equal(take_all(&pace, &one, now), 20);
	assert_int_equal(take_all(&pace, &two, now), 20);
	now.ns += 50000000;
	assert_int_equal(take_all(&pace, &one, now), 5);
	now.ns += 10000000000;
	assert_int_equal(take_all(&pace, &one, now), 20);
}

static void test_pace_bounds_all(void **state)
{
	struct wr_instant now = { 5000000000 };
	struct wr_span wait = { 0 };
	struct wr_pace pace;
	unsigned taken = 0;

	(void)state;
	wr_pace_init(&pace, &rule);
	while (wr_pace_take_common(&pace, now, &wait))
		taken++;
	assert_int_equal(taken, 50);
	assert_int_equal(wait.ns, 25000000);
	now.ns += wait.ns;
	for (taken = 0; wr_pace_take_common(&pace, now, &wait);)
		taken++;
	assert_int_equal(taken, 25);
}

/* However many come, who is too fast stays so while others of its set lack less. */
static void test_pace_forgets_who_lacks_least(void **state)
{
	struct wr_ip busy = source(0);
	struct wr_instant now = { 5000000000 };
	struct wr_pace pace;

	(void)state;
	wr_pace_init(&pace, &rule);
	assert_int_equal(take_all(&pace, &busy, now), 20);
	for (unsigned i = 0; i < 1000; i++) {
		struct wr_ip other = { WR_IPV4, { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } };

		assert_true(wr_pace_take(&pace, &other, now));
	}
	assert_int_equal(take_all(&pace, &busy, now), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace_bounds_a_source),
		cmocka_unit_test(test_pace_bounds_all),
		cmocka_unit_test(test_pace_forgets_who_lacks_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
