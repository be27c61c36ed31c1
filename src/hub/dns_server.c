#include "hub/dns_server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hub/dns_stream.h"
#include "hub/pace.h"
#include "hub/sockets.h"

/* Clients over TCP: of a gateway, and of one machine of it. */
#define STREAMS_MAX 16
#define STREAMS_OF_ONE 4
#define BACKLOG 16

/* A page of a browser asks for some dozens of names at once. What all machines of an
 * organisation ask is at most some 2 % of the loop's time (5 us a query). */
static const struct wr_pace_rule pace_rule = {
	.per_second = 100,
	.burst = 200,
	.all_per_second = 4000,
	.all_burst = 1000,
};

enum {
	V4,
	V6,
	FAMILIES
};

struct wr_dns_server {
	const struct wr_resolver *resolver;
	uv_udp_t udp[FAMILIES];
	uv_tcp_t tcp[FAMILIES];
	uv_timer_t rest; /* until datagrams are read again */
	unsigned open_handles;
	struct wr_dns_stream_owner owner;
	struct wr_dns_stream *streams[STREAMS_MAX];
	unsigned stream_count;
	struct wr_pace pace;
	bool is_closing;
	void (*closed)(void *context);
	void *context;
	uint8_t inbox[WR_DNS_EDNS_LEN];
};

static struct wr_instant now_of(const uv_loop_t *loop)
{
	return (struct wr_instant){ uv_now(loop) * 1000000 };
}

static void end_if_all_closed(struct wr_dns_server *server)
{
	if (!server->is_closing || server->open_handles > 0 || server->stream_count > 0)
		return;
	if (server->closed)
		server->closed(server->context);
	free(server);
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_dns_server *server = handle->data;

	server->open_handles--;
	end_if_all_closed(server);
}

/* --- UDP. --- */

static void on_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags);

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	struct wr_dns_server *server = handle->data;

	(void)suggested;
	*ret_buffer = uv_buf_init((char *)server->inbox, sizeof(server->inbox));
}

static void read_datagrams(struct wr_dns_server *server)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		if (server->udp[i].data)
			(void)uv_udp_recv_start(&server->udp[i], on_room, on_datagram);
	}
}

static void on_rested(uv_timer_t *timer)
{
	read_datagrams(timer->data);
}

/* Meanwhile the kernel's queue fills, and it drops the rest for less than we could. */
static void rest(struct wr_dns_server *server, struct wr_span wait)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		if (server->udp[i].data)
			(void)uv_udp_recv_stop(&server->udp[i]);
	}
	uv_timer_start(&server->rest, on_rested, wait.ns / 1000000, 0);
}

/* False: this one is not answered. */
static bool may_ask(struct wr_dns_server *server, const struct wr_ip *source, struct wr_instant now)
{
	struct wr_span wait;

	if (!wr_pace_take_common(&server->pace, now, &wait)) {
		rest(server, wait);
		return false;
	}
	return wr_pace_take(&server->pace, source, now);
}

static void on_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct wr_dns_server *server = udp->data;
	uint8_t answer[WR_RESOLVER_ANSWER_LEN];
	struct wr_ip source;
	uv_buf_t out;

	if (!from)
		return;
	source = wr_ip_of_socket(from);
	if (!may_ask(server, &source, now_of(udp->loop)) || len <= 0 || flags & UV_UDP_PARTIAL)
		return;
	out = uv_buf_init((char *)answer, 0);
	out.len = wr_resolver_answer(server->resolver,
				     (struct wr_bytes){ (uint8_t *)buffer->base, (size_t)len },
				     true, answer);
	/* Where there is no room for it, the client asks again. */
	if (out.len)
		(void)uv_udp_try_send(udp, &out, 1, from);
}

/* --- TCP. --- */

static size_t answer_stream(void *context, const struct wr_ip *source, struct wr_bytes query,
			    uint8_t *ret_answer)
{
	struct wr_dns_server *server = context;
	struct wr_instant now = now_of(server->rest.loop);
	struct wr_span wait;

	if (!wr_pace_take_common(&server->pace, now, &wait) ||
	    !wr_pace_take(&server->pace, source, now))
		return 0;
	return wr_resolver_answer(server->resolver, query, false, ret_answer);
}

static void on_stream_closed(void *context, struct wr_dns_stream *stream)
{
	struct wr_dns_server *server = context;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (server->streams[i] == stream)
			server->streams[i] = NULL;
	}
	server->stream_count--;
	end_if_all_closed(server);
}

/* Its place, or none. One that cannot have any stays counted until it is closed. */
static void place_stream(struct wr_dns_server *server, struct wr_dns_stream *stream)
{
	size_t place = STREAMS_MAX, of_one = 0;

	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (!server->streams[i])
			place = i;
		else if (wr_ip_equal(wr_dns_stream_source(server->streams[i]),
				     wr_dns_stream_source(stream)))
			of_one++;
	}
	if (place == STREAMS_MAX || of_one >= STREAMS_OF_ONE)
		wr_dns_stream_close(stream);
	else
		server->streams[place] = stream;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct wr_dns_server *server = listener->data;
	struct wr_dns_stream *stream;

	if (status < 0)
		return;
	stream = wr_dns_stream_accept(listener, &server->owner);
	if (!stream)
		return;
	server->stream_count++;
	place_stream(server, stream);
}

/* --- Life. --- */

/* A socket becomes a handle's, or is closed. */
static int open_udp(struct wr_dns_server *server, uv_loop_t *loop, uv_udp_t *udp, int *fd)
{
	int status;

	if (*fd < 0)
		return 0;
	status = uv_udp_init(loop, udp);
	if (status < 0)
		return status;
	udp->data = server;
	server->open_handles++;
	status = uv_udp_open(udp, *fd);
	if (status == 0)
		*fd = -1;
	return status;
}

static int open_tcp(struct wr_dns_server *server, uv_loop_t *loop, uv_tcp_t *tcp, int *fd)
{
	int status;

	if (*fd < 0)
		return 0;
	status = uv_tcp_init(loop, tcp);
	if (status < 0)
		return status;
	tcp->data = server;
	server->open_handles++;
	status = uv_tcp_open(tcp, *fd);
	if (status < 0)
		return status;
	*fd = -1;
	return uv_listen((uv_stream_t *)tcp, BACKLOG, on_connection);
}

static int open_all(struct wr_dns_server *server, uv_loop_t *loop, struct wr_dns_sockets *sockets)
{
	int status = open_udp(server, loop, &server->udp[V4], &sockets->udp4);

	if (status == 0)
		status = open_udp(server, loop, &server->udp[V6], &sockets->udp6);
	if (status == 0)
		status = open_tcp(server, loop, &server->tcp[V4], &sockets->tcp4);
	if (status == 0)
		status = open_tcp(server, loop, &server->tcp[V6], &sockets->tcp6);
	return status;
}

static void close_rest(struct wr_dns_sockets *sockets)
{
	int *all[] = { &sockets->udp4, &sockets->udp6, &sockets->tcp4, &sockets->tcp6 };

	for (size_t i = 0; i < WR_ARRAY_LEN(all); i++) {
		if (*all[i] >= 0)
			close(*all[i]);
		*all[i] = -1;
	}
}

static struct wr_dns_server *server_new(uv_loop_t *loop, const struct wr_resolver *resolver)
{
	struct wr_dns_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->resolver = resolver;
	server->owner = (struct wr_dns_stream_owner){ answer_stream, on_stream_closed, server };
	wr_pace_init(&server->pace, &pace_rule);
	(void)uv_timer_init(loop, &server->rest);
	server->rest.data = server;
	server->open_handles = 1;
	return server;
}

int wr_dns_server_start(uv_loop_t *loop, const struct wr_resolver *resolver,
			struct wr_dns_sockets *sockets, struct wr_dns_server **ret_server)
{
	struct wr_dns_server *server = server_new(loop, resolver);
	int status = server ? open_all(server, loop, sockets) : -ENOMEM;

	close_rest(sockets);
	if (status < 0) {
		if (server)
			wr_dns_server_close(server, NULL, NULL);
		return status;
	}
	read_datagrams(server);
	*ret_server = server;
	return 0;
}

void wr_dns_server_close(struct wr_dns_server *server, void (*closed)(void *context), void *context)
{
	server->is_closing = true;
	server->closed = closed;
	server->context = context;
	for (size_t i = 0; i < FAMILIES; i++) {
		if (server->udp[i].data)
			uv_close((uv_handle_t *)&server->udp[i], on_closed);
		if (server->tcp[i].data)
			uv_close((uv_handle_t *)&server->tcp[i], on_closed);
	}
	uv_close((uv_handle_t *)&server->rest, on_closed);
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		if (server->streams[i])
			wr_dns_stream_close(server->streams[i]);
	}
}
