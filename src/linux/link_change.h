/* Makes, finds, changes and removes network interfaces, over rtnetlink.
 *
 * Floor 4.  Any thread, in the network namespace that it is in. The calls wait for the kernel's
 * rtnl lock.  Source: rtnetlink(7). */
#pragma once

#include <net/if.h>

#include "base/base.h"

/* IFALIASZ, linux/if.h. */
#define WR_LINK_ALIAS_LEN 256

struct wr_link_sight {
	uint32_t index;
	char kind[32];                 /* "wireguard", "tun"; "" for what is no virtual device */
	char alias[WR_LINK_ALIAS_LEN]; /* "" if it has none */
	uint32_t mtu;
	bool is_up;
};

/* 0, or a negative errno: -ENODEV if there is no such interface. */
int wr_link_find(const char *name, struct wr_link_sight *ret_sight) WR_MUST_CHECK;
/* What went through it since it was made, as the host sees it: in a tunnel, whole IP packets.
 * Received is what came out of it. 0, or a negative errno: -ENODEV. */
struct wr_link_traffic {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
int wr_link_count(uint32_t index, struct wr_link_traffic *ret_traffic) WR_MUST_CHECK;
/* Makes an interface of a kind without settings of its own, down, with the alias. 0, or a negative
 * errno: -EEXIST where the name is taken, -EOPNOTSUPP where the kernel lacks the kind, -EPERM. */
int wr_link_create(const char *name, const char *kind, const char *alias, uint32_t mtu,
		   uint32_t *ret_index) WR_MUST_CHECK;
/* 0, or a negative errno: -ENODEV if it is gone. */
int wr_link_set_up(uint32_t index, bool is_up) WR_MUST_CHECK;
int wr_link_set_mtu(uint32_t index, uint32_t mtu) WR_MUST_CHECK;
int wr_link_set_alias(uint32_t index, const char *alias) WR_MUST_CHECK;
int wr_link_delete(uint32_t index);
