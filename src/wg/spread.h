/* Addresses that a managed peer may be at, while nobody knows at which it is: for as long as there
 * is no session, an initiation goes to all of them at once, the very same to each. The peer
 * answers the first that comes, and drops the rest as replays. Where the answer comes from (or
 * where the peer's own initiation does) is where its traffic goes then: a dead address costs
 * nothing but the datagram.
 *
 * Floor 3.  The port's thread; hangs from the peer.  Source: docs/architecture.md, "Paths". */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_SPREAD_MAX 8

struct wr_peer;

/* Immutable; replaced whole. */
struct wr_spread {
	size_t count;
	struct wr_endpoint endpoints[];
};

/* For a managed peer, from now on: these, instead of those before. Of none its endpoint follows the
 * first answer all the same; of more than WR_SPREAD_MAX the first count. If an initiation waits for
 * an answer, another goes soon. 0 or -ENOMEM. */
int wr_peer_set_spread(struct wr_peer *peer, const struct wr_endpoint *endpoints, size_t count)
	WR_MUST_CHECK;
/* Where an initiation is to go beside the peer's endpoint; NULL: nowhere. */
const struct wr_spread *wr_spread_of(const struct wr_peer *peer, struct wr_instant now);
/* The peer answered from there, or asks from there: true if its traffic goes there from now on,
 * which is to be told. */
bool wr_spread_follow(struct wr_peer *peer, const struct wr_endpoint *from, struct wr_instant now);
