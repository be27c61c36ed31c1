#include "linux/vxlan.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "linux/link_change.h"
#include "linux/rtnl.h"

/* Checksums of the outer UDP stay on, which IPv6 asks for: RFC 8200, section 8.1. */
static void put_settings(struct nlmsghdr *message, const struct wr_vxlan_config *config)
{
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_KIND, "vxlan");
	data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
	mnl_attr_put_u32(message, IFLA_VXLAN_ID, config->vni);
	mnl_attr_put_u32(message, IFLA_VXLAN_LINK, config->under);
	wr_rtnl_put_ip(message, IFLA_VXLAN_LOCAL6, &config->local);
	mnl_attr_put_u16(message, IFLA_VXLAN_PORT, htons(config->port));
	mnl_attr_put_u8(message, IFLA_VXLAN_LEARNING, 1);
	mnl_attr_put_u32(message, IFLA_VXLAN_LIMIT, config->most);
	mnl_attr_put_u8(message, IFLA_VXLAN_UDP_ZERO_CSUM6_TX, 0);
	mnl_attr_put_u8(message, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 0);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
}

static int create(const struct wr_vxlan_config *config)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_NEWLINK,
						 NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	int status = wr_rtnl_open(&socket);

	if (status < 0)
		return status;
	mnl_attr_put_strz(message, IFLA_IFNAME, config->name);
	mnl_attr_put_u32(message, IFLA_MTU, config->mtu);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof(config->mac), config->mac);
	put_settings(message, config);
	return wr_rtnl_ask(socket, message, NULL, NULL);
}

int wr_vxlan_create(const struct wr_vxlan_config *config, uint32_t *ret_index)
{
	struct wr_link_sight sight;
	int status;

	assert(config->local.family == WR_IPV6);
	if (strlen(config->name) >= IF_NAMESIZE)
		return -ENAMETOOLONG;
	status = create(config);
	if (status == 0)
		status = wr_link_find(config->name, &sight);
	if (status < 0)
		return status;
	status = wr_link_set_alias(sight.index, config->alias);
	if (status < 0) {
		wr_link_delete(sight.index);
		return status;
	}
	*ret_index = sight.index;
	return 0;
}
