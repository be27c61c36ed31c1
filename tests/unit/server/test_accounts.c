#include "calls.h"

#include "crypto/unlock.h"

static int set_up(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	calls_open(calls);
	*state = calls;
	return 0;
}

static int tear_down(void **state)
{
	calls_close(*state);
	free(*state);
	return 0;
}

static void add(struct calls *calls, const char *body)
{
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_run(calls, &local, "user.add", NULL, body, &answer);
	assert_answer(&answer, 201, NULL);
	answer_done(&answer);
}

/* Without the work of a hash. */
static void insert(struct calls *calls, const char *login, bool is_site_admin)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO user (uid, login, name, password, is_site_admin, created) VALUES"
		 " ('u-%s', '%s', '%s', 'x', %d, 1000000000)",
		 login, login, login, is_site_admin);
	calls_sql(calls, sql);
}

static void test_accounts_add_makes_a_password(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local(), nobody = calls_nobody();
	struct answer answer = { 0 };
	char body[100];

	calls_run(calls, &local, "user.add", NULL, "{'login': 'Ann', 'is_site_admin': true}",
		  &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "login"), "ann");
	assert_string_equal(answer_text(&answer, "name"), "Ann");
	assert_true(answer_flag(&answer, "is_site_admin"));
	assert_int_equal(answer_text(&answer, "uid")[0], 'u');
	assert_int_equal(strlen(answer_text(&answer, "password")), 19);
	assert_true(calls_is_nowhere(calls, answer_text(&answer, "password"), 19));
	snprintf(body, sizeof(body), "{'login': 'ann', 'password': '%s'}",
		 answer_text(&answer, "password"));
	calls_run(calls, &nobody, "session.create", NULL, body, &answer);
	assert_answer(&answer, 201, NULL);
	answer_done(&answer);
}

static void test_accounts_add_does_not_tell_a_given_password(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_run(calls, &local, "user.add", NULL,
		  "{'login': 'ann', 'name': 'Ann \\u00c5', 'password': 'long enough'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_null(json_object_get(answer.result, "password"));
	assert_string_equal(answer_text(&answer, "name"), "Ann Å");
	calls_run(calls, &local, "user.add", NULL, "{'login': 'ANN'}", &answer);
	assert_answer(&answer, 409, "conflict");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM user"), 1);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit"), 1);
}

static void test_accounts_are_listed_in_pages(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	char query[64] = "limit=2";
	unsigned pages = 0, items = 0;
	json_t *next;

	for (unsigned i = 0; i < 5; i++) {
		char login[8];

		snprintf(login, sizeof(login), "user%u", i);
		insert(calls, login, false);
	}
	for (;;) {
		calls_ask(calls, &local, "user.list", NULL, query, &answer);
		assert_answer(&answer, 200, NULL);
		pages++;
		items += (unsigned)json_array_size(answer_items(&answer));
		next = json_object_get(answer.result, "next");
		if (json_is_null(next))
			break;
		snprintf(query, sizeof(query), "limit=2&cursor=%s", json_string_value(next));
	}
	assert_int_equal(pages, 3);
	assert_int_equal(items, 5);
	answer_done(&answer);
}

static void test_accounts_show_goes_by_login_and_uid(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	insert(calls, "ann", false);
	calls_run(calls, &local, "user.show", "ANN", NULL, &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer.etag, "\"1\"");
	calls_run(calls, &local, "user.show", "u-ann", NULL, &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "created"), "2001-09-09T01:46:40Z");
	calls_run(calls, &local, "user.show", "nobody", NULL, &answer);
	assert_answer(&answer, 404, "not-found");
}

static void test_accounts_change_is_noted_before_and_after(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	insert(calls, "ann", false);
	calls_run(calls, &local, "user.change", "ann", "{'name': 'Ann B', 'is_site_admin': true}",
		  &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "name"), "Ann B");
	assert_true(answer_flag(&answer, "is_site_admin"));
	assert_string_equal(answer.etag, "\"2\"");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE operation ="
					     " 'user.change' AND before ->> 'name' = 'ann'"
					     " AND after ->> 'name' = 'Ann B'"),
			 1);
	answer_done(&answer);
}

static void test_accounts_new_password_ends_sessions(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	struct wr_row *row;

	add(calls, "{'login': 'ann', 'password': 'long enough'}");
	calls_sql(calls, "INSERT INTO session VALUES (1, x'01', x'02', 1, 1, 1, 9999999999, '')");
	calls_run(calls, &local, "user.change", "ann", "{'password': 'the next one'}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 0);
	assert_int_equal(wr_db_one(calls->db, "SELECT password FROM user", 0, NULL, &row), 1);
	assert_true(wr_password_matches("the next one", wr_row_text(row, 0)));
	wr_row_end(row);
	calls_run(calls, &local, "user.change", "ann", "{'password': 'ANN', 'name': 'x\\u202e'}",
		  &answer);
	assert_answer(&answer, 422, NULL);
	/* Neither the password nor its hash is in the log. */
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE after LIKE"
					     " '%next%' OR after LIKE '%argon%'"),
			 0);
}

static void test_accounts_disabled_are_out_at_once(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	insert(calls, "ann", false);
	calls_sql(calls, "INSERT INTO session VALUES (1, x'01', x'02', 1, 1, 1, 9999999999, '')");
	calls_run(calls, &local, "user.change", "ann", "{'is_disabled': true}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 0);
	answer_done(&answer);
}

static void test_accounts_last_site_administrator_stays(void **state)
{
	static const char *const changes[] = { "{'is_site_admin': false}",
					       "{'is_disabled': true}" };
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	insert(calls, "root", true);
	insert(calls, "ann", false);
	for (size_t i = 0; i < WR_ARRAY_LEN(changes); i++) {
		calls_run(calls, &local, "user.change", "root", changes[i], &answer);
		assert_answer(&answer, 409, "last-admin");
	}
	calls_run(calls, &local, "user.remove", "root", NULL, &answer);
	assert_answer(&answer, 409, "last-admin");
	/* One that is disabled does not count. */
	calls_sql(calls, "UPDATE user SET is_site_admin = 1, is_disabled = 1 WHERE login = 'ann'");
	calls_run(calls, &local, "user.remove", "root", NULL, &answer);
	assert_answer(&answer, 409, "last-admin");
	calls_sql(calls, "UPDATE user SET is_disabled = 0 WHERE login = 'ann'");
	calls_run(calls, &local, "user.remove", "root", NULL, &answer);
	assert_answer(&answer, 204, NULL);
}

static void test_accounts_removed_leave_nothing(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	insert(calls, "ann", false);
	insert(calls, "bob", false);
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'owner'}", &answer);
	calls_sql(calls, "INSERT INTO session VALUES (1, x'01', x'02', 1, 1, 1, 9999999999, '')");
	calls_run(calls, &local, "token.create", NULL, "{'name': 't', 'user': 'ann'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &local, "user.remove", "ann", NULL, &answer);
	assert_answer(&answer, 409, "last-owner");
	calls_run(calls, &local, "member.set", "acme/bob", "{'role': 'owner'}", &answer);
	calls_run(calls, &local, "user.remove", "ann", NULL, &answer);
	assert_answer(&answer, 204, NULL);
	assert_int_equal(calls_number(calls, "SELECT (SELECT count(*) FROM session)"
					     " + (SELECT count(*) FROM token)"),
			 0);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM membership"), 1);
	calls_run(calls, &local, "user.remove", "ann", NULL, &answer);
	assert_answer(&answer, 404, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_accounts_add_makes_a_password),
		TEST(test_accounts_add_does_not_tell_a_given_password),
		TEST(test_accounts_are_listed_in_pages),
		TEST(test_accounts_show_goes_by_login_and_uid),
		TEST(test_accounts_change_is_noted_before_and_after),
		TEST(test_accounts_new_password_ends_sessions),
		TEST(test_accounts_disabled_are_out_at_once),
		TEST(test_accounts_last_site_administrator_stays),
		TEST(test_accounts_removed_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
