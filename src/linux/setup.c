#include "linux/setup.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/news.h"
#include "linux/rtnl.h"

/* --- Making it so. --- */

/* Whatever the host's defaults, which a namespace inherits. */
static void put_no_router(struct nlmsghdr *message)
{
	static const uint16_t off[] = { IPV4_DEVCONF_FORWARDING, IPV4_DEVCONF_ACCEPT_REDIRECTS,
					IPV4_DEVCONF_SEND_REDIRECTS,
					IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE };
	struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct nlattr *family = mnl_attr_nest_start(message, AF_INET);
	struct nlattr *values = mnl_attr_nest_start(message, IFLA_INET_CONF);

	for (size_t i = 0; i < WR_ARRAY_LEN(off); i++)
		mnl_attr_put_u32(message, off[i], 0);
	mnl_attr_nest_end(message, values);
	mnl_attr_nest_end(message, family);
	mnl_attr_nest_end(message, families);
}

/* No link-local address, so no router solicitations either. */
static void put_quiet(struct nlmsghdr *message)
{
	struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	struct nlattr *family = mnl_attr_nest_start(message, AF_INET6);

	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(message, family);
	mnl_attr_nest_end(message, families);
}

static void put_up(struct nlmsghdr *message)
{
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	info->ifi_flags = info->ifi_change = IFF_UP;
}

static int change_link(struct mnl_socket *socket, const struct wr_setup *setup,
		       void (*put)(struct nlmsghdr *message))
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)setup->index;
	put(message);
	return wr_rtnl_ask(socket, message, NULL, NULL);
}

static int quieten(struct mnl_socket *socket, const struct wr_setup *setup)
{
	int status = change_link(socket, setup, put_no_router);

	/* A kernel without IPv6 refuses; addresses of it then fail by themselves. */
	if (status == 0)
		(void)change_link(socket, setup, put_quiet);
	return status;
}

int wr_setup_quiet(uint32_t index)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct wr_setup setup = { .index = index };
	int status = wr_rtnl_open(&socket);

	return status < 0 ? status : quieten(socket, &setup);
}

static int apply_link(struct mnl_socket *socket, const struct wr_setup *setup)
{
	int status = quieten(socket, setup);

	return status < 0 ? status : change_link(socket, setup, put_up);
}

static int apply_address(struct mnl_socket *socket, const struct wr_setup *setup,
			 const struct wr_ip *ip)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_NEWADDR,
						 NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifa_family = wr_rtnl_family(ip);
	info->ifa_prefixlen = (uint8_t)wr_ip_bits(ip->family);
	info->ifa_index = setup->index;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	/* Nobody else can have it, so there is nothing to wait for. */
	mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	wr_rtnl_put_ip(message, IFA_LOCAL, ip);
	wr_rtnl_put_ip(message, IFA_ADDRESS, ip);
	return wr_rtnl_ask(socket, message, NULL, NULL);
}

static const struct wr_ip *source_for(const struct wr_setup *setup, enum wr_family family)
{
	for (size_t i = 0; i < setup->address_count; i++) {
		if (setup->addresses[i].family == family)
			return &setup->addresses[i];
	}
	return NULL;
}

static int apply_route(struct mnl_socket *socket, const struct wr_setup *setup,
		       const struct wr_prefix *prefix)
{
	const struct wr_ip *source = source_for(setup, prefix->ip.family);
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_NEWROUTE,
						 NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->rtm_family = wr_rtnl_family(&prefix->ip);
	info->rtm_dst_len = prefix->length;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = prefix->ip.family == WR_IPV4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	if (prefix->length)
		wr_rtnl_put_ip(message, RTA_DST, &prefix->ip);
	if (source)
		wr_rtnl_put_ip(message, RTA_PREFSRC, source);
	mnl_attr_put_u32(message, RTA_OIF, setup->index);
	return wr_rtnl_ask(socket, message, NULL, NULL);
}

int wr_setup_apply(const struct wr_setup *setup)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	int status = wr_rtnl_open(&socket);

	if (status == 0)
		status = apply_link(socket, setup);
	for (size_t i = 0; status == 0 && i < setup->address_count; i++)
		status = apply_address(socket, setup, &setup->addresses[i]);
	for (size_t i = 0; status == 0 && i < setup->route_count; i++)
		status = apply_route(socket, setup, &setup->routes[i]);
	return status;
}

/* --- Watching. --- */

int wr_setup_watch(int *ret_fd)
{
	return wr_news_watch(NETLINK_ROUTE,
			     RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
			     ret_fd);
}

bool wr_setup_drain(int fd)
{
	return wr_news_drain(fd);
}
