/* DNS records. */
#include "joining.h"

static struct calls calls;
static struct wr_caller local;
static struct answer answer;

static int set_up(void **state)
{
	(void)state;
	calls_open(&calls);
	local = calls_local();
	calls_run(&calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	assert_answer(&answer, 201, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	answer_done(&answer);
	calls_close(&calls);
	return 0;
}

static void add(const char *name, const char *address, unsigned status)
{
	char body[600];

	snprintf(body, sizeof(body), "{'name': '%s', 'address': '%s'}", name, address);
	calls_run(&calls, &local, "dns.add", "acme", body, &answer);
	assert_answer(&answer, status, NULL);
}

static void test_record_is_a_name_under_the_suffix(void **state)
{
	static const char *const same[] = { "git", "GIT", "git.acme.warren", "Git.Acme.Warren." };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(same); i++) {
		char path[64];

		add(same[i], "10.100.0.9", 201);
		assert_string_equal(answer_text(&answer, "name"), "git");
		assert_string_equal(answer_text(&answer, "full_name"), "git.acme.warren");
		assert_string_equal(answer_text(&answer, "type"), "A");
		add("git", "10.100.0.9", 409);
		snprintf(path, sizeof(path), "acme/%s", "");
		calls_run(&calls, &local, "dns.list", "acme", NULL, &answer);
		snprintf(path, sizeof(path), "acme/%s",
			 json_string_value(
				 json_object_get(json_array_get(answer_items(&answer), 0), "uid")));
		calls_run(&calls, &local, "dns.remove", path, NULL, &answer);
		assert_answer(&answer, 204, NULL);
	}
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit WHERE operation LIKE"
					      " 'dns.%'"),
			 8);
}

static void test_record_may_have_several_addresses(void **state)
{
	(void)state;
	add("git", "10.100.0.9", 201);
	add("git", "2001:db8::9", 201);
	assert_string_equal(answer_text(&answer, "type"), "AAAA");
	add("a.b-c.1", "192.0.2.1", 201);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM dns_record"), 3);
}

static void test_record_refuses_what_is_wrong(void **state)
{
	static const struct {
		const char *name, *address, *pointer;
	} cases[] = {
		{ "a b", "10.0.0.1", "/name" },
		{ "-a", "10.0.0.1", "/name" },
		{ "a.", "127.0.0.1", "/address" },
		{ ".", "10.0.0.1", "/name" },
		{ "a..b", "10.0.0.1", "/name" },
		{ "a.b.c.d.e", "10.0.0.1", "/name" },
		{ "*", "10.0.0.1", "/name" },
		{ "gi_t", "10.0.0.1", "/name" },
		{ "git", "10.0.0.0/8", "/address" },
		{ "git", "nowhere", "/address" },
		{ "git", "0.0.0.0", "/address" },
		{ "git", "224.0.0.1", "/address" },
		{ "git", "::1", "/address" },
		{ "git", "fe80::1", "/address" },
		{ ".acme.warren", "10.0.0.1", "/name" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		add(cases[i].name, cases[i].address, 422);
		assert_string_equal(answer.fault, cases[i].pointer);
	}
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM dns_record"), 0);
}

static void test_record_and_machine_do_not_share_a_name(void **state)
{
	char label[64];

	(void)state;
	joining_do(&calls, "{}", "web", 1, label);
	add("web", "10.0.0.1", 409);
	assert_string_equal(answer.type, "name-taken");
	add("hub", "10.0.0.1", 409);
	/* And the other way round. */
	add("git", "10.0.0.1", 201);
	assert_string_equal(joining_do(&calls, "{}", "git", 2, label), "git-2");
}

static void test_record_grows_the_generation(void **state)
{
	int64_t before = calls_number(&calls, "SELECT generation FROM organisation");

	(void)state;
	add("git", "10.0.0.1", 201);
	assert_true(calls_number(&calls, "SELECT generation FROM organisation") > before);
}

static void test_record_count_has_a_limit(void **state)
{
	(void)state;
	calls_sql(&calls, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			  " WHERE i < 500) INSERT INTO dns_record (uid, organisation, name,"
			  " address, created, creator) SELECT 'd' || i, 1, 'n' || i, x'0a000001',"
			  " 1, 'local' FROM n");
	add("git", "10.0.0.1", 409);
	assert_string_equal(answer.type, "quota");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(test_record_is_a_name_under_the_suffix),
		TEST(test_record_may_have_several_addresses),
		TEST(test_record_refuses_what_is_wrong),
		TEST(test_record_and_machine_do_not_share_a_name),
		TEST(test_record_grows_the_generation),
		TEST(test_record_count_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
