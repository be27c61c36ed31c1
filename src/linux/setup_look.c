/* Whether an interface is as it should be. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/rtnl.h"
#include "linux/setup.h"

/* What was found of it. */
struct look {
	const struct wr_setup *setup;
	bool is_up;
	bool has_address[WR_SETUP_ADDRESSES];
	bool has_route[WR_SETUP_ROUTES];
};

/* The bytes of an attribute that holds an address of the family. */
static bool is_ip(const struct nlattr *attribute, const struct wr_ip *ip)
{
	return mnl_attr_get_payload_len(attribute) == wr_ip_bits(ip->family) / 8 &&
	       memcmp(mnl_attr_get_payload(attribute), ip->bytes, wr_ip_bits(ip->family) / 8) == 0;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct look *look = data;

	if (info->ifi_index == (int)look->setup->index)
		look->is_up = info->ifi_flags & IFF_UP;
	return MNL_CB_STOP;
}

static int mark_address(const struct nlattr *attribute, void *data)
{
	struct look *look = data;

	if (mnl_attr_get_type(attribute) != IFA_ADDRESS)
		return MNL_CB_OK;
	for (size_t i = 0; i < look->setup->address_count; i++)
		look->has_address[i] |= is_ip(attribute, &look->setup->addresses[i]);
	return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct look *look = data;

	if (info->ifa_index != look->setup->index)
		return MNL_CB_OK;
	return mnl_attr_parse(message, sizeof(*info), mark_address, look);
}

struct route {
	const struct nlattr *to;
	uint32_t link;
};

static int read_route(const struct nlattr *attribute, void *data)
{
	struct route *route = data;

	if (mnl_attr_get_type(attribute) == RTA_DST)
		route->to = attribute;
	else if (mnl_attr_get_type(attribute) == RTA_OIF)
		route->link = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static bool is_route(const struct rtmsg *info, const struct route *route,
		     const struct wr_prefix *prefix)
{
	if (info->rtm_family != wr_rtnl_family(&prefix->ip) || info->rtm_dst_len != prefix->length)
		return false;
	return route->to ? is_ip(route->to, &prefix->ip) : prefix->length == 0;
}

static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct look *look = data;
	struct route route = { 0 };

	(void)mnl_attr_parse(message, sizeof(*info), read_route, &route);
	if (route.link != look->setup->index || info->rtm_table != RT_TABLE_MAIN ||
	    info->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	for (size_t i = 0; i < look->setup->route_count; i++)
		look->has_route[i] |= is_route(info, &route, &look->setup->routes[i]);
	return MNL_CB_OK;
}

static int look_at_link(struct mnl_socket *socket, struct look *look)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_GETLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_index = (int)look->setup->index;
	return wr_rtnl_ask(socket, message, take_link, look);
}

/* EINTR: something changed meanwhile, and some of it may be missing. */
static int dump(struct mnl_socket *socket, uint16_t type, mnl_cb_t take, struct look *look)
{
	struct wr_rtnl_request request;
	int status;
	struct nlmsghdr *message = wr_rtnl_begin(&request, type, NLM_F_DUMP);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	static_assert(sizeof(struct rtmsg) >= sizeof(struct ifaddrmsg), "all zero for either");
	info->rtm_family = AF_UNSPEC;
	do
		status = wr_rtnl_ask(socket, message, take, look);
	while (status == -EINTR);
	return status;
}

static bool is_whole(const struct look *look)
{
	bool whole = look->is_up;

	for (size_t i = 0; i < look->setup->address_count; i++)
		whole = whole && look->has_address[i];
	for (size_t i = 0; i < look->setup->route_count; i++)
		whole = whole && look->has_route[i];
	return whole;
}

int wr_setup_look(const struct wr_setup *setup, bool *ret_is_whole)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct look look = { .setup = setup };
	int status = wr_rtnl_open(&socket);

	if (status == 0)
		status = look_at_link(socket, &look);
	if (status == 0)
		status = dump(socket, RTM_GETADDR, take_address, &look);
	if (status == 0)
		status = dump(socket, RTM_GETROUTE, take_route, &look);
	if (status < 0)
		return status;
	*ret_is_whole = is_whole(&look);
	return 0;
}
