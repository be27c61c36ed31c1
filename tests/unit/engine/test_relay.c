/* Two machines that talk through an engine which cannot open what they say; and STUN. */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "engines.h"
#include "linux/clock.h"
#include "wg/rotation.h"
#include "wire/message.h"
#include "wire/stun.h"

#define MESSAGE_MAX 2048

/* a and b know each other's keys, and have the engine's endpoint for each other. */
struct scene {
	struct side side;
	struct puppet a, b;
	struct wr_peer *b_of_a, *a_of_b;
	bool may_relay;
	unsigned asked;
};

static bool may_relay(void *context, const struct wr_peer *from, const struct wr_peer *to)
{
	struct scene *scene = context;

	assert_ptr_equal(from->device, to->device);
	assert_ptr_not_equal(from, to);
	scene->asked++;
	return scene->may_relay;
}

static struct wr_peer *introduce(const struct puppet *puppet, const struct puppet *other)
{
	struct wr_peer *peer = wr_device_add_peer(puppet->device,
						  &other->device->identity.public_key);
	struct wr_endpoint endpoint = side_endpoint(puppet->side);

	assert_non_null(peer);
	wr_peer_set_endpoint(peer, &endpoint);
	return peer;
}

static void scene_open(struct scene *scene, unsigned workers)
{
	memset(scene, 0, sizeof(*scene));
	scene->may_relay = true;
	side_open_relay(&scene->side, workers, may_relay, scene);
	puppet_open(&scene->a, &scene->side, "10.1.2.0/24", true);
	puppet_open(&scene->b, &scene->side, "10.9.8.0/24", true);
	puppet_shake_hands(&scene->a);
	puppet_shake_hands(&scene->b);
	scene->b_of_a = introduce(&scene->a, &scene->b);
	scene->a_of_b = introduce(&scene->b, &scene->a);
}

static void scene_close(struct scene *scene)
{
	side_close(&scene->side);
	puppet_close(&scene->a);
	puppet_close(&scene->b);
}

static struct wr_counters counted(const struct scene *scene)
{
	struct wr_counters counters;

	wr_engine_counters(scene->side.engine, &counters);
	return counters;
}

/* --- What the machines do. --- */

static struct wr_entropy fresh(void)
{
	struct wr_entropy entropy;

	wr_random(&entropy, sizeof(entropy));
	return entropy;
}

static struct wr_moment moment(void)
{
	return (struct wr_moment){ wr_clock_now(), wr_clock_wall() };
}

/* What the port wants sent next. */
static void poll_datagram(struct puppet *puppet, struct wr_output *ret)
{
	struct wr_moment now = moment();
	struct wr_entropy entropy = fresh();

	do
		assert_true(wr_port_poll(puppet->port, &now, &entropy, ret));
	while (ret->kind != WR_OUTPUT_DATAGRAM);
}

static size_t receive(struct puppet *puppet, uint8_t bytes[MESSAGE_MAX])
{
	ssize_t len;

	assert_true(sides_run(&puppet->side, 1, puppet->fd, PATIENCE_MS));
	len = recv(puppet->fd, bytes, MESSAGE_MAX, 0);
	assert_true(len > 0);
	return (size_t)len;
}

static enum wr_verdict input(struct puppet *puppet, struct wr_bytes datagram, bool is_loaded,
			     struct wr_output *ret)
{
	struct wr_moment now = moment();
	struct wr_entropy entropy = fresh();
	struct wr_endpoint from = side_endpoint(puppet->side);

	return wr_port_input(puppet->port, datagram, &from, is_loaded, &now, &entropy, ret);
}

static enum wr_verdict hear(struct puppet *puppet, uint8_t type, struct wr_output *ret)
{
	uint8_t bytes[MESSAGE_MAX];
	size_t len = receive(puppet, bytes);

	assert_int_equal(bytes[0], type);
	return input(puppet, (struct wr_bytes){ bytes, len }, false, ret);
}

static void send_output(struct puppet *puppet, const struct wr_output *output)
{
	assert_int_equal(output->kind, WR_OUTPUT_DATAGRAM);
	puppet_send(puppet, output->datagram, output->len, 0);
}

static void initiate(struct puppet *puppet, struct wr_peer *peer)
{
	struct wr_output output;

	wr_rotation_clear(peer); /* as if it had none yet */
	(void)wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE);
	poll_datagram(puppet, &output);
	send_output(puppet, &output);
}

/* a begins; ends when both have the session. */
static void shake_hands(struct scene *scene)
{
	struct wr_output output;

	initiate(&scene->a, scene->b_of_a);
	assert_int_equal(hear(&scene->b, WR_MESSAGE_INITIATION, &output), WR_TAKEN);
	send_output(&scene->b, &output);
	assert_int_equal(hear(&scene->a, WR_MESSAGE_RESPONSE, &output), WR_TAKEN);
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
}

/* A message of `peer`'s session; a responder's first is sent with the one that waits. */
static size_t seal(const struct puppet *puppet, const struct wr_peer *peer, const char *text,
		   uint8_t message[MESSAGE_MAX])
{
	struct wr_session *session = atomic_load(&peer->current);
	struct wr_aead_job job = {
		.src = (const uint8_t *)text,
		.dst = message + WR_DATA_HEADER_LEN,
		.len = (uint32_t)strlen(text),
	};

	if (!session)
		session = atomic_load(&peer->next);
	assert_non_null(session);
	assert_true(wr_session_take_counters(session, 1, &job.counter));
	wr_data_header_write(message, session->remote_index, job.counter);
	puppet->aead->seal(puppet->context, &session->send_key, &job, 1);
	return job.len + WR_DATA_OVERHEAD;
}

static size_t say(const struct puppet *puppet, const struct wr_peer *peer, const char *text)
{
	uint8_t message[MESSAGE_MAX];
	size_t len = seal(puppet, peer, text, message);

	puppet_send(puppet, message, len, 0);
	return len;
}

static void assert_hears(struct puppet *puppet, const struct wr_peer *peer, const char *text)
{
	uint8_t message[MESSAGE_MAX], plain[MESSAGE_MAX] = { 0 };
	size_t len = receive(puppet, message);
	const struct wr_session *session = atomic_load(&peer->current);
	struct wr_aead_job job = {
		.src = message + WR_DATA_HEADER_LEN,
		.dst = plain,
		.len = (uint32_t)(len - WR_DATA_OVERHEAD),
		.counter = wr_data_counter(message),
	};

	if (!session)
		session = atomic_load(&peer->next);
	assert_int_equal(message[0], WR_MESSAGE_DATA);
	assert_int_equal(wr_data_receiver(message), session->index.index);
	puppet->aead->open(puppet->context, &session->receive_key, &job, 1);
	assert_true(job.is_authentic);
	assert_int_equal(job.len, strlen(text));
	assert_memory_equal(plain, text, job.len);
}

/* To the engine, which learns from it where the machine is. */
static void keep_alive(struct puppet *puppet, uint64_t counter)
{
	uint8_t message[WR_KEEPALIVE_LEN];

	puppet_send(puppet, message, puppet_seal(puppet, counter, message, 0, message), 0);
}

static void assert_hears_nothing(struct scene *scene, const struct puppet *puppet)
{
	struct side *side = &scene->side;

	assert_false(sides_run(&side, 1, puppet->fd, 50));
}

/* --- Relaying. --- */

static void test_relay_carries_a_conversation(void **state)
{
	struct scene scene;
	struct wr_counters before, after;
	size_t bytes;

	(void)state;
	scene_open(&scene, 2);
	before = counted(&scene);
	shake_hands(&scene);
	bytes = WR_INITIATION_LEN + WR_RESPONSE_LEN;
	bytes += say(&scene.a, scene.b_of_a, "is anybody there?");
	assert_hears(&scene.b, scene.a_of_b, "is anybody there?");
	bytes += say(&scene.b, scene.a_of_b, "yes");
	assert_hears(&scene.a, scene.b_of_a, "yes");
	do /* what was sent is counted next */
		after = counted(&scene);
	while (after.relayed_packets < 4);
	assert_int_equal(after.relayed_packets, 4);
	assert_int_equal(after.relayed_bytes, bytes);
	assert_int_equal(after.rx_packets, before.rx_packets);
	assert_int_equal(after.tx_packets, before.tx_packets);
	assert_int_equal(scene.asked, 1); /* and not again for the answer */
	scene_close(&scene);
}

static bool opens(const struct wr_key *key, const uint8_t *message, size_t len)
{
	const struct wr_aead *aead = wr_aead_pick(NULL);
	struct wr_aead_context *context = aead->context_new();
	uint8_t plain[MESSAGE_MAX];
	struct wr_aead_job job = {
		.src = message + WR_DATA_HEADER_LEN,
		.dst = plain,
		.len = (uint32_t)(len - WR_DATA_OVERHEAD),
		.counter = wr_data_counter(message),
	};

	aead->open(context, key, &job, 1);
	aead->context_free(context);
	return job.is_authentic;
}

/* With any key of any session that the engine has. */
static bool can_open(const struct side *side, const uint8_t *message, size_t len)
{
	for (struct wr_peer *peer = side->device->peer_first; peer; peer = peer->list_next) {
		const struct wr_session *sessions[] = { atomic_load(&peer->current),
							atomic_load(&peer->next), peer->previous };

		for (size_t i = 0; i < WR_ARRAY_LEN(sessions); i++)
			if (sessions[i] && (opens(&sessions[i]->receive_key, message, len) ||
					    opens(&sessions[i]->send_key, message, len)))
				return true;
	}
	return false;
}

static void test_relay_has_no_key_for_what_it_carries(void **state)
{
	struct wr_initiation_opened opened;
	struct wr_initiation initiation;
	uint8_t message[MESSAGE_MAX];
	struct wr_output output;
	struct scene scene;
	size_t len;

	(void)state;
	scene_open(&scene, 1);
	shake_hands(&scene);
	len = seal(&scene.a, scene.b_of_a, "for b alone", message);
	assert_false(can_open(&scene.side, message, len));
	/* The search finds a key where there is one. */
	len = puppet_seal(&scene.a, 7, (const uint8_t *)"for the engine", 14, message);
	assert_true(can_open(&scene.side, message, len));

	wr_rotation_clear(scene.a_of_b);
	(void)wr_peer_ask(scene.a_of_b, WR_ATTENTION_HANDSHAKE);
	poll_datagram(&scene.b, &output);
	assert_true(
		wr_initiation_read((struct wr_bytes){ output.datagram, output.len }, &initiation));
	assert_false(
		wr_handshake_open_initiation(&scene.side.device->identity, &initiation, &opened));
	assert_true(wr_handshake_open_initiation(&scene.a.device->identity, &initiation, &opened));
	scene_close(&scene);
}

static void test_relay_is_for_those_that_may(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	scene.may_relay = false;
	initiate(&scene.a, scene.b_of_a);
	side_await(&scene.side, WR_DROP_POLICY, 1);
	assert_hears_nothing(&scene, &scene.b);
	assert_int_equal(counted(&scene).relayed_packets, 0);
	assert_int_equal(counted(&scene).relay_refused, 1);
	scene_close(&scene);
}

static void test_relay_stops_when_it_is_forbidden(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	shake_hands(&scene);
	wr_engine_review_relay(scene.side.engine, scene.side.device);
	say(&scene.a, scene.b_of_a, "still allowed");
	assert_hears(&scene.b, scene.a_of_b, "still allowed");
	scene.may_relay = false;
	wr_engine_review_relay(scene.side.engine, scene.side.device);
	wr_engine_settle(scene.side.engine);
	say(&scene.a, scene.b_of_a, "forbidden");
	say(&scene.b, scene.a_of_b, "forbidden");
	side_await(&scene.side, WR_DROP_INDEX, 2);
	assert_hears_nothing(&scene, &scene.b);
	scene_close(&scene);
}

static void test_relay_stops_when_a_machine_goes(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	shake_hands(&scene);
	wr_peer_remove(scene.b.as_peer);
	wr_engine_settle(scene.side.engine);
	say(&scene.a, scene.b_of_a, "gone");
	say(&scene.b, scene.a_of_b, "gone");
	side_await(&scene.side, WR_DROP_INDEX, 2);
	initiate(&scene.b, scene.a_of_b);
	side_await(&scene.side, WR_DROP_MAC1, 1);
	scene_close(&scene);
}

/* Its NAT gives it another port. */
static void test_relay_moves_along(void **state)
{
	struct wr_output output;
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	shake_hands(&scene);
	puppet_move(&scene.b);
	say(&scene.b, scene.a_of_b, "from a stranger's port");
	side_await(&scene.side, WR_DROP_INDEX, 1);
	keep_alive(&scene.b, 100);
	while (!wr_relay_is_at(scene.b.as_peer, &scene.b.self))
		side_turn(&scene.side);
	say(&scene.a, scene.b_of_a, "found you");
	assert_hears(&scene.b, scene.a_of_b, "found you");
	say(&scene.b, scene.a_of_b, "so did I");
	assert_hears(&scene.a, scene.b_of_a, "so did I");
	/* And a handshake of its own, from there. */
	initiate(&scene.b, scene.a_of_b);
	assert_int_equal(hear(&scene.a, WR_MESSAGE_INITIATION, &output), WR_TAKEN);
	scene_close(&scene);
}

static void test_relay_hands_cookies_on(void **state)
{
	uint8_t bytes[MESSAGE_MAX];
	struct wr_output output;
	struct scene scene;
	size_t len;

	(void)state;
	scene_open(&scene, 1);
	initiate(&scene.a, scene.b_of_a);
	len = receive(&scene.b, bytes);
	assert_int_equal(input(&scene.b, (struct wr_bytes){ bytes, len }, true, &output),
			 WR_DROP_COOKIE);
	send_output(&scene.b, &output);
	assert_int_equal(hear(&scene.a, WR_MESSAGE_COOKIE, &output), WR_TAKEN);
	scene_close(&scene);
}

#define BURST 40
#define BURST_LEN 1200

/* Messages of two conversations in one call of UDP_SEGMENT, the last one short. */
static size_t build_burst(const struct scene *scene, uint8_t *burst)
{
	static char text[BURST_LEN - WR_DATA_OVERHEAD + 1];
	size_t len = 0;

	for (unsigned i = 0; i < BURST; i++) {
		memset(text, 'a' + (int)(i % 26), sizeof(text) - 1);
		if (i + 1 == BURST)
			text[100] = '\0';
		if (i % 8 == 7) /* to the engine itself */
			len += puppet_seal(&scene->a, 100 + i, (const uint8_t *)text, strlen(text),
					   burst + len);
		else
			len += seal(&scene->a, scene->b_of_a, text, burst + len);
	}
	return len;
}

static void test_relay_carries_bursts(void **state)
{
	static uint8_t burst[BURST * BURST_LEN + MESSAGE_MAX], heard[MESSAGE_MAX];
	struct scene scene;
	int segment = BURST_LEN;
	size_t len;

	(void)state;
	scene_open(&scene, 1);
	shake_hands(&scene);
	len = build_burst(&scene, burst);
	assert_int_equal(
		setsockopt(scene.a.fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	puppet_send(&scene.a, burst, len, 0);
	for (unsigned i = 0; i < BURST; i++) {
		if (i % 8 == 7)
			continue;
		size_t expected = i + 1 == BURST ? len - i * BURST_LEN : BURST_LEN;

		assert_int_equal(receive(&scene.b, heard), expected);
		assert_memory_equal(heard, burst + i * BURST_LEN, expected);
	}
	/* What was for the engine was opened there, and is no packet of IP. */
	side_await(&scene.side, WR_DROP_INNER, BURST / 8);
	scene_close(&scene);
}

static void test_relay_passes_no_garbage_on(void **state)
{
	uint8_t bytes[WR_INITIATION_LEN] = { WR_MESSAGE_INITIATION };
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	puppet_send(&scene.a, bytes, sizeof(bytes), 0);
	side_await(&scene.side, WR_DROP_MAC1, 1);
	bytes[0] = WR_MESSAGE_RESPONSE;
	puppet_send(&scene.a, bytes, WR_RESPONSE_LEN, 0);
	bytes[0] = WR_MESSAGE_COOKIE;
	puppet_send(&scene.a, bytes, WR_COOKIE_LEN, 0);
	bytes[0] = WR_MESSAGE_DATA;
	puppet_send(&scene.a, bytes, 100, 0);
	side_await(&scene.side, WR_DROP_INDEX, 3);
	assert_int_equal(counted(&scene).relayed_packets, 0);
	scene_close(&scene);
}

/* --- STUN. --- */

static void ask(const struct puppet *puppet, struct wr_stun_id *ret_id)
{
	uint8_t request[WR_STUN_REQUEST_LEN];

	wr_random(ret_id, sizeof(*ret_id));
	wr_stun_request_write(ret_id, request);
	puppet_send(puppet, request, sizeof(request), 0);
}

static void test_stun_tells_who_asks_its_address(void **state)
{
	struct wr_endpoint mapped;
	uint8_t bytes[MESSAGE_MAX];
	struct wr_stun_id id;
	struct scene scene;
	size_t len;

	(void)state;
	scene_open(&scene, 2);
	ask(&scene.a, &id);
	len = receive(&scene.a, bytes);
	assert_true(wr_stun_answer_read((struct wr_bytes){ bytes, len }, &id, &mapped));
	assert_true(wr_endpoint_equal_remote(&mapped, &scene.a.self));
	while (!counted(&scene).stun_answers)
		side_turn(&scene.side);
	/* An answer is no question. */
	puppet_send(&scene.a, bytes, len, 0);
	side_await(&scene.side, WR_DROP_TYPE, 1);
	scene_close(&scene);
}

static void test_stun_has_a_budget(void **state)
{
	struct wr_stun_id id;
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	for (unsigned i = 0; i < 500; i++)
		ask(&scene.a, &id);
	while (counted(&scene).stun_answers + side_verdicts(&scene.side, WR_DROP_BUDGET) < 500)
		side_turn(&scene.side);
	assert_in_range(counted(&scene).stun_answers, 60, 250);
	scene_close(&scene);
}

static void test_stun_and_relay_are_off_unless_wanted(void **state)
{
	struct side side;
	struct puppet puppet;
	struct wr_stun_id id;

	(void)state;
	side_open(&side, 1, false, 1);
	puppet_open(&puppet, &side, "10.0.0.0/8", true);
	ask(&puppet, &id);
	side_await(&side, WR_DROP_TYPE, 1);
	assert_null(wr_engine_port(side.engine)->relay);
	side_close(&side);
	puppet_close(&puppet);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_carries_a_conversation),
		cmocka_unit_test(test_relay_has_no_key_for_what_it_carries),
		cmocka_unit_test(test_relay_is_for_those_that_may),
		cmocka_unit_test(test_relay_stops_when_it_is_forbidden),
		cmocka_unit_test(test_relay_stops_when_a_machine_goes),
		cmocka_unit_test(test_relay_moves_along),
		cmocka_unit_test(test_relay_hands_cookies_on),
		cmocka_unit_test(test_relay_carries_bursts),
		cmocka_unit_test(test_relay_passes_no_garbage_on),
		cmocka_unit_test(test_stun_tells_who_asks_its_address),
		cmocka_unit_test(test_stun_has_a_budget),
		cmocka_unit_test(test_stun_and_relay_are_off_unless_wanted),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
