#include "cli/answer.h"

#include "unit.h"

static bool feed(struct wr_answer *answer, const char *text, size_t step)
{
	size_t len = strlen(text);

	wr_answer_init(answer);
	for (size_t at = 0; at < len && !answer->is_whole; at += step) {
		if (!wr_answer_feed(answer, text + at, len - at < step ? len - at : step))
			return false;
	}
	return answer->is_whole || wr_answer_feed(answer, "", 0);
}

static const struct {
	const char *text;
	unsigned status; /* 0: refused */
	const char *cookie, *body;
} cases[] = {
	{ "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nSet-Cookie: warren_session=abc; HttpOnly\r\n\r\n{}",
	  201, "warren_session=abc", "{}" },
	{ "HTTP/1.1 200 OK\r\nset-cookie:a=1\r\nx: y\r\nset-cookie: b=2;Path=/\r\ncontent-length: 0\r\n\r\n",
	  200, "b=2", "" },
	{ "HTTP/1.1 204 No Content\r\nSet-Cookies: a=1\r\nX-Set-Cookie: b=2\r\n\r\n", 204, "", "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200,
	  "", "{}" },
	{ "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n{\"a\":1}", 401, "", "{\"a\":1}" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 0, NULL, NULL },
	{ "SSH-2.0-OpenSSH\r\n", 0, NULL, NULL },
	{ "", 0, NULL, NULL },
};

static void test_answer_is_read_in_any_pieces(void **state)
{
	static struct wr_answer answer;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step < 200; step += 7) {
			bool is_good = feed(&answer, cases[i].text, step);

			print_message("case %zu step %zu\n", i, step);
			assert_int_equal(is_good, cases[i].status != 0);
			if (!is_good)
				continue;
			assert_int_equal(answer.status, cases[i].status);
			assert_string_equal(answer.cookie, cases[i].cookie);
			assert_string_equal(answer.body, cases[i].body);
		}
	}
}

static void test_answer_is_bounded(void **state)
{
	static struct wr_answer answer;
	static char body[WR_ANSWER_BODY_MAX];
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";

	(void)state;
	memset(body, 'a', sizeof(body));
	wr_answer_init(&answer);
	assert_true(wr_answer_feed(&answer, head, strlen(head)));
	assert_true(wr_answer_feed(&answer, body, sizeof(body)));
	assert_int_equal(answer.body[WR_ANSWER_BODY_MAX], '\0');
	assert_false(wr_answer_feed(&answer, body, 1));
	head = "HTTP/1.1 200 OK\r\nSet-Cookie: ";
	wr_answer_init(&answer);
	assert_true(wr_answer_feed(&answer, head, strlen(head)));
	assert_true(wr_answer_feed(&answer, body, 255));
	assert_false(wr_answer_feed(&answer, body, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_is_read_in_any_pieces),
		cmocka_unit_test(test_answer_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
