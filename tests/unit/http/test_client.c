#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/client.h"
#include "serving_thread.h"

static const struct wr_http_ask get = { .method = "GET", .path = "/a?b=c", .timeout_seconds = 10 };

/* "https://localhost:8443", on what the server listens on. */
static void url_of(const struct serving *serving, char url[64])
{
	snprintf(url, 64, "%s://localhost:%u", serving->config.cert_file ? "https" : "http",
		 serving->port);
}

static void test_client_calls_over_each_way(void **state)
{
	struct serving serving;
	char url[64], why[200];

	(void)state;
	for (int has_tls = 0; has_tls <= 1; has_tls++) {
		serving_start(&serving, "127.0.0.1:0", has_tls, NULL, false);
		url_of(&serving, url);
		for (int is_unix = 0; is_unix <= 1; is_unix++) {
			struct wr_http_target target = { .unix_path = is_unix ? serving.unix_path
									      : NULL,
							 .url = url,
							 .pin = serving.pin };
			struct wr_http_ask ask = { .method = "PUT",
						   .path = "/x%20y?b=c",
						   .authorization = "Bearer t",
						   .if_match = "\"1\"",
						   .content_type = "application/json",
						   .body = { (const uint8_t *)"{}", 2 },
						   .timeout_seconds = 10 };
			struct wr_http_answer answer;
			int status = wr_http_call(&target, &ask, &answer, why);

			if (status)
				print_error("%s\n", why);
			assert_int_equal(status, 0);
			assert_int_equal(answer.status, 200);
			assert_string_equal(answer.content_type, "text/plain");
			assert_null(answer.etag);
			assert_int_equal(answer.len, strlen(answer.body));
			assert_non_null(strstr(answer.body, "method=PUT path=/x%20y query=b=c "));
			assert_non_null(strstr(answer.body, "body=2:{}"));
			assert_string_equal(answer.pin, has_tls && !is_unix ? serving.pin : "");
			wr_http_answer_done(&answer);
		}
		serving_stop(&serving);
	}
}

/* What it returns, and what `why` then says. */
static int try(const struct wr_http_target *target, const struct wr_http_ask *ask, char why[200])
{
	struct wr_http_answer answer;
	int status = wr_http_call(target, ask, &answer, why);

	if (!status)
		wr_http_answer_done(&answer);
	return status;
}

static void test_client_trusts_by_pin_or_authority_only(void **state)
{
	struct serving serving;
	char url[64], why[200];
	struct wr_http_target target = { .url = url };

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	url_of(&serving, url);
	/* Without a pin, what it saw is told. */
	assert_int_equal(try(&target, &get, why), -EKEYREJECTED);
	assert_non_null(strstr(why, serving.pin));
	target.pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	assert_int_equal(try(&target, &get, why), -EKEYREJECTED);
	assert_non_null(strstr(why, serving.pin));
	target.pin = "";
	assert_int_equal(try(&target, &get, why), -EKEYREJECTED);
	target.pin = serving.pin;
	assert_int_equal(try(&target, &get, why), 0);
	/* Nothing was asked before. */
	assert_int_equal(serving.handled, 1);

	/* An authority, and whether it is the name that was asked for. */
	target.pin = NULL;
	setenv("SSL_CERT_FILE", serving.cert_file, 1);
	assert_int_equal(try(&target, &get, why), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", serving.port);
	assert_int_equal(try(&target, &get, why), 0);
	snprintf(url, sizeof(url), "https://127.0.0.2:%u", serving.port);
	serving_stop(&serving);
	serving_start(&serving, "127.0.0.2:0", true, NULL, false);
	setenv("SSL_CERT_FILE", serving.cert_file, 1);
	snprintf(url, sizeof(url), "https://127.0.0.2:%u", serving.port);
	assert_int_equal(try(&target, &get, why), -EKEYREJECTED);
	unsetenv("SSL_CERT_FILE");
	serving_stop(&serving);
}

static void test_client_says_what_went_wrong(void **state)
{
	static const struct {
		const char *url;
		int status;
	} cases[] = {
		{ "", -EINVAL },
		{ "localhost:80", -EINVAL },
		{ "ftp://localhost", -EINVAL },
		{ "http://", -EINVAL },
		{ "http://:80", -EINVAL },
		{ "http://localhost:", -EINVAL },
		{ "http://localhost:0", -EINVAL },
		{ "http://localhost:65536", -EINVAL },
		{ "http://localhost:80a", -EINVAL },
		{ "http://localhost?x", -EINVAL },
		{ "http://user@localhost", -EINVAL },
		{ "http://[::1", -EINVAL },
		{ "http://localhost/a b", -EINVAL },
		{ "http://127.0.0.1:1", -ECONNREFUSED },
		{ "http://name.invalid:1", -EHOSTUNREACH },
	};
	struct wr_http_target target = { 0 };
	struct wr_http_ask ask = get;
	struct serving serving;
	char url[64], why[200];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		int status;

		target.url = cases[i].url;
		status = try(&target, &get, why);
		if (status != cases[i].status)
			print_error("%s: %d %s\n", cases[i].url, status, why);
		assert_int_equal(status, cases[i].status);
		assert_true(*why);
	}
	target.unix_path = "/nonexistent/socket";
	assert_int_equal(try(&target, &get, why), -ENOENT);
	target.unix_path = NULL;

	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", serving.port);
	target.url = url;
	assert_true(try(&target, &get, why) < 0);
	serving_stop(&serving);
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", serving.port);
	assert_true(try(&target, &get, why) < 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/prefix/", serving.port);
	ask.path = "/hold";
	ask.timeout_seconds = 1;
	/* With its prefix it is another path, and answered. */
	assert_int_equal(try(&target, &ask, why), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", serving.port);
	assert_int_equal(try(&target, &ask, why), -ETIMEDOUT);
	ask.path = "/a b";
	assert_int_equal(try(&target, &ask, why), -EINVAL);
	ask.path = "/a\r\nx: y";
	assert_int_equal(try(&target, &ask, why), -EINVAL);
	ask.path = "/big?67108865";
	ask.timeout_seconds = 20;
	assert_int_equal(try(&target, &ask, why), -EMSGSIZE);
	/* A refusal while it still sends is an answer. */
	ask.path = "/";
	ask.method = "POST";
	ask.content_type = "text/plain";
	ask.body.len = 8000000;
	ask.body.data = calloc(1, ask.body.len);
	{
		struct wr_http_answer answer;

		assert_int_equal(wr_http_call(&target, &ask, &answer, why), 0);
		assert_int_equal(answer.status, 413);
		wr_http_answer_done(&answer);
	}
	free((void *)(uintptr_t)ask.body.data);
	serving_stop(&serving);
}

/* TLS hands over records; whatever comes last, and however small, must not stay in it when
 * nothing else comes on the socket. */
static void test_client_sends_bodies_of_any_length(void **state)
{
	static const struct wr_http_limits limits = { 1 << 20, 100, 100, 5 };
	struct serving serving;
	char url[64], why[200], expected[32];
	struct wr_http_target target = { .url = url };
	struct wr_http_ask ask = { .method = "POST",
				   .path = "/",
				   .content_type = "text/plain",
				   .body.data = calloc(1, 1 << 20),
				   .timeout_seconds = 3 };

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, &limits, false);
	url_of(&serving, url);
	target.pin = serving.pin;
	for (ask.body.len = 60000; ask.body.len < 1000000; ask.body.len += ask.body.len / 50 + 1) {
		struct wr_http_answer answer;
		int status = wr_http_call(&target, &ask, &answer, why);

		if (status)
			print_error("%zu: %s\n", ask.body.len, why);
		assert_int_equal(status, 0);
		snprintf(expected, sizeof(expected), " body=%zu:", ask.body.len);
		assert_non_null(strstr(answer.body, expected));
		wr_http_answer_done(&answer);
	}
	free((void *)(uintptr_t)ask.body.data);
	serving_stop(&serving);
}

/* --- A server that is none: what it says, then it hangs up. --- */

struct liar {
	uv_thread_t thread;
	int listener;
	uint16_t port;
	const char *answer;
};

static void lie(void *context)
{
	struct liar *liar = context;
	int fd = accept(liar->listener, NULL, NULL);
	char piece[4096];

	assert_true(recv(fd, piece, sizeof(piece), 0) > 0);
	send_text(fd, liar->answer);
	close(fd);
}

static void test_client_bears_bad_answers(void **state)
{
	static const struct {
		const char *answer;
		int status;
	} cases[] = {
		{ "", -ECONNRESET },
		{ "HTTP/1.1 200", -EPROTO },
		{ "nonsense\r\n\r\n", -EPROTO },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", -EPROTO },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", -EPROTO },
		{ "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", -EPROTO },
		{ "HTTP/1.1 200 OK\r\n\r\nuntil the end", 0 },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 0 },
		{ "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 1\r\n\r\nabcd", 0 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct sockaddr_storage address = { .ss_family = AF_UNIX };
		struct liar liar = { .answer = cases[i].answer,
				     .listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
		char path[] = "/tmp/warren-liar-XXXXXX", socket_path[64], why[200];
		struct wr_http_target target = { .unix_path = socket_path };
		int status;

		assert_non_null(mkdtemp(path));
		snprintf(socket_path, sizeof(socket_path), "%s/s", path);
		strcpy((char *)&address + sizeof(sa_family_t), socket_path);
		assert_int_equal(bind(liar.listener, (struct sockaddr *)&address, 110), 0);
		assert_int_equal(listen(liar.listener, 1), 0);
		uv_thread_create(&liar.thread, lie, &liar);
		status = try(&target, &get, why);
		if (status != cases[i].status)
			print_error("%s: %d %s\n", cases[i].answer, status, why);
		assert_int_equal(status, cases[i].status);
		uv_thread_join(&liar.thread);
		close(liar.listener);
		unlink(socket_path);
		rmdir(path);
	}
}

/* --- Following. --- */

struct lines {
	struct serving *serving;
	unsigned count, status;
	char first[64];
};

static bool take_line(void *context, unsigned status, const char *text)
{
	struct lines *lines = context;

	lines->status = status;
	if (!lines->count++)
		snprintf(lines->first, sizeof(lines->first), "%s", text);
	if (lines->count == 2)
		serving_publish(lines->serving);
	return strncmp(text, "data: xxx", 9) != 0;
}

static void test_client_follows_events(void **state)
{
	struct serving serving;
	struct lines lines = { .serving = &serving };
	struct wr_http_target target = { .unix_path = serving.unix_path };
	struct wr_http_ask ask = { .method = "GET", .path = "/events", .timeout_seconds = 10 };
	char why[200];

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	assert_int_equal(wr_http_follow(&target, &ask, take_line, &lines, why), 0);
	assert_string_equal(lines.first, "data: hello");
	assert_int_equal(lines.count, 3);
	wait_until(&serving.ended, 1);
	/* What is no 200 is one line. */
	lines = (struct lines){ .serving = &serving };
	ask.path = "/none";
	assert_int_equal(wr_http_follow(&target, &ask, take_line, &lines, why), 0);
	assert_int_equal(lines.count, 1);
	assert_int_equal(lines.status, 204);
	serving_stop(&serving);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_calls_over_each_way),
		cmocka_unit_test(test_client_trusts_by_pin_or_authority_only),
		cmocka_unit_test(test_client_says_what_went_wrong),
		cmocka_unit_test(test_client_sends_bodies_of_any_length),
		cmocka_unit_test(test_client_bears_bad_answers),
		cmocka_unit_test(test_client_follows_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
