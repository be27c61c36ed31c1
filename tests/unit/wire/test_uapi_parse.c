#include <errno.h>

#include "unit.h"
#include "wire/uapi.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define KEY_0 "0000000000000000000000000000000000000000000000000000000000000000"

static int parse(const char *text, struct wr_uapi_request *request, size_t *ret_line)
{
	*request = (struct wr_uapi_request){ 0 };
	return wr_uapi_parse_set((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, request,
				 ret_line);
}

static void test_uapi_parse_takes_all_that_wg_writes(void **state)
{
	static const char text[] = "private_key=" KEY_A "\n"
				   "listen_port=51820\n"
				   "fwmark=4294967295\n"
				   "replace_peers=true\n"
				   "public_key=" KEY_B "\n"
				   "preshared_key=" KEY_0 "\n"
				   "endpoint=192.0.2.1:51820\n"
				   "persistent_keepalive_interval=25\n"
				   "replace_allowed_ips=true\n"
				   "allowed_ip=10.0.0.0/8\n"
				   "allowed_ip=-fd00::/8\n"
				   "protocol_version=1\n"
				   "public_key=" KEY_A "\n"
				   "remove=true\n"
				   "public_key=" KEY_0 "\n"
				   "update_only=true\n";
	static const enum wr_uapi_op_kind kinds[] = {
		WR_UAPI_PRIVATE_KEY,
		WR_UAPI_LISTEN_PORT,
		WR_UAPI_FWMARK,
		WR_UAPI_REPLACE_PEERS,
		WR_UAPI_PEER,
		WR_UAPI_PRESHARED_KEY,
		WR_UAPI_ENDPOINT,
		WR_UAPI_PERSISTENT_KEEPALIVE,
		WR_UAPI_REPLACE_ALLOWED_IPS,
		WR_UAPI_ALLOWED_IP,
		WR_UAPI_ALLOWED_IP,
		WR_UAPI_PEER,
		WR_UAPI_PEER,
	};
	struct wr_uapi_request request;
	const struct wr_uapi_op *ops;
	char line[WR_ENDPOINT_TEXT_LEN];
	size_t number;

	(void)state;
	assert_int_equal(parse(text, &request, &number), 0);
	assert_int_equal(request.count, WR_ARRAY_LEN(kinds));
	ops = request.ops;
	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++)
		assert_int_equal(ops[i].kind, kinds[i]);
	assert_int_equal(ops[0].key.bytes[31], 0x1f);
	assert_int_equal(ops[1].number, 51820);
	assert_int_equal(ops[2].number, UINT32_MAX);
	assert_int_equal(ops[4].key.bytes[0], 0xff);
	assert_false(ops[4].is_remove || ops[4].is_update_only);
	assert_true(wr_key_is_zero(&ops[5].key));
	wr_endpoint_format(&ops[6].endpoint, line);
	assert_string_equal(line, "192.0.2.1:51820");
	assert_string_equal(ops[6].scope_name, "");
	assert_int_equal(ops[7].number, 25);
	assert_false(ops[9].is_negative);
	assert_true(ops[10].is_negative);
	wr_prefix_format(&ops[10].prefix, line);
	assert_string_equal(line, "fd00::/8");
	assert_true(ops[11].is_remove);
	assert_false(ops[11].is_update_only);
	assert_true(ops[12].is_update_only);
	assert_false(ops[12].is_remove);
	wr_uapi_request_done(&request);
	assert_null(request.ops);
}

static void test_uapi_parse_takes_an_empty_request(void **state)
{
	struct wr_uapi_request request;
	size_t number;

	(void)state;
	assert_int_equal(parse("", &request, &number), 0);
	assert_int_equal(request.count, 0);
	wr_uapi_request_done(&request);
}

static void test_uapi_parse_takes_a_last_line_without_newline(void **state)
{
	struct wr_uapi_request request;
	size_t number;

	(void)state;
	assert_int_equal(parse("listen_port=1\nfwmark=2", &request, &number), 0);
	assert_int_equal(request.count, 2);
	assert_int_equal(request.ops[1].number, 2);
	wr_uapi_request_done(&request);
}

static void test_uapi_parse_names_error_and_line(void **state)
{
	static const struct {
		const char *text;
		int error;
		size_t line;
	} cases[] = {
		{ "listen_port=65535\nlisten_port=65536\n", -EINVAL, 2 },
		{ "listen_port=\n", -EINVAL, 1 },
		{ "listen_port=-1\n", -EINVAL, 1 },
		{ "listen_port=1x\n", -EINVAL, 1 },
		{ "fwmark=4294967296\n", -EINVAL, 1 },
		{ "fwmark=0x1\n", -EINVAL, 1 },
		{ "private_key=" KEY_A "0\n", -EINVAL, 1 },
		{ "private_key=00\n", -EINVAL, 1 },
		{ "private_key=" KEY_A " \n", -EINVAL, 1 },
		{ "private_key=g" KEY_A "\n", -EINVAL, 1 },
		{ "replace_peers=false\n", -EINVAL, 1 },
		{ "replace_peers=\n", -EINVAL, 1 },
		{ "replace_peers=TRUE\n", -EINVAL, 1 },
		{ "unknown=1\n", -EINVAL, 1 },
		{ "=1\n", -EINVAL, 1 },
		{ " listen_port=1\n", -EINVAL, 1 },
		{ "listen_port\n", -EPROTO, 1 },
		{ "listen_port=1\n\n", -EPROTO, 2 },
		{ "\n", -EPROTO, 1 },
		{ "protocol_version=2\n", -EINVAL, 1 },
		{ "public_key=" KEY_A "\nprotocol_version=0\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nprotocol_version=\n", -EINVAL, 2 },
		/* Lines of a peer before there is one, and of the device after that. */
		{ "endpoint=192.0.2.1:1\n", -EINVAL, 1 },
		{ "allowed_ip=10.0.0.0/8\n", -EINVAL, 1 },
		{ "remove=true\n", -EINVAL, 1 },
		{ "public_key=" KEY_A "\nlisten_port=1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nprivate_key=" KEY_A "\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nreplace_peers=true\n", -EINVAL, 2 },
		{ "public_key=\n", -EINVAL, 1 },
		{ "public_key=" KEY_A "\nremove=1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nupdate_only=no\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nreplace_allowed_ips=0\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\npreshared_key=12\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\npersistent_keepalive_interval=65536\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\npersistent_keepalive_interval=off\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nallowed_ip=10.0.0.0/33\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nallowed_ip=\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nallowed_ip=10.0.0.0\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nallowed_ip=-\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nallowed_ip=--10.0.0.0/8\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=example.com:1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=[fe80::1%]:1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=[fe80::1%eth0:1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=[fe80::1%eth/0]:1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=[fe80::1%sixteencharacter]:1\n", -EINVAL, 2 },
		{ "public_key=" KEY_A "\nendpoint=[192.0.2.1%eth0]:1\n", -EINVAL, 2 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_uapi_request request;
		size_t line = 0;

		print_message("case: \"%s\"\n", cases[i].text);
		assert_int_equal(parse(cases[i].text, &request, &line), cases[i].error);
		assert_int_equal(line, cases[i].line);
		wr_uapi_request_done(&request);
	}
}

static void test_uapi_parse_refuses_a_nul_inside_a_value(void **state)
{
	static const char text[] = "listen_port=1\0002\n";
	struct wr_uapi_request request = { 0 };
	size_t line;

	(void)state;
	assert_int_equal(
		wr_uapi_parse_set((struct wr_bytes){ (const uint8_t *)text, sizeof(text) - 1 },
				  &request, &line),
		-EINVAL);
	wr_uapi_request_done(&request);
}

static void test_uapi_parse_keeps_the_scope_of_an_endpoint(void **state)
{
	static const struct {
		const char *text, *want, *name;
	} cases[] = {
		{ "[fe80::1%eth0]:51820", "[fe80::1]:51820", "eth0" },
		{ "[fe80::1%fifteen-letters]:1", "[fe80::1]:1", "fifteen-letters" },
		{ "[fe80::1%7]:51820", "[fe80::1%7]:51820", "" },
		{ "[fe80::1]:51820", "[fe80::1]:51820", "" },
		{ "[fe80::1%4294967296]:1", "[fe80::1]:1", "4294967296" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char text[256], line[WR_ENDPOINT_TEXT_LEN];
		struct wr_uapi_request request;
		size_t number;

		snprintf(text, sizeof(text), "public_key=" KEY_A "\nendpoint=%s\n", cases[i].text);
		assert_int_equal(parse(text, &request, &number), 0);
		assert_int_equal(request.count, 2);
		wr_endpoint_format(&request.ops[1].endpoint, line);
		assert_string_equal(line, cases[i].want);
		assert_string_equal(request.ops[1].scope_name, cases[i].name);
		wr_uapi_request_done(&request);
	}
}

/* As in the protocol: the flags may stand anywhere in their group. */
static void test_uapi_parse_flags_belong_to_their_peer(void **state)
{
	struct wr_uapi_request request;
	size_t number;

	(void)state;
	assert_int_equal(parse("public_key=" KEY_A "\nallowed_ip=10.0.0.1/32\nremove=true\n"
			       "public_key=" KEY_B "\nallowed_ip=10.0.0.2/32\nupdate_only=true\n"
			       "remove=true\n",
			       &request, &number),
			 0);
	assert_int_equal(request.count, 4);
	assert_true(request.ops[0].is_remove);
	assert_false(request.ops[0].is_update_only);
	assert_true(request.ops[2].is_remove);
	assert_true(request.ops[2].is_update_only);
	wr_uapi_request_done(&request);
}

static void test_uapi_parse_takes_ten_thousand_peers(void **state)
{
	enum {
		PEERS = 10000,
		LINE = 128
	};
	char *text = malloc((size_t)PEERS * LINE);
	struct wr_uapi_request request;
	size_t len = 0, number;

	(void)state;
	for (unsigned i = 0; i < PEERS; i++)
		len += (size_t)sprintf(text + len, "public_key=%064x\nallowed_ip=10.%u.%u.0/24\n",
				       i, i >> 8, i & 255);
	assert_int_equal(parse(text, &request, &number), 0);
	assert_int_equal(request.count, 2 * PEERS);
	assert_int_equal(request.ops[2 * 0x1234].key.bytes[30], 0x12);
	assert_int_equal(request.ops[2 * 0x1234 + 1].prefix.ip.bytes[2], 0x34);
	wr_uapi_request_done(&request);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uapi_parse_takes_all_that_wg_writes),
		cmocka_unit_test(test_uapi_parse_takes_an_empty_request),
		cmocka_unit_test(test_uapi_parse_takes_a_last_line_without_newline),
		cmocka_unit_test(test_uapi_parse_names_error_and_line),
		cmocka_unit_test(test_uapi_parse_refuses_a_nul_inside_a_value),
		cmocka_unit_test(test_uapi_parse_keeps_the_scope_of_an_endpoint),
		cmocka_unit_test(test_uapi_parse_flags_belong_to_their_peer),
		cmocka_unit_test(test_uapi_parse_takes_ten_thousand_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
