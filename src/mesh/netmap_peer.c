/* One peer, from JSON and to it. */
#include <stdlib.h>
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"

/* --- From JSON. --- */

bool wr_netmap_candidate_parse(const json_t *json, struct wr_candidate *ret_candidate)
{
	const char *kind = json_string_value(json_object_get(json, "kind"));
	const char *text = json_string_value(json_object_get(json, "endpoint"));
	struct wr_candidate candidate;

	if (!kind || !text || !wr_candidate_kind_parse(kind, &candidate.kind) ||
	    !wr_endpoint_parse(text, strlen(text), &candidate.endpoint) ||
	    !wr_netmap_is_endpoint(&candidate.endpoint))
		return false;
	*ret_candidate = candidate;
	return true;
}

/* Of a thousand peers each has two or three: room for more would be most of what a map takes. */
bool wr_netmap_add_candidate(struct wr_netmap_peer *peer, const struct wr_candidate *candidate)
{
	struct wr_candidate *larger;

	if (peer->candidate_count == WR_PATH_CANDIDATES)
		return true;
	larger = reallocarray(peer->candidates, peer->candidate_count + 1, sizeof(*larger));
	if (!larger)
		return false;
	larger[peer->candidate_count++] = *candidate;
	peer->candidates = larger;
	return true;
}

/* What is no use to us is left out: a peer's candidates are its own words, and newer ones know
 * newer kinds. */
static void read_candidates(struct wr_netmap_reader *reader, const json_t *json,
			    struct wr_netmap_peer *peer)
{
	const json_t *list, *item;
	size_t i;

	wr_netmap_list(reader, json, "candidates", false, WR_PATH_CANDIDATES, &list);
	json_array_foreach(list, i, item)
	{
		struct wr_candidate candidate;

		if (wr_netmap_candidate_parse(item, &candidate) &&
		    !wr_netmap_add_candidate(peer, &candidate))
			wr_netmap_fault(reader, "candidates", "memory is short");
	}
}

static void read_marks(struct wr_netmap_reader *reader, const json_t *json,
		       struct wr_netmap_peer *peer)
{
	const json_t *list, *item;
	size_t count = wr_netmap_list(reader, json, "marks", false, WR_NETMAP_MARKS, &list), i;

	if (reader->has_fault || count == 0)
		return;
	peer->marks = calloc(count, sizeof(*peer->marks));
	if (!peer->marks) {
		wr_netmap_fault(reader, "marks", "memory is short");
		return;
	}
	json_array_foreach(list, i, item)
	{
		json_int_t mark = json_integer_value(item);

		if (!json_is_integer(item) || mark < 0 || mark > UINT32_MAX ||
		    (i > 0 && mark <= peer->marks[i - 1])) {
			wr_netmap_fault(reader, "marks", "are no numbers in ascending order");
			return;
		}
		peer->marks[i] = (uint32_t)mark;
	}
	peer->mark_count = count;
}

static const char *const way_names[] = {
	[WR_WAY_HUB] = "hub", [WR_WAY_RELAY] = "relay", [WR_WAY_DIRECT] = "direct"
};

static void read_way(struct wr_netmap_reader *reader, const json_t *json,
		     struct wr_netmap_peer *peer)
{
	const char *text = wr_netmap_text(reader, json, "way");

	for (size_t i = 0; i < WR_ARRAY_LEN(way_names); i++) {
		if (strcmp(text, way_names[i]) == 0) {
			peer->way = (enum wr_way)i;
			return;
		}
	}
	wr_netmap_fault(reader, "way", "is none of hub, relay, direct");
}

static void read_online(struct wr_netmap_reader *reader, const json_t *json,
			struct wr_netmap_peer *peer)
{
	const json_t *value = json_object_get(json, "online");

	if (value && !json_is_boolean(value))
		wr_netmap_fault(reader, "online", "is neither true nor false");
	peer->is_online = json_is_true(value);
}

struct wr_netmap_peer *wr_netmap_peer_parse(struct wr_netmap_reader *reader, const json_t *json)
{
	struct wr_netmap_peer *peer = calloc(1, sizeof(*peer));

	if (!peer || !json_is_object(json))
		wr_netmap_fault(reader, NULL, peer ? "is no object" : "memory is short");
	if (reader->has_fault)
		goto out;
	wr_netmap_word(reader, json, "machine", wr_netmap_is_uid, "name of a machine", peer->uid,
		       sizeof(peer->uid));
	wr_netmap_word(reader, json, "name", wr_netmap_is_label, "label", peer->name,
		       sizeof(peer->name));
	wr_netmap_key(reader, json, &peer->public_key);
	wr_netmap_addresses(reader, json, true, &peer->v4, &peer->v6);
	wr_netmap_routes(reader, json, &peer->routes, &peer->route_count);
	read_way(reader, json, peer);
	read_marks(reader, json, peer);
	read_online(reader, json, peer);
	read_candidates(reader, json, peer);
	if (!reader->has_fault)
		return peer;
out:
	wr_netmap_peer_release(peer);
	return NULL;
}

/* --- To JSON. --- */

json_t *wr_netmap_candidate_json(const struct wr_candidate *candidate)
{
	char endpoint[WR_ENDPOINT_TEXT_LEN];

	wr_endpoint_format(&candidate->endpoint, endpoint);
	return json_pack("{ss ss}", "kind", wr_candidate_kind_name(candidate->kind), "endpoint",
			 endpoint);
}

static json_t *candidates_json(const struct wr_netmap_peer *peer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < peer->candidate_count; i++) {
		/* A NULL makes it fail. */
		if (json_array_append_new(list, wr_netmap_candidate_json(&peer->candidates[i])) <
		    0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *marks_json(const struct wr_netmap_peer *peer)
{
	json_t *list = json_array();

	for (size_t i = 0; i < peer->mark_count; i++) {
		if (json_array_append_new(list, json_integer(peer->marks[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *wr_netmap_peer_json(const struct wr_netmap_peer *peer)
{
	char key[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(&peer->public_key, key);
	return json_pack("{ss ss ss so so ss so sb so}", "machine", peer->uid, "name", peer->name,
			 "public_key", key, "addresses",
			 wr_netmap_addresses_json(&peer->v4, &peer->v6), "routes",
			 wr_netmap_routes_json(peer->routes, peer->route_count), "way",
			 way_names[peer->way], "marks", marks_json(peer), "online", peer->is_online,
			 "candidates", candidates_json(peer));
}

void wr_netmap_add_peers(struct wr_netmap_reader *reader, const json_t *list, struct wr_netmap *map)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		snprintf(reader->place, sizeof(reader->place), "peers[%zu]", i);
		map->peers[map->peer_count] = wr_netmap_peer_parse(reader, item);
		if (!map->peers[map->peer_count])
			return;
		map->peer_count++;
	}
	reader->place[0] = '\0';
}
