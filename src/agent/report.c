/* What the server is told: where we may be reached, and how the paths to peers are. */
#include <string.h>

#include "agent/inside.h"
#include "linux/clock.h"

/* News wait this long for others, and at least so long after the last report: an agent of a busy
 * network sends some hundred bytes a second at most, an idle one nothing. */
#define SOON_MS 1000
#define INTERVAL WR_SPAN_S(10)
/* Of one report: who has more peers that carry traffic tells of the rest with the next. */
#define PEERS_MAX 1000

void wr_agent_report_soon(struct wr_agent *agent)
{
	struct wr_instant now = wr_clock_now();
	struct wr_instant due = wr_after(agent->reported, INTERVAL);
	uint64_t ms = SOON_MS;

	if (uv_is_active((uv_handle_t *)&agent->report_timer))
		return;
	if (agent->reported.ns && due.ns > now.ns && (due.ns - now.ns) / 1000000 > ms)
		ms = (due.ns - now.ns) / 1000000;
	uv_timer_start(&agent->report_timer, wr_agent_report_due, ms, 0);
}

void wr_agent_report_now(struct wr_agent *agent)
{
	uv_timer_start(&agent->report_timer, wr_agent_report_due, 1, 0);
}

static json_t *candidates_json(const struct wr_agent *agent)
{
	const struct wr_path_own *own = wr_node_candidates(agent->node);
	json_t *array = json_array();

	for (size_t i = 0; i < own->count; i++)
		json_array_append_new(array, wr_netmap_candidate_json(&own->candidates[i]));
	return array;
}

/* Peers that no traffic flows with have nothing to be told of. */
static json_t *peers_json(struct wr_agent *agent)
{
	const struct wr_netmap *map = wr_node_map(agent->node);
	struct wr_paths *paths = wr_node_paths(agent->node);
	json_t *array = json_array();

	for (size_t i = 0; map && i < map->peer_count; i++) {
		const struct wr_netmap_peer *peer = map->peers[i];
		struct wr_paths_sight sight;

		if (peer->way == WR_WAY_HUB || json_array_size(array) >= PEERS_MAX ||
		    !wr_paths_look(paths, peer->uid, &sight) || !sight.latest_handshake.ns)
			continue;
		json_array_append_new(array, wr_node_peer_report(peer, &sight));
	}
	return array;
}

void wr_agent_report_due(uv_timer_t *timer)
{
	struct wr_agent *agent = timer->data;

	if (!agent->channel || !wr_channel_is_open(agent->channel))
		return;
	agent->reported = wr_clock_now();
	(void)wr_channel_send(agent->channel,
			      json_pack("{s:s, s:o, s:o}", "type", "report", "candidates",
					candidates_json(agent), "peers", peers_json(agent)));
}
