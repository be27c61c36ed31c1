#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "http/serving.h"

#define BACKLOG 511

static void on_connection(uv_stream_t *stream, int status)
{
	struct wr_http_listener *listener = stream->data;

	if (status == 0)
		wr_connection_accept(listener);
	else
		wr_log_verbose("http: accept error=%s", uv_strerror(status));
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_http_listener *listener = handle->data;
	struct wr_http_server *server = listener->server;

	listener->server = NULL;
	server->handles--;
	wr_server_look_closed(server);
}

void wr_listener_close(struct wr_http_listener *listener)
{
	if (listener->server && !uv_is_closing(&listener->handle))
		uv_close(&listener->handle, on_closed);
}

/* From here on it is closed by wr_listener_close(). */
static void begin(struct wr_http_server *server, struct wr_http_listener *listener)
{
	listener->server = server;
	listener->handle.data = listener;
	server->handles++;
}

static void fill_address(const struct wr_endpoint *endpoint, struct sockaddr_storage *address)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)address;

	memset(address, 0, sizeof(*address));
	if (endpoint->ip.family == WR_IPV4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(endpoint->port);
		memcpy(&in4->sin_addr, endpoint->ip.bytes, 4);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(endpoint->port);
		in6->sin6_scope_id = endpoint->scope;
		memcpy(&in6->sin6_addr, endpoint->ip.bytes, 16);
	}
}

static int listen_tcp(struct wr_http_listener *listener, const struct wr_endpoint *endpoint)
{
	struct sockaddr_storage address;
	int status;

	fill_address(endpoint, &address);
	status = uv_tcp_bind(&listener->tcp, (const struct sockaddr *)&address, 0);
	return status ? status : uv_listen(&listener->stream, BACKLOG, on_connection);
}

int wr_listener_open_tcp(struct wr_http_server *server, const char *address)
{
	struct wr_endpoint endpoint;
	int status = -EINVAL;

	if (wr_endpoint_parse(address, strlen(address), &endpoint))
		status = uv_tcp_init(server->loop, &server->tcp.tcp);
	if (!status) {
		begin(server, &server->tcp);
		status = listen_tcp(&server->tcp, &endpoint);
	}
	if (status)
		wr_log_error("http: listen=%s error=\"%s\"", address, uv_strerror(status));
	return status;
}

/* --- The Unix socket. --- */

static int remove_old(const char *path)
{
	struct stat about;

	if (lstat(path, &about) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(about.st_mode))
		return -EEXIST;
	return unlink(path) < 0 ? -errno : 0;
}

/* The mode is the socket's before it has a name: there is no moment at which others could
 * connect (unix(7)). */
static int bind_unix(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

static int open_unix(struct wr_http_server *server, const char *path)
{
	int status = remove_old(path);
	int fd;

	if (status)
		return status;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	status = bind_unix(fd, path);
	if (!status)
		status = uv_pipe_init(server->loop, &server->pipe.pipe, 0);
	if (status) {
		close(fd);
		return status;
	}
	begin(server, &server->pipe);
	status = uv_pipe_open(&server->pipe.pipe, fd);
	if (status) {
		close(fd);
		return status;
	}
	return uv_listen(&server->pipe.stream, BACKLOG, on_connection);
}

int wr_listener_open_unix(struct wr_http_server *server)
{
	int status = open_unix(server, server->unix_path);

	if (status)
		wr_log_error("http: socket=%s error=\"%s\"", server->unix_path,
			     uv_strerror(status));
	return status;
}

uint16_t wr_listener_port(const struct wr_http_listener *listener)
{
	struct sockaddr_storage address = { 0 };
	int len = sizeof(address);

	if (!listener->server ||
	    uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return address.ss_family == AF_INET
		       ? ntohs(((struct sockaddr_in *)(void *)&address)->sin_port)
		       : ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
}
