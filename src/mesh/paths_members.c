/* The members of the map that have a tunnel of their own, and their path machines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "mesh/paths_parts.h"

/* --- Finding. --- */

static uint64_t hash(const struct wr_paths *paths, const void *data, size_t len)
{
	return wr_siphash(&paths->secret, (struct wr_bytes){ data, len });
}

static uint64_t hash_ip(const struct wr_paths *paths, const struct wr_ip *ip)
{
	uint8_t data[17] = { (uint8_t)ip->family };

	memcpy(data + 1, ip->bytes, 16);
	return hash(paths, data, sizeof(data));
}

struct member *paths_find_uid(struct wr_paths *paths, const char *uid)
{
	struct member *member = wr_map_get(&paths->by_uid, hash(paths, uid, strlen(uid)));

	return member && strcmp(member->uid, uid) == 0 ? member : NULL;
}

struct member *paths_find_key(const struct wr_paths *paths, const struct wr_key *key)
{
	struct member *member = wr_map_get(&paths->by_key, hash(paths, key, sizeof(*key)));

	return member && wr_key_equal(&member->key, key) ? member : NULL;
}

struct member *paths_find_ip(struct wr_paths *paths, const struct wr_ip *ip)
{
	struct member *member = wr_map_get(&paths->by_ip, hash_ip(paths, ip));

	return member && (wr_ip_equal(&member->v4, ip) || wr_ip_equal(&member->v6, ip)) ? member
											: NULL;
}

struct member *paths_next(struct wr_paths *paths, size_t *at)
{
	return wr_map_next(&paths->by_uid, at);
}

static void index_ip(struct member *member, const struct wr_ip *ip, bool is_in)
{
	struct wr_paths *paths = member->paths;
	uint64_t key = hash_ip(paths, ip);

	if (ip->family == WR_FAMILY_NONE)
		return;
	if (is_in)
		(void)!wr_map_put(&paths->by_ip, key, member);
	else if (wr_map_get(&paths->by_ip, key) == member)
		wr_map_take(&paths->by_ip, key);
}

/* --- The path machine. --- */

bool paths_is_relay(const struct wr_paths *paths, const struct wr_endpoint *endpoint)
{
	if (wr_endpoint_equal_remote(endpoint, &paths->relay))
		return true;
	for (size_t i = 0; paths->map && i < 2; i++) {
		if (wr_endpoint_equal_remote(endpoint, &paths->map->hub_endpoints[i]))
			return true;
	}
	/* Datagrams of the channel come from this host. */
	return endpoint->ip.family == WR_IPV4 && endpoint->ip.bytes[0] == 127;
}

static bool is_in(const struct wr_prefix *prefix, const struct wr_ip *ip)
{
	if (prefix->ip.family != ip->family || ip->family == WR_FAMILY_NONE)
		return false;
	for (unsigned bit = 0; bit < prefix->length; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if ((prefix->ip.bytes[bit / 8] ^ ip->bytes[bit / 8]) & mask)
			return false;
	}
	return true;
}

bool paths_is_outside(const struct member *member, const struct wr_endpoint *endpoint)
{
	const struct wr_paths *paths = member->paths;
	const struct member *relay = paths_relay_there(paths, endpoint);

	if (relay && relay != member)
		return false;
	for (size_t i = 0; i < paths->inside_count; i++)
		if (is_in(&paths->inside[i], &endpoint->ip))
			return false;
	return !paths_is_relay(paths, endpoint);
}

static void give_candidates(struct member *member, const struct wr_netmap_peer *peer,
			    struct wr_instant now)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES];
	size_t count = 0;

	for (size_t i = 0; i < peer->candidate_count && i < WR_PATH_CANDIDATES; i++) {
		if (paths_is_outside(member, &peer->candidates[i].endpoint))
			candidates[count++] = peer->candidates[i];
	}
	wr_path_set_candidates(member->path, candidates, count, now);
}

static struct wr_path *make_path(const struct member *member, bool may_be_direct,
				 struct wr_instant now)
{
	const struct wr_paths *paths = member->paths;
	struct wr_path_config config = {
		.may_be_direct = may_be_direct,
		.can_probe = wr_backend_can_probe(paths->config.backend),
		.is_first = memcmp(&paths->map->public_key, &member->key, WR_KEY_LEN) < 0,
		.is_mesh = paths->is_mesh,
		.own = &paths->own,
	};
	struct wr_path *path;

	wr_random(&config.jitter_seed, sizeof(config.jitter_seed));
	path = wr_path_new(&config, now);
	if (path && paths->relay.ip.family != WR_FAMILY_NONE)
		wr_path_set_relay(path, &paths->relay, now);
	return path;
}

/* --- Coming and going. --- */

static void forget(struct member *member)
{
	struct wr_paths *paths = member->paths;

	pings_forget(paths, member, -ENOENT);
	paths_displace(member);
	wr_map_take(&paths->by_uid, hash(paths, member->uid, strlen(member->uid)));
	if (paths_find_key(paths, &member->key) == member)
		wr_map_take(&paths->by_key, hash(paths, &member->key, sizeof(member->key)));
	index_ip(member, &member->v4, false);
	index_ip(member, &member->v6, false);
	wr_heap_remove(&paths->due, &member->due);
	wr_path_free(member->path);
	free(member);
}

static struct member *add(struct wr_paths *paths, const struct wr_netmap_peer *peer,
			  struct wr_instant now)
{
	struct member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->paths = paths;
	memcpy(member->uid, peer->uid, sizeof(member->uid));
	member->key = peer->public_key;
	member->path = make_path(member, peer->way == WR_WAY_DIRECT, now);
	if (!member->path ||
	    !wr_map_put(&paths->by_uid, hash(paths, member->uid, strlen(member->uid)), member)) {
		wr_path_free(member->path);
		free(member);
		return NULL;
	}
	if (!wr_map_put(&paths->by_key, hash(paths, &member->key, sizeof(member->key)), member)) {
		forget(member);
		return NULL;
	}
	return member;
}

static void set_addresses(struct member *member, const struct wr_netmap_peer *peer)
{
	if (wr_ip_equal(&member->v4, &peer->v4) && wr_ip_equal(&member->v6, &peer->v6))
		return;
	index_ip(member, &member->v4, false);
	index_ip(member, &member->v6, false);
	member->v4 = peer->v4;
	member->v6 = peer->v6;
}

static void take_peer(struct wr_paths *paths, const struct wr_netmap_peer *peer,
		      struct wr_instant now)
{
	struct member *member = paths_find_uid(paths, peer->uid);

	if (member && !wr_key_equal(&member->key, &peer->public_key)) {
		forget(member);
		member = NULL;
	}
	if (!member)
		member = add(paths, peer, now);
	if (!member)
		return; /* memory is short: the next map tries again */
	member->is_seen = true;
	set_addresses(member, peer);
	wr_path_set_may_be_direct(member->path, peer->way == WR_WAY_DIRECT, now);
	give_candidates(member, peer, now);
	paths_wake(member);
}

static void forget_unseen(struct wr_paths *paths)
{
	struct member *member;
	size_t at = 0;

	while ((member = paths_next(paths, &at))) {
		if (member->is_seen)
			continue;
		forget(member);
		at = 0; /* the table has moved */
	}
}

/* False where memory is short. */
static bool list_inside(struct wr_paths *paths)
{
	const struct wr_netmap *map = paths->map;
	size_t count = 2, at = 2;
	struct wr_prefix *inside;

	for (size_t i = 0; i < map->peer_count; i++)
		count += map->peers[i]->route_count;
	inside = reallocarray(paths->inside, count, sizeof(*inside));
	if (!inside)
		return false;
	inside[0] = map->range4;
	inside[1] = map->range6;
	for (size_t i = 0; i < map->peer_count; i++) {
		const struct wr_netmap_peer *peer = map->peers[i];

		for (size_t j = 0; j < peer->route_count; j++)
			inside[at++] = peer->routes[j];
	}
	paths->inside = inside;
	paths->inside_count = count;
	return true;
}

void paths_take_map(struct wr_paths *paths)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	if (!list_inside(paths))
		return;
	paths->is_mesh = wr_key_is_zero(&paths->map->hub_key);
	while ((member = paths_next(paths, &at)))
		member->is_seen = false;
	for (size_t i = 0; i < paths->map->peer_count; i++) {
		if (paths->map->peers[i]->way != WR_WAY_HUB)
			take_peer(paths, paths->map->peers[i], now);
	}
	forget_unseen(paths);
	at = 0;
	/* After all: an address may have gone from one to another. */
	while ((member = paths_next(paths, &at))) {
		index_ip(member, &member->v4, true);
		index_ip(member, &member->v6, true);
	}
	paths_review_relays(paths, now);
}

void paths_restart(struct wr_paths *paths)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	while ((member = paths_next(paths, &at))) {
		const struct wr_netmap_peer *peer = wr_netmap_find(paths->map, member->uid);
		struct wr_path *path = peer ? make_path(member, peer->way == WR_WAY_DIRECT, now)
					    : NULL;

		if (!path)
			continue; /* memory is short: the old one goes on */
		wr_path_free(member->path);
		member->path = path;
		member->tx_bytes = member->rx_bytes = member->own_bytes = 0;
		member->spread = 0;
		member->shook = (struct wr_instant){ 0 };
		give_candidates(member, peer, now);
		paths_wake(member);
	}
	paths_review_relays(paths, now);
}

void paths_forget(struct wr_paths *paths)
{
	struct member *member;
	size_t at = 0;

	while ((member = paths_next(paths, &at))) {
		forget(member);
		at = 0;
	}
	wr_map_done(&paths->by_uid);
	wr_map_done(&paths->by_key);
	wr_map_done(&paths->by_ip);
	wr_map_done(&paths->by_place);
	wr_heap_done(&paths->due);
	free(paths->inside);
}
