/* From peer to peer through a device that forwards, and to its own address. */
#include <unistd.h>

#include "engines.h"
#include "packets.h"
#include "wire/message.h"
#include "wire/packet.h"

/* 10.1.2.3 to 10.9.8.7: from a to b. */
static const struct packet_shape a_to_b = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_UDP,
	.host = 3,
	.source_port = 1000,
	.ttl = 64,
};

struct scene {
	struct side side;
	struct puppet a, b;
	uint64_t counter; /* of the next message of a */
};

static void scene_open(struct scene *scene, unsigned workers)
{
	struct wr_forwarding forwarding = { .address4 = { WR_IPV4, { 10, 9, 8, 1 } } };

	scene->counter = 1;
	side_open(&scene->side, workers, false, 1);
	assert_int_equal(wr_engine_forward(scene->side.engine, scene->side.device, &forwarding), 0);
	puppet_open(&scene->a, &scene->side, "10.1.2.0/24", true);
	puppet_open(&scene->b, &scene->side, "10.9.8.0/24", true);
	puppet_shake_hands(&scene->a);
}

static void scene_close(struct scene *scene)
{
	side_close(&scene->side);
	puppet_close(&scene->a);
	puppet_close(&scene->b);
}

static void a_sends(struct scene *scene, const uint8_t *packet, size_t len, uint8_t tos)
{
	static uint8_t message[PACKET_MAX + 64];
	size_t message_len = puppet_seal(&scene->a, scene->counter++, packet, len, message);

	puppet_send(&scene->a, message, message_len, tos);
}

static struct wr_forwarded counted(const struct scene *scene)
{
	struct wr_forwarded forwarded;

	wr_engine_count_forwarded(scene->side.device, &forwarded);
	return forwarded;
}

static void b_hears(struct scene *scene, const uint8_t *packet, uint32_t len)
{
	static struct heard heard;

	puppet_hear(&scene->b, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_DATA);
	assert_true(heard.len >= len);
	assert_memory_equal(heard.bytes, packet, len);
}

static void test_forward_hands_packets_on_in_order(void **state)
{
	struct scene scene;
	uint8_t packet[1500], payload[1000] = { 0 };
	uint32_t len;

	(void)state;
	scene_open(&scene, 1);
	puppet_shake_hands(&scene.b);
	for (uint8_t i = 0; i < 100; i++) {
		payload[0] = i;
		len = packet_build(&a_to_b, payload, 1 + i * 9u, packet);
		a_sends(&scene, packet, len, 0);
	}
	for (uint8_t i = 0; i < 100; i++) {
		payload[0] = i;
		len = packet_build(&a_to_b, payload, 1 + i * 9u, packet);
		b_hears(&scene, packet, len);
	}
	assert_int_equal(counted(&scene).packets, 100);
	scene_close(&scene);
}

static void test_forward_makes_a_session_first(void **state)
{
	static struct heard heard;
	struct scene scene;
	uint8_t packet[100];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"early", 5, packet);

	(void)state;
	scene_open(&scene, 1);
	a_sends(&scene, packet, len, 0);
	puppet_hear(&scene.b, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_INITIATION);
	puppet_answer(&scene.b, &heard);
	b_hears(&scene, packet, len);
	scene_close(&scene);
}

static void test_forward_loses_what_is_for_nobody(void **state)
{
	struct scene scene;
	uint8_t packet[100];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"lost", 4, packet);

	(void)state;
	scene_open(&scene, 1);
	packet[16] = 11; /* 11.9.8.7 */
	packet_complete(packet, len);
	a_sends(&scene, packet, len, 0);
	side_await(&scene.side, WR_DROP_NO_ROUTE, 1);
	/* Back to where it came from is nowhere too. */
	packet[16] = 10, packet[17] = 1, packet[18] = 2;
	packet_complete(packet, len);
	a_sends(&scene, packet, len, 0);
	side_await(&scene.side, WR_DROP_NO_ROUTE, 2);
	assert_int_equal(counted(&scene).lost, 2);
	assert_int_equal(counted(&scene).packets, 0);
	scene_close(&scene);
}

static void test_forward_checks_sources(void **state)
{
	struct scene scene;
	uint8_t packet[100];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"forged", 6, packet);

	(void)state;
	scene_open(&scene, 1);
	packet[12] = 10, packet[13] = 9; /* an address of b's */
	packet[14] = 8;
	packet_complete(packet, len);
	a_sends(&scene, packet, len, 0);
	side_await(&scene.side, WR_DROP_SOURCE, 1);
	scene_close(&scene);
}

static void test_forward_carries_congestion_marks(void **state)
{
	static struct heard heard;
	struct packet_shape shape = a_to_b;
	struct scene scene;
	uint8_t packet[100];
	uint32_t len;

	(void)state;
	scene_open(&scene, 1);
	puppet_shake_hands(&scene.b);
	shape.tos = WR_ECN_ECT0;
	len = packet_build(&shape, (const uint8_t *)"marked", 6, packet);
	a_sends(&scene, packet, len, WR_ECN_CE);
	puppet_hear(&scene.b, &heard);
	assert_int_equal(heard.tos & WR_ECN_MASK, WR_ECN_CE);
	assert_int_equal(wr_packet_tos(heard.bytes) & WR_ECN_MASK, WR_ECN_CE);
	scene_close(&scene);
}

static void test_forward_gives_the_tun_what_is_for_the_device(void **state)
{
	struct scene scene;
	uint8_t packet[100], got[END_READ_MAX];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"ping", 4, packet);
	struct side *side = &scene.side;

	(void)state;
	scene_open(&scene, 1);
	packet[19] = 1; /* 10.9.8.1 */
	packet_complete(packet, len);
	a_sends(&scene, packet, len, 0);
	assert_true(sides_run(&side, 1, side->ends[0], PATIENCE_MS));
	assert_int_equal(read(side->ends[0], got, sizeof(got)), len);
	assert_memory_equal(got, packet, len);
	assert_int_equal(counted(&scene).packets, 0);
	scene_close(&scene);
}

static void test_forward_takes_packets_of_the_tun(void **state)
{
	struct scene scene;
	uint8_t packet[100];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"pong", 4, packet);

	(void)state;
	scene_open(&scene, 1);
	puppet_shake_hands(&scene.b);
	assert_int_equal(write(scene.side.ends[0], packet, len), len);
	b_hears(&scene, packet, len);
	scene_close(&scene);
}

/* A TUN can go, and another one come, while packets flow. */
static void test_forward_tuns_come_and_go(void **state)
{
	struct scene scene;
	uint8_t packet[100], got[END_READ_MAX];
	uint32_t len = packet_build(&a_to_b, (const uint8_t *)"again", 5, packet);
	struct side *side = &scene.side;

	(void)state;
	scene_open(&scene, 1);
	packet[19] = 1;
	packet_complete(packet, len);
	for (uint64_t i = 0; i < 20; i++) {
		wr_engine_detach(side->engine, side->device);
		a_sends(&scene, packet, len, 0);
		side_await(side, WR_DROP_TUN, i + 1);
		assert_int_equal(wr_engine_attach(side->engine, side->device, &side->tun), 0);
		a_sends(&scene, packet, len, 0);
		assert_true(sides_run(&side, 1, side->ends[0], PATIENCE_MS));
		assert_int_equal(read(side->ends[0], got, sizeof(got)), len);
	}
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward_hands_packets_on_in_order),
		cmocka_unit_test(test_forward_makes_a_session_first),
		cmocka_unit_test(test_forward_loses_what_is_for_nobody),
		cmocka_unit_test(test_forward_checks_sources),
		cmocka_unit_test(test_forward_carries_congestion_marks),
		cmocka_unit_test(test_forward_gives_the_tun_what_is_for_the_device),
		cmocka_unit_test(test_forward_takes_packets_of_the_tun),
		cmocka_unit_test(test_forward_tuns_come_and_go),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
