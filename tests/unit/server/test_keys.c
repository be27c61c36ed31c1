/* Join keys, and joining by them. */
#include <errno.h>

#include "joining.h"
#include "server/keys.h"
#include "server/upkeep.h"

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

/* --- Keys. --- */

static void test_keys_are_for_one_machine_and_an_hour(void **state)
{
	(void)state;
	calls_run(&calls, &local, "key.create", "acme", "{}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_int_equal(answer_number(&answer, "uses"), 1);
	assert_int_equal(answer_number(&answer, "uses_left"), 1);
	assert_string_equal(answer_text(&answer, "state"), "valid");
	assert_false(answer_flag(&answer, "needs_approval"));
	assert_int_equal(calls_number(&calls, "SELECT expires - created FROM join_key"), 3600);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit WHERE operation ="
					      " 'key.create'"),
			 1);
}

static void test_keys_have_their_secret_nowhere(void **state)
{
	char secret[28];

	(void)state;
	joining_key(&calls, "{'tags': ['web']}", secret);
	assert_true(calls_is_nowhere(&calls, secret, 27));
	calls_run(&calls, &local, "key.list", "acme", NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 1);
	assert_null(json_object_get(json_array_get(answer_items(&answer), 0), "key"));
}

static void test_keys_refuse_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *pointer;
	} cases[] = {
		{ "{'uses': 0}", "/uses" },
		{ "{'uses': 1000001}", "/uses" },
		{ "{'expires_in': '5s'}", "/expires_in" },
		{ "{'expires_in': 'soon'}", "/expires_in" },
		{ "{'ephemeral_after': '5m'}", "/ephemeral_after" },
		{ "{'is_ephemeral': true, 'ephemeral_after': '5s'}", "/ephemeral_after" },
		{ "{'machine': 'web', 'uses': 2}", "/uses" },
		{ "{'machine': 'web', 'uses': null}", "/uses" },
		{ "{'tags': ['No Tag']}", "/tags/0" },
		{ "{'secret': 'mine'}", "/secret" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		calls_run(&calls, &local, "key.create", "acme", cases[i].body, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, cases[i].pointer);
	}
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM join_key"), 0);
}

static void test_keys_address_is_one_that_machines_reach(void **state)
{
	static const struct {
		const char *endpoint, *listen, *wanted;
		bool is_behind_proxy;
	} cases[] = {
		{ "a.example:1", NULL, "a.example:1" },
		{ "a.example:1", "127.0.0.1:8443", "a.example:1", true },
		{ NULL, "192.0.2.7:8443", "192.0.2.7:9000" },
		{ NULL, "[2001:db8::1]:8443", "[2001:db8::1]:9000" },
		{ NULL, "vpn.example:8443", "vpn.example:9000" },
		{ NULL, "192.0.2.7:8443", NULL, true },
		{ NULL, "0.0.0.0:8443", NULL },
		{ NULL, "[::]:8443", NULL },
		{ NULL, "127.0.0.1:8443", NULL },
		{ NULL, "[::1]:8443", NULL },
		{ NULL, "localhost:8443", NULL },
		{ NULL, NULL, NULL },
	};
	char address[260], why[300];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_server server = { .config = {
						    .api_endpoint = cases[i].endpoint,
						    .api_listen = cases[i].listen,
						    .is_behind_proxy = cases[i].is_behind_proxy,
					    } };
		bool is_known = wr_key_address(&server, 9000, address, why);

		assert_int_equal(is_known, cases[i].wanted != NULL);
		if (is_known)
			assert_string_equal(address, cases[i].wanted);
		else
			assert_non_null(strstr(why, "--api-endpoint"));
	}
}

static void test_keys_are_not_made_where_nobody_could_use_them(void **state)
{
	(void)state;
	calls.server.config.api_endpoint = NULL;
	calls_run(&calls, &local, "key.create", "acme", "{}", &answer);
	assert_answer(&answer, 409, "no-address");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM join_key"), 0);
}

/* --- Joining. --- */

static void test_join_makes_a_member(void **state)
{
	char secret[28];

	(void)state;
	joining_key(&calls, "{'tags': ['web', 'eu']}", secret);
	joining_try(&calls, secret, "Web 1", 1, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "name"), "web-1");
	assert_string_equal(answer_text(&answer, "state"), "approved");
	assert_string_equal(answer_text(&answer, "network"), "acme");
	assert_string_equal(answer_text(&answer, "suffix"), "acme.warren");
	assert_int_equal(strncmp(answer_text(&answer, "token"), "warren_m_", 9), 0);
	/* Only its hash is kept. */
	assert_true(calls_is_nowhere(&calls, answer_text(&answer, "token"),
				     strlen(answer_text(&answer, "token"))));
	calls_run(&calls, &local, "machine.show", "acme/web-1", NULL, &answer);
	assert_string_equal(answer_text(&answer, "kind"), "agent");
	assert_string_equal(answer_text(&answer, "hostname"), "host");
	assert_string_equal(answer_text(&answer, "agent_version"), "1.0");
	assert_int_equal(json_array_size(json_object_get(answer.result, "tags")), 2);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit WHERE operation = 'join'"
					      " AND actor_kind = 'machine' AND target = 'Web 1'"),
			 1);
}

static void test_join_of_a_taken_name_gets_a_number(void **state)
{
	char label[64];

	(void)state;
	assert_string_equal(joining_do(&calls, "{}", "web", 1, label), "web");
	assert_string_equal(joining_do(&calls, "{}", "web", 2, label), "web-2");
	assert_string_equal(joining_do(&calls, "{}", "hub", 3, label), "hub-2");
}

static void test_join_by_a_key_for_one_admits_one(void **state)
{
	char secret[28];

	(void)state;
	joining_key(&calls, "{}", secret);
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 201, NULL);
	joining_try(&calls, secret, "b", 2, &answer);
	assert_answer(&answer, 403, "key-spent");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 1);
	assert_int_equal(calls_number(&calls, "SELECT used FROM join_key"), 1);
}

static void test_join_by_a_key_for_any_number_admits_many(void **state)
{
	char secret[28];

	(void)state;
	joining_key(&calls, "{'uses': null}", secret);
	for (unsigned i = 1; i <= 20; i++) {
		joining_try(&calls, secret, "web", i, &answer);
		assert_answer(&answer, 201, NULL);
	}
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 20);
}

/* What is wrong is told to who shows a real key, and to nobody else. */
static void test_join_says_what_is_wrong_with_the_key(void **state)
{
	char secret[28];

	(void)state;
	joining_try(&calls, "AAAAAAAAAAAAAAAAAAAAAAAAAAA", "a", 1, &answer);
	assert_answer(&answer, 403, "key-unknown");
	joining_key(&calls, "{'expires_in': '10m'}", secret);
	calls_sql(&calls, "UPDATE join_key SET expires = 1000");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 403, "key-expired");
	calls_sql(&calls, "UPDATE join_key SET expires = NULL, revoked = 1000");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 403, "key-revoked");
	calls_sql(&calls, "UPDATE join_key SET revoked = NULL");
	calls_sql(&calls, "UPDATE organisation SET is_disabled = 1");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 403, "disabled");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 0);
	calls_sql(&calls, "UPDATE organisation SET is_disabled = 0");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 201, NULL);
}

static void test_join_by_guessing_has_to_wait(void **state)
{
	unsigned tries = 0;

	(void)state;
	do {
		joining_try(&calls, "AAAAAAAAAAAAAAAAAAAAAAAAAAA", "a", 1, &answer);
		tries++;
	} while (answer.status == 403 && tries < 100);
	assert_answer(&answer, 429, NULL);
	assert_true(answer.retry_after > 0);
}

static void test_join_again_is_the_same_machine_with_a_new_token(void **state)
{
	char secret[28], uid[32], token[64];

	(void)state;
	joining_key(&calls, "{}", secret);
	joining_try(&calls, secret, "a", 1, &answer);
	snprintf(uid, sizeof(uid), "%s", answer_text(&answer, "machine"));
	snprintf(token, sizeof(token), "%s", answer_text(&answer, "token"));
	/* Though the key is spent, and over. */
	calls_sql(&calls, "UPDATE join_key SET expires = 1000");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "machine"), uid);
	assert_string_not_equal(answer_text(&answer, "token"), token);
	assert_int_equal(calls_number(&calls, "SELECT used FROM join_key"), 1);
	/* Who has been connected has its token: somebody else knows its public key. */
	calls_sql(&calls, "UPDATE machine SET agent_seen = 1000");
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 403, "key-spent");
}

static void test_join_keeps_to_the_quota(void **state)
{
	char secret[28];

	(void)state;
	calls_sql(&calls, "UPDATE organisation SET machine_quota = 1");
	joining_key(&calls, "{'uses': null}", secret);
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 201, NULL);
	joining_try(&calls, secret, "b", 2, &answer);
	assert_answer(&answer, 409, "quota");
	/* What failed costs no use. */
	assert_int_equal(calls_number(&calls, "SELECT used FROM join_key"), 1);
}

/* --- Keys for one machine. --- */

static void test_join_takes_the_place_that_the_key_names(void **state)
{
	char secret[28], label[64];
	int64_t address;

	(void)state;
	joining_do(&calls, "{'tags': ['db']}", "db", 1, label);
	address = calls_number(&calls, "SELECT hex(address4) = hex(x'0a640002') FROM machine");
	calls_sql(&calls, "UPDATE machine SET agent_seen = 1000");
	joining_key(&calls, "{'machine': 'db'}", secret);
	joining_try(&calls, secret, "anything", 2, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "name"), "db");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 1);
	assert_int_equal(calls_number(&calls,
				      "SELECT hex(address4) = hex(x'0a640002') FROM machine"),
			 address);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_tag"), 1);
	/* Once. */
	joining_try(&calls, secret, "anything", 3, &answer);
	assert_answer(&answer, 403, "key-spent");
}

static void test_join_lets_nobody_in_who_is_shut_out(void **state)
{
	char secret[28], label[64];

	(void)state;
	joining_do(&calls, "{}", "db", 1, label);
	joining_key(&calls, "{'machine': 'db'}", secret);
	calls_run(&calls, &local, "machine.change", "acme/db", "{'is_disabled': true}", &answer);
	joining_try(&calls, secret, "x", 2, &answer);
	assert_answer(&answer, 403, "disabled");
	assert_int_equal(calls_number(&calls, "SELECT sum(used) FROM join_key"), 1);
	/* The key goes with the machine that it is for. */
	calls_run(&calls, &local, "machine.remove", "acme/db", NULL, &answer);
	assert_answer(&answer, 204, NULL);
	joining_try(&calls, secret, "x", 2, &answer);
	assert_answer(&answer, 403, "key-unknown");
}

static void test_join_with_a_public_key_that_is_taken_is_refused(void **state)
{
	char secret[28], label[64];

	(void)state;
	joining_do(&calls, "{}", "a", 1, label);
	joining_key(&calls, "{}", secret);
	joining_try(&calls, secret, "b", 1, &answer);
	assert_answer(&answer, 409, "conflict");
	assert_int_equal(calls_number(&calls, "SELECT sum(used) FROM join_key"), 1);
}

static void test_join_gives_a_plain_machine_an_agent(void **state)
{
	char secret[28];

	(void)state;
	calls_run(&calls, &local, "machine.add", "acme",
		  "{'name': 'nas', 'with_preshared_key': true}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "kind"), "plain");
	joining_key(&calls, "{'machine': 'nas'}", secret);
	joining_try(&calls, secret, "x", 2, &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(&calls, &local, "machine.show", "acme/nas", NULL, &answer);
	assert_string_equal(answer_text(&answer, "kind"), "agent");
	assert_false(answer_flag(&answer, "has_preshared_key"));
}

static void test_join_gets_the_name_that_the_key_says_or_nothing(void **state)
{
	char secret[28], other[28], label[64];

	(void)state;
	joining_key(&calls, "{'machine': 'Build Server'}", secret);
	joining_key(&calls, "{'machine': 'Build Server'}", other);
	joining_try(&calls, secret, "x", 1, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "name"), "build-server");
	joining_try(&calls, other, "x", 2, &answer);
	assert_answer(&answer, 409, "name-taken");
	joining_do(&calls, "{}", "x", 3, label);
}

/* --- Approval. --- */

static void test_join_may_have_to_wait_for_approval(void **state)
{
	char secret[28];

	(void)state;
	joining_key(&calls, "{'needs_approval': true}", secret);
	joining_try(&calls, secret, "a", 1, &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "state"), "pending");
	calls_run(&calls, &local, "machine.show", "acme/a", NULL, &answer);
	assert_string_equal(answer_text(&answer, "state"), "pending");
	calls_ask(&calls, &local, "machine.list", "acme", "state=pending", &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 1);
	calls_run(&calls, &local, "machine.approve", "acme/a", NULL, &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "state"), "never");
	calls_run(&calls, &local, "machine.approve", "acme/a", NULL, &answer);
	assert_answer(&answer, 409, "conflict");
}

static void test_agent_that_waits_may_leave_and_nothing_else(void **state)
{
	char label[64];
	struct wr_caller machine;

	(void)state;
	joining_do(&calls, "{'needs_approval': true}", "a", 1, label);
	machine = calls_machine(&calls, "a");
	calls_run(&calls, &machine, "agent.routes", NULL, "{'routes': []}", &answer);
	assert_answer(&answer, 403, "pending");
	calls_run(&calls, &machine, "agent.leave", NULL, NULL, &answer);
	assert_answer(&answer, 204, NULL);
}

/* --- What agents do. --- */

static void test_agent_changes_its_key(void **state)
{
	static const char body[] = "{'public_key': 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo='}";
	char label[64];
	struct wr_caller machine;
	int64_t generation;

	(void)state;
	joining_do(&calls, "{}", "a", 1, label);
	machine = calls_machine(&calls, "a");
	generation = calls_number(&calls, "SELECT generation FROM organisation");
	calls_run(&calls, &machine, "agent.rotate", NULL, body, &answer);
	assert_answer(&answer, 204, NULL);
	assert_null(answer.result);
	assert_true(calls_number(&calls, "SELECT generation FROM organisation") > generation);
	assert_int_equal(calls_number(&calls, "SELECT public_key = x'8520f0098930a754748b7ddcb43ef7"
					      "5a0dbf3a0d26381af4eba4a98eaa9b4e6a' FROM machine"),
			 1);
	/* Once more: nothing is another. */
	generation = calls_number(&calls, "SELECT version FROM machine");
	calls_run(&calls, &machine, "agent.rotate", NULL, body, &answer);
	assert_answer(&answer, 204, NULL);
	assert_int_equal(calls_number(&calls, "SELECT version FROM machine"), generation);
	/* Nobody makes keys for it. */
	calls_run(&calls, &local, "machine.rotate", "acme/a", "{}", &answer);
	assert_answer(&answer, 409, "agent");
}

static void test_agent_leaves(void **state)
{
	char label[64];
	struct wr_caller machine;

	(void)state;
	joining_do(&calls, "{}", "a", 1, label);
	machine = calls_machine(&calls, "a");
	calls_run(&calls, &machine, "agent.leave", NULL, NULL, &answer);
	assert_answer(&answer, 204, NULL);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 0);
	assert_int_equal(calls_number(&calls,
				      "SELECT count(*) FROM audit WHERE operation = 'agent.leave'"
				      " AND actor = 'machine a' AND before IS NOT NULL"),
			 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(test_keys_are_for_one_machine_and_an_hour),
		TEST(test_keys_have_their_secret_nowhere),
		TEST(test_keys_refuse_what_is_wrong),
		TEST(test_keys_address_is_one_that_machines_reach),
		TEST(test_keys_are_not_made_where_nobody_could_use_them),
		TEST(test_join_makes_a_member),
		TEST(test_join_of_a_taken_name_gets_a_number),
		TEST(test_join_by_a_key_for_one_admits_one),
		TEST(test_join_by_a_key_for_any_number_admits_many),
		TEST(test_join_says_what_is_wrong_with_the_key),
		TEST(test_join_by_guessing_has_to_wait),
		TEST(test_join_again_is_the_same_machine_with_a_new_token),
		TEST(test_join_keeps_to_the_quota),
		TEST(test_join_takes_the_place_that_the_key_names),
		TEST(test_join_lets_nobody_in_who_is_shut_out),
		TEST(test_join_with_a_public_key_that_is_taken_is_refused),
		TEST(test_join_gives_a_plain_machine_an_agent),
		TEST(test_join_gets_the_name_that_the_key_says_or_nothing),
		TEST(test_join_may_have_to_wait_for_approval),
		TEST(test_agent_that_waits_may_leave_and_nothing_else),
		TEST(test_agent_changes_its_key),
		TEST(test_agent_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
