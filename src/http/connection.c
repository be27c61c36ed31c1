#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "http/serving.h"
#include "http/websocket_state.h"

/* What a connection starts with that speaks HTTP/2 in the clear (RFC 9113 section 3.4); no
 * method of HTTP/1.1 begins so. */
#define PREFACE "PRI * HTTP/2.0"

struct write {
	uv_write_t request;
	struct wr_http_connection *connection;
	size_t len;
	uint8_t data[];
};

/* --- The end. --- */

static void let_requests_go(struct wr_http_connection *connection)
{
	while (connection->requests)
		wr_request_abandon(connection->requests);
	if (connection->state)
		connection->protocol->free(connection->state);
	connection->state = NULL;
}

/* Not from within the protocol that was spoken up to now: it is freed. */
static void switch_over(struct wr_http_connection *connection)
{
	let_requests_go(connection);
	connection->protocol = &wr_http_websocket;
	connection->state = WR_TAKE(connection->upgrade);
	if (connection->is_ending)
		connection->protocol->retire(connection);
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_http_connection *connection = handle->data;
	struct wr_http_server *server = connection->server;

	wr_connection_take_from_due(connection);
	wr_connection_link_out(connection);
	if (connection->upgrade)
		switch_over(connection);
	let_requests_go(connection);
	wr_tls_free(connection->tls);
	wr_buffer_done(&connection->in);
	free(connection);
	wr_server_look_closed(server);
}

void wr_connection_close(struct wr_http_connection *connection)
{
	if (!uv_is_closing(&connection->handle))
		uv_close(&connection->handle, on_closed);
}

static void on_shut(uv_shutdown_t *request, int status)
{
	struct wr_http_connection *connection = request->data;

	connection->is_said = true;
	connection->deadline = uv_now(connection->server->loop) + WR_HTTP_LINGER_MS;
	if (status < 0 || connection->has_ended)
		wr_connection_close(connection);
}

/* --- Sending. --- */

static void on_written(uv_write_t *request, int status)
{
	struct write *write = WR_CONTAINER_OF(request, struct write, request);
	struct wr_http_connection *connection = write->connection;

	connection->unsent -= write->len;
	connection->write_deadline =
		connection->unsent ? wr_server_after(connection->server,
						     connection->server->config.limits.idle_seconds)
				   : 0;
	wr_wipe(write->data, write->len);
	free(write);
	if (status < 0)
		wr_connection_close(connection);
	else
		wr_connection_turn(connection);
}

static void send_raw(struct wr_http_connection *connection, const uint8_t *data, size_t len)
{
	struct write *write = malloc(sizeof(*write) + len);

	if (!write) {
		wr_connection_close(connection);
		return;
	}
	memcpy(write->data, data, len);
	write->connection = connection;
	write->len = len;
	if (uv_write(&write->request, &connection->stream, &(uv_buf_t){ (char *)write->data, len },
		     1, on_written) < 0) {
		free(write);
		wr_connection_close(connection);
		return;
	}
	connection->unsent += len;
	if (!connection->write_deadline)
		connection->write_deadline = wr_server_after(
			connection->server, connection->server->config.limits.idle_seconds);
}

/* What TLS has to say. */
static void flush_tls(struct wr_http_connection *connection)
{
	uint8_t *piece = connection->server->piece;
	size_t len;

	while (!uv_is_closing(&connection->handle) &&
	       (len = wr_tls_take(connection->tls, piece, sizeof(connection->server->piece))))
		send_raw(connection, piece, len);
}

void wr_connection_send(struct wr_http_connection *connection, const uint8_t *data, size_t len)
{
	if (uv_is_closing(&connection->handle))
		return;
	if (!connection->tls)
		send_raw(connection, data, len);
	else if (wr_tls_write(connection->tls, data, len))
		flush_tls(connection);
	else
		wr_connection_close(connection);
}

/* All has been answered: goodbye, and what still comes is thrown away for a while. */
static void shut(struct wr_http_connection *connection)
{
	if (connection->is_shut || uv_is_closing(&connection->handle))
		return;
	connection->is_shut = true;
	connection->deadline = connection->is_upgraded
				       ? uv_now(connection->server->loop) + WR_HTTP_LINGER_MS
				       : 0;
	wr_buffer_done(&connection->in);
	if (connection->tls) {
		wr_tls_end(connection->tls);
		flush_tls(connection);
	}
	connection->shutdown.data = connection;
	if (!uv_is_closing(&connection->handle) &&
	    uv_shutdown(&connection->shutdown, &connection->stream, on_shut) < 0)
		wr_connection_close(connection);
}

void wr_connection_end(struct wr_http_connection *connection)
{
	connection->is_ending = true;
	if (connection->protocol)
		connection->protocol->retire(connection);
	wr_connection_turn(connection);
}

/* --- A turn. --- */

/* What TLS has made readable, as much as may wait. */
static void read_tls(struct wr_http_connection *connection)
{
	enum wr_tls_result result = WR_TLS_SOME;
	uint8_t *end;
	size_t len;

	while (result == WR_TLS_SOME && connection->in.len < WR_HTTP_UNREAD) {
		end = wr_buffer_reserve(&connection->in, WR_HTTP_PIECE);
		if (!end) {
			wr_connection_close(connection);
			return;
		}
		result = wr_tls_read(connection->tls, end, WR_HTTP_PIECE, &len);
		if (result == WR_TLS_SOME)
			connection->in.len += len;
	}
	flush_tls(connection);
	connection->has_more = result == WR_TLS_SOME;
	if (result == WR_TLS_END)
		connection->has_ended = true;
	else if (result == WR_TLS_BROKEN)
		wr_connection_close(connection);
}

static const struct wr_http_protocol *protocol_of(const struct wr_http_connection *connection)
{
	size_t len = connection->in.len;

	if (connection->tls) {
		if (!wr_tls_is_ready(connection->tls))
			return NULL;
		return wr_tls_has_h2(connection->tls) ? &wr_http2 : &wr_http1;
	}
	if (len > sizeof(PREFACE) - 1)
		len = sizeof(PREFACE) - 1;
	if (memcmp(connection->in.data, PREFACE, len) != 0)
		return &wr_http1;
	return len == sizeof(PREFACE) - 1 ? &wr_http2 : NULL;
}

static void choose_protocol(struct wr_http_connection *connection)
{
	connection->protocol = connection->in.len || connection->tls ? protocol_of(connection)
								     : NULL;
	if (!connection->protocol)
		return;
	connection->deadline = wr_server_after(connection->server,
					       connection->server->config.limits.idle_seconds);
	connection->state = connection->protocol->open(connection);
	if (!connection->state)
		wr_connection_close(connection);
}

static void take_step(struct wr_http_connection *connection)
{
	if (connection->upgrade)
		switch_over(connection);
	if (connection->tls)
		read_tls(connection);
	if (!connection->protocol && !uv_is_closing(&connection->handle))
		choose_protocol(connection);
	if (connection->protocol && !uv_is_closing(&connection->handle))
		connection->protocol->read(connection);
	if (connection->protocol && !uv_is_closing(&connection->handle))
		connection->protocol->write(connection);
	/* Nothing may come on the socket that would make another turn. */
	connection->turns_again |= connection->has_more && connection->in.len < WR_HTTP_UNREAD;
	if ((connection->is_ending || connection->has_ended) && !connection->requests &&
	    !connection->is_held && connection->unsent < WR_HTTP_UNSENT)
		shut(connection);
}

static void read_or_wait(struct wr_http_connection *connection);

void wr_connection_turn(struct wr_http_connection *connection)
{
	if (connection->is_turning) {
		connection->turns_again = true;
		return;
	}
	connection->is_turning = true;
	do {
		connection->turns_again = false;
		if (!connection->is_shut && !uv_is_closing(&connection->handle))
			take_step(connection);
	} while (connection->turns_again);
	connection->is_turning = false;
	read_or_wait(connection);
}

/* --- A WebSocket takes over. --- */

/* Whoever holds a WebSocket asks by pings; TCP's own questions would be most of an idle one's
 * traffic. */
static void ask_less_often(struct wr_http_connection *connection)
{
	if (!connection->is_unix)
		uv_tcp_keepalive(&connection->tcp, 1, WR_WEBSOCKET_KEEPALIVE_SECONDS);
}

void wr_connection_upgrade(struct wr_http_connection *connection, struct wr_websocket *websocket)
{
	ask_less_often(connection);
	wr_connection_link_out(connection);
	connection->is_upgraded = connection->is_held = true;
	connection->upgrade = websocket;
	wr_connection_link_in(connection);
	wr_connection_turn_soon(connection);
}

void wr_connection_release(struct wr_http_connection *connection)
{
	connection->is_held = false;
	connection->is_ending = true;
	wr_connection_turn_soon(connection);
}

/* --- Reading. --- */

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct wr_http_connection *connection = handle->data;

	(void)suggested;
	buffer->base = (char *)connection->server->piece;
	buffer->len = sizeof(connection->server->piece);
}

static void take_bytes(struct wr_http_connection *connection, const uint8_t *data, size_t len)
{
	bool is_taken = connection->is_shut ||
			(connection->tls ? wr_tls_feed(connection->tls, data, len)
					 : wr_buffer_add(&connection->in, data, len));

	if (!is_taken)
		wr_connection_close(connection);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct wr_http_connection *connection = stream->data;

	if (len == UV_EOF) {
		connection->has_ended = true;
		if (connection->is_said)
			wr_connection_close(connection);
	} else if (len < 0) {
		wr_connection_close(connection);
	} else if (len > 0) {
		take_bytes(connection, (const uint8_t *)buffer->base, (size_t)len);
	}
	wr_connection_turn(connection);
}

static void read_or_wait(struct wr_http_connection *connection)
{
	bool is_wanted = !connection->has_ended && connection->in.len < WR_HTTP_UNREAD;

	if (uv_is_closing(&connection->handle) || is_wanted == connection->is_reading)
		return;
	connection->is_reading = is_wanted;
	if (!is_wanted)
		uv_read_stop(&connection->stream);
	else if (uv_read_start(&connection->stream, on_room_wanted, on_read) < 0)
		wr_connection_close(connection);
}

/* --- Time. --- */

static bool is_late(uint64_t deadline, uint64_t now)
{
	return deadline && deadline <= now;
}

static struct wr_http_request *late_request(struct wr_http_connection *connection, uint64_t now)
{
	struct wr_http_request *request = connection->requests;

	while (request && !is_late(request->deadline, now))
		request = request->next;
	return request;
}

void wr_connection_tick(struct wr_http_connection *connection)
{
	uint64_t now = uv_now(connection->server->loop);
	struct wr_http_request *request;

	if (is_late(connection->write_deadline, now) ||
	    (is_late(connection->deadline, now) && (connection->is_shut || !connection->requests)))
		wr_connection_close(connection);
	/* From the first again: one that expires may take others along. */
	while ((request = late_request(connection, now))) {
		request->deadline = 0;
		connection->protocol->expire(request);
	}
}
