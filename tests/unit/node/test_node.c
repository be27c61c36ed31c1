/* A node with a real interface in a namespace of its own: what it tells its source, and what it
 * answers on its control socket. */
#include "node/node.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../mesh/networks.h"
#include "crypto/crypto.h"
#include "http/client.h"
#include "linux/namespace.h"

#define LINK "wr0"
#define METRICS "127.0.0.1:19588"

static uv_loop_t loop;
static char folder[] = "/tmp/warren-node-XXXXXX";
static char socket_path[100], hosts[100];

/* --- The source. --- */

struct source {
	struct wr_node *node;
	unsigned ports, candidates, ended;
	uint16_t port;
	int error;
	const char *hidden; /* uid of a peer */
};

static struct source source;

static void on_port_opened(void *context, uint16_t port)
{
	struct source *self = context;

	assert_non_null(self->node);
	self->ports++;
	self->port = port;
}

static void on_candidates_changed(void *context)
{
	struct source *self = context;

	assert_non_null(wr_node_candidates(self->node));
	self->candidates++;
}

static void on_ended(void *context, int error)
{
	struct source *self = context;

	self->ended++;
	self->error = error;
}

static void describe(void *context, json_t *status)
{
	(void)context;
	json_object_set_new(status, "mesh", json_pack("{s:s}", "name", "acme"));
}

static void describe_peer(void *context, const struct wr_netmap_peer *peer, json_t *status)
{
	const struct source *self = context;

	if (self->hidden && strcmp(peer->uid, self->hidden) == 0)
		json_object_set_new(status, "is_hidden", json_true());
}

static void measure(void *context, struct wr_metrics *metrics)
{
	(void)context;
	wr_metrics_single(metrics, "warren_test", "gauge", "The source's.", 5);
}

static void post_refresh(void *context, struct wr_http_request *request)
{
	const struct source *self = context;

	wr_node_answer(request, 200, json_pack("{s:i}", "port", (int)self->port));
}

static void put_policy(void *context, struct wr_http_request *request)
{
	(void)context;
	wr_node_refuse(request, 422, "line 1: no");
}

static const struct wr_node_call calls[] = {
	{ WR_HTTP_POST, "/refresh", post_refresh },
	{ WR_HTTP_PUT, "/policy", put_policy },
};

static struct wr_node_config usual(void)
{
	return (struct wr_node_config){
		.interface = LINK,
		.socket_path = socket_path,
		.what = "mesh",
		.version = "1.2",
		.private_key.bytes = { 8, [31] = 0x40 },
		.backend = WR_BACKEND_ENGINE,
		.names = WR_NAMES_HOSTS,
		.hosts_file = hosts,
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.port_opened = on_port_opened,
		.candidates_changed = on_candidates_changed,
		.describe = describe,
		.describe_peer = describe_peer,
		.measure = measure,
		.calls = calls,
		.call_count = WR_ARRAY_LEN(calls),
		.ended = on_ended,
		.context = &source,
	};
}

static void open_node(const struct wr_node_config *config)
{
	char why[200] = "";

	if (wr_node_open(&loop, config, &source.node, why) < 0)
		fail_msg("%s", why);
}

/* --- Asking it, as a program on this host does. --- */

struct question {
	uv_work_t work;
	struct wr_http_target target;
	struct wr_http_ask ask;
	struct wr_http_answer answer;
	int status;
	bool is_done;
	char why[200];
};

static void ask_it(uv_work_t *work)
{
	struct question *question = WR_CONTAINER_OF(work, struct question, work);

	question->status = wr_http_call(&question->target, &question->ask, &question->answer,
					question->why);
}

static void asked(uv_work_t *work, int status)
{
	struct question *question = WR_CONTAINER_OF(work, struct question, work);

	assert_int_equal(status, 0);
	question->is_done = true;
}

static struct wr_http_answer ask_at(const struct wr_http_target *target, const char *method,
				    const char *path)
{
	struct question question = {
		.target = *target, .ask = { .method = method, .path = path, .timeout_seconds = 30 }
	};

	assert_int_equal(uv_queue_work(&loop, &question.work, ask_it, asked), 0);
	while (!question.is_done)
		uv_run(&loop, UV_RUN_ONCE);
	if (question.status < 0)
		fail_msg("%s %s: %s", method, path, question.why);
	return question.answer;
}

static struct wr_http_answer ask(const char *method, const char *path)
{
	const struct wr_http_target target = { .unix_path = socket_path };

	return ask_at(&target, method, path);
}

static json_t *ask_json(const char *method, const char *path, unsigned wanted)
{
	struct wr_http_answer answer = ask(method, path);
	json_t *object = json_loads(answer.body, 0, NULL);

	assert_int_equal(answer.status, wanted);
	assert_non_null(object);
	wr_http_answer_done(&answer);
	return object;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	assert_non_null(text);
	return text;
}

/* --- Tests. --- */

static struct wr_netmap *mesh(void)
{
	struct wr_netmap *map = networks_empty();

	networks_forget_hub(map);
	networks_add(map, 2, WR_WAY_DIRECT)->is_online = true;
	networks_add(map, 3, WR_WAY_DIRECT)->is_online = false;
	assert_true(wr_netmap_index(map));
	return map;
}

static void test_node_tells_its_status(void **state)
{
	struct wr_node_config config = usual();
	json_t *status;

	(void)state;
	open_node(&config);
	assert_int_equal(source.ports, 1);
	assert_int_equal(source.port, wr_backend_port(wr_node_backend(source.node)));
	status = ask_json("GET", "/status", 200);
	assert_string_equal(text_of(status, "kind"), "mesh");
	assert_string_equal(text_of(status, "network"), "");
	assert_string_equal(text_of(json_object_get(status, "mesh"), "name"), "acme");
	json_decref(status);
	wr_node_set_map(source.node, mesh());
	status = ask_json("GET", "/status", 200);
	assert_string_equal(text_of(status, "network"), "acme");
	assert_string_equal(text_of(status, "backend"), "engine");
	assert_int_equal(json_integer_value(json_object_get(status, "port")), source.port);
	assert_int_equal(json_array_size(json_object_get(status, "peers")), 2);
	assert_string_equal(text_of(json_object_get(status, "drift"), "trouble"), "");
	json_decref(status);
	/* Known, but not for the list of all. */
	source.hidden = "m00003";
	status = ask_json("GET", "/status", 200);
	assert_int_equal(json_array_size(json_object_get(status, "peers")), 1);
	json_decref(status);
	status = ask_json("GET", "/peer?peer=host-3", 200);
	assert_string_equal(text_of(status, "machine"), "m00003");
	json_decref(status);
}

static void test_node_answers_calls_of_its_source_first(void **state)
{
	struct wr_node_config config = usual();
	json_t *answer;

	(void)state;
	open_node(&config);
	wr_node_set_map(source.node, mesh());
	answer = ask_json("POST", "/refresh", 200);
	assert_int_equal(json_integer_value(json_object_get(answer, "port")), source.port);
	json_decref(answer);
	answer = ask_json("PUT", "/policy", 422);
	assert_string_equal(text_of(answer, "detail"), "line 1: no");
	json_decref(answer);
	answer = ask_json("GET", "/policy", 404);
	assert_string_equal(text_of(answer, "detail"), "the mesh has no such call");
	json_decref(answer);
	json_decref(ask_json("GET", "/ping?peer=nobody", 404));
	assert_int_equal(source.ended, 0);
	json_decref(ask_json("POST", "/end", 200));
	json_decref(ask_json("POST", "/end", 200));
	assert_int_equal(source.ended, 1);
	assert_int_equal(source.error, 0);
}

static void test_node_looks_at_the_network_without_anybody_to_ask(void **state)
{
	struct wr_node_config config = usual();
	json_t *answer;

	(void)state;
	open_node(&config);
	json_decref(ask_json("GET", "/netcheck", 409));
	wr_node_set_map(source.node, mesh());
	answer = ask_json("GET", "/netcheck", 200);
	assert_false(json_is_true(json_object_get(answer, "udp_blocked")));
	assert_int_equal(json_array_size(json_object_get(answer, "views")), 0);
	assert_true(json_array_size(json_object_get(answer, "lines")) > 2);
	json_decref(answer);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in: %s", part, text);
}

static void test_node_is_measured(void **state)
{
	static const char *const parts[] = {
		"# TYPE warren_node_info gauge\n",
		"warren_build_info{version=\"1.2\"} 1\n",
		("warren_node_info{kind=\"mesh\",interface=\"wr0\",network=\"acme\",name=\"self\","
		 "backend=\"engine\"} 1\n"),
		"warren_node_peers{path=\"none\",liveness=\"online\"} 1\n",
		"warren_node_peers{path=\"none\",liveness=\"offline\"} 1\n",
		"warren_node_bytes_total{direction=\"received\"} 0\n",
		"warren_node_mended_total 0\n",
		"warren_engine_drops_total{reason=\"mac1\"} 0\n",
		"warren_test 5\n",
	};
	const struct wr_http_target tcp = { .url = "http://" METRICS };
	struct wr_node_config config = usual();
	struct wr_http_answer answer;

	(void)state;
	config.metrics_listen = METRICS;
	open_node(&config);
	wr_node_set_map(source.node, mesh());
	for (int i = 0; i < 2; i++) {
		answer = i ? ask_at(&tcp, "GET", "/metrics") : ask("GET", "/metrics");
		assert_int_equal(answer.status, 200);
		assert_memory_equal(answer.content_type, "text/plain; version=0.0.4", 25);
		for (size_t j = 0; j < WR_ARRAY_LEN(parts); j++)
			assert_has(answer.body, parts[j]);
		assert_null(strstr(answer.body, "host-2"));
		wr_http_answer_done(&answer);
	}
	answer = ask("GET", "/metrics?peers=1");
	assert_has(answer.body, "\nwarren_peer_connected{peer=\"host-2\",uid=\"m00002\"} 0\n");
	wr_http_answer_done(&answer);
	/* Nothing else is told, or done, over TCP. */
	answer = ask_at(&tcp, "GET", "/status");
	assert_int_equal(answer.status, 404);
	wr_http_answer_done(&answer);
	answer = ask_at(&tcp, "POST", "/metrics");
	assert_int_equal(answer.status, 405);
	wr_http_answer_done(&answer);
}

static void test_node_refuses_a_metrics_address_that_is_none(void **state)
{
	struct wr_node_config config = usual();
	struct wr_node *node = NULL;
	char why[200] = "";

	(void)state;
	config.metrics_listen = "nowhere";
	assert_true(wr_node_open(&loop, &config, &node, why) < 0);
	assert_has(why, "cannot serve metrics on nowhere: ");
	assert_null(node);
	namespace_run("! ip link show " LINK);
	assert_int_equal(access(socket_path, F_OK), -1);
}

static void take_turn(void)
{
	while (!wr_node_wants_turn(source.node))
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(wr_node_turn(source.node), 0);
}

static void test_node_makes_its_interface_again(void **state)
{
	struct wr_node_config config = usual();
	uint16_t port;

	(void)state;
	open_node(&config);
	wr_node_set_map(source.node, mesh());
	port = source.port;
	namespace_run("ip -6 addr show dev " LINK " | grep -q 'inet6 fd77::2/128 '");
	namespace_run("ip link delete " LINK);
	take_turn();
	assert_int_equal(source.ports, 2);
	assert_int_equal(source.port, port);
	namespace_run("ip -6 addr show dev " LINK " | grep -q 'inet6 fd77::2/128 '");
}

static void test_node_takes_another_port_unless_one_was_asked_for(void **state)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(51820) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	struct wr_node_config config = usual();
	struct wr_node *node = NULL;
	char why[200] = "";

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	config.port = config.last_port = 51820;
	assert_int_equal(wr_node_open(&loop, &config, &node, why), -EADDRINUSE);
	assert_has(why, "51820");
	config.port = 0;
	open_node(&config);
	assert_int_not_equal(source.port, 51820);
	close(fd);
}

static bool has_candidate(const char *endpoint)
{
	const struct wr_path_own *own = wr_node_candidates(source.node);
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < own->count; i++) {
		wr_endpoint_format(&own->candidates[i].endpoint, text);
		if (strcmp(text, endpoint) == 0)
			return true;
	}
	return false;
}

static struct wr_candidate seen_at(const char *ip, uint16_t port)
{
	return (struct wr_candidate){ WR_CANDIDATE_OBSERVED, { networks_ip(ip), port, 0 } };
}

static void test_node_tells_where_it_may_be_reached(void **state)
{
	struct wr_node_config config = usual();
	struct wr_candidate seen[2];
	unsigned changes;

	(void)state;
	namespace_run("ip link add lan0 type veth peer name lan1");
	namespace_run("ip link set lan0 up; ip link set lan1 up");
	namespace_run("ip addr add 192.168.7.1/24 dev lan0; ip addr add 192.168.8.1/24 dev lan0");
	config.port = 51820;
	open_node(&config);
	assert_true(has_candidate("192.168.7.1:51820"));
	assert_true(has_candidate("192.168.8.1:51820"));
	changes = source.candidates;
	assert_true(changes > 0);
	/* Of the two one is known already. */
	seen[0] = seen_at("203.0.113.9", 4444);
	seen[1] = seen_at("192.168.7.1", 51820);
	wr_node_add_candidates(source.node, seen, 2);
	assert_true(has_candidate("203.0.113.9:4444"));
	assert_int_equal(source.candidates, changes + 1);
	wr_node_add_candidates(source.node, seen, 1);
	assert_int_equal(source.candidates, changes + 1);
	wr_node_add_candidates(source.node, NULL, 0);
	assert_false(has_candidate("203.0.113.9:4444"));
	source.node = wr_node_free(source.node);
	/* Only at the one that was asked for. */
	config.listen = networks_ip("192.168.8.1");
	open_node(&config);
	assert_false(has_candidate("192.168.7.1:51820"));
	assert_true(has_candidate("192.168.8.1:51820"));
	namespace_run("ip link delete lan0");
}

static void test_node_takes_another_key(void **state)
{
	struct wr_node_config config = usual();
	const struct wr_key other = { { 16, [31] = 0x41 } };
	json_t *before, *after;

	(void)state;
	open_node(&config);
	before = ask_json("GET", "/status", 200);
	assert_int_equal(wr_node_set_key(source.node, &other), 0);
	after = ask_json("GET", "/status", 200);
	assert_string_not_equal(text_of(before, "public_key"), text_of(after, "public_key"));
	json_decref(before);
	json_decref(after);
}

/* --- Around them. --- */

static int set_up(void **state)
{
	(void)state;
	source = (struct source){ .node = NULL };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	source.node = wr_node_free(source.node);
	namespace_run("! ip link show " LINK " 2>/dev/null");
	namespace_run("test \"$(cat %s)\" = '127.0.0.1 localhost'", hosts);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", folder);
	snprintf(hosts, sizeof(hosts), "%s/hosts", folder);
	namespace_run("echo '127.0.0.1 localhost' >%s", hosts);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	namespace_run("rm -r %s", folder);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_node_tells_its_status),
		TEST(test_node_answers_calls_of_its_source_first),
		TEST(test_node_looks_at_the_network_without_anybody_to_ask),
		TEST(test_node_is_measured),
		TEST(test_node_refuses_a_metrics_address_that_is_none),
		TEST(test_node_makes_its_interface_again),
		TEST(test_node_takes_another_port_unless_one_was_asked_for),
		TEST(test_node_tells_where_it_may_be_reached),
		TEST(test_node_takes_another_key),
	};
	int status;

	namespace_enter();
	assert(wr_crypto_start() == 0);
	assert(uv_loop_init(&loop) == 0);
	status = cmocka_run_group_tests_name("node", tests, make_folder, remove_folder);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert(uv_loop_close(&loop) == 0);
	return status;
}
