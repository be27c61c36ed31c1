#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "serving_thread.h"

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_error("no \"%s\" in: %s\n", part, text);
	assert_non_null(strstr(text, part));
}

/* Sends it, says that nothing follows, and returns all that comes until the server hangs up. */
static char *ask_on(int fd, const void *request, size_t len)
{
	char *answer;

	send_bytes(fd, request, len);
	shutdown(fd, SHUT_WR);
	answer = receive_until(fd, NULL);
	close(fd);
	return answer;
}

static char *ask(const struct serving *serving, const char *request)
{
	return ask_on(serving_connect(serving), request, strlen(request));
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

/* --- What is answered. --- */

static void test_server_gives_the_handler_what_came(void **state)
{
	struct serving serving;
	char *answer;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	answer = ask(&serving, "PATCH /echo/%2Fa%20b?x=1&y=%26 HTTP/1.1\r\nHost: h\r\n"
			       "X-CSRF-Token: t\r\nCookie: a=1\r\nCookie:b=2 \r\n"
			       "Connection: close\r\nContent-Length: 3\r\n\r\nabc");
	assert_int_equal(status_of(answer), 200);
	assert_has(answer, "method=PATCH path=/echo/%2Fa%20b query=x=1&y=%26 remote=127.0.0.1 "
			   "secure=0 uid=-1 host=h cookie=a=1; b=2 csrf=t body=3:abc");
	assert_has(answer, "connection: close\r\n");
	assert_has(answer, "X-Test: yes\r\n");
	assert_has(answer, "content-type: text/plain\r\n");
	assert_has(answer, "\r\ndate: ");
	free(answer);
	serving_stop(&serving);
}

struct exchange {
	const char *name, *request;
	unsigned status;
	const char *part; /* of the answer; NULL: any */
};

static const struct exchange exchanges[] = {
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, "connection: close" },
	{ "HTTP/1.0 kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200,
	  "connection: keep-alive" },
	{ "lines without CR", "GET / HTTP/1.1\nHost: h\n\n", 200, "path=/ " },
	{ "empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, "path=/ " },
	{ "absolute form", "GET http://other/a?b HTTP/1.1\r\nHost: h\r\n\r\n", 200,
	  "path=/a query=b " },
	{ "empty header", "GET / HTTP/1.1\r\nHost:\r\nX:\r\n\r\n", 200, "host= " },
	{ "a method that few know", "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n", 200, "method=OTHER" },
	{ "an upgrade",
	  "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 200,
	  "method=GET" },
	{ "an upgrade with a body",
	  "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	  "Content-Length: 2\r\n\r\nab",
	  200, "body=2:ab" },
	{ "chunks",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nHost: trailer\r\n\r\n",
	  200, "host=h cookie=(none) csrf=(none) body=5:abcde" },
	{ "a body on GET", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", 200,
	  "body=1:x" },
	{ "no content", "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", 204, "204 No Content" },
	{ "continue",
	  "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 100,
	  "body=1:x" },
	/* Wrong, and said so. */
	{ "nonsense", "nonsense\r\n\r\n", 400, NULL },
	{ "binary", "\x16\x03\x01\x02 hello", 400, NULL },
	{ "no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a method that nobody knows", "NONE / HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "no version", "GET /\r\n\r\n", 505, NULL },
	{ "another protocol", "GET / FTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "another version", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505, NULL },
	{ "a version that is none", "GET / HTTP/1.x\r\nHost: h\r\n\r\n", 400, NULL },
	{ "no Host", "GET / HTTP/1.1\r\n\r\n", 400, NULL },
	{ "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, NULL },
	{ "two Authorizations",
	  "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400, NULL },
	{ "no path", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a path of other bytes", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a path with a control character", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400, NULL },
	{ "a header without colon", "GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", 400, NULL },
	{ "a header with a space in its name", "GET / HTTP/1.1\r\nHost: h\r\nA b: c\r\n\r\n", 400,
	  NULL },
	{ "a space before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, NULL },
	{ "a header without name", "GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n", 400, NULL },
	{ "a control character", "GET / HTTP/1.1\r\nHost: h\r\nCookie: a\x01\x02\r\n\r\n", 400,
	  NULL },
	{ "a lone CR", "GET / HTTP/1.1\r\nHost: h\r\nCookie: a\rb\r\n\r\n", 400, NULL },
	{ "a length that is none", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400,
	  NULL },
	{ "a negative length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400,
	  NULL },
	{ "a length with a sign", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx", 400,
	  NULL },
	{ "two lengths",
	  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 400,
	  NULL },
	{ "a list of lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nx", 400,
	  NULL },
	{ "a huge length",
	  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999999\r\n\r\n", 400,
	  NULL },
	{ "length and chunks",
	  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "0\r\n\r\n",
	  400, NULL },
	{ "a coding that nobody knows",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 400, NULL },
	{ "chunks that are not last",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	  400, NULL },
	{ "a chunk's length that is none",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, NULL },
	{ "a chunk that is longer than it says",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
	  400, NULL },
	{ "a huge chunk",
	  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	  400, NULL },
	{ "something else expected", "PUT / HTTP/1.1\r\nHost: h\r\nExpect: miracle\r\n\r\n", 417,
	  NULL },
	{ "too long a body", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n", 413,
	  NULL },
	{ "too long a body, expected",
	  "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n", 413,
	  NULL },
};

static void test_server_answers_or_refuses_by_name(void **state)
{
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (size_t i = 0; i < WR_ARRAY_LEN(exchanges); i++) {
		const struct exchange *exchange = &exchanges[i];
		char *answer = ask(&serving, exchange->request);

		if (status_of(answer) != exchange->status)
			print_error("%s: %s\n", exchange->name, answer);
		assert_int_equal(status_of(answer), exchange->status);
		if (exchange->part)
			assert_has(answer, exchange->part);
		if (exchange->status >= 400)
			assert_has(answer, "content-type: application/problem+json\r\n");
		free(answer);
	}
	serving_stop(&serving);
}

/* The same, a byte at a time: no part of it may need another to come along. */
static void test_server_takes_a_byte_at_a_time(void **state)
{
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (size_t i = 0; i < WR_ARRAY_LEN(exchanges); i++) {
		int fd = serving_connect_unix(&serving);
		char *answer;

		for (const char *c = exchanges[i].request; *c; c++)
			send_bytes(fd, c, 1);
		answer = ask_on(fd, "", 0);
		if (status_of(answer) != exchanges[i].status)
			print_error("%s: %s\n", exchanges[i].name, answer);
		assert_int_equal(status_of(answer), exchanges[i].status);
		free(answer);
	}
	serving_stop(&serving);
}

static void test_server_refuses_a_head_that_is_too_long(void **state)
{
	static const struct {
		unsigned target, value, fields, status;
	} cases[] = {
		{ 8000, 0, 0, 200 },  { 9000, 0, 0, 414 },  { 100000, 0, 0, 414 },
		{ 1, 15000, 1, 200 }, { 1, 17000, 1, 431 }, { 1, 100000, 1, 431 },
		{ 1, 10, 90, 200 },   { 1, 10, 110, 431 },  { 1, 3000, 8, 431 },
		{ 1, 0, 20000, 431 },
	};
	struct serving serving;
	char *request = malloc(2000000);

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		size_t at = (size_t)sprintf(request, "GET /%0*u HTTP/1.1\r\nHost: h\r\n",
					    (int)cases[i].target, 1);
		char *answer;

		for (unsigned j = 0; j < cases[i].fields; j++)
			at += (size_t)sprintf(request + at, "X-%u: %0*u\r\n", j,
					      (int)cases[i].value, 1);
		strcpy(request + at, "\r\n");
		answer = ask(&serving, request);
		if (status_of(answer) != cases[i].status)
			print_error("case %zu: %.200s\n", i, answer);
		assert_int_equal(status_of(answer), cases[i].status);
		free(answer);
	}
	free(request);
	serving_stop(&serving);
}

static void test_server_bounds_a_body_without_length(void **state)
{
	static char chunk[16384 + 64];
	struct serving serving;
	char *answer;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	send_text(fd, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "4000\r\n", 6);
	memcpy(chunk + 6 + 16384, "\r\n", 2);
	/* Goes on after the refusal: the answer must be read whole nevertheless. */
	for (unsigned i = 0; i < 40; i++)
		send_bytes(fd, chunk, 6 + 16384 + 2);
	answer = receive_until(fd, NULL);
	assert_int_equal(status_of(answer), 413);
	assert_has(answer, "\"status\":413}");
	free(answer);
	close(fd);
	assert_int_equal(serving.handled, 0);
	serving_stop(&serving);
}

static void test_server_answers_head_without_body(void **state)
{
	struct serving serving;
	char *answer;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	answer = ask(&serving, "HEAD /big?1000 HTTP/1.1\r\nHost: h\r\n\r\n"
			       "GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	assert_has(answer, "content-length: 1000\r\n");
	assert_has(answer, "\r\n\r\nHTTP/1.1 204 ");
	assert_int_equal(count_of(answer, "content-length"), 1);
	free(answer);
	serving_stop(&serving);
}

static void test_server_answers_in_the_order_that_was_asked(void **state)
{
	struct serving serving;
	char *answer;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"
		      "POST /second HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET "
		      "GET /big?100000 HTTP/1.1\r\nHost: h\r\n\r\n"
		      "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
		      "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until(&serving.waiting, 1);
	assert_int_equal(serving.handled, 1);
	serving_release(&serving);
	answer = receive_until(fd, NULL);
	assert_int_equal(count_of(answer, "HTTP/1.1 200 OK\r\n"), 4);
	assert_true(strstr(answer, "path=/hold") < strstr(answer, "path=/second"));
	assert_true(strstr(answer, "path=/second") < strstr(answer, "path=/last"));
	assert_has(answer, "body=4:GET ");
	assert_null(strstr(answer, "/never"));
	free(answer);
	close(fd);
	serving_stop(&serving);
}

/* Who has sent all may say so, and still gets the answer. */
static void test_server_answers_who_has_hung_up_halfway(void **state)
{
	struct serving serving;
	char *answer;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	shutdown(fd, SHUT_WR);
	wait_until(&serving.waiting, 1);
	usleep(20000);
	serving_release(&serving);
	answer = receive_until(fd, NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	close(fd);
	serving_stop(&serving);
}

static void test_server_sends_a_large_answer_whole_to_a_slow_reader(void **state)
{
	enum {
		LEN = 5000000
	};
	struct serving serving;
	char *answer, *body;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect_unix(&serving);
	send_text(fd, "GET /big?5000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	usleep(50000);
	answer = receive_until(fd, NULL);
	body = strstr(answer, "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), LEN);
	for (size_t i = 0; i < LEN; i++)
		assert_true(body[i] == (char)('a' + i % 26));
	free(answer);
	close(fd);
	serving_stop(&serving);
}

/* --- Who goes away. --- */

static void assert_still_serves(const struct serving *serving)
{
	char *answer = ask(serving, "GET /alive HTTP/1.1\r\nHost: h\r\n\r\n");

	assert_has(answer, "path=/alive");
	free(answer);
}

static void test_server_outlives_a_client_that_goes_at_each_byte(void **state)
{
	static const char request[] =
		"POST /big?70000 HTTP/1.1\r\nHost: h\r\nCookie: abc\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n0\r\n\r\nGET /events HTTP/1.1\r\nHost: h\r\n\r\n";
	struct linger now = { 1, 0 };
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (size_t len = 0; len < sizeof(request); len++) {
		int fd = serving_connect(&serving);

		send_bytes(fd, request, len);
		/* Every other one with a reset. */
		if (len % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	assert_still_serves(&serving);
	serving_stop(&serving);
}

static void test_server_keeps_a_request_whose_client_has_gone(void **state)
{
	struct linger now = { 1, 0 };
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (unsigned i = 0; i < 20; i++) {
		int fd = serving_connect(&serving);

		send_text(fd, "POST /hold HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
		wait_until(&serving.waiting, i + 1);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
	}
	assert_still_serves(&serving);
	serving_release(&serving);
	assert_still_serves(&serving);
	serving_stop(&serving);
}

/* True if the server answers on it. */
static bool is_served(int fd)
{
	char *answer;
	bool is_it;

	send_text(fd, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
	answer = receive_until(fd, "\r\n\r\n");
	is_it = status_of(answer) == 204;
	free(answer);
	return is_it;
}

/* --- HTTP/2, spoken badly. --- */

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum frame {
	FRAME_DATA,
	FRAME_HEADERS,
	FRAME_RESET = 3,
	FRAME_SETTINGS,
	FRAME_PING = 6
};

static void send_frame(int fd, enum frame type, uint8_t flags, unsigned stream, const char *payload,
		       size_t len)
{
	uint8_t head[9] = { (uint8_t)(len >> 16),
			    (uint8_t)(len >> 8),
			    (uint8_t)len,
			    (uint8_t)type,
			    flags,
			    0,
			    0,
			    (uint8_t)(stream >> 8),
			    (uint8_t)stream };

	send_bytes(fd, head, sizeof(head));
	send_bytes(fd, payload, len);
}

/* GET https://h/hold; the request ends with it. */
static void send_get(int fd, unsigned stream)
{
	static const char block[] = "\x82\x87\x04\x05/hold\x01\x01h";

	send_frame(fd, FRAME_HEADERS, 5, stream, block, sizeof(block) - 1);
}

static int connect_h2(const struct serving *serving)
{
	int fd = serving_connect(serving);

	send_text(fd, PREFACE);
	send_frame(fd, FRAME_SETTINGS, 0, 0, "", 0);
	return fd;
}

/* Until the server hangs up; fails where it does not. */
static void assert_hangs_up(int fd)
{
	char piece[65536];
	struct timeval patience = { 5, 0 };
	ssize_t len;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((len = recv(fd, piece, sizeof(piece), 0)) > 0)
		continue;
	assert_true(len == 0 || errno != EAGAIN);
	close(fd);
}

/* CVE-2023-44487: requests that are taken back as soon as they were made. */
static void test_server_ends_http2_that_takes_back_its_requests(void **state)
{
	struct serving serving;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = connect_h2(&serving);
	for (unsigned i = 0; i < 1000; i++) {
		send_get(fd, 2 * i + 1);
		send_frame(fd, FRAME_RESET, 0, 2 * i + 1, "\0\0\0\x08", 4);
	}
	assert_hangs_up(fd);
	assert_in_range(serving.handled, 1, 300);
	serving_release(&serving);
	assert_still_serves(&serving);
	serving_stop(&serving);
}

static void test_server_bounds_requests_of_an_http2_connection(void **state)
{
	struct serving serving;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = connect_h2(&serving);
	for (unsigned i = 0; i < 100; i++)
		send_get(fd, 2 * i + 1);
	wait_until(&serving.waiting, 16);
	usleep(50000);
	assert_int_equal(serving.handled, 16);
	serving_release(&serving);
	close(fd);
	assert_still_serves(&serving);
	serving_stop(&serving);
}

/* Who asks and asks, and never reads: it is not listened to, and ends. */
static void test_server_ends_http2_that_never_reads(void **state)
{
	struct wr_http_limits limits = { 65536, 100, 1, 1 };
	struct timeval patience = { 0, 300000 };
	struct serving serving;
	bool has_room = false;
	int fd, other;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, false);
	fd = connect_h2(&serving);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	for (unsigned i = 0; i < 2000000 / 17; i++)
		send_frame(fd, FRAME_PING, 0, 0, "12345678", 8);
	for (unsigned i = 0; i < 80 && !has_room; i++) {
		other = serving_connect(&serving);
		has_room = is_served(other);
		close(other);
		usleep(100000);
	}
	assert_true(has_room);
	close(fd);
	serving_stop(&serving);
}

static void test_server_refuses_what_is_no_http2(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
	} cases[] = {
		{ "half a preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 24 },
		{ "no settings", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x06\0\0\0\0\0", 33 },
		{ "a huge frame", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x04\0\0\0\0\0",
		  33 },
		{ "HTTP/1.1 behind it", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		  42 },
	};
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		int fd = serving_connect(&serving);

		send_bytes(fd, cases[i].bytes, cases[i].len);
		assert_hangs_up(fd);
	}
	assert_still_serves(&serving);
	serving_stop(&serving);
}

/* --- Time and number. --- */

static void test_server_closes_who_is_too_slow(void **state)
{
	static const struct {
		const char *name, *sent;
		unsigned status;
	} cases[] = {
		{ "says nothing", "", 0 },
		{ "half a head", "GET / HTTP/1.1\r\nHost: ", 408 },
		{ "half a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
		  408 },
		{ "half a chunk",
		  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", 408 },
	};
	struct wr_http_limits limits = { 65536, 100, 100, 1 };
	struct serving serving;
	int fds[WR_ARRAY_LEN(cases)], drip, idle;
	char *answer;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, false);
	drip = serving_connect(&serving);
	idle = serving_connect(&serving);
	send_text(idle, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
	send_text(drip, "GET / HTTP/1.1\r\n");
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		fds[i] = serving_connect(&serving);
		send_text(fds[i], cases[i].sent);
	}
	/* A byte now and then is no reason to wait for ever. */
	for (unsigned i = 0; i < 25; i++) {
		send_text(drip, "a");
		usleep(100000);
	}
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		answer = receive_until(fds[i], NULL);
		if (status_of(answer) != cases[i].status)
			print_error("%s: %s\n", cases[i].name, answer);
		assert_int_equal(status_of(answer), cases[i].status);
		free(answer);
		close(fds[i]);
	}
	answer = receive_until(drip, NULL);
	assert_int_equal(status_of(answer), 408);
	free(answer);
	answer = receive_until(idle, NULL);
	assert_int_equal(count_of(answer, "HTTP/1.1"), 1);
	free(answer);
	close(drip);
	close(idle);
	serving_stop(&serving);
}

static void test_server_closes_who_does_not_read(void **state)
{
	struct wr_http_limits limits = { 65536, 100, 1, 1 };
	struct serving serving;
	int fd, other, small = 4096;
	bool has_room = false;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, false);
	fd = serving_connect(&serving);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_text(fd, "GET /big?20000000 HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until(&serving.handled, 1);
	/* While it stands, there is no place for another. */
	for (unsigned i = 0; i < 50 && !has_room; i++) {
		other = serving_connect(&serving);
		has_room = is_served(other);
		assert_true(i || !has_room);
		close(other);
		usleep(100000);
	}
	assert_true(has_room);
	close(fd);
	serving_stop(&serving);
}

static void test_server_bounds_connections_of_an_address(void **state)
{
	struct wr_http_limits limits = { 65536, 100, 3, 30 };
	struct serving serving;
	int fds[4];

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, false);
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = serving_connect(&serving);
		assert_int_equal(is_served(fds[i]), i < 3);
	}
	/* The Unix socket is the way in when all others are taken. */
	close(fds[3]);
	fds[3] = serving_connect_unix(&serving);
	assert_true(is_served(fds[3]));
	close(fds[0]);
	usleep(50000);
	close(fds[3]);
	fds[3] = serving_connect(&serving);
	assert_true(is_served(fds[3]));
	for (unsigned i = 1; i < 4; i++)
		close(fds[i]);
	serving_stop(&serving);
}

static void test_server_bounds_connections_in_all(void **state)
{
	struct wr_http_limits limits = { 65536, 2, 100, 30 };
	struct serving serving;
	int fds[3];

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, true);
	for (unsigned i = 0; i < 3; i++) {
		fds[i] = serving_connect(&serving);
		assert_int_equal(is_served(fds[i]), i < 2);
	}
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	serving_stop(&serving);
}

/* Many bodies that are large together, and never whole. */
static void test_server_bounds_bodies_of_an_address(void **state)
{
	enum {
		CLIENTS = 40,
		PART = 1 << 20
	};
	struct wr_http_limits limits = { 2 * PART, 100, 100, 30 };
	char *part = calloc(1, PART);
	struct serving serving;
	int fds[CLIENTS], other;
	unsigned refused = 0;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, &limits, false);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct timeval patience = { 0, 100000 };
		char *answer;

		fds[i] = serving_connect(&serving);
		send_text(fds[i], "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n");
		send_bytes(fds[i], part, PART);
		setsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		answer = calloc(1, 4096);
		if (recv(fds[i], answer, 4095, i < 30 ? MSG_DONTWAIT : 0) > 0) {
			assert_int_equal(status_of(answer), 503);
			refused++;
		}
		free(answer);
	}
	assert_in_range(refused, 1, CLIENTS - 20);
	/* Small ones, and those from elsewhere, go on. */
	other = serving_connect_unix(&serving);
	send_text(other, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
	send_bytes(other, part, PART);
	{
		char *answer = receive_until(other, "\r\n\r\n");

		assert_int_equal(status_of(answer), 200);
		free(answer);
	}
	close(other);
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
	free(part);
	assert_still_serves(&serving);
	serving_stop(&serving);
}

/* --- Who asks. --- */

static void test_server_tells_addresses_of_both_families(void **state)
{
	struct serving serving;
	char *answer;

	(void)state;
	serving_start(&serving, "[::]:0", false, NULL, false);
	answer = ask(&serving, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_has(answer, " remote=127.0.0.1 ");
	free(answer);
	serving_stop(&serving);
}

static void test_server_believes_a_proxy_only_if_it_is_one(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1\r\n"
				      "X-Forwarded-For: 2001:db8::1, 192.0.2.7\r\n"
				      "X-Forwarded-Proto: https\r\n\r\n";
	struct serving serving;
	char *answer;

	(void)state;
	for (int trusts = 0; trusts <= 1; trusts++) {
		serving_start(&serving, "127.0.0.1:0", false, NULL, trusts);
		answer = ask(&serving, request);
		assert_has(answer,
			   trusts ? "remote=192.0.2.7 secure=1" : "remote=127.0.0.1 secure=0");
		free(answer);
		answer = ask_on(serving_connect_unix(&serving), request, sizeof(request) - 1);
		assert_has(answer, "remote=unix secure=0");
		free(answer);
		serving_stop(&serving);
	}
}

static void test_server_knows_who_asks_over_the_unix_socket(void **state)
{
	struct serving serving;
	struct stat about;
	char *answer, part[32];

	(void)state;
	serving_start(&serving, "127.0.0.1:0", true, NULL, false);
	assert_int_equal(stat(serving.unix_path, &about), 0);
	assert_int_equal(about.st_mode, S_IFSOCK | 0600);
	answer = ask_on(serving_connect_unix(&serving), "GET / HTTP/1.0\r\n\r\n", 18);
	snprintf(part, sizeof(part), "secure=0 uid=%d ", (int)getuid());
	assert_has(answer, part);
	free(answer);
	serving_stop(&serving);
}

static void ignore(void *context, struct wr_http_request *request)
{
	(void)context;
	(void)request;
}

static void on_closed(void *context)
{
	*(bool *)context = true;
}

/* Opens one without a thread; what it returned. */
static int open_and_close(const char *listen, const char *unix_path, const char *cert_file)
{
	struct wr_http_config config = { .listen = listen,
					 .unix_path = unix_path,
					 .cert_file = cert_file,
					 .key_file = cert_file,
					 .limits = { 1000, 10, 10, 10 },
					 .handle = ignore };
	struct wr_http_server *server;
	bool is_closed = false;
	uv_loop_t loop;
	int status;

	uv_loop_init(&loop);
	status = wr_http_server_open(&loop, &config, &server);
	if (!status)
		wr_http_server_close(server, WR_SPAN_S(5), on_closed, &is_closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(is_closed, !status);
	assert_int_equal(uv_loop_close(&loop), 0);
	return status;
}

static void test_server_says_why_it_cannot_open(void **state)
{
	struct serving serving;
	char taken[64], stale[128], file[128];
	FILE *made;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", serving.port);
	snprintf(stale, sizeof(stale), "%s/stale", serving.folder);
	snprintf(file, sizeof(file), "%s/file", serving.folder);
	made = fopen(file, "w");
	assert_non_null(made);
	fclose(made);
	assert_int_equal(open_and_close(taken, NULL, NULL), -EADDRINUSE);
	assert_int_equal(open_and_close("localhost:0", NULL, NULL), -EINVAL);
	assert_int_equal(open_and_close("127.0.0.1:0", NULL, "/nonexistent"), -ENOENT);
	assert_int_equal(open_and_close("127.0.0.1:0", NULL, file), -EINVAL);
	assert_int_equal(open_and_close(NULL, file, NULL), -EEXIST);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(open_and_close(NULL, "/nonexistent/socket", NULL), -ENOENT);
	assert_int_equal(open_and_close(NULL, stale, NULL), 0);
	assert_int_equal(access(stale, F_OK), -1);
	assert_int_equal(open_and_close("[::1]:0", stale, serving.cert_file), -EINVAL);
	assert_int_equal(open_and_close("[::1]:0", stale, NULL), 0);
	serving_stop(&serving);
}

/* --- Streams of events. --- */

static void test_server_streams_events(void **state)
{
	struct serving serving;
	char *answer;
	int fd, old;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	old = serving_connect(&serving);
	send_text(fd, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
	send_text(old, "GET /events HTTP/1.0\r\n\r\n");
	answer = receive_until(fd, "data: hello\n\n");
	assert_has(answer, "content-type: text/event-stream\r\n");
	assert_has(answer, "transfer-encoding: chunked\r\n");
	free(answer);
	wait_until(&serving.listening, 2);
	serving_publish(&serving);
	serving_end_streams(&serving);
	answer = receive_until(fd, "\r\n0\r\n\r\n");
	assert_int_equal(count_of(answer, "data: xxx"), 1);
	free(answer);
	/* The connection is good for more. */
	assert_true(is_served(fd));
	answer = receive_until(old, NULL);
	assert_null(strstr(answer, "chunked"));
	assert_has(answer, "data: hello\n\ndata: xxx");
	free(answer);
	assert_int_equal(serving.ended, 0);
	close(fd);
	close(old);
	serving_stop(&serving);
}

static void test_server_tells_when_a_listener_goes(void **state)
{
	struct serving serving;
	int fds[3];

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (unsigned i = 0; i < 3; i++) {
		fds[i] = serving_connect(&serving);
		send_text(fds[i], "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
		free(receive_until(fds[i], "data: hello\n\n"));
	}
	close(fds[0]);
	wait_until(&serving.ended, 1);
	shutdown(fds[1], SHUT_WR);
	wait_until(&serving.ended, 2);
	serving_close(&serving, 2000);
	wait_until(&serving.ended, 3);
	close(fds[1]);
	close(fds[2]);
	serving_stop(&serving);
}

/* Who asks and hangs up at once: the end may come before the handler knows the stream. */
static void test_server_streams_to_nobody(void **state)
{
	struct serving serving;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	for (unsigned i = 1; i <= 50; i++) {
		free(ask(&serving, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n"));
		wait_until(&serving.ended, i);
	}
	serving_stop(&serving);
}

static void test_server_bounds_what_a_slow_listener_holds(void **state)
{
	struct serving serving;
	int fd, small = 4096;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect_unix(&serving);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	send_text(fd, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until(&serving.listening, 1);
	/* 256 KiB wait, beside what the kernel and libuv hold. */
	for (unsigned i = 0; i < 100 && !serving.too_slow; i++)
		serving_publish(&serving);
	assert_int_equal(serving.too_slow, 1);
	close(fd);
	serving_stop(&serving);
}

/* --- The end. --- */

static void test_server_answers_what_is_under_way_before_it_closes(void **state)
{
	struct serving serving;
	char *answer;
	int fd, idle, half;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	idle = serving_connect(&serving);
	half = serving_connect(&serving);
	assert_true(is_served(idle));
	send_text(half, "GET /half HTTP/1.1\r\n");
	send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until(&serving.waiting, 1);
	serving_close(&serving, 5000);
	answer = receive_until(idle, NULL);
	assert_string_equal(answer, "");
	free(answer);
	assert_false(serving.is_closed);
	assert_int_equal(access(serving.unix_path, F_OK), -1);
	serving_release(&serving);
	answer = receive_until(fd, NULL);
	assert_has(answer, "path=/hold");
	assert_has(answer, "connection: close\r\n");
	assert_null(strstr(answer, "/next"));
	free(answer);
	close(fd);
	close(idle);
	close(half);
	serving_stop(&serving);
}

static void test_server_waits_for_a_time_only(void **state)
{
	struct serving serving;
	char *answer;
	int fd;

	(void)state;
	serving_start(&serving, "127.0.0.1:0", false, NULL, false);
	fd = serving_connect(&serving);
	send_text(fd, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
	wait_until(&serving.waiting, 1);
	serving_close(&serving, 100);
	answer = receive_until(fd, NULL);
	assert_string_equal(answer, "");
	free(answer);
	close(fd);
	serving_stop(&serving);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_gives_the_handler_what_came),
		cmocka_unit_test(test_server_answers_or_refuses_by_name),
		cmocka_unit_test(test_server_takes_a_byte_at_a_time),
		cmocka_unit_test(test_server_refuses_a_head_that_is_too_long),
		cmocka_unit_test(test_server_bounds_a_body_without_length),
		cmocka_unit_test(test_server_answers_head_without_body),
		cmocka_unit_test(test_server_answers_in_the_order_that_was_asked),
		cmocka_unit_test(test_server_answers_who_has_hung_up_halfway),
		cmocka_unit_test(test_server_sends_a_large_answer_whole_to_a_slow_reader),
		cmocka_unit_test(test_server_outlives_a_client_that_goes_at_each_byte),
		cmocka_unit_test(test_server_keeps_a_request_whose_client_has_gone),
		cmocka_unit_test(test_server_ends_http2_that_takes_back_its_requests),
		cmocka_unit_test(test_server_bounds_requests_of_an_http2_connection),
		cmocka_unit_test(test_server_ends_http2_that_never_reads),
		cmocka_unit_test(test_server_refuses_what_is_no_http2),
		cmocka_unit_test(test_server_closes_who_is_too_slow),
		cmocka_unit_test(test_server_closes_who_does_not_read),
		cmocka_unit_test(test_server_bounds_connections_of_an_address),
		cmocka_unit_test(test_server_bounds_connections_in_all),
		cmocka_unit_test(test_server_bounds_bodies_of_an_address),
		cmocka_unit_test(test_server_tells_addresses_of_both_families),
		cmocka_unit_test(test_server_believes_a_proxy_only_if_it_is_one),
		cmocka_unit_test(test_server_knows_who_asks_over_the_unix_socket),
		cmocka_unit_test(test_server_says_why_it_cannot_open),
		cmocka_unit_test(test_server_streams_events),
		cmocka_unit_test(test_server_tells_when_a_listener_goes),
		cmocka_unit_test(test_server_streams_to_nobody),
		cmocka_unit_test(test_server_bounds_what_a_slow_listener_holds),
		cmocka_unit_test(test_server_answers_what_is_under_way_before_it_closes),
		cmocka_unit_test(test_server_waits_for_a_time_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
