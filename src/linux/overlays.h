/* Interfaces that are tunnels, and what lies over tunnels (a VXLAN, a VLAN): no way for a tunnel,
 * which would go through itself there.
 *
 * Floor 4, for this folder only. Any thread.  Source: linux/if_link.h. */
#pragma once

#include "linux/rtnl_read.h"

/* More than a host has that is no router; of more, the last are not known. */
#define WR_OVERLAYS_LINKS 256

struct wr_overlays {
	struct wr_overlay {
		uint32_t index, under;
		bool is_inside; /* of a tunnel, or one itself */
	} links[WR_OVERLAYS_LINKS];
	size_t count;
};

/* All links, one after the other; to begin with, a host without any is zero. */
void wr_overlays_take(struct wr_overlays *overlays, const struct wr_read_link *link);
/* When all are taken. */
void wr_overlays_settle(struct wr_overlays *overlays);
bool wr_overlays_hold(const struct wr_overlays *overlays, uint32_t index);
