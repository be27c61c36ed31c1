/* The server's end: a request becomes a WebSocket, carried by its connection. */
#include <stdio.h>
#include <string.h>

#include "http/http1.h"
#include "http/serving.h"
#include "http/websocket_state.h"

/* As much of what came is looked at before it is asked whether too much waits to go out. */
#define BITE 4096

/* --- As the protocol of a connection. --- */

static void set_deadline(struct wr_http_connection *connection)
{
	const struct wr_websocket *websocket = connection->state;
	unsigned seconds = websocket->limits.idle_seconds;

	if (!websocket->is_closing)
		connection->deadline = seconds ? wr_server_after(connection->server, seconds) : 0;
}

static void read_frames(struct wr_http_connection *connection)
{
	struct wr_websocket *websocket = connection->state;
	struct wr_buffer *in = &connection->in;

	if (in->len || !connection->deadline)
		set_deadline(connection);
	while (in->len && !wr_websocket_is_full(websocket) && !uv_is_closing(&connection->handle)) {
		size_t len = in->len < BITE ? in->len : BITE;

		wr_websocket_take(websocket, in->data, len);
		wr_buffer_take(in, len);
	}
	if (!in->len)
		wr_buffer_done(in);
	if (connection->has_ended && connection->is_held)
		wr_connection_release(connection);
}

static void write_frames(struct wr_websocket *websocket)
{
	struct wr_http_connection *connection = websocket->carried;
	uint8_t piece[WR_HTTP_PIECE];
	size_t len = 1;

	while (len && wr_connection_has_room(connection)) {
		len = wr_websocket_make(websocket, piece, sizeof(piece));
		if (len)
			wr_connection_send(connection, piece, len);
	}
	if (websocket->is_broken)
		wr_connection_close(connection);
	else if (connection->is_held && wr_websocket_is_done(websocket))
		wr_connection_release(connection);
}

static void write_more(struct wr_http_connection *connection)
{
	write_frames(connection->state);
}

static void retire(struct wr_http_connection *connection)
{
	wr_websocket_close(connection->state, WSLAY_CODE_GOING_AWAY, "the server ends");
}

static void let_go(void *state)
{
	struct wr_websocket *websocket = state;
	const struct wr_http_connection *connection = websocket->carried;

	websocket->is_idle = websocket->limits.idle_seconds && !websocket->is_closing &&
			     connection->deadline &&
			     connection->deadline <= uv_now(connection->server->loop);
	wr_websocket_gone(websocket, 0);
}

const struct wr_http_protocol wr_http_websocket = {
	.free = let_go,
	.read = read_frames,
	.write = write_more,
	.retire = retire,
};

/* --- As the carrier of a WebSocket. --- */

static size_t unsent(const struct wr_websocket *websocket)
{
	const struct wr_http_connection *connection = websocket->carried;

	return connection->unsent;
}

static void begin_closing(struct wr_websocket *websocket)
{
	struct wr_http_connection *connection = websocket->carried;

	connection->deadline = uv_now(connection->server->loop) + WR_WEBSOCKET_GOODBYE_MS;
	wr_connection_turn_soon(connection);
}

static bool local(const struct wr_websocket *websocket, struct sockaddr_storage *ret_address)
{
	const struct wr_http_connection *connection = websocket->carried;
	int len = sizeof(*ret_address);

	return !connection->is_unix &&
	       uv_tcp_getsockname(&connection->tcp, (struct sockaddr *)ret_address, &len) == 0;
}

static const struct wr_websocket_carrier carrier = {
	.is_server = true,
	.write = write_frames,
	.unsent = unsent,
	.closing = begin_closing,
	.local = local,
};

/* --- The handshake. --- */

static bool has_protocol(const struct wr_http_head *head, const char *protocol)
{
	return wr_websocket_has_word(head->values[WR_KEPT_WEBSOCKET_PROTOCOL], protocol);
}

/* RFC 6455 section 4.2.1. */
bool wr_http_is_websocket(const struct wr_http_request *request, const char *protocol)
{
	const struct wr_http_head *head = &request->head;
	const char *key = head->values[WR_KEPT_WEBSOCKET_KEY];
	const char *version = head->values[WR_KEPT_WEBSOCKET_VERSION];
	const struct wr_http_connection *connection = request->connection;
	const struct wr_http1_state *http1;

	if (!connection || connection->protocol != &wr_http1 || head->method != WR_HTTP_GET)
		return false;
	http1 = connection->state;
	return http1->parser.http_minor > 0 &&
	       wr_websocket_has_word(head->values[WR_KEPT_UPGRADE], "websocket") &&
	       wr_websocket_has_word(head->values[WR_KEPT_CONNECTION], "upgrade") && version &&
	       strcmp(version, "13") == 0 && key && strlen(key) == WR_WEBSOCKET_KEY_LEN &&
	       has_protocol(head, protocol);
}

static bool has_room(const struct wr_http_server *server)
{
	unsigned limit = server->config.limits.websockets;

	return server->websocket_count < (limit ? limit : WR_HTTP_WEBSOCKETS);
}

static void say_yes(struct wr_http_request *request, const char *protocol)
{
	char accept[WR_WEBSOCKET_ACCEPT_LEN + 1];
	char text[300];
	int len;

	wr_websocket_answer_key(request->head.values[WR_KEPT_WEBSOCKET_KEY], accept);
	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
		       "connection: Upgrade\r\nsec-websocket-accept: %s\r\n"
		       "sec-websocket-protocol: %s\r\n\r\n",
		       accept, protocol);
	assert(len > 0 && (size_t)len < sizeof(text));
	wr_connection_send(request->connection, (const uint8_t *)text, (size_t)len);
}

struct wr_websocket *wr_websocket_accept(struct wr_http_request *request, const char *protocol,
					 const struct wr_websocket_limits *limits,
					 const struct wr_websocket_handlers *handlers,
					 void *context)
{
	struct wr_http_connection *connection = request->connection;
	struct wr_websocket *websocket;

	assert(!request->is_answered);
	if (!wr_http_is_websocket(request, protocol) || request->server->is_closing ||
	    connection->is_ending || connection->has_ended || !has_room(request->server))
		return NULL;
	websocket = wr_websocket_new(&carrier, connection, limits, handlers, context);
	if (!websocket)
		return NULL;
	websocket->remote = request->remote;
	websocket->is_open = true;
	/* It is freed when the connection is the WebSocket's; nothing is to be sent of it. */
	request->is_answered = true;
	say_yes(request, protocol);
	connection->deadline = 0;
	wr_connection_upgrade(connection, websocket);
	return websocket;
}
