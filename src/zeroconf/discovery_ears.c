#include "zeroconf/discovery_ears.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/addresses.h"
#include "linux/multicast.h"
#include "zeroconf/discovery_ears_state.h"

/* The memory lives as long as one of its handles. */
void ears_release(struct wr_ears *ears)
{
	if (--ears->users)
		return;
	wr_udp_receiver_free(ears->receiver);
	free(ears);
}

/* --- Following. --- */

void wr_ears_follow(struct wr_ears *ears)
{
	int error;

	if (ears->config.has_lan && ears_follow(ears, &error))
		ears->config.changed(ears->config.context);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
	struct wr_ears *ears = poll->data;

	(void)events;
	if (status >= 0 && wr_addresses_changed(ears->news_fd, 0))
		wr_ears_follow(ears);
}

/* --- Sending. --- */

static const struct ear *find_place(const struct wr_ears *ears, size_t place)
{
	for (const struct ear *ear = ears->first; ear; ear = ear->next) {
		if (ear->group.ip.family != WR_FAMILY_NONE && place-- == 0)
			return ear;
	}
	return NULL;
}

size_t wr_ears_places(const struct wr_ears *ears)
{
	size_t places = 0;

	for (const struct ear *ear = ears->first; ear; ear = ear->next)
		places += ear->group.ip.family != WR_FAMILY_NONE;
	return places;
}

int wr_ears_say(const struct wr_ears *ears, size_t place, struct wr_bytes datagram)
{
	const struct ear *ear = find_place(ears, place);

	return ear ? wr_multicast_send(ear->fd, &ear->group, datagram) : -ENOENT;
}

int wr_ears_tell(const struct wr_ears *ears, const struct wr_endpoint *to, struct wr_bytes datagram)
{
	int fd = to->ip.family == WR_IPV4 ? ears->own.v4[0] : ears->own.v6[0];
	struct wr_udp_burst burst = {
		.data = (uint8_t *)(uintptr_t)datagram.data, /* only read */
		.len = (uint32_t)datagram.len,
		.segment = (uint32_t)datagram.len,
		.remote = *to,
	};
	unsigned dropped = 0;

	if (!ears->own.count || fd < 0)
		return -EAFNOSUPPORT;
	return wr_udp_send(fd, &burst, 1, &dropped);
}

uint16_t wr_ears_own_port(const struct wr_ears *ears)
{
	return ears->own.port;
}

/* One that has both families is one. */
unsigned wr_ears_interfaces(const struct wr_ears *ears)
{
	unsigned count = 0;

	for (const struct ear *ear = ears->first; ear; ear = ear->next) {
		const struct ear *other = ear->next;

		while (other && other->group.interface != ear->group.interface)
			other = other->next;
		count += !other && ear->group.ip.family != WR_FAMILY_NONE;
	}
	return count;
}

/* --- Opening and closing. --- */

static int watch_news(struct wr_ears *ears)
{
	int status = wr_addresses_watch(&ears->news_fd);

	if (status < 0)
		return status;
	status = uv_poll_init(ears->loop, &ears->news, ears->news_fd);
	if (status < 0) {
		close(ears->news_fd);
		ears->news_fd = -1;
		return status;
	}
	ears->users++;
	ears->news.data = ears;
	return uv_poll_start(&ears->news, UV_READABLE, on_news);
}

/* The ears' descriptors are copies: each is closed by its owner. */
static int open_own(struct wr_ears *ears)
{
	int status = wr_udp_open(ears->config.own_port, 0, 1, &ears->own);
	int fds[2];

	if (status < 0 && ears->config.own_port)
		status = wr_udp_open(0, 0, 1, &ears->own);
	fds[0] = ears->own.v4[0];
	fds[1] = ears->own.v6[0];
	for (size_t i = 0; i < WR_ARRAY_LEN(fds) && status == 0; i++) {
		int fd = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd >= 0)
			status = ears_add(ears, fd, &(struct wr_endpoint){ 0 },
					  &(struct wr_ip){ 0 });
		else if (fds[i] >= 0)
			status = -errno;
	}
	return status;
}

static int open_lan(struct wr_ears *ears, char ret_why[200])
{
	int error, status = watch_news(ears);

	if (status < 0)
		return status;
	ears_follow(ears, &error);
	if (!error || wr_ears_places(ears))
		return 0;
	if (error == -EADDRINUSE)
		snprintf(ret_why, 200,
			 "UDP port %u is taken by a program that does not share it: nobody can be "
			 "found on a LAN",
			 ears->config.port);
	return error;
}

int wr_ears_open(uv_loop_t *loop, const struct wr_ears_config *config, struct wr_ears **ret_ears,
		 char ret_why[200])
{
	struct wr_ears *ears = calloc(1, sizeof(*ears));
	int status = 0;

	if (!ears)
		return -ENOMEM;
	*ears = (struct wr_ears){ .config = *config, .loop = loop, .news_fd = -1, .users = 1 };
	snprintf(ears->skip, sizeof(ears->skip), "%s", config->skip ? config->skip : "");
	ret_why[0] = '\0';
	ears->receiver = wr_udp_receiver_new();
	if (!ears->receiver)
		status = -ENOMEM;
	if (status == 0 && config->has_own_port)
		status = open_own(ears);
	if (status == 0 && config->has_lan)
		status = open_lan(ears, ret_why);
	if (status < 0) {
		if (!ret_why[0])
			snprintf(ret_why, 200, "sockets for multicast: %s", strerror(-status));
		wr_ears_close(ears);
		return status;
	}
	*ret_ears = ears;
	return 0;
}

static void on_news_closed(uv_handle_t *handle)
{
	struct wr_ears *ears = handle->data;

	ears_release(ears);
}

struct wr_ears *wr_ears_close(struct wr_ears *ears)
{
	if (!ears)
		return NULL;
	ears->is_closed = true;
	while (ears->first)
		ears_remove(&ears->first);
	if (ears->own.count)
		wr_udp_close(&ears->own);
	if (ears->news_fd >= 0) {
		uv_poll_stop(&ears->news);
		close(ears->news_fd);
		uv_close((uv_handle_t *)&ears->news, on_news_closed);
	}
	ears_release(ears);
	return NULL;
}
