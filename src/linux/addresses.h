/* Addresses of this host where others may reach it, which way out is the default one, and a word
 * when that changes. Reads the kernel only.
 *
 * Floor 4.  Any thread, in the network namespace that it is in.
 * Source: rtnetlink(7); RFC 4862 (tentative, deprecated), RFC 8981 (temporary). */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* More than a host that is no router has. */
#define WR_ADDRESSES_MAX 32

struct wr_host_address {
	struct wr_ip ip;
	uint32_t interface;
	bool is_global;  /* routed on the Internet: neither private, shared (RFC 6598) nor local */
	bool is_default; /* its interface has a default route */
};

/* Addresses of interfaces that are up and have a carrier; those of default routes first, those of
 * bridges last. Not of loopback, tunnels (TUN, TAP, WireGuard: a tunnel in a tunnel), what lies
 * over them (a VXLAN), and of the interfaces in `skip` (indexes); no link-local, and no IPv6 ones
 * that are tentative, failed or deprecated. Returns how many there are in `ret`, or a negative
 * errno. */
int wr_addresses_list(const uint32_t *skip, size_t skip_count,
		      struct wr_host_address ret[WR_ADDRESSES_MAX]) WR_MUST_CHECK;
/* True for addresses that the Internet routes. */
bool wr_address_is_global(const struct wr_ip *ip);

struct wr_gateway {
	struct wr_ip ip;    /* of the router */
	struct wr_ip local; /* ours, on its network */
	uint32_t interface;
};

/* The default route of the family with the lowest metric, in the main table. 0, -ENETUNREACH
 * where there is none, or a negative errno. */
int wr_addresses_gateway(enum wr_family family, struct wr_gateway *ret_gateway) WR_MUST_CHECK;

/* A socket that becomes readable when addresses, links or default routes change. 0 or a negative
 * errno. */
int wr_addresses_watch(int *ret_fd) WR_MUST_CHECK;
/* Takes what waits there, without blocking: true if something changed that may matter (a message
 * that was lost counts). Of interface `skip` nothing matters; 0: none. */
bool wr_addresses_changed(int fd, uint32_t skip);
