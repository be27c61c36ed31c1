#include "mesh/reconcile_want.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/prefixes.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

/* --- Allowed-ips. --- */

/* Prefixes that are written one after the other, or only counted. */
struct prefix_list {
	struct wr_prefix *items; /* NULL: counted */
	size_t count;
};

static void put(struct prefix_list *list, const struct wr_prefix *prefix)
{
	if (prefix->ip.family == WR_FAMILY_NONE)
		return;
	if (list->items)
		list->items[list->count] = *prefix;
	list->count++;
}

static void put_ip(struct prefix_list *list, const struct wr_ip *ip)
{
	struct wr_prefix prefix = wr_prefix_of(ip);

	put(list, &prefix);
}

static void put_routes(struct prefix_list *list, const struct wr_netmap_peer *peer)
{
	for (size_t i = 0; i < peer->route_count; i++)
		put(list, &peer->routes[i]);
}

/* Through the hub: its own address, machines without a tunnel of their own, and what is behind
 * them. The longest prefix lets the others have theirs. */
static void put_hub(struct prefix_list *list, const struct wr_netmap *map, bool accepts_routes)
{
	put(list, &map->range4);
	put(list, &map->range6);
	for (size_t i = 0; accepts_routes && i < map->peer_count; i++) {
		if (map->peers[i]->way == WR_WAY_HUB)
			put_routes(list, map->peers[i]);
	}
}

static void put_allowed(struct prefix_list *list, const struct wr_netmap *map,
			const struct wr_netmap_peer *peer, bool accepts_routes)
{
	if (!peer) {
		put_hub(list, map, accepts_routes);
		return;
	}
	put_ip(list, &peer->v4);
	put_ip(list, &peer->v6);
	if (accepts_routes)
		put_routes(list, peer);
}

int wr_netmap_allowed(const struct wr_netmap *map, const struct wr_netmap_peer *peer,
		      bool accepts_routes, struct wr_prefix **ret_allowed, size_t *ret_count)
{
	struct prefix_list list = { 0 };

	put_allowed(&list, map, peer, accepts_routes);
	list.items = calloc(list.count + 1, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	list.count = 0;
	put_allowed(&list, map, peer, accepts_routes);
	*ret_count = wr_prefix_sort(list.items, list.count);
	*ret_allowed = list.items;
	return 0;
}

/* --- Peers. --- */

static bool has_hub(const struct wr_netmap *map)
{
	return !wr_key_is_zero(&map->hub_key);
}

static size_t count_prefixes(const struct wr_netmap *map, bool accepts_routes)
{
	struct prefix_list list = { 0 };

	if (has_hub(map))
		put_allowed(&list, map, NULL, accepts_routes);
	for (size_t i = 0; i < map->peer_count; i++) {
		if (map->peers[i]->way != WR_WAY_HUB)
			put_allowed(&list, map, map->peers[i], accepts_routes);
	}
	return list.count;
}

static void add_peer(struct wr_want *want, const struct wr_netmap *map,
		     const struct wr_netmap_peer *peer, bool accepts_routes, size_t *at)
{
	struct wr_want_peer *made = &want->peers[want->peer_count++];
	struct prefix_list list = { .items = want->prefixes + *at };

	put_allowed(&list, map, peer, accepts_routes);
	made->public_key = peer ? peer->public_key : map->hub_key;
	made->allowed = list.items;
	made->allowed_count = wr_prefix_sort(list.items, list.count);
	made->sum = wr_backend_allowed_sum(made->allowed, made->allowed_count);
	*at += list.count;
}

static int compare_peers(const void *a, const void *b)
{
	return memcmp(((const struct wr_want_peer *)a)->public_key.bytes,
		      ((const struct wr_want_peer *)b)->public_key.bytes, WR_KEY_LEN);
}

static bool make_peers(struct wr_want *want, const struct wr_netmap *map, bool accepts_routes,
		       uint16_t keepalive)
{
	size_t at = 0;

	want->peers = calloc(map->peer_count + 1, sizeof(*want->peers));
	want->prefixes = calloc(count_prefixes(map, accepts_routes) + 1, sizeof(*want->prefixes));
	if (!want->peers || !want->prefixes)
		return false;
	if (has_hub(map)) {
		add_peer(want, map, NULL, accepts_routes, &at);
		want->peers[0].keepalive = keepalive;
	}
	for (size_t i = 0; i < map->peer_count; i++) {
		if (map->peers[i]->way != WR_WAY_HUB)
			add_peer(want, map, map->peers[i], accepts_routes, &at);
	}
	qsort(want->peers, want->peer_count, sizeof(*want->peers), compare_peers);
	return true;
}

struct wr_want_peer *wr_want_find(const struct wr_want *want, const struct wr_key *public_key)
{
	const struct wr_want_peer like = { .public_key = *public_key };

	if (!want->peer_count)
		return NULL;
	return bsearch(&like, want->peers, want->peer_count, sizeof(*want->peers), compare_peers);
}

/* --- Addresses and routes. --- */

static void make_addresses(struct wr_want *want, const struct wr_netmap *map)
{
	if (map->v4.family != WR_FAMILY_NONE)
		want->addresses[want->address_count++] = map->v4;
	if (map->v6.family != WR_FAMILY_NONE)
		want->addresses[want->address_count++] = map->v6;
}

static bool has_family(const struct wr_want *want, enum wr_family family)
{
	for (size_t i = 0; i < want->address_count; i++) {
		if (want->addresses[i].family == family)
			return true;
	}
	return false;
}

/* We are its router too, and stand by, or are about to take over: we have a way of our own. */
static bool is_ours(const struct wr_netmap *map, const struct wr_prefix *route)
{
	for (size_t i = 0; i < map->route_count; i++) {
		if (wr_prefix_holds(&map->routes[i], route))
			return true;
	}
	return false;
}

/* What we have no address for would leave from somebody else's. */
static void add_route(struct wr_want *want, const struct wr_prefix *to, bool is_range)
{
	if (has_family(want, to->ip.family))
		want->routes[want->route_count++] = (struct wr_want_route){ *to, is_range };
}

static void add_peer_routes(struct wr_want *want, const struct wr_netmap *map,
			    const struct wr_netmap_peer *peer)
{
	for (size_t i = 0; i < peer->route_count; i++) {
		if (!is_ours(map, &peer->routes[i]))
			add_route(want, &peer->routes[i], false);
	}
}

static int compare_routes(const void *a, const void *b)
{
	return wr_prefix_compare(&((const struct wr_want_route *)a)->to,
				 &((const struct wr_want_route *)b)->to);
}

static bool make_routes(struct wr_want *want, const struct wr_netmap *map, bool accepts_routes)
{
	size_t room = 2;

	for (size_t i = 0; accepts_routes && i < map->peer_count; i++)
		room += map->peers[i]->route_count;
	want->routes = calloc(room, sizeof(*want->routes));
	if (!want->routes)
		return false;
	add_route(want, &map->range4, true);
	add_route(want, &map->range6, true);
	for (size_t i = 0; accepts_routes && i < map->peer_count; i++)
		add_peer_routes(want, map, map->peers[i]);
	qsort(want->routes, want->route_count, sizeof(*want->routes), compare_routes);
	return true;
}

bool wr_want_make(const struct wr_netmap *map, bool accepts_routes, uint16_t keepalive,
		  struct wr_want *ret_want)
{
	struct wr_want want = { 0 };

	make_addresses(&want, map);
	if (!make_peers(&want, map, accepts_routes, keepalive) ||
	    !make_routes(&want, map, accepts_routes)) {
		wr_want_done(&want);
		return false;
	}
	*ret_want = want;
	return true;
}

void wr_want_done(struct wr_want *want)
{
	free(want->peers);
	free(want->prefixes);
	free(want->routes);
	*want = (struct wr_want){ 0 };
}
