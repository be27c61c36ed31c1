/* An Ethernet over the mesh, on request: a VXLAN interface whose forwarding table follows the
 * members. Broadcast and ARP go to each of them; what is learnt is the kernel's. It takes nothing
 * that did not come through the tunnel, and is no way for the tunnel itself (l2_guard.h). Inside it
 * members trust each other, as on a cable.
 *
 * Floor 7.  On one thread.  The interface is ours, and goes at the end, or with the tunnel.
 * Source: RFC 7348; docs/mesh.md, "Layer 2". */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_L2_PORT 4789
#define WR_L2_VNI 7
/* What says that an interface is ours, as the tunnel's does. */
#define WR_L2_ALIAS "warren"

struct wr_l2;

struct wr_l2_config {
	const char *name; /* of the new interface */
	uint32_t under;   /* index of the tunnel */
	uint32_t under_mtu;
	uint16_t port;    /* of the tunnel: nothing comes to it from inside of itself */
	struct wr_ip own; /* our IPv6 address in the mesh */
};

/* 0; or a negative errno with one line in `ret_why`: -EEXIST where the interface is another's,
 * -EOPNOTSUPP where the kernel has no VXLAN, -ENOENT where there is no nft(8). One that a crash
 * left behind is removed. */
int wr_l2_open(const struct wr_l2_config *config, struct wr_l2 **ret_l2, char ret_why[200])
	WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_l2 *wr_l2_close(struct wr_l2 *l2);
/* The members that have it: only what differs is changed, also what somebody else changed; call it
 * from time to time, too. 0 or a negative errno: -ENODEV where the interface is gone (with the
 * tunnel, or somebody removed it): close it and open it anew. */
int wr_l2_set_members(struct wr_l2 *l2, const struct wr_ip *members, size_t count) WR_MUST_CHECK;
uint32_t wr_l2_index(const struct wr_l2 *l2);
uint32_t wr_l2_mtu(const struct wr_l2 *l2);
