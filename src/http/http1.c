/* Requests by http-parser. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/http1.h"

static struct wr_http1_state *state_of(http_parser *parser)
{
	return parser->data;
}

/* --- The parser's calls; other than 0 stops it. --- */

static int fail(struct wr_http1_state *http1, unsigned status)
{
	wr_head_fault(&http1->coming->head, status);
	return -1;
}

static int on_message_begin(http_parser *parser)
{
	struct wr_http1_state *http1 = state_of(parser);

	/* A trailer may be left of the one before. */
	wr_buffer_done(&http1->name);
	wr_buffer_done(&http1->value);
	http1->is_value_next = false;
	http1->coming = wr_request_new(http1->connection);
	return http1->coming ? 0 : -1;
}

static int on_url(http_parser *parser, const char *data, size_t len)
{
	struct wr_http1_state *http1 = state_of(parser);

	if (http1->target.len + len > WR_HEAD_TARGET_LEN)
		return fail(http1, 414);
	return wr_buffer_add(&http1->target, data, len) ? 0 : fail(http1, 503);
}

/* A field is whole when the next one begins, or the head ends. */
static int finish_field(struct wr_http1_state *http1)
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

static int add_to_field(struct wr_http1_state *http1, struct wr_buffer *part, const char *data,
			size_t len)
{
	if (http1->name.len + http1->value.len + len > WR_HEAD_LEN)
		return fail(http1, 431);
	return wr_buffer_add(part, data, len) ? 0 : fail(http1, 503);
}

static int on_header_field(http_parser *parser, const char *data, size_t len)
{
	struct wr_http1_state *http1 = state_of(parser);

	if (http1->is_value_next && finish_field(http1))
		return -1;
	return add_to_field(http1, &http1->name, data, len);
}

static int on_header_value(http_parser *parser, const char *data, size_t len)
{
	struct wr_http1_state *http1 = state_of(parser);

	http1->is_value_next = true;
	return add_to_field(http1, &http1->value, data, len);
}

static bool is_too_long(const struct wr_http1_state *http1)
{
	return http1->parser.content_length != ULLONG_MAX &&
	       http1->parser.content_length > http1->connection->server->config.limits.body_bytes;
}

static void check_head(struct wr_http1_state *http1)
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
static void say_continue(struct wr_http1_state *http1)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (http1->coming->head.values[WR_KEPT_EXPECT] && http1->parser.http_minor == 1)
		wr_connection_send(http1->connection, (const uint8_t *)text, sizeof(text) - 1);
}

static int on_headers_complete(http_parser *parser)
{
	struct wr_http1_state *http1 = state_of(parser);
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
	struct wr_http1_state *http1 = state_of(parser);

	wr_request_body(http1->coming, (const uint8_t *)data, len);
	return http1->coming->head.fault ? -1 : 0;
}

static int on_message_complete(http_parser *parser)
{
	struct wr_http1_state *http1 = state_of(parser);

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
	struct wr_http1_state *http1 = calloc(1, sizeof(*http1));

	if (!http1)
		return NULL;
	http_parser_init(&http1->parser, HTTP_REQUEST);
	http1->parser.data = http1;
	http1->connection = connection;
	return http1;
}

static void free_state(void *state)
{
	struct wr_http1_state *http1 = state;

	wr_buffer_done(&http1->target);
	wr_buffer_done(&http1->name);
	wr_buffer_done(&http1->value);
	wr_buffer_done(&http1->head);
	free(http1);
}

static void handle(struct wr_http1_state *http1)
{
	http1->current = http1->coming;
	http1->coming = NULL;
	wr_request_handle(http1->current);
}

/* Answers what cannot be read on; where the next request would begin is not known. */
static void refuse(struct wr_http1_state *http1, unsigned status)
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

static void parse_some(struct wr_http1_state *http1)
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
	struct wr_http1_state *http1 = connection->state;

	while (connection->in.len && !http1->current && !connection->is_ending &&
	       !uv_is_closing(&connection->handle))
		parse_some(http1);
	/* What is not whole now never will be; what was sent ahead has its turn. */
	if (connection->has_ended && http1->coming) {
		wr_request_abandon(http1->coming);
		http1->coming = NULL;
	}
}

/* --- What the connection asks for. --- */

static void retire(struct wr_http_connection *connection)
{
	struct wr_http1_state *http1 = connection->state;

	/* A request that is half there is not waited for. */
	if (http1->coming) {
		wr_request_abandon(http1->coming);
		http1->coming = NULL;
	}
}

static void expire(struct wr_http_request *request)
{
	struct wr_http1_state *http1 = request->connection->state;

	assert(request == http1->coming);
	refuse(http1, 408);
}

const struct wr_http_protocol wr_http1 = {
	.open = open_state,
	.free = free_state,
	.read = read_requests,
	.write = wr_http1_write,
	.answer = wr_http1_answer,
	.resume = wr_http1_resume,
	.retire = retire,
	.expire = expire,
};
