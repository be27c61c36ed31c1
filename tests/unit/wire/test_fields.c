#include "wire/fields.h"

#include "unit.h"

static struct wr_reader reader_of(const char *hex, uint8_t *bytes, size_t size)
{
	return wr_reader_of((struct wr_bytes){ bytes, unit_hex(hex, bytes, size) });
}

static void test_fields_words(void **state)
{
	static const struct {
		const char *text;
		bool is_label, is_tag, is_plain;
	} cases[] = {
		{ "", false, false, false },     { "az09", true, true, true },
		{ "a-b", true, true, true },     { "0", true, true, true },
		{ "-a", false, true, true },     { "a-", false, true, true },
		{ "-", false, true, true },      { "A", false, true, true },
		{ "a_b", false, true, true },    { "a.b", false, true, true },
		{ "a b", false, false, true },   { "a\n", false, false, false },
		{ "\x7f", false, false, false }, { "\xc3\xa4", false, false, false },
		{ "a/b", false, false, true },   { "~!", false, false, true },
	};
	char longest[WR_LABEL_LEN + 1];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);

		if (wr_field_is_word(WR_WORD_LABEL, cases[i].text, len) != cases[i].is_label ||
		    wr_field_is_word(WR_WORD_TAG, cases[i].text, len) != cases[i].is_tag ||
		    wr_field_is_word(WR_WORD_PLAIN, cases[i].text, len) != cases[i].is_plain)
			fail_msg("\"%s\"", cases[i].text);
	}
	memset(longest, 'a', sizeof(longest));
	assert_true(wr_field_is_word(WR_WORD_LABEL, longest, WR_LABEL_LEN));
	assert_false(wr_field_is_word(WR_WORD_LABEL, longest, WR_LABEL_LEN + 1));
	assert_false(wr_field_is_word(WR_WORD_TAG, "a\0b", 3));
	assert_false(wr_field_is_word(WR_WORD_LABEL, "a\0b", 3));
}

static void test_fields_numbers_are_big_endian(void **state)
{
	uint8_t bytes[16], written[14];
	struct wr_reader reader = reader_of("0102 0304050607080900 01020304", bytes, sizeof(bytes));
	struct wr_writer writer = wr_writer_of(written, sizeof(written));

	(void)state;
	assert_int_equal(wr_read_be16(&reader), 0x0102);
	assert_int_equal(wr_read_be64(&reader), UINT64_C(0x0304050607080900));
	wr_write_number(&writer, 0x0102, 2);
	wr_write_number(&writer, UINT64_C(0x0304050607080900), 8);
	wr_write_number(&writer, 0x01020304, 4);
	assert_false(writer.bad);
	assert_memory_equal(written, bytes, sizeof(written));
	/* Too short from here on. */
	assert_int_equal(wr_read_be64(&reader), UINT64_C(0x0102030400000000));
	assert_true(reader.bad);
	wr_write_number(&writer, 1, 1);
	assert_true(writer.bad);
	assert_ptr_equal(writer.at, written + sizeof(written));
}

/* Read, and written again the same; or refused. */
static void test_fields_endpoints(void **state)
{
	static const struct {
		const char *hex, *text; /* NULL: bad */
	} cases[] = {
		{ "04 c0000201 ca6c", "192.0.2.1:51820" },
		{ "06 20010db8000000000000000000000001 01bb", "[2001:db8::1]:443" },
		{ "06 fe800000000000000000000000000001 01bb", "[fe80::1]:443" },
		{ "04 01000001 0001", "1.0.0.1:1" },
		{ "04 dfffffff ffff", "223.255.255.255:65535" },
		{ "04 c0000201 0000", NULL },
		{ "04 00000000 0001", NULL },
		{ "04 00000001 0001", NULL },
		{ "04 7f000001 0001", NULL },
		{ "04 e0000001 0001", NULL },
		{ "04 ffffffff 0001", NULL },
		{ "06 00000000000000000000000000000000 0001", NULL },
		{ "06 00000000000000000000000000000001 0001", NULL },
		{ "06 00000000000000000000ffffc0000201 0001", NULL },
		{ "06 ff020000000000000000000000000001 0001", NULL },
		{ "00 c0000201 ca6c", NULL },
		{ "05 c0000201 ca6c", NULL },
		{ "04 c0000201 ca", NULL },
		{ "04 c00002", NULL },
		{ "04", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint8_t bytes[32], again[32];
		struct wr_reader reader = reader_of(cases[i].hex, bytes, sizeof(bytes));
		struct wr_writer writer = wr_writer_of(again, sizeof(again));
		struct wr_endpoint endpoint = wr_read_endpoint(&reader);
		char text[WR_ENDPOINT_TEXT_LEN];

		if (reader.bad != !cases[i].text)
			fail_msg("%s", cases[i].hex);
		if (reader.bad)
			continue;
		wr_endpoint_format(&endpoint, text);
		assert_string_equal(text, cases[i].text);
		wr_write_endpoint(&writer, &endpoint);
		assert_memory_equal(again, bytes, (size_t)(writer.at - again));
	}
}

static void test_fields_prefixes(void **state)
{
	static const struct {
		const char *hex, *text; /* NULL: bad */
	} cases[] = {
		{ "04 0a000000 08", "10.0.0.0/8" },
		{ "04 0a010203 20", "10.1.2.3/32" },
		{ "04 00000000 00", "0.0.0.0/0" },
		{ "04 80000000 01", "128.0.0.0/1" },
		{ "06 fd000000000000000000000000000000 08", "fd00::/8" },
		{ "06 20010db8000000000000000000000001 80", "2001:db8::1/128" },
		{ "04 0a000000 21", NULL },
		{ "04 0a000001 08", NULL },
		{ "04 0a800000 08", NULL },
		{ "04 80000000 00", NULL },
		{ "06 fd000000000000000000000000000000 81", NULL },
		{ "06 20010db8000000000000000000000001 7f", NULL },
		{ "07 0a000000 08", NULL },
		{ "04 0a000000", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint8_t bytes[32], again[32];
		struct wr_reader reader = reader_of(cases[i].hex, bytes, sizeof(bytes));
		struct wr_writer writer = wr_writer_of(again, sizeof(again));
		struct wr_prefix prefix = wr_read_prefix(&reader);
		char text[WR_ENDPOINT_TEXT_LEN];

		if (reader.bad != !cases[i].text)
			fail_msg("%s", cases[i].hex);
		if (reader.bad)
			continue;
		wr_prefix_format(&prefix, text);
		assert_string_equal(text, cases[i].text);
		wr_write_prefix(&writer, &prefix);
		assert_memory_equal(again, bytes, (size_t)(writer.at - again));
	}
}

static void test_fields_word_fits_its_array(void **state)
{
	uint8_t bytes[8];
	struct wr_reader reader = reader_of("03 616263", bytes, sizeof(bytes));
	char word[4] = "xyz", shorter[3];

	(void)state;
	wr_read_word(&reader, WR_WORD_LABEL, false, word, sizeof(word));
	assert_true(wr_reader_done(&reader));
	assert_string_equal(word, "abc");
	reader = reader_of("03 616263", bytes, sizeof(bytes));
	wr_read_word(&reader, WR_WORD_LABEL, false, shorter, sizeof(shorter));
	assert_true(reader.bad);
	reader = reader_of("00", bytes, sizeof(bytes));
	wr_read_word(&reader, WR_WORD_LABEL, true, word, sizeof(word));
	assert_true(wr_reader_done(&reader));
	assert_string_equal(word, "");
	reader = reader_of("00", bytes, sizeof(bytes));
	wr_read_word(&reader, WR_WORD_LABEL, false, word, sizeof(word));
	assert_true(reader.bad);
	reader = reader_of("", bytes, sizeof(bytes));
	wr_read_word(&reader, WR_WORD_LABEL, true, word, sizeof(word));
	assert_true(reader.bad);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_words),
		cmocka_unit_test(test_fields_numbers_are_big_endian),
		cmocka_unit_test(test_fields_endpoints),
		cmocka_unit_test(test_fields_prefixes),
		cmocka_unit_test(test_fields_word_fits_its_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
