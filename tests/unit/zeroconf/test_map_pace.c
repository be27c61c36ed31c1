/* When the next map may be made. */
#include "unit.h"
#include "zeroconf/map_pace.h"

#define MS UINT64_C(1000000)

static const struct wr_instant start = { 1000000 * MS };

static void test_map_pace_begins_at_once(void **state)
{
	struct wr_map_pace pace = { 0 };

	(void)state;
	assert_true(wr_is_past(wr_map_pace_next(&pace), start));
}

/* As fast as it may, for so long: maps of which each takes so long; how many? */
static unsigned maps_in(uint64_t ns, uint64_t each)
{
	struct wr_map_pace pace = { 0 };
	struct wr_instant now = start;
	unsigned maps = 0;

	while (now.ns < start.ns + ns) {
		wr_map_pace_spend(&pace, now, (struct wr_span){ each });
		maps++;
		assert_true(wr_map_pace_next(&pace).ns > now.ns);
		now = wr_map_pace_next(&pace);
	}
	return maps;
}

static void test_map_pace_lets_small_ones_follow_each_other(void **state)
{
	struct wr_map_pace pace = { 0 };

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct wr_instant now = { start.ns + (uint64_t)i * 20 * MS };

		assert_true(wr_is_past(wr_map_pace_next(&pace), now));
		wr_map_pace_spend(&pace, now, (struct wr_span){ MS });
	}
}

static void test_map_pace_takes_a_twentieth_of_the_time(void **state)
{
	(void)state;
	/* A minute's twentieth is 3 s; 20 ms are ahead of it. */
	assert_in_range(maps_in(60000 * MS, 10 * MS), 300, 304);
	assert_in_range(maps_in(60000 * MS, 200 * MS), 15, 17);
	assert_in_range(maps_in(60000 * MS, MS / 10), 2990, 3010);
}

static void test_map_pace_is_ahead_again_after_a_quiet_time(void **state)
{
	struct wr_map_pace pace = { 0 };
	struct wr_instant now = start;

	(void)state;
	wr_map_pace_spend(&pace, now, (struct wr_span){ 100 * MS });
	assert_false(wr_is_past(wr_map_pace_next(&pace), wr_after(now, WR_SPAN_S(1))));
	now = wr_after(now, WR_SPAN_S(10));
	wr_map_pace_spend(&pace, now, (struct wr_span){ 10 * MS });
	assert_true(wr_is_past(wr_map_pace_next(&pace), wr_after(now, WR_SPAN_MS(20))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_pace_begins_at_once),
		cmocka_unit_test(test_map_pace_lets_small_ones_follow_each_other),
		cmocka_unit_test(test_map_pace_takes_a_twentieth_of_the_time),
		cmocka_unit_test(test_map_pace_is_ahead_again_after_a_quiet_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
