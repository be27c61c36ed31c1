#include "http/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <http_parser.h>

#include "base/key.h"
#include "http/buffer.h"
#include "http/dial.h"
#include "http/text.h"

#define PIECE (16 << 10)
/* An answer is kept in memory whole. */
#define ANSWER_LEN ((size_t)64 << 20)
/* Of one line of a stream of events; the server's own are at most 16 KiB. */
#define LINE_LEN ((size_t)1 << 20)
#define FIELD_LEN 8192
/* A server says something every 15 s. */
#define SILENCE_SECONDS 60

/* An answer as it comes in. */
struct incoming {
	struct wr_dial *dial;
	http_parser parser;
	struct wr_buffer name, value, body;
	bool is_value_next;
	char *content_type, *etag;
	unsigned status;
	bool is_whole;
	bool is_head;
	int error;

	/* For wr_http_follow(). */
	bool (*line)(void *context, unsigned status, const char *text);
	void *context;
	bool is_followed; /* `line` gets each line as it comes */
	bool has_enough;
};

/* --- Coming in. --- */

static struct incoming *incoming_of(http_parser *parser)
{
	return parser->data;
}

static int stop(struct incoming *incoming, int error, const char *why)
{
	incoming->error = wr_dial_fail(incoming->dial, error, "%s", why);
	return -1;
}

static void keep(char **place, const struct wr_buffer *value)
{
	free(*place);
	*place = strndup((const char *)value->data, value->len);
}

static bool is_named(const struct wr_buffer *name, const char *other)
{
	return name->len == strlen(other) &&
	       strncasecmp((const char *)name->data, other, name->len) == 0;
}

static void finish_field(struct incoming *incoming)
{
	if (incoming->is_value_next && incoming->value.len) {
		if (is_named(&incoming->name, "content-type"))
			keep(&incoming->content_type, &incoming->value);
		else if (is_named(&incoming->name, "etag"))
			keep(&incoming->etag, &incoming->value);
	}
	wr_buffer_done(&incoming->name);
	wr_buffer_done(&incoming->value);
	incoming->is_value_next = false;
}

static int add_to_field(struct incoming *incoming, struct wr_buffer *part, const char *data,
			size_t len)
{
	if (part->len + len > FIELD_LEN)
		return stop(incoming, -EPROTO, "the answer's headers are too long");
	return wr_buffer_add(part, data, len) ? 0 : stop(incoming, -ENOMEM, "out of memory");
}

static int on_header_field(http_parser *parser, const char *data, size_t len)
{
	struct incoming *incoming = incoming_of(parser);

	if (incoming->is_value_next)
		finish_field(incoming);
	return add_to_field(incoming, &incoming->name, data, len);
}

static int on_header_value(http_parser *parser, const char *data, size_t len)
{
	struct incoming *incoming = incoming_of(parser);

	incoming->is_value_next = true;
	return add_to_field(incoming, &incoming->value, data, len);
}

static int on_headers_complete(http_parser *parser)
{
	struct incoming *incoming = incoming_of(parser);

	finish_field(incoming);
	incoming->status = parser->status_code;
	incoming->is_followed = incoming->line && incoming->status == 200;
	return incoming->is_head; /* 1: there is no body, whatever the headers say */
}

/* Lines of what has come; what is left waits for its end. */
static void give_lines(struct incoming *incoming)
{
	struct wr_buffer *body = &incoming->body;
	uint8_t *end;

	while (!incoming->has_enough && body->len && (end = memchr(body->data, '\n', body->len))) {
		size_t len = (size_t)(end - body->data);

		body->data[len && body->data[len - 1] == '\r' ? len - 1 : len] = '\0';
		incoming->has_enough = !incoming->line(incoming->context, incoming->status,
						       (const char *)body->data);
		wr_buffer_take(body, len + 1);
	}
}

static int on_body(http_parser *parser, const char *data, size_t len)
{
	struct incoming *incoming = incoming_of(parser);
	size_t most = incoming->is_followed ? LINE_LEN : ANSWER_LEN;

	if (len > most - (incoming->body.len < most ? incoming->body.len : most))
		return stop(incoming, -EMSGSIZE, "the answer is too long");
	if (!wr_buffer_add(&incoming->body, data, len))
		return stop(incoming, -ENOMEM, "out of memory");
	if (incoming->is_followed)
		give_lines(incoming);
	return incoming->has_enough ? -1 : 0;
}

static int on_message_complete(http_parser *parser)
{
	struct incoming *incoming = incoming_of(parser);

	/* 100 Continue is no answer yet. */
	incoming->is_whole = incoming->status >= 200;
	if (incoming->is_whole)
		http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* A length of 0 tells the parser that the connection has ended, which may be the end of the
 * answer. */
static int parse(struct incoming *incoming, const uint8_t *data, size_t len)
{
	enum http_errno error;

	http_parser_execute(&incoming->parser, &settings, (const char *)data, len);
	error = HTTP_PARSER_ERRNO(&incoming->parser);
	if (incoming->error)
		return incoming->error;
	if (incoming->has_enough || incoming->is_whole)
		return 0;
	if (error != HPE_OK)
		return wr_dial_fail(incoming->dial, -EPROTO, "the answer is no HTTP: %s",
				    http_errno_description(error));
	if (!len)
		return wr_dial_fail(incoming->dial, -ECONNRESET, "the connection was cut");
	return 0;
}

static int receive(struct incoming *incoming)
{
	uint8_t piece[PIECE];
	int status = 0;

	while (!status && !incoming->is_whole && !incoming->has_enough) {
		ssize_t len = wr_dial_receive(incoming->dial, piece, sizeof(piece));

		if (len < 0)
			return (int)len;
		if (incoming->is_followed)
			wr_dial_allow(incoming->dial, SILENCE_SECONDS);
		status = parse(incoming, piece, (size_t)len);
	}
	wr_wipe(piece, sizeof(piece));
	return status;
}

static void incoming_done(struct incoming *incoming)
{
	wr_buffer_done(&incoming->name);
	wr_buffer_done(&incoming->value);
	wr_buffer_done(&incoming->body);
	free(incoming->content_type);
	free(incoming->etag);
}

/* --- Going out. --- */

static bool is_line(const char *text)
{
	return wr_http_is_value(text, strlen(text)) && !strchr(text, '\t');
}

static bool print_field(struct wr_buffer *out, const char *name, const char *value)
{
	return !value || (is_line(value) && wr_buffer_print(out, "%s: %s\r\n", name, value));
}

static bool print_request(struct wr_buffer *out, const struct wr_dial *dial,
			  const struct wr_http_ask *ask, const char *accept)
{
	bool has_body = ask->content_type;

	return is_line(ask->path) && ask->path[0] == '/' && !strchr(ask->path, ' ') &&
	       wr_http_is_token(ask->method, strlen(ask->method)) &&
	       wr_buffer_print(out, "%s %s%s HTTP/1.1\r\n", ask->method, dial->url.prefix,
			       ask->path) &&
	       print_field(out, "host", dial->url.host) && print_field(out, "accept", accept) &&
	       print_field(out, "user-agent", "warren") &&
	       print_field(out, "connection", "close") &&
	       print_field(out, "authorization", ask->authorization) &&
	       print_field(out, "if-match", ask->if_match) &&
	       print_field(out, "content-type", ask->content_type) &&
	       (!has_body || wr_buffer_print(out, "content-length: %zu\r\n", ask->body.len)) &&
	       wr_buffer_print(out, "\r\n") &&
	       (!has_body || wr_buffer_add(out, ask->body.data, ask->body.len));
}

static int send_request(struct wr_dial *dial, const struct wr_http_ask *ask, const char *accept)
{
	struct wr_buffer out = { 0 };
	int status;

	if (print_request(&out, dial, ask, accept))
		status = wr_dial_send(dial, out.data, out.len);
	else
		status = wr_dial_fail(dial, -EINVAL, "the request cannot be written");
	wr_buffer_done(&out);
	return status;
}

/* A server that refuses early answers and hangs up while we still send: the answer counts. */
static bool may_have_answered(int status)
{
	return status == -EPIPE || status == -ECONNRESET;
}

static int exchange(struct incoming *incoming, const struct wr_http_ask *ask, const char *accept)
{
	int status = send_request(incoming->dial, ask, accept);

	if (status && !may_have_answered(status))
		return status;
	http_parser_init(&incoming->parser, HTTP_RESPONSE);
	incoming->parser.data = incoming;
	incoming->is_head = strcmp(ask->method, "HEAD") == 0;
	return receive(incoming);
}

/* With a NUL behind it. */
static char *copy_body(const struct wr_buffer *body)
{
	char *copy = malloc(body->len + 1);

	if (!copy)
		return NULL;
	if (body->len)
		memcpy(copy, body->data, body->len);
	copy[body->len] = '\0';
	return copy;
}

static int ask_whole(struct wr_dial *dial, const struct wr_http_ask *ask,
		     struct wr_http_answer *ret_answer)
{
	struct incoming incoming = { .dial = dial };
	int status = exchange(&incoming, ask, "application/json");
	char *body = status ? NULL : copy_body(&incoming.body);

	if (body) {
		*ret_answer = (struct wr_http_answer){
			.status = incoming.status,
			.content_type = WR_TAKE(incoming.content_type),
			.etag = WR_TAKE(incoming.etag),
			.body = body,
			.len = incoming.body.len,
		};
		memcpy(ret_answer->pin, dial->pin, sizeof(dial->pin));
	} else if (!status) {
		status = wr_dial_fail(dial, -ENOMEM, "out of memory");
	}
	incoming_done(&incoming);
	return status;
}

int wr_http_call(const struct wr_http_target *target, const struct wr_http_ask *ask,
		 struct wr_http_answer *ret_answer, char ret_why[200])
{
	struct wr_dial dial;
	int status = wr_dial_open(&dial, target, ask->timeout_seconds, ret_why);

	if (!status)
		status = ask_whole(&dial, ask, ret_answer);
	wr_dial_close(&dial);
	return status;
}

void wr_http_answer_done(struct wr_http_answer *answer)
{
	if (answer->body)
		wr_wipe(answer->body, answer->len);
	free(answer->content_type);
	free(answer->etag);
	free(answer->body);
	*answer = (struct wr_http_answer){ 0 };
}

static int follow(struct wr_dial *dial, struct incoming *incoming, const struct wr_http_ask *ask)
{
	int status = exchange(incoming, ask, "text/event-stream");

	if (status || incoming->is_followed)
		return status;
	if (!wr_buffer_add(&incoming->body, "", 1))
		return wr_dial_fail(dial, -ENOMEM, "out of memory");
	incoming->line(incoming->context, incoming->status, (const char *)incoming->body.data);
	return 0;
}

int wr_http_follow(const struct wr_http_target *target, const struct wr_http_ask *ask,
		   bool (*line)(void *context, unsigned status, const char *text), void *context,
		   char ret_why[200])
{
	struct wr_dial dial;
	struct incoming incoming = { .dial = &dial, .line = line, .context = context };
	int status = wr_dial_open(&dial, target, ask->timeout_seconds, ret_why);

	if (!status)
		status = follow(&dial, &incoming, ask);
	incoming_done(&incoming);
	wr_dial_close(&dial);
	return status;
}
