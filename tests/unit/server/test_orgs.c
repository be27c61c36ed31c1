#include "calls.h"

#include "crypto/noise.h"
#include "server/intents.h"

static int set_up(void **state)
{
	struct calls *calls = calloc(1, sizeof(*calls));

	calls_open(calls);
	calls_sql(calls, "INSERT INTO user (uid, login, name, password, is_site_admin, created)"
			 " VALUES ('u-root', 'root', 'Root', 'x', 1, 1),"
			 " ('u-ann', 'ann', 'Ann', 'x', 0, 1), ('u-bob', 'bob', 'Bob', 'x', 0, 1)");
	*state = calls;
	return 0;
}

static int tear_down(void **state)
{
	calls_close(*state);
	free(*state);
	return 0;
}

static void add(struct calls *calls, const char *body, struct answer *answer)
{
	struct wr_caller local = calls_local();

	calls_run(calls, &local, "org.add", NULL, body, answer);
}

/* --- Made. --- */

static void test_orgs_add_has_defaults(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };

	add(calls, "{'name': 'Acme Networks'}", &answer);
	assert_answer(&answer, 201, NULL);
	assert_string_equal(answer_text(&answer, "name"), "Acme Networks");
	assert_string_equal(answer_text(&answer, "label"), "acme-networks");
	assert_string_equal(answer_text(&answer, "network4"), "10.100.0.0/16");
	assert_string_equal(answer_text(&answer, "hub_address4"), "10.100.0.1");
	assert_int_equal(strncmp(answer_text(&answer, "network6"), "fd", 2), 0);
	assert_non_null(strstr(answer_text(&answer, "network6"), "::/64"));
	assert_non_null(strstr(answer_text(&answer, "hub_address6"), "::1"));
	assert_int_equal(answer_number(&answer, "machine_quota"), 10000);
	assert_int_equal(answer_number(&answer, "machine_count"), 0);
	assert_int_equal(answer_number(&answer, "online_count"), 0);
	assert_false(answer_flag(&answer, "is_disabled"));
	assert_string_equal(answer.etag, "\"1\"");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM policy WHERE number = 1"
					     " AND text = 'default allow' || char(10)"),
			 1);
	assert_int_equal(calls_number(calls, "SELECT policy FROM organisation"), 1);
	/* The line stands in the organisation's own log. */
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit WHERE operation ="
					     " 'org.add' AND organisation = 1"
					     " AND after ->> 'network4' = '10.100.0.0/16'"),
			 1);
	answer_done(&answer);
}

static void test_orgs_add_two_have_nothing_in_common(void **state)
{
	struct calls *calls = *state;
	struct answer first = { 0 }, second = { 0 };

	add(calls, "{'name': 'One'}", &first);
	add(calls, "{'name': 'Two'}", &second);
	assert_string_equal(answer_text(&first, "network4"), answer_text(&second, "network4"));
	assert_string_not_equal(answer_text(&first, "network6"), answer_text(&second, "network6"));
	assert_string_not_equal(answer_text(&first, "hub_public_key"),
				answer_text(&second, "hub_public_key"));
	answer_done(&first);
	answer_done(&second);
}

static void test_orgs_key_is_sealed_for_its_organisation(void **state)
{
	struct calls *calls = *state;
	struct answer answer = { 0 };
	char place[WR_PLACE_LEN], text[WR_KEY_BASE64_LEN + 1];
	struct wr_key key, public_key;
	struct wr_row *row;

	add(calls, "{'name': 'Acme'}", &answer);
	wr_org_key_place(answer_text(&answer, "uid"), place);
	assert_int_equal(wr_db_one(calls->db, "SELECT hub_key FROM organisation", 0, NULL, &row),
			 1);
	assert_true(wr_vault_unseal(&calls->server.vault, place, wr_row_blob(row, 0), key.bytes));
	assert_false(wr_vault_unseal(&calls->server.vault, "org-key:other", wr_row_blob(row, 0),
				     public_key.bytes));
	wr_row_end(row);
	public_key = wr_x25519_public(&key);
	wr_key_to_base64(&public_key, text);
	assert_string_equal(answer_text(&answer, "hub_public_key"), text);
	assert_true(calls_is_nowhere(calls, key.bytes, sizeof(key)));
	answer_done(&answer);
}

static void test_orgs_add_takes_private_ranges(void **state)
{
	static const struct {
		const char *body, *v4, *v6;
	} cases[] = {
		{ "{'name': 'a', 'network4': '10.0.0.0/8', 'network6': null}", "10.0.0.0/8", NULL },
		{ "{'name': 'b', 'network4': '172.31.255.248/29', 'network6': null}",
		  "172.31.255.248/29", NULL },
		{ "{'name': 'c', 'network4': '192.168.0.0/16', 'network6': null}", "192.168.0.0/16",
		  NULL },
		{ "{'name': 'd', 'network4': '100.64.0.0/10', 'network6': null}", "100.64.0.0/10",
		  NULL },
		{ "{'name': 'e', 'network4': null, 'network6': 'fd12:3456::/48'}", NULL,
		  "fd12:3456::/48" },
		{ "{'name': 'f', 'network4': '10.9.8.7/24', 'network6': 'fc00::/120'}",
		  "10.9.8.0/24", "fc00::/120" },
	};
	struct calls *calls = *state;
	struct answer answer = { 0 };

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		add(calls, cases[i].body, &answer);
		assert_answer(&answer, 201, NULL);
		if (cases[i].v4)
			assert_string_equal(answer_text(&answer, "network4"), cases[i].v4);
		else
			assert_true(json_is_null(json_object_get(answer.result, "hub_address4")));
		if (cases[i].v6)
			assert_string_equal(answer_text(&answer, "network6"), cases[i].v6);
		else
			assert_true(json_is_null(json_object_get(answer.result, "hub_address6")));
	}
	answer_done(&answer);
}

static void test_orgs_add_refuses_other_ranges(void **state)
{
	static const struct {
		const char *body, *fault;
	} cases[] = {
		{ "{'name': 'a', 'network4': '8.8.8.0/24'}", "/network4" },
		{ "{'name': 'a', 'network4': '0.0.0.0/0'}", "/network4" },
		{ "{'name': 'a', 'network4': '10.0.0.0/7'}", "/network4" },
		{ "{'name': 'a', 'network4': '172.16.0.0/11'}", "/network4" },
		{ "{'name': 'a', 'network4': '172.32.0.0/16'}", "/network4" },
		{ "{'name': 'a', 'network4': '192.168.0.0/15'}", "/network4" },
		{ "{'name': 'a', 'network4': '100.128.0.0/16'}", "/network4" },
		{ "{'name': 'a', 'network4': '127.0.0.0/8'}", "/network4" },
		{ "{'name': 'a', 'network4': '169.254.0.0/16'}", "/network4" },
		{ "{'name': 'a', 'network4': '10.0.0.0/30'}", "/network4" },
		{ "{'name': 'a', 'network4': '10.0.0.1'}", "/network4" },
		{ "{'name': 'a', 'network4': 'fd00::/64'}", "/network4" },
		{ "{'name': 'a', 'network6': '10.0.0.0/8'}", "/network6" },
		{ "{'name': 'a', 'network6': '2001:db8::/64'}", "/network6" },
		{ "{'name': 'a', 'network6': 'fe80::/64'}", "/network6" },
		{ "{'name': 'a', 'network6': 'fc00::/7'}", "/network6" },
		{ "{'name': 'a', 'network6': 'fd00::/121'}", "/network6" },
		{ "{'name': 'a', 'network6': '::/0'}", "/network6" },
		{ "{'name': 'a', 'network4': null, 'network6': null}", "/network6" },
		{ "{'name': 'a', 'network4': 5}", "/network4" },
		{ "{'name': 'a\\u0007'}", "/name" },
		{ "{'name': 'a\\u202eb'}", "/name" },
		{ "{'name': ''}", "/name" },
		{ "{}", "/name" },
		{ "{'name': 'a', 'machine_quota': -1}", "/machine_quota" },
		{ "{'name': 'a', 'machine_quota': 1000001}", "/machine_quota" },
	};
	struct calls *calls = *state;
	struct answer answer = { 0 };

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		add(calls, cases[i].body, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, cases[i].fault);
	}
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM organisation"), 0);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit"), 0);
}

static void test_orgs_names_are_unique_and_labels_are_made_so(void **state)
{
	static const struct {
		const char *body, *label;
	} cases[] = {
		{ "{'name': 'Acme'}", "acme" },
		{ "{'name': 'Acme!'}", "acme-2" },
		{ "{'name': '(acme)'}", "acme-3" },
		{ "{'name': '\\ud83d\\ude80'}", "organisation" },
		{ "{'name': '\\ud83d\\ude80\\ud83d\\ude80'}", "organisation-2" },
		/* An identifier's look is taken. */
		{ "{'name': 'oabcdefghijklmnopqrs'}", "oabcdefghijklmnopqrs-2" },
	};
	struct calls *calls = *state;
	struct answer answer = { 0 };

	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		add(calls, cases[i].body, &answer);
		assert_answer(&answer, 201, NULL);
		assert_string_equal(answer_text(&answer, "label"), cases[i].label);
	}
	add(calls, "{'name': 'ACME'}", &answer);
	assert_answer(&answer, 409, "conflict");
}

static void test_orgs_add_is_for_those_who_may(void **state)
{
	struct calls *calls = *state;
	struct wr_caller ann = calls_user(calls, "ann");
	struct answer answer = { 0 };
	char body[40];

	calls_run(calls, &ann, "org.add", NULL, "{'name': 'Mine'}", &answer);
	assert_answer(&answer, 403, "site-only");
	calls->server.config.sign_up = WR_SIGN_UP_OPEN;
	calls_run(calls, &ann, "org.add", NULL, "{'name': 'Mine', 'machine_quota': 9999}", &answer);
	assert_answer(&answer, 403, "site-only");
	for (unsigned i = 0; i < 5; i++) {
		snprintf(body, sizeof(body), "{'name': 'Mine %u'}", i);
		calls_run(calls, &ann, "org.add", NULL, body, &answer);
		assert_answer(&answer, 201, NULL);
		assert_int_equal(answer_number(&answer, "machine_quota"), 250);
	}
	calls_run(calls, &ann, "org.add", NULL, "{'name': 'One too many'}", &answer);
	assert_answer(&answer, 409, "quota");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM membership WHERE user = 2"
					     " AND role = 'owner'"),
			 5);
}

/* --- Listed. --- */

static int64_t count_listed(struct calls *calls, const struct wr_caller *who)
{
	struct answer answer = { 0 };
	int64_t count;

	calls_run(calls, who, "org.list", NULL, NULL, &answer);
	assert_answer(&answer, 200, NULL);
	count = (int64_t)json_array_size(answer_items(&answer));
	answer_done(&answer);
	return count;
}

static void test_orgs_list_shows_ones_own(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local(), root = calls_user(calls, "root");
	struct wr_caller ann = calls_user(calls, "ann"), bob = calls_user(calls, "bob");
	struct answer answer = { 0 };

	add(calls, "{'name': 'One'}", &answer);
	add(calls, "{'name': 'Two'}", &answer);
	calls_run(calls, &local, "member.set", "two/ann", "{'role': 'viewer'}", &answer);
	answer_done(&answer);
	assert_int_equal(count_listed(calls, &local), 2);
	assert_int_equal(count_listed(calls, &root), 2);
	assert_int_equal(count_listed(calls, &ann), 1);
	assert_int_equal(count_listed(calls, &bob), 0);
	/* A token for one of them. */
	ann.only_org = 1;
	assert_int_equal(count_listed(calls, &ann), 0);
	ann.only_org = 2;
	assert_int_equal(count_listed(calls, &ann), 1);
	root.is_site_admin = false;
	root.only_org = 1;
	assert_int_equal(count_listed(calls, &root), 1);
}

/* --- Changed and deleted. --- */

static void test_orgs_change(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local(), ann;
	struct answer answer = { 0 };

	add(calls, "{'name': 'Acme'}", &answer);
	add(calls, "{'name': 'Other'}", &answer);
	ann = calls_member(calls, "ann", WR_ACCESS_ADMIN);
	calls_run(calls, &ann, "org.change", "acme", "{'name': 'Acme Two'}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "label"), "acme-two");
	assert_string_equal(answer.etag, "\"2\"");
	calls_run(calls, &ann, "org.change", "acme-two", "{'is_disabled': true}", &answer);
	assert_answer(&answer, 403, "site-only");
	calls_run(calls, &ann, "org.change", "acme-two", "{'machine_quota': 5}", &answer);
	assert_answer(&answer, 403, "site-only");
	calls_run(calls, &ann, "org.change", "acme-two", "{'name': 'OTHER'}", &answer);
	assert_answer(&answer, 409, "conflict");
	calls_run(calls, &local, "org.change", "acme-two",
		  "{'is_disabled': true, 'machine_quota': 5}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_true(answer_flag(&answer, "is_disabled"));
	assert_int_equal(answer_number(&answer, "machine_quota"), 5);
	/* Its own name again keeps the label. */
	calls_run(calls, &local, "org.change", "acme-two", "{'name': 'ACME two'}", &answer);
	assert_string_equal(answer_text(&answer, "label"), "acme-two");
	calls_run(calls, &local, "org.change", "acme-two", "{'network4': '10.1.0.0/16'}", &answer);
	assert_answer(&answer, 422, NULL);
}

static void test_orgs_delete_leaves_nothing(void **state)
{
	static const char *const tables[] = { "membership", "token",       "invite",
					      "machine",    "machine_tag", "machine_route",
					      "grave",      "policy",      "organisation" };
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	char sql[100];

	add(calls, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'owner'}", &answer);
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	calls_run(calls, &local, "token.create", NULL,
		  "{'name': 't', 'user': 'ann', 'org': 'acme'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &local, "machine.add", "acme",
		  "{'name': 'branch', 'tags': ['web'], 'routes': ['192.168.7.0/24']}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_sql(calls, "INSERT INTO grave VALUES (1, x'0a000005', 9999999999)");
	for (size_t i = 0; i < WR_ARRAY_LEN(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
		assert_true(calls_number(calls, sql) > 0);
	}
	calls_run(calls, &local, "org.remove", "acme", NULL, &answer);
	assert_answer(&answer, 204, NULL);
	for (size_t i = 0; i < WR_ARRAY_LEN(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(calls_number(calls, sql), 0);
	}
	/* The site's log says that it was there; its own lines went with it. */
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit"
					     " WHERE operation = 'org.remove'"
					     " AND organisation IS NULL AND target = 'Acme'"),
			 1);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM audit"
					     " WHERE operation = 'machine.add'"),
			 0);
	assert_int_equal(wr_db_check(calls->db), 0);
}

/* --- Members. --- */

static void test_orgs_last_owner_stays(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	add(calls, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'owner'}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_string_equal(answer_text(&answer, "user.login"), "ann");
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'admin'}", &answer);
	assert_answer(&answer, 409, "last-owner");
	calls_run(calls, &local, "member.remove", "acme/ann", NULL, &answer);
	assert_answer(&answer, 409, "last-owner");
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'owner'}", &answer);
	assert_answer(&answer, 200, NULL);
	calls_run(calls, &local, "member.set", "acme/bob", "{'role': 'owner'}", &answer);
	calls_run(calls, &local, "member.remove", "acme/ann", NULL, &answer);
	assert_answer(&answer, 204, NULL);
	calls_run(calls, &local, "member.remove", "acme/ann", NULL, &answer);
	assert_answer(&answer, 404, NULL);
	calls_run(calls, &local, "member.set", "acme/nobody", "{'role': 'viewer'}", &answer);
	assert_answer(&answer, 404, NULL);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'king'}", &answer);
	assert_answer(&answer, 422, NULL);
}

static void test_orgs_members_are_listed_and_changes_noted(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	json_t *first;

	add(calls, "{'name': 'Acme'}", &answer);
	calls_run(calls, &local, "member.set", "acme/u-bob", "{'role': 'viewer'}", &answer);
	calls_run(calls, &local, "member.set", "acme/ann", "{'role': 'owner'}", &answer);
	calls_run(calls, &local, "member.set", "acme/bob", "{'role': 'operator'}", &answer);
	calls_run(calls, &local, "member.list", "acme", NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 2);
	first = json_array_get(answer_items(&answer), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(first, "user"), "login")), "ann");
	assert_int_equal(calls_number(calls,
				      "SELECT count(*) FROM audit WHERE target = 'bob'"
				      " AND organisation = 1 AND before ->> 'role' = 'viewer'"
				      " AND after ->> 'role' = 'operator'"),
			 1);
	answer_done(&answer);
}

/* --- Invites. --- */

static void test_orgs_invites_give_no_more_than_ones_own(void **state)
{
	struct calls *calls = *state;
	struct wr_caller admin, owner;
	struct answer answer = { 0 };

	add(calls, "{'name': 'Acme'}", &answer);
	admin = calls_member(calls, "ann", WR_ACCESS_ADMIN);
	owner = calls_member(calls, "bob", WR_ACCESS_OWNER);
	calls_run(calls, &admin, "invite.add", "acme", "{'role': 'owner'}", &answer);
	assert_answer(&answer, 403, "role");
	calls_run(calls, &admin, "invite.add", "acme", "{'role': 'admin'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &owner, "invite.add", "acme", "{'role': 'owner', 'expires_in': '1h'}",
		  &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &owner, "invite.add", "acme", "{'role': 'viewer', 'expires_in': '31d'}",
		  &answer);
	assert_answer(&answer, 422, NULL);
	assert_string_equal(answer.fault, "/expires_in");
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM invite"), 2);
}

static void test_orgs_invites_are_listed_and_taken_back(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };
	char path[60];

	add(calls, "{'name': 'Acme'}", &answer);
	add(calls, "{'name': 'Other'}", &answer);
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	calls_run(calls, &local, "invite.list", "other", NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 0);
	calls_run(calls, &local, "invite.list", "acme", NULL, &answer);
	assert_int_equal(json_array_size(answer_items(&answer)), 1);
	assert_null(json_object_get(json_array_get(answer_items(&answer), 0), "invite"));
	snprintf(path, sizeof(path), "other/%s",
		 json_string_value(
			 json_object_get(json_array_get(answer_items(&answer), 0), "uid")));
	/* Not by way of another organisation. */
	calls_run(calls, &local, "invite.remove", path, NULL, &answer);
	assert_answer(&answer, 404, NULL);
	memcpy(path, "acme/", 5);
	memmove(path + 5, path + 6, strlen(path + 6) + 1);
	calls_run(calls, &local, "invite.remove", path, NULL, &answer);
	assert_answer(&answer, 204, NULL);
	assert_int_equal(calls_number(calls, "SELECT count(*) FROM invite"), 0);
}

static void test_orgs_invites_are_bounded(void **state)
{
	struct calls *calls = *state;
	struct wr_caller local = calls_local();
	struct answer answer = { 0 };

	add(calls, "{'name': 'Acme'}", &answer);
	for (unsigned i = 0; i < 200; i++)
		calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	assert_answer(&answer, 201, NULL);
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	assert_answer(&answer, 409, "quota");
	calls_sql(calls, "UPDATE invite SET expires = 1 WHERE id < 100");
	calls_run(calls, &local, "invite.add", "acme", "{'role': 'viewer'}", &answer);
	assert_answer(&answer, 201, NULL);
	answer_done(&answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_orgs_add_has_defaults),
		TEST(test_orgs_add_two_have_nothing_in_common),
		TEST(test_orgs_key_is_sealed_for_its_organisation),
		TEST(test_orgs_add_takes_private_ranges),
		TEST(test_orgs_add_refuses_other_ranges),
		TEST(test_orgs_names_are_unique_and_labels_are_made_so),
		TEST(test_orgs_add_is_for_those_who_may),
		TEST(test_orgs_list_shows_ones_own),
		TEST(test_orgs_change),
		TEST(test_orgs_delete_leaves_nothing),
		TEST(test_orgs_last_owner_stays),
		TEST(test_orgs_members_are_listed_and_changes_noted),
		TEST(test_orgs_invites_give_no_more_than_ones_own),
		TEST(test_orgs_invites_are_listed_and_taken_back),
		TEST(test_orgs_invites_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
