/* Routes: offered, approved, and which router of several is active. */
#include "server/routes.h"

#include "joining.h"

static struct calls calls;
static struct wr_caller local;
static struct answer answer;
static struct wr_caller a, b;

static int set_up(void **state)
{
	char label[64];

	(void)state;
	calls_open(&calls);
	local = calls_local();
	calls_run(&calls, &local, "org.add", NULL, "{'name': 'Acme'}", &answer);
	assert_answer(&answer, 201, NULL);
	joining_do(&calls, "{}", "a", 1, label);
	joining_do(&calls, "{}", "b", 2, label);
	a = calls_machine(&calls, "a");
	b = calls_machine(&calls, "b");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	answer_done(&answer);
	calls_close(&calls);
	return 0;
}

static void offer(const struct wr_caller *who, const char *routes)
{
	char body[200];

	snprintf(body, sizeof(body), "{'routes': %s}", routes);
	calls_run(&calls, who, "agent.routes", NULL, body, &answer);
	assert_answer(&answer, 200, NULL);
}

/* What the agent was answered of its offer of this place. */
static const char *offered(size_t i, const char *member)
{
	json_t *routes = json_object_get(answer.result, "routes");

	return json_string_value(json_object_get(json_array_get(routes, i), member));
}

static void change(const char *id, const char *path, const char *prefix, unsigned status)
{
	char body[100];

	snprintf(body, sizeof(body), "{'prefix': '%s'}", prefix);
	calls_run(&calls, &local, id, path, body, &answer);
	assert_answer(&answer, status, NULL);
}

/* The label of the one that traffic goes to; "" for none. */
static const char *active(const char *prefix, char ret_label[64])
{
	json_t *routes, *route;
	size_t i;

	calls_run(&calls, &local, "route.list", "acme", NULL, &answer);
	routes = json_object_get(answer.result, "routes");
	ret_label[0] = '\0';
	json_array_foreach(routes, i, route)
	{
		if (json_is_true(json_object_get(route, "is_active")) &&
		    !strcmp(json_string_value(json_object_get(route, "prefix")), prefix)) {
			assert_string_equal(ret_label, "");
			snprintf(ret_label, 64, "%s",
				 json_string_value(json_object_get(route, "label")));
		}
	}
	return ret_label;
}

static void assert_active(const char *prefix, const char *label)
{
	char found[64];

	assert_string_equal(active(prefix, found), label);
}

static void test_route_that_is_offered_waits(void **state)
{
	(void)state;
	offer(&a, "['192.168.5.0/24', '192.168.4.0/24']");
	assert_string_equal(offered(0, "prefix"), "192.168.4.0/24");
	assert_string_equal(offered(0, "state"), "waiting");
	assert_active("192.168.5.0/24", "");
	change("route.approve", "acme/a", "192.168.5.0/24", 200);
	assert_true(answer_flag(&answer, "is_active"));
	assert_active("192.168.5.0/24", "a");
	calls_run(&calls, &local, "machine.show", "acme/a", NULL, &answer);
	assert_int_equal(json_array_size(json_object_get(answer.result, "routes")), 1);
}

static void test_route_that_was_decided_about_is_remembered(void **state)
{
	(void)state;
	offer(&a, "['192.168.5.0/24', '192.168.6.0/24', '192.168.7.0/24']");
	change("route.approve", "acme/a", "192.168.5.0/24", 200);
	change("route.reject", "acme/a", "192.168.6.0/24", 200);
	offer(&a, "[]");
	assert_active("192.168.5.0/24", "");
	/* What waited is forgotten. */
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"), 2);
	offer(&a, "['192.168.5.0/24', '192.168.6.0/24']");
	assert_string_equal(offered(0, "state"), "approved");
	assert_string_equal(offered(1, "state"), "waiting");
	assert_active("192.168.5.0/24", "a");
	assert_active("192.168.6.0/24", "");
}

static void test_route_offered_again_is_no_change(void **state)
{
	int64_t generation;

	(void)state;
	offer(&a, "['192.168.5.0/24']");
	change("route.approve", "acme/a", "192.168.5.0/24", 200);
	generation = calls_number(&calls, "SELECT generation FROM organisation");
	offer(&a, "['192.168.5.0/24']");
	assert_int_equal(calls_number(&calls, "SELECT generation FROM organisation"), generation);
}

static void test_route_refuses_what_is_wrong(void **state)
{
	static const char *const bad[] = { "10.100.7.0/24", "127.0.0.0/8", "0.0.0.0/0",
					   "169.254.0.0/16" };
	char body[100];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		snprintf(body, sizeof(body), "{'routes': ['%s']}", bad[i]);
		calls_run(&calls, &a, "agent.routes", NULL, body, &answer);
		assert_answer(&answer, 422, NULL);
		assert_string_equal(answer.fault, "/routes/0");
		change("route.add", "acme/a", bad[i], 422);
	}
	change("route.approve", "acme/a", "192.168.5.0/24", 404);
	change("route.remove", "acme/a", "192.168.5.0/24", 404);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"), 0);
}

/* --- Two routers. --- */

/* Of whom something was heard so many seconds ago. */
static void heard(const struct wr_caller *who, int seconds)
{
	char sql[120];

	snprintf(sql, sizeof(sql),
		 "UPDATE machine SET last_seen = unixepoch() - %d WHERE id = %lld", seconds,
		 (long long)who->machine);
	calls_sql(&calls, sql);
}

static size_t choose(void)
{
	struct wr_route_moves moves;
	int64_t now = calls_number(&calls, "SELECT unixepoch()");
	size_t count;

	assert_int_equal(wr_routes_choose(&calls.server, calls.db, a.only_org, now, &moves), 0);
	count = moves.count;
	wr_route_moves_done(&moves);
	return count;
}

static void have_two(void)
{
	offer(&a, "['192.168.5.0/24']");
	offer(&b, "['192.168.5.0/24']");
	change("route.approve", "acme/a", "192.168.5.0/24", 200);
	calls_sql(&calls, "UPDATE machine_route SET since = since - 60 WHERE is_active");
	change("route.approve", "acme/b", "192.168.5.0/24", 200);
}

static void test_route_of_two_routers_has_one_that_is_active(void **state)
{
	(void)state;
	heard(&a, 1);
	heard(&b, 1);
	have_two();
	assert_active("192.168.5.0/24", "a");
	assert_int_equal(choose(), 0);
}

static void test_route_goes_to_the_next_router_and_back(void **state)
{
	(void)state;
	heard(&a, 1);
	heard(&b, 1);
	have_two();
	heard(&a, 60);
	assert_int_equal(choose(), 2);
	assert_active("192.168.5.0/24", "b");
	assert_int_equal(choose(), 0);
	heard(&a, 0);
	assert_int_equal(choose(), 2);
	assert_active("192.168.5.0/24", "a");
	/* Nobody is better: it stays. */
	heard(&a, 60);
	heard(&b, 60);
	assert_int_equal(choose(), 0);
	assert_active("192.168.5.0/24", "a");
}

static void test_route_goes_to_the_next_router_when_one_goes(void **state)
{
	(void)state;
	heard(&a, 1);
	heard(&b, 1);
	have_two();
	calls_run(&calls, &local, "machine.change", "acme/a", "{'is_disabled': true}", &answer);
	assert_answer(&answer, 200, NULL);
	assert_active("192.168.5.0/24", "b");
	calls_run(&calls, &local, "machine.change", "acme/a", "{'is_disabled': false}", &answer);
	assert_active("192.168.5.0/24", "a");
	offer(&a, "[]");
	assert_active("192.168.5.0/24", "b");
	offer(&a, "['192.168.5.0/24']");
	change("route.reject", "acme/a", "192.168.5.0/24", 200);
	assert_active("192.168.5.0/24", "b");
	calls_run(&calls, &local, "machine.remove", "acme/b", NULL, &answer);
	assert_active("192.168.5.0/24", "");
}

/* --- Set by an operator. --- */

static void test_route_that_was_set_stays_whatever_the_agent_offers(void **state)
{
	(void)state;
	change("route.add", "acme/a", "192.168.9.0/24", 200);
	assert_true(answer_flag(&answer, "is_set"));
	assert_active("192.168.9.0/24", "a");
	offer(&a, "[]");
	assert_active("192.168.9.0/24", "a");
	change("route.remove", "acme/a", "192.168.9.0/24", 204);
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"), 0);
}

static void test_route_of_the_machines_settings_leaves_offers_alone(void **state)
{
	(void)state;
	offer(&a, "['192.168.5.0/24']");
	calls_run(&calls, &local, "machine.change", "acme/a", "{'routes': ['192.168.8.0/24']}",
		  &answer);
	assert_answer(&answer, 200, NULL);
	assert_active("192.168.8.0/24", "a");
	calls_run(&calls, &local, "machine.change", "acme/a", "{'routes': []}", &answer);
	assert_active("192.168.8.0/24", "");
	assert_int_equal(calls_number(&calls, "SELECT count(*) FROM machine_route"
					      " WHERE state = 'waiting'"),
			 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(test_route_that_is_offered_waits),
		TEST(test_route_that_was_decided_about_is_remembered),
		TEST(test_route_offered_again_is_no_change),
		TEST(test_route_refuses_what_is_wrong),
		TEST(test_route_of_two_routers_has_one_that_is_active),
		TEST(test_route_goes_to_the_next_router_and_back),
		TEST(test_route_goes_to_the_next_router_when_one_goes),
		TEST(test_route_that_was_set_stays_whatever_the_agent_offers),
		TEST(test_route_of_the_machines_settings_leaves_offers_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
