#include "linux/network.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/rtnl.h"

/* What changes while it is told is told again, this often. */
#define DUMP_TRIES 8

/* --- Looking. --- */

struct look {
	struct wr_network network;
	size_t address_room, route_room;
	uint32_t index;
};

/* Room for one more in a list of `count`, of at most `max`; false if there is none. */
static bool grow(void **list, size_t *room, size_t count, size_t max, size_t size)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *larger;

	if (count < *room)
		return true;
	if (count >= max)
		return false;
	larger = realloc(*list, wanted * size);
	if (!larger)
		return false;
	*list = larger;
	*room = wanted;
	return true;
}

static bool read_ip(const struct nlattr *attribute, uint8_t family, struct wr_ip *ret_ip)
{
	struct wr_ip ip = { .family = family == AF_INET ? WR_IPV4 : WR_IPV6 };

	if ((family != AF_INET && family != AF_INET6) ||
	    mnl_attr_get_payload_len(attribute) != wr_ip_bits(ip.family) / 8)
		return false;
	memcpy(ip.bytes, mnl_attr_get_payload(attribute), wr_ip_bits(ip.family) / 8);
	*ret_ip = ip;
	return true;
}

struct found_address {
	uint8_t family;
	struct wr_ip local, other;
};

static int read_address(const struct nlattr *attribute, void *data)
{
	struct found_address *found = data;

	if (mnl_attr_get_type(attribute) == IFA_LOCAL)
		(void)read_ip(attribute, found->family, &found->local);
	else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
		(void)read_ip(attribute, found->family, &found->other);
	return MNL_CB_OK;
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct look *look = data;
	struct found_address found = { .family = info->ifa_family };
	struct wr_network_address address = { .link = info->ifa_index,
					      .length = info->ifa_prefixlen };

	(void)mnl_attr_parse(message, sizeof(*info), read_address, &found);
	/* IFA_LOCAL is ours where IFA_ADDRESS is the other end's. */
	address.ip = found.local.family != WR_FAMILY_NONE ? found.local : found.other;
	if (address.ip.family == WR_FAMILY_NONE ||
	    !grow((void **)&look->network.addresses, &look->address_room,
		  look->network.address_count, WR_NETWORK_ADDRESSES, sizeof(address)))
		return MNL_CB_OK;
	look->network.addresses[look->network.address_count++] = address;
	return MNL_CB_OK;
}

struct found_route {
	uint8_t family;
	struct wr_network_route route;
	uint32_t link;
};

static int read_route(const struct nlattr *attribute, void *data)
{
	struct found_route *found = data;

	if (mnl_attr_get_type(attribute) == RTA_DST)
		(void)read_ip(attribute, found->family, &found->route.to.ip);
	else if (mnl_attr_get_type(attribute) == RTA_PREFSRC)
		(void)read_ip(attribute, found->family, &found->route.source);
	else if (mnl_attr_get_type(attribute) == RTA_OIF)
		found->link = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct look *look = data;
	struct found_route found = { .family = info->rtm_family,
				     .route.to.length = info->rtm_dst_len };

	if (info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST ||
	    info->rtm_protocol != WR_NETWORK_PROTOCOL)
		return MNL_CB_OK;
	(void)mnl_attr_parse(message, sizeof(*info), read_route, &found);
	if (found.link != look->index || found.route.to.ip.family == WR_FAMILY_NONE ||
	    !grow((void **)&look->network.routes, &look->route_room, look->network.route_count,
		  WR_NETWORK_ROUTES, sizeof(found.route)))
		return MNL_CB_OK;
	look->network.routes[look->network.route_count++] = found.route;
	return MNL_CB_OK;
}

static int look_at_addresses(struct mnl_socket *socket, struct look *look)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifa_family = AF_UNSPEC;
	look->network.address_count = 0;
	return wr_rtnl_ask(socket, message, take_address, look);
}

/* A host may have a million routes. The kernel is asked for those of one interface (since Linux
 * 4.20; an older one tells all). */
static int look_at_routes(struct mnl_socket *socket, struct look *look, uint8_t family)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->rtm_family = family;
	info->rtm_protocol = WR_NETWORK_PROTOCOL;
	mnl_attr_put_u32(message, RTA_OIF, look->index);
	return wr_rtnl_ask(socket, message, take_route, look);
}

static int look_once(struct mnl_socket *socket, struct look *look)
{
	int status = look_at_addresses(socket, look);

	look->network.route_count = 0;
	if (status == 0)
		status = look_at_routes(socket, look, AF_INET);
	if (status < 0)
		return status;
	status = look_at_routes(socket, look, AF_INET6);
	/* A kernel without IPv6. */
	return status == -EOPNOTSUPP || status == -EAFNOSUPPORT ? 0 : status;
}

int wr_network_look(uint32_t index, struct wr_network *ret_network)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct look look = { .index = index };
	int on = 1, tries = 0, status = wr_rtnl_open(&socket);

	if (status < 0)
		return status;
	(void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	do
		status = look_once(socket, &look);
	while (status == -EINTR && ++tries < DUMP_TRIES);
	if (status < 0) {
		wr_network_done(&look.network);
		return status;
	}
	*ret_network = look.network;
	return 0;
}

void wr_network_done(struct wr_network *network)
{
	free(network->addresses);
	free(network->routes);
	*network = (struct wr_network){ 0 };
}

/* --- The way to an address. --- */

static int read_way(const struct nlattr *attribute, void *data)
{
	uint32_t *link = data;

	if (mnl_attr_get_type(attribute) == RTA_OIF)
		*link = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int take_way(const struct nlmsghdr *message, void *data)
{
	(void)mnl_attr_parse(message, sizeof(struct rtmsg), read_way, data);
	return MNL_CB_STOP;
}

int wr_network_way(const struct wr_ip *to, uint32_t *ret_link)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_GETROUTE, 0);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	uint32_t link = 0;
	int status = wr_rtnl_open(&socket);

	info->rtm_family = wr_rtnl_family(to);
	info->rtm_dst_len = (uint8_t)wr_ip_bits(to->family);
	wr_rtnl_put_ip(message, RTA_DST, to);
	if (status == 0)
		status = wr_rtnl_ask(socket, message, take_way, &link);
	if (status < 0)
		return status;
	if (!link)
		return -ENETUNREACH;
	*ret_link = link;
	return 0;
}
