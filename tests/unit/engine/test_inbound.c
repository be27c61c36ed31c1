/* What the engine makes of datagrams: each kind is counted, and only what is right
 * reaches the TUN. */
#include <unistd.h>

#include "engines.h"
#include "packets.h"
#include "wire/message.h"
#include "wire/packet.h"

static const struct packet_shape udp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
};
static const struct packet_shape udp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
};

static const uint8_t zeros[2048];

struct scene {
	struct side side;
	struct puppet puppet;
	uint64_t counter; /* of the puppet's next message */
};

/* An engine and a puppet with a session; 10.1.2.0/24 and fd00::/8 are the
 * puppet's. */
static void scene_open(struct scene *scene, bool has_offload)
{
	struct wr_prefix prefix;

	scene->counter = 1;
	side_open(&scene->side, 1, has_offload, 1);
	puppet_open(&scene->puppet, &scene->side, "10.1.2.0/24", false);
	assert_true(wr_prefix_parse("fd00::/8", 8, &prefix));
	assert_int_equal(wr_peer_allow(scene->puppet.as_peer, &prefix), 0);
	puppet_shake_hands(&scene->puppet);
}

static void scene_close(struct scene *scene)
{
	side_close(&scene->side);
	puppet_close(&scene->puppet);
}

static void send_plain(struct scene *scene, const uint8_t *plain, size_t len, uint8_t tos)
{
	static uint8_t message[PACKET_MAX + 64];
	size_t message_len = puppet_seal(&scene->puppet, scene->counter++, plain, len, message);

	puppet_send(&scene->puppet, message, message_len, tos);
}

/* What the TUN is given next; its length without the header of virtio, which must
 * be all zero: no super-packet. */
static size_t read_tun(struct scene *scene, uint8_t ret_packet[END_READ_MAX])
{
	struct side *side = &scene->side;
	size_t header_len = side->tun.has_offload ? WR_TUN_HEADER_LEN : 0;
	ssize_t got;

	assert_true(sides_run(&side, 1, side->ends[0], PATIENCE_MS));
	got = read(side->ends[0], ret_packet, END_READ_MAX);
	assert_true(got > (ssize_t)header_len);
	assert_memory_equal(ret_packet, zeros, header_len);
	memmove(ret_packet, ret_packet + header_len, (size_t)got - header_len);
	return (size_t)got - header_len;
}

/* Nothing else has reached the TUN: what is sent now comes next. */
static void assert_nothing_waits(struct scene *scene)
{
	static uint8_t got[END_READ_MAX];
	uint8_t packet[64];
	uint32_t len = packet_build(&udp4, (const uint8_t *)"last", 4, packet);

	send_plain(scene, packet, len, 0);
	assert_int_equal(read_tun(scene, got), len);
	assert_memory_equal(got, packet, len);
}

/* --- No transport message of a session. --- */

static const struct {
	const char *name;
	uint8_t data[40];
	size_t len;
	enum wr_verdict want;
} strangers[] = {
	{ "empty", { 0 }, 0, WR_DROP_SHORT },
	{ "three bytes", { 4, 0, 0 }, 3, WR_DROP_SHORT },
	{ "data, one byte missing", { 4 }, 31, WR_DROP_SHORT },
	{ "an unknown index", { 4, 0, 0, 0, 1, 2, 3, 4 }, 32, WR_DROP_INDEX },
	{ "type 0", { 0 }, 40, WR_DROP_TYPE },
	{ "type 5", { 5 }, 40, WR_DROP_TYPE },
	{ "a reserved byte", { 4, 0, 0, 1 }, 40, WR_DROP_TYPE },
};

static void test_inbound_counts_what_belongs_to_nobody(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true);
	for (size_t i = 0; i < WR_ARRAY_LEN(strangers); i++) {
		uint64_t before = side_verdicts(&scene.side, strangers[i].want);

		print_message("case: %s\n", strangers[i].name);
		puppet_send(&scene.puppet, strangers[i].data, strangers[i].len, 0);
		side_await(&scene.side, strangers[i].want, before + 1);
	}
	assert_nothing_waits(&scene);
	scene_close(&scene);
}

/* Handshake messages that are none: they come to the control thread, and are
 * counted there. */
static void test_inbound_counts_forged_handshakes(void **state)
{
	static const struct {
		uint8_t type;
		size_t len;
		enum wr_verdict want;
	} cases[] = {
		{ WR_MESSAGE_INITIATION, WR_INITIATION_LEN, WR_DROP_MAC1 },
		{ WR_MESSAGE_RESPONSE, WR_RESPONSE_LEN, WR_DROP_INDEX },
		{ WR_MESSAGE_COOKIE, WR_COOKIE_LEN, WR_DROP_INDEX },
	};
	struct scene scene;
	uint8_t datagram[WR_INITIATION_LEN] = { 0 };

	(void)state;
	scene_open(&scene, true);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint64_t before = side_verdicts(&scene.side, cases[i].want);

		datagram[0] = cases[i].type;
		puppet_send(&scene.puppet, datagram, cases[i].len, 0);
		side_await(&scene.side, cases[i].want, before + 1);
	}
	scene_close(&scene);
}

/* --- Transport messages. --- */

static void test_inbound_delivers_packets_without_padding(void **state)
{
	static const struct packet_shape *const shapes[] = { &udp4, &udp6 };
	static uint8_t got[END_READ_MAX];
	uint8_t packet[1600] = { 0 };
	struct scene scene;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		scene_open(&scene, i / 2);
		uint32_t len = packet_build(shapes[i % 2], zeros, 501, packet);

		memset(packet + len, 0, 16);
		send_plain(&scene, packet, len + 11, 0);
		assert_int_equal(read_tun(&scene, got), len);
		assert_memory_equal(got, packet, len);
		scene_close(&scene);
	}
}

static void test_inbound_keeps_keepalives_to_itself(void **state)
{
	struct wr_counters before, after;
	struct scene scene;

	(void)state;
	scene_open(&scene, true);
	wr_engine_counters(scene.side.engine, &before);
	send_plain(&scene, zeros, 0, 0);
	assert_nothing_waits(&scene);
	wr_engine_counters(scene.side.engine, &after);
	assert_int_equal(after.rx_packets, before.rx_packets + 2);
	assert_int_equal(atomic_load(&scene.puppet.as_peer->activity.rx_bytes),
			 WR_INITIATION_LEN + 2 * WR_KEEPALIVE_LEN + WR_DATA_OVERHEAD + 32);
	scene_close(&scene);
}

/* What is authentic, but no packet that this peer may send. */
static void test_inbound_drops_what_the_peer_may_not_send(void **state)
{
	static const struct {
		const char *name;
		const struct packet_shape *shape;
		uint32_t len; /* 0: as it is */
		uint8_t at, byte;
		enum wr_verdict want;
	} cases[] = {
		{ "one byte", &udp4, 1, 0, 0x45, WR_DROP_INNER },
		{ "19 bytes of IPv4", &udp4, 19, 0, 0x45, WR_DROP_INNER },
		{ "39 bytes of IPv6", &udp6, 39, 0, 0x60, WR_DROP_INNER },
		{ "version 0", &udp4, 0, 0, 0x05, WR_DROP_INNER },
		{ "version 7", &udp6, 0, 0, 0x70, WR_DROP_INNER },
		{ "IPv4 header of 16 bytes", &udp4, 0, 0, 0x44, WR_DROP_INNER },
		{ "IPv4 longer than it is", &udp4, 0, 2, 0x40, WR_DROP_INNER },
		{ "IPv4 shorter than its header", &udp4, 0, 3, 19, WR_DROP_INNER },
		{ "IPv6 longer than it is", &udp6, 0, 4, 0x40, WR_DROP_INNER },
		{ "another's IPv4 address", &udp4, 0, 14, 3, WR_DROP_SOURCE },
		{ "nobody's IPv4 address", &udp4, 0, 12, 11, WR_DROP_SOURCE },
		{ "nobody's IPv6 address", &udp6, 0, 8, 0x20, WR_DROP_SOURCE },
	};
	struct wr_key other_key = { { 9 } };
	struct scene scene;

	(void)state;
	scene_open(&scene, true);
	side_add_peer(&scene.side, &other_key, NULL, "10.1.3.0/24");
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint64_t before = side_verdicts(&scene.side, cases[i].want);
		uint8_t packet[256];
		uint32_t len = packet_build(cases[i].shape, zeros, 100, packet);

		print_message("case: %s\n", cases[i].name);
		packet[cases[i].at] = cases[i].byte;
		send_plain(&scene, packet, cases[i].len ? cases[i].len : len, 0);
		side_await(&scene.side, cases[i].want, before + 1);
	}
	assert_nothing_waits(&scene);
	scene_close(&scene);
}

static void test_inbound_drops_forged_messages(void **state)
{
	struct scene scene;
	uint8_t message[256];

	(void)state;
	scene_open(&scene, true);
	for (unsigned i = 8; i < 96; i++) {
		uint8_t packet[64] = { 0 };
		uint32_t packet_len = packet_build(&udp4, zeros, 20, packet);
		size_t len = puppet_seal(&scene.puppet, scene.counter, packet, packet_len, message);

		if (i >= len)
			break;
		message[i] ^= 0x40;
		puppet_send(&scene.puppet, message, len, 0);
	}
	side_await(&scene.side, WR_DROP_FORGED, 80 - 8);
	assert_nothing_waits(&scene);
	scene_close(&scene);
}

static void test_inbound_takes_each_counter_once(void **state)
{
	static uint8_t got[END_READ_MAX];
	uint8_t packet[64], message[128];
	struct scene scene;

	(void)state;
	scene_open(&scene, true);
	uint32_t packet_len = packet_build(&udp4, zeros, 20, packet);
	size_t len = puppet_seal(&scene.puppet, 20000, packet, packet_len, message);

	for (unsigned i = 0; i < 5; i++)
		puppet_send(&scene.puppet, message, len, 0);
	side_await(&scene.side, WR_DROP_REPLAY, 4);
	assert_int_equal(read_tun(&scene, got), packet_len);

	/* Too old; and one that no session lives to see. */
	len = puppet_seal(&scene.puppet, 1, packet, packet_len, message);
	puppet_send(&scene.puppet, message, len, 0);
	side_await(&scene.side, WR_DROP_REPLAY, 4); /* of another block: still taken */
	assert_int_equal(read_tun(&scene, got), packet_len);
	len = puppet_seal(&scene.puppet, 20000 - WR_REPLAY_WINDOW, packet, packet_len, message);
	puppet_send(&scene.puppet, message, len, 0);
	side_await(&scene.side, WR_DROP_REPLAY, 5);
	len = puppet_seal(&scene.puppet, WR_REJECT_AFTER_MESSAGES, packet, packet_len, message);
	puppet_send(&scene.puppet, message, len, 0);
	side_await(&scene.side, WR_DROP_REPLAY, 6);
	scene.counter = 20001;
	assert_nothing_waits(&scene);
	scene_close(&scene);
}

/* RFC 6040 section 4.2. */
static void test_inbound_carries_congestion_marks_in(void **state)
{
	static const struct packet_shape *const shapes[] = { &udp4, &udp6 };
	static uint8_t got[END_READ_MAX];
	struct scene scene;
	uint8_t packet[128];

	(void)state;
	scene_open(&scene, true);
	for (unsigned i = 0; i < 2; i++) {
		struct packet_shape shape = *shapes[i];

		shape.tos = 0xb8 | WR_ECN_ECT0;
		uint32_t len = packet_build(&shape, zeros, 20, packet);

		send_plain(&scene, packet, len, WR_ECN_CE);
		assert_int_equal(read_tun(&scene, got), len);
		assert_int_equal(wr_packet_tos(got), 0xb8 | WR_ECN_CE);
		assert_true(packet_has_right_checksums(got, len));

		shape.tos = 0xb8;
		len = packet_build(&shape, zeros, 20, packet);
		send_plain(&scene, packet, len, WR_ECN_CE);
		side_await(&scene.side, WR_DROP_ECN, i + 1);
	}
	assert_nothing_waits(&scene);
	scene_close(&scene);
}

/* --- Where the peer is. --- */

/* What the engine sends now comes to the puppet's socket. */
static void assert_hears(struct scene *scene, unsigned number)
{
	static struct heard heard;
	uint8_t packet[64 + WR_TUN_HEADER_LEN] = { 0 };
	uint8_t *ip = packet + WR_TUN_HEADER_LEN;
	uint32_t len = packet_build(&udp4, (const uint8_t *)&number, 4, ip);

	memcpy(ip + 16, (uint8_t[]){ 10, 1, 2, 1 }, 4); /* to the puppet */
	assert_int_equal(write(scene->side.ends[0], packet, len + WR_TUN_HEADER_LEN),
			 len + WR_TUN_HEADER_LEN);
	puppet_hear(&scene->puppet, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_DATA);
	assert_memory_equal(heard.bytes + 28, &number, 4);
}

static uint16_t port_of(const struct wr_peer *peer)
{
	struct wr_endpoint endpoint = { 0 };

	wr_peer_endpoint(peer, &endpoint);
	return endpoint.port;
}

static void test_inbound_follows_a_peer_that_moves(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true);
	for (unsigned i = 0; i < 10; i++) {
		assert_hears(&scene, i);
		puppet_move(&scene.puppet);
		assert_nothing_waits(&scene); /* an authentic packet from there */
		while (port_of(scene.puppet.as_peer) != scene.puppet.self.port)
			sides_run(&scene.puppet.side, 1, -1, 1);
	}
	assert_hears(&scene, 10);
	scene_close(&scene);
}

/* Replayed and forged messages from elsewhere move nobody. */
static void test_inbound_follows_only_authentic_messages(void **state)
{
	struct scene scene;
	uint8_t message[64];

	(void)state;
	scene_open(&scene, true);
	size_t len = puppet_seal(&scene.puppet, 7, zeros, 0, message);
	struct puppet thief = scene.puppet;
	int own = scene.puppet.fd;

	scene.counter = 8;
	puppet_send(&scene.puppet, message, len, 0);
	assert_nothing_waits(&scene);
	thief.fd = dup(own);
	puppet_move(&thief);
	puppet_send(&thief, message, len, 0);
	side_await(&scene.side, WR_DROP_REPLAY, 1);
	message[20] ^= 1;
	puppet_send(&thief, message, len, 0);
	side_await(&scene.side, WR_DROP_FORGED, 1);
	assert_hears(&scene, 1);
	assert_int_equal(port_of(scene.puppet.as_peer), scene.puppet.self.port);
	close(thief.fd);
	scene_close(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inbound_counts_what_belongs_to_nobody),
		cmocka_unit_test(test_inbound_counts_forged_handshakes),
		cmocka_unit_test(test_inbound_delivers_packets_without_padding),
		cmocka_unit_test(test_inbound_keeps_keepalives_to_itself),
		cmocka_unit_test(test_inbound_drops_what_the_peer_may_not_send),
		cmocka_unit_test(test_inbound_drops_forged_messages),
		cmocka_unit_test(test_inbound_takes_each_counter_once),
		cmocka_unit_test(test_inbound_carries_congestion_marks_in),
		cmocka_unit_test(test_inbound_follows_a_peer_that_moves),
		cmocka_unit_test(test_inbound_follows_only_authentic_messages),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
