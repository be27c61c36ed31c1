/* Interfaces that have neighbours. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/multicast.h"
#include "linux/overlays.h"
#include "linux/rtnl_read.h"

struct look {
	const char *skip;
	struct wr_overlays overlays;
	struct wr_multicast_link links[WR_MULTICAST_LINKS];
	size_t count;
};

/* --- Links. --- */

/* What it receives is its master's. */
static bool is_port(const struct wr_read_link *link)
{
	static const char *const kinds[] = { "bridge", "bond", "team", "openvswitch" };

	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++) {
		if (strcmp(link->port_kind, kinds[i]) == 0)
			return true;
	}
	return false;
}

static bool has_neighbours(const struct wr_read_link *link)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;

	return (link->flags & wanted) == wanted &&
	       !(link->flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) && link->type != ARPHRD_NONE &&
	       !is_port(link);
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct wr_read_link link;

	if (!wr_rtnl_read_link(message, &link))
		return MNL_CB_OK;
	wr_overlays_take(&look->overlays, &link);
	if (look->count < WR_MULTICAST_LINKS && has_neighbours(&link) &&
	    !(look->skip && strcmp(link.name, look->skip) == 0))
		look->links[look->count++].index = link.index;
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

	look->count = look->overlays.count = 0;
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

int wr_multicast_links(const char *skip, struct wr_multicast_link ret[WR_MULTICAST_LINKS])
{
	struct look look = { .skip = skip };
	int status = wr_rtnl_look(look_once, &look), count = 0;

	if (status)
		return status;
	wr_overlays_settle(&look.overlays);
	for (size_t i = 0; i < look.count; i++) {
		if ((look.links[i].v4.family || look.links[i].v6.family) &&
		    !wr_overlays_hold(&look.overlays, look.links[i].index))
			ret[count++] = look.links[i];
	}
	qsort(ret, (size_t)count, sizeof(ret[0]), by_index);
	return count;
}
