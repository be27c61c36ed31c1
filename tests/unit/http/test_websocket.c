#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/websocket_state.h"
#include "websocket_pair.h"

static const struct wr_websocket_limits limits = { .message = 1 << 20,
						   .unsent = 4 << 20,
						   .idle_seconds = 30 };

static void stop(struct pair *pair, struct end *end)
{
	if (end->websocket)
		wr_websocket_close(end->websocket, 1000, "done");
	pair_until(pair, end->is_closed);
	end_done(end);
	pair_stop(pair);
}

/* --- Both ends of ours. --- */

static void check_echo(bool has_tls)
{
	static const size_t lengths[] = { 0, 1, 125, 126, 127, 65535, 65536, 300000, 1 << 20 };
	struct pair pair;
	struct end end;
	struct wr_ip ip;

	pair_start(&pair, has_tls, &limits);
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, end.is_open);
	for (unsigned i = 0; i < WR_ARRAY_LEN(lengths); i++) {
		char *text = malloc(lengths[i] + 1);

		memset(text, 'a' + (int)i, lengths[i]);
		assert_true(wr_websocket_send(end.websocket, i % 2, text, lengths[i]));
		pair_until(&pair, end.count == i + 1);
		assert_int_equal(end.last_len, lengths[i]);
		assert_int_equal(end.is_text, i % 2);
		assert_memory_equal(end.last, text, lengths[i]);
		free(text);
	}
	assert_int_equal(wr_websocket_remote(end.websocket)->bytes[0], 127);
	assert_int_equal(wr_websocket_remote(pair.served[0].websocket)->bytes[0], 127);
	assert_true(wr_websocket_local(end.websocket, &ip));
	assert_int_equal(ip.bytes[0], 127);
	wr_websocket_ping(end.websocket);
	pair_until(&pair, end.ponged == 1);
	wr_websocket_ping(pair.served[0].websocket);
	pair_until(&pair, pair.served[0].ponged == 1);
	stop(&pair, &end);
	assert_string_equal(end.why, "done");
	assert_string_equal(pair.served[0].why, "the other side closed it: done (1000)");
}

static void test_websocket_carries_messages(void **state)
{
	(void)state;
	check_echo(false);
}

static void test_websocket_carries_messages_over_tls(void **state)
{
	(void)state;
	check_echo(true);
}

/* Many at once, in both directions; each in its place. */
static void test_websocket_keeps_the_order(void **state)
{
	struct pair pair;
	struct end end;
	char text[5000];

	(void)state;
	pair_start(&pair, true, &limits);
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, end.is_open);
	for (unsigned i = 0; i < 500; i++) {
		memset(text, 'x', sizeof(text));
		snprintf(text, sizeof(text), "%u", i);
		assert_true(wr_websocket_send(end.websocket, false, text, 10 + i * 9));
	}
	pair_until(&pair, end.count == 500);
	assert_string_equal((char *)end.last, "499");
	assert_int_equal(end.last_len, 10 + 499 * 9);
	assert_int_equal(end.bytes, 500 * 10 + 9 * 499 * 500 / 2);
	assert_int_equal(wr_websocket_unsent(end.websocket), 0);
	stop(&pair, &end);
}

static void test_websocket_is_closed_by_the_server(void **state)
{
	struct pair pair;
	struct end end;

	(void)state;
	pair_start(&pair, true, &limits);
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, end.is_open && pair.served_count);
	wr_websocket_send(pair.served[0].websocket, true, "last", 4);
	wr_websocket_close(pair.served[0].websocket, 4001, "dup\xc3\xa9");
	assert_false(wr_websocket_send(pair.served[0].websocket, true, "more", 4));
	pair_until(&pair, end.is_closed && pair.served[0].is_closed);
	assert_int_equal(end.count, 1);
	assert_string_equal(end.why, "the other side closed it: dup\xc3\xa9 (4001)");
	assert_int_equal(end.status, 0);
	stop(&pair, &end);
}

static void test_websocket_cuts_a_long_reason_between_characters(void **state)
{
	struct pair pair;
	struct end end;
	char why[200];

	(void)state;
	for (unsigned i = 0; i < 99; i++)
		memcpy(why + 2 * i, "\xc3\xa9", 3);
	pair_start(&pair, false, &limits);
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, end.is_open && pair.served_count);
	wr_websocket_close(pair.served[0].websocket, 1000, why);
	pair_until(&pair, end.is_closed);
	assert_non_null(strstr(end.why, "\xa9 (1000)"));
	stop(&pair, &end);
}

static void test_websocket_ends_with_its_server(void **state)
{
	struct pair pair;
	struct end ends[3];

	(void)state;
	pair_start(&pair, true, &limits);
	for (unsigned i = 0; i < 3; i++) {
		pair_connect(&pair, &ends[i], &limits);
		pair_until(&pair, ends[i].is_open);
	}
	wr_http_server_close(pair.server, WR_SPAN_S(5), (void (*)(void *))0, NULL);
	pair.server = NULL;
	pair.is_served = false;
	for (unsigned i = 0; i < 3; i++) {
		pair_until(&pair, ends[i].is_closed);
		assert_string_equal(ends[i].why,
				    "the other side closed it: the server ends (1001)");
		end_done(&ends[i]);
	}
	pair_until(&pair, pair.served[2].is_closed && pair.served[0].is_closed);
	pair_stop(&pair);
}

/* Accepted while the server looks something up; more requests on the same connection before. */
static void test_websocket_is_accepted_later(void **state)
{
	struct pair pair;
	struct end end;

	(void)state;
	pair_start(&pair, true, &limits);
	pair.takes_later = true;
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, pair.held);
	pair_accept(&pair, pair.held);
	wr_websocket_send(pair.served[0].websocket, true, "first", 5);
	pair_until(&pair, end.count == 1);
	stop(&pair, &end);
}

static void test_websocket_accepts_nobody_who_has_gone(void **state)
{
	struct pair pair;
	struct end end;

	(void)state;
	pair_start(&pair, false, &limits);
	pair.takes_later = true;
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, pair.held);
	wr_websocket_close(end.websocket, 1000, "enough");
	pair_until(&pair, end.is_closed);
	assert_string_equal(end.why, "enough");
	for (unsigned i = 0; i < 20; i++)
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	pair_accept(&pair, pair.held);
	stop(&pair, &end);
	assert_int_equal(pair.served_count, 0);
}

/* Closed in the very call that accepts it, and within a message's. */
static void close_at_once(void *context, bool is_text, const uint8_t *data, size_t len)
{
	struct end *end = context;

	(void)is_text;
	(void)data;
	(void)len;
	end->count++;
	wr_websocket_send(end->websocket, true, "bye", 3);
	wr_websocket_close(end->websocket, 1000, "within");
}

static void on_closed(void *context, unsigned status, const char *why)
{
	struct end *end = context;

	(void)status;
	(void)why;
	end->is_closed = true;
}

static void test_websocket_closes_within_a_message(void **state)
{
	static const struct wr_websocket_handlers handlers = { .received = close_at_once,
							       .closed = on_closed };
	struct pair pair;
	struct end served = { 0 }, end;

	(void)state;
	pair_start(&pair, true, &limits);
	pair.takes_later = true;
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, pair.held);
	served.websocket = wr_websocket_accept(pair.held, "warren.v1", &limits, &handlers, &served);
	assert_non_null(served.websocket);
	pair_until(&pair, end.is_open);
	wr_websocket_send(end.websocket, true, "1", 1);
	wr_websocket_send(end.websocket, true, "2", 1);
	pair_until(&pair, end.is_closed && served.is_closed);
	assert_int_equal(served.count, 1);
	assert_int_equal(end.count, 1);
	assert_string_equal(end.why, "the other side closed it: within (1000)");
	stop(&pair, &end);
}

/* --- Refusals. --- */

static void test_websocket_tells_of_a_refusal(void **state)
{
	struct pair pair;
	struct end end;

	(void)state;
	pair_start(&pair, true, &limits);
	pair.refuse = 401;
	pair_connect(&pair, &end, &limits);
	pair_until(&pair, end.is_closed);
	assert_int_equal(end.status, 401);
	assert_int_equal(end.opened, 0);
	assert_non_null(strstr(end.why, "answered 401 Unauthorized"));
	stop(&pair, &end);
}

static void test_websocket_trusts_its_pin_only(void **state)
{
	struct pair pair;
	struct end end;
	struct wr_websocket_target target;

	(void)state;
	pair_start(&pair, true, &limits);
	target = pair_target(&pair);
	target.pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	pair_connect_to(&pair, &end, &target, &limits);
	pair_until(&pair, end.is_closed);
	assert_non_null(strstr(end.why, "has another certificate than before"));
	target.pin = NULL;
	pair_connect_to(&pair, &end, &target, &limits);
	pair_until(&pair, end.is_closed);
	assert_non_null(strstr(end.why, "certificate is not trusted"));
	assert_int_equal(pair.served_count, 0);
	stop(&pair, &end);
}

static void check_failure(const char *url, unsigned seconds, const char *why)
{
	struct pair pair;
	struct end end;
	struct wr_websocket_target target;

	pair_start(&pair, false, &limits);
	target = pair_target(&pair);
	if (url)
		target.url = url;
	target.timeout_seconds = seconds;
	pair_connect_to(&pair, &end, &target, &limits);
	pair_until(&pair, end.is_closed);
	if (!strstr(end.why, why))
		print_error("%s: %s\n", url, end.why);
	assert_non_null(strstr(end.why, why));
	assert_int_equal(end.status, 0);
	stop(&pair, &end);
}

static void test_websocket_says_why_it_cannot_connect(void **state)
{
	struct pair pair;
	struct end end;
	struct wr_websocket_target target;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	check_failure("http://127.0.0.1:1", 5, "connection refused");
	check_failure("http://host.invalid", 5, "host.invalid: ");
	/* Somebody who listens and says nothing. */
	assert_int_equal(listen(fd, 5), 0);
	{
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);

		getsockname(fd, (struct sockaddr *)&address, &len);
		snprintf(url, sizeof(url), "https://127.0.0.1:%u",
			 (unsigned)((uint8_t *)&address)[2] << 8 | ((uint8_t *)&address)[3]);
	}
	check_failure(url, 1, "no answer in time");
	close(fd);
	/* TLS to who speaks none. */
	pair_start(&pair, false, &limits);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", pair.port);
	target = pair_target(&pair);
	target.url = url;
	pair_connect_to(&pair, &end, &target, &limits);
	pair_until(&pair, end.is_closed);
	assert_non_null(strstr(end.why, "TLS: "));
	target.url = "ftp://x";
	assert_int_equal(wr_websocket_connect(&pair.loop, &target, &limits,
					      &(struct wr_websocket_handlers){ 0 }, NULL,
					      &end.websocket),
			 -EINVAL);
	stop(&pair, &end);
}

static void test_websocket_can_be_closed_at_any_step(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps < 60; steps++) {
		struct pair pair;
		struct end end;

		pair_start(&pair, true, &limits);
		pair_connect(&pair, &end, &limits);
		for (unsigned i = 0; i < steps && !end.is_open; i++) {
			uv_run(&pair.loop, UV_RUN_NOWAIT);
			usleep(100);
		}
		wr_websocket_close(end.websocket, 1000, "enough");
		pair_until(&pair, end.is_closed);
		assert_string_equal(end.why, "enough");
		stop(&pair, &end);
	}
}

struct answer {
	const char *name, *request;
	unsigned status;
};

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: WebSocket\r\nConnection: upgrade\r\n"
#define OURS "Sec-WebSocket-Protocol: warren.v1\r\n"

static const struct answer answers[] = {
	{ "right", "GET / HTTP/1.1\r\nHost: h\r\n" KEY VERSION UPGRADE OURS "\r\n", 101 },
	{ "no key", "GET / HTTP/1.1\r\nHost: h\r\n" VERSION UPGRADE OURS "\r\n", 426 },
	{ "two keys", "GET / HTTP/1.1\r\nHost: h\r\n" KEY KEY VERSION UPGRADE OURS "\r\n", 400 },
	{ "a short key",
	  "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: x\r\n" VERSION UPGRADE OURS "\r\n",
	  426 },
	{ "another version",
	  "GET / HTTP/1.1\r\nHost: h\r\n" KEY "Sec-WebSocket-Version: 8\r\n" UPGRADE OURS "\r\n",
	  426 },
	{ "no connection header",
	  "GET / HTTP/1.1\r\nHost: h\r\n" KEY VERSION "Upgrade: websocket\r\n" OURS "\r\n", 426 },
	{ "no protocol", "GET / HTTP/1.1\r\nHost: h\r\n" KEY VERSION UPGRADE "\r\n", 426 },
	{ "another protocol",
	  "GET / HTTP/1.1\r\nHost: h\r\n" KEY VERSION UPGRADE
	  "Sec-WebSocket-Protocol: warren.v10, xwarren.v1\r\n\r\n",
	  426 },
	{ "a POST", "POST / HTTP/1.1\r\nHost: h\r\n" KEY VERSION UPGRADE OURS "\r\n", 426 },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n" KEY VERSION UPGRADE OURS "\r\n", 426 },
};

static void test_websocket_accepts_what_the_rfc_says(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, false, &limits);
	for (unsigned i = 0; i < WR_ARRAY_LEN(answers); i++) {
		char answer[1000];
		int fd = pair_raw_ask(&pair, answers[i].request, answer, sizeof(answer));

		if ((unsigned)atoi(answer + 9) != answers[i].status)
			print_error("%s: %s\n", answers[i].name, answer);
		assert_int_equal(atoi(answer + 9), answers[i].status);
		close(fd);
	}
	pair_stop(&pair);
}

/* --- Frames, byte by byte. --- */

struct frames {
	const char *name;
	const char *bytes;
	size_t len;
	unsigned count; /* messages that the server's end got */
	unsigned code;  /* with which it closes; 0: without one; 1: it stays open */
};

#define FRAMES(text) text, sizeof(text) - 1
#define MASK "\0\0\0\0"

static const struct frames frames[] = {
	{ "a text", FRAMES("\x81\x82" MASK "ab"), 1, 1 },
	{ "an empty text", FRAMES("\x81\x80" MASK), 1, 1 },
	{ "a mask", FRAMES("\x81\x82\x01\x02\x03\x04`\x60"), 1, 1 },
	{ "three pieces", FRAMES("\x01\x81" MASK "a\x00\x81" MASK "b\x80\x81" MASK "c"), 1, 1 },
	{ "a ping between pieces", FRAMES("\x01\x81" MASK "a\x89\x81" MASK "p\x80\x81" MASK "c"), 1,
	  1 },
	{ "a character in two pieces", FRAMES("\x01\x81" MASK "\xc3\x80\x81" MASK "\xa9"), 1, 1 },
	{ "two messages", FRAMES("\x82\x81" MASK "a\x82\x81" MASK "b"), 2, 1 },
	{ "a pong that nobody asked for", FRAMES("\x8a\x81" MASK "a"), 0, 1 },
	{ "a goodbye", FRAMES("\x88\x82" MASK "\x03\xe8"), 0, 1000 },
	{ "a goodbye without a code", FRAMES("\x88\x80" MASK), 0, 0 },
	{ "a goodbye of our own", FRAMES("\x88\x84" MASK "\x0f\xa0ok"), 0, 4000 },
	{ "unmasked",
	  FRAMES("\x81\x02"
		 "ab"),
	  0, 1002 },
	{ "a reserved bit", FRAMES("\xc1\x82" MASK "ab"), 0, 1002 },
	{ "a reserved opcode", FRAMES("\x83\x82" MASK "ab"), 0, 1002 },
	{ "a reserved control", FRAMES("\x8b\x82" MASK "ab"), 0, 1002 },
	{ "a piece of nothing", FRAMES("\x80\x82" MASK "ab"), 0, 1002 },
	{ "a message in a message", FRAMES("\x01\x81" MASK "a\x81\x81" MASK "b"), 0, 1002 },
	{ "a ping in pieces", FRAMES("\x09\x81" MASK "a"), 0, 0 },
	{ "a long ping", FRAMES("\x89\xfe\x00\x80" MASK), 0, 0 },
	{ "a long way to write a length", FRAMES("\x82\xfe\x00\x05" MASK "abcde"), 0, 0 },
	{ "more than 2^63", FRAMES("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff" MASK), 0, 0 },
	{ "too long", FRAMES("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01" MASK "a"), 0, 1009 },
	{ "far too long", FRAMES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK "a"), 0, 1009 },
	{ "no UTF-8", FRAMES("\x81\x82" MASK "\xc3\x28"), 0, 1007 },
	{ "half a character", FRAMES("\x81\x81" MASK "\xc3"), 0, 1007 },
	{ "a surrogate", FRAMES("\x81\x83" MASK "\xed\xa0\x80"), 0, 1007 },
	{ "a goodbye with no UTF-8", FRAMES("\x88\x84" MASK "\x03\xe8\xff\xff"), 0, 1007 },
	{ "a goodbye with a forbidden code", FRAMES("\x88\x82" MASK "\x03\xee"), 0, 1002 },
	{ "HTTP again", FRAMES("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0, 1002 },
};

/* The last frame of what came: its code. */
static unsigned code_of(const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at + 2 <= len) {
		size_t payload = data[at + 1];

		assert_in_range(payload, 0, 125);
		if (data[at] == 0x88)
			return payload >= 2 ? (unsigned)data[at + 2] << 8 | data[at + 3] : 0;
		at += 2 + payload;
	}
	return 1;
}

static void check_frames(const struct frames *row, size_t bite)
{
	struct pair pair;
	uint8_t answer[400];
	size_t len;
	int fd;

	pair_start(&pair, false, &limits);
	fd = pair_raw(&pair);
	for (size_t at = 0; at < row->len; at += bite) {
		size_t left = row->len - at;

		/* It may have hung up: then its answer says why. */
		send(fd, row->bytes + at, left < bite ? left : bite, MSG_NOSIGNAL);
		for (unsigned i = 0; i < 3; i++)
			uv_run(&pair.loop, UV_RUN_NOWAIT);
	}
	if (row->code == 1)
		send(fd, "\x88\x82" MASK "\x03\xe9", 8, MSG_NOSIGNAL);
	len = pair_raw_receive(&pair, fd, answer, sizeof(answer));
	if (code_of(answer, len) != (row->code == 1 ? 1001 : row->code) ||
	    pair.served[0].count != row->count)
		print_error("%s: %u messages, code %u, %s\n", row->name, pair.served[0].count,
			    code_of(answer, len), pair.served[0].why);
	assert_int_equal(code_of(answer, len), row->code == 1 ? 1001 : row->code);
	assert_int_equal(pair.served[0].count, row->count);
	close(fd);
	pair_until(&pair, pair.served[0].is_closed);
	assert_true(strlen(pair.served[0].why) > 10);
	pair_stop(&pair);
}

static void test_websocket_judges_frames(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(frames); i++) {
		check_frames(&frames[i], 1000);
		check_frames(&frames[i], 1);
	}
}

static void test_websocket_limits_a_message_of_many_pieces(void **state)
{
	struct pair pair;
	uint8_t piece[4 + 4 + 60000] = { 0x02, 0xfe, 60000 >> 8, 60000 & 255 };
	uint8_t answer[100];
	size_t len;
	int fd;

	(void)state;
	pair_start(&pair, false, &limits);
	fd = pair_raw(&pair);
	for (unsigned i = 0; i < 20; i++) {
		for (size_t at = 0; at < sizeof(piece);) {
			ssize_t sent = send(fd, piece + at, sizeof(piece) - at, MSG_NOSIGNAL);

			if (sent < 0 && errno != EAGAIN)
				break;
			at += sent > 0 ? (size_t)sent : 0;
			uv_run(&pair.loop, UV_RUN_NOWAIT);
		}
		piece[0] = 0x00;
	}
	len = pair_raw_receive(&pair, fd, answer, sizeof(answer));
	assert_int_equal(code_of(answer, len), 1009);
	assert_int_equal(pair.served[0].count, 0);
	close(fd);
	pair_stop(&pair);
}

/* Bytes that came with the request's last are frames already. */
static void test_websocket_takes_what_came_with_the_request(void **state)
{
	struct pair pair;
	char answer[400];
	uint8_t echo[4];
	int fd;

	(void)state;
	pair_start(&pair, false, &limits);
	fd = pair_raw_ask(&pair,
			  "GET /echo HTTP/1.1\r\nHost: h\r\n" KEY VERSION UPGRADE OURS "\r\n"
			  "\x81\x82\x01\x01\x01\x01\x60\x63",
			  answer, sizeof(answer));
	assert_int_equal(pair_raw_receive(&pair, fd, echo, 4), 4);
	assert_memory_equal(echo,
			    "\x81\x02"
			    "ab",
			    4);
	close(fd);
	pair_stop(&pair);
}

/* --- A client, and who is no server of ours. --- */

struct reply {
	const char *name;
	const char *head; /* %s: what answers the key */
	const char *frames;
	size_t len;
	const char *why;
	unsigned status, opened, count;
};

#define YES "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: %s\r\n"

static const struct reply replies[] = {
	{ "right", YES ACCEPT OURS "\r\n", FRAMES("\x81\x01x\x88\x02\x03\xe8"),
	  "the other side closed it (1000)", 0, 1, 1 },
	{ "a long message", YES ACCEPT OURS "\r\n", FRAMES("\x82\x7e\x03\xe9xx"),
	  "against the protocol", 0, 1, 0 },
	{ "a masked frame", YES ACCEPT OURS "\r\n", FRAMES("\x81\x81" MASK "x"),
	  "against the protocol", 0, 1, 0 },
	{ "hangs up", YES ACCEPT OURS "\r\n", FRAMES(""), "hung up", 0, 1, 0 },
	{ "no protocol", YES ACCEPT "\r\n", FRAMES(""), "does not speak warren.v1", 0, 0, 0 },
	{ "another protocol", YES ACCEPT "Sec-WebSocket-Protocol: warren.v2\r\n\r\n", FRAMES(""),
	  "does not speak warren.v1", 0, 0, 0 },
	{ "no answer to the key", YES OURS "\r\n", FRAMES(""), "does not speak warren.v1", 0, 0,
	  0 },
	{ "a wrong answer to the key",
	  YES "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" OURS "\r\n", FRAMES(""),
	  "does not speak warren.v1", 0, 0, 0 },
	{ "no upgrade", "HTTP/1.1 101 x\r\n" ACCEPT OURS "\r\n", FRAMES(""),
	  "does not speak warren.v1", 0, 0, 0 },
	{ "a page", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", FRAMES(""), "answered 200 OK",
	  200, 0, 0 },
	{ "a redirection", "HTTP/1.1 302 Found\r\nLocation: http://other/\r\n\r\n", FRAMES(""),
	  "answered 302", 302, 0, 0 },
	{ "no HTTP", "220 mail.example.com ESMTP\r\n\r\n", FRAMES(""), "is no HTTP server", 0, 0,
	  0 },
	{ "nothing", "", FRAMES(""), "hung up", 0, 0, 0 },
};

static int listen_raw(char *url, size_t room)
{
	uint8_t address[128];
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)address, &len), 0);
	snprintf(url, room, "http://127.0.0.1:%u", (unsigned)address[2] << 8 | address[3]);
	return fd;
}

/* The request's, without what stands around it. */
static void read_key(const char *request, char ret_key[WR_WEBSOCKET_KEY_LEN + 1])
{
	const char *at = strstr(request, "sec-websocket-key: ");

	assert_non_null(at);
	memcpy(ret_key, at + 19, WR_WEBSOCKET_KEY_LEN);
	ret_key[WR_WEBSOCKET_KEY_LEN] = '\0';
	assert_non_null(strstr(request, "GET /echo HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "authorization: Bearer secret\r\n"));
}

static void check_reply(const struct reply *row, size_t bite)
{
	static const struct wr_websocket_limits small = { 1000, 100000, 30 };
	struct pair pair;
	struct end end;
	struct wr_websocket_target target;
	char url[64], key[WR_WEBSOCKET_KEY_LEN + 1], accept_key[WR_WEBSOCKET_ACCEPT_LEN + 1];
	char request[2000] = "", reply[2000];
	int listener = listen_raw(url, sizeof(url)), fd;
	size_t len = 0;

	pair_start(&pair, false, &limits);
	target = pair_target(&pair);
	target.url = url;
	pair_connect_to(&pair, &end, &target, &small);
	pair_arm(&pair);
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	while (!strstr(request, "\r\n\r\n") &&
	       pair_raw_receive(&pair, fd, (uint8_t *)request + len, 1))
		len++;
	read_key(request, key);
	wr_websocket_answer_key(key, accept_key);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = (size_t)snprintf(reply, sizeof(reply), row->head, accept_key);
#pragma GCC diagnostic pop
	memcpy(reply + len, row->frames, row->len);
	len += row->len;
	for (size_t at = 0; at < len; at += bite) {
		send(fd, reply + at, len - at < bite ? len - at : bite, MSG_NOSIGNAL);
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	}
	shutdown(fd, SHUT_WR);
	pair_until(&pair, end.is_closed);
	if (!strstr(end.why, row->why) || end.status != row->status)
		print_error("%s: %u %s\n", row->name, end.status, end.why);
	assert_non_null(strstr(end.why, row->why));
	assert_int_equal(end.status, row->status);
	assert_int_equal(end.opened, row->opened);
	assert_int_equal(end.count, row->count);
	close(fd);
	close(listener);
	stop(&pair, &end);
}

static void test_websocket_client_judges_its_server(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WR_ARRAY_LEN(replies); i++) {
		check_reply(&replies[i], sizeof(replies));
		check_reply(&replies[i], 1);
	}
}

static void test_websocket_client_limits_a_head(void **state)
{
	struct pair pair;
	struct end end;
	struct wr_websocket_target target;
	char url[64], junk[1000];
	int listener = listen_raw(url, sizeof(url)), fd;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	pair_start(&pair, false, &limits);
	target = pair_target(&pair);
	target.url = url;
	pair_connect_to(&pair, &end, &target, &limits);
	pair_arm(&pair);
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	for (unsigned i = 0; i < 20; i++)
		send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
	pair_until(&pair, end.is_closed);
	assert_non_null(strstr(end.why, "is no HTTP server"));
	close(fd);
	close(listener);
	stop(&pair, &end);
}

/* --- Slow, silent and gone. --- */

static void test_websocket_refuses_to_pile_up_for_a_slow_reader(void **state)
{
	static const struct wr_websocket_limits small = { 1 << 20, 300000, 0 };
	struct pair pair;
	char *text = calloc(1, 10000);
	unsigned sent = 0;
	int fd;

	(void)state;
	pair_start(&pair, false, &small);
	fd = pair_raw(&pair);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	while (wr_websocket_send(pair.served[0].websocket, true, text, 10000) && sent < 10000) {
		sent++;
		uv_run(&pair.loop, UV_RUN_NOWAIT);
	}
	assert_in_range(sent, 30, 5000);
	assert_in_range(wr_websocket_unsent(pair.served[0].websocket), 280000, 300000);
	/* Closed, though the other side takes nothing: in two seconds, and the tick. */
	wr_websocket_close(pair.served[0].websocket, 1008, "too slow");
	pair_until(&pair, pair.served[0].is_closed);
	assert_string_equal(pair.served[0].why, "too slow");
	close(fd);
	free(text);
	pair_stop(&pair);
}

/* Who asks and does not listen is not listened to either. */
static void test_websocket_bounds_its_pongs(void **state)
{
	static const struct wr_websocket_limits small = { 1 << 20, 100000, 0 };
	struct pair pair;
	uint8_t pings[6 * 1000];
	size_t total = 0;
	int fd;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		memcpy(pings + 6 * i, "\x89\x80" MASK, 6);
	pair_start(&pair, false, &small);
	fd = pair_raw(&pair);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int));
	for (unsigned i = 0; i < 20000; i++) {
		ssize_t sent = send(fd, pings, sizeof(pings), MSG_NOSIGNAL);

		if (sent > 0)
			total += (size_t)sent;
		uv_run(&pair.loop, UV_RUN_NOWAIT);
		assert_in_range(wr_websocket_unsent(pair.served[0].websocket), 0, 150000);
	}
	assert_in_range(total, 100000, 100000000);
	close(fd);
	pair_stop(&pair);
}

static void test_websocket_ends_when_nothing_comes(void **state)
{
	static const struct wr_websocket_limits brief = { 1000, 1000, 1 };
	static const struct wr_websocket_limits patient = { 1000, 1000, 0 };
	struct pair pair;
	struct end end;

	(void)state;
	pair_start(&pair, false, &brief);
	pair_connect(&pair, &end, &patient);
	pair_until(&pair, end.is_open);
	pair_until(&pair, end.is_closed && pair.served[0].is_closed);
	assert_string_equal(pair.served[0].why, "nothing came for 1 seconds");
	stop(&pair, &end);
	pair_start(&pair, false, &patient);
	pair_connect(&pair, &end, &brief);
	pair_until(&pair, end.is_closed);
	assert_string_equal(end.why, "nothing came for 1 seconds");
	stop(&pair, &end);
}

static void test_websocket_notices_a_cut(void **state)
{
	struct pair pair;
	int fd;

	(void)state;
	pair_start(&pair, false, &limits);
	fd = pair_raw(&pair);
	pair_raw_send(fd, "\x81\x85" MASK "ab", 8);
	close(fd);
	pair_until(&pair, pair.served[0].is_closed);
	assert_string_equal(pair.served[0].why, "the connection was cut");
	assert_int_equal(pair.served[0].count, 0);
	pair_stop(&pair);
}

/* --- Limits of the server. --- */

static void test_websocket_does_not_count_as_a_connection(void **state)
{
	struct pair pair;
	struct end ends[20], late;

	(void)state;
	pair_start(&pair, false, &limits);
	pair.config.limits = (struct wr_http_limits){ 65536, 3, 2, 30, 20 };
	wr_http_server_close(pair.server, WR_SPAN_MS(0), NULL, NULL);
	assert_int_equal(wr_http_server_open(&pair.loop, &pair.config, &pair.server), 0);
	pair.port = wr_http_server_port(pair.server);
	snprintf(pair.url, sizeof(pair.url), "http://127.0.0.1:%u", pair.port);
	for (unsigned i = 0; i < 20; i++) {
		pair_connect(&pair, &ends[i], &limits);
		pair_until(&pair, ends[i].is_open);
	}
	pair_connect(&pair, &late, &limits);
	pair_until(&pair, late.is_closed);
	assert_int_equal(late.status, 503);
	/* One goes: there is room for one. */
	wr_websocket_close(ends[7].websocket, 1000, "x");
	pair_until(&pair, ends[7].is_closed && pair.served[7].is_closed);
	pair_connect(&pair, &late, &limits);
	pair_until(&pair, late.is_open);
	wr_http_server_close(pair.server, WR_SPAN_MS(0), NULL, NULL);
	pair.server = NULL;
	pair.is_served = false;
	for (unsigned i = 0; i < 20; i++) {
		pair_until(&pair, ends[i].is_closed);
		end_done(&ends[i]);
	}
	pair_until(&pair, late.is_closed);
	pair_stop(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_websocket_carries_messages),
		cmocka_unit_test(test_websocket_carries_messages_over_tls),
		cmocka_unit_test(test_websocket_keeps_the_order),
		cmocka_unit_test(test_websocket_is_closed_by_the_server),
		cmocka_unit_test(test_websocket_cuts_a_long_reason_between_characters),
		cmocka_unit_test(test_websocket_ends_with_its_server),
		cmocka_unit_test(test_websocket_is_accepted_later),
		cmocka_unit_test(test_websocket_accepts_nobody_who_has_gone),
		cmocka_unit_test(test_websocket_closes_within_a_message),
		cmocka_unit_test(test_websocket_tells_of_a_refusal),
		cmocka_unit_test(test_websocket_trusts_its_pin_only),
		cmocka_unit_test(test_websocket_says_why_it_cannot_connect),
		cmocka_unit_test(test_websocket_can_be_closed_at_any_step),
		cmocka_unit_test(test_websocket_accepts_what_the_rfc_says),
		cmocka_unit_test(test_websocket_judges_frames),
		cmocka_unit_test(test_websocket_limits_a_message_of_many_pieces),
		cmocka_unit_test(test_websocket_takes_what_came_with_the_request),
		cmocka_unit_test(test_websocket_client_judges_its_server),
		cmocka_unit_test(test_websocket_client_limits_a_head),
		cmocka_unit_test(test_websocket_refuses_to_pile_up_for_a_slow_reader),
		cmocka_unit_test(test_websocket_bounds_its_pongs),
		cmocka_unit_test(test_websocket_ends_when_nothing_comes),
		cmocka_unit_test(test_websocket_notices_a_cut),
		cmocka_unit_test(test_websocket_does_not_count_as_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
