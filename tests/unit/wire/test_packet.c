#include "wire/packet.h"

#include "unit.h"

/* The example of RFC 1071's many texts: checksum 0xb861. */
static const uint8_t ipv4_udp[] = {
	0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
	0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
};

struct ipv4 {
	uint8_t bytes[200];
};

static struct ipv4 ipv4_packet(void)
{
	struct ipv4 packet = { { 0 } };

	memcpy(packet.bytes, ipv4_udp, sizeof(ipv4_udp));
	return packet;
}

static void test_packet_read_finds_what_is_in_ipv4(void **state)
{
	struct ipv4 ip = ipv4_packet();
	struct wr_packet packet;

	(void)state;
	assert_true(wr_packet_read((struct wr_bytes){ ip.bytes, 115 }, &packet));
	assert_int_equal(packet.family, WR_IPV4);
	assert_int_equal(packet.total_len, 0x73);
	assert_int_equal(packet.l4_offset, 20);
	assert_int_equal(packet.protocol, WR_PROTO_UDP);
	assert_false(packet.is_fragment);
	assert_memory_equal(packet.src, "\xc0\xa8\x00\x01", 4);
	assert_memory_equal(packet.dst, "\xc0\xa8\x00\xc7", 4);
}

static void test_packet_read_takes_padding_after_the_packet(void **state)
{
	struct ipv4 ip = ipv4_packet();
	struct wr_packet packet;

	(void)state;
	assert_true(wr_packet_read((struct wr_bytes){ ip.bytes, sizeof(ip.bytes) }, &packet));
	assert_int_equal(packet.total_len, 0x73);
	assert_false(wr_packet_read((struct wr_bytes){ ip.bytes, 0x72 }, &packet));
}

/* One byte of the header replaced. */
static void test_packet_read_refuses_ipv4_headers_that_do_not_agree(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		bool is_packet;
	} cases[] = {
		{ "version 5", 0, 0x55, false },          { "version 0", 0, 0x05, false },
		{ "header of 16 bytes", 0, 0x44, false }, { "header of 0 bytes", 0, 0x40, false },
		{ "header of 60 bytes", 0, 0x4f, true },  { "total of 19 bytes", 3, 19, false },
		{ "total of 20 bytes", 3, 20, true },     { "total of 0 bytes", 3, 0, false },
		{ "total of 200 bytes", 3, 200, true },   { "total of 201 bytes", 3, 201, false },
		{ "total of 371 bytes", 2, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct ipv4 ip = ipv4_packet();
		struct wr_packet packet = { .total_len = 77 };

		print_message("case: %s\n", cases[i].name);
		ip.bytes[cases[i].at] = cases[i].value;
		assert_int_equal(wr_packet_read((struct wr_bytes){ ip.bytes, 200 }, &packet),
				 cases[i].is_packet);
		if (!cases[i].is_packet)
			assert_int_equal(packet.total_len, 77);
	}
}

static void test_packet_read_refuses_options_past_the_packet(void **state)
{
	struct ipv4 ip = ipv4_packet();
	struct wr_packet packet;

	(void)state;
	ip.bytes[0] = 0x46;
	ip.bytes[3] = 23;
	assert_false(wr_packet_read((struct wr_bytes){ ip.bytes, 200 }, &packet));
	ip.bytes[3] = 24;
	assert_true(wr_packet_read((struct wr_bytes){ ip.bytes, 200 }, &packet));
	assert_int_equal(packet.l4_offset, 24);
}

static void test_packet_read_refuses_every_short_input(void **state)
{
	struct ipv4 ip = ipv4_packet();
	uint8_t ipv6[WR_IPV6_HEADER_LEN] = { 0x60 };
	struct wr_packet packet;

	(void)state;
	for (size_t len = 0; len < 115; len++)
		assert_false(wr_packet_read((struct wr_bytes){ ip.bytes, len }, &packet));
	for (size_t len = 0; len < sizeof(ipv6); len++)
		assert_false(wr_packet_read((struct wr_bytes){ ipv6, len }, &packet));
	assert_true(wr_packet_read((struct wr_bytes){ ipv6, sizeof(ipv6) }, &packet));
	assert_false(wr_packet_read((struct wr_bytes){ NULL, 0 }, &packet));
}

static void test_packet_read_tells_fragments(void **state)
{
	static const struct {
		uint8_t high, low;
		bool is_fragment;
	} cases[] = {
		{ 0x40, 0x00, false }, { 0x80, 0x00, false }, { 0x20, 0x00, true },
		{ 0x00, 0x01, true },  { 0x1f, 0xff, true },  { 0x00, 0x00, false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct ipv4 ip = ipv4_packet();
		struct wr_packet packet;

		ip.bytes[6] = cases[i].high;
		ip.bytes[7] = cases[i].low;
		assert_true(wr_packet_read((struct wr_bytes){ ip.bytes, 200 }, &packet));
		assert_int_equal(packet.is_fragment, cases[i].is_fragment);
	}
}

static void test_packet_read_finds_what_is_in_ipv6(void **state)
{
	uint8_t ip[100] = { 0x6a, 0xb1, 0x23, 0x45, 0, 60, WR_PROTO_TCP, 64 };
	struct wr_packet packet;

	(void)state;
	ip[8] = 0x20;
	ip[23] = 1;
	ip[24] = 0xfd;
	ip[39] = 2;
	assert_true(wr_packet_read((struct wr_bytes){ ip, sizeof(ip) }, &packet));
	assert_int_equal(packet.family, WR_IPV6);
	assert_int_equal(packet.total_len, 100);
	assert_int_equal(packet.l4_offset, 40);
	assert_int_equal(packet.protocol, WR_PROTO_TCP);
	assert_false(packet.is_fragment);
	assert_ptr_equal(packet.src, ip + 8);
	assert_ptr_equal(packet.dst, ip + 24);
	ip[5] = 61;
	assert_false(wr_packet_read((struct wr_bytes){ ip, sizeof(ip) }, &packet));
	ip[4] = 1;
	assert_false(wr_packet_read((struct wr_bytes){ ip, sizeof(ip) }, &packet));
}

static void test_packet_tos_reads_and_sets_both_families(void **state)
{
	struct ipv4 ip = ipv4_packet();
	uint8_t ipv6[WR_IPV6_HEADER_LEN] = { 0x6a, 0xb1, 0x23, 0x45 };

	(void)state;
	ip.bytes[1] = 0xb9;
	assert_int_equal(wr_packet_tos(ip.bytes), 0xb9);
	assert_int_equal(wr_packet_tos(ipv6), 0xab);
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		wr_packet_set_ecn(ip.bytes, ecn);
		wr_packet_set_ecn(ipv6, ecn);
		assert_int_equal(wr_packet_tos(ip.bytes), 0xb8 | ecn);
		assert_int_equal(wr_packet_tos(ipv6), 0xa8 | ecn);
		assert_int_equal(ipv6[0], 0x6a);
		assert_int_equal(ipv6[1] & 0xcf, 0x81);
		assert_memory_equal(ipv6 + 2, "\x23\x45", 2);
	}
}

/* All ECN pairs under random headers: the mended checksum is the one computed anew. */
static void test_packet_set_ecn_mends_the_checksum(void **state)
{
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t ip[WR_IPV4_HEADER_LEN], want[WR_IPV4_HEADER_LEN];

		unit_random_bytes(&random, ip, sizeof(ip));
		if (i % 3 == 0)
			memset(ip + 2, i % 2 ? 0xff : 0, sizeof(ip) - 2);
		ip[0] = 0x45;
		wr_ipv4_checksum_write(ip, sizeof(ip));
		memcpy(want, ip, sizeof(ip));
		wr_packet_set_ecn(ip, i & 3);
		want[1] = (uint8_t)((want[1] & 0xfc) | (i & 3));
		wr_ipv4_checksum_write(want, sizeof(want));
		assert_memory_equal(ip, want, sizeof(ip));
	}
}

/* RFC 6040 figure 4, rows and columns in its order: Not-ECT, ECT(0), ECT(1), CE. */
static void test_packet_ecn_decapsulates_as_rfc_6040(void **state)
{
	static const uint8_t order[4] = { WR_ECN_NOT_ECT, WR_ECN_ECT0, WR_ECN_ECT1, WR_ECN_CE };
	enum {
		DROP = 9
	};
	static const uint8_t want[4][4] = {
		{ WR_ECN_NOT_ECT, WR_ECN_NOT_ECT, WR_ECN_NOT_ECT, DROP },
		{ WR_ECN_ECT0, WR_ECN_ECT0, WR_ECN_ECT1, WR_ECN_CE },
		{ WR_ECN_ECT1, WR_ECN_ECT1, WR_ECN_ECT1, WR_ECN_CE },
		{ WR_ECN_CE, WR_ECN_CE, WR_ECN_CE, WR_ECN_CE },
	};

	(void)state;
	for (unsigned inner = 0; inner < 4; inner++) {
		for (unsigned outer = 0; outer < 4; outer++) {
			uint8_t ecn = DROP;
			bool is_kept = wr_ecn_decapsulate(0xb8 | order[outer], 0x28 | order[inner],
							  &ecn);

			assert_int_equal(is_kept, want[inner][outer] != DROP);
			assert_int_equal(ecn, want[inner][outer]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_read_finds_what_is_in_ipv4),
		cmocka_unit_test(test_packet_read_takes_padding_after_the_packet),
		cmocka_unit_test(test_packet_read_refuses_ipv4_headers_that_do_not_agree),
		cmocka_unit_test(test_packet_read_refuses_options_past_the_packet),
		cmocka_unit_test(test_packet_read_refuses_every_short_input),
		cmocka_unit_test(test_packet_read_tells_fragments),
		cmocka_unit_test(test_packet_read_finds_what_is_in_ipv6),
		cmocka_unit_test(test_packet_tos_reads_and_sets_both_families),
		cmocka_unit_test(test_packet_set_ecn_mends_the_checksum),
		cmocka_unit_test(test_packet_ecn_decapsulates_as_rfc_6040),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
