#include "base/key.h"

#include "unit.h"

static void test_key_hex_round_trips(void **state)
{
	static const char text[] = "000102030405060708090a0b0c0d0e0f"
				   "f0e1d2c3b4a5968778695a4b3c2d1eff";
	char again[WR_KEY_HEX_LEN + 1];
	struct wr_key key;

	(void)state;
	assert_true(wr_key_from_hex(text, WR_KEY_HEX_LEN, &key));
	assert_int_equal(key.bytes[1], 0x01);
	assert_int_equal(key.bytes[31], 0xff);
	wr_key_to_hex(&key, again);
	assert_string_equal(again, text);
}

static void test_key_from_hex_takes_upper_case(void **state)
{
	char text[WR_KEY_HEX_LEN];
	struct wr_key key;

	(void)state;
	memset(text, 'A', sizeof(text));
	text[1] = 'F';
	assert_true(wr_key_from_hex(text, sizeof(text), &key));
	assert_int_equal(key.bytes[0], 0xaf);
	assert_int_equal(key.bytes[31], 0xaa);
}

/* Each of the 256 values of a character, in a high and a low digit. */
static void test_key_from_hex_takes_digits_only(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		bool is_digit = value != 0 && strchr("0123456789abcdefABCDEF", (int)value) != NULL;

		for (size_t at = 30; at < 32; at++) {
			struct wr_key key = { { 1, 2, 3 } };
			char text[WR_KEY_HEX_LEN];

			memset(text, '0', sizeof(text));
			text[at] = (char)value;
			assert_int_equal(wr_key_from_hex(text, sizeof(text), &key), is_digit);
			assert_int_equal(key.bytes[0], is_digit ? 0 : 1);
		}
	}
}

static void test_key_from_hex_takes_64_digits_only(void **state)
{
	char text[WR_KEY_HEX_LEN + 1];
	struct wr_key key;

	(void)state;
	memset(text, '0', sizeof(text));
	assert_false(wr_key_from_hex(text, 0, &key));
	assert_false(wr_key_from_hex(text, WR_KEY_HEX_LEN - 1, &key));
	assert_true(wr_key_from_hex(text, WR_KEY_HEX_LEN, &key));
	assert_false(wr_key_from_hex(text, WR_KEY_HEX_LEN + 1, &key));
}

static void test_key_hex_equals_printf(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	char want[WR_KEY_HEX_LEN + 1], got[WR_KEY_HEX_LEN + 1];
	struct wr_key key, again;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		unit_random_bytes(&random, key.bytes, sizeof(key.bytes));
		for (size_t i = 0; i < WR_KEY_LEN; i++)
			snprintf(want + 2 * i, 3, "%02x", key.bytes[i]);
		wr_key_to_hex(&key, got);
		assert_string_equal(got, want);
		assert_true(wr_key_from_hex(got, WR_KEY_HEX_LEN, &again));
		assert_true(wr_key_equal(&key, &again));
	}
}

/* The right side: python3 -c 'import base64; print(base64.b64encode(bytes.fromhex(HEX)))' */
static void test_key_base64_known_answers(void **state)
{
	static const struct {
		const char *hex, *base64;
	} cases[] = {
		{ "0000000000000000000000000000000000000000000000000000000000000000",
		  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
		{ "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  "//////////////////////////////////////////8=" },
		{ "00108310518720928b30d38f41149351559761969b71d79f8218a39259a7a29a",
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopo=" },
		{ "a9aba9baafcbebefbd000102fbefbef8fffbbf0dcaecaedbafd35db7e39ebbf3",
		  "qaupuq/L6++9AAEC+++++P/7vw3K7K7br9Ndt+Oeu/M=" },
	};
	char text[WR_KEY_BASE64_LEN + 1];
	struct wr_key key;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		assert_true(wr_key_from_hex(cases[i].hex, WR_KEY_HEX_LEN, &key));
		wr_key_to_base64(&key, text);
		assert_string_equal(text, cases[i].base64);
	}
}

/* Every character of the alphabet, by its definition. */
static void test_key_base64_equals_a_table(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	struct unit_random random = unit_random_start(__func__);
	char text[WR_KEY_BASE64_LEN + 1];
	struct wr_key key;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		uint8_t padded[33] = { 0 };

		unit_random_bytes(&random, key.bytes, sizeof(key.bytes));
		memcpy(padded, key.bytes, sizeof(key.bytes));
		wr_key_to_base64(&key, text);
		for (unsigned i = 0; i < 43; i++) {
			unsigned bit = 6 * i;
			unsigned two = (unsigned)padded[bit / 8] << 8 | padded[bit / 8 + 1];

			assert_int_equal(text[i], alphabet[two >> (10 - bit % 8) & 63]);
		}
		assert_string_equal(text + 43, "=");
	}
}

static void test_key_equal_sees_every_bit(void **state)
{
	struct wr_key a = { { 0 } }, b = { { 0 } };

	(void)state;
	assert_true(wr_key_equal(&a, &b));
	assert_true(wr_key_is_zero(&a));
	for (size_t bit = 0; bit < 8 * WR_KEY_LEN; bit++) {
		b.bytes[bit / 8] = (uint8_t)(1 << bit % 8);
		assert_false(wr_key_equal(&a, &b));
		assert_false(wr_key_is_zero(&b));
		b.bytes[bit / 8] = 0;
	}
}

static void test_key_wipe_zeroes(void **state)
{
	uint8_t bytes[5] = { 1, 2, 3, 4, 5 };
	static const uint8_t want[5] = { 1, 0, 0, 0, 5 };

	(void)state;
	wr_wipe(bytes + 1, 3);
	assert_memory_equal(bytes, want, sizeof(want));
	wr_wipe(NULL, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_hex_round_trips),
		cmocka_unit_test(test_key_from_hex_takes_upper_case),
		cmocka_unit_test(test_key_from_hex_takes_digits_only),
		cmocka_unit_test(test_key_from_hex_takes_64_digits_only),
		cmocka_unit_test(test_key_hex_equals_printf),
		cmocka_unit_test(test_key_base64_known_answers),
		cmocka_unit_test(test_key_base64_equals_a_table),
		cmocka_unit_test(test_key_equal_sees_every_bit),
		cmocka_unit_test(test_key_wipe_zeroes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
