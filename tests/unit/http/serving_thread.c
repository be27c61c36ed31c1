#include "serving_thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/certificate.h"

enum order {
	ORDER_NONE,
	ORDER_RELEASE,
	ORDER_PUBLISH,
	ORDER_END,
	ORDER_RELOAD,
	ORDER_CLOSE
};

#define PATIENCE_MS 5000

/* --- On the loop. --- */

static void respond(struct wr_http_request *request, unsigned status, const char *text, size_t len)
{
	static const struct wr_http_field fields[] = { { "X-Test", "yes" } };

	wr_http_respond(request, &(struct wr_http_response){
					 .status = status,
					 .content_type = text ? "text/plain" : NULL,
					 .body = { (const uint8_t *)text, len },
					 .fields = fields,
					 .field_count = 1,
				 });
}

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void echo(struct wr_http_request *request)
{
	static const char *const methods[] = { "GET",   "HEAD",   "POST",    "PUT",
					       "PATCH", "DELETE", "OPTIONS", "OTHER" };
	struct wr_bytes body = wr_http_body(request);
	char remote[WR_ENDPOINT_TEXT_LEN] = "unix";
	char *text;
	int len;

	if (!wr_http_is_unix(request))
		wr_ip_format(wr_http_remote(request), remote);
	len = asprintf(&text,
		       "method=%s path=%s query=%s remote=%s secure=%d uid=%d host=%s cookie=%s "
		       "csrf=%s body=%zu:%.*s\n",
		       methods[wr_http_method(request)], wr_http_path(request),
		       wr_http_query(request), remote, wr_http_is_secure(request),
		       wr_http_is_unix(request) ? (int)wr_http_uid(request) : -1,
		       or_none(wr_http_header(request, "host")),
		       or_none(wr_http_header(request, "cookie")),
		       or_none(wr_http_header(request, "x-csrf-token")), body.len, (int)body.len,
		       body.len ? (const char *)body.data : "");
	respond(request, 200, text, (size_t)len);
	free(text);
}

static void big(struct wr_http_request *request)
{
	size_t len = strtoul(wr_http_query(request), NULL, 10);
	char *text = malloc(len);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 26);
	respond(request, 200, text, len);
	free(text);
}

struct listener {
	struct serving *serving;
	struct wr_http_stream *stream;
};

/* The stream is gone. */
static void forget(struct listener *listener)
{
	struct serving *serving = listener->serving;
	unsigned i = 0;

	while (serving->streams[i] != listener)
		i++;
	serving->streams[i] = serving->streams[--serving->stream_count];
	free(listener);
}

static void on_ended(void *context)
{
	struct listener *listener = context;

	listener->serving->ended++;
	forget(listener);
}

static void end(struct listener *listener)
{
	wr_http_stream_end(listener->stream);
	forget(listener);
}

static void begin_events(struct serving *serving, struct wr_http_request *request)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	listener->serving = serving;
	listener->stream = wr_http_stream_begin(request, on_ended, listener);
	if (!listener->stream) {
		free(listener);
		respond(request, 503, "full\n", 5);
		return;
	}
	serving->streams[serving->stream_count++] = listener;
	wr_http_stream_send(listener->stream, "data: hello\n\n", 13);
	serving->listening++;
}

static void handle(void *context, struct wr_http_request *request)
{
	struct serving *serving = context;
	const char *path = wr_http_path(request);

	if (strcmp(path, "/big") == 0) {
		big(request);
	} else if (strcmp(path, "/hold") == 0) {
		serving->held[serving->held_count++] = request;
		serving->waiting++;
	} else if (strcmp(path, "/events") == 0) {
		begin_events(serving, request);
	} else if (strcmp(path, "/none") == 0) {
		respond(request, 204, NULL, 0);
	} else {
		echo(request);
	}
	serving->handled++;
}

static void release(struct serving *serving)
{
	for (unsigned i = 0; i < serving->held_count; i++)
		echo(serving->held[i]);
	serving->held_count = 0;
	serving->waiting = 0;
}

/* 16 KiB to each. */
static void publish(struct serving *serving)
{
	static char text[16384];

	memset(text, 'x', sizeof(text));
	memcpy(text, "data: ", 6);
	memcpy(text + sizeof(text) - 2, "\n\n", 2);
	for (unsigned i = serving->stream_count; i-- > 0;) {
		if (!wr_http_stream_send(serving->streams[i]->stream, text, sizeof(text))) {
			end(serving->streams[i]);
			serving->too_slow++;
		}
	}
}

static void end_streams(struct serving *serving)
{
	while (serving->stream_count)
		end(serving->streams[0]);
}

static void on_closed(void *context)
{
	struct serving *serving = context;

	serving->is_closed = true;
	uv_close((uv_handle_t *)&serving->async, NULL);
}

static void on_order(uv_async_t *async)
{
	struct serving *serving = async->data;
	int order = atomic_exchange(&serving->order, ORDER_NONE);

	switch (order & 15) {
	case ORDER_RELEASE: release(serving); break;
	case ORDER_PUBLISH: publish(serving); break;
	case ORDER_END: end_streams(serving); break;
	case ORDER_RELOAD: serving->order = wr_http_server_reload(serving->server); break;
	case ORDER_CLOSE:
		wr_http_server_close(serving->server, WR_SPAN_MS((unsigned)order >> 4), on_closed,
				     serving);
		break;
	default: return;
	}
	uv_sem_post(&serving->done);
}

static void run(void *context)
{
	struct serving *serving = context;

	if (wr_http_server_open(&serving->loop, &serving->config, &serving->server) == 0)
		serving->port = wr_http_server_port(serving->server);
	uv_sem_post(&serving->started);
	uv_run(&serving->loop, UV_RUN_DEFAULT);
}

/* --- From outside. --- */

static void make_files(struct serving *serving)
{
	const char *const names[] = { "localhost", "127.0.0.1", "::1" };

	strcpy(serving->folder, "/tmp/warren-http-XXXXXX");
	assert_non_null(mkdtemp(serving->folder));
	snprintf(serving->cert_file, sizeof(serving->cert_file), "%s/cert.pem", serving->folder);
	snprintf(serving->key_file, sizeof(serving->key_file), "%s/key.pem", serving->folder);
	snprintf(serving->unix_path, sizeof(serving->unix_path), "%s/socket", serving->folder);
	assert_int_equal(wr_certificate_make(serving->cert_file, serving->key_file, names, 3), 0);
	assert_int_equal(wr_certificate_pin(serving->cert_file, serving->pin), 0);
}

void serving_start(struct serving *serving, const char *listen, bool has_tls,
		   const struct wr_http_limits *limits, bool trusts_proxy)
{
	memset(serving, 0, sizeof(*serving));
	make_files(serving);
	snprintf(serving->listen, sizeof(serving->listen), "%s", listen);
	serving->config = (struct wr_http_config){
		.listen = serving->listen,
		.cert_file = has_tls ? serving->cert_file : NULL,
		.key_file = has_tls ? serving->key_file : NULL,
		.unix_path = serving->unix_path,
		.trusts_proxy = trusts_proxy,
		.limits = limits ? *limits : (struct wr_http_limits){ 65536, 500, 400, 30 },
		.handle = handle,
		.context = serving,
	};
	uv_loop_init(&serving->loop);
	uv_async_init(&serving->loop, &serving->async, on_order);
	serving->async.data = serving;
	uv_sem_init(&serving->started, 0);
	uv_sem_init(&serving->done, 0);
	assert_int_equal(uv_thread_create(&serving->thread, run, serving), 0);
	uv_sem_wait(&serving->started);
	assert_non_null(serving->server);
}

static void order(struct serving *serving, int what)
{
	serving->order = what;
	uv_async_send(&serving->async);
	uv_sem_wait(&serving->done);
}

void serving_release(struct serving *serving)
{
	order(serving, ORDER_RELEASE);
}

void serving_publish(struct serving *serving)
{
	order(serving, ORDER_PUBLISH);
}

void serving_end_streams(struct serving *serving)
{
	order(serving, ORDER_END);
}

int serving_reload(struct serving *serving)
{
	order(serving, ORDER_RELOAD);
	return atomic_exchange(&serving->order, ORDER_NONE);
}

void serving_close(struct serving *serving, unsigned grace_ms)
{
	serving->server = serving->server ? serving->server : NULL;
	order(serving, ORDER_CLOSE | (int)(grace_ms << 4));
	serving->port = 0;
}

void serving_stop(struct serving *serving)
{
	char command[128];

	if (serving->port)
		serving_close(serving, 0);
	uv_thread_join(&serving->thread);
	assert_true(serving->is_closed);
	/* Whoever held a request lets it go without a server. */
	release(serving);
	assert_int_equal(uv_loop_close(&serving->loop), 0);
	uv_sem_destroy(&serving->started);
	uv_sem_destroy(&serving->done);
	assert_int_equal(access(serving->unix_path, F_OK), -1);
	snprintf(command, sizeof(command), "rm -r %s", serving->folder);
	assert_int_equal(system(command), 0);
}

static void set_patience(int fd)
{
	struct timeval patience = { PATIENCE_MS / 1000, 0 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

int serving_connect(const struct serving *serving)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(serving->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	set_patience(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

int serving_connect_unix(const struct serving *serving)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, serving->unix_path);
	set_patience(fd);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void send_bytes(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* it has hung up: its answer tells why */
		at += sent;
		len -= (size_t)sent;
	}
}

void send_text(int fd, const char *text)
{
	send_bytes(fd, text, strlen(text));
}

char *receive_until(int fd, const char *until)
{
	size_t len = 0, room = 65536;
	char *text = calloc(1, room);
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	while (!(until && strstr(text, until)) && poll(&pollfd, 1, PATIENCE_MS) > 0) {
		ssize_t got;

		if (room - len < 32768) {
			text = realloc(text, room *= 2);
			assert_non_null(text);
		}
		got = recv(fd, text + len, room - len - 1, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
		text[len] = '\0';
	}
	return text;
}

unsigned status_of(const char *answer)
{
	unsigned status = 0;

	return sscanf(answer, "HTTP/1.1 %u ", &status) == 1 ? status : 0;
}

void wait_until(_Atomic unsigned *counter, unsigned value)
{
	for (unsigned i = 0; i < PATIENCE_MS && *counter != value; i++)
		usleep(1000);
	assert_int_equal(*counter, value);
}
