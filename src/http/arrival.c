/* How a connection begins: who it is from, and whether there is room for one more. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/address.h"
#include "http/serving.h"

/* The longest that a TLS handshake may take, whatever a request may. */
#define HANDSHAKE_SECONDS 10
/* So long may a peer be silent before it is asked, and so long not acknowledge (RFC 5482). */
#define KEEPALIVE_SECONDS 60
#define DEAD_MS 120000
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
	connection->remote = wr_address_ip(&address);
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
	wr_connection_turn(connection); /* which begins to read */
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
	wr_connection_link_in(connection);
	if (uv_accept(&listener->stream, &connection->stream) < 0)
		wr_connection_close(connection);
	else if (is_unix)
		see_unix_peer(connection);
	else
		see_tcp_peer(connection);
	if (!uv_is_closing(&connection->handle))
		start(connection);
}
