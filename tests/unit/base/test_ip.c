#include "base/ip.h"

#include "unit.h"

static void test_ip_parse_takes_addresses_only(void **state)
{
	/* want: the text that the address is written as; NULL if it is none. */
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "2001:DB8::00A", "2001:db8::a" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "", NULL },
		{ " 192.0.2.1", NULL },
		{ "192.0.2.1 ", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.01", NULL },
		{ "192.0.2.1.5", NULL },
		{ "0xc0.0.2.1", NULL },
		{ "localhost", NULL },
		{ ":", NULL },
		{ ":::", NULL },
		{ "1::2::3", NULL },
		{ "12345::", NULL },
		{ "1:2:3:4:5:6:7", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "fe80::1%1", NULL },
		{ "[::1]", NULL },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", NULL },
	};
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_ip ip = { .family = WR_FAMILY_NONE };
		bool is_ip = wr_ip_parse(cases[i].text, strlen(cases[i].text), &ip);

		print_message("case: \"%s\"\n", cases[i].text);
		assert_int_equal(is_ip, cases[i].want != NULL);
		if (!is_ip) {
			assert_int_equal(ip.family, WR_FAMILY_NONE);
			continue;
		}
		assert_int_equal(wr_ip_format(&ip, text), strlen(cases[i].want));
		assert_string_equal(text, cases[i].want);
	}
}

static void test_ip_parse_refuses_a_nul_inside(void **state)
{
	struct wr_ip ip;

	(void)state;
	assert_false(wr_ip_parse("10.0.0.1\0.5", 11, &ip));
	assert_false(wr_ip_parse("10.0.0.1", 9, &ip));
}

static void test_ip_parse_reads_no_further_than_the_length(void **state)
{
	struct wr_ip ip;

	(void)state;
	assert_true(wr_ip_parse("10.0.0.123", 8, &ip));
	assert_int_equal(ip.bytes[3], 1);
}

static void test_ip_equal_compares_family_and_bytes(void **state)
{
	struct wr_ip a = { .family = WR_IPV4, .bytes = { 1, 2, 3, 4 } }, b = a;

	(void)state;
	assert_true(wr_ip_equal(&a, &b));
	b.bytes[3] = 5;
	assert_false(wr_ip_equal(&a, &b));
	b = a;
	b.family = WR_IPV6;
	assert_false(wr_ip_equal(&a, &b));
}

static void test_prefix_parse_clears_host_bits(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "10.1.2.3/8", "10.0.0.0/8" },
		{ "10.1.2.3/32", "10.1.2.3/32" },
		{ "10.1.2.3", "10.1.2.3/32" },
		{ "10.1.2.3/0", "0.0.0.0/0" },
		{ "255.255.255.255/31", "255.255.255.254/31" },
		{ "255.255.255.255/9", "255.128.0.0/9" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "2001:db8:ffff:ffff::1/33", "2001:db8:8000::/33" },
		{ "ffff::1/0", "::/0" },
		{ "::ffff/127", "::fffe/127" },
		{ "10.0.0.0/33", NULL },
		{ "::/129", NULL },
		{ "10.0.0.0/", NULL },
		{ "10.0.0.0/8/8", NULL },
		{ "10.0.0.0/-1", NULL },
		{ "10.0.0.0/ 8", NULL },
		{ "10.0.0.0/255.0.0.0", NULL },
		{ "/8", NULL },
		{ "", NULL },
		{ "10.0.0/8", NULL },
	};
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_prefix prefix = { .length = 77 };
		bool is_prefix = wr_prefix_parse(cases[i].text, strlen(cases[i].text), &prefix);

		print_message("case: \"%s\"\n", cases[i].text);
		assert_int_equal(is_prefix, cases[i].want != NULL);
		if (!is_prefix) {
			assert_int_equal(prefix.length, 77);
			continue;
		}
		assert_int_equal(wr_prefix_format(&prefix, text), strlen(cases[i].want));
		assert_string_equal(text, cases[i].want);
	}
}

static void test_endpoint_parse_takes_endpoints_only(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "192.0.2.1:51820", "192.0.2.1:51820" },
		{ "192.0.2.1:0", "192.0.2.1:0" },
		{ "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "[2001:db8::1]:51820", "[2001:db8::1]:51820" },
		{ "[fe80::1%3]:51820", "[fe80::1%3]:51820" },
		{ "[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1" },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535",
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535" },
		{ "[::ffff:192.0.2.1]:9", "[::ffff:192.0.2.1]:9" },
		{ "", NULL },
		{ "192.0.2.1", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:-1", NULL },
		{ "192.0.2.1: 1", NULL },
		{ "192.0.2.1:1 ", NULL },
		{ "192.0.2.1:1:1", NULL },
		{ ":51820", NULL },
		{ "2001:db8::1:51820", NULL },
		{ "[2001:db8::1]", NULL },
		{ "[2001:db8::1]:", NULL },
		{ "[2001:db8::1]51820", NULL },
		{ "[2001:db8::1]x:51820", NULL },
		{ "[]:51820", NULL },
		{ "[", NULL },
		{ "[]", NULL },
		{ "]:1", NULL },
		{ "[192.0.2.1]:51820", NULL },
		{ "[fe80::1%]:51820", NULL },
		{ "[fe80::1%eth0]:51820", NULL },
		{ "[fe80::1%4294967296]:51820", NULL },
		{ "[%1]:51820", NULL },
		{ "192.0.2.1%1:51820", NULL },
		{ "example.com:51820", NULL },
	};
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_endpoint endpoint = { .interface = 77 };
		bool is_endpoint = wr_endpoint_parse(cases[i].text, strlen(cases[i].text),
						     &endpoint);

		print_message("case: \"%s\"\n", cases[i].text);
		assert_int_equal(is_endpoint, cases[i].want != NULL);
		if (!is_endpoint) {
			assert_int_equal(endpoint.interface, 77);
			continue;
		}
		assert_int_equal(endpoint.interface, 0);
		assert_int_equal(endpoint.local.family, WR_FAMILY_NONE);
		assert_int_equal(wr_endpoint_format(&endpoint, text), strlen(cases[i].want));
		assert_string_equal(text, cases[i].want);
	}
}

static void test_endpoint_equal_remote_leaves_the_local_side_out(void **state)
{
	struct wr_endpoint a, b;

	(void)state;
	assert_true(wr_endpoint_parse("192.0.2.1:5", 11, &a));
	b = a;
	assert_true(wr_endpoint_equal(&a, &b));
	b.interface = 2;
	assert_true(wr_endpoint_equal_remote(&a, &b));
	assert_false(wr_endpoint_equal(&a, &b));
	b = a;
	b.local = b.ip;
	assert_true(wr_endpoint_equal_remote(&a, &b));
	assert_false(wr_endpoint_equal(&a, &b));
	b = a;
	b.port = 6;
	assert_false(wr_endpoint_equal_remote(&a, &b));
	b = a;
	b.scope = 1;
	assert_false(wr_endpoint_equal_remote(&a, &b));
}

static void random_ip(struct unit_random *random, struct wr_ip *ret)
{
	*ret = (struct wr_ip){ .family = unit_random_below(random, 2) ? WR_IPV4 : WR_IPV6 };
	for (size_t i = 0; i < wr_ip_bits(ret->family) / 8; i++) {
		if (unit_random_below(random, 2))
			ret->bytes[i] = (uint8_t)unit_random_next(random);
	}
}

static void test_endpoint_text_round_trips(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct wr_endpoint endpoint = { .port = (uint16_t)unit_random_next(&random) };
		struct wr_endpoint again;

		random_ip(&random, &endpoint.ip);
		if (endpoint.ip.family == WR_IPV6 && unit_random_below(&random, 2))
			endpoint.scope = (uint32_t)unit_random_next(&random);
		assert_true(wr_endpoint_parse(text, wr_endpoint_format(&endpoint, text), &again));
		assert_true(wr_endpoint_equal(&endpoint, &again));
	}
}

/* Bit by bit, as the definition says. */
static void test_prefix_text_round_trips(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	char text[WR_ENDPOINT_TEXT_LEN];

	(void)state;
	for (unsigned round = 0; round < 10000; round++) {
		struct wr_prefix prefix, again;

		random_ip(&random, &prefix.ip);
		prefix.length = (uint8_t)unit_random_below(&random,
							   wr_ip_bits(prefix.ip.family) + 1);
		assert_true(wr_prefix_parse(text, wr_prefix_format(&prefix, text), &again));
		assert_int_equal(again.length, prefix.length);
		for (unsigned bit = 0; bit < wr_ip_bits(prefix.ip.family); bit++) {
			unsigned mask = 0x80u >> bit % 8;

			assert_int_equal(again.ip.bytes[bit / 8] & mask,
					 bit < prefix.length ? prefix.ip.bytes[bit / 8] & mask : 0);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_parse_takes_addresses_only),
		cmocka_unit_test(test_ip_parse_refuses_a_nul_inside),
		cmocka_unit_test(test_ip_parse_reads_no_further_than_the_length),
		cmocka_unit_test(test_ip_equal_compares_family_and_bytes),
		cmocka_unit_test(test_prefix_parse_clears_host_bits),
		cmocka_unit_test(test_endpoint_parse_takes_endpoints_only),
		cmocka_unit_test(test_endpoint_equal_remote_leaves_the_local_side_out),
		cmocka_unit_test(test_endpoint_text_round_trips),
		cmocka_unit_test(test_prefix_text_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
