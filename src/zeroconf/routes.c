/* Routes that several members offer: the same one is everybody's router, so that the others stand
 * in for it when it goes. */
#include <stdlib.h>
#include <string.h>

#include "mesh/prefixes.h"
#include "zeroconf/inside.h"

struct offer {
	const struct wr_prefix *route;
	struct wr_netmap_peer *peer;
};

/* By route, then by member. */
static int compare(const void *a, const void *b)
{
	const struct offer *one = a, *other = b;
	int order = wr_prefix_compare(one->route, other->route);

	return order ? order : strcmp(one->peer->uid, other->peer->uid);
}

/* None is the mesh itself, nor everything. */
static bool is_good(const struct wr_netmap *map, const struct wr_prefix *route)
{
	return route->length && !wr_prefix_overlaps(route, &map->range4) &&
	       !wr_prefix_overlaps(route, &map->range6);
}

static size_t gather(const struct wr_netmap *map, struct offer *offers)
{
	size_t count = 0;

	for (size_t i = 0; i < map->peer_count; i++)
		for (size_t j = 0; j < map->peers[i]->route_count; j++)
			if (is_good(map, &map->peers[i]->routes[j]))
				offers[count++] = (struct offer){ &map->peers[i]->routes[j],
								  map->peers[i] };
	return count;
}

/* All routes are in `offers`, sorted; those of the map are made anew from them. */
static void hand_out(struct wr_netmap *map, const struct offer *offers, size_t count,
		     struct wr_prefix *copies)
{
	for (size_t i = 0; i < count; i++)
		copies[i] = *offers[i].route;
	for (size_t i = 0; i < map->peer_count; i++)
		map->peers[i]->route_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct wr_netmap_peer *peer = offers[i].peer;

		if (i == 0 || !wr_prefix_equal(&copies[i], &copies[i - 1]))
			peer->routes[peer->route_count++] = copies[i];
	}
}

bool zc_settle_routes(struct wr_netmap *map)
{
	struct wr_prefix *copies;
	struct offer *offers;
	size_t room = 0, count;
	bool is_short;

	for (size_t i = 0; i < map->peer_count; i++)
		room += map->peers[i]->route_count;
	if (!room)
		return true;
	offers = calloc(room, sizeof(*offers));
	copies = calloc(room, sizeof(*copies));
	is_short = !offers || !copies;
	if (!is_short) {
		count = gather(map, offers);
		if (count)
			qsort(offers, count, sizeof(*offers), compare);
		hand_out(map, offers, count, copies);
	}
	free(copies);
	free(offers);
	return !is_short;
}
