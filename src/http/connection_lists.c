/* The lists that a connection is in: of all, and of those that want a turn. */
#include "http/serving.h"

/* --- Of all. --- */

static struct wr_http_connection **list_of(const struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;

	return connection->is_upgraded ? &server->websockets : &server->connections;
}

static unsigned *count_of(const struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;

	if (connection->is_upgraded)
		return &server->websocket_count;
	return connection->is_unix ? &server->unix_count : &server->tcp_count;
}

void wr_connection_link_in(struct wr_http_connection *connection)
{
	struct wr_http_connection **list = list_of(connection);

	connection->next = *list;
	connection->prev = NULL;
	if (connection->next)
		connection->next->prev = connection;
	*list = connection;
	++*count_of(connection);
	wr_server_watch_time(connection->server);
}

void wr_connection_link_out(struct wr_http_connection *connection)
{
	if (connection->next)
		connection->next->prev = connection->prev;
	if (connection->prev)
		connection->prev->next = connection->next;
	else
		*list_of(connection) = connection->next;
	--*count_of(connection);
}

/* --- Of those that are due. --- */

void wr_connection_take_from_due(struct wr_http_connection *connection)
{
	if (!connection->is_due)
		return;
	connection->is_due = false;
	if (connection->due_next)
		connection->due_next->due_prev = connection->due_prev;
	if (connection->due_prev)
		connection->due_prev->due_next = connection->due_next;
	else if (connection->server->due == connection)
		connection->server->due = connection->due_next;
	else
		connection->server->turning = connection->due_next;
	connection->due_next = connection->due_prev = NULL;
}

void wr_connection_turn_soon(struct wr_http_connection *connection)
{
	struct wr_http_server *server = connection->server;

	if (!connection->is_due) {
		connection->is_due = true;
		connection->due_next = server->due;
		if (connection->due_next)
			connection->due_next->due_prev = connection;
		server->due = connection;
	}
	wr_server_wake(server);
}

/* Who becomes due meanwhile has his turn in the next round. */
void wr_connection_turn_due(struct wr_http_server *server)
{
	server->turning = WR_TAKE(server->due);
	while (server->turning) {
		struct wr_http_connection *connection = server->turning;

		wr_connection_take_from_due(connection);
		wr_connection_turn(connection);
	}
}
