#include <time.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "machine_calls.h"

static const char bob_key[] = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";
static const char carol_key[] = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

static struct calls calls;

static int open_calls(void **state)
{
	(void)state;
	calls_open(&calls);
	return 0;
}

static int close_calls(void **state)
{
	(void)state;
	calls_close(&calls);
	return 0;
}

static json_t *add(const char *json)
{
	return calls_want(&calls, 201, "machine.add", NULL, json);
}

static void check_text(json_t *result, const char *name, const char *wanted)
{
	assert_string_equal(calls_text(result, name), wanted);
}

static bool is_in_any_column(const char *text)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "SELECT (SELECT count(*) FROM machine WHERE hex(public_key) = '%s'"
		 " OR hex(preshared_key) LIKE '%%%s%%' OR instr(name, '%s'))"
		 " + (SELECT count(*) FROM audit WHERE instr(before, '%s') OR instr(after, '%s'))",
		 text, text, text, text, text);
	return calls_number(&calls, sql) != 0;
}

/* The value of a line of the file. */
static void config_value(json_t *result, const char *name, char value[128])
{
	const char *at = strstr(calls_text(result, "config"), name);

	assert_non_null(at);
	at = strstr(at, "= ");
	assert_non_null(at);
	snprintf(value, 128, "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
}

static void test_machines_are_added_with_their_file(void **state)
{
	json_t *result = add("{\"name\": \"Branch Mumbai\", \"tags\": [\"web\", \"edge\"]}");
	char hub_key[WR_KEY_BASE64_LEN + 1], value[128];

	(void)state;
	check_text(result, "name", "Branch Mumbai");
	check_text(result, "label", "branch-mumbai");
	check_text(result, "address4", "10.100.0.2");
	check_text(result, "address6", "fd00:1::2");
	check_text(result, "state", "never");
	assert_int_equal(json_array_size(json_object_get(result, "tags")), 2);
	assert_true(json_is_null(json_object_get(result, "expires")));
	assert_true(json_is_null(json_object_get(result, "endpoint")));
	wr_key_to_base64(&calls.hub_key, hub_key);
	config_value(result, "PublicKey", value);
	assert_string_equal(value, hub_key);
	config_value(result, "Address", value);
	assert_string_equal(value, "10.100.0.2/16, fd00:1::2/64");
	config_value(result, "AllowedIPs", value);
	assert_string_equal(value, "10.100.0.0/16, fd00:1::/64");
	assert_null(strstr(calls_text(result, "config"), "PresharedKey"));
	json_decref(result);
}

static void test_machines_private_keys_are_kept_nowhere(void **state)
{
	json_t *result = add("{\"name\": \"a\", \"with_preshared_key\": true}");
	char value[128];

	(void)state;
	config_value(result, "PrivateKey", value);
	assert_int_equal(strlen(value), WR_KEY_BASE64_LEN);
	assert_false(is_in_any_column(value));
	config_value(result, "PresharedKey", value);
	assert_int_equal(strlen(value), WR_KEY_BASE64_LEN);
	assert_false(is_in_any_column(value));
	assert_true(json_is_true(json_object_get(result, "has_preshared_key")));
	json_decref(result);
	result = calls_want(&calls, 200, "machine.show", "a", NULL);
	assert_null(json_object_get(result, "config"));
	json_decref(result);
}

static void test_machines_may_bring_their_key(void **state)
{
	char json[200];
	json_t *result;

	(void)state;
	snprintf(json, sizeof(json), "{\"name\": \"a\", \"public_key\": \"%s\"}", bob_key);
	result = add(json);
	check_text(result, "public_key", bob_key);
	assert_null(strstr(calls_text(result, "config"), "\nPrivateKey"));
	json_decref(result);
	calls_refuse(&calls, 409, "has this public key", "machine.add", NULL, json);
	calls_refuse(&calls, 422, "/public_key", "machine.add", NULL,
		     "{\"name\": \"b\","
		     " \"public_key\": \"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 1);
}

static void test_machines_of_one_name_get_labels_of_their_own(void **state)
{
	(void)state;
	json_decref(add("{\"name\": \"phone\"}"));
	json_t *second = add("{\"name\": \"Phone\"}");
	json_t *reserved = add("{\"name\": \"TCP\"}");

	check_text(second, "label", "phone-2");
	check_text(reserved, "label", "tcp-2");
	json_decref(second);
	json_decref(reserved);
}

static void test_machines_keep_clear_of_groups_of_the_policy(void **state)
{
	json_t *result;

	(void)state;
	json_decref(add("{\"name\": \"a\"}"));
	json_decref(calls_want(&calls, 200, "policy.save", NULL,
			       "{\"text\": \"group web = a\\nallow web -> *\\n\"}"));
	result = add("{\"name\": \"web\"}");
	check_text(result, "label", "web-2");
	json_decref(result);
}

static const struct {
	unsigned status;
	const char *words, *json;
} refused[] = {
	{ 422, "/name has a control character", "{\"name\": \"a\\u0007\"}" },
	{ 422, "/name has a character that changes", "{\"name\": \"a\\u202e\"}" },
	{ 422, "/address4 is not for a machine",
	  "{\"name\": \"a\", \"address4\": \"10.100.0.1\"}" },
	{ 422, "/address4 is not for a machine", "{\"name\": \"a\", \"address4\": \"10.9.0.1\"}" },
	{ 422, "/address4 is no IPv4", "{\"name\": \"a\", \"address4\": \"fd00:1::5\"}" },
	{ 422, "/address6 is not for a machine", "{\"name\": \"a\", \"address6\": \"fd00:1::1\"}" },
	{ 422, "/expires_in", "{\"name\": \"a\", \"expires_in\": \"5s\"}" },
	{ 422, "/routes/0 overlaps", "{\"name\": \"a\", \"routes\": [\"10.100.3.0/24\"]}" },
	{ 422, "/routes/1 overlaps",
	  "{\"name\": \"a\", \"routes\": [\"10.3.0.0/16\", \"0.0.0.0/0\"]}" },
	{ 422, "/routes/0 has addresses", "{\"name\": \"a\", \"routes\": [\"127.0.0.0/8\"]}" },
	{ 422, "/routes/0 has addresses", "{\"name\": \"a\", \"routes\": [\"128.0.0.0/1\"]}" },
};

static void test_machines_refuse_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(refused); i++)
		calls_refuse(&calls, refused[i].status, refused[i].words, "machine.add", NULL,
			     refused[i].json);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine"), 0);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"), 0);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit"), 0);
}

static void test_machines_say_all_that_is_wrong_at_once(void **state)
{
	const char *json = "{\"name\": \" a\", \"expires_in\": \"1s\", \"public_key\": \"x\"}";

	(void)state;
	calls_refuse(&calls, 422, "/name", "machine.add", NULL, json);
	calls_refuse(&calls, 422, "/expires_in", "machine.add", NULL, json);
	calls_refuse(&calls, 422, "/public_key", "machine.add", NULL, json);
}

static void test_machines_have_a_quota(void **state)
{
	(void)state;
	calls_number(&calls, "UPDATE organisation SET machine_quota = 2 RETURNING 1");
	json_decref(add("{\"name\": \"a\"}"));
	json_decref(add("{\"name\": \"b\"}"));
	calls_refuse(&calls, 409, "quota", "machine.add", NULL, "{\"name\": \"c\"}");
	json_decref(calls_want(&calls, 204, "machine.remove", "a", NULL));
	json_decref(add("{\"name\": \"c\"}"));
}

static void test_machines_take_asked_addresses(void **state)
{
	json_t *result = add("{\"name\": \"a\", \"address4\": \"10.100.7.9\"}");

	(void)state;
	check_text(result, "address4", "10.100.7.9");
	check_text(result, "address6", "fd00:1::709");
	json_decref(result);
	calls_refuse(&calls, 409, "another machine's", "machine.add", NULL,
		     "{\"name\": \"b\", \"address4\": \"10.100.7.9\"}");
}

static void test_machines_routes_stand_in_the_others_files(void **state)
{
	char value[128];
	json_t *result;

	(void)state;
	result = add(
		"{\"name\": \"router\", \"routes\": [\"192.168.50.7/24\", \"192.168.50.0/24\"]}");
	assert_int_equal(json_array_size(json_object_get(result, "routes")), 1);
	config_value(result, "AllowedIPs", value);
	assert_string_equal(value, "10.100.0.0/16, fd00:1::/64");
	json_decref(result);
	result = add("{\"name\": \"phone\"}");
	config_value(result, "AllowedIPs", value);
	assert_string_equal(value, "10.100.0.0/16, fd00:1::/64, 192.168.50.0/24");
	json_decref(result);
	/* It may be behind both: traffic goes to one. */
	json_decref(calls_want(&calls, 200, "machine.change", "phone",
			       "{\"routes\": [\"192.168.50.0/24\"]}"));
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"), 2);
	assert_int_equal(calls_number(&calls, "SELECT sum(is_active) FROM machine_route"), 1);
	json_decref(calls_want(&calls, 200, "machine.change", "router", "{\"routes\": []}"));
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"
					      " WHERE is_active"),
			 1);
}

static void test_machines_are_changed(void **state)
{
	struct answer answer;
	char uid[32];
	json_t *result = add("{\"name\": \"a\", \"tags\": [\"old\"], \"expires_in\": \"1h\"}");

	(void)state;
	snprintf(uid, sizeof(uid), "%s", calls_text(result, "uid"));
	assert_false(json_is_null(json_object_get(result, "expires")));
	json_decref(result);
	answer = calls_run(&calls, "machine.change", uid,
			   "{\"name\": \"\u4e0a\u6d77\", \"tags\": [\"new\", \"db\"],"
			   " \"expires_in\": null, \"is_disabled\": true}");
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.etag, "\"2\"");
	check_text(answer.result, "label", "xn--fhqz97e");
	check_text(answer.result, "state", "disabled");
	check_text(answer.result, "address4", "10.100.0.2");
	assert_true(json_is_null(json_object_get(answer.result, "expires")));
	calls_done(&answer);
	result = calls_want(&calls, 200, "machine.change", uid, "{\"is_disabled\": false}");
	check_text(result, "state", "never");
	assert_int_equal(json_array_size(json_object_get(result, "tags")), 2);
	json_decref(result);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM audit WHERE operation ="
					      " 'machine.change' AND before IS NOT NULL"
					      " AND after IS NOT NULL"),
			 2);
}

static void test_machines_keep_their_label_when_it_fits_still(void **state)
{
	json_t *result;

	(void)state;
	json_decref(add("{\"name\": \"web\"}"));
	json_decref(calls_want(&calls, 200, "policy.save", NULL,
			       "{\"text\": \"allow web -> *\\ndefault deny\\n\"}"));
	result = calls_want(&calls, 200, "machine.change", "web", "{\"name\": \"Web!\"}");
	check_text(result, "label", "web");
	check_text(result, "name", "Web!");
	json_decref(result);
}

static void test_machines_that_the_policy_names_stay(void **state)
{
	const char *json = "{\"text\": \"# web\\nallow tag:db -> *\\nallow web->*  tcp 22\\n\"}";

	(void)state;
	json_decref(add("{\"name\": \"web\"}"));
	json_decref(add("{\"name\": \"db\"}"));
	json_decref(calls_want(&calls, 200, "policy.save", NULL, json));
	calls_refuse(&calls, 409, "Line 3 of the policy names \"web\"", "machine.remove", "web",
		     NULL);
	calls_refuse(&calls, 409, "Line 3", "machine.change", "web", "{\"name\": \"www\"}");
	/* Only its tag is named. */
	json_decref(calls_want(&calls, 204, "machine.remove", "db", NULL));
	json_decref(calls_want(&calls, 200, "policy.save", NULL, "{\"text\": \"# web\\n\"}"));
	json_decref(calls_want(&calls, 204, "machine.remove", "web", NULL));
}

static void test_machines_removed_are_gone(void **state)
{
	json_t *result;

	(void)state;
	json_decref(add("{\"name\": \"a\", \"tags\": [\"x\"], \"routes\": [\"10.3.0.0/16\"]}"));
	json_decref(calls_want(&calls, 204, "machine.remove", "a", NULL));
	calls_refuse(&calls, 404, "not-found", "machine.show", "a", NULL);
	calls_refuse(&calls, 404, "not-found", "machine.remove", "a", NULL);
	assert_int_equal(calls_number(&calls, "SELECT (SELECT count(*) FROM machine)"
					      " + (SELECT count(*) FROM machine_tag)"
					      " + (SELECT count(*) FROM machine_route)"),
			 0);
	result = add("{\"name\": \"b\"}");
	check_text(result, "address4", "10.100.0.3");
	json_decref(result);
}

static void test_machines_get_new_keys(void **state)
{
	json_t *before = add("{\"name\": \"a\", \"with_preshared_key\": true}");
	json_t *after = calls_want(&calls, 200, "machine.rotate", "a", NULL);
	char old_key[128], new_key[128], json[200];

	(void)state;
	assert_string_not_equal(calls_text(before, "public_key"), calls_text(after, "public_key"));
	config_value(before, "PresharedKey", old_key);
	config_value(after, "PresharedKey", new_key);
	assert_string_not_equal(old_key, new_key);
	config_value(before, "Address", old_key);
	config_value(after, "Address", new_key);
	assert_string_equal(old_key, new_key);
	json_decref(before);
	json_decref(after);
	snprintf(json, sizeof(json), "{\"public_key\": \"%s\"}", carol_key);
	after = calls_want(&calls, 200, "machine.rotate", "a", json);
	check_text(after, "public_key", carol_key);
	json_decref(after);
	json_decref(add("{\"name\": \"b\"}"));
	calls_refuse(&calls, 409, "public key", "machine.rotate", "b", json);
}

/* --- Lists. --- */

static json_t *list(const char *json, size_t wanted)
{
	json_t *result = calls_want(&calls, 200, "machine.list", NULL, json);

	assert_int_equal(json_array_size(json_object_get(result, "items")), wanted);
	return result;
}

static void test_machines_are_listed_by_pages(void **state)
{
	char json[64];
	json_t *page;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		snprintf(json, sizeof(json), "{\"name\": \"m%u\"}", i);
		json_decref(add(json));
	}
	page = list("{\"limit\": 2}", 2);
	snprintf(json, sizeof(json), "{\"limit\": 2, \"cursor\": \"%s\"}",
		 calls_text(page, "next"));
	json_decref(page);
	page = list(json, 2);
	check_text(json_array_get(json_object_get(page, "items"), 0), "name", "m2");
	snprintf(json, sizeof(json), "{\"limit\": 2, \"cursor\": \"%s\"}",
		 calls_text(page, "next"));
	json_decref(page);
	page = list(json, 1);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
	page = list("{\"limit\": 5}", 5);
	assert_true(json_is_null(json_object_get(page, "next")));
	json_decref(page);
}

static void test_machines_are_filtered(void **state)
{
	(void)state;
	json_decref(add("{\"name\": \"Web One\", \"tags\": [\"web\"]}"));
	json_decref(add("{\"name\": \"web two\", \"tags\": [\"web\", \"edge\"]}"));
	json_decref(add("{\"name\": \"db\", \"tags\": [\"db\"]}"));
	json_decref(calls_want(&calls, 200, "machine.change", "db", "{\"is_disabled\": true}"));
	json_decref(list("{\"tag\": \"web\"}", 2));
	json_decref(list("{\"tag\": \"edge\"}", 1));
	json_decref(list("{\"tag\": \"nothing\"}", 0));
	json_decref(list("{\"name\": \"WEB\"}", 2));
	json_decref(list("{\"name\": \"web-t\"}", 1));
	json_decref(list("{\"name\": \"%\"}", 0));
	json_decref(list("{\"state\": \"disabled\"}", 1));
	json_decref(list("{\"state\": \"never\"}", 2));
	json_decref(list("{\"state\": \"never\", \"limit\": 1}", 1));
	json_decref(list("{\"state\": \"online\"}", 0));
}

static void test_machines_states_follow_what_was_seen(void **state)
{
	json_t *result;
	char sql[200];

	(void)state;
	json_decref(add("{\"name\": \"a\", \"expires_in\": \"1h\"}"));
	snprintf(sql, sizeof(sql),
		 "UPDATE machine SET latest_handshake = %lld, last_seen = %lld,"
		 " endpoint = '192.0.2.1:4321', rx_bytes = 5 RETURNING 1",
		 (long long)time(NULL) - 100, (long long)time(NULL) - 10);
	calls_number(&calls, sql);
	result = calls_want(&calls, 200, "machine.show", "a", NULL);
	check_text(result, "state", "online");
	check_text(result, "endpoint", "192.0.2.1:4321");
	assert_int_equal(json_integer_value(json_object_get(result, "rx_bytes")), 5);
	json_decref(result);
	calls_number(&calls, "UPDATE machine SET last_seen = last_seen - 300 RETURNING 1");
	json_decref(list("{\"state\": \"offline\"}", 1));
	calls_number(&calls, "UPDATE machine SET expires = 1 RETURNING 1");
	json_decref(list("{\"state\": \"expired\"}", 1));
}

static void test_machines_of_other_organisations_are_not_there(void **state)
{
	int64_t first = calls.org;
	char uid[32];
	json_t *result = add("{\"name\": \"a\"}");

	(void)state;
	snprintf(uid, sizeof(uid), "%s", calls_text(result, "uid"));
	json_decref(result);
	calls.org = calls_add_org(&calls, "other");
	calls_refuse(&calls, 404, "not-found", "machine.show", "a", NULL);
	calls_refuse(&calls, 404, "not-found", "machine.show", uid, NULL);
	calls_refuse(&calls, 404, "not-found", "machine.remove", uid, NULL);
	json_decref(list(NULL, 0));
	/* Equal names and addresses side by side. */
	result = add("{\"name\": \"a\"}");
	check_text(result, "label", "a");
	check_text(result, "address4", "10.100.0.2");
	json_decref(result);
	calls.org = first;
	json_decref(list(NULL, 1));
}

static void test_machines_are_added_quickly(void **state)
{
	enum {
		MANY = 5000
	};
	struct wr_instant start;
	char json[64];
	double ms;

	(void)state;
	assert_int_equal(wr_db_run(calls.db, "BEGIN", 0, NULL), 0);
	start = wr_clock_now();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(json, sizeof(json), "{\"name\": \"phone\", \"tags\": [\"t%u\"]}", i % 100);
		json_decref(add(json));
	}
	ms = (double)(wr_clock_now().ns - start.ns) / 1e6;
	assert_int_equal(wr_db_run(calls.db, "COMMIT", 0, NULL), 0);
	print_message("%d machines in %.0f ms\n", MANY, ms);
	start = wr_clock_now();
	json_decref(list("{\"limit\": 500}", 500));
	print_message("a page of 500 in %.1f ms\n", (double)(wr_clock_now().ns - start.ns) / 1e6);
	assert_true(ms < 60000);
	assert_int_equal(calls_number(&calls, "SELECT count(DISTINCT label)"
					      " + count(DISTINCT address4)"
					      " + count(DISTINCT address6) FROM machine"),
			 3 * MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_calls, close_calls)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_machines_are_added_with_their_file),
		TEST(test_machines_private_keys_are_kept_nowhere),
		TEST(test_machines_may_bring_their_key),
		TEST(test_machines_of_one_name_get_labels_of_their_own),
		TEST(test_machines_keep_clear_of_groups_of_the_policy),
		TEST(test_machines_refuse_what_is_wrong),
		TEST(test_machines_say_all_that_is_wrong_at_once),
		TEST(test_machines_have_a_quota),
		TEST(test_machines_take_asked_addresses),
		TEST(test_machines_routes_stand_in_the_others_files),
		TEST(test_machines_are_changed),
		TEST(test_machines_keep_their_label_when_it_fits_still),
		TEST(test_machines_that_the_policy_names_stay),
		TEST(test_machines_removed_are_gone),
		TEST(test_machines_get_new_keys),
		TEST(test_machines_are_listed_by_pages),
		TEST(test_machines_are_filtered),
		TEST(test_machines_states_follow_what_was_seen),
		TEST(test_machines_of_other_organisations_are_not_there),
		TEST(test_machines_are_added_quickly),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
