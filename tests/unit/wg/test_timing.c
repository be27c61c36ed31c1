#include "wg/timing.h"

#include "unit.h"

#define S UINT64_C(1000000000)

/* WireGuard paper, section 6.1; the jitter is the kernel's. */
static void test_timing_paper_has_the_papers_constants(void **state)
{
	(void)state;
	assert_int_equal(wr_timing_paper.rekey_after.ns, 120 * S);
	assert_int_equal(wr_timing_paper.reject_after.ns, 180 * S);
	assert_int_equal(wr_timing_paper.rekey_attempt.ns, 90 * S);
	assert_int_equal(wr_timing_paper.rekey_timeout.ns, 5 * S);
	assert_int_equal(wr_timing_paper.keepalive_timeout.ns, 10 * S);
	assert_int_equal(wr_timing_paper.jitter.ns, 333000000);
	assert_int_equal(wr_timing_paper.cookie_lifetime.ns, 120 * S);
}

static void test_timing_scaled_divides_each(void **state)
{
	struct wr_timing same = wr_timing_scaled(1), tenth = wr_timing_scaled(10);

	(void)state;
	assert_memory_equal(&same, &wr_timing_paper, sizeof(same));
	assert_int_equal(tenth.rekey_after.ns, 12 * S);
	assert_int_equal(tenth.reject_after.ns, 18 * S);
	assert_int_equal(tenth.rekey_attempt.ns, 9 * S);
	assert_int_equal(tenth.rekey_timeout.ns, S / 2);
	assert_int_equal(tenth.keepalive_timeout.ns, S);
	assert_int_equal(tenth.jitter.ns, 33300000);
	assert_int_equal(tenth.cookie_lifetime.ns, 12 * S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timing_paper_has_the_papers_constants),
		cmocka_unit_test(test_timing_scaled_divides_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
