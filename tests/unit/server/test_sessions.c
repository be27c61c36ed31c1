#include "calls.h"

#include "crypto/unlock.h"

#define PASSWORD "correct horse battery"
#define SIGN_IN "{'login': 'ann', 'password': '" PASSWORD "'}"

static int set_up(void **state)
{
	/* One for all tests: it is slow. */
	static char hash[WR_PASSWORD_HASH_LEN];
	struct calls *calls = calloc(1, sizeof(*calls));

	calls_open(calls);
	if (!hash[0])
		assert_int_equal(wr_password_hash(PASSWORD, hash), 0);
	assert_int_equal(WR_DB_RUN(calls->db,
				   "INSERT INTO user (uid, login, name, password, created)"
				   " VALUES ('u-ann', 'ann', 'Ann', ?, 1)",
				   WR_T(hash)),
			 0);
	*state = calls;
	return 0;
}

static int tear_down(void **state)
{
	calls_close(*state);
	free(*state);
	return 0;
}

static void sign_in(struct calls *calls, const char *body, struct answer *answer)
{
	struct wr_caller nobody = calls_nobody();

	calls_run(calls, &nobody, "session.create", NULL, body, answer);
}

/* --- Signing in. --- */

static void test_sessions_sign_in_makes_a_session(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };
	char token[64];
	struct wr_token_hash hash;
	struct wr_row *row;

	sign_in(calls, "{'login': 'ANN', 'password': '" PASSWORD "'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "user.login"), "ann");
	assert_int_equal(strlen(answer_text(&answer, "csrf")), 64);
	assert_non_null(
		strstr(answer.cookie, "; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"));
	assert_int_equal(sscanf(answer.cookie, "warren_session=%63[^;]", token), 1);
	hash = wr_token_hash_of(token);
	assert_int_equal(WR_DB_ONE(calls->db, &row,
				   "SELECT u.login, s.address, s.expires - s.created FROM session s"
				   " JOIN user u ON u.id = s.user WHERE s.hash = ?",
				   WR_B(hash.bytes, 32)),
			 1);
	assert_string_equal(wr_row_text(row, 0), "ann");
	assert_string_equal(wr_row_text(row, 1), "192.0.2.1");
	assert_int_equal(wr_row_int(row, 2), 43200);
	wr_row_end(row);
	/* What opens it stands nowhere, nor does the password. */
	assert_true(calls_is_nowhere(calls, token, strlen(token)));
	assert_true(calls_is_nowhere(calls, PASSWORD, strlen(PASSWORD)));
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE operation ="
					     " 'session.create' AND actor = 'ann'"
					     " AND actor_kind = 'user' AND address = '192.0.2.1'"),
			 1);
	answer_done(&answer);
}

static void test_sessions_sign_in_tells_nobody_which_was_wrong(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	sign_in(calls, "{'login': 'ann', 'password': 'wrong'}", &answer);
	assert_answer(&answer, 401, "wrong-password");
	sign_in(calls, "{'login': 'nobody', 'password': 'wrong'}", &answer);
	assert_answer(&answer, 401, "wrong-password");
	/* An identifier is no login. */
	calls_sql(calls, "UPDATE user SET uid = 'uuuuuuuuuuuuuuuuuuuu'");
	sign_in(calls, "{'login': 'uuuuuuuuuuuuuuuuuuuu', 'password': '" PASSWORD "'}", &answer);
	assert_answer(&answer, 401, "wrong-password");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 0);
}

static void test_sessions_sign_in_of_a_disabled_account(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	calls_sql(calls, "UPDATE user SET is_disabled = 1");
	sign_in(calls, "{'login': 'ann', 'password': 'wrong'}", &answer);
	assert_answer(&answer, 401, "wrong-password");
	sign_in(calls, SIGN_IN, &answer);
	assert_answer(&answer, 403, "disabled");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 0);
}

/* How many it takes: more than six where hashing is slower than the first waits. */
static unsigned wrong_ones_until_locked(struct calls *calls, const struct wr_caller *who,
					const char *id, const char *body)
{
	struct answer answer = { 0 };
	unsigned count = 0;

	for (;; count++) {
		calls_run(calls, who, id, NULL, body, &answer);
		if (answer.status == 429)
			break;
		assert_string_equal(answer.type, "wrong-password");
		assert_true(count < 15);
	}
	assert_string_equal(answer.type, "locked-out");
	return count;
}

static void test_sessions_sign_in_is_locked_out(void **state)
{
	static const char *const accounts[] = { "ann", "nobody" };
	struct calls *calls = *state;
	struct wr_caller nobody = calls_nobody();
	struct answer answer = { 0 };
	char body[100];

	/* An account that is not there is locked out the same way. */
	for (size_t i = 0; i < WR_ARRAY_LEN(accounts); i++) {
		snprintf(body, sizeof(body), "{'login': '%s', 'password': 'wrong'}", accounts[i]);
		assert_true(wrong_ones_until_locked(calls, &nobody, "session.create", body) >= 6);
		snprintf(body, sizeof(body), "{'login': '%s', 'password': '" PASSWORD "'}",
			 accounts[i]);
		sign_in(calls, body, &answer);
		assert_answer(&answer, 429, "locked-out");
		assert_true(answer.retry_after >= 1);
	}
}

static void test_sessions_of_a_user_are_bounded(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	calls_sql(
		calls,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		" WHERE i < 80) INSERT INTO session (hash, csrf, user, created, last_used,"
		" expires, address) SELECT CAST('h' || i AS BLOB), x'00', (SELECT id FROM user), 1, 1,"
		" 9999999999, '' FROM n");
	sign_in(calls, SIGN_IN, &answer);
	assert_answer(&answer, 201, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 50);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session WHERE last_used > 1"),
			 1);
	answer_done(&answer);
}

static void test_sessions_that_are_over_go(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	sign_in(calls, SIGN_IN, &answer);
	calls_sql(calls, "UPDATE session SET expires = 1");
	sign_in(calls, SIGN_IN, &answer);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 1);
	answer_done(&answer);
}

/* --- Who am I; signing out. --- */

static void test_sessions_show_says_who(void **state)
{
	struct calls *calls = *state;
	struct wr_caller caller, local = calls_local();
	struct answer answer = { 0 };
	char csrf[80];

	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme Networks'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &local, "member.set", "acme-networks/ann", "{'role': 'operator'}",
		  &answer);
	assert_answer(&answer, 200, NULL);
	sign_in(calls, SIGN_IN, &answer);
	snprintf(csrf, sizeof(csrf), "%s", answer_text(&answer, "csrf"));
	caller = calls_user(calls, "ann");
	calls_run(calls, &caller, "session.show", NULL, NULL, &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "kind"), "user");
	assert_string_equal(answer_text(&answer, "user.login"), "ann");
	assert_string_equal(answer_text(&answer, "csrf"), csrf);
	assert_int_equal(json_array_size(json_object_get(answer.result, "roles")), 1);
	calls_run(calls, &local, "session.show", NULL, NULL, &answer);
	assert_string_equal(answer_text(&answer, "kind"), "local");
	assert_true(json_is_null(json_object_get(answer.result, "user")));
	assert_null(json_object_get(answer.result, "csrf"));
	answer_done(&answer);
}

static void test_sessions_sign_out_ends_this_one(void **state)
{
	struct calls *calls = *state;
	struct wr_caller caller, local = calls_local();
	struct answer answer = { 0 };

	sign_in(calls, SIGN_IN, &answer);
	sign_in(calls, SIGN_IN, &answer);
	caller = calls_user(calls, "ann");
	calls_run(calls, &caller, "session.delete", NULL, NULL, &answer);
	assert_answer(&answer, 204, NULL);
	assert_non_null(strstr(answer.cookie, "warren_session=; "));
	assert_non_null(strstr(answer.cookie, "Max-Age=0"));
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 1);
	calls_run(calls, &local, "session.delete", NULL, NULL, &answer);
	assert_answer(&answer, 409, "no-session");
}

/* --- The own password. --- */

static void test_sessions_password_change_ends_the_others(void **state)
{
	struct calls *calls = *state;
	struct wr_caller caller;
	struct answer answer = { 0 };

	sign_in(calls, SIGN_IN, &answer);
	sign_in(calls, SIGN_IN, &answer);
	caller = calls_user(calls, "ann");
	calls_run(calls, &caller, "session.password", NULL,
		  "{'current': '" PASSWORD "', 'new': 'another one'}", &answer);
	assert_answer(&answer, 204, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM session"), 1);
	assert_int_equal(calls_number(calls, "SELECT max(id) FROM session"), caller.credential);
	sign_in(calls, SIGN_IN, &answer);
	assert_answer(&answer, 401, NULL);
	sign_in(calls, "{'login': 'ann', 'password': 'another one'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_true(calls_is_nowhere(calls, "another one", 11));
	answer_done(&answer);
}

static void test_sessions_password_change_wants_the_current_one(void **state)
{
	struct calls *calls = *state;
	struct wr_caller caller, local = calls_local();
	struct answer answer = { 0 };

	sign_in(calls, SIGN_IN, &answer);
	caller = calls_user(calls, "ann");
	assert_true(wrong_ones_until_locked(calls, &caller, "session.password",
					    "{'current': 'wrong', 'new': 'another one'}") >= 6);
	calls_run(calls, &caller, "session.password", NULL,
		  "{'current': '" PASSWORD "', 'new': 'another one'}", &answer);
	assert_answer(&answer, 429, "locked-out");
	calls_run(calls, &caller, "session.password", NULL,
		  "{'current': '" PASSWORD "', 'new': 'short'}", &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/new");
	calls_run(calls, &local, "session.password", NULL,
		  "{'current': '" PASSWORD "', 'new': 'another one'}", &answer);
	assert_answer(&answer, 403, "sign-in");
}

/* --- Signing up. --- */

static void sign_up(struct calls *calls, const char *body, struct answer *answer)
{
	struct wr_caller nobody = calls_nobody();

	calls_run(calls, &nobody, "session.sign-up", NULL, body, answer);
}

#define BOB "'login': 'Bob', 'password': 'long enough'"

static void test_sessions_sign_up_is_closed(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	sign_up(calls, "{" BOB "}", &answer);
	assert_answer(&answer, 403, "closed");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM user"), 1);
}

static void test_sessions_sign_up_by_invite(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	char body[200], secret[80];

	calls->server.config.sign_up = WR_SIGN_UP_INVITE;
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'operator'}", &answer);
	assert_answer(&answer, 201, NULL);
	snprintf(secret, sizeof(secret), "%s", answer_text(&answer, "invite"));
	assert_true(calls_is_nowhere(calls, secret, strlen(secret)));

	sign_up(calls, "{" BOB "}", &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/invite");
	sign_up(calls, "{" BOB ", 'invite': 'warren_i_guess'}", &answer);
	assert_answer(&answer, 422, NULL);
	snprintf(body, sizeof(body), "{" BOB ", 'invite': '%s', 'organisation': 'Mine'}", secret);
	sign_up(calls, body, &answer);
	assert_string_equal(answer.fault, "/organisation");
	snprintf(body, sizeof(body), "{" BOB ", 'invite': '%s'}", secret);
	sign_up(calls, body, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "user.login"), "bob");
	assert_false(answer_flag(&answer, "user.is_site_admin"));
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM membership m JOIN user u ON"
					     " u.id = m.user WHERE u.login = 'bob'"
					     " AND m.role = 'operator'"),
			 1);
	/* Once. */
	snprintf(body, sizeof(body), "{'login': 'eve', 'password': 'long enough', 'invite': '%s'}",
		 secret);
	sign_up(calls, body, &answer);
	assert_answer(&answer, 422, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM user"), 2);
}

static void test_sessions_sign_up_with_an_invite_that_is_over(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	char body[200];

	calls->server.config.sign_up = WR_SIGN_UP_INVITE;
	calls_run(calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	snprintf(body, sizeof(body), "{" BOB ", 'invite': '%s'}", answer_text(&answer, "invite"));
	calls_sql(calls, "UPDATE invite SET expires = 1");
	sign_up(calls, body, &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/invite");
}

static void test_sessions_sign_up_is_open(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	calls->server.config.sign_up = WR_SIGN_UP_OPEN;
	sign_up(calls, "{" BOB ", 'name': 'Bob the Builder', 'organisation': 'Bob\\u2019s'}",
		&answer);
	assert_answer(&answer, 201, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM organisation o JOIN membership m"
					     " ON m.organisation = o.id WHERE m.role = 'owner'"
					     " AND o.machine_quota = 250"),
			 1);
	/* The login is taken, and nothing of a second try stays. */
	sign_up(calls, "{'login': 'ann', 'password': 'long enough', 'organisation': 'Anns'}",
		&answer);
	assert_answer(&answer, 409, "conflict");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM organisation"), 1);
	/* The organisation's name is taken: no account either. */
	sign_up(calls, "{'login': 'eve', 'password': 'long enough', 'organisation': 'BOB\\u2019S'}",
		&answer);
	assert_answer(&answer, 409, "conflict");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM user"), 2);
}

static void test_sessions_sign_up_names_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *fault;
	} cases[] = {
		{ "{'login': 'a b', 'password': 'long enough'}", "/login" },
		{ "{'login': '.dot', 'password': 'long enough'}", "/login" },
		{ "{'login': '', 'password': 'long enough'}", "/login" },
		{ "{'login': 'b\\u00f6b', 'password': 'long enough'}", "/login" },
		{ "{'login': 'abcdefghijklmnopqrst', 'password': 'long enough'}", "/login" },
		{ "{'login': 'bob', 'password': 'short'}", "/password" },
		{ "{'login': 'bob.bob.bob', 'password': 'BOB.bob.bob'}", "/password" },
		{ "{'login': 'bob'}", "/password" },
		{ "{'login': 'bob', 'password': 5}", "/password" },
		{ "{'login': 'bob', 'password': 'long enough', 'name': ' x'}", "/name" },
		{ "{'login': 'bob', 'password': 'long enough', 'is_site_admin': true}",
		  "/is_site_admin" },
	};
	struct calls *calls = *state;
	struct answer answer = { 0 };

	calls->server.config.sign_up = WR_SIGN_UP_OPEN;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		sign_up(calls, cases[i].body, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, cases[i].fault);
	}
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM user"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_sessions_sign_in_makes_a_session),
		TEST(test_sessions_sign_in_tells_nobody_which_was_wrong),
		TEST(test_sessions_sign_in_of_a_disabled_account),
		TEST(test_sessions_sign_in_is_locked_out),
		TEST(test_sessions_of_a_user_are_bounded),
		TEST(test_sessions_that_are_over_go),
		TEST(test_sessions_show_says_who),
		TEST(test_sessions_sign_out_ends_this_one),
		TEST(test_sessions_password_change_ends_the_others),
		TEST(test_sessions_password_change_wants_the_current_one),
		TEST(test_sessions_sign_up_is_closed),
		TEST(test_sessions_sign_up_by_invite),
		TEST(test_sessions_sign_up_with_an_invite_that_is_over),
		TEST(test_sessions_sign_up_is_open),
		TEST(test_sessions_sign_up_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
