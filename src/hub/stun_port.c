#include "hub/stun_port.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/stun.h"
#include "linux/clock.h"
#include "linux/udp.h"
#include "wire/stun.h"

/* Received in a turn, and the pause after a turn that was full: some 300 us in 10 ms. */
#define TURN_BATCHES 8
#define PAUSE_MS 10

struct wr_stun_port {
	struct wr_udp_sockets sockets;
	struct wr_udp_receiver *receiver;
	struct wr_stun_desk *desk;
	uint64_t answers;
	uv_poll_t polls[2];
	bool has_poll[2];
	uv_timer_t pause;
	unsigned open_handles;
	void (*closed)(void *context);
	void *context;
};

static int fd_of(const struct wr_stun_port *port, unsigned family)
{
	return family == 0 ? port->sockets.v4[0] : port->sockets.v6[0];
}

/* --- Answering. --- */

static void take_burst(struct wr_stun_port *port, int fd, const struct wr_udp_burst *burst)
{
	struct wr_instant now = wr_clock_now();

	for (uint32_t at = 0; at < burst->len; at += burst->segment) {
		uint32_t rest = burst->len - at;
		struct wr_bytes datagram = { burst->data + at,
					     rest < burst->segment ? rest : burst->segment };

		if (wr_stun_is(datagram))
			port->answers += wr_stun_desk_take(port->desk, fd, burst, datagram, now) ==
					 WR_TAKEN;
	}
}

/* True if there may be more. */
static bool take_batch(struct wr_stun_port *port, int fd)
{
	struct wr_udp_burst bursts[WR_UDP_BATCH];
	int count = wr_udp_receive(fd, port->receiver, bursts);

	for (int i = 0; i < count; i++)
		take_burst(port, fd, &bursts[i]);
	return count == WR_UDP_BATCH;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void start_polls(struct wr_stun_port *port)
{
	for (unsigned i = 0; i < 2; i++)
		if (port->has_poll[i])
			uv_poll_start(&port->polls[i], UV_READABLE, on_readable);
}

static void on_pause_over(uv_timer_t *timer)
{
	start_polls(timer->data);
}

static void rest(struct wr_stun_port *port)
{
	for (unsigned i = 0; i < 2; i++)
		if (port->has_poll[i])
			uv_poll_stop(&port->polls[i]);
	uv_timer_start(&port->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct wr_stun_port *port = poll->data;
	int fd = fd_of(port, poll == &port->polls[1]);
	unsigned batches = 0;

	(void)events;
	if (status < 0) {
		uv_poll_stop(poll);
		return;
	}
	while (take_batch(port, fd))
		if (++batches == TURN_BATCHES) {
			rest(port);
			return;
		}
}

/* --- Life. --- */

static void free_port(struct wr_stun_port *port)
{
	wr_udp_close(&port->sockets);
	wr_udp_receiver_free(port->receiver);
	wr_stun_desk_free(port->desk);
	free(port);
}

static int open_handles(struct wr_stun_port *port, uv_loop_t *loop)
{
	int status = 0;

	for (unsigned i = 0; i < 2 && status == 0; i++) {
		if (fd_of(port, i) < 0)
			continue;
		status = uv_poll_init(loop, &port->polls[i], fd_of(port, i));
		port->has_poll[i] = status == 0;
		port->open_handles += status == 0;
		port->polls[i].data = port;
	}
	return status;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_stun_port *port = handle->data;
	void (*closed)(void *context) = port->closed;
	void *context = port->context;

	if (--port->open_handles)
		return;
	free_port(port);
	if (closed)
		closed(context);
}

void wr_stun_port_close(struct wr_stun_port *port, void (*closed)(void *context), void *context)
{
	port->closed = closed;
	port->context = context;
	for (unsigned i = 0; i < 2; i++)
		if (port->has_poll[i])
			uv_close((uv_handle_t *)&port->polls[i], on_closed);
	uv_close((uv_handle_t *)&port->pause, on_closed);
}

int wr_stun_port_open(uv_loop_t *loop, uint16_t number, struct wr_stun_port **ret_port)
{
	struct wr_stun_port *port = calloc(1, sizeof(*port));
	int status = port ? wr_udp_open(number, 0, 1, &port->sockets) : -ENOMEM;

	if (status < 0) {
		free(port);
		return status;
	}
	port->receiver = wr_udp_receiver_new();
	port->desk = wr_stun_desk_new(1);
	if (!port->receiver || !port->desk) {
		free_port(port);
		return -ENOMEM;
	}
	uv_timer_init(loop, &port->pause);
	port->pause.data = port;
	port->open_handles = 1;
	status = open_handles(port, loop);
	if (status < 0) {
		wr_stun_port_close(port, NULL, NULL);
		return status;
	}
	start_polls(port);
	*ret_port = port;
	return 0;
}

uint64_t wr_stun_port_answers(const struct wr_stun_port *port)
{
	return port->answers;
}
