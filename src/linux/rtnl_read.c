#include "linux/rtnl_read.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

int wr_rtnl_note(const struct nlattr *attribute, void *data)
{
	struct wr_rtnl_attributes *attributes = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < WR_RTNL_TYPES)
		attributes->of[type] = attribute;
	return MNL_CB_OK;
}

static void read_ip(const struct nlattr *attribute, uint8_t family, struct wr_ip *ret_ip)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (!attribute || mnl_attr_get_payload_len(attribute) != len)
		return;
	*ret_ip = (struct wr_ip){ .family = family == AF_INET ? WR_IPV4 : WR_IPV6 };
	memcpy(ret_ip->bytes, mnl_attr_get_payload(attribute), len);
}

static uint32_t read_number(const struct nlattr *attribute)
{
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0
		       ? mnl_attr_get_u32(attribute)
		       : 0;
}

/* True if it is a default route of the main table. */
bool wr_rtnl_read_default(const struct nlmsghdr *message, struct wr_default_route *ret_route)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct wr_rtnl_attributes all = { 0 };
	struct wr_default_route route = { 0 };

	if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_dst_len ||
	    info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST)
		return false;
	mnl_attr_parse(message, sizeof(*info), wr_rtnl_note, &all);
	read_ip(all.of[RTA_GATEWAY], info->rtm_family, &route.gateway);
	read_ip(all.of[RTA_PREFSRC], info->rtm_family, &route.source);
	route.interface = read_number(all.of[RTA_OIF]);
	route.metric = read_number(all.of[RTA_PRIORITY]);
	*ret_route = route;
	return route.interface != 0;
}

bool wr_rtnl_read_address(const struct nlmsghdr *message, struct wr_read_address *ret_address)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct wr_read_address address = { .length = info->ifa_prefixlen,
					   .interface = info->ifa_index,
					   .flags = info->ifa_flags };
	struct wr_rtnl_attributes all = { 0 };
	struct wr_ip local = { 0 };

	if (message->nlmsg_type != RTM_NEWADDR ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return false;
	mnl_attr_parse(message, sizeof(*info), wr_rtnl_note, &all);
	read_ip(all.of[IFA_ADDRESS], info->ifa_family, &address.ip);
	read_ip(all.of[IFA_LOCAL], info->ifa_family, &local);
	if (all.of[IFA_FLAGS])
		address.flags = read_number(all.of[IFA_FLAGS]);
	/* Of a point-to-point interface, the first is the other side's. */
	if (local.family)
		address.ip = local;
	*ret_address = address;
	return address.ip.family != WR_FAMILY_NONE;
}

static const char *read_text(const struct nlattr *attribute)
{
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0
		       ? mnl_attr_get_str(attribute)
		       : "";
}

static void read_nested(const struct nlattr *attribute, struct wr_rtnl_attributes *ret_attributes)
{
	if (attribute)
		mnl_attr_parse_nested(attribute, wr_rtnl_note, ret_attributes);
}

/* A VXLAN tells what it lies over in words of its own. */
static uint32_t read_under(const struct wr_rtnl_attributes *all, const struct nlattr *vxlan)
{
	struct wr_rtnl_attributes data = { 0 };

	read_nested(vxlan, &data);
	if (data.of[IFLA_VXLAN_LINK])
		return read_number(data.of[IFLA_VXLAN_LINK]);
	/* Of another namespace, the number means another one. */
	return all->of[IFLA_LINK_NETNSID] ? 0 : read_number(all->of[IFLA_LINK]);
}

bool wr_rtnl_read_link(const struct nlmsghdr *message, struct wr_read_link *ret_link)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct wr_rtnl_attributes all = { 0 }, info = { 0 };

	if (message->nlmsg_type != RTM_NEWLINK)
		return false;
	mnl_attr_parse(message, sizeof(*header), wr_rtnl_note, &all);
	read_nested(all.of[IFLA_LINKINFO], &info);
	*ret_link = (struct wr_read_link){
		.index = (uint32_t)header->ifi_index,
		.flags = header->ifi_flags,
		.type = header->ifi_type,
		.name = read_text(all.of[IFLA_IFNAME]),
		.kind = read_text(info.of[IFLA_INFO_KIND]),
		.port_kind = read_text(info.of[IFLA_INFO_SLAVE_KIND]),
	};
	ret_link->under = read_under(
		&all, strcmp(ret_link->kind, "vxlan") == 0 ? info.of[IFLA_INFO_DATA] : NULL);
	return true;
}

int wr_rtnl_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t take,
		 void *data)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, type, NLM_F_DUMP);
	struct rtgenmsg *general;

	/* The largest of their headers, all zero but for the family. */
	general = mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	general->rtgen_family = family;
	return wr_rtnl_ask(socket, message, take, data);
}
