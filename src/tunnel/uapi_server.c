#include "tunnel/uapi_server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "tunnel/handle.h"

static void on_connection(uv_poll_t *poll, int status, int events);

static bool answer(void *context, struct wr_bytes request, struct wr_text *text)
{
	struct wr_uapi_server *server = context;
	enum wr_uapi_request_kind kind;

	if (server->is_read_only && wr_uapi_is_set(request)) {
		wr_uapi_write_errno(text, -EPERM);
		return !text->is_short_of_memory;
	}
	kind = wr_uapi_answer_request(server->interface, request, text);

	if (kind == WR_UAPI_ASKS_TO_SET)
		server->changed(server->context);
	return kind != WR_UAPI_ASKS_NONSENSE && !text->is_short_of_memory;
}

/* Accepting stops while there are as many clients as there may be. */
static void accept_or_wait(struct wr_uapi_server *server)
{
	bool is_full = server->client_count == WR_UAPI_CLIENTS;

	if (uv_is_closing((uv_handle_t *)&server->poll))
		return;
	if (is_full)
		uv_poll_stop(&server->poll);
	else
		uv_poll_start(&server->poll, UV_READABLE, on_connection);
}

static void on_client_closed(void *context, struct wr_uapi_client *client)
{
	struct wr_uapi_server *server = context;

	for (unsigned i = 0; i < WR_UAPI_CLIENTS; i++) {
		if (server->clients[i] == client) {
			server->clients[i] = NULL;
			server->client_count--;
		}
	}
	accept_or_wait(server);
}

static void add_client(struct wr_uapi_server *server, struct wr_uapi_client *client)
{
	unsigned place = 0;

	while (server->clients[place])
		place++;
	server->clients[place] = client;
	server->client_count++;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct wr_uapi_server *server = poll->data;
	struct wr_uapi_client *client;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)status;
	(void)events;
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			wr_log_error("accept: error=%s", strerror(errno));
		return;
	}
	client = wr_uapi_client_new(poll->loop, fd, &server->handler);
	if (client)
		add_client(server, client);
	accept_or_wait(server);
}

int wr_uapi_server_start(struct wr_uapi_server *server, uv_loop_t *loop, int fd,
			 struct wr_interface *interface, void (*changed)(void *context),
			 void *context)
{
	int status;

	*server = (struct wr_uapi_server){
		.fd = fd,
		.interface = interface,
		.changed = changed,
		.context = context,
		.handler = { answer, on_client_closed, server },
	};
	status = uv_poll_init(loop, &server->poll, fd);
	if (status < 0)
		return status;
	server->poll.data = server;
	return uv_poll_start(&server->poll, UV_READABLE, on_connection);
}

void wr_uapi_server_stop(struct wr_uapi_server *server)
{
	for (unsigned i = 0; i < WR_UAPI_CLIENTS; i++) {
		if (server->clients[i])
			wr_uapi_client_close(server->clients[i]);
	}
	wr_handle_close((uv_handle_t *)&server->poll);
}
