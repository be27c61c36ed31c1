#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/ratelimit.h"

#define S UINT64_C(1000000000)
#define AT(seconds) ((struct wr_instant){ 1000 * S + (seconds)*S })

static const uint8_t seed[16] = { 1, 2, 3 };

static struct wr_rate_key key_of(const char *address)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(address, strlen(address), &ip));
	return wr_rate_key_address(&ip);
}

static void test_ratelimit_gives_a_burst_and_then_a_rate(void **state)
{
	struct wr_ratelimit *limit = wr_ratelimit_new(3600, 5, seed);
	struct wr_rate_key key = wr_rate_key_row('u', 1);
	struct wr_span wait = { 1 };

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_true(wr_ratelimit_take(limit, key, 1, AT(0), &wait));
	assert_int_equal(wait.ns, 0);
	assert_false(wr_ratelimit_take(limit, key, 1, AT(0), &wait));
	assert_int_equal(wait.ns, S);
	assert_false(wr_ratelimit_has(limit, key, 3, AT(0), &wait));
	assert_int_equal(wait.ns, 3 * S);
	assert_true(wr_ratelimit_has(limit, key, 3, AT(3), &wait));
	assert_true(wr_ratelimit_take(limit, key, 3, AT(3), NULL));
	assert_false(wr_ratelimit_take(limit, key, 1, AT(3), NULL));
	/* No more than the burst gathers. */
	for (unsigned i = 0; i < 5; i++)
		assert_true(wr_ratelimit_take(limit, key, 1, AT(10000), NULL));
	assert_false(wr_ratelimit_take(limit, key, 1, AT(10000), NULL));
	wr_ratelimit_free(limit);
}

static void test_ratelimit_lets_a_full_bucket_pay_for_anything(void **state)
{
	struct wr_ratelimit *limit = wr_ratelimit_new(3600, 5, seed);
	struct wr_rate_key key = wr_rate_key_row('u', 1);
	struct wr_span wait;

	(void)state;
	assert_true(wr_ratelimit_take(limit, key, 20, AT(0), NULL));
	assert_false(wr_ratelimit_take(limit, key, 1, AT(15), &wait));
	assert_int_equal(wait.ns, S);
	assert_true(wr_ratelimit_take(limit, key, 1, AT(16), NULL));
	wr_ratelimit_free(limit);
}

static void test_ratelimit_tells_callers_apart(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
	};
	struct wr_ip none = { .family = WR_FAMILY_NONE };
	struct wr_ratelimit *limit;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		limit = wr_ratelimit_new(1, 1, seed);
		assert_true(wr_ratelimit_take(limit, key_of(cases[i].a), 1, AT(0), NULL));
		assert_int_equal(wr_ratelimit_has(limit, key_of(cases[i].b), 1, AT(0), NULL),
				 !cases[i].is_same);
		wr_ratelimit_free(limit);
	}
	limit = wr_ratelimit_new(1, 1, seed);
	assert_true(wr_ratelimit_take(limit, wr_rate_key_row('u', 1), 1, AT(0), NULL));
	assert_true(wr_ratelimit_take(limit, wr_rate_key_row('t', 1), 1, AT(0), NULL));
	assert_true(wr_ratelimit_take(limit, wr_rate_key_row('u', 2), 1, AT(0), NULL));
	assert_true(wr_ratelimit_take(limit, wr_rate_key_text(limit, 'l', "a"), 1, AT(0), NULL));
	assert_true(wr_ratelimit_take(limit, wr_rate_key_text(limit, 'l', "b"), 1, AT(0), NULL));
	assert_true(wr_ratelimit_take(limit, wr_rate_key_address(&none), 1, AT(0), NULL));
	assert_false(wr_ratelimit_take(limit, wr_rate_key_address(&none), 1, AT(0), NULL));
	assert_false(wr_ratelimit_take(limit, wr_rate_key_text(limit, 'l', "a"), 1, AT(0), NULL));
	wr_ratelimit_free(limit);
}

static void test_ratelimit_forgets(void **state)
{
	struct wr_ratelimit *limit = wr_ratelimit_new(1, 1, seed);
	struct wr_rate_key key = wr_rate_key_row('u', 1);

	(void)state;
	wr_ratelimit_forget(limit, key);
	assert_true(wr_ratelimit_take(limit, key, 1, AT(0), NULL));
	assert_false(wr_ratelimit_take(limit, key, 1, AT(0), NULL));
	wr_ratelimit_forget(limit, key);
	assert_true(wr_ratelimit_take(limit, key, 1, AT(0), NULL));
	wr_ratelimit_free(limit);
}

/* Strangers without number make no room for who has used all of his. */
static void test_ratelimit_keeps_the_emptiest_when_it_is_full(void **state)
{
	struct wr_ratelimit *limit = wr_ratelimit_new(3600, 100, seed);
	struct wr_rate_key greedy = wr_rate_key_row('u', 1);

	(void)state;
	assert_true(wr_ratelimit_take(limit, greedy, 100, AT(0), NULL));
	for (int64_t i = 0; i < 20 * WR_RATELIMIT_BUCKETS; i++)
		assert_true(wr_ratelimit_take(limit, wr_rate_key_row('t', i), 1, AT(0), NULL));
	assert_false(wr_ratelimit_take(limit, greedy, 1, AT(0), NULL));
	wr_ratelimit_free(limit);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ratelimit_gives_a_burst_and_then_a_rate),
		cmocka_unit_test(test_ratelimit_lets_a_full_bucket_pay_for_anything),
		cmocka_unit_test(test_ratelimit_tells_callers_apart),
		cmocka_unit_test(test_ratelimit_forgets),
		cmocka_unit_test(test_ratelimit_keeps_the_emptiest_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
