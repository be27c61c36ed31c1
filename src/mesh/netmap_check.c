/* What has to hold between the parts of a map. */
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"

/* --- Self and the hub. --- */

static bool is_in_range(const struct wr_netmap *map, const struct wr_ip *ip)
{
	return ip->family == WR_FAMILY_NONE || wr_prefix_holds_ip(&map->range4, ip) ||
	       wr_prefix_holds_ip(&map->range6, ip);
}

static void check_own(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	if (!is_in_range(map, &map->v4) || !is_in_range(map, &map->v6))
		wr_netmap_fault(reader, "self.addresses", "has one that is in no range");
	if (!is_in_range(map, &map->hub_v4) || !is_in_range(map, &map->hub_v6))
		wr_netmap_fault(reader, "hub.addresses", "has one that is in no range");
	if (wr_key_equal(&map->hub_key, &map->public_key))
		wr_netmap_fault(reader, "hub.public_key", "is our own");
}

/* What goes to the hub would have to go through the hub. */
static void check_hub_reach(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(map->hub_endpoints); i++) {
		const struct wr_ip *ip = &map->hub_endpoints[i].ip;

		if (wr_prefix_holds_ip(&map->range4, ip) || wr_prefix_holds_ip(&map->range6, ip))
			wr_netmap_fault(reader, "network.ranges",
					"has one that the hub's endpoint is in");
	}
}

/* --- Peers: sorted, so that what is there twice stands side by side. --- */

static void check_uids(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	for (size_t i = 1; i < map->peer_count; i++) {
		if (strcmp(map->peers[i - 1]->uid, map->peers[i]->uid) == 0)
			wr_netmap_fault(reader, "peers", "%s is there twice", map->peers[i]->uid);
	}
	if (wr_netmap_find(map, map->uid))
		wr_netmap_fault(reader, "peers", "%s is ourselves", map->uid);
}

static void check_keys(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	const struct wr_netmap_peer *same;

	for (size_t i = 1; i < map->peer_count; i++) {
		if (wr_key_equal(&map->by_key[i - 1]->public_key, &map->by_key[i]->public_key))
			wr_netmap_fault(reader, "peers", "%s and %s have one key",
					map->by_key[i - 1]->uid, map->by_key[i]->uid);
	}
	same = wr_netmap_find_key(map, &map->public_key);
	if (same)
		wr_netmap_fault(reader, "peers", "%s has our own key", same->uid);
	same = wr_netmap_find_key(map, &map->hub_key);
	if (same)
		wr_netmap_fault(reader, "peers", "%s has the hub's key", same->uid);
}

static void check_names(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	const struct wr_netmap_peer *same = wr_netmap_find_name(map, map->name);

	for (size_t i = 1; i < map->peer_count; i++) {
		if (strcmp(map->by_name[i - 1]->name, map->by_name[i]->name) == 0)
			wr_netmap_fault(reader, "peers", "%s and %s have one name",
					map->by_name[i - 1]->uid, map->by_name[i]->uid);
	}
	if (same)
		wr_netmap_fault(reader, "peers", "%s has our own name", same->uid);
}

/* --- Addresses and routes: all of them in one list. --- */

struct claim {
	struct wr_prefix prefix;
	const char *owner;
};

struct claims {
	struct claim *items;
	size_t count;
};

static void claim_ip(struct claims *claims, const struct wr_ip *ip, const char *owner)
{
	if (ip->family != WR_FAMILY_NONE)
		claims->items[claims->count++] = (struct claim){ wr_prefix_of(ip), owner };
}

static void claim_routes(struct claims *claims, const struct wr_prefix *routes, size_t count,
			 const char *owner)
{
	for (size_t i = 0; i < count; i++)
		claims->items[claims->count++] = (struct claim){ routes[i], owner };
}

static int compare_claims(const void *a, const void *b)
{
	return wr_prefix_compare(&((const struct claim *)a)->prefix,
				 &((const struct claim *)b)->prefix);
}

static bool collect(struct claims *claims, const struct wr_netmap *map)
{
	size_t room = 4;

	for (size_t i = 0; i < map->peer_count; i++)
		room += 2 + map->peers[i]->route_count;
	claims->items = calloc(room, sizeof(*claims->items));
	if (!claims->items)
		return false;
	claim_ip(claims, &map->v4, "self");
	claim_ip(claims, &map->v6, "self");
	claim_ip(claims, &map->hub_v4, "hub");
	claim_ip(claims, &map->hub_v6, "hub");
	/* Not our own routes: another router may be in force for one of these, and we stand by. */
	for (size_t i = 0; i < map->peer_count; i++) {
		const struct wr_netmap_peer *peer = map->peers[i];

		claim_ip(claims, &peer->v4, peer->uid);
		claim_ip(claims, &peer->v6, peer->uid);
		claim_routes(claims, peer->routes, peer->route_count, peer->uid);
	}
	return true;
}

static void check_claims(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	struct claims claims = { 0 };

	if (!collect(&claims, map)) {
		wr_netmap_fault(reader, NULL, "memory is short");
		return;
	}
	qsort(claims.items, claims.count, sizeof(*claims.items), compare_claims);
	for (size_t i = 1; i < claims.count; i++) {
		const struct claim *a = &claims.items[i - 1], *b = &claims.items[i];

		if (wr_prefix_equal(&a->prefix, &b->prefix))
			wr_netmap_fault(reader, "peers", "%s and %s have one address or route",
					a->owner, b->owner);
	}
	free(claims.items);
}

static void check_routes(struct wr_netmap_reader *reader, const struct wr_netmap *map,
			 const struct wr_prefix *routes, size_t count, const char *owner)
{
	for (size_t i = 0; i < count; i++) {
		if (wr_prefix_holds(&map->range4, &routes[i]) ||
		    wr_prefix_holds(&map->range6, &routes[i]))
			wr_netmap_fault(reader, "routes",
					"%s has one that is within the network's own range", owner);
	}
}

static void check_peers(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	for (size_t i = 0; i < map->peer_count; i++) {
		const struct wr_netmap_peer *peer = map->peers[i];

		if (!is_in_range(map, &peer->v4) || !is_in_range(map, &peer->v6))
			wr_netmap_fault(reader, "peers", "%s has an address that is in no range",
					peer->uid);
		check_routes(reader, map, peer->routes, peer->route_count, peer->uid);
	}
}

void wr_netmap_check(struct wr_netmap_reader *reader, const struct wr_netmap *map)
{
	reader->place[0] = '\0';
	check_own(reader, map);
	check_hub_reach(reader, map);
	check_uids(reader, map);
	check_keys(reader, map);
	check_names(reader, map);
	check_routes(reader, map, map->routes, map->route_count, "self");
	check_peers(reader, map);
	check_claims(reader, map);
}
