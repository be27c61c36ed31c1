/* HTTP/2 (RFC 9113) by nghttp2: many requests at a time, each on a stream of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nghttp2/nghttp2.h>

#include "http/serving.h"

/* Headers of an answer: the status, and those of `fields`. */
#define ANSWER_FIELDS 40

struct http2 {
	struct wr_http_connection *connection;
	nghttp2_session *session;
	bool is_broken;
};

/* --- Requests: nghttp2's calls. --- */

static struct wr_http_request *request_of(nghttp2_session *session, int32_t number)
{
	return nghttp2_session_get_stream_user_data(session, number);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *http2 = context;
	struct wr_http_request *request;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	request = wr_request_new(http2->connection);
	if (!request)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	request->number = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(session, request->number, request);
	return 0;
}

static bool is_text(const uint8_t *text, size_t len, const char *other)
{
	return strlen(other) == len && memcmp(text, other, len) == 0;
}

static void take_field(struct wr_http_head *head, const uint8_t *name, size_t name_len,
		       const uint8_t *value, size_t value_len)
{
	if (is_text(name, name_len, ":method"))
		wr_head_method(head, (const char *)value, value_len);
	else if (is_text(name, name_len, ":path"))
		wr_head_target(head, (const char *)value, value_len);
	else if (is_text(name, name_len, ":authority"))
		wr_head_field(head, "host", 4, (const char *)value, value_len);
	else if (is_text(name, name_len, "host") && head->values[WR_KEPT_HOST])
		return; /* RFC 9113 section 8.3.1: :authority goes before it */
	else if (name_len && name[0] != ':')
		wr_head_field(head, (const char *)name, name_len, (const char *)value, value_len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *context)
{
	struct wr_http_request *request = request_of(session, frame->hd.stream_id);

	(void)flags;
	(void)context;
	/* Of a head, not of trailers. */
	if (request && frame->hd.type == NGHTTP2_HEADERS &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		take_field(&request->head, name, name_len, value, value_len);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t number, const uint8_t *data,
		   size_t len, void *context)
{
	struct wr_http_request *request = request_of(session, number);

	(void)flags;
	(void)context;
	if (request && !request->is_whole)
		wr_request_body(request, data, len);
	return 0;
}

/* nghttp2 copies both. */
static nghttp2_nv field_of(char *name, char *value)
{
	return (nghttp2_nv){ .name = (uint8_t *)name,
			     .namelen = strlen(name),
			     .value = (uint8_t *)value,
			     .valuelen = strlen(value) };
}

static void say_continue(struct wr_http_request *request)
{
	struct http2 *http2 = request->connection->state;
	char name[] = ":status", value[] = "100";
	nghttp2_nv status = field_of(name, value);

	nghttp2_submit_headers(http2->session, NGHTTP2_FLAG_NONE, request->number, NULL, &status, 1,
			       NULL);
}

static void take_head(struct wr_http_request *request, bool is_last)
{
	wr_request_head_done(request);
	if (request->head.values[WR_KEPT_EXPECT] && !is_last && !request->head.fault)
		say_continue(request);
}

/* A request is handled when it is whole, or when it is clear that it is wrong. */
static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct wr_http_request *request = request_of(session, frame->hd.stream_id);
	bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)context;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) || !request ||
	    request->is_whole)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		take_head(request, is_last);
	if (is_last || request->head.fault)
		wr_request_handle(request);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t number, uint32_t code, void *context)
{
	struct wr_http_request *request = request_of(session, number);
	struct http2 *http2 = context;

	(void)code;
	if (!request)
		return 0;
	if (!request->is_complete)
		http2->connection->abandoned++;
	if (request->is_complete)
		wr_request_free(request);
	else
		wr_request_abandon(request);
	nghttp2_session_set_stream_user_data(session, number, NULL);
	http2->connection->deadline = wr_server_after(
		http2->connection->server, http2->connection->server->config.limits.idle_seconds);
	return http2->connection->abandoned > WR_HTTP_ABANDONED ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* An answer that went out before all of the request was there: the rest is not wanted
 * (RFC 9113 section 8.1). */
static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	(void)context;
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    frame->hd.flags & NGHTTP2_FLAG_END_STREAM &&
	    nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
					  NGHTTP2_NO_ERROR);
	return 0;
}

/* --- The session. --- */

static void free_state(void *state)
{
	struct http2 *http2 = state;

	nghttp2_session_del(http2->session);
	free(http2);
}

static int new_session(struct http2 *http2, nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
	return nghttp2_session_server_new(&http2->session, callbacks, http2);
}

static int start_session(struct http2 *http2)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, WR_HTTP_CONCURRENT },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, WR_HEAD_LEN },
	};
	nghttp2_session_callbacks *callbacks;
	int status = nghttp2_session_callbacks_new(&callbacks);

	if (status)
		return status;
	status = new_session(http2, callbacks);
	nghttp2_session_callbacks_del(callbacks);
	return status ? status
		      : nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
						WR_ARRAY_LEN(settings));
}

static void *open_state(struct wr_http_connection *connection)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));

	if (!http2)
		return NULL;
	http2->connection = connection;
	if (start_session(http2)) {
		free_state(http2);
		return NULL;
	}
	return http2;
}

static void read_frames(struct wr_http_connection *connection)
{
	struct http2 *http2 = connection->state;
	ssize_t used;

	/* Whoever does not take the answers is not listened to either. */
	if (!connection->in.len || !wr_connection_has_room(connection))
		return;
	used = nghttp2_session_mem_recv(http2->session, connection->in.data, connection->in.len);
	wr_buffer_done(&connection->in);
	if (used < 0)
		http2->is_broken = true;
}

/* --- Answers. --- */

static ssize_t read_out(nghttp2_session *session, int32_t number, uint8_t *to, size_t room,
			uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct wr_http_request *request = source->ptr;
	size_t len = request->out.len < room ? request->out.len : room;

	(void)session;
	(void)number;
	(void)context;
	if (!len && !request->is_complete)
		return NGHTTP2_ERR_DEFERRED;
	if (len)
		memcpy(to, request->out.data, len);
	wr_buffer_take(&request->out, len);
	if (request->is_complete && !request->out.len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* From "name: value\r\n" lines; names are lower-case in HTTP/2. */
static size_t split_fields(struct wr_buffer *fields, nghttp2_nv *to, size_t room)
{
	uint8_t *line = fields->data, *end = fields->data + fields->len;
	size_t count = 0;

	while (line < end && count < room) {
		uint8_t *colon = memchr(line, ':', (size_t)(end - line));
		uint8_t *stop = memchr(line, '\r', (size_t)(end - line));

		for (uint8_t *c = line; c < colon; c++)
			*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
		to[count++] = (nghttp2_nv){ .name = line,
					    .namelen = (size_t)(colon - line),
					    .value = colon + 2,
					    .valuelen = (size_t)(stop - colon - 2) };
		line = stop + 2;
	}
	return count;
}

static void answer(struct wr_http_request *request)
{
	struct http2 *http2 = request->connection->state;
	nghttp2_data_provider body = { .source.ptr = request, .read_callback = read_out };
	bool has_body = request->is_streamed || request->out.len;
	char status_name[] = ":status", length_name[] = "content-length";
	char status[12], length[24];
	nghttp2_nv fields[ANSWER_FIELDS] = { 0 };
	size_t count = 0;

	snprintf(status, sizeof(status), "%u", request->status);
	fields[count++] = field_of(status_name, status);
	if (request->has_body && !request->is_streamed) {
		snprintf(length, sizeof(length), "%zu", request->out_len);
		fields[count++] = field_of(length_name, length);
	}
	count += split_fields(&request->fields, fields + count, ANSWER_FIELDS - count);
	if (nghttp2_submit_response(http2->session, request->number, fields, count,
				    has_body ? &body : NULL))
		http2->is_broken = true;
}

static void resume(struct wr_http_request *request)
{
	struct http2 *http2 = request->connection->state;

	nghttp2_session_resume_data(http2->session, request->number);
}

static void write_frames(struct wr_http_connection *connection)
{
	struct http2 *http2 = connection->state;
	const uint8_t *data;
	ssize_t len = 1;

	while (len > 0 && !http2->is_broken && wr_connection_has_room(connection)) {
		len = nghttp2_session_mem_send(http2->session, &data);
		if (len > 0)
			wr_connection_send(connection, data, (size_t)len);
	}
	if (connection->in.len && wr_connection_has_room(connection))
		wr_connection_turn(connection);
	if (len < 0 || http2->is_broken || connection->has_ended)
		wr_connection_close(connection);
	else if (!nghttp2_session_want_read(http2->session) &&
		 !nghttp2_session_want_write(http2->session))
		connection->is_ending = true;
}

static void retire(struct wr_http_connection *connection)
{
	struct http2 *http2 = connection->state;

	nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(http2->session),
			      NGHTTP2_NO_ERROR, NULL, 0);
}

static void expire(struct wr_http_request *request)
{
	wr_head_fault(&request->head, 408);
	wr_request_handle(request);
}

const struct wr_http_protocol wr_http2 = {
	.open = open_state,
	.free = free_state,
	.read = read_frames,
	.write = write_frames,
	.answer = answer,
	.resume = resume,
	.retire = retire,
	.expire = expire,
};
