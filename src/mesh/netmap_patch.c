/* A map with a delta applied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"

/* All but the peers, as a copy. */
static struct wr_netmap *copy_head(const struct wr_netmap *map)
{
	struct wr_netmap *copy = malloc(sizeof(*copy));
	bool is_whole;

	if (!copy)
		return NULL;
	*copy = *map;
	copy->peers = copy->by_key = copy->by_name = NULL;
	copy->peer_count = 0;
	copy->policy = strdup(map->policy ? map->policy : "");
	copy->routes = calloc(map->route_count + 1, sizeof(*copy->routes));
	copy->records = calloc(map->record_count + 1, sizeof(*copy->records));
	is_whole = copy->policy && copy->routes && copy->records;
	if (is_whole && map->route_count)
		memcpy(copy->routes, map->routes, map->route_count * sizeof(*map->routes));
	if (is_whole && map->record_count)
		memcpy(copy->records, map->records, map->record_count * sizeof(*map->records));
	return is_whole ? copy : wr_netmap_free(copy);
}

/* --- Peers: what is not spoken of is shared. --- */

/* Uids that the delta speaks of, to be looked up: those of new peers, and those that are gone. */
static json_t *named_uids(struct wr_netmap_reader *reader, const struct wr_netmap *map,
			  const json_t *gone, const struct wr_netmap *from)
{
	json_t *uids = json_object();
	const json_t *item;
	size_t i;

	for (i = 0; i < map->peer_count; i++)
		(void)json_object_set_new(uids, map->peers[i]->uid, json_true());
	json_array_foreach(gone, i, item)
	{
		const char *uid = json_string_value(item);

		if (!uid || !wr_netmap_find(from, uid))
			wr_netmap_fault(reader, "gone", "names somebody who is not there");
		else if (json_object_get(uids, uid))
			wr_netmap_fault(reader, "gone", "names somebody twice");
		else
			(void)json_object_set_new(uids, uid, json_true());
	}
	return uids;
}

static void share_rest(const struct wr_netmap *from, const json_t *named, struct wr_netmap *map)
{
	for (size_t i = 0; i < from->peer_count; i++) {
		struct wr_netmap_peer *peer = from->peers[i];

		if (json_object_get(named, peer->uid))
			continue;
		peer->sharers++;
		map->peers[map->peer_count++] = peer;
	}
}

static void read_peers(struct wr_netmap_reader *reader, const struct wr_netmap *from,
		       const json_t *delta, struct wr_netmap *map)
{
	const json_t *changed, *gone;
	size_t count = wr_netmap_list(reader, delta, "peers", false, WR_NETMAP_PEERS, &changed);
	json_t *named;

	wr_netmap_list(reader, delta, "gone", false, WR_NETMAP_PEERS, &gone);
	if (reader->has_fault)
		return;
	map->peers = calloc(from->peer_count + count + 1, sizeof(struct wr_netmap_peer *));
	if (!map->peers) {
		wr_netmap_fault(reader, NULL, "memory is short");
		return;
	}
	wr_netmap_add_peers(reader, changed, map);
	named = named_uids(reader, map, gone, from);
	if (!named)
		wr_netmap_fault(reader, NULL, "memory is short");
	if (!reader->has_fault)
		share_rest(from, named, map);
	if (map->peer_count > WR_NETMAP_PEERS)
		wr_netmap_fault(reader, "peers", "has more than %d", WR_NETMAP_PEERS);
	json_decref(named);
}

/* --- The whole. --- */

static int check_from(struct wr_netmap_reader *reader, const struct wr_netmap *map,
		      const json_t *delta)
{
	const char *type = json_string_value(json_object_get(delta, "type"));
	const char *from = json_string_value(json_object_get(delta, "from"));

	if (!type || strcmp(type, "delta") != 0)
		wr_netmap_fault(reader, "type", "is not \"delta\"");
	else if (!from)
		wr_netmap_fault(reader, "from", "is no text");
	if (reader->has_fault)
		return -EINVAL;
	if (strcmp(from, map->version) == 0)
		return 0;
	wr_netmap_fault(reader, "from", "is another map than the one that is there");
	return -ESTALE;
}

struct wr_netmap *wr_netmap_patch(const struct wr_netmap *map, const json_t *delta, int *ret_error,
				  char ret_why[WR_NETMAP_WHY])
{
	struct wr_netmap_reader reader = { .why = ret_why };
	struct wr_netmap *patched;
	int error = check_from(&reader, map, delta);

	if (error) {
		*ret_error = error;
		return NULL;
	}
	patched = copy_head(map);
	if (!patched)
		wr_netmap_fault(&reader, NULL, "memory is short");
	if (!reader.has_fault)
		wr_netmap_read_head(&reader, delta, false, patched);
	if (!reader.has_fault)
		read_peers(&reader, map, delta, patched);
	if (!reader.has_fault && !wr_netmap_index(patched))
		wr_netmap_fault(&reader, NULL, "memory is short");
	if (!reader.has_fault)
		wr_netmap_check(&reader, patched);
	if (!reader.has_fault)
		return patched;
	*ret_error = -EINVAL;
	return wr_netmap_free(patched);
}
