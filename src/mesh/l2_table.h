/* The forwarding table of a VXLAN between members: one default entry a member, for broadcast and
 * what is not known yet, beside what the kernel learns of members.
 *
 * Floor 7.  One thread.  Source: linux/vxlan.h. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "linux/vxlan.h"

/* Only what differs is changed: entries of others and what was learnt of who is no member go, too.
 * `own` is no member. 0 or the first negative errno; then the rest is done nevertheless. */
int wr_l2_table_set(struct wr_fdb *fdb, const struct wr_ip *own, const struct wr_ip *members,
		    size_t count) WR_MUST_CHECK;
