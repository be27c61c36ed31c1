#include "mesh/netmap.h"

#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"

/* --- Life. --- */

void wr_netmap_peer_release(struct wr_netmap_peer *peer)
{
	if (!peer)
		return;
	if (peer->sharers) {
		peer->sharers--;
		return;
	}
	free(peer->routes);
	free(peer->marks);
	free(peer->candidates);
	free(peer);
}

struct wr_netmap *wr_netmap_free(struct wr_netmap *map)
{
	if (!map)
		return NULL;
	for (size_t i = 0; i < map->peer_count; i++)
		wr_netmap_peer_release(map->peers[i]);
	free(map->peers);
	free(map->by_key);
	free(map->by_name);
	free(map->records);
	free(map->routes);
	free(map->policy);
	free(map);
	return NULL;
}

/* --- Finding. --- */

typedef int (*order)(const void *a, const void *b);

static const struct wr_netmap_peer *peer_at(const void *place)
{
	return *(struct wr_netmap_peer *const *)place;
}

static int by_uid(const void *a, const void *b)
{
	return strcmp(peer_at(a)->uid, peer_at(b)->uid);
}

/* Public keys: no secret is compared. */
static int by_key(const void *a, const void *b)
{
	return memcmp(peer_at(a)->public_key.bytes, peer_at(b)->public_key.bytes, WR_KEY_LEN);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(peer_at(a)->name, peer_at(b)->name);
}

static struct wr_netmap_peer **sorted(const struct wr_netmap *map, order compare)
{
	struct wr_netmap_peer **peers = calloc(map->peer_count + 1,
					       sizeof(struct wr_netmap_peer *));

	if (!peers || !map->peer_count)
		return peers;
	memcpy(peers, map->peers, map->peer_count * sizeof(struct wr_netmap_peer *));
	qsort(peers, map->peer_count, sizeof(struct wr_netmap_peer *), compare);
	return peers;
}

static void sort(struct wr_netmap *map)
{
	if (map->peer_count)
		qsort(map->peers, map->peer_count, sizeof(struct wr_netmap_peer *), by_uid);
}

void wr_netmap_share(const struct wr_netmap *from, struct wr_netmap *map)
{
	size_t at = 0;

	sort(map);
	for (size_t i = 0; i < map->peer_count; i++) {
		while (at < from->peer_count && by_uid(&from->peers[at], &map->peers[i]) < 0)
			at++;
		if (at == from->peer_count || !wr_netmap_peer_equal(from->peers[at], map->peers[i]))
			continue;
		wr_netmap_peer_release(map->peers[i]);
		map->peers[i] = from->peers[at];
		map->peers[i]->sharers++;
	}
}

bool wr_netmap_index(struct wr_netmap *map)
{
	sort(map);
	free(map->by_key);
	free(map->by_name);
	map->by_key = sorted(map, by_key);
	map->by_name = sorted(map, by_name);
	return map->by_key && map->by_name;
}

/* In a list that is sorted so, or may not be. */
static const struct wr_netmap_peer *find(struct wr_netmap_peer *const *peers, size_t count,
					 const struct wr_netmap_peer *like, order compare,
					 bool is_sorted)
{
	if (is_sorted && count) {
		const void *found = bsearch(&like, peers, count, sizeof(*peers), compare);

		return found ? peer_at(found) : NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (compare(&peers[i], &like) == 0)
			return peers[i];
	}
	return NULL;
}

const struct wr_netmap_peer *wr_netmap_find(const struct wr_netmap *map, const char *uid)
{
	struct wr_netmap_peer like = { 0 };

	if (strlen(uid) > WR_NETMAP_UID_LEN)
		return NULL;
	strcpy(like.uid, uid);
	return find(map->peers, map->peer_count, &like, by_uid, map->by_key != NULL);
}

const struct wr_netmap_peer *wr_netmap_find_key(const struct wr_netmap *map,
						const struct wr_key *public_key)
{
	struct wr_netmap_peer like = { .public_key = *public_key };

	return find(map->by_key ? map->by_key : map->peers, map->peer_count, &like, by_key,
		    map->by_key != NULL);
}

const struct wr_netmap_peer *wr_netmap_find_name(const struct wr_netmap *map, const char *name)
{
	struct wr_netmap_peer like = { 0 };

	if (strlen(name) > WR_NETMAP_NAME_LEN)
		return NULL;
	strcpy(like.name, name);
	return find(map->by_name ? map->by_name : map->peers, map->peer_count, &like, by_name,
		    map->by_name != NULL);
}

/* --- Comparing. --- */

static bool equal_prefixes(const struct wr_prefix *a, size_t a_count, const struct wr_prefix *b,
			   size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (!wr_prefix_equal(&a[i], &b[i]))
			return false;
	}
	return true;
}

static bool equal_candidates(const struct wr_netmap_peer *a, const struct wr_netmap_peer *b)
{
	if (a->candidate_count != b->candidate_count)
		return false;
	for (size_t i = 0; i < a->candidate_count; i++) {
		if (a->candidates[i].kind != b->candidates[i].kind ||
		    !wr_endpoint_equal_remote(&a->candidates[i].endpoint,
					      &b->candidates[i].endpoint))
			return false;
	}
	return true;
}

static bool equal_marks(const struct wr_netmap_peer *a, const struct wr_netmap_peer *b)
{
	return a->mark_count == b->mark_count &&
	       (a->mark_count == 0 ||
		memcmp(a->marks, b->marks, a->mark_count * sizeof(*a->marks)) == 0);
}

bool wr_netmap_peer_equal(const struct wr_netmap_peer *a, const struct wr_netmap_peer *b)
{
	if (a == b)
		return true;
	return strcmp(a->uid, b->uid) == 0 && strcmp(a->name, b->name) == 0 && a->way == b->way &&
	       a->is_online == b->is_online && wr_key_equal(&a->public_key, &b->public_key) &&
	       wr_ip_equal(&a->v4, &b->v4) && wr_ip_equal(&a->v6, &b->v6) && equal_marks(a, b) &&
	       equal_prefixes(a->routes, a->route_count, b->routes, b->route_count) &&
	       equal_candidates(a, b);
}
