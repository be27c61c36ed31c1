#include "agent/seeker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "wire/stun.h"

#define INTERVAL_MS 60000

struct wr_seeker {
	uv_timer_t timer;
	uv_udp_t socket;
	struct wr_endpoint hub;
	struct wr_stun_id id;
	void (*found)(void *context);
	void *context;
	unsigned handles;
	char datagram[576];
};

static void allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct wr_seeker *seeker = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(seeker->datagram, sizeof(seeker->datagram));
}

static void on_answer(uv_udp_t *socket, ssize_t len, const uv_buf_t *buffer,
		      const struct sockaddr *from, unsigned flags)
{
	struct wr_seeker *seeker = socket->data;
	struct wr_endpoint mapped;

	(void)flags;
	if (len <= 0 || !from)
		return;
	if (wr_stun_answer_read((struct wr_bytes){ (const uint8_t *)buffer->base, (size_t)len },
				&seeker->id, &mapped))
		seeker->found(seeker->context);
}

static void ask(uv_timer_t *timer)
{
	struct wr_seeker *seeker = timer->data;
	uint8_t request[WR_STUN_REQUEST_LEN];
	uv_buf_t buffer = uv_buf_init((char *)request, sizeof(request));
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = { .v6.sin6_family = AF_INET6, .v6.sin6_port = htons(seeker->hub.port) };

	if (seeker->hub.ip.family == WR_IPV4) {
		to.v4.sin_family = AF_INET;
		memcpy(&to.v4.sin_addr, seeker->hub.ip.bytes, 4);
	} else {
		memcpy(&to.v6.sin6_addr, seeker->hub.ip.bytes, 16);
	}
	wr_random(&seeker->id, sizeof(seeker->id));
	wr_stun_request_write(&seeker->id, request);
	(void)uv_udp_try_send(&seeker->socket, &buffer, 1, &to.any);
}

struct wr_seeker *wr_seeker_new(uv_loop_t *loop, const struct wr_endpoint *hub,
				void (*found)(void *context), void *context)
{
	struct wr_seeker *seeker = calloc(1, sizeof(*seeker));

	if (!seeker)
		return NULL;
	seeker->hub = *hub;
	seeker->found = found;
	seeker->context = context;
	seeker->handles = 2;
	uv_timer_init(loop, &seeker->timer);
	uv_udp_init_ex(loop, &seeker->socket, hub->ip.family == WR_IPV6 ? AF_INET6 : AF_INET);
	seeker->timer.data = seeker->socket.data = seeker;
	uv_timer_start(&seeker->timer, ask, INTERVAL_MS, INTERVAL_MS);
	(void)uv_udp_recv_start(&seeker->socket, allocate, on_answer);
	return seeker;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_seeker *seeker = handle->data;

	if (--seeker->handles == 0)
		free(seeker);
}

struct wr_seeker *wr_seeker_free(struct wr_seeker *seeker)
{
	if (seeker) {
		uv_close((uv_handle_t *)&seeker->timer, on_closed);
		uv_close((uv_handle_t *)&seeker->socket, on_closed);
	}
	return NULL;
}
