#include "wire/flow.h"

#include "unit.h"
#include "wire/packet.h"

/* Packets in hexadecimal: IP header, then what it carries. Addresses are 10.0.0.1 and
 * 10.0.0.2, fd00::1 and fd00::2. */
#define IP4(total, fragment, protocol) \
	"4500" total "0102" fragment "40" protocol "0000" \
	"0a000001" \
	"0a000002"
#define IP4_BACK(total, protocol) \
	"4500" total "01020000" \
	"40" protocol "0000" \
	"0a000002" \
	"0a000001"
#define IP6(payload, next) \
	"60000000" payload next "40" \
	"fd000000000000000000000000000001" \
	"fd000000000000000000000000000002"
#define TCP "138801bb 00000001 00000002 50 12 ffff 0000 0000"
#define UDP "13880035 0008 0000"
#define ECHO4 "0800 0000 0007 0001"

struct bytes {
	uint8_t bytes[400];
	size_t len;
};

static struct bytes bytes_of(const char *text)
{
	struct bytes bytes;

	bytes.len = unit_hex(text, bytes.bytes, sizeof(bytes.bytes));
	return bytes;
}

/* On the heap, so that a read past its end is seen. */
static bool read_exactly(const char *text, struct wr_flow_headers *ret)
{
	static uint8_t *memory;
	struct bytes bytes = bytes_of(text);

	free(memory);
	memory = malloc(bytes.len + 1);
	assert_non_null(memory);
	memcpy(memory, bytes.bytes, bytes.len);
	return wr_flow_read((struct wr_bytes){ memory, bytes.len }, ret);
}

static void test_flow_read_finds_ports_and_flags(void **state)
{
	static const struct {
		const char *name, *packet;
		uint8_t protocol;
		uint16_t src_port, dst_port;
		uint8_t flags;
	} cases[] = {
		{ "tcp4", IP4("0028", "0000", "06") TCP, 6, 5000, 443, 0x12 },
		{ "tcp6", IP6("0014", "06") TCP, 6, 5000, 443, 0x12 },
		{ "udp4", IP4("001c", "4000", "11") UDP, 17, 5000, 53, 0 },
		{ "udp6", IP6("0008", "11") UDP, 17, 5000, 53, 0 },
		{ "padding", IP4("001c", "0000", "11") UDP "ffff", 17, 5000, 53, 0 },
		{ "options", "4600 0020 0102 0000 40 11 0000 0a000001 0a000002 94040000" UDP, 17,
		  5000, 53, 0 },
		{ "extension headers",
		  IP6("0028", "00") "2b00 0000 0000 0000"
				    "3c01 0101 0000 0000 0000 0000 0000 0000"
				    "1100 0000 0000 0000" UDP,
		  17, 5000, 53, 0 },
		{ "atomic fragment", IP6("0010", "2c") "1100 0000 0000 0007" UDP, 17, 5000, 53, 0 },
		{ "another protocol", IP4("0014", "0000", "2f"), 47, 0, 0, 0 },
		{ "no next header", IP6("0000", "3b"), 59, 0, 0, 0 },
		{ "icmpv6 in ipv4", IP4("0014", "0000", "3a"), 58, 0, 0, 0 },
		{ "icmp in ipv6", IP6("0000", "01"), 1, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_flow_headers headers;

		print_message("%s\n", cases[i].name);
		assert_true(read_exactly(cases[i].packet, &headers));
		assert_int_equal(headers.speech.protocol, cases[i].protocol);
		assert_int_equal(headers.speech.src_port, cases[i].src_port);
		assert_int_equal(headers.speech.dst_port, cases[i].dst_port);
		assert_int_equal(headers.speech.tcp_flags, cases[i].flags);
		assert_int_equal(headers.speech.icmp_role, WR_ICMP_NONE);
		assert_int_equal(headers.fragment, WR_FRAGMENT_WHOLE);
		assert_int_equal(headers.speech.src[headers.speech.family == WR_IPV4 ? 3 : 15], 1);
		assert_int_equal(headers.speech.dst[headers.speech.family == WR_IPV4 ? 3 : 15], 2);
	}
}

static void test_flow_read_knows_fragments(void **state)
{
	static const struct {
		const char *name, *packet;
		enum wr_fragment fragment;
		bool has_more;
		uint16_t offset;
		uint32_t id;
		uint8_t protocol;
		uint16_t dst_port;
	} cases[] = {
		{ "first", IP4("001c", "2000", "11") UDP, WR_FRAGMENT_FIRST, true, 0, 0x102, 17,
		  53 },
		{ "middle", IP4("0018", "2003", "11") "01020304", WR_FRAGMENT_LATER, true, 24,
		  0x102, 17, 0 },
		{ "last", IP4("0015", "1fff", "11") "01", WR_FRAGMENT_LATER, false, 65528, 0x102,
		  17, 0 },
		{ "first6", IP6("0010", "2c") "1100 0001 0a0b0c0d" UDP, WR_FRAGMENT_FIRST, true, 0,
		  0x0a0b0c0d, 17, 53 },
		{ "last6",
		  IP6("0009", "2c") "1100 0020 0a0b0c0d"
				    "ff",
		  WR_FRAGMENT_LATER, false, 32, 0x0a0b0c0d, 0, 0 },
		{ "later with a header that says nothing",
		  IP6("0009", "2c") "3c00 0020 0a0b0c0d"
				    "ff",
		  WR_FRAGMENT_LATER, false, 32, 0x0a0b0c0d, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_flow_headers headers;

		print_message("%s\n", cases[i].name);
		assert_true(read_exactly(cases[i].packet, &headers));
		assert_int_equal(headers.fragment, cases[i].fragment);
		assert_int_equal(headers.has_more, cases[i].has_more);
		assert_int_equal(headers.fragment_offset, cases[i].offset);
		assert_int_equal(headers.fragment_id, cases[i].id);
		assert_int_equal(headers.speech.protocol, cases[i].protocol);
		assert_int_equal(headers.speech.dst_port, cases[i].dst_port);
	}
}

static void test_flow_read_pairs_requests_and_replies(void **state)
{
	static const struct {
		const char *packet;
		enum wr_icmp_role role;
		uint8_t type;
		uint16_t id;
	} cases[] = {
		{ IP4("001c", "0000", "01") ECHO4, WR_ICMP_REQUEST, 8, 7 },
		{ IP4("001c", "0000", "01") "0000 0000 0007 0001", WR_ICMP_REPLY, 8, 7 },
		{ IP4("001c", "0000", "01") "0d00 0000 0007 0001", WR_ICMP_REQUEST, 13, 7 },
		{ IP4("001c", "0000", "01") "0e00 0000 0007 0001", WR_ICMP_REPLY, 13, 7 },
		{ IP4("001c", "0000", "01") "0f00 0000 0007 0001", WR_ICMP_REQUEST, 15, 7 },
		{ IP4("001c", "0000", "01") "1200 0000 0007 0001", WR_ICMP_REPLY, 17, 7 },
		{ IP4("001c", "0000", "01") "0900 0000 0007 0001", WR_ICMP_OTHER, 9, 0 },
		{ IP6("0008", "3a") "8000 0000 0007 0001", WR_ICMP_REQUEST, 128, 7 },
		{ IP6("0008", "3a") "8100 0000 0007 0001", WR_ICMP_REPLY, 128, 7 },
		{ IP6("0008", "3a") "8600 0000 0007 0001", WR_ICMP_OTHER, 134, 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_flow_headers headers;

		print_message("case %zu\n", i);
		assert_true(read_exactly(cases[i].packet, &headers));
		assert_int_equal(headers.speech.icmp_role, cases[i].role);
		assert_int_equal(headers.speech.icmp_type, cases[i].type);
		assert_int_equal(headers.speech.icmp_id, cases[i].id);
	}
}

static void test_flow_read_knows_what_an_error_is_about(void **state)
{
	static const struct {
		const char *name, *packet;
		bool has_quoted;
		uint8_t protocol;
		uint16_t dst_port, id;
	} cases[] = {
		{ "udp, cut off",
		  IP4_BACK("0038", "01") "0303 0000 0000 0000" IP4("0400", "0000", "11") UDP, true,
		  17, 53, 0 },
		{ "tcp, eight bytes",
		  IP4_BACK("0038", "01") "0304 0000 0000 0000" IP4("0400", "0000",
								   "06") "138801bb 00000001",
		  true, 6, 443, 0 },
		{ "a request",
		  IP4_BACK("0038", "01") "0b00 0000 0000 0000" IP4("001c", "0000", "01") ECHO4,
		  true, 1, 0, 7 },
		{ "a first fragment",
		  IP4_BACK("0038", "01") "0b00 0000 0000 0000" IP4("001c", "2000", "11") UDP, true,
		  17, 53, 0 },
		{ "a later fragment",
		  IP4_BACK("0038", "01") "0b00 0000 0000 0000" IP4("001c", "0010", "11") UDP, false,
		  17, 0, 0 },
		{ "too little of udp",
		  IP4_BACK("0033", "01") "0303 0000 0000 0000" IP4("0400", "0000", "11") "138800",
		  false, 17, 0, 0 },
		{ "another protocol",
		  IP4_BACK("0030", "01") "0303 0000 0000 0000" IP4("0400", "0000", "2f"), true, 47,
		  0, 0 },
		{ "ipv6", IP6("0038", "3a") "0200 0000 0000 0500" IP6("0400", "11") UDP, true, 17,
		  53, 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_flow_headers headers;

		print_message("%s\n", cases[i].name);
		assert_true(read_exactly(cases[i].packet, &headers));
		assert_int_equal(headers.speech.icmp_role, WR_ICMP_ERROR);
		assert_int_equal(headers.has_quoted, cases[i].has_quoted);
		assert_int_equal(headers.quoted.protocol, cases[i].protocol);
		assert_int_equal(headers.quoted.dst_port, cases[i].dst_port);
		assert_int_equal(headers.quoted.icmp_id, cases[i].id);
	}
}

static void test_flow_read_refuses(void **state)
{
	static const struct {
		const char *name, *packet;
	} cases[] = {
		{ "nothing", "" },
		{ "19 bytes", "4500001401020000401100000a0000010a0000" },
		{ "version 5", "5500001401020000401100000a0000010a000002" },
		{ "a header of 16 bytes", "4400001401020000401100000a0000010a000002" },
		{ "shorter than its header", "4600001401020000401100000a0000010a00000200000000" },
		{ "longer than it is", IP4("001d", "0000", "11") UDP },
		{ "tcp of 19 bytes",
		  IP4("0027", "0000", "06") "138801bb 00000001 00000002 50 12 ffff 0000 00" },
		{ "tcp with a header of 16 bytes",
		  IP4("0028", "0000", "06") "138801bb 00000001 00000002 40 12 ffff 0000 0000" },
		{ "a first fragment of tcp without its flags",
		  IP4("001c", "2000", "06") "138801bb 00000001" },
		{ "udp of 7 bytes", IP4("001b", "0000", "11") "13880035 0008 00" },
		{ "icmp of 7 bytes", IP4("001b", "0000", "01") "0800 0000 0007 00" },
		{ "ipv6 of 39 bytes",
		  "6000000000001140fd000000000000000000000000000001fd0000000000000000000000000000" },
		{ "ipv6 longer than it is", IP6("0009", "11") UDP },
		{ "an extension header cut off", IP6("0007", "00") "1100 0000 0000 00" },
		{ "an extension header that goes on", IP6("0008", "00") "1101 0000 0000 0000" },
		{ "a source route", IP6("0010", "2b") "1100 0000 0000 0000" UDP },
		{ "nine extension headers",
		  IP6("0050",
		      "3c") "3c00 0000 0000 0000 3c00 0000 0000 0000 3c00 0000 0000 0000"
			    "3c00 0000 0000 0000 3c00 0000 0000 0000 3c00 0000 0000 0000"
			    "3c00 0000 0000 0000 3c00 0000 0000 0000 1100 0000 0000 0000" UDP },
		{ "an error about nothing", IP4_BACK("001c", "01") "0303 0000 0000 0000" },
		{ "an error about garbage",
		  IP4_BACK("0030",
			   "01") "0303 0000 0000 0000 0102030405060708090a0b0c0d0e0f1011121314" },
		{ "an error about an error",
		  IP4_BACK("0054", "01") "0303 0000 0000 0000" IP4(
			  "0038", "0000", "01") "0303 0000 0000 0000" IP4("001c", "0000", "11")
			  UDP },
		{ "an error about another family",
		  IP4_BACK("004c", "01") "0303 0000 0000 0000" IP6("0008", "11") UDP },
		{ "an error in fragments", "4500 0038 0102 2000 40 01 0000 0a000002 0a000001"
					   "0303 0000 0000 0000" IP4("001c", "0000", "11") UDP },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_flow_headers headers;

		print_message("%s\n", cases[i].name);
		assert_false(read_exactly(cases[i].packet, &headers));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_read_finds_ports_and_flags),
		cmocka_unit_test(test_flow_read_knows_fragments),
		cmocka_unit_test(test_flow_read_pairs_requests_and_replies),
		cmocka_unit_test(test_flow_read_knows_what_an_error_is_about),
		cmocka_unit_test(test_flow_read_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
