/* What keeps a VXLAN inside of the tunnel: the kernel listens at all addresses of the host, and
 * sends wherever the routes lead. So a table of nftables drops what comes from elsewhere, or would
 * go elsewhere: a neighbour on the LAN, or a user of this host, puts no frame in and reads none.
 *
 * Floor 7.  One thread; runs nft, which takes some 10 ms.  Source: nft(8); RFC 7348, section 7. */
#pragma once

#include <net/if.h>

#include "base/base.h"

#define WR_L2_TABLE_LEN (IF_NAMESIZE + 16)

struct wr_l2_guard {
	char table[WR_L2_TABLE_LEN];
	char tunnel[IF_NAMESIZE];
	uint64_t fingerprint; /* of the table as it was made; 0: not made */
};

/* 0, or a negative errno with one line in `ret_why`: -ENOENT where there is no nft. */
int wr_l2_guard_open(struct wr_l2_guard *guard, const char *tunnel, char ret_why[200])
	WR_MUST_CHECK;
/* Makes the table again where somebody changed or removed it. 0 or a negative errno. */
int wr_l2_guard_keep(struct wr_l2_guard *guard) WR_MUST_CHECK;
/* Removes it, if it was made. */
void wr_l2_guard_close(struct wr_l2_guard *guard);
