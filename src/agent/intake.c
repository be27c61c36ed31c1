/* What the server says: maps, and what to do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/inside.h"
#include "base/log.h"
#include "crypto/noise.h"
#include "linux/clock.h"

/* --- The first message. --- */

json_t *wr_intake_hello(void *context)
{
	struct wr_agent *agent = context;
	const struct wr_netmap *map = wr_node_map(agent->node);
	struct wr_backend *backend = wr_node_backend(agent->node);
	struct wr_key own = wr_x25519_public(&agent->state.private_key);
	char public_key[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(&own, public_key);
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "type", "hello", "protocol", 1,
			 "version", agent->config.version, "instance", agent->instance, "backend",
			 backend ? wr_backend_name(backend) : "engine", "public_key", public_key,
			 "epoch", map ? map->epoch : "", "map",
			 map && !agent->wants_whole ? map->version : "");
}

/* --- Maps. --- */

void wr_agent_set_map(struct wr_agent *agent, struct wr_netmap *map)
{
	static const struct wr_endpoint nowhere[2];
	const struct wr_netmap *before = wr_node_map(agent->node);
	bool has_other_hub = !before || !wr_key_equal(&before->hub_key, &map->hub_key);

	wr_node_set_map(agent->node, map);
	if (has_other_hub)
		wr_uplink_set_hub(agent->uplink, nowhere, wr_clock_now());
	wr_uplink_set_hub(agent->uplink, map->hub_endpoints, wr_clock_now());
}

/* Whether the server has lost what it once told us: a database from a copy, without its knowing. */
static bool is_behind(const struct wr_agent *agent, const struct wr_netmap *map)
{
	const struct wr_netmap *known = wr_node_map(agent->node);

	return known && strcmp(known->epoch, map->epoch) == 0 &&
	       map->generation < known->generation;
}

static void note_epoch(const struct wr_agent *agent, const struct wr_netmap *map)
{
	const struct wr_netmap *known = wr_node_map(agent->node);

	if (known && strcmp(known->epoch, map->epoch) != 0)
		wr_log_error("server: its database was restored from a backup: its past is another "
			     "one than the one known here");
}

static void hold(struct wr_agent *agent, const struct wr_netmap *map)
{
	if (!agent->is_held)
		wr_log_error("server: its database is older than what it told before (generation "
			     "%llu, known is %llu): its map is not used; `warren refresh --accept` "
			     "uses it",
			     (unsigned long long)map->generation,
			     (unsigned long long)wr_node_map(agent->node)->generation);
	agent->is_held = true;
}

/* Takes the map. */
static void obey(struct wr_agent *agent, struct wr_netmap *map)
{
	if (is_behind(agent, map) && !agent->accepts_older) {
		hold(agent, map);
		wr_netmap_free(map);
		return;
	}
	note_epoch(agent, map);
	wr_agent_settle_key(agent, &map->public_key);
	agent->is_held = agent->accepts_older = agent->wants_whole = false;
	agent->is_map_cached = false;
	wr_agent_set_map(agent, map);
	wr_agent_keep_map_soon(agent);
}

void wr_agent_accept_older(struct wr_agent *agent)
{
	agent->accepts_older = agent->wants_whole = true;
	wr_channel_again(agent->channel);
}

static void take_map(struct wr_agent *agent, const json_t *message)
{
	char why[200] = "";
	struct wr_netmap *map = wr_netmap_parse(message, why);

	if (map)
		obey(agent, map);
	else
		wr_log_error("map: the server's is not used: %s", why);
}

static void take_delta(struct wr_agent *agent, const json_t *message)
{
	char why[200] = "";
	int error = -ESTALE;
	const struct wr_netmap *known = wr_node_map(agent->node);
	struct wr_netmap *map = NULL;

	/* What the server changes is another map than the one that is kept. */
	if (known && !agent->is_held)
		map = wr_netmap_patch(known, message, &error, why);
	if (map) {
		obey(agent, map);
		return;
	}
	if (error != -ESTALE)
		wr_log_error("map: a change by the server is not used: %s", why);
	agent->wants_whole = true;
	wr_channel_again(agent->channel);
}

static void take_same(struct wr_agent *agent, const json_t *message)
{
	(void)message;
	agent->is_map_cached = false;
	agent->is_held = false;
}

/* --- What else. --- */

static void copy(const json_t *message, const char *name, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(message, name));

	snprintf(ret_text, size, "%s", text ? text : "");
	for (char *at = ret_text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
}

/* What the relay knew of this pair went with the hub. */
static void renew_relayed(struct wr_agent *agent, const struct wr_netmap_peer *peer)
{
	struct wr_paths_sight sight;

	if (peer->way != WR_WAY_HUB &&
	    wr_paths_look(wr_node_paths(agent->node), peer->uid, &sight) &&
	    sight.latest_handshake.ns && sight.path.state != WR_PATH_DIRECT)
		(void)wr_backend_renew(wr_node_backend(agent->node), &peer->public_key);
}

static void renew_hub(struct wr_agent *agent)
{
	const struct wr_netmap *map = wr_node_map(agent->node);
	struct wr_backend *backend = wr_node_backend(agent->node);

	if (backend && map)
		(void)wr_backend_renew(backend, &map->hub_key);
}

/* The hub is in the server's process: perhaps it started again, and knows of no session. */
static void renew(struct wr_agent *agent)
{
	const struct wr_netmap *map = wr_node_map(agent->node);

	if (!wr_node_backend(agent->node) || !map)
		return;
	renew_hub(agent);
	for (size_t i = 0; i < map->peer_count; i++)
		renew_relayed(agent, map->peers[i]);
}

static void take_welcome(struct wr_agent *agent, const json_t *message)
{
	copy(message, "server_version", agent->server_version, sizeof(agent->server_version));
	agent->refusal[0] = agent->trouble[0] = '\0';
	if (agent->was_welcome)
		renew(agent);
	agent->was_welcome = true;
	wr_agent_report_now(agent);
	if (agent->state.route_count)
		wr_agent_offer_routes(agent);
}

static void take_refusal(struct wr_agent *agent, const json_t *message)
{
	copy(message, "reason", agent->refusal, sizeof(agent->refusal));
	copy(message, "text", agent->trouble, sizeof(agent->trouble));
	wr_log_error("server: refuses this machine: %s", agent->trouble);
	if (strcmp(agent->refusal, "pending") != 0)
		wr_channel_rest(agent->channel);
}

static void take_probe(struct wr_agent *agent, const json_t *message)
{
	const char *uid = json_string_value(json_object_get(message, "machine"));

	if (uid)
		wr_paths_asked(wr_node_paths(agent->node), uid);
}

/* The hub hears nothing of us over UDP. */
static void take_silence(struct wr_agent *agent, const json_t *message)
{
	(void)message;
	wr_uplink_is_silent(agent->uplink, wr_clock_now());
	renew_hub(agent);
}

void wr_intake_received(void *context, const char *type, const json_t *message)
{
	static const struct {
		const char *type;
		void (*take)(struct wr_agent *agent, const json_t *message);
	} table[] = {
		{ "welcome", take_welcome }, { "map", take_map },         { "delta", take_delta },
		{ "same", take_same },       { "refused", take_refusal }, { "probe", take_probe },
		{ "silent", take_silence },
	};
	struct wr_agent *agent = context;

	for (size_t i = 0; i < WR_ARRAY_LEN(table); i++)
		if (strcmp(table[i].type, type) == 0)
			table[i].take(agent, message);
}
