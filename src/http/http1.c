/* HTTP/1.1 and 1.0 (RFC 9112) by http-parser: one request at a time; those that were sent
 * ahead wait in connection->in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "http/serving.h"
#include "http/text.h"

struct http1 {
	struct wr_http_connection *connection;
	http_parser parser;
	struct wr_buffer target, name, value; /* as they come in, in pieces */
	bool is_value_next;                   /* of the field that is coming: its value has begun */
	struct wr_http_request *coming;       /* its head or body is not whole */
	struct wr_http_request *current;      /* with its handler, or being answered */
	bool is_kept_alive;                   /* the connection, after the current one */
	bool is_chunked;                      /* the current answer */
	bool has_sent_end;                    /* of a chunked answer */
	struct wr_buffer head;                /* of the current answer, not sent yet */
};

static struct http1 *state_of(http_parser *parser)
{
	return parser->data;
}

/* --- The parser's calls; other than 0 stops it. --- */

static int fail(struct http1 *http1, unsigned status)
{
	wr_head_fault(&http1->coming->head, status);
	return -1;
}

static int on_message_begin(http_parser *parser)
{
	struct http1 *http1 = state_of(parser);

	/* A trailer may be left of the one before. */
	wr_buffer_done(&http1->name);
	wr_buffer_done(&http1->value);
	http1->is_value_next = false;
	http1->coming = wr_request_new(http1->connection);
	return http1->coming ? 0 : -1;
}

static int on_url(http_parser *parser, const char *data, size_t len)
{
	struct http1 *http1 = state_of(parser);

	if (http1->target.len + len > WR_HEAD_TARGET_LEN)
		return fail(http1, 414);
	return wr_buffer_add(&http1->target, data, len) ? 0 : fail(http1, 503);
}

/* A field is whole when the next one begins, or the head ends. */
static int finish_field(struct http1 *http1)
{
	struct wr_http_head *head = &http1->coming->head;

	/* What comes behind the body is of no interest (trailers). */
	if (http1->is_value_next && !head->path)
		wr_head_field(head, (const char *)http1->name.data, http1->name.len,
			      http1->value.len ? (const char *)http1->value.data : "",
			      http1->value.len);
	wr_buffer_done(&http1->name);
	wr_buffer_done(&http1->value);
	http1->is_value_next = false;
	return head->fault ? -1 : 0;
}

static int add_to_field(struct http1 *http1, struct wr_buffer *part, const char *data, size_t len)
{
	if (http1->name.len + http1->value.len + len > WR_HEAD_LEN)
		return fail(http1, 431);
	return wr_buffer_add(part, data, len) ? 0 : fail(http1, 503);
}

static int on_header_field(http_parser *parser, const char *data, size_t len)
{
	struct http1 *http1 = state_of(parser);

	if (http1->is_value_next && finish_field(http1))
		return -1;
	return add_to_field(http1, &http1->name, data, len);
}

static int on_header_value(http_parser *parser, const char *data, size_t len)
{
	struct http1 *http1 = state_of(parser);

	http1->is_value_next = true;
	return add_to_field(http1, &http1->value, data, len);
}

static bool is_too_long(const struct http1 *http1)
{
	return http1->parser.content_length != ULLONG_MAX &&
	       http1->parser.content_length > http1->connection->server->config.limits.body_bytes;
}

static void check_head(struct http1 *http1)
{
	struct wr_http_head *head = &http1->coming->head;

	wr_head_target(head, (const char *)http1->target.data, http1->target.len);
	wr_request_head_done(http1->coming);
	if (http1->parser.http_major != 1 || http1->parser.http_minor > 1)
		wr_head_fault(head, 505);
	else if (http1->parser.http_minor == 1 && !head->values[WR_KEPT_HOST])
		wr_head_fault(head, 400);
	if (is_too_long(http1))
		wr_head_fault(head, 413);
}

/* RFC 9110 section 10.1.1. */
static void say_continue(struct http1 *http1)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (http1->coming->head.values[WR_KEPT_EXPECT] && http1->parser.http_minor == 1)
		wr_connection_send(http1->connection, (const uint8_t *)text, sizeof(text) - 1);
}

static int on_headers_complete(http_parser *parser)
{
	struct http1 *http1 = state_of(parser);
	const char *method = http_method_str((enum http_method)parser->method);

	if (finish_field(http1))
		return -1;
	wr_head_method(&http1->coming->head, method, strlen(method));
	check_head(http1);
	wr_buffer_done(&http1->target);
	if (http1->coming->head.fault)
		return -1;
	/* Offers to speak something else are not taken up (RFC 9110 section 7.8). */
	parser->upgrade = 0;
	say_continue(http1);
	return 0;
}

static int on_body(http_parser *parser, const char *data, size_t len)
{
	struct http1 *http1 = state_of(parser);

	wr_request_body(http1->coming, (const uint8_t *)data, len);
	return http1->coming->head.fault ? -1 : 0;
}

static int on_message_complete(http_parser *parser)
{
	struct http1 *http1 = state_of(parser);

	http1->is_kept_alive = http_should_keep_alive(parser);
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_message_begin = on_message_begin,
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* --- Requests. --- */

static void *open_state(struct wr_http_connection *connection)
{
	struct http1 *http1 = calloc(1, sizeof(*http1));

	if (!http1)
		return NULL;
	http_parser_init(&http1->parser, HTTP_REQUEST);
	http1->parser.data = http1;
	http1->connection = connection;
	return http1;
}

static void free_state(void *state)
{
	struct http1 *http1 = state;

	wr_buffer_done(&http1->target);
	wr_buffer_done(&http1->name);
	wr_buffer_done(&http1->value);
	wr_buffer_done(&http1->head);
	free(http1);
}

static void handle(struct http1 *http1)
{
	http1->current = http1->coming;
	http1->coming = NULL;
	wr_request_handle(http1->current);
}

/* Answers what cannot be read on; where the next request would begin is not known. */
static void refuse(struct http1 *http1, unsigned status)
{
	if (!http1->coming)
		http1->coming = wr_request_new(http1->connection);
	if (!http1->coming) {
		wr_connection_close(http1->connection);
		return;
	}
	wr_head_fault(&http1->coming->head, status);
	http1->connection->is_ending = true;
	wr_buffer_done(&http1->connection->in);
	handle(http1);
}

static void parse_some(struct http1 *http1)
{
	struct wr_buffer *in = &http1->connection->in;
	size_t used = http_parser_execute(&http1->parser, &settings, (const char *)in->data,
					  in->len);
	enum http_errno error = HTTP_PARSER_ERRNO(&http1->parser);

	wr_buffer_take(in, used);
	if (error == HPE_PAUSED) {
		http_parser_pause(&http1->parser, 0);
		handle(http1);
	} else if (error != HPE_OK) {
		refuse(http1, error == HPE_HEADER_OVERFLOW ? 431 : 400);
	} else {
		assert(!in->len);
		wr_buffer_done(in);
	}
}

static void read_requests(struct wr_http_connection *connection)
{
	struct http1 *http1 = connection->state;

	while (connection->in.len && !http1->current && !connection->is_ending &&
	       !uv_is_closing(&connection->handle))
		parse_some(http1);
	/* What is not whole now never will be; what was sent ahead has its turn. */
	if (connection->has_ended && http1->coming) {
		wr_request_abandon(http1->coming);
		http1->coming = NULL;
	}
}

/* --- Answers. --- */

static bool has_length(const struct wr_http_request *request)
{
	return request->status != 204 && request->status != 304 && !request->is_streamed;
}

static bool print_head(struct http1 *http1, const struct wr_http_request *request)
{
	struct wr_buffer *head = &http1->head;
	bool is_good = wr_buffer_print(head, "HTTP/1.1 %u %s\r\n", request->status,
				       wr_http_reason(request->status)) &&
		       wr_buffer_add(head, request->fields.data, request->fields.len);

	if (has_length(request))
		is_good = is_good &&
			  wr_buffer_print(head, "content-length: %zu\r\n", request->out_len);
	if (http1->is_chunked)
		is_good = is_good && wr_buffer_print(head, "transfer-encoding: chunked\r\n");
	if (!http1->is_kept_alive)
		is_good = is_good && wr_buffer_print(head, "connection: close\r\n");
	else if (http1->parser.http_minor == 0)
		is_good = is_good && wr_buffer_print(head, "connection: keep-alive\r\n");
	return is_good && wr_buffer_print(head, "\r\n");
}

static void answer(struct wr_http_request *request)
{
	struct http1 *http1 = request->connection->state;

	assert(request == http1->current);
	http1->is_chunked = request->is_streamed && http1->parser.http_minor > 0;
	http1->has_sent_end = false;
	/* Without chunks, the end of a stream is the end of the connection. */
	if (request->connection->is_ending || (request->is_streamed && !http1->is_chunked))
		http1->is_kept_alive = false;
	if (!print_head(http1, request))
		wr_connection_close(request->connection);
}

static void resume(struct wr_http_request *request)
{
	(void)request; /* the turn will find it */
}

static size_t move(struct wr_buffer *from, uint8_t *to, size_t room)
{
	size_t len = from->len < room ? from->len : room;

	if (len)
		memcpy(to, from->data, len);
	wr_buffer_take(from, len);
	return len;
}

/* The longest that stands around a chunk: its length in hexadecimal, and two line ends. */
#define CHUNK_FRAME 16

static size_t make_chunk(struct wr_buffer *out, uint8_t *to, size_t room)
{
	size_t len = out->len < room - CHUNK_FRAME ? out->len : room - CHUNK_FRAME;
	size_t at = (size_t)snprintf((char *)to, CHUNK_FRAME, "%zx\r\n", len);

	at += move(out, to + at, len);
	memcpy(to + at, "\r\n", 2);
	return at + 2;
}

static size_t make_end(struct http1 *http1, uint8_t *to)
{
	if (!http1->is_chunked || http1->has_sent_end || !http1->current->is_complete)
		return 0;
	http1->has_sent_end = true;
	memcpy(to, "0\r\n\r\n", 5);
	return 5;
}

static size_t make_piece(struct http1 *http1, uint8_t piece[WR_HTTP_PIECE])
{
	struct wr_buffer *out = &http1->current->out;
	size_t len = move(&http1->head, piece, WR_HTTP_PIECE);

	if (WR_HTTP_PIECE - len > CHUNK_FRAME && out->len && http1->is_chunked)
		len += make_chunk(out, piece + len, WR_HTTP_PIECE - len);
	else if (!http1->is_chunked)
		len += move(out, piece + len, WR_HTTP_PIECE - len);
	if (WR_HTTP_PIECE - len > CHUNK_FRAME && !out->len)
		len += make_end(http1, piece + len);
	return len;
}

static bool is_sent(const struct http1 *http1)
{
	return http1->current->is_complete && !http1->head.len && !http1->current->out.len &&
	       (!http1->is_chunked || http1->has_sent_end);
}

static void finish(struct http1 *http1)
{
	struct wr_http_connection *connection = http1->connection;

	wr_request_free(http1->current);
	http1->current = NULL;
	wr_buffer_done(&http1->head);
	connection->deadline = wr_server_after(connection->server,
					       connection->server->config.limits.idle_seconds);
	if (!http1->is_kept_alive)
		connection->is_ending = true;
	wr_connection_turn(connection); /* once more: the next may be there */
}

static void write_answer(struct wr_http_connection *connection)
{
	struct http1 *http1 = connection->state;
	uint8_t piece[WR_HTTP_PIECE];
	size_t len = 1;

	while (len && http1->current && http1->current->is_answered &&
	       wr_connection_has_room(connection)) {
		len = make_piece(http1, piece);
		if (len)
			wr_connection_send(connection, piece, len);
		if (is_sent(http1))
			finish(http1);
	}
	/* Who listens to events and hangs up has had enough. */
	if (connection->has_ended && http1->current && http1->current->is_streamed)
		wr_request_end_stream(http1->current);
}

static void retire(struct wr_http_connection *connection)
{
	struct http1 *http1 = connection->state;

	/* A request that is half there is not waited for. */
	if (http1->coming) {
		wr_request_abandon(http1->coming);
		http1->coming = NULL;
	}
}

static void expire(struct wr_http_request *request)
{
	struct http1 *http1 = request->connection->state;

	assert(request == http1->coming);
	refuse(http1, 408);
}

const struct wr_http_protocol wr_http1 = {
	.open = open_state,
	.free = free_state,
	.read = read_requests,
	.write = write_answer,
	.answer = answer,
	.resume = resume,
	.retire = retire,
	.expire = expire,
};
