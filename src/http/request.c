#include "http/serving.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/text.h"

/* --- Coming in. --- */

static void link_in(struct wr_http_connection *connection, struct wr_http_request *request)
{
	request->next = connection->requests;
	if (request->next)
		request->next->prev = request;
	connection->requests = request;
}

static void link_out(struct wr_http_request *request)
{
	if (request->next)
		request->next->prev = request->prev;
	if (request->prev)
		request->prev->next = request->next;
	else
		request->connection->requests = request->next;
	request->next = request->prev = NULL;
}

struct wr_http_request *wr_request_new(struct wr_http_connection *connection)
{
	struct wr_http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->server = connection->server;
	request->connection = connection;
	request->remote = connection->remote;
	request->uid = connection->uid;
	request->is_unix = connection->is_unix;
	request->is_secure = connection->tls;
	request->deadline = wr_server_after(connection->server,
					    connection->server->config.limits.idle_seconds);
	link_in(connection, request);
	return request;
}

/* Only over TCP: who can open the Unix socket is no proxy. */
static void believe_proxy(struct wr_http_request *request)
{
	const char *from = request->head.values[WR_KEPT_X_FORWARDED_FOR];
	const char *protocol = request->head.values[WR_KEPT_X_FORWARDED_PROTO];
	struct wr_ip ip;

	if (from && wr_http_forwarded_for(from, &ip))
		request->remote = ip;
	if (protocol)
		request->is_secure = wr_http_forwarded_is_secure(protocol);
}

void wr_request_head_done(struct wr_http_request *request)
{
	wr_head_check(&request->head);
	if (request->server->config.trusts_proxy && !request->is_unix)
		believe_proxy(request);
	request->deadline = wr_server_after(request->server,
					    request->server->config.limits.idle_seconds);
}

/* Behind a proxy all come from one address. */
static bool is_too_much(const struct wr_http_request *request, size_t len)
{
	const struct wr_http_server *server = request->server;

	if (len > WR_HTTP_BODIES - server->body_len)
		return true;
	if (server->body_len < WR_HTTP_BODIES_SHARE || request->is_unix ||
	    server->config.trusts_proxy)
		return false;
	return wr_connection_share(request->connection) + len > WR_HTTP_BODIES_SHARE;
}

void wr_request_body(struct wr_http_request *request, const uint8_t *data, size_t len)
{
	struct wr_http_server *server = request->server;

	if (request->head.fault)
		return;
	if (len > server->config.limits.body_bytes - request->body.len) {
		wr_head_fault(&request->head, 413);
	} else if (is_too_much(request, len) || !wr_buffer_add(&request->body, data, len)) {
		wr_head_fault(&request->head, 503);
	} else {
		server->body_len += len;
		request->deadline += len * 1000 / WR_HTTP_BODY_RATE;
	}
}

/* RFC 9457. */
static void answer_fault(struct wr_http_request *request)
{
	unsigned status = request->head.fault;
	char text[160];
	int len = snprintf(text, sizeof(text),
			   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}\n",
			   wr_http_reason(status), status);

	wr_http_respond(request, &(struct wr_http_response){
					 .status = status,
					 .content_type = "application/problem+json",
					 .body = { (const uint8_t *)text, (size_t)len },
				 });
}

void wr_request_handle(struct wr_http_request *request)
{
	struct wr_http_server *server = request->server;

	request->is_whole = true;
	request->deadline = 0;
	if (request->head.fault) {
		answer_fault(request);
		return;
	}
	/* A text's NUL behind it, for those who read it as one. */
	if (wr_buffer_reserve(&request->body, 1))
		request->body.data[request->body.len] = '\0';
	server->config.handle(server->config.context, request);
}

/* --- Going. --- */

static void leave(struct wr_http_request *request)
{
	if (!request->connection)
		return;
	request->server->body_len -= request->body.len;
	if (request->is_streamed)
		request->server->stream_count--;
	link_out(request);
	request->connection = NULL;
	request->server = NULL;
}

void wr_request_free(struct wr_http_request *request)
{
	leave(request);
	wr_head_done(&request->head);
	wr_buffer_done(&request->body);
	wr_buffer_done(&request->fields);
	wr_buffer_done(&request->out);
	free(request);
}

static void tell_ended(struct wr_http_request *request)
{
	void (*ended)(void *context) = request->stream.ended;

	request->stream.ended = NULL;
	if (ended)
		ended(request->stream.context);
}

void wr_request_abandon(struct wr_http_request *request)
{
	tell_ended(request);
	if (request->is_answered || !request->is_whole)
		wr_request_free(request);
	else
		leave(request);
}

void wr_request_end_stream(struct wr_http_request *request)
{
	if (!request->is_streamed || request->is_complete)
		return;
	tell_ended(request);
	wr_http_stream_end(&request->stream);
}

/* --- The handler's side. --- */

enum wr_http_method wr_http_method(const struct wr_http_request *request)
{
	return request->head.method;
}

const char *wr_http_path(const struct wr_http_request *request)
{
	return request->head.path;
}

const char *wr_http_query(const struct wr_http_request *request)
{
	return request->head.query;
}

const char *wr_http_header(const struct wr_http_request *request, const char *name)
{
	return wr_head_value(&request->head, name);
}

struct wr_bytes wr_http_body(const struct wr_http_request *request)
{
	return (struct wr_bytes){ request->body.data, request->body.len };
}

const struct wr_ip *wr_http_remote(const struct wr_http_request *request)
{
	return &request->remote;
}

bool wr_http_is_unix(const struct wr_http_request *request)
{
	return request->is_unix;
}

uid_t wr_http_uid(const struct wr_http_request *request)
{
	assert(request->is_unix);
	return request->uid;
}

bool wr_http_is_secure(const struct wr_http_request *request)
{
	return request->is_secure;
}

static bool add_field(struct wr_buffer *fields, const char *name, const char *value)
{
	assert(wr_http_is_token(name, strlen(name)));
	/* A value may hold what a user wrote. */
	if (!wr_http_is_value(value, strlen(value)))
		return true;
	return wr_buffer_print(fields, "%s: %s\r\n", name, value);
}

static bool add_date(struct wr_buffer *fields)
{
	time_t now = time(NULL);
	struct tm broken;
	char text[40];

	gmtime_r(&now, &broken);
	/* In the C locale, whatever the process has. */
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
		 &"Sun\0Mon\0Tue\0Wed\0Thu\0Fri\0Sat"[4 * broken.tm_wday], broken.tm_mday,
		 &"Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec"[4 * broken.tm_mon],
		 broken.tm_year + 1900, broken.tm_hour, broken.tm_min, broken.tm_sec);
	return add_field(fields, "date", text);
}

static bool copy_fields(struct wr_http_request *request, const struct wr_http_response *response)
{
	bool is_good = add_date(&request->fields);

	if (response->content_type)
		is_good = is_good &&
			  add_field(&request->fields, "content-type", response->content_type);
	for (size_t i = 0; i < response->field_count; i++)
		is_good = is_good && add_field(&request->fields, response->fields[i].name,
					       response->fields[i].value);
	return is_good;
}

static bool copy_response(struct wr_http_request *request, const struct wr_http_response *response)
{
	request->is_answered = true;
	request->is_complete = true;
	request->status = response->status;
	/* RFC 9110 sections 15.3.5 and 15.4.5: these have none. */
	request->has_body = response->content_type && response->status != 204 &&
			    response->status != 304;
	request->out_len = request->has_body ? response->body.len : 0;
	if (!copy_fields(request, response))
		return false;
	return request->head.method == WR_HTTP_HEAD ||
	       wr_buffer_add(&request->out, response->body.data, request->out_len);
}

void wr_http_respond(struct wr_http_request *request, const struct wr_http_response *response)
{
	struct wr_http_connection *connection = request->connection;

	assert(!request->is_answered);
	if (!connection) {
		wr_request_free(request);
		return;
	}
	if (copy_response(request, response))
		connection->protocol->answer(request);
	else
		wr_connection_close(connection);
	wr_connection_turn(connection);
}

/* --- Streams. --- */

static struct wr_http_request *request_of(struct wr_http_stream *stream)
{
	return WR_CONTAINER_OF(stream, struct wr_http_request, stream);
}

struct wr_http_stream *wr_http_stream_begin(struct wr_http_request *request,
					    void (*ended)(void *context), void *context)
{
	/* The second is for nginx, which else collects what a stream says. */
	static const struct wr_http_field fields[] = { { "cache-control", "no-store" },
						       { "x-accel-buffering", "no" } };
	static const struct wr_http_response head = {
		.status = 200,
		.content_type = "text/event-stream",
		.fields = fields,
		.field_count = WR_ARRAY_LEN(fields),
	};
	struct wr_http_connection *connection = request->connection;

	assert(!request->is_answered);
	if (!connection || request->server->is_closing || connection->is_ending ||
	    request->server->stream_count >= WR_HTTP_STREAMS ||
	    request->head.method == WR_HTTP_HEAD)
		return NULL;
	if (!copy_response(request, &head)) {
		wr_buffer_done(&request->fields);
		request->is_answered = false;
		return NULL;
	}
	request->is_streamed = true;
	request->is_complete = false;
	request->server->stream_count++;
	request->stream = (struct wr_http_stream){ ended, context };
	connection->protocol->answer(request);
	wr_connection_turn_soon(connection);
	return &request->stream;
}

bool wr_http_stream_send(struct wr_http_stream *stream, const char *text, size_t len)
{
	struct wr_http_request *request = request_of(stream);

	assert(request->is_streamed && !request->is_complete);
	if (len > WR_HTTP_STREAM_WAITS - request->out.len ||
	    !wr_buffer_add(&request->out, text, len))
		return false;
	request->connection->protocol->resume(request);
	wr_connection_turn_soon(request->connection);
	return true;
}

void wr_http_stream_end(struct wr_http_stream *stream)
{
	struct wr_http_request *request = request_of(stream);

	request->stream.ended = NULL;
	request->is_complete = true;
	request->connection->protocol->resume(request);
	wr_connection_turn_soon(request->connection);
}
