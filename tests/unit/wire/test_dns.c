#include "wire/dns.h"

#include "unit.h"

static struct wr_dns_name name_of(const char *text)
{
	struct wr_dns_name name;

	if (!wr_dns_name_parse(text, &name))
		fail_msg("no name: %s", text);
	return name;
}

/* --- Names. --- */

static void test_dns_name_parse_makes_wire_form(void **state)
{
	static const char a63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	char text[300];
	struct wr_dns_name name = name_of("Hub.acme.warren.");

	(void)state;
	assert_int_equal(name.len, 17);
	assert_memory_equal(name.bytes, "\3Hub\4acme\6warren", 17);
	assert_int_equal(wr_dns_name_labels(&name), 3);
	assert_int_equal(name_of("").len, 1);

	/* 3 x 64 + 62 + 1 = 255. */
	snprintf(text, sizeof(text), "%s.%s.%s.%.61s", a63, a63, a63, a63);
	assert_int_equal(name_of(text).len, 255);
	snprintf(text, sizeof(text), "%s.%s.%s.%.62s", a63, a63, a63, a63);
	assert_false(wr_dns_name_parse(text, &name));
	snprintf(text, sizeof(text), "%sa.b", a63);
	assert_false(wr_dns_name_parse(text, &name));
	assert_false(wr_dns_name_parse("a..b", &name));
	assert_false(wr_dns_name_parse(".", &name));
	assert_int_equal(name.len, 17);
}

static void test_dns_name_compares_without_case(void **state)
{
	static const struct {
		const char *name, *zone;
		bool is_in;
	} cases[] = {
		{ "a.acme.warren", "acme.warren", true },
		{ "A.aCME.wArren", "Acme.Warren", true },
		{ "acme.warren", "acme.warren", true },
		{ "warren", "acme.warren", false },
		{ "xacme.warren", "acme.warren", false },
		{ "acme.warren.x", "acme.warren", false },
		{ "a.acme_.warren", "acme.warren", false },
		{ "a", "", true },
		{ "a@b.warren", "a`b.warren", false },
	};
	struct wr_dns_name name = name_of("A.b.C"), other = name_of("a.B.c"), parent;

	(void)state;
	assert_true(wr_dns_name_equal(&name, &other));
	other = name_of("a.b.d");
	assert_false(wr_dns_name_equal(&name, &other));
	parent = wr_dns_name_parent(&name, 2);
	assert_memory_equal(parent.bytes, "\1C", 3);
	assert_int_equal(parent.len, 3);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_dns_name inner = name_of(cases[i].name), zone = name_of(cases[i].zone);

		print_message("case: %s\n", cases[i].name);
		assert_int_equal(wr_dns_name_is_in(&inner, &zone), cases[i].is_in);
	}
}

static void test_dns_name_label_is_plain_text(void **state)
{
	struct wr_dns_name name = name_of("Branch-Mumbai.acme");
	char label[WR_DNS_LABEL_MAX + 1] = "x";

	(void)state;
	assert_true(wr_dns_name_label(&name, label));
	assert_string_equal(label, "branch-mumbai");
	name = name_of("a b");
	assert_false(wr_dns_name_label(&name, label));
	name = name_of("a\x80");
	assert_false(wr_dns_name_label(&name, label));
	name = (struct wr_dns_name){ { 1, 0, 0 }, 3 };
	assert_false(wr_dns_name_label(&name, label));
	name = name_of("");
	assert_false(wr_dns_name_label(&name, label));
}

static void test_dns_reverse_reads_prefixes(void **state)
{
	static const struct {
		const char *name;
		enum wr_dns_reverse kind;
		const char *prefix;
	} cases[] = {
		{ "2.0.100.10.in-addr.arpa", WR_DNS_REVERSE, "10.100.0.2/32" },
		{ "255.255.255.255.IN-ADDR.ARPA", WR_DNS_REVERSE, "255.255.255.255/32" },
		{ "100.10.in-addr.arpa", WR_DNS_REVERSE, "10.100.0.0/16" },
		{ "in-addr.arpa", WR_DNS_REVERSE, "0.0.0.0/0" },
		{ "256.100.10.in-addr.arpa", WR_DNS_REVERSE_ODD, "10.100.0.0/16" },
		{ "02.0.100.10.in-addr.arpa", WR_DNS_REVERSE_ODD, "10.100.0.0/24" },
		{ "x.0.100.10.in-addr.arpa", WR_DNS_REVERSE_ODD, "10.100.0.0/24" },
		{ "1000.0.100.10.in-addr.arpa", WR_DNS_REVERSE_ODD, "10.100.0.0/24" },
		{ "1.2.0.100.10.in-addr.arpa", WR_DNS_REVERSE_ODD, "10.100.0.2/32" },
		{ "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
		  WR_DNS_REVERSE, "fd00::2/128" },
		{ "1.0.D.f.ip6.arpa", WR_DNS_REVERSE, "fd01::/16" },
		{ "0.d.f.ip6.arpa", WR_DNS_REVERSE, "fd00::/12" },
		{ "g.d.f.ip6.arpa", WR_DNS_REVERSE_ODD, "fd00::/8" },
		{ "00.d.f.ip6.arpa", WR_DNS_REVERSE_ODD, "fd00::/8" },
		{ "arpa", WR_DNS_NOT_REVERSE, NULL },
		{ "1.in-addr.arpa.warren", WR_DNS_NOT_REVERSE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_dns_name name = name_of(cases[i].name);
		struct wr_prefix prefix;
		char text[WR_ENDPOINT_TEXT_LEN];

		print_message("case: %s\n", cases[i].name);
		assert_int_equal(wr_dns_reverse_read(&name, &prefix), cases[i].kind);
		if (!cases[i].prefix)
			continue;
		wr_prefix_format(&prefix, text);
		assert_string_equal(text, cases[i].prefix);
	}
}

/* --- Queries. --- */

/* dig www.Acme.warren AAAA, as dig 9.18 sends it: EDNS with 1232 bytes and a cookie. */
static const char dig[] =
	"beef 0120 0001 0000 0000 0001 0377777704416d65 6506776172726568 00 001c 0001"
	" 00 0029 04d0 00000000 000c 000a0008 0102030405060708";

static bool read_hex(const char *hex, struct wr_dns_query *query, enum wr_dns_rcode *rcode)
{
	uint8_t bytes[1500];
	size_t len = unit_hex(hex, bytes, sizeof(bytes));

	return wr_dns_query_read((struct wr_bytes){ bytes, len }, query, rcode);
}

static void test_dns_query_read_takes_what_dig_asks(void **state)
{
	struct wr_dns_query query;
	enum wr_dns_rcode rcode;

	(void)state;
	assert_true(read_hex(dig, &query, &rcode));
	assert_int_equal(rcode, WR_DNS_NOERROR);
	assert_int_equal(query.id, 0xbeef);
	assert_int_equal(query.type, WR_DNS_AAAA);
	assert_int_equal(query.class, WR_DNS_IN);
	assert_true(query.has_question && query.has_edns && query.wants_recursion);
	assert_false(query.wants_dnssec || query.is_checking_disabled);
	assert_int_equal(query.edns_len, 1232);
	assert_memory_equal(query.name.bytes, "\3www\4Amee\6warreh", 17);
	assert_int_equal(wr_dns_udp_limit(&query), 1232);
}

static void test_dns_query_read_names_what_is_wrong(void **state)
{
	static const struct {
		const char *name, *hex;
		int rcode; /* -1: no answer at all */
	} cases[] = {
		{ "nothing", "", -1 },
		{ "half a header", "0001 0100 0001 0000 0000 00", -1 },
		{ "an answer", "0001 8180 0001 0000 0000 0000 0161 00 0001 0001", -1 },
		{ "no question", "0001 0100 0000 0000 0000 0000", WR_DNS_FORMERR },
		{ "two questions",
		  "0001 0100 0002 0000 0000 0000 0161 00 0001 0001 0161 00 0001 0001",
		  WR_DNS_FORMERR },
		{ "question cut", "0001 0100 0001 0000 0000 0000 0161 00 0001 00", WR_DNS_FORMERR },
		{ "name cut", "0001 0100 0001 0000 0000 0000 0361", WR_DNS_FORMERR },
		{ "something after it", "0001 0100 0001 0000 0000 0000 0161 00 0001 0001 00",
		  WR_DNS_FORMERR },
		{ "plain", "0001 0100 0001 0000 0000 0000 0161 00 0001 0001", WR_DNS_NOERROR },
		{ "notify", "0001 2000 0001 0000 0000 0000 0161 00 0006 0001", WR_DNS_NOTIMP },
		{ "update of nonsense", "0001 2800 ffff ffff ffff ffff", WR_DNS_NOTIMP },
		{ "pointer to itself", "0001 0100 0001 0000 0000 0000 c00c 0001 0001",
		  WR_DNS_FORMERR },
		{ "label, and a pointer to it", "0001 0100 0001 0000 0000 0000 0161 c00c 0001 0001",
		  WR_DNS_FORMERR },
		{ "pointer into the header", "0001 0100 0001 0000 0000 0000 c000 0001 0001",
		  WR_DNS_FORMERR },
		{ "pointer ahead", "0001 0100 0001 0000 0000 0000 c012 0001 0001 0161 00",
		  WR_DNS_FORMERR },
		{ "length of 64", "0001 0100 0001 0000 0000 0000 40 00 0001 0001", WR_DNS_FORMERR },
		{ "length of 128", "0001 0100 0001 0000 0000 0000 80 00 0001 0001",
		  WR_DNS_FORMERR },
		{ "options twice",
		  "0001 0100 0001 0000 0000 0002 0161 00 0001 0001"
		  " 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
		  WR_DNS_FORMERR },
		{ "options of a name",
		  "0001 0100 0001 0000 0000 0001 0161 00 0001 0001 c00c 0029 04d0 00000000 0000",
		  WR_DNS_FORMERR },
		{ "options among the answers",
		  "0001 0100 0001 0001 0000 0000 0161 00 0001 0001 00 0029 04d0 00000000 0000",
		  WR_DNS_FORMERR },
		{ "options longer than the message",
		  "0001 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 04d0 00000000 0001",
		  WR_DNS_FORMERR },
		{ "options of version 1",
		  "0001 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 04d0 00010000 0000",
		  WR_DNS_BADVERS },
		{ "a record that points to the question",
		  "0001 0100 0001 0000 0001 0000 0161 00 00fb 0001 c00c 0006 0001 00000000 0000",
		  WR_DNS_NOERROR },
		{ "fewer records than counted",
		  "0001 0100 0001 0000 0000 0002 0161 00 0001 0001 00 0029 04d0 00000000 0000",
		  WR_DNS_FORMERR },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_dns_query query;
		enum wr_dns_rcode rcode;
		bool is_answered = read_hex(cases[i].hex, &query, &rcode);

		print_message("case: %s\n", cases[i].name);
		assert_int_equal(is_answered, cases[i].rcode >= 0);
		if (is_answered)
			assert_int_equal(rcode, cases[i].rcode);
	}
}

/* Pointers that lead back and back, each to before where it stands: as long as a name may
 * be, and not one byte longer. */
static void test_dns_query_read_bounds_names_of_pointers(void **state)
{
	uint8_t message[1024];
	struct wr_dns_query query;
	enum wr_dns_rcode rcode;

	(void)state;
	for (size_t labels = 120; labels < 130; labels++) {
		/* The question is one label; each record's name one more and a pointer. */
		size_t len = unit_hex("0001 0100 0001 0000 0000 0001", message, sizeof(message));

		message[len++] = 63;
		memset(message + len, 'a', 63);
		len += 63;
		for (size_t i = 0; i < labels - 32; i++) {
			message[len++] = 1;
			message[len++] = 'b';
		}
		memcpy(message + len, "\0\0\1\0\1", 5);
		len += 5;
		/* "c" and all of the question again. */
		memcpy(message + len, "\1c\xc0\x0c\0\1\0\1\0\0\0\0\0\0", 14);
		len += 14;
		assert_true(wr_dns_query_read((struct wr_bytes){ message, len }, &query, &rcode));
		/* 2 + 64 + 2 n + 1 <= 255. */
		assert_int_equal(rcode, 2 + 64 + 2 * (labels - 32) + 1 <= 255 ? WR_DNS_NOERROR
									      : WR_DNS_FORMERR);
	}
}

static void test_dns_udp_limit_is_what_both_can_take(void **state)
{
	struct wr_dns_query query = { .has_edns = false, .edns_len = 4096 };

	(void)state;
	assert_int_equal(wr_dns_udp_limit(&query), 512);
	query.has_edns = true;
	assert_int_equal(wr_dns_udp_limit(&query), 1232);
	query.edns_len = 100;
	assert_int_equal(wr_dns_udp_limit(&query), 512);
	query.edns_len = 1000;
	assert_int_equal(wr_dns_udp_limit(&query), 1000);
}

/* --- Answers. --- */

static struct wr_ip ip_of(const char *text)
{
	struct wr_ip ip;

	assert_true(wr_ip_parse(text, strlen(text), &ip));
	return ip;
}

static void assert_bytes(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t wanted[512];
	size_t wanted_len = unit_hex(hex, wanted, sizeof(wanted));

	assert_int_equal(len, wanted_len);
	assert_memory_equal(bytes, wanted, len);
}

static void test_dns_answer_with_an_address(void **state)
{
	struct wr_dns_query query;
	struct wr_dns_writer writer;
	enum wr_dns_rcode rcode;
	uint8_t answer[1232];
	struct wr_ip ip = ip_of("10.100.0.2");

	(void)state;
	assert_true(read_hex("abcd 0110 0001 0000 0000 0001 0158 0461436d65 00 0001 0001"
			     " 00 0029 1000 00008000 0000",
			     &query, &rcode));
	writer = wr_dns_writer_of(&query, answer, sizeof(answer));
	wr_dns_write_ip(&writer, WR_DNS_ANSWER, &query.name, 30, &ip);
	/* The question as it was asked, its case too; RD and CD; DO in the options. */
	assert_bytes(answer, wr_dns_writer_end(&writer, WR_DNS_NOERROR, true),
		     "abcd 8510 0001 0001 0000 0001 0158 0461436d65 00 0001 0001"
		     " c00c 0001 0001 0000001e 0004 0a640002"
		     " 00 0029 04d0 00008000 0000");
}

static void test_dns_answer_that_there_is_none(void **state)
{
	struct wr_dns_query query;
	struct wr_dns_writer writer;
	enum wr_dns_rcode rcode;
	uint8_t answer[512];
	struct wr_dns_name zone = name_of("acme"), server = name_of("hub.acme"),
			   mail = name_of("h.acme");
	struct wr_dns_soa soa = { &server, &mail, 1, 2, 3, 4, 5 };

	(void)state;
	assert_true(read_hex("0001 0000 0001 0000 0000 0000 0178 0461636d65 00 0001 0001", &query,
			     &rcode));
	writer = wr_dns_writer_of(&query, answer, sizeof(answer));
	wr_dns_write_soa(&writer, WR_DNS_AUTHORITY, &zone, &soa);
	assert_bytes(answer, wr_dns_writer_end(&writer, WR_DNS_NXDOMAIN, true),
		     "0001 8403 0001 0000 0001 0000 0178 0461636d65 00 0001 0001"
		     " c00e 0006 0001 00000005 001e 03687562c00e 0168c00e"
		     " 00000001 00000002 00000003 00000004 00000005");
}

static void test_dns_answer_of_a_strange_version(void **state)
{
	struct wr_dns_query query;
	struct wr_dns_writer writer;
	enum wr_dns_rcode rcode;
	uint8_t answer[512];

	(void)state;
	assert_true(
		read_hex("0001 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00630000 0000",
			 &query, &rcode));
	assert_int_equal(rcode, WR_DNS_BADVERS);
	writer = wr_dns_writer_of(&query, answer, sizeof(answer));
	/* 16 is 1 above and 0 below; our version is 0. */
	assert_bytes(answer, wr_dns_writer_end(&writer, rcode, false),
		     "0001 8000 0001 0000 0000 0001 00 0001 0001"
		     " 00 0029 04d0 01000000 0000");
}

/* Whole records, room for the options, TC; and nothing small squeezed in after. */
static void test_dns_answer_that_is_too_long_is_cut_between_records(void **state)
{
	struct wr_dns_query query;
	struct wr_dns_writer writer;
	enum wr_dns_rcode rcode;
	uint8_t answer[512];
	struct wr_ip v6 = ip_of("fd00::1"), v4 = ip_of("10.0.0.1");
	struct wr_dns_name other = name_of("some.where.else");
	size_t len;

	(void)state;
	assert_true(read_hex(dig, &query, &rcode));
	writer = wr_dns_writer_of(&query, answer, sizeof(answer));
	for (size_t i = 0; i < 100; i++)
		wr_dns_write_ip(&writer, WR_DNS_ANSWER, &query.name, 30, &v6);
	wr_dns_write_ip(&writer, WR_DNS_ADDITIONAL, &query.name, 30, &v4);
	wr_dns_write_name(&writer, WR_DNS_ADDITIONAL, &other, 30, WR_DNS_PTR, &other);
	len = wr_dns_writer_end(&writer, WR_DNS_NOERROR, true);
	/* 12 + 21 + 28 n + 11 <= 512. */
	assert_int_equal(len, 12 + 21 + 28 * 16 + 11);
	assert_int_equal(answer[2] & 2, 2);
	assert_int_equal(answer[7], 16);
	assert_int_equal(answer[11], 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns_name_parse_makes_wire_form),
		cmocka_unit_test(test_dns_name_compares_without_case),
		cmocka_unit_test(test_dns_name_label_is_plain_text),
		cmocka_unit_test(test_dns_reverse_reads_prefixes),
		cmocka_unit_test(test_dns_query_read_takes_what_dig_asks),
		cmocka_unit_test(test_dns_query_read_names_what_is_wrong),
		cmocka_unit_test(test_dns_query_read_bounds_names_of_pointers),
		cmocka_unit_test(test_dns_udp_limit_is_what_both_can_take),
		cmocka_unit_test(test_dns_answer_with_an_address),
		cmocka_unit_test(test_dns_answer_that_there_is_none),
		cmocka_unit_test(test_dns_answer_of_a_strange_version),
		cmocka_unit_test(test_dns_answer_that_is_too_long_is_cut_between_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
