#include "zeroconf/discovery_ears.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "linux/addresses.h"
#include "linux/multicast.h"
#include "linux/udp.h"

/* Batches that are read at once; then others have their turn. */
#define BATCHES 8

struct ear {
	uv_poll_t poll;
	struct wr_ears *ears;
	struct ear *next;
	int fd;
	struct wr_endpoint group; /* family none: our own port */
	struct wr_ip address;     /* of the interface, when it was opened */
};

struct wr_ears {
	struct wr_ears_config config;
	char skip[IF_NAMESIZE];
	uv_loop_t *loop;
	uv_poll_t news;
	int news_fd; /* -1: none */
	struct wr_udp_receiver *receiver;
	struct wr_udp_sockets own; /* count 0: none; its ears are among the others */
	struct ear *first;
	bool is_closed;
	unsigned users; /* handles, and whoever opened it */
};

/* The memory lives as long as one of its handles. */
static void release(struct wr_ears *ears)
{
	if (--ears->users)
		return;
	wr_udp_receiver_free(ears->receiver);
	free(ears);
}

/* --- Hearing. --- */

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

	release(ear->ears);
	free(ear);
}

/* Takes the descriptor, also where it fails. */
static int add_ear(struct wr_ears *ears, int fd, const struct wr_endpoint *group,
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

static void remove_ear(struct ear **at)
{
	struct ear *ear = *at;

	*at = ear->next;
	uv_poll_stop(&ear->poll);
	close(ear->fd);
	uv_close((uv_handle_t *)&ear->poll, on_ear_closed);
}

/* --- Following the interfaces. --- */

static const struct wr_ip *address_of(const struct wr_multicast_link *link, enum wr_family family)
{
	return family == WR_IPV4 ? &link->v4 : &link->v6;
}

static bool is_still(const struct ear *ear, const struct wr_multicast_link *links, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (links[i].index == ear->group.interface)
			return wr_ip_equal(address_of(&links[i], ear->group.ip.family),
					   &ear->address);
	}
	return false;
}

/* What another address has is closed too: the kernel may have taken it out of the group. */
static bool remove_old(struct wr_ears *ears, const struct wr_multicast_link *links, size_t count)
{
	bool has_changed = false;

	for (struct ear **at = &ears->first; *at;) {
		if ((*at)->group.ip.family == WR_FAMILY_NONE || is_still(*at, links, count)) {
			at = &(*at)->next;
		} else {
			remove_ear(at);
			has_changed = true;
		}
	}
	return has_changed;
}

static bool has_ear(const struct wr_ears *ears, const struct wr_endpoint *group)
{
	for (const struct ear *ear = ears->first; ear; ear = ear->next) {
		if (ear->group.ip.family == group->ip.family &&
		    ear->group.interface == group->interface)
			return true;
	}
	return false;
}

/* 1 if there is a new one now. */
static int add_family(struct wr_ears *ears, const struct wr_multicast_link *link,
		      const struct wr_ip *group_ip)
{
	struct wr_endpoint group = { .ip = *group_ip,
				     .port = ears->config.port,
				     .interface = link->index };
	const struct wr_ip *address = address_of(link, group_ip->family);
	int status, fd = -1;

	if (address->family == WR_FAMILY_NONE || has_ear(ears, &group))
		return 0;
	status = wr_multicast_open(&group, &fd);
	if (status == 0)
		status = add_ear(ears, fd, &group, address);
	if (status == 0)
		return 1;
	wr_log_verbose("discovery: no multicast: interface=%u family=%d error=%s", link->index,
		       (int)group_ip->family, strerror(-status));
	return status;
}

/* The first error is in *ret_error; what works is there nevertheless. */
static bool add_new(struct wr_ears *ears, const struct wr_multicast_link *links, size_t count,
		    int *ret_error)
{
	bool has_changed = false;

	for (size_t i = 0; i < 2 * count; i++) {
		int status = add_family(ears, &links[i / 2], &ears->config.groups[i % 2]);

		has_changed |= status > 0;
		if (status < 0 && !*ret_error)
			*ret_error = status;
	}
	return has_changed;
}

/* True if it is another now. */
static bool follow(struct wr_ears *ears, int *ret_error)
{
	struct wr_multicast_link links[WR_MULTICAST_LINKS];
	int count = wr_multicast_links(ears->config.alias, ears->skip, links);
	bool has_changed;

	*ret_error = count < 0 ? count : 0;
	if (count < 0)
		return false; /* as it was, until it can be seen again */
	has_changed = remove_old(ears, links, (size_t)count);
	return add_new(ears, links, (size_t)count, ret_error) || has_changed;
}

void wr_ears_follow(struct wr_ears *ears)
{
	int error;

	if (ears->config.has_lan && follow(ears, &error))
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
	int status = wr_udp_open(0, 0, 1, &ears->own);
	const int fds[] = { ears->own.v4[0], ears->own.v6[0] };

	for (size_t i = 0; i < WR_ARRAY_LEN(fds) && status == 0; i++) {
		int fd = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd >= 0)
			status = add_ear(ears, fd, &(struct wr_endpoint){ 0 },
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
	follow(ears, &error);
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

	release(ears);
}

struct wr_ears *wr_ears_close(struct wr_ears *ears)
{
	if (!ears)
		return NULL;
	ears->is_closed = true;
	while (ears->first)
		remove_ear(&ears->first);
	if (ears->own.count)
		wr_udp_close(&ears->own);
	if (ears->news_fd >= 0) {
		uv_poll_stop(&ears->news);
		close(ears->news_fd);
		uv_close((uv_handle_t *)&ears->news, on_news_closed);
	}
	release(ears);
	return NULL;
}
