#include "nat.h"

#include "node/netcheck.h"
#include "node/netcheck_look.h"

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

/* --- What answers mean. --- */

struct row {
	const char *name;
	const char *views[4][2]; /* server, as what we are seen */
	enum wr_netcheck_mapping mapping;
};

static const struct row rows[] = {
	{ "none answered", { { NULL } }, WR_MAPPING_UNKNOWN },
	{ "one", { { "1.1.1.1:1", "9.9.9.9:5000" } }, WR_MAPPING_UNKNOWN },
	{ "no NAT", { { "1.1.1.1:1", "10.0.0.2:5000" } }, WR_MAPPING_NONE },
	{ "two ports",
	  { { "1.1.1.1:1", "9.9.9.9:7" }, { "1.1.1.1:2", "9.9.9.9:7" } },
	  WR_MAPPING_NOT_PORT_DEPENDENT },
	{ "another for each port",
	  { { "1.1.1.1:1", "9.9.9.9:7" }, { "1.1.1.1:2", "9.9.9.9:8" } },
	  WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT },
	{ "two addresses",
	  { { "1.1.1.1:1", "9.9.9.9:7" }, { "2.2.2.2:1", "9.9.9.9:7" } },
	  WR_MAPPING_ENDPOINT_INDEPENDENT },
	{ "another for each address, one port",
	  { { "1.1.1.1:1", "9.9.9.9:7" }, { "2.2.2.2:1", "9.9.9.9:8" } },
	  WR_MAPPING_DEPENDENT },
	{ "another for each address, two ports",
	  { { "1.1.1.1:1", "9.9.9.9:7" },
	    { "1.1.1.1:2", "9.9.9.9:7" },
	    { "2.2.2.2:1", "9.9.9.9:8" } },
	  WR_MAPPING_ADDRESS_DEPENDENT },
	{ "another address outside (a pool)",
	  { { "1.1.1.1:1", "9.9.9.9:7" }, { "2.2.2.2:1", "9.9.9.8:7" } },
	  WR_MAPPING_DEPENDENT },
	{ "all four",
	  { { "1.1.1.1:1", "9.9.9.9:7" },
	    { "1.1.1.1:2", "9.9.9.9:7" },
	    { "2.2.2.2:1", "9.9.9.9:7" },
	    { "2.2.2.2:2", "9.9.9.9:7" } },
	  WR_MAPPING_ENDPOINT_INDEPENDENT },
};

static void test_netcheck_names_the_mapping(void **state)
{
	struct wr_endpoint local = endpoint("10.0.0.2:5000");

	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(rows); i++) {
		struct wr_netcheck_view views[4];
		size_t count = 0;

		while (count < 4 && rows[i].views[count][0]) {
			views[count].server = endpoint(rows[i].views[count][0]);
			views[count].mapped = endpoint(rows[i].views[count][1]);
			count++;
		}
		if (wr_netcheck_judge_mapping(&local, views, count) != rows[i].mapping)
			print_error("%s\n", rows[i].name);
		assert_int_equal(wr_netcheck_judge_mapping(&local, views, count), rows[i].mapping);
	}
}

/* --- Real routers. --- */

struct result {
	bool is_done;
	struct wr_netcheck_report report;
	char lines[2000];
	char json[4000];
};

static void add_line(void *context, const char *name, const char *text)
{
	struct result *result = context;

	strcat(result->lines, name);
	strcat(result->lines, ": ");
	strcat(result->lines, text);
	strcat(result->lines, "\n");
}

static void on_done(void *context, const struct wr_netcheck_report *report)
{
	struct result *result = context;
	json_t *json = wr_netcheck_json(report);
	char *text = json_dumps(json, JSON_COMPACT);

	assert_false(result->is_done);
	result->is_done = true;
	result->report = *report;
	wr_netcheck_lines(report, add_line, result);
	snprintf(result->json, sizeof(result->json), "%s", text);
	free(text);
	json_decref(json);
}

static void look(size_t servers, uint16_t second, struct result *ret_result)
{
	struct wr_endpoint endpoints[2] = { endpoint("11.0.0.10:51820"),
					    endpoint("11.0.0.11:51820") };
	struct wr_netcheck_config config = { .servers = endpoints,
					     .server_count = servers,
					     .stun_port = second,
					     .done = on_done,
					     .context = ret_result };
	struct wr_netcheck *netcheck;
	uv_loop_t loop;

	memset(ret_result, 0, sizeof(*ret_result));
	uv_loop_init(&loop);
	assert_int_equal(wr_netcheck_start(&loop, &config, &netcheck), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(ret_result->is_done);
	assert_int_equal(uv_loop_close(&loop), 0);
}

static void assert_says(const struct result *result, const char *part)
{
	if (!strstr(result->lines, part))
		print_error("no \"%s\" in:\n%s%s\n", part, result->lines, result->json);
	assert_non_null(strstr(result->lines, part));
}

#define CLOSED \
	"chain in { type filter hook input priority 0; iifname wan meta l4proto udp drop; }\n"

static void test_netcheck_sees_no_nat(void **state)
{
	struct nat nat;
	struct result result;

	(void)state;
	nat_start(&nat);
	nat_answer_stun(&nat);
	look(2, NAT_STUN_SECOND, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_NONE);
	assert_int_equal(result.report.v4.hairpin, WR_ANSWER_UNKNOWN);
	assert_int_equal(result.report.view_count, 4);
	assert_says(&result, "UDP: works\nIPv4: works; 192.168.44.2 is seen as 192.168.44.2:");
	assert_says(&result, "Mapping: none: no NAT");
	assert_says(&result, "IPv6: none: this host has no address of it");
	assert_says(&result, "Direct paths: to nearly everybody");
	nat_stop(&nat);
}

static void test_netcheck_sees_endpoint_independent_mapping(void **state)
{
	struct nat nat;
	struct result result;

	(void)state;
	nat_start(&nat);
	nat_answer_stun(&nat);
	nat_rules(
		"table ip nat {\n"
		"chain out { type nat hook postrouting priority 100; oifname wan masquerade; }\n" CLOSED
		"}\n");
	look(2, NAT_STUN_SECOND, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_ENDPOINT_INDEPENDENT);
	assert_true(result.report.v4.keeps_port);
	assert_int_equal(result.report.v4.hairpin, WR_ANSWER_NO);
	assert_int_equal(result.report.v4.filtering, WR_FILTERING_UNKNOWN);
	assert_says(&result, "192.168.44.2 is seen as 11.0.0.1:");
	look(1, NAT_STUN_SECOND, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_NOT_PORT_DEPENDENT);
	look(1, 0, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_UNKNOWN);
	assert_true(result.report.v4.has_answer);
	nat_stop(&nat);
}

static void test_netcheck_sees_dependent_mapping(void **state)
{
	struct nat nat;
	struct result result;

	(void)state;
	nat_start(&nat);
	nat_answer_stun(&nat);
	nat_rules("table ip nat {\nchain out { type nat hook postrouting priority 100; oifname wan "
		  "masquerade random,fully-random; }\n" CLOSED "}\n");
	look(2, NAT_STUN_SECOND, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT);
	assert_says(&result, "Mapping: address- and port-dependent");
	assert_says(&result, "Direct paths: only to those who can be reached as they are");
	look(2, 0, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_DEPENDENT);
	nat_stop(&nat);
}

/* A router that lets everybody in, and turns around what comes for it from inside. */
static void test_netcheck_sees_filtering_and_hairpinning(void **state)
{
	struct nat nat;
	struct result result;

	(void)state;
	nat_start(&nat);
	nat_answer_stun(&nat);
	nat_rules("table ip nat {\nchain in { type nat hook prerouting priority -100; "
		  "ip daddr 11.0.0.1 udp dport 1024-65535 dnat to 192.168.44.2; }\n"
		  "chain out { type nat hook postrouting priority 100; oifname wan masquerade; "
		  "oifname lan ip saddr 192.168.44.0/24 snat to 11.0.0.1; }\n}\n");
	look(2, NAT_STUN_SECOND, &result);
	assert_int_equal(result.report.v4.mapping, WR_MAPPING_ENDPOINT_INDEPENDENT);
	assert_int_equal(result.report.v4.hairpin, WR_ANSWER_YES);
	assert_int_equal(result.report.v4.filtering, WR_FILTERING_ENDPOINT_INDEPENDENT);
	assert_says(&result, "Filtering: endpoint-independent\nHairpinning: yes\nPort kept: yes");
	nat_stop(&nat);
}

static void test_netcheck_sees_that_udp_is_blocked(void **state)
{
	struct nat nat;
	struct result result;

	(void)state;
	nat_start(&nat);
	nat_answer_stun(&nat);
	nat_rules("table ip nat {\nchain f { type filter hook forward priority 0; meta l4proto udp "
		  "drop; }\n}\n");
	look(2, NAT_STUN_SECOND, &result);
	assert_true(result.report.is_udp_blocked);
	assert_says(&result, "UDP: blocked: nothing came back\nIPv4: no answer from the server");
	assert_says(&result, "Direct paths: none: everything goes over the server's channel");
	assert_non_null(strstr(result.json, "\"udp_blocked\":true"));
	nat_stop(&nat);
}

static void test_netcheck_works_without_a_network(void **state)
{
	struct result result;

	(void)state;
	namespace_enter();
	look(2, NAT_STUN_SECOND, &result);
	assert_true(result.report.is_udp_blocked);
	assert_false(result.report.v4.has_address);
	look(0, 0, &result);
	assert_false(result.report.is_udp_blocked);
	assert_says(&result, "UDP: not tried");
}

static void test_netcheck_can_be_cancelled(void **state)
{
	struct wr_endpoint server = endpoint("127.0.0.1:9");
	struct result result = { 0 };
	struct wr_netcheck_config config = { .servers = &server,
					     .server_count = 1,
					     .asks_router = true,
					     .done = on_done,
					     .context = &result };
	uv_loop_t loop;

	(void)state;
	for (unsigned rounds = 0; rounds < 5; rounds++) {
		struct wr_netcheck *netcheck;

		uv_loop_init(&loop);
		assert_int_equal(wr_netcheck_start(&loop, &config, &netcheck), 0);
		for (unsigned i = 0; i < rounds; i++)
			uv_run(&loop, UV_RUN_ONCE);
		assert_null(wr_netcheck_cancel(netcheck));
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
		assert_false(result.is_done);
	}
	assert_null(wr_netcheck_cancel(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netcheck_names_the_mapping),
		cmocka_unit_test(test_netcheck_sees_no_nat),
		cmocka_unit_test(test_netcheck_sees_endpoint_independent_mapping),
		cmocka_unit_test(test_netcheck_sees_dependent_mapping),
		cmocka_unit_test(test_netcheck_sees_filtering_and_hairpinning),
		cmocka_unit_test(test_netcheck_sees_that_udp_is_blocked),
		cmocka_unit_test(test_netcheck_works_without_a_network),
		cmocka_unit_test(test_netcheck_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
