/* Where this host's packets go to. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/network.h"
#include "linux/rtnl_read.h"

struct walk {
	void (*see)(void *context, const struct wr_prefix *to, uint32_t link);
	void *context;
};

static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	const struct walk *walk = data;
	struct wr_rtnl_attributes attributes = { 0 };
	struct wr_prefix to = { .ip.family = info->rtm_family == AF_INET ? WR_IPV4 : WR_IPV6,
				.length = info->rtm_dst_len };
	const struct nlattr *dst;
	uint32_t link = 0;

	if (info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST || !to.length)
		return MNL_CB_OK;
	(void)mnl_attr_parse(message, sizeof(*info), wr_rtnl_note, &attributes);
	dst = attributes.of[RTA_DST];
	if (!dst || mnl_attr_get_payload_len(dst) != wr_ip_bits(to.ip.family) / 8)
		return MNL_CB_OK;
	memcpy(to.ip.bytes, mnl_attr_get_payload(dst), wr_ip_bits(to.ip.family) / 8);
	if (attributes.of[RTA_OIF])
		link = mnl_attr_get_u32(attributes.of[RTA_OIF]);
	walk->see(walk->context, &to, link);
	return MNL_CB_OK;
}

int wr_network_routes(enum wr_family family,
		      void (*see)(void *context, const struct wr_prefix *to, uint32_t link),
		      void *context)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct walk walk = { see, context };
	int status = wr_rtnl_open(&socket);

	if (status == 0)
		status = wr_rtnl_dump(socket, RTM_GETROUTE, family == WR_IPV4 ? AF_INET : AF_INET6,
				      take_route, &walk);
	/* Something changed meanwhile: what was seen will do. */
	return status == -EINTR ? 0 : status;
}
