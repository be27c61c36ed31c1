#include "path/meter.h"

#include "unit.h"

static struct wr_instant at_ms(uint64_t ms)
{
	return (struct wr_instant){ ms * 1000000 + 5000000000 };
}

struct pair {
	struct wr_meter a, b;
};

static struct pair pair_of(void)
{
	struct pair pair;

	wr_meter_init(&pair.a, 1, at_ms(0));
	wr_meter_init(&pair.b, 2, at_ms(0));
	return pair;
}

static struct wr_pulse stamp(struct wr_meter *meter, uint64_t ms)
{
	struct wr_pulse pulse = { 0 };

	wr_meter_stamp(meter, at_ms(ms), &pulse);
	return pulse;
}

/* `a` asks at `ms`; the answer is there `trip` later. */
static void exchange(struct pair *pair, uint64_t ms, uint64_t trip)
{
	struct wr_pulse ask = stamp(&pair->a, ms), answer;
	struct wr_meter_news news;

	assert_true(wr_meter_take(&pair->b, &ask, at_ms(ms + trip / 2), &news));
	answer = stamp(&pair->b, ms + trip / 2);
	assert_true(wr_meter_take(&pair->a, &answer, at_ms(ms + trip), &news));
	assert_true(news.has_echo);
	assert_int_equal(news.echo_sent.ns, at_ms(ms).ns);
}

static void test_meter_latency_is_smoothed_as_rfc6298_says(void **state)
{
	struct pair pair = pair_of();

	(void)state;
	exchange(&pair, 1000, 80);
	assert_int_equal(pair.a.latency_us, 80000);
	assert_int_equal(pair.a.variance_us, 40000);
	exchange(&pair, 2000, 160);
	assert_int_equal(pair.a.latency_us, 90000);
	assert_int_equal(pair.a.variance_us, 50000);
	assert_int_equal(wr_meter_patience(&pair.a, WR_SPAN_S(1)).ns, 290000000);
}

static void test_meter_time_at_the_other_side_is_not_counted(void **state)
{
	struct pair pair = pair_of();
	struct wr_pulse ask = stamp(&pair.a, 1000), answer;
	struct wr_meter_news news;

	(void)state;
	assert_true(wr_meter_take(&pair.b, &ask, at_ms(1010), &news));
	assert_false(news.has_echo);
	answer = stamp(&pair.b, 1910);
	assert_true(wr_meter_take(&pair.a, &answer, at_ms(1920), &news));
	assert_int_equal(pair.a.latency_us, 20000);
	/* It was said when `b` sent it, by the clock of `a`, or later. */
	assert_int_equal(news.said.ns, at_ms(1900).ns);
}

static void test_meter_loss_is_of_both_ways(void **state)
{
	struct pair pair = pair_of();

	(void)state;
	assert_int_equal(wr_meter_loss_permille(&pair.a), 0);
	for (uint64_t i = 0; i < 60; i++) {
		if (i % 4)
			exchange(&pair, 1000 + i * 1000, 10);
		else
			(void)stamp(&pair.a, 1000 + i * 1000);
	}
	/* A quarter of the last 33, of which the newest came. */
	assert_in_range(wr_meter_loss_permille(&pair.a), 230, 260);
}

static void test_meter_what_is_not_answered_is_lost(void **state)
{
	struct pair pair = pair_of();

	(void)state;
	exchange(&pair, 1000, 10);
	assert_int_equal(wr_meter_loss_permille(&pair.a), 0);
	for (uint64_t i = 0; i < 40; i++)
		(void)stamp(&pair.a, 2000 + i * 1000);
	assert_in_range(wr_meter_loss_permille(&pair.a), 950, 1000);
}

static void test_meter_old_pulses_tell_nothing_but_that_they_came(void **state)
{
	struct pair pair = pair_of();
	struct wr_pulse first = stamp(&pair.a, 1000), second = stamp(&pair.a, 1001);
	struct wr_meter_news news;

	(void)state;
	assert_true(wr_meter_take(&pair.b, &second, at_ms(1010), &news));
	assert_false(wr_meter_take(&pair.b, &first, at_ms(1011), &news));
	assert_false(wr_meter_take(&pair.b, &second, at_ms(1012), &news));
	assert_int_equal(wr_meter_loss_permille(&pair.b), 0);
}

static void test_meter_another_life_begins_anew(void **state)
{
	struct pair pair = pair_of();
	struct wr_meter_news news;
	struct wr_pulse pulse;

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		exchange(&pair, 1000 + i * 1000, 10);
	wr_meter_init(&pair.b, 3, at_ms(7000));
	pulse = stamp(&pair.b, 7000);
	assert_true(wr_meter_take(&pair.a, &pulse, at_ms(7005), &news));
	assert_true(news.is_other_life);
	assert_false(news.has_echo);
	exchange(&pair, 8000, 10);
}

static void test_meter_an_echo_that_cannot_be_is_not_believed(void **state)
{
	static const struct {
		const char *name;
		uint32_t received, held_us;
		uint64_t echo_us;
	} cases[] = {
		{ "of a pulse that was not sent", 3, 0, 1000000 },
		{ "of the future", 1, 0, 9000000 },
		{ "held for longer than it is old", 1, 9000000, 1000000 },
		{ "so late that it wraps", 1, UINT32_MAX, UINT64_MAX },
		{ "of none", 0, 0, 1000000 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct pair pair = pair_of();
		struct wr_meter_news news;
		struct wr_pulse pulse;

		(void)stamp(&pair.a, 1000);
		pulse = stamp(&pair.b, 1000);
		pulse.echo_instance = 1;
		pulse.received = cases[i].received;
		pulse.held_us = cases[i].held_us;
		pulse.echo_us = cases[i].echo_us;
		assert_true(wr_meter_take(&pair.a, &pulse, at_ms(2000), &news));
		if (news.has_echo)
			fail_msg("believed: %s", cases[i].name);
		assert_int_equal(pair.a.latency_us, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meter_latency_is_smoothed_as_rfc6298_says),
		cmocka_unit_test(test_meter_time_at_the_other_side_is_not_counted),
		cmocka_unit_test(test_meter_loss_is_of_both_ways),
		cmocka_unit_test(test_meter_what_is_not_answered_is_lost),
		cmocka_unit_test(test_meter_old_pulses_tell_nothing_but_that_they_came),
		cmocka_unit_test(test_meter_another_life_begins_anew),
		cmocka_unit_test(test_meter_an_echo_that_cannot_be_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
