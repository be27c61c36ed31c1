/* PCP: one datagram, asked again where it is lost. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "node/portmap_ask.h"

/* RFC 6887 section 8.1.1 waits 3 s; but who does not speak PCP must not hold up the next way. */
#define FIRST_RETRY_MS 250
#define TRIES 3

struct wr_ask {
	uv_udp_t socket;
	uv_timer_t timer;
	struct wr_pcp_map map;
	void (*done)(void *context, const struct wr_ask_answer *answer); /* NULL: cancelled */
	void *context;
	unsigned tries, handles;
	char datagram[1100]; /* section 7: the longest message */
};

static void on_closed(uv_handle_t *handle)
{
	struct wr_ask *ask = handle->data;

	if (--ask->handles == 0)
		free(ask);
}

static void end(struct wr_ask *ask)
{
	ask->done = NULL;
	if (uv_is_closing((uv_handle_t *)&ask->socket))
		return;
	uv_close((uv_handle_t *)&ask->socket, on_closed);
	uv_close((uv_handle_t *)&ask->timer, on_closed);
}

static void finish(struct wr_ask *ask, const struct wr_ask_answer *answer)
{
	void (*done)(void *context, const struct wr_ask_answer *answer) = ask->done;

	end(ask);
	if (done)
		done(ask->context, answer);
}

static void allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_buffer)
{
	struct wr_ask *ask = handle->data;

	(void)wanted;
	*ret_buffer = uv_buf_init(ask->datagram, sizeof(ask->datagram));
}

/* The socket is connected: nobody else's answer comes. */
static void on_answer(uv_udp_t *socket, ssize_t len, const uv_buf_t *buffer,
		      const struct sockaddr *from, unsigned flags)
{
	struct wr_ask *ask = socket->data;
	struct wr_pcp_answer got;
	struct wr_ask_answer answer = { 0 };

	(void)flags;
	if (len < 0) {
		answer.error = (int)len; /* nobody listens there */
		finish(ask, &answer);
		return;
	}
	if (!from ||
	    !wr_pcp_answer_read((struct wr_bytes){ (const uint8_t *)buffer->base, (size_t)len },
				&ask->map, &got))
		return;
	answer.error = got.result == WR_PCP_UNSUPPORTED_VERSION ? -EPROTONOSUPPORT
		       : got.result                             ? -EACCES
								: 0;
	answer.external = got.external;
	answer.seconds = got.seconds;
	finish(ask, &answer);
}

static void on_time(uv_timer_t *timer)
{
	struct wr_ask *ask = timer->data;
	uint8_t request[WR_PCP_MAP_LEN];
	uv_buf_t buffer = uv_buf_init((char *)request, sizeof(request));

	if (ask->tries == TRIES) {
		finish(ask, &(struct wr_ask_answer){ .error = -ETIMEDOUT });
		return;
	}
	wr_pcp_map_write(&ask->map, request);
	(void)uv_udp_try_send(&ask->socket, &buffer, 1, NULL);
	uv_timer_start(timer, on_time, (uint64_t)FIRST_RETRY_MS << ask->tries, 0);
	ask->tries++;
}

static int connect_to(struct wr_ask *ask, const struct wr_ip *gateway)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(WR_PCP_PORT) };
	int status;

	memcpy(&to.sin_addr, gateway->bytes, 4);
	status = uv_udp_connect(&ask->socket, (const struct sockaddr *)&to);
	return status ? status : uv_udp_recv_start(&ask->socket, allocate, on_answer);
}

static struct wr_ask *start(uv_loop_t *loop, const struct wr_ask_order *order,
			    void (*done)(void *context, const struct wr_ask_answer *answer),
			    void *context)
{
	struct wr_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return NULL;
	ask->map = (struct wr_pcp_map){ .client = order->local,
					.port = order->port,
					.external_port = order->external_port,
					.seconds = order->seconds };
	memcpy(ask->map.nonce, order->nonce, sizeof(ask->map.nonce));
	ask->done = done;
	ask->context = context;
	ask->handles = 2;
	uv_udp_init_ex(loop, &ask->socket, AF_INET);
	uv_timer_init(loop, &ask->timer);
	ask->socket.data = ask->timer.data = ask;
	if (connect_to(ask, &order->gateway)) {
		end(ask);
		return NULL;
	}
	uv_timer_start(&ask->timer, on_time, 0, 0);
	return ask;
}

const struct wr_ask_way wr_ask_pcp = { WR_PORTMAP_PCP, start, end };
