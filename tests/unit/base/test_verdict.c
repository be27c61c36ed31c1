#include "base/verdict.h"

#include "unit.h"

static void test_verdict_names_are_the_stable_ones(void **state)
{
	static const char *const want[WR_VERDICTS] = {
		"taken",       "short",  "type",   "mac1",     "budget", "cookie",
		"rate",        "peer",   "forged", "replay",   "index",  "expired",
		"inner",       "source", "ecn",    "no-route", "policy", "fragment",
		"no-endpoint", "staged", "queue",  "tun",      "udp",
	};

	(void)state;
	for (unsigned i = 0; i < WR_VERDICTS; i++)
		assert_string_equal(wr_verdict_name((enum wr_verdict)i), want[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict_names_are_the_stable_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
