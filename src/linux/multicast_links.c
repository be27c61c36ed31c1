/* Interfaces that have neighbours. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/multicast.h"
#include "linux/rtnl_read.h"

struct look {
	const char *alias, *skip;
	struct wr_multicast_link links[WR_MULTICAST_LINKS];
	size_t count;
};

/* --- Links. --- */

static bool is_text(const struct nlattr *attribute, const char *text)
{
	return attribute && text && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(attribute), text) == 0;
}

/* What it receives is its master's. */
static bool is_port(const struct nlattr *link_info)
{
	static const char *const kinds[] = { "bridge", "bond", "team", "openvswitch" };
	struct wr_rtnl_attributes info = { 0 };

	if (!link_info)
		return false;
	mnl_attr_parse_nested(link_info, wr_rtnl_note, &info);
	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++) {
		if (is_text(info.of[IFLA_INFO_SLAVE_KIND], kinds[i]))
			return true;
	}
	return false;
}

static bool has_neighbours(const struct ifinfomsg *info)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;

	return (info->ifi_flags & wanted) == wanted &&
	       !(info->ifi_flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) &&
	       info->ifi_type != ARPHRD_NONE;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct wr_rtnl_attributes all = { 0 };

	if (message->nlmsg_type != RTM_NEWLINK || look->count == WR_MULTICAST_LINKS ||
	    !has_neighbours(info))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), wr_rtnl_note, &all);
	if (!is_text(all.of[IFLA_IFNAME], look->skip) &&
	    !is_text(all.of[IFLA_IFALIAS], look->alias) && !is_port(all.of[IFLA_LINKINFO]))
		look->links[look->count++].index = (uint32_t)info->ifi_index;
	return MNL_CB_OK;
}

/* --- Addresses. --- */

static struct wr_multicast_link *find_link(struct look *look, uint32_t index)
{
	for (size_t i = 0; i < look->count; i++) {
		if (look->links[i].index == index)
			return &look->links[i];
	}
	return NULL;
}

/* Multicast of one link leaves from an address of that link: RFC 6724, rule 2. */
static bool is_usable(const struct wr_read_address *address)
{
	const uint8_t *bytes = address->ip.bytes;

	if (address->ip.family == WR_IPV4)
		return true;
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 &&
	       !(address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED));
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct wr_read_address address;
	struct wr_multicast_link *link;
	struct wr_ip *place;

	if (!wr_rtnl_read_address(message, &address) || !is_usable(&address))
		return MNL_CB_OK;
	link = find_link(look, address.interface);
	if (!link)
		return MNL_CB_OK;
	place = address.ip.family == WR_IPV4 ? &link->v4 : &link->v6;
	if (place->family == WR_FAMILY_NONE)
		*place = address.ip;
	return MNL_CB_OK;
}

/* --- All of it. --- */

static int look_once(struct mnl_socket *socket, void *context)
{
	struct look *look = context;
	int status;

	look->count = 0;
	memset(look->links, 0, sizeof(look->links));
	status = wr_rtnl_dump(socket, RTM_GETLINK, AF_UNSPEC, take_link, look);
	if (!status)
		status = wr_rtnl_dump(socket, RTM_GETADDR, AF_UNSPEC, take_address, look);
	return status;
}

static int by_index(const void *a, const void *b)
{
	const struct wr_multicast_link *first = a, *second = b;

	return (first->index > second->index) - (first->index < second->index);
}

int wr_multicast_links(const char *alias, const char *skip,
		       struct wr_multicast_link ret[WR_MULTICAST_LINKS])
{
	struct look look = { .alias = alias, .skip = skip };
	int status = wr_rtnl_look(look_once, &look), count = 0;

	if (status)
		return status;
	for (size_t i = 0; i < look.count; i++) {
		if (look.links[i].v4.family || look.links[i].v6.family)
			ret[count++] = look.links[i];
	}
	qsort(ret, (size_t)count, sizeof(ret[0]), by_index);
	return count;
}
