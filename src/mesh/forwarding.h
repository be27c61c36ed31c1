/* Where this machine is the router for others (subnet routes): forwarding between the tunnel and
 * the networks behind it, and masquerading of what goes there. Only what was allowed; only what was
 * off is turned on; put back when it is needed no more, and at the end.
 *
 * Forwarding is a setting of each interface by itself (net.ipv4.conf.IFACE.forwarding, of IPv6
 * force_forwarding, Linux 6.17). The host's own switches (net.ipv4.ip_forward, and that of IPv6,
 * which makes a host forget its default route) are not touched.
 *
 * Floor 7.  On the thread of its loop.  Source: linux/Documentation/networking/ip-sysctl.rst;
 * nft(8). */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/mend.h"
#include "mesh/netmap.h"

struct wr_forwarding_config {
	const char *interface;
	bool may_forward, masquerade;
};

struct wr_forwarding;

/* 0 or a negative errno. */
int wr_forwarding_new(uv_loop_t *loop, const struct wr_forwarding_config *config,
		      struct wr_forwarding **ret_forwarding) WR_MUST_CHECK;
/* Puts everything back. Runs the loop meanwhile, so not from a callback. NULL is fine; returns
 * NULL. */
struct wr_forwarding *wr_forwarding_free(struct wr_forwarding *forwarding);
/* The map is not kept. */
void wr_forwarding_set_map(struct wr_forwarding *forwarding, const struct wr_netmap *map);
/* Makes it so. */
enum wr_mend wr_forwarding_run(struct wr_forwarding *forwarding);
/* What is not so, and what to do; "" if all is. */
const char *wr_forwarding_trouble(const struct wr_forwarding *forwarding);
