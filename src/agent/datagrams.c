#include "agent/datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "wire/message.h"

struct wr_datagrams {
	uv_udp_t socket;
	void (*send)(void *context, struct wr_bytes datagram);
	void *context;
	uint16_t port;     /* ours */
	uint16_t expected; /* the tunnel's; 0: any */
	uint16_t tunnel;   /* who gets the answers; 0: not known */
	char datagram[WR_DATAGRAM_MAX];
};

static void allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct wr_datagrams *datagrams = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(datagrams->datagram, sizeof(datagrams->datagram));
}

static bool is_from_tunnel(const struct wr_datagrams *datagrams, const struct sockaddr_in *from)
{
	return from->sin_family == AF_INET && from->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
	       (!datagrams->expected || ntohs(from->sin_port) == datagrams->expected);
}

static void on_datagram(uv_udp_t *socket, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct wr_datagrams *datagrams = socket->data;
	const struct sockaddr_in *source = (const struct sockaddr_in *)(const void *)from;
	struct wr_bytes datagram = { (const uint8_t *)buffer->base, len > 0 ? (size_t)len : 0 };

	if (len <= 0 || !from || flags & UV_UDP_PARTIAL || !is_from_tunnel(datagrams, source) ||
	    wr_message_type(datagram) == WR_MESSAGE_NONE)
		return;
	datagrams->tunnel = ntohs(source->sin_port);
	datagrams->send(datagrams->context, datagram);
}

static int bind_to_loopback(struct wr_datagrams *datagrams)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int len = sizeof(address);
	int status;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	status = uv_udp_bind(&datagrams->socket, (const struct sockaddr *)&address, 0);
	if (!status)
		status = uv_udp_getsockname(&datagrams->socket, (struct sockaddr *)&address, &len);
	if (!status)
		status = uv_udp_recv_start(&datagrams->socket, allocate, on_datagram);
	datagrams->port = ntohs(address.sin_port);
	return status;
}

int wr_datagrams_open(uv_loop_t *loop, void (*send)(void *context, struct wr_bytes datagram),
		      void *context, struct wr_datagrams **ret_datagrams)
{
	struct wr_datagrams *datagrams = calloc(1, sizeof(*datagrams));
	int status;

	if (!datagrams)
		return -ENOMEM;
	status = uv_udp_init(loop, &datagrams->socket);
	if (status) {
		free(datagrams);
		return status;
	}
	datagrams->socket.data = datagrams;
	datagrams->send = send;
	datagrams->context = context;
	status = bind_to_loopback(datagrams);
	if (status) {
		wr_datagrams_close(datagrams);
		return status;
	}
	*ret_datagrams = datagrams;
	return 0;
}

void wr_datagrams_endpoint(const struct wr_datagrams *datagrams, struct wr_endpoint *ret_endpoint)
{
	*ret_endpoint = (struct wr_endpoint){
		.ip = { .family = WR_IPV4, .bytes = { 127, 0, 0, 1 } },
		.port = datagrams->port,
	};
}

void wr_datagrams_expect(struct wr_datagrams *datagrams, uint16_t port)
{
	datagrams->expected = datagrams->tunnel = port;
}

void wr_datagrams_take(struct wr_datagrams *datagrams, struct wr_bytes datagram)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(datagrams->tunnel) };
	uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)datagram.data, (unsigned)datagram.len);

	if (!datagrams->tunnel || wr_message_type(datagram) == WR_MESSAGE_NONE)
		return;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* What the kernel has no room for is lost, as it is on a wire. */
	(void)uv_udp_try_send(&datagrams->socket, &buffer, 1, (const struct sockaddr *)&to);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct wr_datagrams *wr_datagrams_close(struct wr_datagrams *datagrams)
{
	if (datagrams) {
		uv_udp_recv_stop(&datagrams->socket);
		uv_close((uv_handle_t *)&datagrams->socket, on_closed);
	}
	return NULL;
}
