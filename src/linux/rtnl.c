#include "linux/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* netlink(7): the kernel splits a dump at 32 KiB. */
#define ANSWER_MAX 32768
/* A host that changes all the time is looked at again another time. */
#define LOOKS 5

void wr_rtnl_closep(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

int wr_rtnl_open(struct mnl_socket **ret_socket)
{
	return wr_rtnl_open_bus(NETLINK_ROUTE, ret_socket);
}

int wr_rtnl_open_bus(int bus, struct mnl_socket **ret_socket)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	*ret_socket = WR_TAKE(socket);
	return 0;
}

struct nlmsghdr *wr_rtnl_begin(struct wr_rtnl_request *request, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(request->bytes);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	return message;
}

int wr_rtnl_ask(struct mnl_socket *socket, const struct nlmsghdr *message, mnl_cb_t take,
		void *data)
{
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
	unsigned port = mnl_socket_get_portid(socket);
	int status = MNL_CB_OK;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	while (status == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(socket, answer, sizeof(answer));

		if (len < 0)
			return -errno;
		status = mnl_cb_run(answer, (size_t)len, 0, port, take, data);
	}
	return status < 0 ? -errno : 0;
}

int wr_rtnl_look(int (*look)(struct mnl_socket *socket, void *context), void *context)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	int status = wr_rtnl_open(&socket);

	if (status)
		return status;
	status = -EINTR;
	for (unsigned i = 0; i < LOOKS && status == -EINTR; i++)
		status = look(socket, context);
	return status;
}

uint8_t wr_rtnl_family(const struct wr_ip *ip)
{
	return ip->family == WR_IPV4 ? AF_INET : AF_INET6;
}

void wr_rtnl_put_ip(struct nlmsghdr *message, uint16_t type, const struct wr_ip *ip)
{
	mnl_attr_put(message, type, wr_ip_bits(ip->family) / 8, ip->bytes);
}
