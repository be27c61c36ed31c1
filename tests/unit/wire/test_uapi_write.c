#include <errno.h>

#include "unit.h"
#include "wire/uapi.h"

static void test_uapi_write_lines_are_the_protocols(void **state)
{
	struct wr_text text = { 0 };
	struct wr_endpoint endpoint;
	struct wr_prefix prefix;
	struct wr_key key = { { 0xab, 1 } };

	(void)state;
	assert_true(wr_endpoint_parse("[fe80::1%3]:51820", 17, &endpoint));
	assert_true(wr_prefix_parse("10.0.0.0/8", 10, &prefix));
	wr_uapi_write_key(&text, "public_key", &key);
	wr_uapi_write_endpoint(&text, &endpoint);
	wr_uapi_write_number(&text, "rx_bytes", UINT64_MAX);
	wr_uapi_write_allowed_ip(&text, &prefix);
	wr_uapi_write_errno(&text, 0);
	assert_string_equal(
		text.data,
		"public_key=ab01000000000000000000000000000000000000000000000000000000000000\n"
		"endpoint=[fe80::1%3]:51820\n"
		"rx_bytes=18446744073709551615\n"
		"allowed_ip=10.0.0.0/8\n"
		"errno=0\n\n");
	assert_int_equal(text.len, strlen(text.data));
	assert_false(text.is_short_of_memory);
	wr_text_done(&text);
	assert_null(text.data);
}

static void test_uapi_write_errno_is_negative(void **state)
{
	struct wr_text text = { 0 };
	char want[32];

	(void)state;
	snprintf(want, sizeof(want), "errno=-%d\n\n", EINVAL);
	wr_uapi_write_errno(&text, -EINVAL);
	assert_string_equal(text.data, want);
	wr_text_done(&text);
}

/* Appends of every length across the places where it grows. */
static void test_uapi_text_grows_with_what_is_appended(void **state)
{
	struct wr_text text = { 0 };
	char line[600];
	size_t len = 0;

	(void)state;
	wr_text_append(&text, "%s", "");
	assert_string_equal(text.data, "");
	for (size_t i = 0; i < sizeof(line); i++) {
		memset(line, 'a' + (int)(i % 26), i);
		line[i] = '\0';
		wr_text_append(&text, "%s", line);
		len += i;
		assert_int_equal(text.len, len);
		assert_int_equal(strlen(text.data), len);
		assert_int_equal(memcmp(text.data + len - i, line, i), 0);
	}
	wr_text_done(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uapi_write_lines_are_the_protocols),
		cmocka_unit_test(test_uapi_write_errno_is_negative),
		cmocka_unit_test(test_uapi_text_grows_with_what_is_appended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
