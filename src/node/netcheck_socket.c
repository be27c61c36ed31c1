/* Its sockets, and what comes to them. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/netcheck_look.h"

/* --- Sending. --- */

static socklen_t fill_address(const struct wr_endpoint *endpoint, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (endpoint->ip.family == WR_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(endpoint->port);
		memcpy(&v4->sin_addr, endpoint->ip.bytes, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(endpoint->port);
	memcpy(&v6->sin6_addr, endpoint->ip.bytes, 16);
	return sizeof(*v6);
}

void wr_netcheck_send(struct wr_netcheck_socket *socket, const struct wr_stun_id *id,
		      const struct wr_endpoint *to)
{
	uint8_t request[WR_STUN_REQUEST_LEN];
	uv_buf_t buffer = uv_buf_init((char *)request, sizeof(request));
	struct sockaddr_storage address;

	fill_address(to, &address);
	wr_stun_request_write(id, request);
	(void)uv_udp_try_send(&socket->udp, &buffer, 1, (const struct sockaddr *)&address);
}

/* --- Receiving. --- */

static void take_answer(struct wr_netcheck *look, unsigned number, struct wr_bytes datagram)
{
	for (size_t i = 0; i < look->question_count; i++) {
		struct wr_netcheck_question *question = &look->questions[i];
		struct wr_endpoint mapped;

		if (question->socket != number || question->mapped.ip.family ||
		    !wr_stun_answer_read(datagram, &question->id, &mapped))
			continue;
		question->mapped = mapped;
		question->latency_us = (uint32_t)((uv_hrtime() - question->sent_ns) / 1000);
	}
}

static bool is_id(const struct wr_stun_id *a, const struct wr_stun_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void on_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buffer,
			const struct sockaddr *from, unsigned flags)
{
	struct wr_netcheck_socket *socket = udp->data;
	struct wr_bytes datagram = { (const uint8_t *)buffer->base, len > 0 ? (size_t)len : 0 };
	struct wr_stun_id id;

	(void)flags;
	if (len <= 0 || !from || !wr_stun_is(datagram))
		return;
	if (!wr_stun_request_read(datagram, &id)) {
		take_answer(socket->look, socket->number, datagram);
	} else if (is_id(&id, &socket->cold)) {
		socket->heard_cold = true;
	} else if (is_id(&id, &socket->warm)) {
		socket->heard_warm = true;
	}
}

static void allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct wr_netcheck_socket *socket = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(socket->look->datagram, sizeof(socket->look->datagram));
}

/* --- Sockets. --- */

/* Which of our addresses the kernel would take: it looks the way up, and sends nothing. */
void wr_netcheck_find_local(struct wr_netcheck_socket *ours, const struct wr_endpoint *server)
{
	struct sockaddr_storage address;
	socklen_t len = fill_address(server, &address);
	int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&address, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
		ours->local.ip.family = server->ip.family;
		if (server->ip.family == WR_IPV4)
			memcpy(ours->local.ip.bytes,
			       &((struct sockaddr_in *)(void *)&address)->sin_addr, 4);
		else
			memcpy(ours->local.ip.bytes,
			       &((struct sockaddr_in6 *)(void *)&address)->sin6_addr, 16);
	}
	close(fd);
}

static uint16_t port_of(const uv_udp_t *udp)
{
	struct sockaddr_storage address = { 0 };
	int len = sizeof(address);

	if (uv_udp_getsockname(udp, (struct sockaddr *)&address, &len) < 0)
		return 0;
	return ntohs(address.ss_family == AF_INET
			     ? ((struct sockaddr_in *)(void *)&address)->sin_port
			     : ((struct sockaddr_in6 *)(void *)&address)->sin6_port);
}

static int set_mark(uv_udp_t *udp, uint32_t mark)
{
	int fd;
	int status = uv_fileno((uv_handle_t *)udp, &fd);

	if (!status && mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		status = -errno;
	return status;
}

int wr_netcheck_open(struct wr_netcheck *look, unsigned number, enum wr_family family,
		     uint32_t mark)
{
	struct wr_netcheck_socket *socket = &look->sockets[number];
	struct wr_endpoint any = { .ip = { .family = family } };
	struct sockaddr_storage address;
	int status = uv_udp_init_ex(look->timer.loop, &socket->udp,
				    family == WR_IPV4 ? AF_INET : AF_INET6);

	if (status)
		return status;
	socket->is_open = true;
	socket->udp.data = socket;
	look->handles++;
	fill_address(&any, &address);
	status = set_mark(&socket->udp, mark);
	if (!status)
		status = uv_udp_bind(&socket->udp, (const struct sockaddr *)&address,
				     family == WR_IPV6 ? UV_UDP_IPV6ONLY : 0);
	if (!status)
		status = uv_udp_recv_start(&socket->udp, allocate, on_datagram);
	socket->local.port = port_of(&socket->udp);
	return status;
}
