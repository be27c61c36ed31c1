/* What the engine makes of packets from the TUN: sealed for the peer that they are
 * for, kept until there is a session, or dropped and counted. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/staging.h"
#include "engines.h"
#include "packets.h"
#include "wire/message.h"
#include "wire/packet.h"

/* Their destination, 10.9.8.7 and fd..:7, is the puppet's. */
static const struct packet_shape udp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.tos = 0xb8 | WR_ECN_ECT1,
};
static const struct packet_shape tcp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.tcp_flags = WR_TCP_ACK,
	.tcp_options = 12,
};
static const struct packet_shape tcp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.tcp_flags = WR_TCP_ACK,
};

static uint8_t payload[PACKET_MAX];
static struct heard heard;

struct scene {
	struct side side;
	struct puppet puppet;
};

static void scene_open(struct scene *scene, bool has_offload, uint32_t factor)
{
	struct wr_prefix prefix;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 29 + i / 256);
	side_open(&scene->side, 1, has_offload, factor);
	puppet_open(&scene->puppet, &scene->side, "10.9.8.0/24", true);
	assert_true(wr_prefix_parse("fd00::/8", 8, &prefix));
	assert_int_equal(wr_peer_allow(scene->puppet.as_peer, &prefix), 0);
}

static void scene_close(struct scene *scene)
{
	side_close(&scene->side);
	puppet_close(&scene->puppet);
}

/* The kernel gives the TUN a packet. */
static void give(struct scene *scene, const struct virtio_net_hdr *header, const uint8_t *packet,
		 uint32_t len)
{
	struct iovec parts[] = {
		{ (void *)(uintptr_t)header, sizeof(*header) },
		{ (void *)(uintptr_t)packet, len },
	};
	unsigned first = scene->side.tun.has_offload ? 0 : 1;

	assert_true(writev(scene->side.ends[0], parts + first, (int)(2 - first)) > 0);
}

static void give_plain(struct scene *scene, const struct packet_shape *shape, uint32_t payload_len)
{
	static uint8_t packet[PACKET_MAX];
	struct virtio_net_hdr header = { 0 };

	give(scene, &header, packet, packet_build(shape, payload, payload_len, packet));
}

/* The next message holds this packet, padded with zeros. */
static void hear_packet(struct scene *scene, const uint8_t *packet, uint32_t len, uint32_t mtu)
{
	uint32_t padded = (uint32_t)wr_data_padded(len, mtu);

	puppet_hear(&scene->puppet, &heard);
	assert_int_equal(heard.type, WR_MESSAGE_DATA);
	assert_int_equal(heard.len, padded);
	assert_memory_equal(heard.bytes, packet, len);
	for (uint32_t i = len; i < padded; i++)
		assert_int_equal(heard.bytes[i], 0);
}

/* --- What is dropped. --- */

static const struct {
	const char *name;
	const struct packet_shape *shape;
	struct virtio_net_hdr header;
	uint8_t at, byte;
	enum wr_verdict want;
} drops[] = {
	{ "version 0", &udp4, { 0 }, 0, 0x05, WR_DROP_INNER },
	{ "longer than it is", &udp4, { 0 }, 2, 0xff, WR_DROP_INNER },
	{ "nobody's address", &udp4, { 0 }, 16, 11, WR_DROP_NO_ROUTE },
	{ "nobody's IPv6 address", &tcp6, { 0 }, 24, 0x20, WR_DROP_NO_ROUTE },
	{ "address of a peer that is nowhere", &udp4, { 0 }, 18, 9, WR_DROP_NO_ENDPOINT },
	{ "a super-packet without checksum",
	  &tcp4,
	  { 0, VIRTIO_NET_HDR_GSO_TCPV4, 52, 10, 20, 16 },
	  2,
	  0,
	  WR_DROP_INNER },
	{ "a checksum past the end",
	  &udp4,
	  { VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0, 0, 20, 9999 },
	  2,
	  0,
	  WR_DROP_INNER },
};

static void test_outbound_drops_what_cannot_go(void **state)
{
	struct wr_key nowhere = { { 5 } };
	uint8_t packet[256];
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	side_add_peer(&scene.side, &nowhere, NULL, "10.9.9.0/24");
	for (size_t i = 0; i < WR_ARRAY_LEN(drops); i++) {
		uint64_t before = side_verdicts(&scene.side, drops[i].want);
		uint32_t len = packet_build(drops[i].shape, payload, 100, packet);

		print_message("case: %s\n", drops[i].name);
		packet[drops[i].at] = drops[i].byte;
		give(&scene, &drops[i].header, packet, len);
		side_await(&scene.side, drops[i].want, before + 1);
	}
	scene_close(&scene);
}

/* --- What is sealed. --- */

/* Padded to 16 bytes, but not beyond the MTU. Of the class, the outside shows
 * ECN only. */
static void test_outbound_pads_and_seals(void **state)
{
	static const uint32_t lens[] = { 0, 1, 4, 20, 1380, 1391, 1392, 1393 };
	struct scene scene;
	uint8_t packet[1600];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		scene_open(&scene, i == 1, 1);
		wr_engine_set_mtu(scene.side.engine, scene.side.device, 1420);
		puppet_shake_hands(&scene.puppet);
		for (size_t j = 0; j < WR_ARRAY_LEN(lens); j++) {
			uint32_t len = packet_build(&udp4, payload, lens[j], packet);

			give_plain(&scene, &udp4, lens[j]);
			hear_packet(&scene, packet, len, 1420);
			assert_int_equal(heard.tos, WR_ECN_ECT1);
			assert_int_equal(heard.counter, j);
		}
		scene_close(&scene);
	}
}

static void check_super(struct scene *scene, const struct packet_shape *shape, uint32_t len,
			uint16_t segment)
{
	static uint8_t packet[PACKET_MAX];
	struct packet_list want = { 0 };
	uint32_t total = packet_build(shape, payload, len, packet);
	struct virtio_net_hdr header = packet_offload(packet, total, segment);

	packet_segment(&header, packet, total, &want);
	give(scene, &header, packet, total);
	for (unsigned i = 0; i < want.count; i++)
		hear_packet(scene, want.items[i].data, want.items[i].len, UINT16_MAX);
	packet_list_free(&want);
}

static void test_outbound_cuts_super_packets(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	puppet_shake_hands(&scene.puppet);
	check_super(&scene, &tcp4, 60000, 1368);
	check_super(&scene, &tcp6, 65535 - 60, 1360);
	check_super(&scene, &udp4, 64 * 500 - 3, 500);
	check_super(&scene, &udp4, 9, 2);
	check_super(&scene, &tcp4, 5000, 1);
	scene_close(&scene);
}

static void test_outbound_completes_checksums(void **state)
{
	uint8_t packet[1600], want[1600];
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	puppet_shake_hands(&scene.puppet);
	uint32_t len = packet_build(&tcp6, payload, 1000, packet);

	memcpy(want, packet, len);
	struct virtio_net_hdr header = packet_offload(packet, len, 0);

	give(&scene, &header, packet, len);
	hear_packet(&scene, want, len, UINT16_MAX);
	scene_close(&scene);
}

/* --- What waits for a session. --- */

static void test_outbound_keeps_packets_until_there_is_a_session(void **state)
{
	static uint8_t packet[PACKET_MAX];
	struct packet_list want = { 0 };
	struct packet_shape shape = udp4;
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	for (unsigned i = 0; i < 20; i++) {
		shape.id++;
		packet_list_add(&want, packet, packet_build(&shape, payload, 100 + i, packet));
		give_plain(&scene, &shape, 100 + i);
	}
	uint32_t len = packet_build(&tcp4, payload, 10000, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, 1000);

	packet_segment(&header, packet, len, &want);
	give(&scene, &header, packet, len);
	puppet_hear(&scene.puppet, &heard);
	puppet_answer(&scene.puppet, &heard);
	for (unsigned i = 0; i < want.count; i++)
		hear_packet(&scene, want.items[i].data, want.items[i].len, UINT16_MAX);
	assert_int_equal(want.count, 30);
	packet_list_free(&want);
	scene_close(&scene);
}

/* Of those that wait the newest 128 stay. */
static void test_outbound_bounds_what_waits(void **state)
{
	uint8_t packet[256];
	struct packet_shape shape = udp4;
	struct scene scene;

	(void)state;
	scene_open(&scene, false, 1);
	for (shape.id = 0; shape.id < WR_STAGED_PER_PEER + 50; shape.id++) {
		give_plain(&scene, &shape, 10);
		if (shape.id % 50 == 0)
			sides_run(&scene.puppet.side, 1, -1, 1);
	}
	side_await(&scene.side, WR_DROP_STAGED, 50);
	puppet_hear(&scene.puppet, &heard);
	puppet_answer(&scene.puppet, &heard);
	for (shape.id = 50; shape.id < WR_STAGED_PER_PEER + 50; shape.id++)
		hear_packet(&scene, packet, packet_build(&shape, payload, 10, packet), UINT16_MAX);
	scene_close(&scene);
}

/* Nobody answers for rekey_attempt, here 0.3 s. */
static void test_outbound_gives_up_what_waits(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 300);
	for (unsigned i = 0; i < 10; i++)
		give_plain(&scene, &udp4, 10);
	side_await(&scene.side, WR_DROP_STAGED, 10);
	scene_close(&scene);
}

static uint64_t staged_or_unrouted(const struct side *side)
{
	return side_verdicts(side, WR_DROP_STAGED) + side_verdicts(side, WR_DROP_NO_ROUTE);
}

/* What waits for a peer that is removed is dropped with it, and so is what is on its
 * way to wait. */
static void test_outbound_drops_what_waits_for_a_removed_peer(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	for (unsigned i = 0; i < 10; i++)
		give_plain(&scene, &udp4, 10);
	puppet_hear(&scene.puppet, &heard);
	while (!scene.puppet.as_peer->owner)
		sides_run(&scene.puppet.side, 1, -1, 1);
	wr_peer_remove(scene.puppet.as_peer);
	side_turn(&scene.side);
	give_plain(&scene, &udp4, 10);
	while (staged_or_unrouted(&scene.side) < 11)
		sides_run(&scene.puppet.side, 1, -1, 1);
	assert_int_equal(staged_or_unrouted(&scene.side), 11);
	assert_true(side_verdicts(&scene.side, WR_DROP_STAGED) > 0);
	scene_close(&scene);
}

/* After reject_after, here 0.9 s, keys are used no more. */
static void test_outbound_wants_new_keys_when_the_old_expire(void **state)
{
	uint8_t packet[256];
	uint32_t len = packet_build(&udp4, payload, 10, packet);
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 200);
	give_plain(&scene, &udp4, 10);
	puppet_hear(&scene.puppet, &heard);
	puppet_answer(&scene.puppet, &heard);
	hear_packet(&scene, packet, len, UINT16_MAX);
	do {
		give_plain(&scene, &udp4, 10);
		puppet_hear(&scene.puppet, &heard);
	} while (heard.type == WR_MESSAGE_DATA);
	assert_int_equal(heard.type, WR_MESSAGE_INITIATION);
	scene_close(&scene);
}

/* --- A TUN that goes. --- */

static uint64_t cpu_ns(void)
{
	struct timespec used;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* The worker goes on with what else there is, and does not spin. */
static void test_outbound_leaves_a_tun_alone_that_is_gone(void **state)
{
	struct scene scene;

	(void)state;
	scene_open(&scene, true, 1);
	assert_int_equal(shutdown(scene.side.ends[0], SHUT_RDWR), 0);
	puppet_shake_hands(&scene.puppet);
	uint64_t before = cpu_ns();

	sides_run(&scene.puppet.side, 1, -1, 300);
	assert_true(cpu_ns() - before < 150000000);
	scene_close(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outbound_drops_what_cannot_go),
		cmocka_unit_test(test_outbound_pads_and_seals),
		cmocka_unit_test(test_outbound_cuts_super_packets),
		cmocka_unit_test(test_outbound_completes_checksums),
		cmocka_unit_test(test_outbound_keeps_packets_until_there_is_a_session),
		cmocka_unit_test(test_outbound_bounds_what_waits),
		cmocka_unit_test(test_outbound_gives_up_what_waits),
		cmocka_unit_test(test_outbound_drops_what_waits_for_a_removed_peer),
		cmocka_unit_test(test_outbound_wants_new_keys_when_the_old_expire),
		cmocka_unit_test(test_outbound_leaves_a_tun_alone_that_is_gone),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
