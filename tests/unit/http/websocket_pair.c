#include "websocket_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/certificate.h"

#define PROTOCOL "warren.v1"

/* --- What an end is told. --- */

static void on_opened(void *context)
{
	struct end *end = context;

	end->is_open = true;
	end->opened++;
}

static void on_received(void *context, bool is_text, const uint8_t *data, size_t len)
{
	struct end *end = context;

	assert_int_equal(data[len], 0);
	end->count++;
	end->bytes += len;
	end->is_text = is_text;
	free(end->last);
	end->last = malloc(len + 1);
	memcpy(end->last, data, len + 1);
	end->last_len = len;
	if (end->echoes)
		wr_websocket_send(end->websocket, is_text, data, len);
}

static void on_ponged(void *context)
{
	struct end *end = context;

	end->ponged++;
}

static void on_closed(void *context, unsigned status, const char *why)
{
	struct end *end = context;

	assert_false(end->is_closed);
	end->is_closed = true;
	end->closed++;
	end->is_open = false;
	end->status = status;
	end->websocket = NULL;
	snprintf(end->why, sizeof(end->why), "%s", why);
}

static const struct wr_websocket_handlers handlers = { on_opened, on_received, on_ponged,
						       on_closed };

void end_done(struct end *end)
{
	free(end->last);
	end->last = NULL;
}

/* --- The server. --- */

static void respond(struct wr_http_request *request, unsigned status)
{
	wr_http_respond(request, &(struct wr_http_response){
					 .status = status,
					 .content_type = "text/plain",
					 .body = { (const uint8_t *)"no\n", 3 },
				 });
}

void pair_accept(struct pair *pair, struct wr_http_request *request)
{
	struct end *end = &pair->served[pair->served_count];

	assert_in_range(pair->served_count, 0, PAIR_MESSAGES - 1);
	if (!wr_http_is_websocket(request, PROTOCOL)) {
		respond(request, 426);
		return;
	}
	end->pair = pair;
	end->echoes = strcmp(wr_http_path(request), "/echo") == 0;
	end->websocket = wr_websocket_accept(request, PROTOCOL, &pair->limits, &handlers, end);
	if (!end->websocket) {
		respond(request, 503);
		return;
	}
	end->is_open = true;
	pair->served_count++;
}

static void handle(void *context, struct wr_http_request *request)
{
	struct pair *pair = context;

	if (pair->refuse)
		respond(request, pair->refuse);
	else if (pair->takes_later)
		pair->held = request;
	else
		pair_accept(pair, request);
}

static void on_guard(uv_timer_t *timer)
{
	struct pair *pair = timer->data;

	pair->is_late = true;
}

void pair_arm(struct pair *pair)
{
	pair->is_late = false;
	uv_update_time(&pair->loop);
	uv_timer_start(&pair->guard, on_guard, 10000, 0);
}

static void make_files(struct pair *pair)
{
	const char *const names[] = { "localhost", "127.0.0.1" };

	strcpy(pair->folder, "/tmp/warren-ws-XXXXXX");
	assert_non_null(mkdtemp(pair->folder));
	snprintf(pair->cert_file, sizeof(pair->cert_file), "%s/cert.pem", pair->folder);
	snprintf(pair->key_file, sizeof(pair->key_file), "%s/key.pem", pair->folder);
	assert_int_equal(wr_certificate_make(pair->cert_file, pair->key_file, names, 2), 0);
	assert_int_equal(wr_certificate_pin(pair->cert_file, pair->pin), 0);
}

void pair_start(struct pair *pair, bool has_tls, const struct wr_websocket_limits *limits)
{
	memset(pair, 0, sizeof(*pair));
	pair->limits = *limits;
	if (has_tls)
		make_files(pair);
	pair->config = (struct wr_http_config){
		.listen = "127.0.0.1:0",
		.cert_file = has_tls ? pair->cert_file : NULL,
		.key_file = has_tls ? pair->key_file : NULL,
		.limits = { 65536, 500, 400, 30, 0 },
		.handle = handle,
		.context = pair,
	};
	uv_loop_init(&pair->loop);
	uv_timer_init(&pair->loop, &pair->guard);
	pair->guard.data = pair;
	assert_int_equal(wr_http_server_open(&pair->loop, &pair->config, &pair->server), 0);
	pair->is_served = true;
	pair->port = wr_http_server_port(pair->server);
	snprintf(pair->url, sizeof(pair->url), "%s://127.0.0.1:%u", has_tls ? "https" : "http",
		 pair->port);
}

static void on_server_closed(void *context)
{
	struct pair *pair = context;

	pair->is_served = false;
}

void pair_stop(struct pair *pair)
{
	if (pair->server)
		wr_http_server_close(pair->server, WR_SPAN_MS(0), on_server_closed, pair);
	pair->server = NULL;
	pair_until(pair, !pair->is_served);
	uv_close((uv_handle_t *)&pair->guard, NULL);
	uv_run(&pair->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&pair->loop), 0);
	for (unsigned i = 0; i < pair->served_count; i++) {
		assert_int_equal(pair->served[i].closed, 1);
		end_done(&pair->served[i]);
	}
	if (pair->folder[0]) {
		unlink(pair->cert_file);
		unlink(pair->key_file);
		assert_int_equal(rmdir(pair->folder), 0);
	}
}

/* --- Clients. --- */

struct wr_websocket_target pair_target(const struct pair *pair)
{
	return (struct wr_websocket_target){
		.url = pair->url,
		.pin = pair->pin[0] ? pair->pin : NULL,
		.path = "/echo",
		.protocol = PROTOCOL,
		.authorization = "Bearer secret",
		.timeout_seconds = 5,
	};
}

void pair_connect_to(struct pair *pair, struct end *end, const struct wr_websocket_target *target,
		     const struct wr_websocket_limits *limits)
{
	memset(end, 0, sizeof(*end));
	end->pair = pair;
	assert_int_equal(wr_websocket_connect(&pair->loop, target, limits, &handlers, end,
					      &end->websocket),
			 0);
}

void pair_connect(struct pair *pair, struct end *end, const struct wr_websocket_limits *limits)
{
	struct wr_websocket_target target = pair_target(pair);

	pair_connect_to(pair, end, &target, limits);
}

/* --- Raw sockets. --- */

static int raw_connect(const struct pair *pair)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(pair->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

void pair_raw_send(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

size_t pair_raw_receive(struct pair *pair, int fd, uint8_t *data, size_t len)
{
	size_t at = 0;

	pair_arm(pair);
	while (at < len && !pair->is_late) {
		ssize_t got = recv(fd, data + at, len - at, 0);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0) {
			at += (size_t)got;
			continue;
		}
		uv_run(&pair->loop, UV_RUN_NOWAIT);
		usleep(200);
	}
	assert_false(pair->is_late);
	return at;
}

int pair_raw_ask(struct pair *pair, const char *request, char *ret_answer, size_t room)
{
	int fd = raw_connect(pair);
	size_t at = 0;

	for (unsigned i = 0; i < 5; i++)
		uv_run(&pair->loop, UV_RUN_NOWAIT);
	pair_raw_send(fd, request, strlen(request));
	ret_answer[0] = '\0';
	while (at + 1 < room && !strstr(ret_answer, "\r\n\r\n") &&
	       pair_raw_receive(pair, fd, (uint8_t *)ret_answer + at, 1)) {
		at++;
		ret_answer[at] = '\0';
	}
	return fd;
}

int pair_raw(struct pair *pair)
{
	char answer[1000];
	int fd = pair_raw_ask(pair,
			      "GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
			      "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			      "Sec-WebSocket-Protocol: other, warren.v1\r\n\r\n",
			      answer, sizeof(answer));

	assert_memory_equal(answer, "HTTP/1.1 101 ", 13);
	/* RFC 6455 section 1.3. */
	assert_non_null(strstr(answer, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	return fd;
}
