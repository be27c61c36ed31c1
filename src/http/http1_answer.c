#include <stdio.h>
#include <string.h>

#include "http/http1.h"
#include "http/text.h"

static bool has_length(const struct wr_http_request *request)
{
	return request->status != 204 && request->status != 304 && !request->is_streamed;
}

static bool print_head(struct wr_http1_state *http1, const struct wr_http_request *request)
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

void wr_http1_answer(struct wr_http_request *request)
{
	struct wr_http1_state *http1 = request->connection->state;

	assert(request == http1->current);
	http1->is_chunked = request->is_streamed && http1->parser.http_minor > 0;
	http1->has_sent_end = false;
	/* Without chunks, the end of a stream is the end of the connection. */
	if (request->connection->is_ending || (request->is_streamed && !http1->is_chunked))
		http1->is_kept_alive = false;
	if (!print_head(http1, request))
		wr_connection_close(request->connection);
}

void wr_http1_resume(struct wr_http_request *request)
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

static size_t make_end(struct wr_http1_state *http1, uint8_t *to)
{
	if (!http1->is_chunked || http1->has_sent_end || !http1->current->is_complete)
		return 0;
	http1->has_sent_end = true;
	memcpy(to, "0\r\n\r\n", 5);
	return 5;
}

static size_t make_piece(struct wr_http1_state *http1, uint8_t piece[WR_HTTP_PIECE])
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

static bool is_sent(const struct wr_http1_state *http1)
{
	return http1->current->is_complete && !http1->head.len && !http1->current->out.len &&
	       (!http1->is_chunked || http1->has_sent_end);
}

static void finish(struct wr_http1_state *http1)
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

void wr_http1_write(struct wr_http_connection *connection)
{
	struct wr_http1_state *http1 = connection->state;
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
