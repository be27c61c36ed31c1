/* Addresses and routes of the host, and how those of one interface are changed: each by itself,
 * so that what is right already is not touched.
 *
 * Floor 4.  Any thread, in the network namespace that it is in. The calls wait for the kernel's
 * rtnl lock.  Source: rtnetlink(7). */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* The protocol number that marks routes as ours (rt_protos of iproute2 has no name for it):
 * others' are neither removed nor replaced. */
#define WR_NETWORK_PROTOCOL 87
/* Of a host; more are not seen. */
#define WR_NETWORK_ADDRESSES 4096
#define WR_NETWORK_ROUTES 65536

struct wr_network_address {
	uint32_t link;
	struct wr_ip ip;
	uint8_t length; /* of the range that it says is on the link */
};

struct wr_network_route {
	struct wr_prefix to;
	struct wr_ip source; /* family none: the kernel's choice */
};

/* What is seen. */
struct wr_network {
	struct wr_network_address *addresses; /* of all interfaces */
	size_t address_count;
	struct wr_network_route *routes; /* ours, through one interface, in the main table */
	size_t route_count;
};

/* 0 or a negative errno. */
int wr_network_look(uint32_t index, struct wr_network *ret_network) WR_MUST_CHECK;
void wr_network_done(struct wr_network *network);

/* What is changed, over one socket. */
struct wr_network_changes;
/* 0 or a negative errno. */
int wr_network_open(uint32_t index, struct wr_network_changes **ret_changes) WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_network_changes *wr_network_close(struct wr_network_changes *changes);
/* The address alone, as /32 or /128. 0 or a negative errno: -EACCES where the interface has no
 * IPv6. */
int wr_network_add_address(struct wr_network_changes *changes, const struct wr_ip *ip)
	WR_MUST_CHECK;
int wr_network_remove_address(struct wr_network_changes *changes, const struct wr_ip *ip,
			      uint8_t length);
/* Never a default route: -EINVAL. -EEXIST where somebody else's route to there is. */
int wr_network_add_route(struct wr_network_changes *changes, const struct wr_network_route *route)
	WR_MUST_CHECK;
int wr_network_remove_route(struct wr_network_changes *changes, const struct wr_prefix *to);

/* The interface that packets to the address leave by. 0, or a negative errno: -ENETUNREACH. */
int wr_network_way(const struct wr_ip *to, uint32_t *ret_link) WR_MUST_CHECK;
/* Tells each route of the main table that is no default route; `link` 0: by several. 0 or a
 * negative errno. */
int wr_network_routes(enum wr_family family,
		      void (*see)(void *context, const struct wr_prefix *to, uint32_t link),
		      void *context) WR_MUST_CHECK;
