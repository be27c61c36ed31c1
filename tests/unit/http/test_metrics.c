/* The text that Prometheus reads. */
#include "http/metrics.h"

#include <math.h>

#include "unit.h"

static void test_metrics_writes_samples(void **state)
{
	static const struct {
		double value;
		const char *text;
	} values[] = { { 0, "0" },           { 1, "1" },
		       { -3, "-3" },         { 123456789012, "123456789012" },
		       { 0.5, "0.5" },       { 1e20, "1e+20" },
		       { NAN, "NaN" },       { INFINITY, "+Inf" },
		       { -INFINITY, "-Inf" } };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(values); i++) {
		struct wr_metrics metrics = { 0 };
		char expected[64];

		wr_metrics_sample(&metrics, "a_b", NULL, 0, values[i].value);
		snprintf(expected, sizeof(expected), "a_b %s\n", values[i].text);
		assert_string_equal(metrics.text, expected);
		wr_metrics_done(&metrics);
	}
}

static void test_metrics_escapes(void **state)
{
	static const struct wr_metrics_label labels[] = { { "a", "q\"b\\n\n\xc3\xa4}" },
							  { "b", "" } };
	struct wr_metrics metrics = { 0 };

	(void)state;
	wr_metrics_family(&metrics, "m", "gauge", "Back\\slash\nand \"quotes\".");
	wr_metrics_sample(&metrics, "m", labels, 2, 1);
	assert_string_equal(metrics.text, "# HELP m Back\\\\slash\\nand \"quotes\".\n"
					  "# TYPE m gauge\n"
					  "m{a=\"q\\\"b\\\\n\\n\xc3\xa4}\",b=\"\"} 1\n");
	wr_metrics_done(&metrics);
}

static void test_metrics_tells_of_the_process(void **state)
{
	struct wr_metrics metrics = { 0 };
	const char *at;

	(void)state;
	wr_metrics_process(&metrics, "1.2", (struct wr_wall){ UINT64_C(1500000000) });
	assert_non_null(strstr(metrics.text, "warren_build_info{version=\"1.2\"} 1\n"));
	assert_non_null(strstr(metrics.text, "process_start_time_seconds 1.5\n"));
	at = strstr(metrics.text, "\nprocess_resident_memory_bytes ");
	assert_non_null(at);
	assert_true(strtod(strchr(at, ' '), NULL) > 100000);
	wr_metrics_done(&metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_writes_samples),
		cmocka_unit_test(test_metrics_escapes),
		cmocka_unit_test(test_metrics_tells_of_the_process),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
