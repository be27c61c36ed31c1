#include "wire/join_key.h"

#include <errno.h>

#include "unit.h"

/* Made by hand with Python: base64url(body + blake2s(body)[:4]), pin 00 01 .. 1f, secret
 * 64 65 .. 77, "203.0.113.1:8443". */
static const char known[] = "wrj_AQIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2RlZmdoaWprbG1ub3Bxcn"
			    "N0dXZ3MjAzLjAuMTEzLjE6ODQ0M0tW_OY";

static struct wr_join_key make_key(void)
{
	struct wr_join_key key = { .has_pin = true, .address = "203.0.113.1:8443" };

	for (size_t i = 0; i < sizeof(key.pin); i++)
		key.pin[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(key.secret); i++)
		key.secret[i] = (uint8_t)(100 + i);
	return key;
}

static struct wr_join_key parse(const char *text)
{
	struct wr_join_key key = { 0 };
	char why[200] = "";

	if (wr_join_key_parse(text, &key, why) != 0)
		fail_msg("not taken: %s", why);
	return key;
}

static void assert_equal(const struct wr_join_key *a, const struct wr_join_key *b)
{
	assert_int_equal(a->is_plain, b->is_plain);
	assert_int_equal(a->has_pin, b->has_pin);
	assert_memory_equal(a->pin, b->pin, sizeof(a->pin));
	assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
	assert_string_equal(a->address, b->address);
}

static void test_join_key_known_answer(void **state)
{
	struct wr_join_key key = make_key(), read = parse(known);
	char text[WR_JOIN_KEY_TEXT_LEN];

	(void)state;
	wr_join_key_format(&key, text);
	assert_string_equal(text, known);
	assert_equal(&read, &key);
}

static void test_join_key_of_every_kind_reads_as_it_was_written(void **state)
{
	static const char *const addresses[] = { "a:1", "warren.example.com:443",
						 "[2001:db8::1]:65535", "10.0.0.1:8443" };
	struct wr_join_key key = make_key(), read;
	char text[WR_JOIN_KEY_TEXT_LEN];

	(void)state;
	for (unsigned i = 0; i < 4 * WR_ARRAY_LEN(addresses); i++) {
		strcpy(key.address, addresses[i / 4]);
		key.is_plain = i & 1;
		key.has_pin = i & 2;
		if (!key.has_pin)
			memset(key.pin, 0, sizeof(key.pin));
		wr_join_key_format(&key, text);
		read = parse(text);
		assert_equal(&read, &key);
		key = make_key();
	}
}

static void test_join_key_of_the_longest_address_fits(void **state)
{
	struct wr_join_key key = make_key(), read;
	char text[WR_JOIN_KEY_TEXT_LEN];

	(void)state;
	memset(key.address, 'a', sizeof(key.address) - 1);
	strcpy(key.address + sizeof(key.address) - 1 - 6, ":65535");
	wr_join_key_format(&key, text);
	read = parse(text);
	assert_equal(&read, &key);
}

static void test_join_key_is_taken_with_space_around_it(void **state)
{
	struct wr_join_key key = make_key(), read;
	char text[WR_JOIN_KEY_TEXT_LEN + 8];

	(void)state;
	snprintf(text, sizeof(text), " \t%s\r\n", known);
	read = parse(text);
	assert_equal(&read, &key);
}

static void assert_refused(const char *text, const char *word)
{
	struct wr_join_key key = { .address = "untouched" };
	char why[200] = "";

	assert_int_equal(wr_join_key_parse(text, &key, why), -EINVAL);
	if (!strstr(why, word))
		fail_msg("\"%s\" says: %s", text, why);
	assert_string_equal(key.address, "untouched");
	/* Never the key. */
	assert_null(strstr(why, "AQIAAQ"));
}

/* A changed letter, wherever it is, is a typo and no other key. */
static void test_join_key_with_any_letter_changed_is_refused(void **state)
{
	struct wr_join_key key;
	char text[WR_JOIN_KEY_TEXT_LEN], why[200];

	(void)state;
	for (size_t i = 0; i < strlen(known); i++) {
		strcpy(text, known);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		why[0] = '\0';
		assert_int_equal(wr_join_key_parse(text, &key, why), -EINVAL);
		assert_true(why[0]);
	}
	for (size_t i = 0; i < strlen(known); i++) {
		strcpy(text, known);
		text[i] = '\0';
		assert_int_equal(wr_join_key_parse(text, &key, why), -EINVAL);
	}
}

static void test_join_key_says_what_is_wrong(void **state)
{
	char text[2048];

	(void)state;
	assert_refused("", "no join key");
	assert_refused("warren_t_abcdef", "no join key");
	assert_refused("wrj", "no join key");
	assert_refused("wrj_", "cut short");
	assert_refused("wrj_AAAA", "cut short");
	assert_refused("wrj_AA+A", "damaged");
	assert_refused("wrj_AA==", "damaged");
	snprintf(text, sizeof(text), "%s %s", known, known);
	assert_refused(text, "spaces");
	snprintf(text, sizeof(text), "%.40s", known);
	assert_refused(text, "cut short");
	strcpy(text, "wrj_");
	memset(text + 4, 'A', 1000);
	text[1004] = '\0';
	assert_refused(text, "too long");
	/* Format 2, and flag 4; checksums are right. */
	assert_refused("wrj_AgIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2RlZmdoaWpr"
		       "bG1ub3BxcnN0dXZ3MjAzLjAuMTEzLjE6ODQ0M3ADqXI",
		       "later version");
	assert_refused("wrj_AQQAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2RlZmdoaWpr"
		       "bG1ub3BxcnN0dXZ3MjAzLjAuMTEzLjE6ODQ0M2mb3Ng",
		       "later version");
	assert_refused("wrj_AQIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2RlZmdoaWpr"
		       "bG1ub3BxcnN0dXZ3bm93aGVyZS1FRWw",
		       "names no address");
	assert_refused("wrj_AQIAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2RlZmdoaWpr"
		       "bG1ub3BxcnN0dXZ3YToxADoyGRYdHw",
		       "names no address");
}

static void test_join_address_is_host_and_port(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} cases[] = {
		{ "a:1", true },
		{ "a.b-c.example:8443", true },
		{ "192.0.2.1:65535", true },
		{ "[2001:db8::1]:443", true },
		{ "", false },
		{ ":443", false },
		{ "a", false },
		{ "a:", false },
		{ "a:0", false },
		{ "a:080", false },
		{ "a:65536", false },
		{ "a:99999", false },
		{ "a:100000", false },
		{ "a:1x", false },
		{ "[]:1", false },
		{ "[g]:1", false },
		{ "2001:db8::1", false },
		{ "https://a:1", false },
		{ "a/b:1", false },
		{ "a b:1", false },
		{ "user@a:1", false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		if (wr_join_address_is_good(cases[i].text) != cases[i].is_good)
			fail_msg("%s", cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_key_known_answer),
		cmocka_unit_test(test_join_key_of_every_kind_reads_as_it_was_written),
		cmocka_unit_test(test_join_key_of_the_longest_address_fits),
		cmocka_unit_test(test_join_key_is_taken_with_space_around_it),
		cmocka_unit_test(test_join_key_with_any_letter_changed_is_refused),
		cmocka_unit_test(test_join_key_says_what_is_wrong),
		cmocka_unit_test(test_join_address_is_host_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
