#include "http/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/serving.h"

#define TICK_MS 500

uint64_t wr_server_after(const struct wr_http_server *server, unsigned seconds)
{
	return uv_now(server->loop) + (uint64_t)seconds * 1000;
}

/* --- The end. --- */

static struct wr_http_server *server_free(struct wr_http_server *server)
{
	if (!server)
		return NULL;
	SSL_CTX_free(server->tls);
	free(server->cert_file);
	free(server->key_file);
	free(server->unix_path);
	free(server);
	return NULL;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct wr_http_server *server = handle->data;

	server->handles--;
	wr_server_look_closed(server);
}

static void close_handle(uv_handle_t *handle)
{
	if (handle->data && !uv_is_closing(handle))
		uv_close(handle, on_handle_closed);
}

void wr_server_look_closed(struct wr_http_server *server)
{
	void (*closed)(void *context) = server->closed;
	void *context = server->closed_context;

	/* These are the last, for they end what takes too long. */
	if (server->is_closing && !server->connections && !server->websockets &&
	    !server->tcp.server && !server->pipe.server) {
		close_handle((uv_handle_t *)&server->timer);
		close_handle((uv_handle_t *)&server->idle);
	}
	if (server->handles || server->connections || server->websockets)
		return;
	server_free(server);
	if (closed)
		closed(context);
}

/* --- Time. --- */

static void tick(struct wr_http_connection *first, bool is_late)
{
	for (struct wr_http_connection *c = first; c; c = c->next) {
		if (is_late)
			wr_connection_close(c);
		else if (!uv_is_closing(&c->handle))
			wr_connection_tick(c);
	}
}

/* Without connections nothing is late: a server that nobody asks does not wake. */
static void on_tick(uv_timer_t *timer)
{
	struct wr_http_server *server = timer->data;
	bool is_late = server->is_closing && server->close_deadline <= uv_now(server->loop);

	tick(server->connections, is_late);
	tick(server->websockets, is_late);
	if (!server->connections && !server->websockets)
		uv_timer_stop(timer);
}

void wr_server_watch_time(struct wr_http_server *server)
{
	uv_handle_t *timer = (uv_handle_t *)&server->timer;

	if (!uv_is_active(timer) && !uv_is_closing(timer))
		uv_timer_start(&server->timer, on_tick, TICK_MS, TICK_MS);
}

static void on_idle(uv_idle_t *idle)
{
	struct wr_http_server *server = idle->data;

	uv_idle_stop(idle);
	wr_connection_turn_due(server);
}

void wr_server_wake(struct wr_http_server *server)
{
	if (!uv_is_closing((uv_handle_t *)&server->idle))
		uv_idle_start(&server->idle, on_idle);
}

/* --- The beginning. --- */

static bool copy(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return !text || *ret_copy;
}

static struct wr_http_server *new_server(uv_loop_t *loop, const struct wr_http_config *config)
{
	struct wr_http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->loop = loop;
	server->config = *config;
	if (!copy(config->cert_file, &server->cert_file) ||
	    !copy(config->key_file, &server->key_file) ||
	    !copy(config->unix_path, &server->unix_path))
		return server_free(server);
	return server;
}

static int start_handles(struct wr_http_server *server)
{
	int status = uv_timer_init(server->loop, &server->timer);

	if (status)
		return status;
	server->timer.data = server;
	server->handles++;
	status = uv_idle_init(server->loop, &server->idle);
	if (status)
		return status;
	server->idle.data = server;
	server->handles++;
	return 0;
}

static int start(struct wr_http_server *server, const char *listen)
{
	int status = start_handles(server);

	if (!status && server->cert_file)
		status = wr_http_server_reload(server);
	if (!status && listen)
		status = wr_listener_open_tcp(server, listen);
	if (!status && server->unix_path)
		status = wr_listener_open_unix(server);
	return status;
}

static void ignore(void *context)
{
	(void)context;
}

int wr_http_server_open(uv_loop_t *loop, const struct wr_http_config *config,
			struct wr_http_server **ret_server)
{
	struct wr_http_server *server = new_server(loop, config);
	int status;

	if (!server)
		return -ENOMEM;
	/* libuv writes to sockets that may be gone. */
	signal(SIGPIPE, SIG_IGN);
	status = start(server, config->listen);
	if (status) {
		/* Not ours to remove: it may be another's. */
		if (!server->pipe.server)
			free(WR_TAKE(server->unix_path));
		wr_http_server_close(server, WR_SPAN_MS(0), ignore, NULL);
		return status;
	}
	*ret_server = server;
	return 0;
}

int wr_http_server_reload(struct wr_http_server *server)
{
	SSL_CTX *fresh;
	int status;

	if (!server->cert_file)
		return 0;
	status = wr_tls_server_context(server->cert_file, server->key_file, &fresh);
	if (status)
		return status;
	/* Connections that stand keep the old one until they end. */
	SSL_CTX_free(server->tls);
	server->tls = fresh;
	return 0;
}

uint16_t wr_http_server_port(const struct wr_http_server *server)
{
	return wr_listener_port(&server->tcp);
}

/* --- Closing. --- */

static void retire(struct wr_http_connection *connection)
{
	/* Each may end another: from the first again, until all were told. */
	for (struct wr_http_request *request = connection->requests; request;) {
		if (request->is_streamed && !request->is_complete) {
			wr_request_end_stream(request);
			request = connection->requests;
		} else {
			request = request->next;
		}
	}
	wr_connection_end(connection);
}

/* Connections leave the list later, when their handles are closed. */
static void retire_all(struct wr_http_connection *first)
{
	for (struct wr_http_connection *c = first; c; c = c->next) {
		if (!uv_is_closing(&c->handle))
			retire(c);
	}
}

void wr_http_server_close(struct wr_http_server *server, struct wr_span grace,
			  void (*closed)(void *context), void *context)
{
	assert(!server->is_closing);
	server->is_closing = true;
	server->closed = closed;
	server->closed_context = context;
	server->close_deadline = uv_now(server->loop) + grace.ns / 1000000;
	wr_listener_close(&server->tcp);
	wr_listener_close(&server->pipe);
	if (server->unix_path)
		unlink(server->unix_path);
	retire_all(server->connections);
	retire_all(server->websockets);
	wr_server_look_closed(server);
}
