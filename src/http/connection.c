#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/key.h"
#include "http/serving.h"

/* The longest that a TLS handshake may take, whatever a request may. */
#define HANDSHAKE_SECONDS 10
/* So long may a peer be silent before it is asked, and so long not acknowledge (RFC 5482). */
#define KEEPALIVE_SECONDS 60
#define DEAD_MS 120000
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

static void link_out(struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;

	if (connection->next)
		connection->next->prev = connection->prev;
	if (connection->prev)
		connection->prev->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->is_unix)
		server->unix_count--;
	else
		server->tcp_count--;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_http_connection *connection = handle->data;
	struct wr_http_server *server = connection->server;

	link_out(connection);
	while (connection->requests)
		wr_request_abandon(connection->requests);
	if (connection->state)
		connection->protocol->free(connection->state);
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
	connection->deadline = 0;
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
	    connection->unsent < WR_HTTP_UNSENT)
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

void wr_connection_turn_soon(struct wr_http_connection *connection)
{
	connection->is_due = true;
	wr_server_wake(connection->server);
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

/* --- The beginning. --- */

static void see_unix_peer(struct wr_http_connection *connection)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	int fd = -1;

	connection->is_unix = true;
	if (uv_fileno(&connection->handle, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		wr_connection_close(connection);
	else
		connection->uid = credentials.uid;
}

static struct wr_ip ip_of(const struct sockaddr_storage *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	struct wr_ip ip = { .family = WR_FAMILY_NONE };

	if (address->ss_family == AF_INET) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, &in4->sin_addr, 4);
	} else if (memcmp(&in6->sin6_addr, mapped, sizeof(mapped)) == 0) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, (const uint8_t *)&in6->sin6_addr + 12, 4);
	} else {
		ip.family = WR_IPV6;
		memcpy(ip.bytes, &in6->sin6_addr, 16);
	}
	return ip;
}

/* Whoever listens to events says nothing; a peer that was switched off says nothing either. */
static void watch_for_death(struct wr_http_connection *connection)
{
	unsigned patience = DEAD_MS;
	int fd;

	uv_tcp_keepalive(&connection->tcp, 1, KEEPALIVE_SECONDS);
	if (uv_fileno(&connection->handle, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

static void see_tcp_peer(struct wr_http_connection *connection)
{
	struct sockaddr_storage address = { 0 };
	int len = sizeof(address);

	if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&address, &len) < 0) {
		wr_connection_close(connection);
		return;
	}
	connection->remote = ip_of(&address);
	uv_tcp_nodelay(&connection->tcp, 1);
	watch_for_death(connection);
}

static bool is_same_network(const struct wr_ip *a, const struct wr_ip *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, a->family == WR_IPV4 ? 4 : 8) == 0;
}

static size_t bodies_of(const struct wr_http_connection *connection)
{
	size_t len = 0;

	for (const struct wr_http_request *request = connection->requests; request;
	     request = request->next)
		len += request->body.len;
	return len;
}

size_t wr_connection_share(const struct wr_http_connection *connection)
{
	size_t len = 0;

	for (const struct wr_http_connection *other = connection->server->connections; other;
	     other = other->next) {
		if (is_same_network(&other->remote, &connection->remote))
			len += bodies_of(other);
	}
	return len;
}

/* Behind a proxy all come from one address. */
static bool is_one_too_many(const struct wr_http_connection *connection)
{
	const struct wr_http_server *server = connection->server;
	const struct wr_http_limits *limits = &server->config.limits;
	unsigned same = 0;

	if (connection->is_unix)
		return server->unix_count > limits->connections;
	if (server->tcp_count > limits->connections)
		return true;
	if (server->config.trusts_proxy)
		return false;
	for (const struct wr_http_connection *other = server->connections; other;
	     other = other->next)
		same += !other->is_unix && is_same_network(&other->remote, &connection->remote);
	return same > limits->per_address;
}

static void link_in(struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;

	connection->next = server->connections;
	if (connection->next)
		connection->next->prev = connection;
	server->connections = connection;
	if (connection->is_unix)
		server->unix_count++;
	else
		server->tcp_count++;
}

static void start(struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;
	unsigned seconds = server->config.limits.idle_seconds;

	connection->deadline =
		wr_server_after(server, seconds < HANDSHAKE_SECONDS ? seconds : HANDSHAKE_SECONDS);
	if (!connection->is_unix && server->tls) {
		connection->tls = wr_tls_new(server->tls, NULL);
		if (!connection->tls)
			wr_connection_close(connection);
	}
	if (is_one_too_many(connection))
		wr_connection_close(connection);
	read_or_wait(connection);
}

void wr_connection_accept(struct wr_http_listener *listener)
{
	struct wr_http_server *server = listener->server;
	struct wr_http_connection *connection = calloc(1, sizeof(*connection));
	bool is_unix = listener == &server->pipe;

	if (!connection)
		return;
	connection->server = server;
	connection->is_unix = is_unix;
	if (is_unix)
		uv_pipe_init(server->loop, &connection->pipe, 0);
	else
		uv_tcp_init(server->loop, &connection->tcp);
	connection->handle.data = connection;
	link_in(connection);
	if (uv_accept(&listener->stream, &connection->stream) < 0)
		wr_connection_close(connection);
	else if (is_unix)
		see_unix_peer(connection);
	else
		see_tcp_peer(connection);
	if (!uv_is_closing(&connection->handle))
		start(connection);
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
