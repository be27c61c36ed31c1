/* Peers as metrics: how many of each kind; or each of them, a family at a time, as the format wants
 * it. */
#include <stdlib.h>

#include "node/inside.h"

/* --- How many. --- */

enum path {
	PATH_NONE,
	PATH_DIRECT,
	PATH_RELAYED,
	PATH_HUB,
	PATHS
};

enum liveness {
	LIVENESS_CONNECTED,
	LIVENESS_ONLINE,
	LIVENESS_OFFLINE,
	LIVENESSES
};

struct seen {
	const struct wr_netmap_peer *peer;
	struct wr_paths_sight sight; /* all zero: it has no path */
	enum path path;
};

static enum path path_of(const struct wr_path_sight *path)
{
	switch (path->state) {
	case WR_PATH_DIRECT:
	case WR_PATH_SUSPECT: return PATH_DIRECT;
	case WR_PATH_RELAYED:
	case WR_PATH_PROBING: return PATH_RELAYED;
	case WR_PATH_NONE:
	default: return PATH_NONE;
	}
}

static struct seen see(struct wr_node *node, const struct wr_netmap_peer *peer)
{
	struct seen seen = { .peer = peer, .path = PATH_HUB };

	if (peer->way != WR_WAY_HUB && wr_paths_look(node->paths, peer->uid, &seen.sight))
		seen.path = path_of(&seen.sight.path);
	return seen;
}

static enum liveness liveness_of(const struct seen *seen)
{
	if (seen->sight.is_connected)
		return LIVENESS_CONNECTED;
	return seen->peer->is_online ? LIVENESS_ONLINE : LIVENESS_OFFLINE;
}

static void write_counts(struct wr_metrics *metrics, const struct seen *seen, size_t count)
{
	static const char *const paths[] = { "none", "direct", "relayed", "hub" };
	static const char *const livenesses[] = { "connected", "online", "offline" };
	double counts[PATHS][LIVENESSES] = { 0 };

	for (size_t i = 0; i < count; i++)
		counts[seen[i].path][liveness_of(&seen[i])]++;
	wr_metrics_family(
		metrics, "warren_node_peers", "gauge",
		"Peers by path and by liveness: connected (heard of in the last seconds), "
		"online (as the network says), offline.");
	for (size_t i = 0; i < PATHS; i++)
		for (size_t j = 0; j < LIVENESSES; j++)
			wr_metrics_sample(
				metrics, "warren_node_peers",
				(const struct wr_metrics_label[]){ { "path", paths[i] },
								   { "liveness", livenesses[j] } },
				2, counts[i][j]);
}

/* --- Each of them. --- */

static double is_connected(const struct wr_paths_sight *sight)
{
	return sight->is_connected;
}

static double is_direct(const struct wr_paths_sight *sight)
{
	return path_of(&sight->path) == PATH_DIRECT;
}

static double received_bytes(const struct wr_paths_sight *sight)
{
	return (double)sight->rx_bytes;
}

static double sent_bytes(const struct wr_paths_sight *sight)
{
	return (double)sight->tx_bytes;
}

static double latency(const struct wr_paths_sight *sight)
{
	return (double)sight->latency_us / 1e6;
}

static double loss(const struct wr_paths_sight *sight)
{
	return (double)sight->loss_permille / 1e3;
}

static double latest_handshake(const struct wr_paths_sight *sight)
{
	return (double)sight->latest_handshake.ns / 1e9;
}

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct wr_paths_sight *sight);
} families[] = {
	{ "warren_peer_connected", "gauge", "1 where something authentic came lately.",
	  is_connected },
	{ "warren_peer_direct", "gauge", "1 where its path is direct.", is_direct },
	{ "warren_peer_received_bytes_total", "counter", "Bytes from the peer.", received_bytes },
	{ "warren_peer_sent_bytes_total", "counter", "Bytes to the peer.", sent_bytes },
	{ "warren_peer_latency_seconds", "gauge", "Round trip, smoothed; 0: not known.", latency },
	{ "warren_peer_loss_ratio", "gauge", "Of the last pulses, 0 to 1.", loss },
	{ "warren_peer_latest_handshake_seconds", "gauge", "Since 1970; 0: never.",
	  latest_handshake },
};

static void write_each(struct wr_metrics *metrics, const struct seen *seen, size_t count)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(families); i++) {
		wr_metrics_family(metrics, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < count; j++)
			wr_metrics_sample(
				metrics, families[i].name,
				(const struct wr_metrics_label[]){ { "peer", seen[j].peer->name },
								   { "uid", seen[j].peer->uid } },
				2, families[i].value(&seen[j].sight));
	}
}

void wr_node_measure_peers(struct wr_node *node, struct wr_metrics *metrics, bool has_each)
{
	size_t count = node->map && node->paths ? node->map->peer_count : 0;
	struct seen *seen = calloc(count + 1, sizeof(*seen));

	if (!seen) {
		metrics->is_short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		seen[i] = see(node, node->map->peers[i]);
	write_counts(metrics, seen, count);
	if (has_each && count)
		write_each(metrics, seen, count);
	free(seen);
}
