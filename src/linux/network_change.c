/* Addresses and routes of an interface: one more, or one less. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "linux/network.h"
#include "linux/rtnl.h"

struct wr_network_changes {
	struct mnl_socket *socket;
	uint32_t index;
};

int wr_network_open(uint32_t index, struct wr_network_changes **ret_changes)
{
	struct wr_network_changes *changes = calloc(1, sizeof(*changes));
	int status;

	if (!changes)
		return -ENOMEM;
	changes->index = index;
	status = wr_rtnl_open(&changes->socket);
	if (status < 0) {
		free(changes);
		return status;
	}
	*ret_changes = changes;
	return 0;
}

struct wr_network_changes *wr_network_close(struct wr_network_changes *changes)
{
	if (!changes)
		return NULL;
	wr_rtnl_closep(&changes->socket);
	free(changes);
	return NULL;
}

static struct nlmsghdr *begin_address(struct wr_network_changes *changes,
				      struct wr_rtnl_request *request, uint16_t type,
				      uint16_t flags, const struct wr_ip *ip, uint8_t length)
{
	struct nlmsghdr *message = wr_rtnl_begin(request, type, NLM_F_ACK | flags);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifa_family = wr_rtnl_family(ip);
	info->ifa_prefixlen = length;
	info->ifa_index = changes->index;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	wr_rtnl_put_ip(message, IFA_LOCAL, ip);
	wr_rtnl_put_ip(message, IFA_ADDRESS, ip);
	return message;
}

int wr_network_add_address(struct wr_network_changes *changes, const struct wr_ip *ip)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin_address(changes, &request, RTM_NEWADDR,
						 NLM_F_CREATE | NLM_F_REPLACE, ip,
						 (uint8_t)wr_ip_bits(ip->family));

	/* Nobody else can have it, so there is nothing to wait for. */
	mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	return wr_rtnl_ask(changes->socket, message, NULL, NULL);
}

int wr_network_remove_address(struct wr_network_changes *changes, const struct wr_ip *ip,
			      uint8_t length)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin_address(changes, &request, RTM_DELADDR, 0, ip, length);

	return wr_rtnl_ask(changes->socket, message, NULL, NULL);
}

static struct nlmsghdr *begin_route(struct wr_network_changes *changes,
				    struct wr_rtnl_request *request, uint16_t type, uint16_t flags,
				    const struct wr_prefix *to)
{
	struct nlmsghdr *message = wr_rtnl_begin(request, type, NLM_F_ACK | flags);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->rtm_family = wr_rtnl_family(&to->ip);
	info->rtm_dst_len = to->length;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = WR_NETWORK_PROTOCOL;
	info->rtm_scope = to->ip.family == WR_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	wr_rtnl_put_ip(message, RTA_DST, &to->ip);
	mnl_attr_put_u32(message, RTA_OIF, changes->index);
	return message;
}

/* Nobody has it, and nobody is asked for it: the interface is a tunnel. Without a next hop the
 * kernel keeps a neighbour for each IPv6 address that is sent to, of which all interfaces together
 * may have 1,024 (gc_thresh3 in ip(7)'s sysctls). */
static const struct wr_ip next_hop = { WR_IPV6, { 0xfe, 0x80, [15] = 1 } };

int wr_network_add_route(struct wr_network_changes *changes, const struct wr_network_route *route)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message;

	if (route->to.length == 0)
		return -EINVAL;
	/* Not NLM_F_REPLACE, which would take the place of somebody else's. */
	message = begin_route(changes, &request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
			      &route->to);
	if (route->source.family != WR_FAMILY_NONE)
		wr_rtnl_put_ip(message, RTA_PREFSRC, &route->source);
	if (route->to.ip.family == WR_IPV6)
		wr_rtnl_put_ip(message, RTA_GATEWAY, &next_hop);
	return wr_rtnl_ask(changes->socket, message, NULL, NULL);
}

int wr_network_remove_route(struct wr_network_changes *changes, const struct wr_prefix *to)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message;

	if (to->length == 0)
		return -EINVAL;
	message = begin_route(changes, &request, RTM_DELROUTE, 0, to);
	return wr_rtnl_ask(changes->socket, message, NULL, NULL);
}
