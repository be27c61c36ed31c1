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
	struct wr_key own = wr_x25519_public(&agent->state.private_key);
	char public_key[WR_KEY_BASE64_LEN + 1];

	wr_key_to_base64(&own, public_key);
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "type", "hello", "protocol", 1,
			 "version", agent->config.version, "instance", agent->instance, "backend",
			 agent->backend ? wr_backend_name(agent->backend) : "engine", "public_key",
			 public_key, "epoch", agent->map ? agent->map->epoch : "", "map",
			 agent->map && !agent->wants_whole ? agent->map->version : "");
}

/* --- Maps. --- */

static void tell_uplink(struct wr_agent *agent)
{
	wr_uplink_set_hub(agent->uplink, agent->map->hub_endpoints, wr_clock_now());
}

void wr_agent_use_map(struct wr_agent *agent)
{
	wr_reconciler_set_map(agent->reconciler, agent->map);
	wr_paths_set_map(agent->paths, agent->map);
	wr_paths_set_candidates(agent->paths, agent->own.candidates, agent->own.count);
}

void wr_agent_set_map(struct wr_agent *agent, struct wr_netmap *map)
{
	struct wr_netmap *before = agent->map;
	bool has_other_hub = !before || !wr_key_equal(&before->hub_key, &map->hub_key);

	agent->map = map;
	wr_agent_use_map(agent);
	if (has_other_hub)
		wr_uplink_set_hub(agent->uplink,
				  (struct wr_endpoint[2]){ { .port = 0 }, { .port = 0 } },
				  wr_clock_now());
	tell_uplink(agent);
	wr_netmap_free(before);
	wr_log_verbose("map: generation=%llu peers=%zu", (unsigned long long)map->generation,
		       map->peer_count);
}

/* Whether the server has lost what it once told us: a database from a copy, without its knowing. */
static bool is_behind(const struct wr_agent *agent, const struct wr_netmap *map)
{
	return agent->map && strcmp(agent->map->epoch, map->epoch) == 0 &&
	       map->generation < agent->map->generation;
}

static void note_epoch(const struct wr_agent *agent, const struct wr_netmap *map)
{
	if (agent->map && strcmp(agent->map->epoch, map->epoch) != 0)
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
			     (unsigned long long)agent->map->generation);
	agent->is_held = true;
}

/* Takes the map. */
static void obey(struct wr_agent *agent, struct wr_netmap *map)
{
	int status;

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
	status = wr_netmap_save(agent->map, agent->map_path);
	if (status < 0)
		wr_log_error("map: cannot be kept in %s: %s (a restart will need the server)",
			     agent->map_path, strerror(-status));
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
	struct wr_netmap *map = NULL;

	/* What the server changes is another map than the one that is kept. */
	if (agent->map && !agent->is_held)
		map = wr_netmap_patch(agent->map, message, &error, why);
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

	if (peer->way != WR_WAY_HUB && wr_paths_look(agent->paths, peer->uid, &sight) &&
	    sight.latest_handshake.ns && sight.path.state != WR_PATH_DIRECT)
		(void)wr_backend_renew(agent->backend, &peer->public_key);
}

/* The hub is in the server's process: perhaps it started again, and knows of no session. */
static void renew(struct wr_agent *agent)
{
	if (!agent->backend || !agent->map)
		return;
	(void)wr_backend_renew(agent->backend, &agent->map->hub_key);
	for (size_t i = 0; i < agent->map->peer_count; i++)
		renew_relayed(agent, agent->map->peers[i]);
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
		wr_paths_asked(agent->paths, uid);
}

/* The hub hears nothing of us over UDP. */
static void take_silence(struct wr_agent *agent, const json_t *message)
{
	(void)message;
	wr_uplink_is_silent(agent->uplink, wr_clock_now());
	if (agent->backend && agent->map)
		(void)wr_backend_renew(agent->backend, &agent->map->hub_key);
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
