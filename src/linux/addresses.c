#include "linux/addresses.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/overlays.h"
#include "linux/rtnl_read.h"

#define LINKS_MAX WR_OVERLAYS_LINKS

enum standing {
	USELESS, /* down, loopback, a tunnel, over one, or skipped */
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
	struct wr_overlays overlays;
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

static enum standing standing_of(const struct wr_read_link *link)
{
	if (!(link->flags & IFF_UP) || !(link->flags & IFF_RUNNING) || link->flags & IFF_LOOPBACK ||
	    strcmp(link->kind, "tun") == 0)
		return USELESS;
	return strcmp(link->kind, "bridge") == 0 ? BRIDGE : PLAIN;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct wr_read_link link;

	if (!wr_rtnl_read_link(message, &link) || look->link_count == LINKS_MAX)
		return MNL_CB_OK;
	wr_overlays_take(&look->overlays, &link);
	look->links[look->link_count++] = (struct link){
		.index = link.index,
		.standing = is_skipped(look, link.index) ? USELESS : standing_of(&link),
	};
	return MNL_CB_OK;
}

static void sort_out_overlays(struct look *look)
{
	wr_overlays_settle(&look->overlays);
	for (size_t i = 0; i < look->link_count; i++) {
		if (wr_overlays_hold(&look->overlays, look->links[i].index))
			look->links[i].standing = USELESS;
	}
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

static int take_default(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct wr_default_route route;
	struct link *link = wr_rtnl_read_default(message, &route) ? find_link(look, route.interface)
								  : NULL;

	if (link && link->standing != USELESS)
		link->standing = DEFAULT;
	return MNL_CB_OK;
}

/* --- Addresses. --- */

static bool is_usable(const struct wr_read_address *address)
{
	return !is_link_local(&address->ip) &&
	       !(address->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED));
}

static int take_address(const struct nlmsghdr *message, void *data)
{
	struct look *look = data;
	struct wr_read_address address;
	const struct link *link;

	if (!wr_rtnl_read_address(message, &address) || !is_usable(&address) ||
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

static int look_once(struct mnl_socket *socket, void *context)
{
	struct look *look = context;
	int status;

	look->link_count = look->count = look->overlays.count = 0;
	status = wr_rtnl_dump(socket, RTM_GETLINK, AF_UNSPEC, take_link, look);
	sort_out_overlays(look);
	if (!status)
		status = wr_rtnl_dump(socket, RTM_GETROUTE, AF_INET, take_default, look);
	if (!status)
		status = wr_rtnl_dump(socket, RTM_GETROUTE, AF_INET6, take_default, look);
	if (!status)
		status = wr_rtnl_dump(socket, RTM_GETADDR, AF_UNSPEC, take_address, look);
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
	struct look look = { .skip = skip, .skip_count = skip_count };
	int status = wr_rtnl_look(look_once, &look);

	if (status)
		return status;
	/* glibc's is a stable sort of so few. */
	qsort(look.found, look.count, sizeof(look.found[0]), by_standing);
	for (size_t i = 0; i < look.count; i++)
		ret[i] = look.found[i].address;
	return (int)look.count;
}
