#include "unit.h"

#include "wire/pcp.h"

static struct wr_pcp_map a_map(void)
{
	struct wr_pcp_map map = { .port = 51820, .external_port = 40000, .seconds = 7200 };

	assert_true(wr_ip_parse("192.168.1.10", 12, &map.client));
	memcpy(map.nonce, "0123456789ab", WR_PCP_NONCE_LEN);
	return map;
}

#define CLIENT "00000000000000000000ffffc0a8010a"
#define NONCE "303132333435363738396162"

/* By hand, from RFC 6887 figures 2 and 9. */
static void test_pcp_writes_a_request(void **state)
{
	struct wr_pcp_map map = a_map();
	uint8_t got[WR_PCP_MAP_LEN], wanted[WR_PCP_MAP_LEN];

	(void)state;
	assert_int_equal(unit_hex("02010000 00001c20 " CLIENT " " NONCE " 11000000 ca6c9c40 "
				  "00000000000000000000ffff00000000",
				  wanted, sizeof(wanted)),
			 sizeof(wanted));
	wr_pcp_map_write(&map, got);
	assert_memory_equal(got, wanted, sizeof(got));
	assert_true(wr_ip_parse("2001:4860::5", 12, &map.client));
	wr_pcp_map_write(&map, got);
	assert_int_equal(got[8], 0x20);
	assert_int_equal(got[55] | got[54], 0);
}

struct answer {
	const char *name, *bytes;
	int result; /* -1: none of ours */
	uint32_t seconds;
	const char *external;
};

#define HEAD(result, seconds) "028100" result " " seconds " 00000001 000000000000000000000000 "
#define EXTERNAL "00000000000000000000ffff08080404"

static const struct answer answers[] = {
	{ "mapped", HEAD("00", "00000e10") NONCE " 11000000 ca6c9c41 " EXTERNAL, 0, 3600,
	  "8.8.4.4:40001" },
	{ "with an option", HEAD("00", "00000e10") NONCE " 11000000 ca6c9c41 " EXTERNAL " 80000000",
	  0, 3600, "8.8.4.4:40001" },
	{ "refused", HEAD("02", "00000708"), 2, 0, NULL },
	{ "another version", "01810001 00000000 00000000 000000000000000000000000", 1, 0, NULL },
	{ "NAT-PMP", "00810001 00000000", 1, 0, NULL },
	{ "another's nonce",
	  HEAD("00", "00000e10") "303132333435363738396163 11000000 ca6c9c41 " EXTERNAL, -1, 0,
	  NULL },
	{ "another port", HEAD("00", "00000e10") NONCE " 11000000 ca6d9c41 " EXTERNAL, -1, 0,
	  NULL },
	{ "TCP", HEAD("00", "00000e10") NONCE " 06000000 ca6c9c41 " EXTERNAL, -1, 0, NULL },
	{ "no port", HEAD("00", "00000e10") NONCE " 11000000 ca6c0000 " EXTERNAL, -1, 0, NULL },
	{ "short", HEAD("00", "00000e10") NONCE " 11000000 ca6c9c41 00000000", -1, 0, NULL },
	{ "our own request", "02010000 00001c20 " CLIENT " " NONCE " 11000000 ca6c9c40", -1, 0,
	  NULL },
	{ "nothing", "", -1, 0, NULL },
	{ "three bytes", "028100", -1, 0, NULL },
};

static void test_pcp_reads_answers(void **state)
{
	struct wr_pcp_map map = a_map();

	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(answers); i++) {
		struct wr_pcp_answer answer = { .result = 255 };
		char text[WR_ENDPOINT_TEXT_LEN];
		uint8_t bytes[100];
		size_t len = unit_hex(answers[i].bytes, bytes, sizeof(bytes));
		bool is_ours = wr_pcp_answer_read((struct wr_bytes){ bytes, len }, &map, &answer);

		if (is_ours != (answers[i].result >= 0) ||
		    (is_ours && answer.result != answers[i].result))
			print_error("%s\n", answers[i].name);
		assert_int_equal(is_ours, answers[i].result >= 0);
		assert_int_equal(answer.result, is_ours ? answers[i].result : 255);
		if (answers[i].external) {
			wr_endpoint_format(&answer.external, text);
			assert_string_equal(text, answers[i].external);
			assert_int_equal(answer.seconds, answers[i].seconds);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcp_writes_a_request),
		cmocka_unit_test(test_pcp_reads_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
