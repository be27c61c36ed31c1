#include "linux/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* netlink(7): messages about links with many attributes pass 8 KiB; the kernel
 * splits a dump at 32 KiB. */
#define MESSAGE_MAX 32768

struct wr_link_watch {
	struct mnl_socket *socket;
	uint32_t index;
	struct wr_link_state state;
	_Alignas(struct nlmsghdr) uint8_t buffer[MESSAGE_MAX];
};

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

static int open_socket(unsigned groups, struct mnl_socket **ret_socket)
{
	WR_AUTO(close_socket)
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!socket || mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	*ret_socket = WR_TAKE(socket);
	return 0;
}

/* Asks for a link by its index, or by its name where that is 0. The answer is in
 * the socket when this returns: the kernel makes it on the spot. */
static int request_link(struct mnl_socket *socket, uint32_t index, const char *name)
{
	uint8_t buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (!index)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static int take_mtu(const struct nlattr *attribute, void *data)
{
	struct wr_link_state *state = data;

	if (mnl_attr_get_type(attribute) == IFLA_MTU &&
	    mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		state->mtu = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static void take_link(struct wr_link_watch *watch, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (info->ifi_index != (int)watch->index || info->ifi_family != AF_UNSPEC)
		return;
	watch->state.exists = message->nlmsg_type == RTM_NEWLINK;
	watch->state.is_up = watch->state.exists && (info->ifi_flags & IFF_UP);
	if (watch->state.exists)
		(void)mnl_attr_parse(message, sizeof(*info), take_mtu, &watch->state);
}

static void take_error(struct wr_link_watch *watch, const struct nlmsghdr *message)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

	if (answer->error == -ENODEV)
		watch->state.exists = watch->state.is_up = false;
}

static void take_message(struct wr_link_watch *watch, const struct nlmsghdr *message)
{
	size_t len = mnl_nlmsg_get_payload_len(message);

	if (message->nlmsg_type == NLMSG_ERROR && len >= sizeof(struct nlmsgerr))
		take_error(watch, message);
	if ((message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK) &&
	    len >= sizeof(struct ifinfomsg))
		take_link(watch, message);
}

static void take_messages(struct wr_link_watch *watch, int len)
{
	const struct nlmsghdr *message = (const void *)watch->buffer;

	for (; mnl_nlmsg_ok(message, len); message = mnl_nlmsg_next(message, &len))
		take_message(watch, message);
}

static void wr_link_watch_freep(struct wr_link_watch **watch)
{
	*watch = wr_link_watch_free(*watch);
}

struct wr_link_watch *wr_link_watch_free(struct wr_link_watch *watch)
{
	if (!watch)
		return NULL;
	close_socket(&watch->socket);
	free(watch);
	return NULL;
}

int wr_link_watch_open(uint32_t index, struct wr_link_watch **ret_watch)
{
	WR_AUTO(wr_link_watch_freep) struct wr_link_watch *watch = calloc(1, sizeof(*watch));
	int status;

	if (!watch)
		return -ENOMEM;
	watch->index = index;
	status = open_socket(RTMGRP_LINK, &watch->socket);
	if (status == 0)
		status = request_link(watch->socket, index, NULL);
	if (status < 0)
		return status;

	*ret_watch = WR_TAKE(watch);
	return 0;
}

int wr_link_watch_fd(const struct wr_link_watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

/* News was lost because there was too much, or too long. */
static bool is_lost(int error)
{
	return error == ENOBUFS || error == ENOSPC;
}

/* Reads what is there. -EAGAIN when that is all; *lost says if there was more. */
static int drain(struct wr_link_watch *watch, bool *lost)
{
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(watch->socket, watch->buffer, MESSAGE_MAX);

		if (len >= 0)
			take_messages(watch, (int)len);
		else if (is_lost(errno))
			*lost = true;
		else if (errno != EINTR)
			return -errno;
	}
}

int wr_link_watch_read(struct wr_link_watch *watch, struct wr_link_state *ret_state)
{
	bool lost;
	int status;

	/* Asked when there is room for the answer. */
	do {
		lost = false;
		status = drain(watch, &lost);
		if (status == -EAGAIN && lost)
			status = request_link(watch->socket, watch->index, NULL);
	} while (status == 0);

	if (status != -EAGAIN)
		return status;
	*ret_state = watch->state;
	return 0;
}

struct tun_look {
	bool is_tun;
	bool has_carrier;
};

static int take_kind(const struct nlattr *attribute, void *data)
{
	struct tun_look *look = data;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		look->is_tun = strcmp(mnl_attr_get_str(attribute), "tun") == 0;
	return MNL_CB_OK;
}

static int take_look(const struct nlattr *attribute, void *data)
{
	struct tun_look *look = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == IFLA_LINKINFO && mnl_attr_validate(attribute, MNL_TYPE_NESTED) == 0)
		return mnl_attr_parse_nested(attribute, take_kind, look);
	if (type == IFLA_CARRIER && mnl_attr_validate(attribute, MNL_TYPE_U8) == 0)
		look->has_carrier = mnl_attr_get_u8(attribute) != 0;
	return MNL_CB_OK;
}

static int read_look(struct mnl_socket *socket, struct tun_look *look)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[MESSAGE_MAX];
	const struct nlmsghdr *message = (const void *)buffer;
	ssize_t len = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

	if (len < 0)
		return -errno;
	if (!mnl_nlmsg_ok(message, (int)len) || message->nlmsg_type != RTM_NEWLINK)
		return -ENODEV;
	(void)mnl_attr_parse(message, sizeof(struct ifinfomsg), take_look, look);
	return 0;
}

int wr_link_is_tun_held(const char *name, bool *ret_is_held)
{
	WR_AUTO(close_socket) struct mnl_socket *socket = NULL;
	struct tun_look look = { 0 };
	int status = open_socket(0, &socket);

	if (status == 0)
		status = request_link(socket, 0, name);
	if (status == 0)
		status = read_look(socket, &look);
	if (status < 0)
		return status;
	if (!look.is_tun)
		return -EEXIST;
	/* drivers/net/tun.c, tun_attach() and tun_detach(): it has carrier as long as a
	 * queue is open. */
	*ret_is_held = look.has_carrier;
	return 0;
}
