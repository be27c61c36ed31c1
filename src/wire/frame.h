/* Gossip's frames: what one datagram in the tunnel between two members says.
 *
 * Floor 2.  No state.  Source: docs/mesh.md, "Frames". */
#pragma once

#include "base/base.h"
#include "wire/item.h"

/* Within the least MTU of IPv6, of which WireGuard takes its part. */
#define WR_FRAME_MAX_LEN 1200
#define WR_FRAME_FIRST 'G'
/* Inside the tunnel: gossip and the door. */
#define WR_GOSSIP_PORT 51818
