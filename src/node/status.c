/* What this member sees, as JSON: for people and programs on this machine. */
#include <string.h>
#include <time.h>

#include "crypto/noise.h"
#include "linux/clock.h"
#include "node/inside.h"

/* RFC 3339 in UTC; null for never. */
static json_t *time_json(struct wr_wall wall)
{
	time_t seconds = (time_t)(wall.ns / 1000000000);
	struct tm parts;
	char text[40];

	if (!wall.ns || !gmtime_r(&seconds, &parts))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return json_string(text);
}

static json_t *addresses_json(const struct wr_ip *v4, const struct wr_ip *v6)
{
	const struct wr_ip *const ips[] = { v4, v6 };
	json_t *array = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < WR_ARRAY_LEN(ips); i++) {
		if (ips[i]->family == WR_FAMILY_NONE)
			continue;
		wr_ip_format(ips[i], text);
		json_array_append_new(array, json_string(text));
	}
	return array;
}

static json_t *routes_json(const struct wr_prefix *routes, size_t count)
{
	json_t *array = json_array();
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < count; i++) {
		wr_prefix_format(&routes[i], text);
		json_array_append_new(array, json_string(text));
	}
	return array;
}

/* --- A peer. --- */

json_t *wr_node_peer_report(const struct wr_netmap_peer *peer, const struct wr_paths_sight *sight)
{
	const char *path = sight->path.state == WR_PATH_NONE ? "none"
			   : sight->path.state == WR_PATH_DIRECT ||
					   sight->path.state == WR_PATH_SUSPECT
				   ? "direct"
				   : "relayed";

	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:i, s:o, s:I, s:I}", "machine", peer->uid,
			 "path", path, "reason",
			 strcmp(path, "direct") == 0 ? "" : wr_path_reason_text(sight->path.reason),
			 "endpoint", wr_netmap_endpoint_json(&sight->path.endpoint), "latency_us",
			 (json_int_t)sight->latency_us, "loss_permille", (int)sight->loss_permille,
			 "latest_handshake", time_json(sight->latest_handshake), "rx_bytes",
			 (json_int_t)sight->rx_bytes, "tx_bytes", (json_int_t)sight->tx_bytes);
}

json_t *wr_node_peer_status(struct wr_node *node, const struct wr_netmap_peer *peer)
{
	struct wr_paths_sight sight = { .path = { .state = WR_PATH_NONE } };
	bool has_path = peer->way != WR_WAY_HUB && wr_paths_look(node->paths, peer->uid, &sight);
	json_t *object = wr_node_peer_report(peer, &sight);

	if (!object)
		return NULL;
	if (!has_path) {
		json_object_set_new(object, "path", json_string("hub"));
		json_object_set_new(object, "reason", json_string(""));
	}
	json_object_set_new(object, "name", json_string(peer->name));
	json_object_set_new(object, "addresses", addresses_json(&peer->v4, &peer->v6));
	json_object_set_new(object, "routes", routes_json(peer->routes, peer->route_count));
	json_object_set_new(object, "is_online", json_boolean(peer->is_online));
	json_object_set_new(object, "is_connected", json_boolean(sight.is_connected));
	json_object_set_new(object, "state",
			    json_string(has_path ? wr_path_state_name(sight.path.state) : "hub"));
	if (node->config.describe_peer)
		node->config.describe_peer(node->config.context, peer, object);
	return object;
}

static json_t *peers_json(struct wr_node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; node->map && i < node->map->peer_count; i++) {
		json_t *peer = wr_node_peer_status(node, node->map->peers[i]);

		if (json_is_true(json_object_get(peer, "is_hidden")))
			json_decref(peer);
		else
			json_array_append_new(array, peer);
	}
	return array;
}

/* --- All. --- */

static json_t *drift_json(const struct wr_node *node)
{
	struct wr_reconciler_sight sight;

	wr_reconciler_look(node->reconciler, &sight);
	return json_pack("{s:I, s:I, s:s}", "looks", (json_int_t)sight.runs, "mended",
			 (json_int_t)sight.mended, "trouble", sight.trouble);
}

static json_t *candidates_json(const struct wr_node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->own.count; i++)
		json_array_append_new(array, wr_netmap_candidate_json(&node->own.candidates[i]));
	return array;
}

json_t *wr_node_status(struct wr_node *node)
{
	const struct wr_netmap *map = node->map;
	struct wr_key own = wr_x25519_public(&node->config.private_key);
	struct wr_ip none = { .family = WR_FAMILY_NONE };
	char public_key[WR_KEY_BASE64_LEN + 1];
	json_t *object;

	wr_key_to_base64(&own, public_key);
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o}",
			   "kind", node->config.what, "interface", node->config.interface,
			   "network", map ? map->network : "", "name", map ? map->name : "",
			   "machine", map ? map->uid : "", "public_key", public_key, "backend",
			   node->backend ? wr_backend_name(node->backend) : "none", "port",
			   node->backend ? (int)wr_backend_port(node->backend) : 0, "generation",
			   (json_int_t)(map ? map->generation : 0), "addresses",
			   map ? addresses_json(&map->v4, &map->v6) : addresses_json(&none, &none),
			   "routes",
			   map ? routes_json(map->routes, map->route_count) : json_array(),
			   "candidates", candidates_json(node), "drift", drift_json(node), "peers",
			   peers_json(node));
	if (object && node->config.describe)
		node->config.describe(node->config.context, object);
	return object;
}
