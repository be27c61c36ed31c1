#include "tunnel/kernel_peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 8

static int compare(const struct wr_kernel_peer *peer, const struct wr_key *public_key)
{
	return memcmp(peer->sight.public_key.bytes, public_key->bytes, sizeof(public_key->bytes));
}

/* Where it is, or would be. */
static size_t place_of(const struct wr_kernel_peers *peers, const struct wr_key *public_key)
{
	size_t low = 0, high = peers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(peers->places[middle], public_key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct wr_kernel_peer *wr_kernel_peers_find(const struct wr_kernel_peers *peers,
					    const struct wr_key *public_key)
{
	size_t place = place_of(peers, public_key);

	if (place == peers->count || compare(peers->places[place], public_key) != 0)
		return NULL;
	return peers->places[place];
}

static bool make_room(struct wr_kernel_peers *peers)
{
	size_t room = peers->room ? peers->room * 2 : FIRST_ROOM;
	struct wr_kernel_peer **places;

	if (peers->count < peers->room)
		return true;
	places = reallocarray(peers->places, room, sizeof(struct wr_kernel_peer *));
	if (!places)
		return false;
	peers->places = places;
	peers->room = room;
	return true;
}

struct wr_kernel_peer *wr_kernel_peers_add(struct wr_kernel_peers *peers,
					   const struct wr_key *public_key)
{
	struct wr_kernel_peer *peer = wr_kernel_peers_find(peers, public_key);
	size_t place = place_of(peers, public_key);

	if (peer || !make_room(peers))
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->sight.public_key = *public_key;
	memmove(&peers->places[place + 1], &peers->places[place],
		(peers->count - place) * sizeof(struct wr_kernel_peer *));
	peers->places[place] = peer;
	peers->count++;
	return peer;
}

static void free_wish(struct wr_kernel_wish *wish)
{
	if (wish)
		wr_wipe(&wish->preshared_key, sizeof(wish->preshared_key));
	free(wish);
}

static void free_peer(struct wr_kernel_peer *peer)
{
	free_wish(peer->wish);
	free(peer);
}

int wr_kernel_peer_set_wish(struct wr_kernel_peer *peer, const struct wr_backend_peer *wanted)
{
	size_t len = wanted->allowed_count * sizeof(*wanted->allowed);
	struct wr_kernel_wish *wish = malloc(sizeof(*wish) + len);

	if (!wish)
		return -ENOMEM;
	*wish = (struct wr_kernel_wish){ .preshared_key = wanted->preshared_key,
					 .keepalive = wanted->keepalive,
					 .allowed_count = wanted->allowed_count };
	if (len)
		memcpy(wish->allowed, wanted->allowed, len);
	free_wish(peer->wish);
	peer->wish = wish;
	return 0;
}

void wr_kernel_peers_remove(struct wr_kernel_peers *peers, const struct wr_key *public_key)
{
	size_t place = place_of(peers, public_key);

	if (!wr_kernel_peers_find(peers, public_key))
		return;
	free_peer(peers->places[place]);
	peers->count--;
	memmove(&peers->places[place], &peers->places[place + 1],
		(peers->count - place) * sizeof(struct wr_kernel_peer *));
}

void wr_kernel_peers_done(struct wr_kernel_peers *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		free_peer(peers->places[i]);
	free(peers->places);
	*peers = (struct wr_kernel_peers){ 0 };
}

void wr_kernel_peers_begin(struct wr_kernel_peers *peers)
{
	peers->generation++;
	if (!peers->generation) /* that means "none yet" */
		peers->generation = 1;
}

void wr_kernel_peers_end(struct wr_kernel_peers *peers)
{
	size_t kept = 0;

	for (size_t i = 0; i < peers->count; i++) {
		if (peers->places[i]->generation == peers->generation)
			peers->places[kept++] = peers->places[i];
		else
			free_peer(peers->places[i]);
	}
	peers->count = kept;
}

/* --- What has changed. --- */

/* The kernel takes another endpoint only from something authentic; unless it was set. What came
 * before it was set counts for where it came from, which is not known any more. */
static bool is_heard(const struct wr_kernel_peer *peer, const struct wr_wgnl_sight *sight,
		     bool has_shaken)
{
	if (sight->endpoint.ip.family == WR_FAMILY_NONE)
		return false;
	if (!wr_endpoint_equal_remote(&peer->sight.endpoint, &sight->endpoint))
		return true;
	if (peer->is_set)
		return false;
	return has_shaken || (peer->is_tried && sight->rx_bytes > peer->sight.rx_bytes);
}

static struct wr_kernel_change compare_with_last(const struct wr_kernel_peer *peer,
						 const struct wr_wgnl_sight *sight)
{
	const struct wr_backend_sight *last = &peer->sight;
	struct wr_kernel_change change = {
		.has_shaken = sight->latest_handshake.ns &&
			      sight->latest_handshake.ns != last->latest_handshake.ns,
		.bytes = sight->rx_bytes - last->rx_bytes + sight->tx_bytes - last->tx_bytes,
	};

	change.is_heard = is_heard(peer, sight, change.has_shaken);
	return change;
}

static void remember(struct wr_kernel_peer *peer, const struct wr_wgnl_sight *sight,
		     struct wr_instant now)
{
	struct wr_backend_sight *last = &peer->sight;

	if (sight->rx_bytes != last->rx_bytes)
		last->last_received = now;
	last->endpoint = sight->endpoint;
	last->latest_handshake = sight->latest_handshake;
	last->rx_bytes = sight->rx_bytes;
	last->tx_bytes = sight->tx_bytes;
	last->keepalive = sight->keepalive;
	last->preshared_sum = sight->preshared_sum;
	last->allowed_count = sight->allowed_count;
	last->allowed_sum = sight->allowed_sum;
}

struct wr_kernel_change wr_kernel_peer_see(struct wr_kernel_peers *peers,
					   struct wr_kernel_peer *peer,
					   const struct wr_wgnl_sight *sight, struct wr_instant now)
{
	struct wr_kernel_change change = { 0 };
	struct wr_wgnl_sight whole = *sight;

	whole.rx_bytes += peer->rx_before;
	whole.tx_bytes += peer->tx_before;
	peer->generation = peers->generation;
	if (sight->is_more) {
		peer->sight.allowed_count += sight->allowed_count;
		peer->sight.allowed_sum += sight->allowed_sum;
		return change;
	}
	change = compare_with_last(peer, &whole);
	peer->is_set = false;
	peer->is_tried &= !change.is_heard;
	remember(peer, &whole, now);
	return change;
}
