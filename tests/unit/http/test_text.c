#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/client.h"
#include "http/head.h"
#include "http/server.h"
#include "http/text.h"

static void test_text_unescapes(void **state)
{
	static const struct {
		const char *text, *expected; /* NULL: refused */
	} cases[] = {
		{ "", "" },       { "abc", "abc" },  { "a%20b", "a b" }, { "%41%6a%6A", "Ajj" },
		{ "a+b", "a+b" }, { "%25", "%" },    { "%2541", "%41" }, { "%c3%a4", "\xc3\xa4" },
		{ "%", NULL },    { "%4", NULL },    { "%4g", NULL },    { "%g4", NULL },
		{ "%00", NULL },  { "a%00b", NULL }, { "%%41", NULL },   { "% 41", NULL },
		{ "%-1", NULL },  { "%2", NULL },    { "%ff", "\xff" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char *text = strdup(cases[i].text);
		bool is_good = wr_http_unescape(text);

		assert_int_equal(is_good, cases[i].expected != NULL);
		if (is_good)
			assert_string_equal(text, cases[i].expected);
		free(text);
	}
}

static void test_text_escapes_what_unescapes(void **state)
{
	char all[256];
	char *escaped, *simple;

	(void)state;
	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	escaped = wr_http_escape(all);
	assert_int_equal(strspn(escaped, "%0123456789abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~"),
			 strlen(escaped));
	assert_true(wr_http_unescape(escaped));
	assert_string_equal(escaped, all);
	free(escaped);
	simple = wr_http_escape("a/b c~\xc3\xa4");
	assert_string_equal(simple, "a%2Fb%20c~%C3%A4");
	free(simple);
}

static void test_text_finds_query_values(void **state)
{
	static const struct {
		const char *query, *expected;
	} cases[] = {
		{ "", NULL },        { "x=1", "1" },     { "y=2&x=1&x=3", "1" },
		{ "xx=2&x=1", "1" }, { "x", "" },        { "x=", "" },
		{ "x&y", "" },       { "y=x", NULL },    { "x=a%26b&y", "a&b" },
		{ "x=a+b", "a b" },  { "%78=1", "1" },   { "x=%2B", "+" },
		{ "x=a=b", "a=b" },  { "&&x=1&&", "1" }, { "x=%", NULL },
		{ "x=%00", NULL },   { "%=1&x=2", "2" }, { "=1", NULL },
		{ "X=1", NULL },     { "y=x=1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char *value = wr_http_query_value(cases[i].query, "x");

		if (!cases[i].expected)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].expected);
		free(value);
	}
}

static void test_text_reads_forwarded_addresses(void **state)
{
	static const struct {
		const char *value, *expected;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "10.0.0.1, 192.0.2.1", "192.0.2.1" },
		{ "evil,192.0.2.1 ", "192.0.2.1" },
		{ "192.0.2.1:1234", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:80", "2001:db8::1" },
		{ "", NULL },
		{ "192.0.2.1,", NULL },
		{ "unknown", NULL },
		{ "192.0.2.1, _hidden", NULL },
		{ "[]", NULL },
		{ "192.0.2.1 192.0.2.2", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char text[WR_ENDPOINT_TEXT_LEN];
		struct wr_ip ip;
		bool is_good = wr_http_forwarded_for(cases[i].value, &ip);

		assert_int_equal(is_good, cases[i].expected != NULL);
		if (!is_good)
			continue;
		wr_ip_format(&ip, text);
		assert_string_equal(text, cases[i].expected);
	}
	assert_true(wr_http_forwarded_is_secure("https"));
	assert_true(wr_http_forwarded_is_secure("http, HTTPS "));
	assert_false(wr_http_forwarded_is_secure("https, http"));
	assert_false(wr_http_forwarded_is_secure("httpsx"));
	assert_false(wr_http_forwarded_is_secure(""));
}

static void test_head_keeps_what_is_kept(void **state)
{
	struct wr_http_head head = { 0 };

	(void)state;
	wr_head_method(&head, "POST", 4);
	wr_head_target(&head, "/a?b?c", 6);
	wr_head_field(&head, "COOKIE", 6, "a=1", 3);
	wr_head_field(&head, "cookie", 6, "b=2", 3);
	wr_head_field(&head, "accept", 6, "x", 1);
	wr_head_field(&head, "accept", 6, "y", 1);
	wr_head_field(&head, "x-forwarded-for", 15, "y", 1);
	wr_head_field(&head, "unknown", 7, "y", 1);
	wr_head_check(&head);
	assert_int_equal(head.fault, 0);
	assert_int_equal(head.method, WR_HTTP_POST);
	assert_string_equal(head.path, "/a");
	assert_string_equal(head.query, "b?c");
	assert_string_equal(wr_head_value(&head, "cookie"), "a=1; b=2");
	assert_string_equal(wr_head_value(&head, "accept"), "x, y");
	assert_null(wr_head_value(&head, "host"));
	/* The server's own are not for handlers. */
	assert_null(wr_head_value(&head, "x-forwarded-for"));
	assert_null(wr_head_value(&head, "unknown"));
	wr_head_done(&head);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_unescapes),
		cmocka_unit_test(test_text_escapes_what_unescapes),
		cmocka_unit_test(test_text_finds_query_values),
		cmocka_unit_test(test_text_reads_forwarded_addresses),
		cmocka_unit_test(test_head_keeps_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
