#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/metrics.h"

static void assert_has(const char *text, const char *part)
{
	if (text && strstr(text, part))
		return;
	print_error("no \"%s\" in: %s\n", part, text ? text : "(none)");
	fail();
}

static void test_metrics_counts_requests(void **state)
{
	struct wr_api_numbers *numbers = wr_api_numbers_new();
	struct wr_metrics_view view = { .api = numbers };
	size_t len;
	char *text;

	(void)state;
	wr_api_numbers_add(numbers, "machine.add", 201, WR_SPAN_MS(1));
	wr_api_numbers_add(numbers, "machine.add", 201, WR_SPAN_MS(3));
	wr_api_numbers_add(numbers, "machine.add", 422, WR_SPAN_MS(30));
	wr_api_numbers_add(numbers, NULL, 404, WR_SPAN_S(60));
	assert_int_equal(wr_api_numbers_total(numbers), 4);
	text = wr_metrics_document(&view, &len);
	assert_int_equal(len, strlen(text));
	assert_has(text, "warren_api_requests_total{operation=\"machine.add\",status=\"201\"} 2\n");
	assert_has(text, "warren_api_requests_total{operation=\"machine.add\",status=\"422\"} 1\n");
	assert_has(text, "warren_api_requests_total{operation=\"none\",status=\"404\"} 1\n");
	/* Cumulative; the bound itself is within. */
	assert_has(text, "_bucket{le=\"0.001\"} 1\n");
	assert_has(text, "_bucket{le=\"0.0025\"} 1\n");
	assert_has(text, "_bucket{le=\"0.005\"} 2\n");
	assert_has(text, "_bucket{le=\"0.05\"} 3\n");
	assert_has(text, "_bucket{le=\"10\"} 3\n");
	assert_has(text, "_bucket{le=\"+Inf\"} 4\n");
	assert_has(text, "_seconds_count 4\n");
	free(text);
	wr_api_numbers_free(numbers);
}

static void test_metrics_bounds_what_it_tells_apart(void **state)
{
	struct wr_api_numbers *numbers = wr_api_numbers_new();
	struct wr_metrics_view view = { .api = numbers };
	size_t len;
	char *text;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		wr_api_numbers_add(numbers, "a", i, WR_SPAN_MS(1));
	text = wr_metrics_document(&view, &len);
	assert_has(text, "{operation=\"other\",status=\"other\"} 88\n");
	free(text);
	wr_api_numbers_free(numbers);
}

/* Each line is a comment or a sample, each sample's family was announced before it and once. */
static void check_document(char *text)
{
	char family[128] = "", *line, *rest = text;
	char seen[64][128];
	size_t seen_count = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_int_equal(sscanf(line + 7, "%127s", family), 1);
			for (size_t i = 0; i < seen_count; i++)
				assert_string_not_equal(seen[i], family);
			strcpy(seen[seen_count++], family);
		} else if (strncmp(line, "# HELP ", 7) != 0) {
			assert_memory_equal(line, family, strlen(family));
			assert_non_null(strrchr(line, ' '));
		}
	}
	assert_null(rest && *rest ? rest : NULL);
}

static void test_metrics_writes_the_whole_document(void **state)
{
	struct wr_hub_numbers hub = { .orgs = 2, .machines = 30, .repairs = 4 };
	struct wr_metrics_org orgs[] = {
		{ "acme", "o1", { .machines = 10, .online = 3, .forwarded_bytes = 5000000000 } },
		{ "b\"c", "o2", { .denied_packets = 7, .has_gateway = true } },
	};
	struct wr_ledger_numbers ledger = { .entries = 9, .busy_ns = 1500000000 };
	struct wr_events_numbers events = { .readers = 1 };
	struct wr_api_numbers *numbers = wr_api_numbers_new();
	struct wr_metrics_view view = { .version = "0.1.0",
					.started = { 1000000000000000000 },
					.hub = &hub,
					.orgs = orgs,
					.org_count = 2,
					.ledger = &ledger,
					.api = numbers,
					.events = &events,
					.database_bytes = 4096 };
	size_t len;
	char *text;

	(void)state;
	hub.engine.verdicts[WR_DROP_POLICY] = 12;
	text = wr_metrics_document(&view, &len);
	assert_has(text, "warren_build_info{version=\"0.1.0\"} 1\n");
	assert_has(text, "process_start_time_seconds 1000000000\n");
	assert_has(text, "warren_hub_drops_total{reason=\"policy\"} 12\n");
	assert_has(text, "warren_hub_repairs_total 4\n");
	assert_has(text, "warren_org_forwarded_bytes_total{org=\"acme\",uid=\"o1\"} 5000000000\n");
	assert_has(text, "warren_org_denied_packets_total{org=\"b\\\"c\",uid=\"o2\"} 7\n");
	assert_has(text, "warren_ledger_busy_seconds_total 1.5\n");
	assert_has(text, "warren_event_streams 1\n");
	assert_has(text, "warren_database_bytes 4096\n");
	check_document(text);
	free(text);
	wr_api_numbers_free(numbers);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_counts_requests),
		cmocka_unit_test(test_metrics_bounds_what_it_tells_apart),
		cmocka_unit_test(test_metrics_writes_the_whole_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
