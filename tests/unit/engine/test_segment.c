#include "engine/segment.h"

#include "packets.h"
#include "unit.h"
#include "wire/packet.h"

/* Bytes around the packet that must stay as they are. */
#define GUARD 64
#define GUARD_BYTE 0xa5

static uint8_t memory[GUARD + PACKET_MAX + GUARD];
static uint8_t payload[PACKET_MAX];
static uint8_t *const packet = memory + GUARD;

static const struct packet_shape tcp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.id = 0xfffe,
	.seq = 0xfffffff0,
	.ack = 77,
	.tcp_flags = WR_TCP_ACK,
	.window = 500,
};
static const struct packet_shape tcp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.tos = 0xb9,
	.seq = 5,
	.ack = 77,
	.tcp_flags = WR_TCP_ACK,
	.window = 500,
};
static const struct packet_shape udp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.id = 9,
	.fragment = 0x4000,
};
static const struct packet_shape udp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
};

static void clear(void)
{
	memset(memory, GUARD_BYTE, sizeof(memory));
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 131 + i / 256);
}

static void assert_guards(uint32_t len)
{
	for (size_t i = 0; i < GUARD; i++) {
		assert_int_equal(memory[i], GUARD_BYTE);
		assert_int_equal(packet[len + i], GUARD_BYTE);
	}
}

/* What a caller may do to a packet that it was given: change it, and 15 bytes
 * after it, these only for a while. */
static void use_up(const struct wr_segment *segment)
{
	uint8_t after[15];

	memcpy(after, segment->data + segment->len, sizeof(after));
	memset(segment->data, 0xee, segment->len + sizeof(after));
	memcpy(segment->data + segment->len, after, sizeof(after));
}

/* All packets of what lies in `packet`. */
static void segment_all(const struct virtio_net_hdr *header, uint32_t len, struct packet_list *list)
{
	struct wr_segmenter segmenter;
	struct wr_segment segment;
	uint32_t longest = 0;

	assert_int_equal(wr_segmenter_start(&segmenter, header, packet, len), WR_TAKEN);
	uint32_t left = segmenter.left, promised = wr_segmenter_longest(&segmenter);

	while (wr_segmenter_next(&segmenter, &segment)) {
		assert_true(segment.data >= packet && segment.data + segment.len <= packet + len);
		packet_list_add(list, segment.data, segment.len);
		longest = segment.len > longest ? segment.len : longest;
		use_up(&segment);
	}
	assert_false(wr_segmenter_next(&segmenter, &segment));
	assert_int_equal(list->count, left);
	assert_int_equal(longest, promised);
	assert_guards(len);
}

/* --- Packets that are none of several. --- */

static void test_segment_gives_a_whole_packet_back_unchanged(void **state)
{
	struct virtio_net_hdr header = { 0 };
	struct packet_list list = { 0 };

	(void)state;
	clear();
	uint32_t len = packet_build(&tcp4, payload, 1000, packet);
	struct packet_list want = { 0 };

	packet_list_add(&want, packet, len);
	segment_all(&header, len, &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].len, len);
	assert_memory_equal(list.items[0].data, want.items[0].data, len);
	packet_list_free(&want);
	packet_list_free(&list);
}

static void check_completed(const struct packet_shape *shape, uint32_t payload_len)
{
	struct packet_list want = { 0 }, list = { 0 };
	struct virtio_net_hdr header;

	clear();
	uint32_t len = packet_build(shape, payload, payload_len, packet);

	packet_list_add(&want, packet, len);
	header = packet_offload(packet, len, 0);
	segment_all(&header, len, &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].len, len);
	assert_memory_equal(list.items[0].data, want.items[0].data, len);
	packet_list_free(&want);
	packet_list_free(&list);
}

static void test_segment_completes_the_checksum_of_a_whole_packet(void **state)
{
	static const struct packet_shape *const shapes[] = { &tcp4, &tcp6, &udp4, &udp6 };
	static const uint32_t lens[] = { 0, 1, 2, 3, 1399, 1400, 60000 };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++)
		for (size_t j = 0; j < WR_ARRAY_LEN(lens); j++)
			check_completed(shapes[i], lens[j]);
}

/* Two bytes that bring the checksum of a datagram to zero. */
static void tune_to_zero(const struct packet_shape *shape, uint32_t len)
{
	uint8_t protocol;

	memset(payload, 0, 2);
	uint32_t total = packet_build(shape, payload, len, packet);
	uint32_t l4 = packet_find_l4(packet, total, &protocol);

	/* What it was is what must be added for the sum to become all ones. */
	memcpy(payload, packet + l4 + 6, 2);
}

/* RFC 768: zero would say that there is no checksum. */
static void test_segment_sends_a_udp_checksum_of_zero_as_all_ones(void **state)
{
	static const struct packet_shape *const shapes[] = { &udp4, &udp6 };
	struct packet_list list = { 0 };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		clear();
		tune_to_zero(shapes[i], 100);
		memcpy(payload + 100, payload, 100);
		uint32_t len = packet_build(shapes[i], payload, 200, packet);
		struct virtio_net_hdr header = packet_offload(packet, len, 100);
		uint32_t place = packet_l4_offset(shapes[i]) + 6;

		segment_all(&header, len, &list);
		assert_int_equal(list.count, 2);
		assert_int_equal(packet_read16(list.items[0].data + place), 0xffff);
		assert_int_equal(packet_read16(list.items[1].data + place), 0xffff);
		packet_list_free(&list);

		len = packet_build(shapes[i], payload, 100, packet);
		header = packet_offload(packet, len, 0);
		memset(packet + len, GUARD_BYTE, GUARD);
		segment_all(&header, len, &list);
		assert_int_equal(packet_read16(list.items[0].data + place), 0xffff);
		packet_list_free(&list);
	}
}

/* --- Super-packets. --- */

/* TCP over IPv4, 2,500 bytes in segments of 1,000, with every flag that is said
 * once only; identifier and sequence number go round. */
static void test_segment_cuts_tcp_over_ipv4(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t id;
		uint32_t seq;
		uint8_t flags;
	} want[] = {
		{ 52 + 1000, 0xfffe, 0xfffffff0, WR_TCP_ACK | WR_TCP_CWR | WR_TCP_ECE },
		{ 52 + 1000, 0xffff, 0x000003d8, WR_TCP_ACK | WR_TCP_ECE },
		{ 52 + 500, 0x0000, 0x000007c0, WR_TCP_ACK | WR_TCP_ECE | WR_TCP_FIN | WR_TCP_PSH },
	};
	struct packet_shape shape = tcp4;
	struct packet_list list = { 0 };

	(void)state;
	clear();
	shape.tcp_options = 12;
	shape.option_byte = 1;
	shape.tcp_flags = WR_TCP_ACK | WR_TCP_FIN | WR_TCP_PSH | WR_TCP_CWR | WR_TCP_ECE;
	uint32_t len = packet_build(&shape, payload, 2500, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, 1000);

	segment_all(&header, len, &list);
	assert_int_equal(list.count, WR_ARRAY_LEN(want));
	for (unsigned i = 0; i < list.count; i++) {
		const uint8_t *ip = list.items[i].data;

		assert_int_equal(list.items[i].len, want[i].len);
		assert_int_equal(packet_read16(ip + 2), want[i].len);
		assert_int_equal(packet_read16(ip + 4), want[i].id);
		assert_int_equal(packet_read32(ip + 24), want[i].seq);
		assert_int_equal(ip[33], want[i].flags);
		assert_memory_equal(ip + 52, payload + 1000 * i, want[i].len - 52);
		assert_true(packet_has_right_checksums(ip, want[i].len));
	}
	packet_list_free(&list);
}

static void test_segment_cuts_tcp_over_ipv6(void **state)
{
	struct packet_list list = { 0 };

	(void)state;
	clear();
	uint32_t len = packet_build(&tcp6, payload, 2001, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, 1000);

	header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	segment_all(&header, len, &list);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[2].len, 61);
	for (unsigned i = 0; i < list.count; i++) {
		const uint8_t *ip = list.items[i].data;

		assert_int_equal(packet_read16(ip + 4), list.items[i].len - 40);
		assert_int_equal(packet_read32(ip), 0x6b912345);
		assert_int_equal(packet_read32(ip + 44), 5 + 1000 * i);
		assert_true(packet_has_right_checksums(ip, list.items[i].len));
	}
	packet_list_free(&list);
}

static void check_udp(const struct packet_shape *shape)
{
	uint32_t l4 = packet_l4_offset(shape);
	struct packet_list list = { 0 };

	clear();
	uint32_t len = packet_build(shape, payload, 5 * 64 + 1, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, 64);

	segment_all(&header, len, &list);
	assert_int_equal(list.count, 6);
	for (unsigned i = 0; i < list.count; i++) {
		const uint8_t *ip = list.items[i].data;

		assert_int_equal(list.items[i].len, l4 + 8 + (i < 5 ? 64 : 1));
		assert_int_equal(packet_read16(ip + l4 + 4), list.items[i].len - l4);
		if (shape->family == WR_IPV4)
			assert_int_equal(packet_read16(ip + 4), shape->id + i);
		assert_true(packet_has_right_checksums(ip, list.items[i].len));
		assert_memory_equal(ip + l4 + 8, payload + 64 * i, i < 5 ? 64 : 1);
	}
	packet_list_free(&list);
}

static void test_segment_cuts_udp(void **state)
{
	(void)state;
	check_udp(&udp4);
	check_udp(&udp6);
}

/* Datagrams of fewer bytes than the header of TCP has. */
static void test_segment_cuts_udp_of_a_few_bytes(void **state)
{
	static const struct packet_shape *const shapes[] = { &udp4, &udp6 };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct packet_list list = { 0 };

		clear();
		uint32_t len = packet_build(shapes[i], payload, 2, packet);
		struct virtio_net_hdr header = packet_offload(packet, len, 1);

		segment_all(&header, len, &list);
		assert_int_equal(list.count, 2);
		packet_list_free(&list);
	}
}

/* --- What is refused. --- */

struct refusal {
	const char *name;
	const struct packet_shape *shape;
	uint32_t payload, len; /* len 0: as long as it is */
	struct virtio_net_hdr header;
	uint8_t at, byte; /* byte of the packet that is overwritten; at 255: none */
};

#define NEEDS VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TSO4 VIRTIO_NET_HDR_GSO_TCPV4
#define TSO6 VIRTIO_NET_HDR_GSO_TCPV6
#define USO VIRTIO_NET_HDR_GSO_UDP_L4

static const struct refusal refusals[] = {
	{ "checksum past the end", &tcp4, 10, 0, { NEEDS, 0, 0, 0, 49, 0 }, 255, 0 },
	{ "checksum half past the end", &tcp4, 10, 0, { NEEDS, 0, 0, 0, 20, 29 }, 255, 0 },
	{ "checksum starts at the end", &tcp4, 10, 0, { NEEDS, 0, 0, 0, 50, 0 }, 255, 0 },
	{ "checksum starts far away", &tcp4, 10, 0, { NEEDS, 0, 0, 0, 65535, 65535 }, 255, 0 },
	{ "super-packet without checksum", &tcp4, 10, 0, { 0, TSO4, 40, 4, 20, 16 }, 255, 0 },
	{ "segments of nothing", &tcp4, 10, 0, { NEEDS, TSO4, 40, 0, 20, 16 }, 255, 0 },
	{ "no payload", &tcp4, 0, 0, { NEEDS, TSO4, 40, 4, 20, 16 }, 255, 0 },
	{ "no payload, UDP", &udp6, 0, 0, { NEEDS, USO, 48, 4, 40, 6 }, 255, 0 },
	{ "UDP fragmentation offload",
	  &udp4,
	  10,
	  0,
	  { NEEDS, VIRTIO_NET_HDR_GSO_UDP, 28, 4, 20, 6 },
	  255,
	  0 },
	{ "unknown kind", &tcp4, 10, 0, { NEEDS, 0x7f, 40, 4, 20, 16 }, 255, 0 },
	{ "TCPv4 in IPv6", &tcp6, 10, 0, { NEEDS, TSO4, 60, 4, 40, 16 }, 255, 0 },
	{ "TCPv6 in IPv4", &tcp4, 30, 0, { NEEDS, TSO6, 60, 4, 40, 16 }, 255, 0 },
	{ "transport inside of the IPv4 header",
	  &tcp4,
	  10,
	  0,
	  { NEEDS, TSO4, 40, 4, 16, 16 },
	  255,
	  0 },
	{ "transport not where IPv4 says", &tcp4, 30, 0, { NEEDS, TSO4, 44, 4, 24, 16 }, 255, 0 },
	{ "transport inside of the IPv6 header",
	  &tcp6,
	  10,
	  0,
	  { NEEDS, TSO6, 60, 4, 39, 16 },
	  255,
	  0 },
	{ "transport at the start", &udp4, 10, 0, { NEEDS, USO, 28, 4, 0, 6 }, 255, 0 },
	{ "transport past the end", &tcp6, 10, 0, { NEEDS, TSO6, 60, 4, 65535, 16 }, 255, 0 },
	{ "cut in the TCP header", &tcp4, 10, 39, { NEEDS, TSO4, 40, 4, 20, 16 }, 255, 0 },
	{ "cut in the UDP header", &udp4, 10, 27, { NEEDS, USO, 28, 4, 20, 6 }, 255, 0 },
	{ "cut in the TCP options", &tcp4, 10, 0, { NEEDS, TSO4, 40, 4, 20, 16 }, 32, 0xf0 },
	{ "TCP data offset below 5", &tcp4, 10, 0, { NEEDS, TSO4, 40, 4, 20, 16 }, 32, 0x40 },
	{ "IPv4 header length below 5", &tcp4, 10, 0, { NEEDS, TSO4, 40, 4, 16, 16 }, 0, 0x44 },
	{ "neither IPv4 nor IPv6", &udp6, 40, 0, { NEEDS, USO, 48, 4, 40, 6 }, 0, 0x50 },
	{ "neither IPv4 nor IPv6, TCP", &tcp6, 40, 0, { NEEDS, TSO6, 60, 4, 40, 16 }, 0, 0x50 },
	{ "empty", &tcp4, 0, 1, { NEEDS, TSO4, 40, 4, 0, 16 }, 255, 0 },
};

static void test_segment_refuses_what_makes_no_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct wr_segmenter segmenter;

		clear();
		uint32_t len = packet_build(refusal->shape, payload, refusal->payload, packet);

		if (refusal->len)
			len = refusal->len;
		if (refusal->at != 255)
			packet[refusal->at] = refusal->byte;
		enum wr_verdict got = wr_segmenter_start(&segmenter, &refusal->header, packet, len);

		if (got != WR_DROP_INNER)
			print_message("case: %s\n", refusal->name);
		assert_int_equal(got, WR_DROP_INNER);
	}
}

/* IPv6 extension headers of this many bytes and a full TCP header are the most. */
static void test_segment_takes_headers_of_256_bytes_and_no_more(void **state)
{
	struct packet_shape shape = tcp6;
	struct packet_list list = { 0 }, want = { 0 };
	struct wr_segmenter segmenter;

	(void)state;
	clear();
	shape.tcp_options = 40;
	shape.ip_options = 152;
	uint32_t len = packet_build(&shape, payload, 100, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, 30);

	assert_int_equal(packet_header_len(&shape), 252);
	packet_segment(&header, packet, len, &want);
	segment_all(&header, len, &list);
	assert_int_equal(list.count, want.count);
	assert_memory_equal(list.items[3].data, want.items[3].data, 262);
	packet_list_free(&list);
	packet_list_free(&want);

	shape.ip_options = 160;
	len = packet_build(&shape, payload, 100, packet);
	header = packet_offload(packet, len, 30);
	assert_int_equal(wr_segmenter_start(&segmenter, &header, packet, len), WR_DROP_INNER);
}

/* --- Against the naive twin. --- */

static struct packet_shape random_shape(struct unit_random *random)
{
	bool is_v4 = unit_random_below(random, 2);

	return (struct packet_shape){
		.family = is_v4 ? WR_IPV4 : WR_IPV6,
		.protocol = unit_random_below(random, 2) ? WR_PROTO_TCP : WR_PROTO_UDP,
		.host = (uint8_t)unit_random_next(random),
		.source_port = (uint16_t)unit_random_next(random),
		.tos = (uint8_t)unit_random_next(random),
		.ttl = (uint8_t)unit_random_next(random),
		.id = (uint16_t)unit_random_next(random),
		.fragment = (uint16_t)(unit_random_next(random) & 0x4000),
		.ip_options = (uint8_t)(is_v4 ? 4 * unit_random_below(random, 11)
					      : 8 * unit_random_below(random, 10)),
		.seq = (uint32_t)unit_random_next(random),
		.ack = (uint32_t)unit_random_next(random),
		.tcp_flags = (uint8_t)unit_random_next(random),
		.tcp_reserved = (uint8_t)unit_random_below(random, 16),
		.window = (uint16_t)unit_random_next(random),
		.urgent = (uint16_t)unit_random_next(random),
		.tcp_options = (uint8_t)(4 * unit_random_below(random, 11)),
		.option_byte = (uint8_t)unit_random_next(random),
	};
}

static void check_against_twin(struct unit_random *random)
{
	struct packet_shape shape = random_shape(random);
	uint32_t most = PACKET_MAX - packet_header_len(&shape);
	uint32_t payload_len = 1 + (uint32_t)unit_random_below(random, most);
	uint32_t segment = 1 + (uint32_t)unit_random_below(random, 3000);
	struct packet_list list = { 0 }, want = { 0 };

	if (unit_random_below(random, 2)) /* a few segments are the interesting case */
		payload_len = 1 + payload_len % (4 * segment) % most;
	unit_random_bytes(random, payload, payload_len < 256 ? payload_len : 256);
	uint32_t len = packet_build(&shape, payload, payload_len, packet);
	struct virtio_net_hdr header = packet_offload(packet, len, (uint16_t)segment);

	memset(packet + len, GUARD_BYTE, GUARD);
	packet_segment(&header, packet, len, &want);
	segment_all(&header, len, &list);
	assert_int_equal(list.count, want.count);
	for (unsigned i = 0; i < list.count; i++) {
		assert_int_equal(list.items[i].len, want.items[i].len);
		assert_memory_equal(list.items[i].data, want.items[i].data, want.items[i].len);
		assert_true(packet_has_right_checksums(list.items[i].data, list.items[i].len));
	}
	packet_list_free(&list);
	packet_list_free(&want);
}

static void test_segment_equals_a_naive_twin(void **state)
{
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	clear();
	for (unsigned i = 0; i < 1000; i++)
		check_against_twin(&random);
}

/* Whatever the header says: nothing outside of the packet is touched. */
static void test_segment_stays_inside_of_the_packet(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	unsigned taken = 0;

	(void)state;
	clear();
	for (unsigned i = 0; i < 20000; i++) {
		struct packet_shape shape = random_shape(&random);
		uint32_t len = packet_build(&shape, payload,
					    (uint32_t)unit_random_below(&random, 300), packet);
		struct virtio_net_hdr header = packet_offload(packet, len, 10);
		uint8_t *bytes = (uint8_t *)&header;
		struct wr_segmenter segmenter;
		struct wr_segment segment;

		for (size_t n = unit_random_below(&random, 3); n > 0; n--)
			bytes[unit_random_below(&random, sizeof(header))] =
				(uint8_t)unit_random_next(&random);
		packet[unit_random_below(&random, len)] ^= (uint8_t)unit_random_next(&random);
		len = (uint32_t)unit_random_below(&random, len + 1);
		memset(packet + len, GUARD_BYTE, GUARD);
		if (wr_segmenter_start(&segmenter, &header, packet, len) != WR_TAKEN)
			continue;
		taken++;
		while (wr_segmenter_next(&segmenter, &segment)) {
			assert_true(segment.data >= packet);
			assert_true(segment.data + segment.len <= packet + len);
			use_up(&segment);
		}
		assert_guards(len);
	}
	assert_in_range(taken, 1000, 19000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_gives_a_whole_packet_back_unchanged),
		cmocka_unit_test(test_segment_completes_the_checksum_of_a_whole_packet),
		cmocka_unit_test(test_segment_sends_a_udp_checksum_of_zero_as_all_ones),
		cmocka_unit_test(test_segment_cuts_tcp_over_ipv4),
		cmocka_unit_test(test_segment_cuts_tcp_over_ipv6),
		cmocka_unit_test(test_segment_cuts_udp),
		cmocka_unit_test(test_segment_cuts_udp_of_a_few_bytes),
		cmocka_unit_test(test_segment_refuses_what_makes_no_sense),
		cmocka_unit_test(test_segment_takes_headers_of_256_bytes_and_no_more),
		cmocka_unit_test(test_segment_equals_a_naive_twin),
		cmocka_unit_test(test_segment_stays_inside_of_the_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
