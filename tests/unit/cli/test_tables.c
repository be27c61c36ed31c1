#include "cli/tables.h"

#include "unit.h"

/* 2026-11-22T10:00:00Z */
#define NOW 1795341600

static void test_tables_values_look_as_people_read_them(void **state)
{
	static const struct {
		const char *json;
		enum wr_look look;
		const char *text;
	} cases[] = {
		{ "\"a\"", WR_LOOK_TEXT, "a" },
		{ "null", WR_LOOK_TEXT, "-" },
		{ "12", WR_LOOK_NUMBER, "12" },
		{ "true", WR_LOOK_TEXT, "yes" },
		{ "true", WR_LOOK_YES, "yes" },
		{ "false", WR_LOOK_YES, "" },
		{ "[]", WR_LOOK_LIST, "-" },
		{ "[\"a\",\"b\"]", WR_LOOK_LIST, "a b" },
		{ "0", WR_LOOK_SIZE, "0 B" },
		{ "1023", WR_LOOK_SIZE, "1023 B" },
		{ "1024", WR_LOOK_SIZE, "1.0 KiB" },
		{ "1048575", WR_LOOK_SIZE, "1.0 MiB" },
		{ "1572864", WR_LOOK_SIZE, "1.5 MiB" },
		{ "9007199254740991", WR_LOOK_SIZE, "8.0 PiB" },
		{ "null", WR_LOOK_AGO, "never" },
		{ "\"2026-11-22T10:00:00Z\"", WR_LOOK_AGO, "now" },
		{ "\"2026-11-22T09:59:55Z\"", WR_LOOK_AGO, "5 s ago" },
		{ "\"2026-11-22T09:55:00Z\"", WR_LOOK_AGO, "5 min ago" },
		{ "\"2026-11-22T05:00:00.25Z\"", WR_LOOK_AGO, "5 h ago" },
		{ "\"2026-11-01T10:00:00Z\"", WR_LOOK_AGO, "21 days ago" },
		{ "\"2026-11-29T10:00:00Z\"", WR_LOOK_AGO, "in 7 days" },
		{ "\"soon\"", WR_LOOK_AGO, "soon" },
		/* What could steer a terminal. */
		{ "\"a\\u001b[31mb\"", WR_LOOK_TEXT, "a?[31mb" },
		{ "\"a\\nb\"", WR_LOOK_TEXT, "a?b" },
		{ "\"a\\u009bb\"", WR_LOOK_TEXT, "a??b" },
		{ "\"\\u00e9\\u0142\"", WR_LOOK_TEXT, "\xc3\xa9\xc5\x82" },
		{ "[\"a\\u0007\"]", WR_LOOK_LIST, "a?" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
		char *text = wr_look_text(value, cases[i].look, NOW);

		print_message("%s\n", cases[i].json);
		assert_non_null(value);
		assert_string_equal(text, cases[i].text);
		json_decref(value);
		free(text);
	}
}

static const struct wr_column columns[] = {
	{ "NAME", "name", WR_LOOK_TEXT },
	{ "STATE", "state", WR_LOOK_STATE },
	{ "SIZE", "user.size", WR_LOOK_SIZE },
	{ "TAGS", "tags", WR_LOOK_LIST },
};

static char *print(const char *json, bool has_colour)
{
	struct wr_table table = { columns, WR_ARRAY_LEN(columns), NOW, has_colour };
	json_t *items = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(items);
	wr_table_print(&table, items, to);
	fclose(to);
	json_decref(items);
	return text;
}

#define TWO \
	"[{\"name\":\"a\",\"state\":\"online\",\"user\":{\"size\":1},\"tags\":[]}," \
	"{\"name\":\"\\u6771\\u4eac\",\"state\":\"never\",\"user\":{\"size\":2048},\"tags\":[\"x\"]}]"

static void test_tables_line_up(void **state)
{
	char *text = print(TWO, false);

	(void)state;
	assert_string_equal(text, "NAME  STATE      SIZE  TAGS\n"
				  "a     online      1 B  -\n"
				  "\xe6\x9d\xb1\xe4\xba\xac  never   2.0 KiB  x\n");
	free(text);
	/* No blanks at the end. */
	text = print("[{\"name\":\"a\",\"state\":\"\",\"user\":{\"size\":1},\"tags\":[\"\"]}]",
		     false);
	assert_string_equal(text, "NAME  STATE  SIZE  TAGS\na             1 B\n");
	free(text);
	text = print("[]", false);
	assert_string_equal(text, "");
	free(text);
}

static void test_tables_have_colours_if_asked_for(void **state)
{
	char *text = print(TWO, true);

	(void)state;
	assert_non_null(strstr(text, "\033[32monline\033[0m "));
	free(text);
}

static void test_tables_time_since_takes_spans_and_times(void **state)
{
	static const struct {
		const char *text, *when;
	} cases[] = {
		{ "90s", "2026-11-22T09:58:30Z" },
		{ "1h", "2026-11-22T09:00:00Z" },
		{ "7d", "2026-11-15T10:00:00Z" },
		{ "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z" },
		{ "", NULL },
		{ "h", NULL },
		{ "1", NULL },
		{ "-1h", NULL },
		{ "1hh", NULL },
		{ "yesterday", NULL },
		{ "2026-01-02", NULL },
		{ "2026-01-02T03:04:05", NULL },
		{ "99999999999999999999d", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char *when = wr_look_since(cases[i].text, NOW);

		print_message("%s\n", cases[i].text);
		assert_int_equal(when != NULL, cases[i].when != NULL);
		if (when)
			assert_string_equal(when, cases[i].when);
		free(when);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_values_look_as_people_read_them),
		cmocka_unit_test(test_tables_line_up),
		cmocka_unit_test(test_tables_have_colours_if_asked_for),
		cmocka_unit_test(test_tables_time_since_takes_spans_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
