/* What keeps a VXLAN inside of the tunnel: the kernel listens at all addresses of the host, and
 * sends wherever the routes lead. So a table of nftables drops what comes from elsewhere, or would
 * go elsewhere: a neighbour on the LAN, or a user of this host, puts no frame in and reads none.
 *
 * And what keeps the tunnel out of the VXLAN: a tunnel whose path led through the layer 2 that it
 * carries would send its packets to itself, for ever. So what would leave through it from the
 * tunnel's port is dropped, and what comes for that port, which makes no such path ever seem to be
 * one; also where the interface is in a bridge with the LAN, whose address is the host's.
 *
 * Floor 7.  One thread; runs nft, which takes some 10 ms.  Source: nft(8); RFC 7348, section 7. */
#pragma once

#include <net/if.h>

#include "base/base.h"

#define WR_L2_TABLE_LEN (IF_NAMESIZE + 16)

struct wr_l2_guard {
	char table[WR_L2_TABLE_LEN];
	char tunnel[IF_NAMESIZE], layer[IF_NAMESIZE];
	uint16_t port;
	/* Of the tables as they were made; 0: not made. */
	uint64_t fingerprint, bridge_fingerprint;
};

/* Of the interface `layer`, which need not be there yet, over `tunnel`, which listens at `port`.
 * 0, or a negative errno with one line in `ret_why`: -ENOENT where there is no nft. */
int wr_l2_guard_open(struct wr_l2_guard *guard, const char *tunnel, uint16_t port,
		     const char *layer, char ret_why[200]) WR_MUST_CHECK;
/* Makes the tables again where somebody changed or removed them. 0 or a negative errno. */
int wr_l2_guard_keep(struct wr_l2_guard *guard) WR_MUST_CHECK;
/* Removes them, if they were made. */
void wr_l2_guard_close(struct wr_l2_guard *guard);
