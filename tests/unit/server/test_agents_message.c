/* Messages of agents: known answers. */
#include "server/agents_message.h"

#include "server/world.h"
#include "unit.h"

static json_t *message(const char *text)
{
	const char *type;

	return wr_agent_message((const uint8_t *)text, strlen(text), &type);
}

static void test_agents_message_is_an_object_with_a_type(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{ "{\"type\":\"ping\"}", true },
		{ "{\"type\":7}", false },
		{ "[\"type\"]", false },
		{ "{}", false },
		{ "{\"type\":\"a\",\"type\":\"b\"}", false },
		{ "", false },
		{ "{\"type\":\"ping\"} x", false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(rows); i++) {
		json_t *json = message(rows[i].text);

		if ((json != NULL) != rows[i].is_good)
			fail_msg("%s", rows[i].text);
		json_decref(json);
	}
}

static void test_agents_message_hello(void **state)
{
	json_t *json = message("{\"type\":\"hello\",\"protocol\":1,\"version\":\"0.1\\n\","
			       "\"instance\":\"abc\",\"backend\":\"kernel\",\"epoch\":\"e1\","
			       "\"map\":\"v\"}");
	struct wr_agent_hello hello;

	(void)state;
	assert_true(wr_agent_read_hello(json, &hello));
	assert_int_equal(hello.protocol, 1);
	assert_string_equal(hello.version, "0.1?");
	assert_string_equal(hello.instance, "abc");
	assert_string_equal(hello.map, "v");
	json_object_set_new(json, "map", json_null());
	assert_true(wr_agent_read_hello(json, &hello));
	assert_string_equal(hello.map, "");
	json_object_del(json, "instance");
	assert_false(wr_agent_read_hello(json, &hello));
	json_decref(json);
}

/* What others' maps cannot hold is left out; the first eight are kept. */
static void test_agents_message_candidates(void **state)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES], again[WR_PATH_CANDIDATES];
	json_t *list = json_loads("[7, {\"kind\":\"moon\",\"endpoint\":\"192.0.2.1:1\"},"
				  "{\"kind\":\"local\",\"endpoint\":\"0.0.0.0:1\"},"
				  "{\"kind\":\"local\",\"endpoint\":\"192.0.2.1:0\"},"
				  "{\"kind\":\"mapped\",\"endpoint\":\"198.51.100.7:4000\"}]",
				  0, NULL);
	char *text;

	(void)state;
	assert_int_equal(wr_agent_read_candidates(list, candidates), 1);
	assert_int_equal(candidates[0].kind, WR_CANDIDATE_MAPPED);
	assert_int_equal(candidates[0].endpoint.port, 4000);
	text = wr_candidates_text(candidates, 1);
	assert_string_equal(text, "[{\"kind\":\"mapped\",\"endpoint\":\"198.51.100.7:4000\"}]");
	assert_int_equal(wr_candidates_read(text, again), 1);
	free(text);
	for (unsigned i = 0; i < 20; i++)
		json_array_append(list, json_array_get(list, 4));
	assert_int_equal(wr_agent_read_candidates(list, candidates), WR_PATH_CANDIDATES);
	json_decref(list);
}

static void test_agents_message_pair(void **state)
{
	json_t *json = json_loads("{\"machine\":\"m1\",\"path\":\"direct\",\"reason\":null,"
				  "\"endpoint\":\"198.51.100.7:1\",\"latency_us\":5,"
				  "\"loss_permille\":-1,\"rx_bytes\":\"7\"}",
				  0, NULL);
	struct wr_pair pair;

	(void)state;
	assert_true(wr_agent_read_pair(json, &pair));
	assert_int_equal(pair.path, WR_PAIR_DIRECT);
	assert_string_equal(pair.reason, "");
	assert_string_equal(pair.endpoint, "198.51.100.7:1");
	assert_int_equal(pair.latency_us, 5);
	assert_int_equal(pair.loss_permille, 0);
	assert_int_equal(pair.rx_bytes, 0);
	json_object_set_new(json, "machine", json_string("a uid that is longer than any is"));
	assert_false(wr_agent_read_pair(json, &pair));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agents_message_is_an_object_with_a_type),
		cmocka_unit_test(test_agents_message_hello),
		cmocka_unit_test(test_agents_message_candidates),
		cmocka_unit_test(test_agents_message_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
