#include "wg/spread.h"

#include <errno.h>
#include <stdlib.h>

#include "wg/attempt.h"
#include "wg/peer.h"

static bool are_same(const struct wr_spread *spread, const struct wr_endpoint *endpoints,
		     size_t count)
{
	if (!spread || spread->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!wr_endpoint_equal(&spread->endpoints[i], &endpoints[i]))
			return false;
	return true;
}

static struct wr_spread *make(const struct wr_endpoint *endpoints, size_t count)
{
	struct wr_spread *spread = malloc(sizeof(*spread) + count * sizeof(*endpoints));

	if (!spread)
		return NULL;
	spread->count = count;
	for (size_t i = 0; i < count; i++)
		spread->endpoints[i] = endpoints[i];
	return spread;
}

int wr_peer_set_spread(struct wr_peer *peer, const struct wr_endpoint *endpoints, size_t count)
{
	struct wr_spread *spread;

	assert(peer->managed);
	count = count < WR_SPREAD_MAX ? count : WR_SPREAD_MAX;
	if (are_same(peer->managed->spread, endpoints, count))
		return 0;
	spread = make(endpoints, count);
	if (!spread)
		return -ENOMEM;
	free(peer->managed->spread);
	peer->managed->spread = spread;
	/* Packets for a peer that is nowhere are not worth a handshake. */
	if (count && !wr_peer_has_endpoint(peer))
		wr_peer_set_endpoint(peer, &endpoints[0]);
	wr_attempt_hasten(peer);
	return 0;
}

const struct wr_spread *wr_spread_of(const struct wr_peer *peer, struct wr_instant now)
{
	return peer->managed && !wr_peer_session(peer, now) ? peer->managed->spread : NULL;
}

bool wr_spread_follow(struct wr_peer *peer, const struct wr_endpoint *from, struct wr_instant now)
{
	if (!wr_spread_of(peer, now))
		return false;
	wr_managed_note(peer->managed, now);
	wr_latch_write(&peer->endpoint, from);
	return true;
}
