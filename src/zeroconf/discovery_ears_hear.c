/* One socket: what comes to it, and its life. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "zeroconf/discovery_ears_state.h"

/* Batches that are read at once; then others have their turn. */
#define BATCHES 8

static void take_burst(const struct ear *ear, struct wr_udp_burst *burst)
{
	const struct wr_ears *ears = ear->ears;

	/* Nobody answers from a group's address. */
	if (ear->group.ip.family == WR_IPV6)
		burst->remote.local = (struct wr_ip){ 0 };
	for (uint32_t at = 0; at < burst->len && !ears->is_closed; at += burst->segment) {
		uint32_t left = burst->len - at;
		struct wr_bytes datagram = { burst->data + at,
					     left < burst->segment ? left : burst->segment };

		ears->config.heard(ears->config.context, datagram, &burst->remote);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct ear *ear = poll->data;
	struct wr_ears *ears = ear->ears;
	struct wr_udp_burst bursts[WR_UDP_BATCH];

	(void)status;
	(void)events;
	for (int i = 0; i < BATCHES && !ears->is_closed; i++) {
		int count = wr_udp_receive(ear->fd, ears->receiver, bursts);

		for (int j = 0; j < count && !ears->is_closed; j++)
			take_burst(ear, &bursts[j]);
		if (count < WR_UDP_BATCH)
			break;
	}
}

static void on_ear_closed(uv_handle_t *handle)
{
	struct ear *ear = handle->data;

	ears_release(ear->ears);
	free(ear);
}

int ears_add(struct wr_ears *ears, int fd, const struct wr_endpoint *group,
	     const struct wr_ip *address)
{
	struct ear *ear = calloc(1, sizeof(*ear));
	int status = ear ? uv_poll_init(ears->loop, &ear->poll, fd) : -ENOMEM;

	if (status < 0) {
		free(ear);
		close(fd);
		return status;
	}
	ears->users++;
	ear->poll.data = ear;
	ear->ears = ears;
	ear->fd = fd;
	ear->group = *group;
	ear->address = *address;
	ear->next = ears->first;
	ears->first = ear;
	return uv_poll_start(&ear->poll, UV_READABLE, on_readable);
}

void ears_remove(struct ear **at)
{
	struct ear *ear = *at;

	*at = ear->next;
	uv_poll_stop(&ear->poll);
	close(ear->fd);
	uv_close((uv_handle_t *)&ear->poll, on_ear_closed);
}
