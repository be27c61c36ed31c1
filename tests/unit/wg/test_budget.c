#include "wg/budget.h"

#include "unit.h"

static const struct wr_siphash_key hash_key = { { 7 } };

static struct wr_instant at_ms(uint64_t ms)
{
	return (struct wr_instant){ WR_SPAN_MS(ms).ns };
}

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

/* The kernel's: 20 a second, 5 at once. */
static const struct wr_budget_rule of_sources = {
	.per_second = 20,
	.burst = 5,
	.prefix4 = 32,
	.prefix6 = 64,
};

static unsigned takes(struct wr_budget *budget, const char *source, unsigned tries, uint64_t ms)
{
	struct wr_ip ip = ip_of(source);
	unsigned taken = 0;

	for (unsigned i = 0; i < tries; i++)
		taken += wr_budget_take(budget, &ip, 1, at_ms(ms));
	return taken;
}

static void test_budget_take_allows_burst_and_rate(void **state)
{
	struct wr_budget *budget = wr_budget_new(&of_sources, &hash_key);

	(void)state;
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1000), 5);
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1049), 0);
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1050), 1);
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1150), 2);
	assert_int_equal(takes(budget, "192.0.2.1", 10, 9000), 5);
	wr_budget_free(budget);
}

static void test_budget_tells_sources_apart_by_prefix(void **state)
{
	struct wr_budget *budget = wr_budget_new(&of_sources, &hash_key);

	(void)state;
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1000), 5);
	assert_int_equal(takes(budget, "192.0.2.2", 10, 1000), 5);
	assert_int_equal(takes(budget, "2001:db8:0:1::1", 10, 1000), 5);
	assert_int_equal(takes(budget, "2001:db8:0:1:ffff::1", 10, 1000), 0);
	assert_int_equal(takes(budget, "2001:db8:0:2::1", 10, 1000), 5);
	/* The same bits in the other family are another's. */
	assert_int_equal(takes(budget, "c000:201::", 10, 1000), 5);
	wr_budget_free(budget);
}

static void test_budget_bounds_all_together(void **state)
{
	static const struct wr_budget_rule rule = {
		.per_second = 10,
		.burst = 4,
		.all_per_second = 20,
		.all_burst = 6,
		.prefix4 = 24,
		.prefix6 = 48,
	};
	struct wr_budget *budget = wr_budget_new(&rule, &hash_key);

	(void)state;
	assert_int_equal(takes(budget, "192.0.2.1", 9, 1000), 4);
	assert_int_equal(takes(budget, "192.0.2.9", 9, 1000), 0);
	assert_int_equal(takes(budget, "192.0.3.1", 9, 1000), 2);
	assert_int_equal(takes(budget, "192.0.4.1", 9, 1000), 0);
	/* What the common bucket refused has cost the source nothing. */
	assert_int_equal(takes(budget, "192.0.4.1", 9, 1200), 4);
	wr_budget_free(budget);
}

static void test_budget_return_undoes_take(void **state)
{
	static const struct wr_budget_rule rule = {
		.per_second = 10,
		.burst = 4,
		.all_per_second = 10,
		.all_burst = 4,
		.prefix4 = 24,
		.prefix6 = 48,
	};
	struct wr_budget *budget = wr_budget_new(&rule, &hash_key);
	struct wr_ip ip = ip_of("192.0.2.1");

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(wr_budget_take(budget, &ip, 3, at_ms(1000)));
		wr_budget_return(budget, &ip, 3, at_ms(1000));
	}
	assert_int_equal(takes(budget, "192.0.2.1", 9, 1000), 4);
	wr_budget_return(budget, &ip, 100, at_ms(1000));
	/* Never more than full. */
	assert_int_equal(takes(budget, "192.0.2.1", 9, 1000), 4);
	wr_budget_free(budget);
}

static void test_budget_take_of_more_than_it_holds_empties_it(void **state)
{
	struct wr_budget *budget = wr_budget_new(&of_sources, &hash_key);
	struct wr_ip ip = ip_of("192.0.2.1");

	(void)state;
	assert_true(wr_budget_take(budget, &ip, 50, at_ms(1000)));
	assert_false(wr_budget_take(budget, &ip, 1, at_ms(3200)));
	assert_true(wr_budget_take(budget, &ip, 1, at_ms(3300)));
	wr_budget_free(budget);
}

/* However many strangers come, whoever was caught stays caught: who lacks most is
 * forgotten last. */
static void test_budget_does_not_forget_who_lacks_most(void **state)
{
	struct wr_budget *budget = wr_budget_new(&of_sources, &hash_key);
	unsigned forgotten = 0;

	(void)state;
	assert_int_equal(takes(budget, "192.0.2.1", 10, 1000), 5);
	for (uint32_t i = 0; i < 100000; i++) {
		struct wr_ip ip = { .family = WR_IPV4, .bytes = { 10 } };

		memcpy(ip.bytes + 1, &i, 3);
		assert_true(wr_budget_take(budget, &ip, 1, at_ms(1000)));
	}
	forgotten = takes(budget, "192.0.2.1", 10, 1000);
	assert_int_equal(forgotten, 0);
	wr_budget_free(budget);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_budget_take_allows_burst_and_rate),
		cmocka_unit_test(test_budget_tells_sources_apart_by_prefix),
		cmocka_unit_test(test_budget_bounds_all_together),
		cmocka_unit_test(test_budget_return_undoes_take),
		cmocka_unit_test(test_budget_take_of_more_than_it_holds_empties_it),
		cmocka_unit_test(test_budget_does_not_forget_who_lacks_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
