/* Whom the hub relays for, and how that ends; its second port for STUN. Traffic is tested end
 * to end. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "engine/control.h"
#include "hub/state.h"
#include "linux/clock.h"
#include "unit.h"
#include "wg/relay.h"
#include "wg/rotation.h"
#include "wire/stun.h"

#define ORG 7

struct scene {
	uv_loop_t loop;
	struct wr_hub *hub;
	bool is_settled, is_closed;
};

static void set_true(void *context)
{
	*(bool *)context = true;
}

static void run_until(struct scene *scene, const bool *what)
{
	while (!*what)
		assert_true(uv_run(&scene->loop, UV_RUN_ONCE) || *what);
}

static void settle(struct scene *scene)
{
	scene->is_settled = false;
	wr_hub_settle(scene->hub, set_true, &scene->is_settled);
	run_until(scene, &scene->is_settled);
}

static void scene_open(struct scene *scene, bool has_stun, uint16_t stun_port)
{
	struct wr_hub_config config = {
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.dns_suffix = "warren",
		.has_stun = has_stun,
		.stun_port = stun_port,
	};

	*scene = (struct scene){ 0 };
	assert_int_equal(uv_loop_init(&scene->loop), 0);
	assert_int_equal(wr_hub_open(&scene->loop, &config, &scene->hub), 0);
}

static void scene_close(struct scene *scene)
{
	wr_hub_close(scene->hub, set_true, &scene->is_closed);
	run_until(scene, &scene->is_closed);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
}

/* --- Relaying. --- */

static void set_org(struct scene *scene, bool is_enabled)
{
	static const struct wr_key private_key = { { 8, 1, 2, 3 } };
	struct wr_hub_org org = {
		.number = ORG,
		.label = "acme",
		.private_key = private_key,
		.is_enabled = is_enabled,
	};

	wr_x25519_clamp(&org.private_key);
	assert_true(wr_prefix_parse("10.100.0.0/16", 13, &org.range4));
	wr_hub_set_org(scene->hub, &org);
}

static void set_machine(struct scene *scene, uint8_t number, const char *tag, bool is_off)
{
	struct wr_hub_machine machine = {
		.org = ORG,
		.number = number,
		.label = (char[]){ 'm', (char)('0' + number), '\0' },
		.public_key = { { number, 1 } },
		.v4 = { WR_IPV4, { 10, 100, 0, number } },
		.tags = &tag,
		.tag_count = 1,
		.is_off = is_off,
	};

	wr_hub_set_machine(scene->hub, &machine);
}

static void set_policy(struct scene *scene, const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);

	assert_non_null(policy);
	wr_hub_set_policy(scene->hub, ORG, policy, 1);
	settle(scene);
}

static struct wr_peer *peer_of(const struct scene *scene, uint8_t number)
{
	struct wr_peer *peer = wr_hub_peer_of(wr_hub_machine(wr_hub_org(scene->hub, ORG), number));

	assert_non_null(peer);
	return peer;
}

/* As if it had shaken hands with the hub. */
static void make_live(const struct scene *scene, uint8_t number)
{
	struct wr_endpoint endpoint = { .ip = { WR_IPV4, { 192, 0, 2, number } }, .port = 9 };
	struct wr_transport_keys keys = { 0 };
	struct wr_peer *peer = peer_of(scene, number);
	struct wr_port *port = wr_engine_port(scene->hub->engine);
	struct wr_session *session = wr_session_new(peer, &keys, true, &wr_timing_paper,
						    wr_clock_now());

	assert_non_null(session);
	assert_true(wr_index_add(&port->indices, &session->index, number, &port->retire));
	wr_rotation_add(peer, session);
	wr_peer_set_endpoint(peer, &endpoint);
}

static void open_three(struct scene *scene)
{
	scene_open(scene, false, 0);
	set_org(scene, true);
	set_machine(scene, 2, "web", false);
	set_machine(scene, 3, "db", false);
	set_machine(scene, 4, "web", false);
	set_policy(scene, "allow tag:web -> tag:db tcp 22\ndefault deny\n");
	for (uint8_t i = 2; i <= 4; i++)
		make_live(scene, i);
}

static bool may(const struct scene *scene, uint8_t from, uint8_t to)
{
	return wr_hub_may_relay(scene->hub, peer_of(scene, from), peer_of(scene, to));
}

/* Each of 2 and 4 talks with 3. */
static void talk(const struct scene *scene)
{
	struct wr_relay *relay = wr_engine_port(scene->hub->engine)->relay;

	for (uint8_t i = 2; i <= 4; i += 2) {
		assert_int_equal(wr_relay_record(relay, peer_of(scene, i), peer_of(scene, 3), i,
						 wr_clock_now()),
				 WR_TAKEN);
		assert_int_equal(wr_relay_record(relay, peer_of(scene, 3), peer_of(scene, i),
						 10U + i, wr_clock_now()),
				 WR_TAKEN);
	}
	assert_int_equal(relay->pair_count, 2);
}

static uint32_t pairs(const struct scene *scene)
{
	return wr_engine_port(scene->hub->engine)->relay->pair_count;
}

static void test_relay_is_for_those_that_the_policy_connects(void **state)
{
	struct scene scene;

	(void)state;
	open_three(&scene);
	assert_true(may(&scene, 2, 3) && may(&scene, 3, 2) && may(&scene, 4, 3));
	assert_false(may(&scene, 2, 4));
	assert_false(may(&scene, 2, 2));
	set_policy(&scene, "default deny\n");
	assert_false(may(&scene, 2, 3));
	scene_close(&scene);
}

static void test_relay_ends_with_the_policy(void **state)
{
	struct scene scene;

	(void)state;
	open_three(&scene);
	talk(&scene);
	set_policy(&scene, "allow m2 -> m3\ndefault deny\n");
	assert_int_equal(pairs(&scene), 1);
	set_policy(&scene, "default deny\n");
	assert_int_equal(pairs(&scene), 0);
	scene_close(&scene);
}

static void test_relay_ends_with_a_tag(void **state)
{
	struct scene scene;

	(void)state;
	open_three(&scene);
	talk(&scene);
	set_machine(&scene, 4, "none", false);
	settle(&scene);
	assert_int_equal(pairs(&scene), 1);
	scene_close(&scene);
}

static void test_relay_ends_with_a_machine(void **state)
{
	struct scene scene;

	(void)state;
	open_three(&scene);
	talk(&scene);
	set_machine(&scene, 2, "web", true);
	assert_int_equal(pairs(&scene), 1);
	wr_hub_remove_machine(scene.hub, ORG, 3);
	assert_int_equal(pairs(&scene), 0);
	settle(&scene);
	scene_close(&scene);
}

static void test_relay_ends_with_the_organisation(void **state)
{
	struct scene scene;

	(void)state;
	open_three(&scene);
	talk(&scene);
	set_org(&scene, false);
	assert_int_equal(pairs(&scene), 0);
	wr_hub_remove_org(scene.hub, ORG);
	settle(&scene);
	scene_close(&scene);
}

/* --- STUN. --- */

static int open_udp(uint16_t *port)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(self);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof(self)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&self, &len), 0);
	*port = ntohs(self.sin_port);
	return fd;
}

static uint16_t free_port(void)
{
	uint16_t port;

	close(open_udp(&port));
	return port;
}

static void ask(int fd, uint16_t port, const struct wr_stun_id *id)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	uint8_t request[WR_STUN_REQUEST_LEN];

	wr_stun_request_write(id, request);
	assert_int_equal(sendto(fd, request, sizeof(request), 0, (struct sockaddr *)&to,
				sizeof(to)),
			 sizeof(request));
}

static void test_stun_port_answers(void **state)
{
	uint16_t port = free_port(), own;
	struct wr_stun_id id = { { 1, 2, 3 } };
	struct wr_hub_numbers numbers;
	struct wr_endpoint mapped;
	uint8_t answer[100];
	struct scene scene;
	ssize_t len;
	int fd = open_udp(&own);

	(void)state;
	scene_open(&scene, true, port);
	ask(fd, port, &id);
	while ((len = recv(fd, answer, sizeof(answer), 0)) < 0)
		uv_run(&scene.loop, UV_RUN_ONCE);
	assert_true(wr_stun_answer_read((struct wr_bytes){ answer, (size_t)len }, &id, &mapped));
	assert_int_equal(mapped.port, own);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.stun_port, port);
	assert_int_equal(numbers.stun_answers, 1);
	close(fd);
	scene_close(&scene);
}

/* More than it takes in a turn: it rests, and goes on. */
static void test_stun_port_survives_a_flood(void **state)
{
	uint16_t port = free_port(), own;
	struct wr_stun_id id = { { 1, 2, 3 } };
	struct wr_hub_numbers numbers;
	struct scene scene;
	int fd = open_udp(&own);

	(void)state;
	scene_open(&scene, true, port);
	for (unsigned i = 0; i < 2000; i++)
		ask(fd, port, &id);
	do {
		uv_run(&scene.loop, UV_RUN_ONCE);
		wr_hub_count(scene.hub, &numbers);
	} while (numbers.stun_answers < 60);
	close(fd);
	scene_close(&scene);
}

static void test_stun_port_that_is_taken_is_done_without(void **state)
{
	struct wr_hub_numbers numbers;
	struct scene scene;
	uint16_t port;
	int fd = open_udp(&port);

	(void)state;
	scene_open(&scene, true, port);
	wr_hub_count(scene.hub, &numbers);
	assert_int_equal(numbers.stun_port, 0);
	scene_close(&scene);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_is_for_those_that_the_policy_connects),
		cmocka_unit_test(test_relay_ends_with_the_policy),
		cmocka_unit_test(test_relay_ends_with_a_tag),
		cmocka_unit_test(test_relay_ends_with_a_machine),
		cmocka_unit_test(test_relay_ends_with_the_organisation),
		cmocka_unit_test(test_stun_port_answers),
		cmocka_unit_test(test_stun_port_survives_a_flood),
		cmocka_unit_test(test_stun_port_that_is_taken_is_done_without),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
