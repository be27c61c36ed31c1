#include "calls.h"

#include "crypto/unlock.h"

static int set_up(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_open(calls);
	calls_sql(calls, "INSERT INTO user (uid, login, name, password, is_site_admin, created)"
			 " VALUES ('u-root', 'root', 'Root', 'x', 1, 1),"
			 " ('u-ann', 'ann', 'Ann', 'x', 0, 1), ('u-bob', 'bob', 'Bob', 'x', 0, 1)");
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'admin'}", &answer);
	assert_answer(&answer, 200, NULL);
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

static void test_tokens_are_told_once(void **state)
{
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann");
	struct answer answer = { 0 };
	struct wr_token_hash hash;
	struct wr_row *row;
	char secret[80];

	calls_run(calls, &ann, "token.create", NULL,
		  "{'name': 'backup', 'org': 'acme', 'role': 'viewer', 'may_write': false,"
		  " 'expires_in': '7d'}",
		  &answer);
	assert_answer(&answer, 201, NULL);
	snprintf(secret, sizeof(secret), "%s", answer_text(&answer, "token"));
	assert_int_equal(strncmp(secret, "warren_t_", 9), 0);
	assert_string_equal(answer_text(&answer, "user"), "ann");
	assert_string_equal(answer_text(&answer, "role"), "viewer");
	assert_false(answer_flag(&answer, "may_write"));
	assert_int_equal(answer_text(&answer, "org")[0], 'o');
	assert_non_null(answer_text(&answer, "expires"));
	assert_true(json_is_null(json_object_get(answer.result, "last_used")));
	hash = wr_token_hash_of(secret);
	assert_int_equal(WR_DB_ONE(calls->db, &row,
				   "SELECT expires - created FROM token WHERE hash = ?",
				   WR_B(hash.bytes, 32)),
			 1);
	assert_int_equal(wr_row_int(row, 0), 7 * 86400);
	wr_row_end(row);
	assert_true(calls_is_nowhere(calls, secret, strlen(secret)));
	calls_run(calls, &ann, "token.list", NULL, NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 1);
	assert_null(json_object_get(json_array_get(answer_items(&answer), 0), "token"));
	answer_done(&answer);
}

static void test_tokens_name_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *fault;
	} cases[] = {
		{ "{'name': ''}", "/name" },
		{ "{}", "/name" },
		{ "{'name': 'x', 'org': 'nowhere'}", "/org" },
		{ "{'name': 'x', 'role': 'king'}", "/role" },
		{ "{'name': 'x', 'expires_in': 'soon'}", "/expires_in" },
		{ "{'name': 'x', 'expires_in': '0s'}", "/expires_in" },
		{ "{'name': 'x', 'may_write': 1}", "/may_write" },
	};
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann"), bob = calls_user(calls, "bob");
	struct answer answer = { 0 };

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		calls_run(calls, &ann, "token.create", NULL, cases[i].body, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, cases[i].fault);
	}
	/* Of others' organisations nobody learns that they are there. */
	calls_run(calls, &bob, "token.create", NULL, "{'name': 'x', 'org': 'acme'}", &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/org");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM token"), 0);
}

static void test_tokens_are_ones_own(void **state)
{
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann"), bob = calls_user(calls, "bob");
	struct wr_caller root = calls_user(calls, "root");
	struct answer answer = { 0 };
	char uid[40];

	calls_run(calls, &ann, "token.create", NULL, "{'name': 'x'}", &answer);
	snprintf(uid, sizeof(uid), "%s", answer_text(&answer, "uid"));
	calls_run(calls, &bob, "token.list", NULL, NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 0);
	calls_run(calls, &bob, "token.revoke", uid, NULL, &answer);
	assert_answer(&answer, 404, NULL);
	calls_run(calls, &bob, "token.create", NULL, "{'name': 'x', 'user': 'ann'}", &answer);
	assert_answer(&answer, 403, "site-only");
	calls_run(calls, &root, "token.list", NULL, NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 1);
	calls_run(calls, &ann, "token.revoke", uid, NULL, &answer);
	assert_answer(&answer, 204, NULL);
	calls_run(calls, &ann, "token.revoke", uid, NULL, &answer);
	assert_answer(&answer, 404, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE operation ="
					     " 'token.revoke' AND before ->> 'name' = 'x'"),
			 1);
}

static void test_tokens_of_the_local_administrator(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	calls_run(calls, &local, "token.create", NULL, "{'name': 'x'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "user"), "root");
	calls_run(calls, &local, "token.create", NULL, "{'name': 'x', 'user': 'bob'}", &answer);
	assert_string_equal(answer_text(&answer, "user"), "bob");
	calls_sql(calls, "UPDATE user SET is_site_admin = 0");
	calls_run(calls, &local, "token.create", NULL, "{'name': 'x'}", &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/user");
}

static void test_tokens_of_a_user_are_bounded(void **state)
{
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann");
	struct answer answer = { 0 };

	for (unsigned i = 0; i < 100; i++)
		calls_run(calls, &ann, "token.create", NULL, "{'name': 'x'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &ann, "token.create", NULL, "{'name': 'x'}", &answer);
	assert_answer(&answer, 409, "quota");
	/* One that was over long ago makes room. */
	calls_sql(calls, "UPDATE token SET expires = 5 WHERE id = (SELECT min(id) FROM token)");
	calls_run(calls, &ann, "token.create", NULL, "{'name': 'x'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM token"), 100);
	answer_done(&answer);
}

static void test_tokens_that_end_make_none_that_stay(void **state)
{
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann"), token;
	struct answer answer = { 0 };

	calls_run(calls, &ann, "token.create", NULL, "{'name': 'x', 'expires_in': '1h'}", &answer);
	token = ann;
	token.kind = WR_CALLER_TOKEN;
	token.credential = calls_number(calls, "SELECT max(id) FROM token");
	calls_run(calls, &token, "token.create", NULL, "{'name': 'y'}", &answer);
	assert_answer(&answer, 403, "limited");
	calls_run(calls, &token, "token.create", NULL, "{'name': 'y', 'expires_in': '2h'}",
		  &answer);
	assert_answer(&answer, 403, "limited");
	calls_run(calls, &token, "token.create", NULL, "{'name': 'y', 'expires_in': '5m'}",
		  &answer);
	assert_answer(&answer, 201, NULL);
	answer_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_tokens_are_told_once),
		TEST(test_tokens_name_what_is_wrong),
		TEST(test_tokens_are_ones_own),
		TEST(test_tokens_of_the_local_administrator),
		TEST(test_tokens_of_a_user_are_bounded),
		TEST(test_tokens_that_end_make_none_that_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
