/* The name's addresses, and a connection to one of them. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/address.h"
#include "http/websocket_client.h"

/* An address that does not answer, where there are others: RFC 8305 would try them at the same
 * time; a server has two at most. */
#define ATTEMPT_MS 4000
/* As the server's end has it: who is silent is asked, and given up (RFC 5482). */
#define DEAD_MS 120000

/* --- Connecting. --- */

static void see_peer(struct wr_client *client)
{
	struct sockaddr_storage address = { 0 };
	int len = sizeof(address);
	unsigned patience = DEAD_MS;
	int fd;

	if (uv_tcp_getpeername(&client->tcp, (struct sockaddr *)&address, &len) == 0)
		client->websocket->remote = wr_address_ip(&address);
	uv_tcp_nodelay(&client->tcp, 1);
	uv_tcp_keepalive(&client->tcp, 1, WR_WEBSOCKET_KEEPALIVE_SECONDS);
	if (uv_fileno((uv_handle_t *)&client->tcp, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

/* Connected: the first bytes. */
static void begin(struct wr_client *client)
{
	uint64_t now = uv_now(client->loop);

	see_peer(client);
	uv_timer_start(&client->timer, wr_client_on_time,
		       client->deadline > now ? client->deadline - now : 0, 0);
	if (!client->url.is_tls) {
		wr_client_ask(client);
	} else {
		client->phase = WR_CLIENT_SHAKING;
		client->tls = wr_tls_new(client->context, client->url.name);
		if (client->tls)
			wr_client_read_tls(client);
		else
			wr_client_fail(client, "out of memory");
	}
	if (client->phase != WR_CLIENT_ENDING)
		wr_client_read_on(client);
}

static void try_next(struct wr_client *client);

static void on_attempt_closed(uv_handle_t *handle)
{
	struct wr_client *client = handle->data;

	client->handles--;
	client->has_tcp = false;
	if (client->phase == WR_CLIENT_ENDING)
		wr_client_look_gone(client);
	else
		try_next(client);
}

/* With the next address, if there is one. */
static void give_up_attempt(struct wr_client *client, int error)
{
	if (client->next)
		uv_close((uv_handle_t *)&client->tcp, on_attempt_closed);
	else
		wr_client_fail(client, "%s: %s", client->url.host, uv_strerror(error));
}

static void on_connected(uv_connect_t *request, int status)
{
	struct wr_client *client = request->data;

	/* It is being closed. */
	if (status == UV_ECANCELED || client->phase == WR_CLIENT_ENDING)
		return;
	if (status < 0)
		give_up_attempt(client, status);
	else
		begin(client);
}

void wr_client_on_time(uv_timer_t *timer)
{
	struct wr_client *client = timer->data;

	if (client->phase == WR_CLIENT_CONNECTING && client->next &&
	    uv_now(client->loop) < client->deadline) {
		if (!uv_is_closing((uv_handle_t *)&client->tcp))
			give_up_attempt(client, UV_ETIMEDOUT);
	} else {
		wr_client_fail(client, "%s: no answer in time", client->url.host);
	}
}

static int dial(struct wr_client *client, const struct addrinfo *address)
{
	int status = uv_tcp_init_ex(client->loop, &client->tcp, (unsigned)address->ai_family);
	int fd;

	if (status)
		return status;
	client->has_tcp = true;
	client->handles++;
	client->tcp.data = client;
	client->connect.data = client;
	status = uv_fileno((uv_handle_t *)&client->tcp, &fd);
	if (!status && client->mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &client->mark, sizeof(client->mark)) < 0)
		status = -errno;
	return status ? status
		      : uv_tcp_connect(&client->connect, &client->tcp, address->ai_addr,
				       on_connected);
}

static void try_next(struct wr_client *client)
{
	const struct addrinfo *address = client->next;
	uint64_t now = uv_now(client->loop);
	uint64_t left = client->deadline > now ? client->deadline - now : 0;
	int status;

	client->next = address->ai_next;
	client->phase = WR_CLIENT_CONNECTING;
	if (client->next && left > ATTEMPT_MS)
		left = ATTEMPT_MS;
	uv_timer_start(&client->timer, wr_client_on_time, left, 0);
	status = dial(client, address);
	if (status && client->has_tcp)
		give_up_attempt(client, status);
	else if (status)
		wr_client_fail(client, "%s: %s", client->url.host, uv_strerror(status));
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct wr_client_lookup *lookup = WR_CONTAINER_OF(request, struct wr_client_lookup,
							  request);
	struct wr_client *client = lookup->client;

	free(lookup);
	if (!client) {
		uv_freeaddrinfo(found);
		return;
	}
	client->lookup = NULL;
	client->found = client->next = found;
	if (status < 0 || !found)
		wr_client_fail(client, "%s: %s", client->url.name,
			       status < 0 ? uv_strerror(status) : "no address");
	else
		try_next(client);
}

int wr_client_look_up(struct wr_client *client)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct wr_client_lookup *lookup = calloc(1, sizeof(*lookup));
	int status;

	if (!lookup)
		return -ENOMEM;
	status = uv_getaddrinfo(client->loop, &lookup->request, on_found, client->url.name,
				client->url.port, &hints);
	if (status) {
		free(lookup);
		return status;
	}
	lookup->client = client;
	client->lookup = lookup;
	return 0;
}
