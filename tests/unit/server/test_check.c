#include "server/check.h"
#include "unit.h"

/* One field of each kind that can come in. */
static const char *const colours[] = { "red", "green", NULL };
static const struct wr_field inner[] = {
	{ .name = "from", .kind = WR_KIND_TEXT, .is_required = true, .min = 1, .max = 5 },
	{ 0 },
};
static const struct wr_field fields[] = {
	{ .name = "text", .kind = WR_KIND_TEXT, .min = 2, .max = 4 },
	{ .name = "password", .kind = WR_KIND_PASSWORD, .min = 2, .max = 20 },
	{ .name = "number", .kind = WR_KIND_NUMBER, .min = -5, .max = 10 },
	{ .name = "flag", .kind = WR_KIND_FLAG },
	{ .name = "colour", .kind = WR_KIND_CHOICE, .choices = colours },
	{ .name = "since", .kind = WR_KIND_TIME },
	{ .name = "span", .kind = WR_KIND_SPAN, .can_be_null = true, .min = 60, .max = 3600 },
	{ .name = "name", .kind = WR_KIND_NAME },
	{ .name = "label", .kind = WR_KIND_LABEL },
	{ .name = "tag", .kind = WR_KIND_TAG },
	{ .name = "key", .kind = WR_KIND_KEY },
	{ .name = "ip", .kind = WR_KIND_IP },
	{ .name = "prefix", .kind = WR_KIND_PREFIX },
	{ .name = "endpoint", .kind = WR_KIND_ENDPOINT },
	{ .name = "tags", .kind = WR_KIND_TAGS, .max = 3 },
	{ .name = "routes", .kind = WR_KIND_PREFIXES, .can_be_null = true, .max = 2 },
	{ .name = "object", .kind = WR_KIND_OBJECT, .fields = inner },
	{ 0 },
};
static const struct wr_field long_fields[] = {
	{ .name = "long", .kind = WR_KIND_LONG_TEXT, .min = 1, .max = 100 },
	{ 0 },
};
static const struct wr_field needed[] = {
	{ .name = "login", .kind = WR_KIND_TEXT, .is_required = true },
	{ .name = "name", .kind = WR_KIND_NAME, .is_required = true },
	{ 0 },
};

static const struct wr_operation takes_fields = { .id = "a", .body = fields, .query = fields };
static const struct wr_operation takes_long = { .id = "b", .body = long_fields };
static const struct wr_operation takes_needed = { .id = "c", .body = needed, .query = needed };
static const struct wr_operation takes_nothing = { .id = "d" };
static const struct wr_operation is_list = { .id = "e", .is_paged = true };

/* The pointers of all faults, each behind a space. */
static void list_pointers(const struct wr_problem *problem, char *text, size_t room)
{
	size_t at, len = 0;
	json_t *fault;

	text[0] = '\0';
	json_array_foreach(problem->faults, at, fault)
	{
		const char *reason = json_string_value(json_object_get(fault, "reason"));

		assert_true(reason && *reason);
		len += (size_t)snprintf(text + len, room - len, " %s",
					json_string_value(json_object_get(fault, "pointer")));
	}
}

static void expect(const char *name, json_t *object, struct wr_problem *problem, unsigned status,
		   const char *pointers)
{
	char got[1000];

	list_pointers(problem, got, sizeof(got));
	if (problem->status != status || strcmp(got, pointers) != 0)
		fail_msg("%s: %u%s, not %u%s", name, problem->status, got, status, pointers);
	assert_true((object != NULL) == (status == 0));
	json_decref(object);
	wr_problem_done(problem);
}

/* --- Bodies. --- */
struct body_case {
	const char *body;
	unsigned status; /* 0: good */
	const char *pointers;
};

static void check_body(const struct wr_operation *operation, const struct body_case *at)
{
	struct wr_bytes body = { (const uint8_t *)at->body, strlen(at->body) };
	struct wr_problem problem = { 0 };
	json_t *object = wr_check_body(operation, "application/json", body, &problem);

	expect(at->body, object, &problem, at->status, at->pointers);
}

static void check_bodies(const struct wr_operation *operation, const struct body_case *cases,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_body(operation, &cases[i]);
}

#define KEY "\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\""
#define SIXTY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_check_takes_good_values(void **state)
{
	static const struct body_case cases[] = {
		{ "", 0, "" },
		{ "{}", 0, "" },
		{ " {\"text\": \"\xc3\xa4\xc3\xb6\xc3\xbc\xf0\x9f\x98\x80\"} ", 0, "" },
		{ "{\"number\": -5, \"flag\": false, \"colour\": \"green\"}", 0, "" },
		{ "{\"since\": \"2026-02-28T23:59:59Z\"}", 0, "" },
		{ "{\"since\": \"2024-02-29T23:59:59.123+00:00\"}", 0, "" },
		{ "{\"span\": null, \"routes\": null}", 0, "" },
		{ "{\"span\": \"60s\"}", 0, "" },
		{ "{\"span\": \"1h\"}", 0, "" },
		{ "{\"name\": \"B\xc3\xbcro \\\"3\\\" \xf0\x9f\x98\x80 ../;$(x)\"}", 0, "" },
		{ "{\"label\": \"a-0\", \"tag\": \"_a-0\"}", 0, "" },
		{ "{\"tag\": \"aaa" SIXTY "\"}", 0, "" },
		{ "{\"key\": " KEY "}", 0, "" },
		{ "{\"ip\": \"::1\", \"prefix\": \"10.0.0.0/8\"}", 0, "" },
		{ "{\"endpoint\": \"vpn.example.com:51820\"}", 0, "" },
		{ "{\"endpoint\": \"[::1]:1\"}", 0, "" },
		{ "{\"tags\": [\"a\", \"b\", \"c\"], \"routes\": [\"fd00::/8\"]}", 0, "" },
		{ "{\"object\": {\"from\": \"x\"}}", 0, "" },
	};

	(void)state;
	check_bodies(&takes_fields, cases, WR_ARRAY_LEN(cases));
}

static void test_check_names_each_fault(void **state)
{
	static const struct body_case cases[] = {
		{ "{\"other\": 1}", 422, " /other" },
		{ "{\"a/b~c\": 1}", 422, " /a~1b~0c" },
		{ "{\"text\": \"a\"}", 422, " /text" },
		{ "{\"text\": \"aaaaa\"}", 422, " /text" },
		{ "{\"text\": \"a\\u0007b\"}", 422, " /text" },
		{ "{\"text\": \"a\\u0085b\"}", 422, " /text" },
		{ "{\"text\": null}", 422, " /text" },
		{ "{\"text\": 12}", 422, " /text" },
		{ "{\"text\": [\"ab\"]}", 422, " /text" },
		{ "{\"password\": \"a\"}", 422, " /password" },
		{ "{\"number\": 11}", 422, " /number" },
		{ "{\"number\": 1.5}", 422, " /number" },
		{ "{\"number\": \"1\"}", 422, " /number" },
		{ "{\"flag\": 0}", 422, " /flag" },
		{ "{\"flag\": \"true\"}", 422, " /flag" },
		{ "{\"colour\": \"blue\"}", 422, " /colour" },
		{ "{\"colour\": \"re\"}", 422, " /colour" },
		{ "{\"since\": \"2026-02-30T00:00:00Z\"}", 422, " /since" },
		{ "{\"since\": \"2026-02-28T24:00:00Z\"}", 422, " /since" },
		{ "{\"since\": \"2026-02-28T00:00:00+01:00\"}", 422, " /since" },
		{ "{\"since\": \"2026-02-28\"}", 422, " /since" },
		{ "{\"span\": \"59s\"}", 422, " /span" },
		{ "{\"span\": \"2h\"}", 422, " /span" },
		{ "{\"span\": \"99999999999999999999d\"}", 422, " /span" },
		{ "{\"span\": \"1w\"}", 422, " /span" },
		{ "{\"name\": \"\"}", 422, " /name" },
		{ "{\"name\": \" a\"}", 422, " /name" },
		{ "{\"name\": \"aaaa" SIXTY "\"}", 422, " /name" },
		{ "{\"name\": \"a\\u202eb\"}", 422, " /name" },
		{ "{\"label\": \"-a\"}", 422, " /label" },
		{ "{\"label\": \"A\"}", 422, " /label" },
		{ "{\"tag\": \"aaaa" SIXTY "\"}", 422, " /tag" },
		{ "{\"tag\": \"a b\"}", 422, " /tag" },
		{ "{\"key\": \"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF=\"}", 422, " /key" },
		{ "{\"key\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}", 422, " /key" },
		{ "{\"key\": \"AQEB\"}", 422, " /key" },
		{ "{\"ip\": \"10.0.0.256\"}", 422, " /ip" },
		{ "{\"prefix\": \"10.0.0.0/33\"}", 422, " /prefix" },
		{ "{\"endpoint\": \"vpn.example.com\"}", 422, " /endpoint" },
		{ "{\"endpoint\": \"vpn.example.com:0\"}", 422, " /endpoint" },
		{ "{\"endpoint\": \"vpn..example:1\"}", 422, " /endpoint" },
		{ "{\"endpoint\": \"a b:1\"}", 422, " /endpoint" },
		{ "{\"tags\": \"a\"}", 422, " /tags" },
		{ "{\"tags\": [\"a\", \"b\", \"c\", \"d\"]}", 422, " /tags" },
		{ "{\"tags\": [\"a\", 1, \"A\", \"a\"]}", 422, " /tags" },
		{ "{\"tags\": [\"a\", 1, \"A\"]}", 422, " /tags/1 /tags/2" },
		{ "{\"tags\": [\"a\", \"a\"]}", 422, " /tags/1" },
		{ "{\"routes\": [\"10.0.0.0/8\", null]}", 422, " /routes/1" },
		{ "{\"object\": 1}", 422, " /object" },
		{ "{\"object\": {}}", 422, " /object/from" },
		{ "{\"object\": {\"from\": \"\", \"to\": 1}}", 422, " /object/from /object/to" },
		/* All at once. */
		{ "{\"flag\": 1, \"ip\": 1, \"x\": 1}", 422, " /flag /ip /x" },
	};

	(void)state;
	check_bodies(&takes_fields, cases, WR_ARRAY_LEN(cases));
}

static void test_check_tells_what_is_missing(void **state)
{
	static const struct body_case cases[] = {
		{ "", 422, " /login /name" },
		{ "{}", 422, " /login /name" },
		{ "{\"login\": \"a\"}", 422, " /name" },
		{ "{\"login\": null, \"name\": \"a\"}", 422, " /login" },
		{ "{\"login\": \"a\", \"name\": \"a\"}", 0, "" },
	};

	(void)state;
	check_bodies(&takes_needed, cases, WR_ARRAY_LEN(cases));
}

static void test_check_refuses_what_is_no_json(void **state)
{
	static const struct body_case cases[] = {
		{ "{", 400, " " },
		{ "[]", 400, " " },
		{ "\"a\"", 400, " " },
		{ "1", 400, " " },
		{ "{} {}", 400, " " },
		{ "{\"flag\": true, \"flag\": true}", 400, " /flag" },
		{ "{\"text\": \"\xff\xff\"}", 400, " " },
		{ "{\"text\": \"\xc0\x80\x80\"}", 400, " " },
		{ "{\"text\": \"\xed\xa0\x80\"}", 400, " " },
		{ "{\"text\": \"a\\u0000b\"}", 422, " /text" },
		{ "{\"text\": \"\\ud800\"}", 400, " " },
		{ "{\"number\": 99999999999999999999}", 400, " " },
		{ "{\"number\": 1e999}", 400, " " },
		{ "{\"number\": NaN}", 400, " " },
		{ "{\"x\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", 400, " " },
	};

	(void)state;
	check_bodies(&takes_fields, cases, WR_ARRAY_LEN(cases));
}

/* Values of a body may be passwords: no fault repeats them. */
static void test_check_repeats_no_value(void **state)
{
	static const char *const bodies[] = {
		"{\"password\": \"hunter2hunter2hunter2\"}",
		"{\"password\": \"hunter2",
		"{\"password\": hunter2}",
		"{\"password\": \"x\", \"password\": \"hunter2\"}",
		"{\"password\": [\"hunter2\"]}",
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(bodies); i++) {
		struct wr_bytes body = { (const uint8_t *)bodies[i], strlen(bodies[i]) };
		struct wr_problem problem = { 0 };
		char *text;

		assert_null(wr_check_body(&takes_fields, "application/json", body, &problem));
		text = wr_problem_text(&problem, "r1");
		assert_non_null(text);
		assert_null(strstr(text, "hunter2"));
		free(text);
		wr_problem_done(&problem);
	}
}

static void test_check_bounds_a_body(void **state)
{
	size_t len = WR_CHECK_BODY_MAX + 1;
	uint8_t *spaces = malloc(len);
	struct wr_problem problem = { 0 };
	char *commas = malloc(WR_CHECK_VALUES + 100);

	(void)state;
	memset(spaces, ' ', len);
	assert_null(wr_check_body(&takes_fields, "application/json",
				  (struct wr_bytes){ spaces, len }, &problem));
	assert_int_equal(problem.status, 413);
	wr_problem_done(&problem);
	assert_true(wr_check_body_max(&takes_long) == WR_CHECK_LONG_BODY_MAX);
	memset(commas, ',', WR_CHECK_VALUES + 100);
	assert_null(wr_check_body(&takes_fields, "application/json",
				  (struct wr_bytes){ (uint8_t *)commas, WR_CHECK_VALUES + 100 },
				  &problem));
	assert_int_equal(problem.status, 400);
	wr_problem_done(&problem);
	free(spaces);
	free(commas);
}

static void test_check_wants_json_as_type(void **state)
{
	static const struct {
		const struct wr_operation *operation;
		const char *type;
		unsigned status;
	} cases[] = {
		{ &takes_fields, "application/json", 0 },
		{ &takes_fields, "Application/JSON; charset=utf-8", 0 },
		{ &takes_fields, NULL, 415 },
		{ &takes_fields, "text/plain", 415 },
		{ &takes_fields, "application/jsonx", 415 },
		{ &takes_nothing, "application/json", 422 },
	};
	const struct wr_bytes body = { (const uint8_t *)"{}", 2 };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_problem problem = { 0 };
		json_t *object = wr_check_body(cases[i].operation, cases[i].type, body, &problem);

		expect(cases[i].type ? cases[i].type : "none", object, &problem, cases[i].status,
		       "");
	}
}

static void test_check_takes_lines_in_long_texts_only(void **state)
{
	static const struct body_case cases[] = {
		{ "{\"long\": \"a\\n\\tb\\r\\n\"}", 0, "" },
		{ "{\"long\": \"\"}", 422, " /long" },
		{ "{\"long\": \"a\\u001bb\"}", 422, " /long" },
		{ "{\"long\": \"" SIXTY SIXTY "\"}", 422, " /long" },
	};
	static const struct body_case short_case = { "{\"text\": \"a\\nb\"}", 422, " /text" };

	(void)state;
	check_bodies(&takes_long, cases, WR_ARRAY_LEN(cases));
	check_body(&takes_fields, &short_case);
}

/* --- Queries. --- */
static void test_check_reads_queries(void **state)
{
	static const struct {
		const struct wr_operation *operation;
		const char *query;
		unsigned status;
		const char *pointers;
	} cases[] = {
		{ &takes_fields, "", 0, "" },
		{ &takes_fields, "text=ab&number=-5&flag=true&tags=a,b", 0, "" },
		{ &takes_fields, "name=a+b%20c", 0, "" },
		{ &takes_fields, "&&text=ab&", 0, "" },
		{ &takes_fields, "text=ab&text=ab", 422, " ?text" },
		{ &takes_fields, "text", 422, " ?text" },
		{ &takes_fields, "other=1&number=x&flag=1", 422, " ?other ?number ?flag" },
		{ &takes_fields, "number=11", 422, " ?number" },
		{ &takes_fields, "number=1e3", 422, " ?number" },
		{ &takes_fields, "text=%zz", 422, " ?" },
		{ &takes_fields, "text=%ff%ff", 422, " ?" },
		{ &takes_fields, "text=%00ab", 422, " ?" },
		{ &takes_fields, "tags=a,,b", 422, " ?tags/1" },
		{ &takes_needed, "login=a", 422, " ?name" },
		{ &takes_nothing, "a=b", 422, " ?a" },
		{ &is_list, "limit=500&cursor=12", 0, "" },
		{ &is_list, "limit=501", 422, " ?limit" },
		{ &is_list, "limit=0", 422, " ?limit" },
		{ &is_list, "cursor=x", 422, " ?cursor" },
		{ &is_list, "cursor=-1", 422, " ?cursor" },
		{ &is_list, "cursor=99999999999999999999", 422, " ?cursor" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_problem problem = { 0 };
		json_t *object = wr_check_query(cases[i].operation, cases[i].query, &problem);

		expect(cases[i].query, object, &problem, cases[i].status, cases[i].pointers);
	}
}

static void test_check_gives_queries_their_types(void **state)
{
	struct wr_problem problem = { 0 };
	json_t *object = wr_check_query(&takes_fields,
					"number=7&flag=false&tags=b,a&name=a%26b%3Dc", &problem);
	json_t *wanted = json_pack("{s:i, s:b, s:[s, s], s:s}", "number", 7, "flag", 0, "tags", "b",
				   "a", "name", "a&b=c");

	(void)state;
	assert_true(json_equal(object, wanted));
	json_decref(object);
	json_decref(wanted);
}

static void test_check_bounds_a_query(void **state)
{
	struct wr_problem problem = { 0 };
	char query[200] = "";

	(void)state;
	for (unsigned i = 0; i <= WR_CHECK_PARAMETERS; i++)
		strcat(query, "a=b&");
	assert_null(wr_check_query(&takes_nothing, query, &problem));
	assert_true(json_array_size(problem.faults) <= WR_CHECK_PARAMETERS + 1);
	wr_problem_done(&problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_takes_good_values),
		cmocka_unit_test(test_check_names_each_fault),
		cmocka_unit_test(test_check_tells_what_is_missing),
		cmocka_unit_test(test_check_refuses_what_is_no_json),
		cmocka_unit_test(test_check_repeats_no_value),
		cmocka_unit_test(test_check_bounds_a_body),
		cmocka_unit_test(test_check_wants_json_as_type),
		cmocka_unit_test(test_check_takes_lines_in_long_texts_only),
		cmocka_unit_test(test_check_reads_queries),
		cmocka_unit_test(test_check_gives_queries_their_types),
		cmocka_unit_test(test_check_bounds_a_query),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
