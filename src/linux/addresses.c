#include "linux/addresses.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/rtnl.h"

/* A dump that something changed meanwhile is made again. */
#define TRIES 5
#define LINKS_MAX 256

enum standing {
	USELESS, /* down, loopback, a tunnel, or skipped */
	BRIDGE,
	PLAIN,
	DEFAULT /* the way out */
};

struct link {
	uint32_t index;
	enum standing standing;
};

struct found {
	struct wr_host_address address;
	enum standing standing;
};

struct look {
	const uint32_t *skip;
	size_t skip_count;
	struct link links[LINKS_MAX];
	size_t link_count;
	struct found found[WR_ADDRESSES_MAX];
	size_t count;
};

/* --- What an address is. --- */

/* RFC 6890: what is not globally reachable, as far as hosts have it. Addresses for documentation
 * count as reachable: nobody has one but laboratories. */
bool wr_address_is_global(const struct wr_ip *ip)
{
	const uint8_t *b = ip->bytes;

	if (ip->family == WR_IPV6)
		return (b[0] & 0xe0) == 0x20;
	if (ip->family != WR_IPV4 || b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224)
		return false;
	return !(b[0] == 172 && (b[1] & 0xf0) == 16) && !(b[0] == 192 && b[1] == 168) &&
	       !(b[0] == 169 && b[1] == 254) && !(b[0] == 100 && (b[1] & 0xc0) == 64) &&
	       !(b[0] == 198 && (b[1] & 0xfe) == 18);
}

static bool is_link_local(const struct wr_ip *ip)
{
	if (ip->family == WR_IPV4)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* --- Links. --- */

static bool is_skipped(const struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->skip_count; i++) {
		if (look->skip[i] == index)
			return true;
	}
	return false;
}

/* Attributes by type; those of later kernels are left out. */
#define TYPES 64
struct attributes {
	const struct nlattr *of[TYPES];
};

static int note(const struct nlattr *attribute, void *data)
{
	struct attributes *attributes = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < TYPES)
		attributes->of[type] = attribute;
	return MNL_CB_OK;
}

static const char *kind_of(const struct nlmsghdr *message)
{
	struct attributes all = { 0 }, info = { 0 };
	const struct nlattr *kind;

	mnl_attr_parse(message, sizeof(struct ifinfomsg), note, &all);
	if (all.of[IFLA_LINKINFO])
		mnl_attr_parse_nested(all.of[IFLA_LINKINFO], note, &info);
	kind = info.of[IFLA_INFO_KIND];
	return kind && mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) == 0 ? mnl_attr_get_str(kind)
									 : "";
}

static enum standing standing_of(const struct ifinfomsg *info, const char *kind)
{
	if (!(info->ifi_flags & IFF_UP) || !(info->ifi_flags & IFF_RUNNING) ||
	    info->ifi_flags & IFF_LOOPBACK || strcmp(kind, "wireguard") == 0 ||
	    strcmp(kind, "tun") == 0)
		return USELESS;
	return strcmp(kind, "bridge") == 0 ? BRIDGE : PLAIN;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = &look->links[look->link_count];

	if (message->nlmsg_type != RTM_NEWLINK || look->link_count == LINKS_MAX)
		return MNL_CB_OK;
	link->index = (uint32_t)info->ifi_index;
	link->standing = is_skipped(look, link->index) ? USELESS
						       : standing_of(info, kind_of(message));
	look->link_count++;
	return MNL_CB_OK;
}

static struct link *find_link(struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->link_count; i++) {
		if (look->links[i].index == index)
			return &look->links[i];
	}
	return NULL;
}

/* --- Routes. --- */

struct route {
	struct wr_ip gateway, source; /* family none: not said */
	uint32_t interface, metric;
};

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
static bool read_default(const struct nlmsghdr *message, struct route *ret_route)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	struct attributes all = { 0 };
	struct route route = { 0 };

	if (message->nlmsg_type != RTM_NEWROUTE || info->rtm_dst_len ||
	    info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST)
		return false;
	mnl_attr_parse(message, sizeof(*info), note, &all);
	read_ip(all.of[RTA_GATEWAY], info->rtm_family, &route.gateway);
	read_ip(all.of[RTA_PREFSRC], info->rtm_family, &route.source);
	route.interface = read_number(all.of[RTA_OIF]);
	route.metric = read_number(all.of[RTA_PRIORITY]);
	*ret_route = route;
	return route.interface != 0;
}

static int take_default(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct route route;
	struct link *link = read_default(message, &route) ? find_link(look, route.interface) : NULL;

	if (link && link->standing != USELESS)
		link->standing = DEFAULT;
	return MNL_CB_OK;
}

/* --- Addresses. --- */

struct address {
	struct wr_ip ip;
	uint8_t length;
	uint32_t interface, flags;
};

static bool read_address(const struct nlmsghdr *message, struct address *ret_address)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct address address = { .length = info->ifa_prefixlen,
				   .interface = info->ifa_index,
				   .flags = info->ifa_flags };
	struct attributes all = { 0 };
	struct wr_ip local = { 0 };

	if (message->nlmsg_type != RTM_NEWADDR ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return false;
	mnl_attr_parse(message, sizeof(*info), note, &all);
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

static bool is_usable(const struct address *address)
{
	return !is_link_local(&address->ip) &&
	       !(address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED));
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct address address;
	const struct link *link;

	if (!read_address(message, &address) || !is_usable(&address) ||
	    look->count == WR_ADDRESSES_MAX)
		return MNL_CB_OK;
	link = find_link(look, address.interface);
	if (!link || link->standing == USELESS)
		return MNL_CB_OK;
	look->found[look->count++] = (struct found){
		.address = { .ip = address.ip,
			     .interface = address.interface,
			     .is_global = wr_address_is_global(&address.ip),
			     .is_default = link->standing == DEFAULT },
		.standing = link->standing,
	};
	return MNL_CB_OK;
}

/* --- All of it. --- */

static int dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t take, void *data)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, type, NLM_F_DUMP);
	struct rtgenmsg *general;

	/* The largest of their headers, all zero but for the family. */
	general = mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	general->rtgen_family = family;
	return wr_rtnl_ask(socket, message, take, data);
}

static int look_once(struct mnl_socket *socket, struct look *look)
{
	int status;

	look->link_count = look->count = 0;
	status = dump(socket, RTM_GETLINK, AF_UNSPEC, take_link, look);
	if (!status)
		status = dump(socket, RTM_GETROUTE, AF_INET, take_default, look);
	if (!status)
		status = dump(socket, RTM_GETROUTE, AF_INET6, take_default, look);
	if (!status)
		status = dump(socket, RTM_GETADDR, AF_UNSPEC, take_address, look);
	return status;
}

static int by_standing(const void *a, const void *b)
{
	const struct found *first = a, *second = b;

	return (int)second->standing - (int)first->standing;
}

int wr_addresses_list(const uint32_t *skip, size_t skip_count,
		      struct wr_host_address ret[WR_ADDRESSES_MAX])
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct look look = { .skip = skip, .skip_count = skip_count };
	int status = wr_rtnl_open(&socket);

	if (status)
		return status;
	status = -EINTR;
	for (unsigned i = 0; i < TRIES && status == -EINTR; i++)
		status = look_once(socket, &look);
	if (status)
		return status;
	/* glibc's is a stable sort of so few. */
	qsort(look.found, look.count, sizeof(look.found[0]), by_standing);
	for (size_t i = 0; i < look.count; i++)
		ret[i] = look.found[i].address;
	return (int)look.count;
}

/* --- The way out. --- */

struct search {
	struct route best;
	bool has_best;
	struct wr_gateway *gateway;
};

static int take_best(const struct nlmsghdr *message, void *data)
{
	struct search *search = data;
	struct route route;

	if (read_default(message, &route) && route.gateway.family &&
	    (!search->has_best || route.metric < search->best.metric)) {
		search->best = route;
		search->has_best = true;
	}
	return MNL_CB_OK;
}

static bool is_same_net(const struct wr_ip *a, const struct wr_ip *b, unsigned length)
{
	unsigned bytes = length / 8, bits = length % 8;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, bytes) != 0)
		return false;
	return !bits || (uint8_t)((a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - bits)) == 0;
}

static int take_local(const struct nlmsghdr *message, void *data)
{
	struct search *search = data;
	struct address address;

	if (!search->gateway->local.family && read_address(message, &address) &&
	    address.interface == search->best.interface &&
	    is_same_net(&address.ip, &search->best.gateway, address.length))
		search->gateway->local = address.ip;
	return MNL_CB_OK;
}

static int search_once(struct mnl_socket *socket, uint8_t family, struct search *search)
{
	int status;

	search->has_best = false;
	status = dump(socket, RTM_GETROUTE, family, take_best, search);
	if (status)
		return status;
	if (!search->has_best)
		return -ENETUNREACH;
	*search->gateway = (struct wr_gateway){ .ip = search->best.gateway,
						.local = search->best.source,
						.interface = search->best.interface };
	return dump(socket, RTM_GETADDR, family, take_local, search);
}

int wr_addresses_gateway(enum wr_family family, struct wr_gateway *ret_gateway)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	struct wr_gateway gateway = { 0 };
	struct search search = { .gateway = &gateway };
	int status = wr_rtnl_open(&socket);

	if (status)
		return status;
	status = -EINTR;
	for (unsigned i = 0; i < TRIES && status == -EINTR; i++)
		status = search_once(socket, family == WR_IPV4 ? AF_INET : AF_INET6, &search);
	if (status)
		return status;
	*ret_gateway = gateway;
	return 0;
}

/* --- Changes. --- */

int wr_addresses_watch(int *ret_fd)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int status;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		status = -errno;
		close(fd);
		return status;
	}
	*ret_fd = fd;
	return 0;
}

struct news {
	uint32_t skip;
	bool has_changed;
};

/* Routes that are no default ones come and go with every peer. */
static int take_news(const struct nlmsghdr *message, void *data)
{
	struct news *news = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: news->has_changed |= (uint32_t)link->ifi_index != news->skip; break;
	case RTM_NEWADDR:
	case RTM_DELADDR: news->has_changed |= address->ifa_index != news->skip; break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		news->has_changed |= !route->rtm_dst_len && route->rtm_table == RT_TABLE_MAIN;
		break;
	default: break;
	}
	return MNL_CB_OK;
}

bool wr_addresses_changed(int fd, uint32_t skip)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[8192];
	struct news news = { .skip = skip };

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0 && errno == ENOBUFS)
			news.has_changed = true; /* some were lost */
		else if (len < 0 && errno != EINTR)
			return news.has_changed;
		else if (len > 0)
			mnl_cb_run(buffer, (size_t)len, 0, 0, take_news, &news);
		else if (len == 0)
			return news.has_changed;
	}
}
