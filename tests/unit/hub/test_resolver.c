#include "hub/resolver.h"

#include "unit.h"

static bool find(void *context, const char *label, struct wr_ip *ret_v4, struct wr_ip *ret_v6)
{
	(void)context;
	if (strcmp(label, "db") == 0) {
		*ret_v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 0, 2 } };
		*ret_v6 = (struct wr_ip){ WR_IPV6, { 0xfd, 0x42, [15] = 2 } };
		return true;
	}
	if (strcmp(label, "old") == 0) {
		*ret_v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 0, 3 } };
		return true;
	}
	/* A machine with the hub's name changes nothing. */
	if (strcmp(label, "hub") == 0) {
		*ret_v4 = (struct wr_ip){ WR_IPV4, { 10, 100, 9, 9 } };
		return true;
	}
	return false;
}

static bool name(void *context, const struct wr_ip *ip, char ret_label[WR_DNS_LABEL_MAX + 1])
{
	(void)context;
	if (ip->family == WR_IPV4 ? ip->bytes[3] != 2 : ip->bytes[15] != 2)
		return false;
	strcpy(ret_label, "db");
	return true;
}

static struct wr_resolver resolver_of(const char *range4, const char *range6)
{
	static const struct wr_resolver_source source = { find, name, NULL };
	struct wr_resolver resolver;

	assert_true(wr_resolver_init(&resolver, "acme", "warren", &source));
	if (range4) {
		assert_true(wr_prefix_parse(range4, strlen(range4), &resolver.range4));
		resolver.hub4 = resolver.range4.ip;
		resolver.hub4.bytes[3]++;
	}
	if (range6) {
		assert_true(wr_prefix_parse(range6, strlen(range6), &resolver.range6));
		resolver.hub6 = resolver.range6.ip;
		resolver.hub6.bytes[15]++;
	}
	return resolver;
}

/* --- A query and what became of it, in the way of dig. --- */

static size_t put_query(const char *text, uint16_t type, uint16_t class, uint8_t *bytes)
{
	static const uint8_t header[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	struct wr_dns_name qname;

	assert_true(wr_dns_name_parse(text, &qname));
	memcpy(bytes, header, sizeof(header));
	memcpy(bytes + 12, qname.bytes, qname.len);
	bytes[12 + qname.len] = (uint8_t)(type >> 8);
	bytes[13 + qname.len] = (uint8_t)type;
	bytes[14 + qname.len] = (uint8_t)(class >> 8);
	bytes[15 + qname.len] = (uint8_t) class;
	return 16u + qname.len;
}

static size_t skip_name(const uint8_t *bytes, size_t at)
{
	while (bytes[at] && bytes[at] < 0xc0)
		at += 1u + bytes[at];
	return at + (bytes[at] ? 2 : 1);
}

/* The name that stands there, pointers followed, as text. */
static void read_name(const uint8_t *bytes, size_t at, char *text)
{
	while (bytes[at]) {
		if (bytes[at] >= 0xc0) {
			at = (size_t)(bytes[at] & 0x3f) << 8 | bytes[at + 1];
			continue;
		}
		memcpy(text, bytes + at + 1, bytes[at]);
		text += bytes[at];
		*text++ = '.';
		at += 1u + bytes[at];
	}
	*text = '\0';
}

static void print_ip(char *text, size_t size, const uint8_t *bytes, size_t len)
{
	struct wr_ip ip = { len == 4 ? WR_IPV4 : WR_IPV6, { 0 } };
	char written[WR_ENDPOINT_TEXT_LEN];

	memcpy(ip.bytes, bytes, len);
	wr_ip_format(&ip, written);
	snprintf(text, size, "%s", written);
}

/* "NOERROR+aa A 10.100.0.2 | SOA acme.warren." */
static void describe(const uint8_t *bytes, size_t len, char *text, size_t size)
{
	static const char *const rcodes[16] = { "NOERROR", "FORMERR", "?", "NXDOMAIN",
						"NOTIMP",  "REFUSED", "?", "?" };
	size_t at = skip_name(bytes, 12) + 4, end;
	unsigned section = 1, left = bytes[7], types;

	end = (size_t)snprintf(text, size, "%s%s", rcodes[bytes[3] & 15],
			       bytes[2] & 4 ? "+aa" : "");
	while (section < 4) {
		char value[320], owner[300];
		size_t data;

		if (left == 0) {
			section++;
			left = section < 4 ? bytes[5 + 2 * section] : 0;
			continue;
		}
		left--;
		read_name(bytes, at, owner);
		at = skip_name(bytes, at);
		types = bytes[at + 1];
		data = (size_t)(bytes[at + 8] << 8 | bytes[at + 9]);
		at += 10;
		if (types == WR_DNS_A || types == WR_DNS_AAAA)
			print_ip(value, sizeof(value), bytes + at, data);
		else if (types == WR_DNS_SOA)
			snprintf(value, sizeof(value), "SOA %s", owner);
		else if (types == WR_DNS_HINFO)
			snprintf(value, sizeof(value), "HINFO");
		else
			read_name(bytes, at, value);
		end += (size_t)snprintf(text + end, size - end, "%s%s",
					section == 1   ? " "
					: section == 2 ? " | "
						       : " || ",
					value);
		at += data;
	}
	assert_int_equal(at, len);
}

struct asked {
	const char *name;
	uint16_t type;
	const char *want;
};

static void ask_all(const struct wr_resolver *resolver, const struct asked *asked, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t query[400], answer[WR_RESOLVER_ANSWER_LEN];
		size_t query_len = put_query(asked[i].name, asked[i].type, 1, query);
		struct wr_bytes message = { query, query_len };
		size_t len = wr_resolver_answer(resolver, message, true, answer);
		char text[1000];

		print_message("case: %s %u\n", asked[i].name, asked[i].type);
		assert_true(len >= query_len);
		/* The question comes back byte for byte. */
		assert_memory_equal(answer + 12, query + 12, query_len - 12);
		describe(answer, len, text, sizeof(text));
		assert_string_equal(text, asked[i].want);
	}
}

#define NX "NXDOMAIN+aa | SOA acme.warren."
#define NODATA "NOERROR+aa | SOA acme.warren."

static void test_resolver_knows_the_names_of_its_organisation(void **state)
{
	static const struct asked asked[] = {
		{ "db.acme.warren", WR_DNS_A, "NOERROR+aa 10.100.0.2" },
		{ "db.acme.warren", WR_DNS_AAAA, "NOERROR+aa fd42::2" },
		{ "DB.Acme.WARREN", WR_DNS_A, "NOERROR+aa 10.100.0.2" },
		{ "db.acme.warren", WR_DNS_ANY, "NOERROR+aa HINFO" },
		{ "db.acme.warren", 15 /* MX */, NODATA },
		{ "db.acme.warren", WR_DNS_SOA, NODATA },
		{ "old.acme.warren", WR_DNS_A, "NOERROR+aa 10.100.0.3" },
		{ "old.acme.warren", WR_DNS_AAAA, NODATA },
		{ "new.acme.warren", WR_DNS_A, NX },
		{ "new.acme.warren", WR_DNS_ANY, NX },
		{ "x.db.acme.warren", WR_DNS_A, NX },
		{ "*.acme.warren", WR_DNS_A, NX },
		{ "hub.acme.warren", WR_DNS_A, "NOERROR+aa 10.100.0.1" },
		{ "hub.acme.warren", WR_DNS_AAAA, "NOERROR+aa fd42::1" },
		{ "acme.warren", WR_DNS_A, "NOERROR+aa 10.100.0.1" },
		{ "acme.warren", WR_DNS_SOA, "NOERROR+aa SOA acme.warren." },
		{ "acme.warren", WR_DNS_NS,
		  "NOERROR+aa hub.acme.warren. || 10.100.0.1 || fd42::1" },
		{ "acme.warren", 16 /* TXT */, NODATA },
	};
	struct wr_resolver resolver = resolver_of("10.100.0.0/16", "fd42::/64");

	(void)state;
	ask_all(&resolver, asked, WR_ARRAY_LEN(asked));
}

static void test_resolver_refuses_what_is_not_its_own(void **state)
{
	static const struct asked asked[] = {
		{ "example.com", WR_DNS_A, "REFUSED" },
		{ "", WR_DNS_NS, "REFUSED" },
		{ "warren", WR_DNS_A, "REFUSED" },
		{ "db.other.warren", WR_DNS_A, "REFUSED" },
		{ "db.xacme.warren", WR_DNS_A, "REFUSED" },
		{ "acme.warren.com", WR_DNS_A, "REFUSED" },
		{ "acme.warren", WR_DNS_AXFR, "REFUSED" },
		{ "acme.warren", WR_DNS_IXFR, "REFUSED" },
		{ "2.0.101.10.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "10.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "8.8.8.8.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "x.10.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "0.2.4.d.f.ip6.arpa", WR_DNS_PTR, "REFUSED" },
	};
	struct wr_resolver resolver = resolver_of("10.100.0.0/16", "fd42::/64");
	uint8_t query[400], answer[WR_RESOLVER_ANSWER_LEN];
	struct wr_bytes message = { query, put_query("acme.warren", WR_DNS_A, 3, query) };
	char text[1000];
	size_t len;

	(void)state;
	ask_all(&resolver, asked, WR_ARRAY_LEN(asked));
	/* Class CHAOS. */
	len = wr_resolver_answer(&resolver, message, true, answer);
	describe(answer, len, text, sizeof(text));
	assert_string_equal(text, "REFUSED");
}

#define ZEROS "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
#define ZONE6 "0.0.0.0.0.0.0.0.0.0.0.0.2.4.d.f.ip6.arpa"

static void test_resolver_knows_names_of_addresses(void **state)
{
	static const struct asked asked[] = {
		{ "2.0.100.10.in-addr.arpa", WR_DNS_PTR, "NOERROR+aa db.acme.warren." },
		{ "1.0.100.10.In-Addr.Arpa", WR_DNS_PTR, "NOERROR+aa hub.acme.warren." },
		{ "9.0.100.10.in-addr.arpa", WR_DNS_PTR, "NXDOMAIN+aa | SOA 100.10.in-addr.arpa." },
		{ "2.0.100.10.in-addr.arpa", WR_DNS_A, "NOERROR+aa | SOA 100.10.in-addr.arpa." },
		{ "2.0.100.10.in-addr.arpa", WR_DNS_ANY, "NOERROR+aa HINFO" },
		{ "0.100.10.in-addr.arpa", WR_DNS_PTR, "NOERROR+aa | SOA 100.10.in-addr.arpa." },
		{ "100.10.in-addr.arpa", WR_DNS_SOA, "NOERROR+aa SOA 100.10.in-addr.arpa." },
		{ "100.10.in-addr.arpa", WR_DNS_NS,
		  "NOERROR+aa hub.acme.warren. || 10.100.0.1 || fd42::1" },
		{ "300.0.100.10.in-addr.arpa", WR_DNS_PTR,
		  "NXDOMAIN+aa | SOA 100.10.in-addr.arpa." },
		{ "1.2.0.100.10.in-addr.arpa", WR_DNS_PTR,
		  "NXDOMAIN+aa | SOA 100.10.in-addr.arpa." },
		{ "2." ZEROS "2.4.d.f.ip6.arpa", WR_DNS_PTR, "NOERROR+aa db.acme.warren." },
		{ "1." ZEROS "2.4.d.f.ip6.arpa", WR_DNS_PTR, "NOERROR+aa hub.acme.warren." },
		{ "3." ZEROS "2.4.d.f.ip6.arpa", WR_DNS_PTR, "NXDOMAIN+aa | SOA " ZONE6 "." },
		{ ZONE6, WR_DNS_SOA, "NOERROR+aa SOA " ZONE6 "." },
		{ "0." ZONE6, WR_DNS_PTR, "NOERROR+aa | SOA " ZONE6 "." },
		{ "g." ZONE6, WR_DNS_PTR, "NXDOMAIN+aa | SOA " ZONE6 "." },
	};
	struct wr_resolver resolver = resolver_of("10.100.0.0/16", "fd42::/64");

	(void)state;
	ask_all(&resolver, asked, WR_ARRAY_LEN(asked));
}

/* Ranges that end within a label. */
static void test_resolver_has_a_reverse_zone_for_each_whole_label(void **state)
{
	static const struct asked asked[] = {
		{ "2.16.100.10.in-addr.arpa", WR_DNS_PTR, "NOERROR+aa db.acme.warren." },
		{ "2.31.100.10.in-addr.arpa", WR_DNS_PTR, "NOERROR+aa db.acme.warren." },
		{ "9.31.100.10.in-addr.arpa", WR_DNS_PTR,
		  "NXDOMAIN+aa | SOA 31.100.10.in-addr.arpa." },
		{ "31.100.10.in-addr.arpa", WR_DNS_SOA, "NOERROR+aa SOA 31.100.10.in-addr.arpa." },
		{ "2.32.100.10.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "2.15.100.10.in-addr.arpa", WR_DNS_PTR, "REFUSED" },
		{ "100.10.in-addr.arpa", WR_DNS_SOA, "REFUSED" },
		{ "2." ZEROS "2.4.d.f.ip6.arpa", WR_DNS_PTR, "REFUSED" },
		{ "hub.acme.warren", WR_DNS_AAAA, NODATA },
		{ "acme.warren", WR_DNS_NS, "NOERROR+aa hub.acme.warren. || 10.100.16.1" },
	};
	struct wr_resolver resolver = resolver_of("10.100.16.0/20", NULL);

	(void)state;
	ask_all(&resolver, asked, WR_ARRAY_LEN(asked));
}

static void test_resolver_says_what_is_wrong_with_a_query(void **state)
{
	static const struct {
		const char *hex, *answer;
	} cases[] = {
		{ "0001 0100 0001 0000 0000 0000 c00c 0001 0001", "0001 8101 0000 0000 0000 0000" },
		{ "0001 2800 0000 0000 0000 0000", "0001 a804 0000 0000 0000 0000" },
		{ "0001 8100 0001 0000 0000 0000 0161 00 0001 0001", "" },
		{ "0001 01", "" },
		{ "0001 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00010000 0000",
		  "0001 8000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 01000000 0000" },
	};
	struct wr_resolver resolver = resolver_of("10.100.0.0/16", NULL);

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint8_t query[100], want[100], answer[WR_RESOLVER_ANSWER_LEN];
		struct wr_bytes message = { query, unit_hex(cases[i].hex, query, sizeof(query)) };
		size_t want_len = unit_hex(cases[i].answer, want, sizeof(want));

		print_message("case: %s\n", cases[i].hex);
		assert_int_equal(wr_resolver_answer(&resolver, message, true, answer), want_len);
		assert_memory_equal(answer, want, want_len);
	}
}

static void test_resolver_init_refuses_what_is_no_name(void **state)
{
	static const struct wr_resolver_source source = { find, name, NULL };
	struct wr_resolver resolver;

	(void)state;
	assert_false(wr_resolver_init(&resolver, "", "warren", &source));
	assert_false(wr_resolver_init(
		&resolver, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"warren", &source));
	assert_true(wr_resolver_init(
		&resolver, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"warren", &source));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolver_knows_the_names_of_its_organisation),
		cmocka_unit_test(test_resolver_refuses_what_is_not_its_own),
		cmocka_unit_test(test_resolver_knows_names_of_addresses),
		cmocka_unit_test(test_resolver_has_a_reverse_zone_for_each_whole_label),
		cmocka_unit_test(test_resolver_says_what_is_wrong_with_a_query),
		cmocka_unit_test(test_resolver_init_refuses_what_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
