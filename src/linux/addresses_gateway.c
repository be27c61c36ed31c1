/* The way out. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/addresses.h"
#include "linux/rtnl_read.h"

struct search {
	uint8_t family;
	struct wr_default_route best;
	bool has_best;
	struct wr_gateway *gateway;
};

static int take_best(const struct nlmsghdr *message, void *data)
{
	struct search *search = data;
	struct wr_default_route route;

	if (wr_rtnl_read_default(message, &route) && route.gateway.family &&
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
	struct wr_read_address address;

	if (!search->gateway->local.family && wr_rtnl_read_address(message, &address) &&
	    address.interface == search->best.interface &&
	    is_same_net(&address.ip, &search->best.gateway, address.length))
		search->gateway->local = address.ip;
	return MNL_CB_OK;
}

static int search_once(struct mnl_socket *socket, void *context)
{
	struct search *search = context;
	int status;

	search->has_best = false;
	status = wr_rtnl_dump(socket, RTM_GETROUTE, search->family, take_best, search);
	if (status)
		return status;
	if (!search->has_best)
		return -ENETUNREACH;
	*search->gateway = (struct wr_gateway){ .ip = search->best.gateway,
						.local = search->best.source,
						.interface = search->best.interface };
	return wr_rtnl_dump(socket, RTM_GETADDR, search->family, take_local, search);
}

int wr_addresses_gateway(enum wr_family family, struct wr_gateway *ret_gateway)
{
	struct wr_gateway gateway = { 0 };
	struct search search = { .family = family == WR_IPV4 ? AF_INET : AF_INET6,
				 .gateway = &gateway };
	int status = wr_rtnl_look(search_once, &search);

	if (status)
		return status;
	*ret_gateway = gateway;
	return 0;
}
