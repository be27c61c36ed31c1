#include "crypto/crypto.h"
#include "linux/clock.h"
#include "machine_calls.h"
#include "server/intents.h"
#include "server/policies.h"

static struct calls calls;

static void add(const char *name, const char *tags)
{
	char json[200];

	snprintf(json, sizeof(json), "{\"name\": \"%s\", \"tags\": [%s]}", name, tags);
	json_decref(calls_want(&calls, 201, "machine.add", NULL, json));
}

static int open_calls(void **state)
{
	(void)state;
	calls_open(&calls);
	add("ops", "\"admin\"");
	add("web-1", "\"web\"");
	add("db-1", "\"db\"");
	return 0;
}

static int close_calls(void **state)
{
	(void)state;
	calls_close(&calls);
	return 0;
}

static const char good[] = "# who may what\n"
			   "allow ops -> *\n"
			   "allow tag:web -> tag:db tcp 5432\n"
			   "default deny\n"
			   "test tag:web -> tag:db tcp 5432 allow\n";
static const char bad_name[] = "allow ops -> *\nallow nobody -> *\n";
static const char bad_test[] = "default deny\ntest tag:web -> tag:db tcp 5432 allow\n";

/* {"text": ...} of a policy. */
static char *body_of(const char *text)
{
	json_t *body = json_pack("{s:s}", "text", text);
	char *json = json_dumps(body, 0);

	assert_non_null(json);
	json_decref(body);
	return json;
}

static void save(const char *text, int64_t wanted)
{
	char *json = body_of(text);
	json_t *result = calls_want(&calls, 200, "policy.save", NULL, json);

	assert_int_equal(json_integer_value(json_object_get(result, "version")), wanted);
	assert_string_equal(calls_text(result, "text"), text);
	json_decref(result);
	free(json);
}

static void refuse(const char *text, const char *words)
{
	char *json = body_of(text);

	calls_refuse(&calls, 422, words, "policy.save", NULL, json);
	free(json);
}

static void check_policy(int64_t version, const char *text, const char *fault)
{
	json_t *result = calls_want(&calls, 200, "policy.show", NULL, NULL);
	const char *found = calls_text(result, "fault");

	assert_int_equal(json_integer_value(json_object_get(result, "version")), version);
	assert_string_equal(calls_text(result, "text"), text);
	if (fault ? !strstr(found, fault) : *found != '\0')
		fail_msg("the fault is \"%s\"", found);
	json_decref(result);
}

static void test_policies_begin_with_all_allowed(void **state)
{
	(void)state;
	check_policy(0, WR_POLICY_DEFAULT, NULL);
}

static void test_policies_are_saved_as_versions(void **state)
{
	struct answer answer;

	(void)state;
	save(good, 1);
	check_policy(1, good, NULL);
	save("default deny\n", 2);
	check_policy(2, "default deny\n", NULL);
	answer = calls_run(&calls, "policy.show", NULL, NULL);
	assert_string_equal(answer.etag, "\"2\"");
	calls_done(&answer);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit"
					      " WHERE operation = 'policy.save'"),
			 2);
}

static void test_policies_with_faults_change_nothing(void **state)
{
	(void)state;
	save(good, 1);
	refuse("alow ops -> *\n", "/text line 1: ");
	refuse(bad_name, "/text line 2: ");
	refuse(bad_test, "/text line 2: ");
	check_policy(1, good, NULL);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM policy"), 1);
}

static void check(const char *text, bool is_good, int line)
{
	char *json = body_of(text);
	json_t *result = calls_want(&calls, 200, "policy.check", NULL, json);
	const json_t *faults = json_object_get(result, "faults");
	const json_t *first = json_array_get(faults, 0);

	assert_int_equal(json_is_true(json_object_get(result, "is_good")), is_good);
	assert_int_equal(!json_array_size(faults), is_good);
	assert_int_equal(json_integer_value(json_object_get(first, "line")), line);
	json_decref(result);
	free(json);
}

static void test_policies_are_checked_without_saving(void **state)
{
	(void)state;
	check(good, true, 0);
	check(bad_name, false, 2);
	check(bad_test, false, 2);
	check_policy(0, WR_POLICY_DEFAULT, NULL);
}

static void test_policies_versions_are_listed_newest_first(void **state)
{
	json_t *page, *item;
	char json[64];

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		snprintf(json, sizeof(json), "{\"text\": \"# %u\\n\", \"comment\": \"no %u\"}", i,
			 i);
		json_decref(calls_want(&calls, 200, "policy.save", NULL, json));
	}
	page = calls_want(&calls, 200, "policy.versions", NULL, "{\"limit\": 3}");
	assert_int_equal(json_array_size(json_object_get(page, "items")), 3);
	item = json_array_get(json_object_get(page, "items"), 0);
	assert_int_equal(json_integer_value(json_object_get(item, "version")), 5);
	assert_string_equal(calls_text(item, "comment"), "no 5");
	assert_string_equal(calls_text(item, "creator"), "alice");
	snprintf(json, sizeof(json), "{\"limit\": 3, \"cursor\": \"%s\"}",
		 calls_text(page, "next"));
	json_decref(page);
	page = calls_want(&calls, 200, "policy.versions", NULL, json);
	assert_int_equal(json_array_size(json_object_get(page, "items")), 2);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
	page = calls_want(&calls, 200, "policy.version", "3", NULL);
	assert_string_equal(calls_text(page, "text"), "# 3\n");
	json_decref(page);
	calls_refuse(&calls, 404, "version 9", "policy.version", "9", NULL);
	calls_refuse(&calls, 404, "none", "policy.version", "x", NULL);
	calls_refuse(&calls, 404, "none", "policy.version", "-1", NULL);
	calls_refuse(&calls, 404, "none", "policy.version", "99999999999999999999", NULL);
}

static void test_policies_show_what_differs(void **state)
{
	json_t *result;

	(void)state;
	save(good, 1);
	save("# who may what\nallow ops -> *\ndefault deny\n", 2);
	result = calls_want(&calls, 200, "policy.diff", NULL, "{\"from\": 1, \"to\": 2}");
	assert_string_equal(calls_text(result, "text"), "--- version 1\n+++ version 2\n"
							"@@ -1,5 +1,3 @@\n"
							" # who may what\n"
							" allow ops -> *\n"
							"-allow tag:web -> tag:db tcp 5432\n"
							" default deny\n"
							"-test tag:web -> tag:db tcp 5432 allow\n");
	json_decref(result);
	result = calls_want(&calls, 200, "policy.diff", NULL, NULL);
	assert_int_equal(json_integer_value(json_object_get(result, "from")), 1);
	json_decref(result);
	result = calls_want(&calls, 200, "policy.diff", NULL, "{\"from\": 0, \"to\": 0}");
	assert_string_equal(calls_text(result, "text"), "");
	json_decref(result);
	calls_refuse(&calls, 404, "version 7", "policy.diff", NULL, "{\"from\": 1, \"to\": 7}");
}

static void test_policies_go_back(void **state)
{
	json_t *result;

	(void)state;
	save(good, 1);
	save("default deny\n", 2);
	result = calls_want(&calls, 200, "policy.revert", NULL, "{\"version\": 1}");
	assert_string_equal(calls_text(result, "comment"), "back to version 1");
	json_decref(result);
	check_policy(3, good, NULL);
	json_decref(calls_want(&calls, 200, "policy.revert", NULL, "{\"version\": 0}"));
	check_policy(4, WR_POLICY_DEFAULT, NULL);
	calls_refuse(&calls, 404, "version 9", "policy.revert", NULL, "{\"version\": 9}");
	/* What was good then need not be now: the machine has gone since. */
	json_decref(calls_want(&calls, 204, "machine.remove", "ops", NULL));
	calls_refuse(&calls, 422, "/version line 2: ", "policy.revert", NULL, "{\"version\": 1}");
}

static void check_why(const char *json, bool is_allowed, int line, const char *rule)
{
	json_t *result = calls_want(&calls, 200, "policy.why", NULL, json);

	assert_int_equal(json_is_true(json_object_get(result, "is_allowed")), is_allowed);
	assert_int_equal(json_integer_value(json_object_get(result, "line")), line);
	assert_string_equal(calls_text(result, "rule"), rule);
	json_decref(result);
}

#define ASK(from, to, protocol) \
	"{\"from\": \"" from "\", \"to\": \"" to "\", \"protocol\": \"" protocol "\"}"
#define ASK_PORT(from, to, protocol, port) \
	"{\"from\": \"" from "\", \"to\": \"" to "\", \"protocol\": \"" protocol \
	"\", \"port\": " port "}"

static void test_policies_say_why(void **state)
{
	(void)state;
	check_why(ASK_PORT("web-1", "ops", "tcp", "22"), true, 1, "default allow");
	save(good, 1);
	check_why(ASK_PORT("ops", "web-1", "tcp", "22"), true, 2, "allow ops -> *");
	check_why(ASK_PORT("web-1", "db-1", "tcp", "5432"), true, 3,
		  "allow tag:web -> tag:db tcp 5432");
	check_why(ASK_PORT("web-1", "db-1", "udp", "5432"), false, 4, "default deny");
	check_why(ASK("web-1", "db-1", "icmp"), false, 4, "default deny");
	check_why(ASK("ops", "db-1", "icmp"), true, 2, "allow ops -> *");
	calls_refuse(&calls, 422, "/to", "policy.why", NULL, ASK("ops", "nobody", "icmp"));
	calls_refuse(&calls, 422, "/port", "policy.why", NULL, ASK("ops", "web-1", "tcp"));
	calls_refuse(&calls, 422, "/port", "policy.why", NULL,
		     ASK_PORT("ops", "web-1", "icmp", "1"));
}

static void test_policies_that_do_not_fit_any_more_show_their_fault(void **state)
{
	(void)state;
	save(good, 1);
	/* As another program might. */
	assert_int_equal(
		calls_number(&calls, "DELETE FROM machine WHERE label = 'ops' RETURNING 1"), 1);
	assert_int_equal(calls_number(&calls, "UPDATE organisation SET roster = 1 RETURNING 1"), 1);
	check_policy(1, good, "line 2: ");
	check_policy(1, good, "line 2: ");
	calls_refuse(&calls, 409, "line 2", "policy.why", NULL, ASK("web-1", "db-1", "icmp"));
	add("ops", "");
	check_policy(1, good, NULL);
}

static void test_policies_name_machines_as_whole_words(void **state)
{
	static const struct {
		const char *text, *word;
		bool is_there;
	} cases[] = {
		{ "allow web -> db", "web", true },
		{ "allow web->db", "web", true },
		{ "allow web->db", "db", true },
		{ "group g=web", "web", true },
		{ "allow tag:web -> db", "web", false },
		{ "allow web-1 -> db", "web", false },
		{ "allow my-web -> db", "web", false },
		{ "allow webs -> db", "web", false },
		{ "allow a -> web\r\n", "web", true },
		{ "allow a -> web#", "web", true },
		{ "web", "web", true },
		{ "", "web", false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		if (wr_policy_has_word(cases[i].text, cases[i].word) != cases[i].is_there)
			fail_msg("%s in \"%s\"", cases[i].word, cases[i].text);
	}
	assert_true(wr_policy_has_group("x\ngroup \t web=a", "web"));
	assert_false(wr_policy_has_group("allow web -> *", "web"));
	assert_false(wr_policy_has_group("group a = web", "web"));
}

/* What was undone was never there, whoever looked meanwhile. */
static void test_policies_forget_machines_that_were_undone(void **state)
{
	(void)state;
	check("allow new -> *\n", false, 1);
	assert_int_equal(wr_db_run(calls.db, "SAVEPOINT batch", 0, NULL), 0);
	add("new", "");
	check("allow new -> *\n", true, 0);
	assert_int_equal(wr_db_run(calls.db, "ROLLBACK TO batch", 0, NULL), 0);
	assert_int_equal(wr_db_run(calls.db, "RELEASE batch", 0, NULL), 0);
	check("allow new -> *\n", false, 1);
	add("other", "");
	check("allow new -> *\n", false, 1);
	/* A call that failed half way. */
	calls_refuse(&calls, 422, "/routes/0", "machine.add", NULL,
		     "{\"name\": \"new\", \"routes\": [\"10.100.0.0/24\"]}");
	check("allow new -> *\n", false, 1);
}

static void test_policies_follow_names_and_tags(void **state)
{
	(void)state;
	check("default deny\ntest tag:web -> tag:db icmp deny\n", true, 0);
	check("allow renamed -> *\n", false, 1);
	json_decref(calls_want(&calls, 200, "machine.change", "web-1",
			       "{\"name\": \"renamed\", \"tags\": [\"x\"]}"));
	check("allow renamed -> *\n", true, 0);
	check("allow web-1 -> *\n", false, 1);
	check("allow tag:x -> tag:db\ndefault deny\ntest renamed -> db-1 icmp allow\n", true, 0);
}

/* --- Many machines: through the thread pool's way. --- */

static void test_policies_are_saved_for_many_machines(void **state)
{
	enum {
		MANY = 3000
	};
	struct wr_instant start;
	char name[32], tags[32];

	(void)state;
	assert_int_equal(wr_db_run(calls.db, "BEGIN", 0, NULL), 0);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		snprintf(tags, sizeof(tags), "\"t%u\"", i % 100);
		add(name, tags);
	}
	assert_int_equal(wr_db_run(calls.db, "COMMIT", 0, NULL), 0);
	start = wr_clock_now();
	save(good, 1);
	print_message("%d machines: saved in %.1f ms\n", MANY,
		      (double)(wr_clock_now().ns - start.ns) / 1e6);
	start = wr_clock_now();
	save(good, 2);
	print_message("and again, the machines being known, in %.1f ms\n",
		      (double)(wr_clock_now().ns - start.ns) / 1e6);
	refuse(bad_name, "line 2");
	check_policy(2, good, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_calls, close_calls)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_policies_begin_with_all_allowed),
		TEST(test_policies_are_saved_as_versions),
		TEST(test_policies_with_faults_change_nothing),
		TEST(test_policies_are_checked_without_saving),
		TEST(test_policies_versions_are_listed_newest_first),
		TEST(test_policies_show_what_differs),
		TEST(test_policies_go_back),
		TEST(test_policies_say_why),
		TEST(test_policies_that_do_not_fit_any_more_show_their_fault),
		TEST(test_policies_name_machines_as_whole_words),
		TEST(test_policies_forget_machines_that_were_undone),
		TEST(test_policies_follow_names_and_tags),
		TEST(test_policies_are_saved_for_many_machines),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
