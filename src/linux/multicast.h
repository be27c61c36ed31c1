/* Multicast on the networks that this host is on: which interfaces have any, and sockets that hear
 * and send on one of them.
 *
 * Floor 4.  Any thread, in the network namespace that it is in.
 * Source: ip(7), ipv6(7), rtnetlink(7); RFC 1112, RFC 4291. */
#pragma once

#include <net/if.h>

#include "base/base.h"
#include "base/ip.h"

/* More than a host has that is no router; of more, those that were made last are left out. */
#define WR_MULTICAST_LINKS 64

/* Family none: it cannot do multicast of that family now. */
struct wr_multicast_link {
	uint32_t index;
	struct wr_ip v4; /* its first address */
	struct wr_ip v6; /* its first link-local address; no tentative one */
};

/* Interfaces on which neighbours may be met: up with a carrier, with multicast and an address. Not
 * loopback, not what has one other end only (PPP, tunnels), not what has no link layer (WireGuard,
 * TUN) or lies over such a one (a VXLAN), not ports of bridges and bonds (these themselves are),
 * not the one named `skip` (may be NULL). Returns how many there are in `ret`, by index, or a
 * negative errno. */
int wr_multicast_links(const char *skip, struct wr_multicast_link ret[WR_MULTICAST_LINKS])
	WR_MUST_CHECK;

/* A socket that hears what is sent to the group (address and port) on interface `group->interface`,
 * and nothing else; what is sent with it goes no further than one network, and is heard on this
 * host, too. Several programs may have one for the same group. Non-blocking, close-on-exec;
 * for wr_udp_receive(). 0, or a negative errno: -EADDRINUSE where a program has the port that does
 * not share it, -ENODEV. */
int wr_multicast_open(const struct wr_endpoint *group, int *ret_fd) WR_MUST_CHECK;
/* 0 or a negative errno. */
int wr_multicast_send(int fd, const struct wr_endpoint *group, struct wr_bytes datagram);
