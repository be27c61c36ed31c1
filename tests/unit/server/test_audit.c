#include "calls.h"

static int set_up(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_open(calls);
	calls_sql(calls, "INSERT INTO user (uid, login, name, password, is_site_admin, created)"
			 " VALUES ('u-ann', 'ann', 'Ann', 'x', 0, 1)");
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Other'}", &answer);
	calls_sql(calls, "DELETE FROM audit");
	calls_sql(calls,
		  "INSERT INTO audit (id, time, organisation, operation, actor_kind,"
		  " actor_uid, actor, address, target_uid, target, before, after, request)"
		  " VALUES"
		  " (1, 1000, 1, 'machine.add', 'user', 'u-ann', 'ann', '192.0.2.1', 'm1',"
		  "  'one', NULL, '{\"name\":\"one\"}', 'r1'),"
		  " (2, 2000, 1, 'machine.change', 'local', NULL, 'local', NULL, 'm1', 'two',"
		  "  '{\"name\":\"one\"}', '{\"name\":\"two\"}', 'r2'),"
		  " (3, 3000, 2, 'machine.add', 'local', NULL, 'local', NULL, 'm2', 'one',"
		  "  NULL, NULL, 'r3'),"
		  " (4, 4000, NULL, 'user.add', 'local', NULL, 'local', NULL, 'u-ann', 'ann',"
		  "  NULL, NULL, 'r4')");
	answer_done(&answer);
	*state = calls;
	return 0;
}

static int tear_down(void **state)
{
	calls_close(*state);
	free(*state);
	return 0;
}

/* The ids, as "4,3". */
static const char *listed(struct calls *calls, const char *org, const char *query)
{
	static char text[100];
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	json_t *item;
	size_t i, len = 0;

	calls_ask(calls, &local, org ? "audit.list-org" : "audit.list", org, query, &answer);
	assert_answer(&answer, 200, NULL);
	text[0] = '\0';
	json_array_foreach(answer_items(&answer), i, item)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lld", i ? "," : "",
					json_integer_value(json_object_get(item, "id")));
	answer_done(&answer);
	return text;
}

static void test_audit_list_is_filtered(void **state)
{
	static const struct {
		const char *org, *query, *ids;
	} cases[] = {
		{ NULL, "", "4,3,2,1" },
		{ "acme", "", "2,1" },
		{ "other", "", "3" },
		{ NULL, "operation=machine.add", "3,1" },
		{ NULL, "operation=machine.", "3,2,1" },
		{ NULL, "operation=machine", "" },
		{ "acme", "operation=machine.add", "1" },
		{ NULL, "actor=ANN", "1" },
		{ NULL, "actor=u-ann", "1" },
		{ NULL, "actor=local", "4,3,2" },
		{ NULL, "target=one", "3,1" },
		{ NULL, "target=m1", "2,1" },
		{ NULL, "since=1970-01-01T00:33:20Z", "4,3,2" },
		{ NULL, "until=1970-01-01T00:33:20Z", "1" },
		{ NULL, "since=1970-01-01T00:33:20Z&until=1970-01-01T00:50:00Z", "2" },
		{ NULL, "limit=3", "4,3,2" },
		{ NULL, "limit=3&cursor=2", "1" },
		{ "acme", "limit=1&cursor=2", "1" },
		{ NULL, "actor=%27+OR+1=1+--", "" },
	};
	struct calls *calls = *state;

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s?%s\n", cases[i].org ? cases[i].org : "", cases[i].query);
		assert_string_equal(listed(calls, cases[i].org, cases[i].query), cases[i].ids);
	}
}

static void test_audit_list_goes_on_below(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_ask(calls, &local, "audit.list", NULL, "limit=3", &answer);
	assert_string_equal(answer_text(&answer, "next"), "2");
	calls_ask(calls, &local, "audit.list", NULL, "limit=3&cursor=2", &answer);
	assert_true(json_is_null(json_object_get(answer.result, "next")));
	calls_ask(calls, &local, "audit.list", NULL, "limit=4", &answer);
	assert_true(json_is_null(json_object_get(answer.result, "next")));
	answer_done(&answer);
}

static void test_audit_list_shows_all_of_a_line(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	json_t *line, *wanted;

	calls_ask(calls, &local, "audit.list-org", "acme", "operation=machine.change", &answer);
	line = json_array_get(answer_items(&answer), 0);
	assert_int_equal(json_string_value(json_object_get(line, "org"))[0], 'o');
	json_object_del(line, "org");
	wanted = json_loads("{\"id\": 2, \"time\": \"1970-01-01T00:33:20Z\","
			    " \"operation\": \"machine.change\", \"actor_kind\": \"local\","
			    " \"actor_uid\": null, \"actor\": \"local\", \"address\": null,"
			    " \"target_uid\": \"m1\", \"target\": \"two\","
			    " \"before\": {\"name\": \"one\"}, \"after\": {\"name\": \"two\"},"
			    " \"request_id\": \"r2\"}",
			    0, NULL);
	assert_true(json_equal(line, wanted));
	json_decref(wanted);
	answer_done(&answer);
}

static void test_audit_query_names_what_is_wrong(void **state)
{
	static const struct {
		const char *query, *fault;
	} cases[] = {
		{ "since=yesterday", "?since" }, { "until=", "?until" },    { "limit=0", "?limit" },
		{ "limit=501", "?limit" },       { "cursor=x", "?cursor" }, { "who=ann", "?who" },
	};
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		calls_ask(calls, &local, "audit.list", NULL, cases[i].query, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, cases[i].fault);
	}
}

/* Lines of which no number is a multiple of 1,000: nothing is looked at meanwhile. */
#define MANY_LINES \
	"INSERT INTO audit (id, time, organisation, operation, actor_kind, actor, request)" \
	" WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500010)" \
	" SELECT i * 1000 + 1, 1, 1, 'x', 'local', 'local', 'r' FROM n"

static void test_audit_log_of_an_organisation_is_bounded(void **state)
{
	struct calls *calls = *state;

	calls_sql(calls, MANY_LINES);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE organisation = 1"),
			 500012);
	calls_sql(calls, "INSERT INTO audit (id, time, organisation, operation, actor_kind, actor,"
			 " request) VALUES (600000000, 1, 1, 'newest', 'local', 'local', 'r')");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE organisation = 1"),
			 500000);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE operation ="
					     " 'newest' OR organisation IS NOT 1"),
			 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_audit_list_is_filtered),
		TEST(test_audit_list_goes_on_below),
		TEST(test_audit_list_shows_all_of_a_line),
		TEST(test_audit_query_names_what_is_wrong),
		TEST(test_audit_log_of_an_organisation_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
