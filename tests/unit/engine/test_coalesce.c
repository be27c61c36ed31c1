#include "engine/coalesce.h"

#include "coalescing.h"
#include "engine/segment.h"
#include "unit.h"

static uint8_t payload[PACKET_MAX];
static uint8_t packet[PACKET_MAX + 64];

static const struct packet_shape tcp4 = {
	.family = WR_IPV4,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
	.id = 0xfff0,
	.fragment = 0x4000,
	.seq = 0xffffff00,
	.ack = 77,
	.tcp_flags = WR_TCP_ACK,
	.window = 500,
	.tcp_options = 12,
	.option_byte = 1,
};
static const struct packet_shape tcp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_TCP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
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
	.id = 0xfff0,
};
static const struct packet_shape udp6 = {
	.family = WR_IPV6,
	.protocol = WR_PROTO_UDP,
	.host = 1,
	.source_port = 1000,
	.ttl = 64,
};
static const struct packet_shape *const shapes[] = { &tcp4, &tcp6, &udp4, &udp6 };

static int fill_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 37 + i / 256);
	return 0;
}

static const struct coalescing with_all = { .has_offload = true, .has_udp_offload = true };

/* `count` successive packets of a flow with `len` bytes each; *shape moves on. */
static void add_stream(struct coalescing *coalescing, struct packet_shape *shape, unsigned count,
		       uint32_t len)
{
	for (unsigned i = 0; i < count; i++) {
		coalescing_add(coalescing, packet, packet_build(shape, payload, len, packet));
		shape->seq += len;
		shape->id++;
	}
}

static void run_and_check(struct coalescing *coalescing)
{
	coalescing_run(coalescing);
	coalescing_check(coalescing);
}

/* --- What joins. --- */

/* A super-packet as the kernel made it, cut by us, and put together again. */
static void check_identity(const struct packet_shape *shape, uint32_t len, uint16_t segment)
{
	struct coalescing coalescing = with_all;
	struct wr_segmenter segmenter;
	struct wr_segment cut;
	struct packet_list want = { 0 };
	uint32_t total = packet_build(shape, payload, len, packet);
	struct virtio_net_hdr header = packet_offload(packet, total, segment);

	packet_list_add(&want, packet, total);
	assert_int_equal(wr_segmenter_start(&segmenter, &header, packet, total), WR_TAKEN);
	while (wr_segmenter_next(&segmenter, &cut))
		coalescing_add(&coalescing, cut.data, cut.len);
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 1);
	assert_int_equal(coalescing.written.items[0].len, total + sizeof(header));
	assert_memory_equal(coalescing.written.items[0].data + sizeof(header), want.items[0].data,
			    total);
	packet_list_free(&want);
	coalescing_free(&coalescing);
}

static void test_coalesce_undoes_segmentation(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct packet_shape pushed = *shapes[i];

		pushed.tcp_flags |= WR_TCP_PSH;
		check_identity(shapes[i], 2, 1);
		check_identity(shapes[i], 2000, 1000);
		check_identity(shapes[i], 2001, 1000);
		check_identity(shapes[i], 60000, 1400);
		check_identity(shapes[i], 64 * 1000, 1000);
		check_identity(&pushed, 64 * 1000 - 1, 1000);
	}
}

static void test_coalesce_undoes_random_segmentation(void **state)
{
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct packet_shape shape = *shapes[unit_random_below(&random, 4)];
		uint16_t segment = (uint16_t)(1 + unit_random_below(&random, 9000));
		uint32_t most = PACKET_MAX - packet_header_len(&shape);
		uint32_t len = segment + 1 + (uint32_t)unit_random_below(&random, 63u * segment);

		shape.source_port = (uint16_t)unit_random_next(&random);
		shape.seq = (uint32_t)unit_random_next(&random);
		shape.id = (uint16_t)unit_random_next(&random);
		shape.tos = (uint8_t)unit_random_next(&random);
		shape.tcp_flags |= unit_random_below(&random, 2) ? WR_TCP_PSH : 0;
		check_identity(&shape, len < most ? len : most, segment);
	}
}

static void test_coalesce_keeps_flows_apart(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape flows[8];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		flows[i] = *shapes[i % 4];
		flows[i].source_port = (uint16_t)(2000 + i);
	}
	for (unsigned round = 0; round < 20; round++)
		for (unsigned i = 0; i < 8; i++)
			add_stream(&coalescing, &flows[i], 1, 1200);
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 8);
	assert_int_equal(coalescing.supers, 8);
	coalescing_free(&coalescing);
}

/* RFC 6864: identifiers of packets that may not be fragmented are of no account,
 * those of others must go up by one. */
static void test_coalesce_minds_the_identifier_of_ipv4(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape shape = tcp4;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		add_stream(&coalescing, &shape, 1, 100);
		shape.id = (uint16_t)(shape.id + 7 * i);
	}
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 1);
	coalescing_free(&coalescing);

	coalescing = with_all;
	shape.fragment = 0;
	add_stream(&coalescing, &shape, 5, 100);
	shape.id++;
	add_stream(&coalescing, &shape, 5, 100);
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 2);
	assert_int_equal(coalescing.supers, 2);
	coalescing_free(&coalescing);
}

/* --- What does not join. --- */

/* A change to the second of three packets; its offset is from the transport header
 * if `is_l4`, and its checksums are mended. */
struct change {
	const char *name;
	const struct packet_shape *shape;
	bool is_l4;
	uint8_t at, bits; /* that are turned round */
};

static const struct change changes[] = {
	{ "IPv4 class", &tcp4, false, 1, 0x04 },
	{ "IPv4 ECN", &tcp4, false, 1, 0x02 },
	{ "IPv4 may be fragmented", &tcp4, false, 6, 0x40 },
	{ "IPv4 reserved flag", &tcp4, false, 6, 0x80 },
	{ "IPv4 is the first fragment", &udp4, false, 6, 0x20 },
	{ "IPv4 is the last fragment", &udp4, false, 7, 0x01 },
	{ "IPv4 time to live", &tcp4, false, 8, 0x01 },
	{ "IPv4 source", &tcp4, false, 15, 0x01 },
	{ "IPv4 destination", &udp4, false, 16, 0x80 },
	{ "IPv4 identifier", &udp4, false, 5, 0x01 },
	{ "IPv6 class", &tcp6, false, 0, 0x01 },
	{ "IPv6 ECN", &udp6, false, 1, 0x20 },
	{ "IPv6 flow label", &udp6, false, 3, 0x01 },
	{ "IPv6 hop limit", &tcp6, false, 7, 0x01 },
	{ "IPv6 source", &tcp6, false, 8, 0x01 },
	{ "IPv6 destination", &udp6, false, 39, 0x01 },
	{ "TCP source port", &tcp4, true, 1, 0x01 },
	{ "TCP destination port", &tcp6, true, 2, 0x80 },
	{ "TCP sequence number", &tcp4, true, 4, 0x80 },
	{ "TCP acknowledgement number", &tcp4, true, 11, 0x01 },
	{ "TCP reserved bits", &tcp4, true, 12, 0x01 },
	{ "TCP FIN", &tcp4, true, 13, WR_TCP_FIN },
	{ "TCP SYN", &tcp4, true, 13, WR_TCP_SYN },
	{ "TCP RST", &tcp4, true, 13, WR_TCP_RST },
	{ "TCP no ACK", &tcp4, true, 13, WR_TCP_ACK },
	{ "TCP URG", &tcp4, true, 13, WR_TCP_URG },
	{ "TCP ECE", &tcp6, true, 13, WR_TCP_ECE },
	{ "TCP CWR", &tcp6, true, 13, WR_TCP_CWR },
	{ "TCP window", &tcp4, true, 15, 0x01 },
	{ "TCP urgent pointer", &tcp4, true, 19, 0x01 },
	{ "TCP first option", &tcp4, true, 20, 0x01 },
	{ "TCP last option", &tcp4, true, 31, 0x01 },
	{ "UDP source port", &udp4, true, 0, 0x01 },
	{ "UDP destination port", &udp6, true, 3, 0x01 },
	{ "UDP length", &udp4, true, 5, 0x01 },
};

static void add_changed(struct coalescing *coalescing, const struct change *change,
			struct packet_shape *shape)
{
	uint8_t protocol;
	uint32_t len = packet_build(shape, payload, 500, packet);
	uint32_t start = change->is_l4 ? packet_find_l4(packet, len, &protocol) : 0;

	packet[start + change->at] ^= change->bits;
	packet_complete(packet, len);
	coalescing_add(coalescing, packet, len);
	shape->seq += 500;
	shape->id++;
}

static void test_coalesce_joins_nothing_that_differs(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(changes); i++) {
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *changes[i].shape;

		print_message("case: %s\n", changes[i].name);
		add_stream(&coalescing, &shape, 2, 500);
		add_changed(&coalescing, &changes[i], &shape);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, 2);
		coalescing_free(&coalescing);
	}
}

/* The places of checksums; `bits` of them are turned round. */
static const struct change breaks[] = {
	{ "IPv4 header", &tcp4, false, 10, 0x01 },  { "IPv4 header, UDP", &udp4, false, 11, 0x80 },
	{ "TCP over IPv4", &tcp4, true, 16, 0x01 }, { "TCP over IPv6", &tcp6, true, 17, 0xff },
	{ "UDP over IPv4", &udp4, true, 6, 0x10 },  { "UDP over IPv6", &udp6, true, 7, 0x01 },
};

/* One with a wrong checksum stays alone and as it is, whichever of three it is; so
 * it is for the other side's kernel to see. */
static void test_coalesce_leaves_what_is_broken_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(breaks) * 3; i++) {
		const struct change *change = &breaks[i / 3];
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *change->shape;
		uint8_t protocol;

		print_message("case: %s, number %zu\n", change->name, i % 3);
		for (unsigned number = 0; number < 3; number++) {
			add_stream(&coalescing, &shape, 1, 500);
			const struct packet_item *item = &coalescing.in.items[number];
			uint32_t l4 = packet_find_l4(item->data, item->len, &protocol);

			if (number == i % 3)
				item->data[(change->is_l4 ? l4 : 0) + change->at] ^= change->bits;
		}
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, i % 3 == 1 ? 3 : 2);
		coalescing_free(&coalescing);
	}
}

/* RFC 768: zero says that none was computed; put together it would get one. Also
 * where zero is what the sum comes to. */
static void test_coalesce_leaves_udp_without_checksum_alone(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape shape = udp4;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		add_stream(&coalescing, &shape, 1, 500);
		uint8_t *checksum = coalescing.in.items[i].data + 26;

		if (i < 3)
			memset(checksum + 4, 0, 2);
		packet_complete(coalescing.in.items[i].data, 528);
		if (i < 3) /* the payload takes it over */
			memcpy(checksum + 4, checksum, 2);
		memset(checksum, 0, 2);
	}
	run_and_check(&coalescing);
	assert_int_equal(coalescing.supers, 0);
	coalescing_free(&coalescing);
}

static void test_coalesce_ends_a_run_with_push_or_a_shorter_packet(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *shapes[i];

		add_stream(&coalescing, &shape, 3, 500);
		add_stream(&coalescing, &shape, 1, 499); /* ends the first */
		add_stream(&coalescing, &shape, 2, 499);
		add_stream(&coalescing, &shape, 2, 500); /* begins another: longer */
		shape.tcp_flags |= WR_TCP_PSH;
		add_stream(&coalescing, &shape, 1, 500);
		shape.tcp_flags = WR_TCP_ACK;
		add_stream(&coalescing, &shape, 2, 500);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.supers, shapes[i]->protocol == WR_PROTO_TCP ? 4 : 3);
		coalescing_free(&coalescing);
	}
}

static void test_coalesce_joins_no_packets_without_payload(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *shapes[i];

		add_stream(&coalescing, &shape, 4, 0);
		add_stream(&coalescing, &shape, 2, 10);
		add_stream(&coalescing, &shape, 1, 0);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, 6);
		coalescing_free(&coalescing);
	}
}

static void test_coalesce_joins_no_packets_with_ip_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *shapes[i];

		shape.ip_options = 8;
		add_stream(&coalescing, &shape, 4, 100);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.supers, 0);
		coalescing_free(&coalescing);
	}
}

/* A packet of the flow that cannot join ends the run: it must not be overtaken. */
static void test_coalesce_keeps_the_order_of_a_flow(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape shape = tcp4, ack = tcp4;

	(void)state;
	add_stream(&coalescing, &shape, 2, 100);
	add_stream(&coalescing, &ack, 1, 0);
	add_stream(&coalescing, &shape, 2, 100);
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 3);
	coalescing_free(&coalescing);
}

static void test_coalesce_does_what_the_tun_can(void **state)
{
	static const struct {
		bool has_offload, has_udp_offload;
		unsigned supers;
	} cases[] = {
		{ false, false, 0 }, { false, true, 0 }, { true, false, 2 }, { true, true, 4 }
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct coalescing coalescing = {
			.has_offload = cases[i].has_offload,
			.has_udp_offload = cases[i].has_udp_offload,
		};

		for (size_t j = 0; j < WR_ARRAY_LEN(shapes); j++) {
			struct packet_shape shape = *shapes[j];

			add_stream(&coalescing, &shape, 10, 700);
		}
		run_and_check(&coalescing);
		assert_int_equal(coalescing.supers, cases[i].supers);
		coalescing_free(&coalescing);
	}
}

/* What the tunnel pads a packet with is no part of it. */
static void test_coalesce_leaves_padding_out(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape shape = udp4;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t len = packet_build(&shape, payload, 101, packet);

		memset(packet + len, 0, 15);
		coalescing_add(&coalescing, packet, len + 15);
		shape.id++;
	}
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 1);
	coalescing_free(&coalescing);
}

/* --- Limits. --- */

static void test_coalesce_joins_64_packets_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *shapes[i];

		add_stream(&coalescing, &shape, 64 + 64 + 1, 100);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, 3);
		assert_int_equal(coalescing.supers, 2);
		coalescing_free(&coalescing);
	}
}

static void test_coalesce_makes_65535_bytes_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shapes); i++) {
		uint32_t room = PACKET_MAX - packet_header_len(shapes[i]);
		struct coalescing coalescing = with_all;
		struct packet_shape shape = *shapes[i];

		add_stream(&coalescing, &shape, 2, room / 3 + 1);
		add_stream(&coalescing, &shape, 1, room - 2 * (room / 3 + 1));
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, 1);
		coalescing_free(&coalescing);

		coalescing = with_all;
		add_stream(&coalescing, &shape, 2, room / 3 + 1);
		add_stream(&coalescing, &shape, 1, room - 2 * (room / 3 + 1) + 1);
		run_and_check(&coalescing);
		assert_int_equal(coalescing.written.count, 2);
		coalescing_free(&coalescing);
	}
}

static bool add_one(struct wr_coalescer *coalescer, struct packet_shape *shape, uint8_t *memory)
{
	uint32_t len = packet_build(shape, payload, 100, memory);
	struct wr_packet read;

	assert_true(wr_packet_read((struct wr_bytes){ memory, len }, &read));
	shape->seq += 100;
	return wr_coalescer_add(coalescer, memory, &read);
}

/* Full, it still takes what continues a run. */
static void test_coalesce_holds_64_runs_and_no_more(void **state)
{
	static struct wr_coalescer coalescer;
	static uint8_t memory[2 * WR_COALESCE_RUNS + 1][256];
	struct packet_shape flows[WR_COALESCE_RUNS + 1];

	(void)state;
	wr_coalescer_init(&coalescer, true, true);
	for (unsigned i = 0; i <= WR_COALESCE_RUNS; i++) {
		flows[i] = tcp4;
		flows[i].source_port = (uint16_t)i;
		assert_int_equal(add_one(&coalescer, &flows[i], memory[i]), i < WR_COALESCE_RUNS);
	}
	for (unsigned i = 0; i < WR_COALESCE_RUNS; i++)
		assert_true(add_one(&coalescer, &flows[i], memory[WR_COALESCE_RUNS + 1 + i]));
	assert_int_equal(coalescer.count, WR_COALESCE_RUNS);
	wr_coalescer_reset(&coalescer);
	assert_true(add_one(&coalescer, &flows[WR_COALESCE_RUNS], memory[0]));
}

/* --- Two flows with one hash. --- */

#define SEARCHED 300000

struct hashed {
	uint32_t hash;
	struct packet_shape shape;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *one = a, *other = b;

	return (one->hash > other->hash) - (one->hash < other->hash);
}

static uint32_t hash_of(const struct packet_shape *shape)
{
	static struct wr_coalescer coalescer;
	uint32_t len = packet_build(shape, payload, 1, packet);
	struct wr_packet read;

	assert_true(wr_packet_read((struct wr_bytes){ packet, len }, &read));
	wr_coalescer_init(&coalescer, false, false);
	assert_true(wr_coalescer_add(&coalescer, packet, &read));
	return coalescer.runs[0].flow;
}

/* Of 300,000 flows some ten pairs have the same 32 bits. */
static void find_twins(struct packet_shape *ret_one, struct packet_shape *ret_other)
{
	struct unit_random random = { 1 };
	struct hashed *all = calloc(SEARCHED, sizeof(*all));
	unsigned at = 0;

	assert_non_null(all);
	for (unsigned i = 0; i < SEARCHED; i++) {
		all[i].shape = udp4;
		all[i].shape.host = (uint8_t)unit_random_next(&random);
		all[i].shape.source_port = (uint16_t)unit_random_next(&random);
		all[i].shape.port = (uint16_t)(unit_random_next(&random) | 1);
		all[i].hash = hash_of(&all[i].shape);
	}
	qsort(all, SEARCHED, sizeof(*all), by_hash);
	while (at + 1 < SEARCHED && all[at].hash != all[at + 1].hash)
		at++;
	assert_true(at + 1 < SEARCHED);
	*ret_one = all[at].shape;
	*ret_other = all[at + 1].shape;
	free(all);
}

static void test_coalesce_keeps_flows_of_one_hash_apart(void **state)
{
	struct coalescing coalescing = with_all;
	struct packet_shape one, other;

	(void)state;
	find_twins(&one, &other);
	for (unsigned i = 0; i < 5; i++) {
		add_stream(&coalescing, &one, 3, 100);
		add_stream(&coalescing, &other, 3, 100);
	}
	run_and_check(&coalescing);
	assert_int_equal(coalescing.written.count, 10);
	coalescing_free(&coalescing);
}

/* --- Everything at once. --- */

#define FLOWS 6

static void mutate_shape(struct unit_random *random, struct packet_shape *shape)
{
	switch (unit_random_below(random, 12)) {
	case 0: shape->tcp_flags ^= (uint8_t)(1u << unit_random_below(random, 8)); break;
	case 1: shape->tos = (uint8_t)unit_random_below(random, 4); break;
	case 2: shape->ttl ^= 1; break;
	case 3: shape->id = (uint16_t)(shape->id + unit_random_below(random, 3)); break;
	case 4: shape->fragment ^= 0x4000; break;
	case 5: shape->fragment ^= 0x2000; break;
	case 6: shape->fragment ^= 0x0010; break;
	case 7: shape->ip_options ^= 8; break;
	case 8: shape->ack++; break;
	case 9: shape->tcp_options ^= 4; break;
	case 10: shape->tcp_reserved ^= 1; break;
	default: shape->window++; break;
	}
}

static void mutate_bytes(struct unit_random *random, uint8_t *bytes, uint32_t len)
{
	bytes[unit_random_below(random, len)] ^= (uint8_t)(1 + unit_random_below(random, 255));
	if (unit_random_below(random, 2))
		packet_complete(bytes, len);
}

/* The next packet of a flow: after a loss, a second time, another than expected. */
static void add_next(struct unit_random *random, struct coalescing *coalescing,
		     struct packet_shape *flow)
{
	static const uint32_t sizes[] = { 100, 100, 100, 100, 100, 100, 99, 101, 1, 0 };
	struct packet_shape shape = *flow;
	uint32_t len = sizes[unit_random_below(random, WR_ARRAY_LEN(sizes))];
	unsigned what = (unsigned)unit_random_below(random, 40);

	if (what == 0)
		mutate_shape(random, &shape);
	else if (what == 1)
		mutate_shape(random, flow);
	else if (what == 2)
		flow->seq += len; /* lost */
	else if (what == 3)
		flow->seq -= len; /* once more */
	else if (what == 4)
		shape.tcp_flags |= WR_TCP_PSH;
	uint32_t total = packet_build(&shape, payload, len, packet);
	uint32_t padding = (uint32_t)unit_random_below(random, 16);

	if (what == 5 && (shape.fragment & 0x3fff) == 0 && !shape.ip_options)
		mutate_bytes(random, packet, total);
	memset(packet + total, 0, padding);
	coalescing_add(coalescing, packet, total + padding);
	flow->seq += len;
	flow->id++;
}

/* Neighbours change places. */
static void reorder(struct unit_random *random, struct packet_list *list)
{
	for (unsigned i = 0; i + 1 < list->count; i++) {
		struct packet_item item = list->items[i];

		if (unit_random_below(random, 20))
			continue;
		list->items[i] = list->items[i + 1];
		list->items[i + 1] = item;
	}
}

static unsigned check_mixture(struct unit_random *random)
{
	struct coalescing coalescing = {
		.has_offload = unit_random_below(random, 8) > 0,
		.has_udp_offload = unit_random_below(random, 4) > 0,
	};
	struct packet_shape flows[FLOWS];
	unsigned count = 1 + (unsigned)unit_random_below(random, 300);
	unsigned flow = 0, supers;

	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = *shapes[unit_random_below(random, 4)];
		flows[i].source_port = (uint16_t)unit_random_below(random, FLOWS);
		flows[i].host = (uint8_t)unit_random_below(random, 2);
		flows[i].fragment = (uint16_t)(unit_random_below(random, 2) ? 0x4000 : 0);
	}
	while (coalescing.in.count < count) {
		if (unit_random_below(random, 5) == 0)
			flow = (unsigned)unit_random_below(random, FLOWS);
		add_next(random, &coalescing, &flows[flow]);
	}
	reorder(random, &coalescing.in);
	run_and_check(&coalescing);
	supers = coalescing.supers;
	coalescing_free(&coalescing);
	return supers;
}

static void test_coalesce_gives_every_packet_back(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	unsigned supers = 0;

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		supers += check_mixture(&random);
	assert_true(supers > 400);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_coalesce_undoes_segmentation),
		cmocka_unit_test(test_coalesce_undoes_random_segmentation),
		cmocka_unit_test(test_coalesce_keeps_flows_apart),
		cmocka_unit_test(test_coalesce_minds_the_identifier_of_ipv4),
		cmocka_unit_test(test_coalesce_joins_nothing_that_differs),
		cmocka_unit_test(test_coalesce_leaves_what_is_broken_alone),
		cmocka_unit_test(test_coalesce_leaves_udp_without_checksum_alone),
		cmocka_unit_test(test_coalesce_ends_a_run_with_push_or_a_shorter_packet),
		cmocka_unit_test(test_coalesce_joins_no_packets_without_payload),
		cmocka_unit_test(test_coalesce_joins_no_packets_with_ip_options),
		cmocka_unit_test(test_coalesce_keeps_the_order_of_a_flow),
		cmocka_unit_test(test_coalesce_does_what_the_tun_can),
		cmocka_unit_test(test_coalesce_leaves_padding_out),
		cmocka_unit_test(test_coalesce_joins_64_packets_and_no_more),
		cmocka_unit_test(test_coalesce_makes_65535_bytes_and_no_more),
		cmocka_unit_test(test_coalesce_holds_64_runs_and_no_more),
		cmocka_unit_test(test_coalesce_keeps_flows_of_one_hash_apart),
		cmocka_unit_test(test_coalesce_gives_every_packet_back),
	};

	return cmocka_run_group_tests(tests, fill_payload, NULL);
}
