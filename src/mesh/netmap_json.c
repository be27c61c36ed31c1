/* The map as a message, and what is another between two. */
#include <string.h>

#include "mesh/netmap_parts.h"
#include "mesh/prefixes.h"

/* Appends a value (taken; NULL: memory is short). The list, or NULL. */
static json_t *with(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *ip_json(const struct wr_ip *ip)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(ip, text);
	return json_string(text);
}

static json_t *prefix_json(const struct wr_prefix *prefix)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(prefix, text);
	return json_string(text);
}

json_t *wr_netmap_endpoint_json(const struct wr_endpoint *endpoint)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	if (endpoint->ip.family == WR_FAMILY_NONE)
		return json_null();
	wr_endpoint_format(endpoint, text);
	return json_string(text);
}

json_t *wr_netmap_addresses_json(const struct wr_ip *v4, const struct wr_ip *v6)
{
	json_t *list = json_array();

	if (v4->family != WR_FAMILY_NONE)
		list = with(list, ip_json(v4));
	if (v6->family != WR_FAMILY_NONE)
		list = with(list, ip_json(v6));
	return list;
}

json_t *wr_netmap_routes_json(const struct wr_prefix *routes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		list = with(list, prefix_json(&routes[i]));
	return list;
}

json_t *wr_netmap_self_json(const struct wr_netmap *map)
{
	char key[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(&map->public_key, key);
	return json_pack("{ss ss ss so so}", "machine", map->uid, "name", map->name, "public_key",
			 key, "addresses", wr_netmap_addresses_json(&map->v4, &map->v6), "routes",
			 wr_netmap_routes_json(map->routes, map->route_count));
}

json_t *wr_netmap_network_json(const struct wr_netmap *map)
{
	json_t *ranges = json_array();

	if (map->range4.ip.family != WR_FAMILY_NONE)
		ranges = with(ranges, prefix_json(&map->range4));
	if (map->range6.ip.family != WR_FAMILY_NONE)
		ranges = with(ranges, prefix_json(&map->range6));
	return json_pack("{ss ss so}", "name", map->network, "suffix", map->suffix, "ranges",
			 ranges);
}

json_t *wr_netmap_hub_json(const struct wr_netmap *map)
{
	char key[WR_KEY_BASE64_LEN + 1];
	json_t *endpoints;

	if (wr_key_is_zero(&map->hub_key))
		return json_null();
	endpoints = json_array();
	for (size_t i = 0; i < WR_ARRAY_LEN(map->hub_endpoints); i++) {
		if (map->hub_endpoints[i].ip.family != WR_FAMILY_NONE)
			endpoints = with(endpoints,
					 wr_netmap_endpoint_json(&map->hub_endpoints[i]));
	}
	wr_key_to_base64(&map->hub_key, key);
	return json_pack("{ss so so si}", "public_key", key, "addresses",
			 wr_netmap_addresses_json(&map->hub_v4, &map->hub_v6), "endpoints",
			 endpoints, "stun_port", map->stun_port);
}

json_t *wr_netmap_records_json(const struct wr_netmap *map)
{
	json_t *list = json_array();

	for (size_t i = 0; i < map->record_count; i++)
		list = with(list, json_pack("{ss so}", "name", map->records[i].name, "address",
					    ip_json(&map->records[i].ip)));
	return list;
}

static json_t *peers_json(const struct wr_netmap *map)
{
	json_t *list = json_array();

	for (size_t i = 0; i < map->peer_count; i++)
		list = with(list, wr_netmap_peer_json(map->peers[i]));
	return list;
}

json_t *wr_netmap_json(const struct wr_netmap *map)
{
	return json_pack("{ss ss sI ss so so so ss so so}", "type", "map", "epoch", map->epoch,
			 "generation", (json_int_t)map->generation, "version", map->version, "self",
			 wr_netmap_self_json(map), "network", wr_netmap_network_json(map), "hub",
			 wr_netmap_hub_json(map), "policy", map->policy ? map->policy : "", "peers",
			 peers_json(map), "records", wr_netmap_records_json(map));
}

/* --- The difference. --- */

/* Puts the part (`to`, taken) into the delta where it is another than `from` (taken). */
static bool put_if_other(json_t *delta, const char *name, json_t *from, json_t *to)
{
	bool is_done = from && to;

	if (is_done && !json_equal(from, to))
		is_done = json_object_set(delta, name, to) == 0;
	json_decref(from);
	json_decref(to);
	return is_done;
}

static bool put_parts(json_t *delta, const struct wr_netmap *from, const struct wr_netmap *to)
{
	return put_if_other(delta, "epoch", json_string(from->epoch), json_string(to->epoch)) &&
	       put_if_other(delta, "self", wr_netmap_self_json(from), wr_netmap_self_json(to)) &&
	       put_if_other(delta, "network", wr_netmap_network_json(from),
			    wr_netmap_network_json(to)) &&
	       put_if_other(delta, "hub", wr_netmap_hub_json(from), wr_netmap_hub_json(to)) &&
	       put_if_other(delta, "policy", json_string(from->policy ? from->policy : ""),
			    json_string(to->policy ? to->policy : "")) &&
	       put_if_other(delta, "records", wr_netmap_records_json(from),
			    wr_netmap_records_json(to));
}

static json_t *changed_peers(const struct wr_netmap *from, const struct wr_netmap *to)
{
	json_t *list = json_array();

	for (size_t i = 0; i < to->peer_count; i++) {
		const struct wr_netmap_peer *peer = to->peers[i];
		const struct wr_netmap_peer *before = wr_netmap_find(from, peer->uid);

		if (!before || !wr_netmap_peer_equal(before, peer))
			list = with(list, wr_netmap_peer_json(peer));
	}
	return list;
}

static json_t *gone_peers(const struct wr_netmap *from, const struct wr_netmap *to)
{
	json_t *list = json_array();

	for (size_t i = 0; i < from->peer_count; i++) {
		if (!wr_netmap_find(to, from->peers[i]->uid))
			list = with(list, json_string(from->peers[i]->uid));
	}
	return list;
}

json_t *wr_netmap_diff(const struct wr_netmap *from, const struct wr_netmap *to)
{
	json_t *delta = json_pack("{ss ss ss sI so so}", "type", "delta", "from", from->version,
				  "version", to->version, "generation", (json_int_t)to->generation,
				  "peers", changed_peers(from, to), "gone", gone_peers(from, to));

	if (delta && put_parts(delta, from, to))
		return delta;
	json_decref(delta);
	return NULL;
}
