/* What agents report of themselves and of their paths. */
#include <stdlib.h>
#include <string.h>

#include "server/agents_state.h"

/* --- Candidates. --- */

static void take_candidates(struct wr_agent *agent, const json_t *list)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES];
	size_t count = wr_agent_read_candidates(list, candidates);
	char *text = wr_candidates_text(candidates, count);

	if (!text || (agent->candidates && strcmp(text, agent->candidates) == 0)) {
		free(text);
		return;
	}
	free(agent->candidates);
	agent->candidates = text;
	wr_world_set_candidates(agent->home->world, agent->machine, candidates, count);
	wr_agents_org_due(agent->home);
	wr_agents_note(agent->agents, agent->machine, "", strdup(text));
}

/* --- Pairs. --- */

static struct wr_pair *find_pair(const struct wr_agent *agent, const char *uid)
{
	for (size_t i = 0; i < agent->pair_count; i++) {
		if (strcmp(agent->pairs[i].uid, uid) == 0)
			return &agent->pairs[i];
	}
	return NULL;
}

/* NULL where there are too many. */
static struct wr_pair *add_pair(struct wr_agent *agent, const char *uid)
{
	struct wr_agents *agents = agent->agents;
	struct wr_pair *pair;

	if (agent->pair_count >= WR_AGENTS_PAIRS || agents->pair_count >= WR_AGENTS_PAIRS_ALL ||
	    !wr_reading_room((void **)&agent->pairs, &agent->pair_room, agent->pair_count,
			     sizeof(*pair)))
		return NULL;
	pair = &agent->pairs[agent->pair_count++];
	*pair = (struct wr_pair){ 0 };
	strcpy(pair->uid, uid);
	agents->pair_count++;
	agents->paths[pair->path]++;
	return pair;
}

static void take_pair(struct wr_agent *agent, const json_t *json)
{
	struct wr_agents *agents = agent->agents;
	struct wr_pair *pair, read;
	int64_t machine;

	if (!wr_agent_read_pair(json, &read) ||
	    !wr_listener_sees(agent->home->world, agent->listener, read.uid, &machine))
		return;
	pair = find_pair(agent, read.uid);
	if (!pair)
		pair = add_pair(agent, read.uid);
	if (!pair)
		return;
	agents->paths[pair->path]--;
	*pair = read;
	agents->paths[pair->path]++;
}

/* Those of whom it does not know any more. */
static void drop_pairs_of_gone(struct wr_agent *agent)
{
	struct wr_agents *agents = agent->agents;
	size_t kept = 0;
	int64_t machine;

	for (size_t i = 0; i < agent->pair_count; i++) {
		if (wr_listener_sees(agent->home->world, agent->listener, agent->pairs[i].uid,
				     &machine)) {
			agent->pairs[kept++] = agent->pairs[i];
		} else {
			agents->paths[agent->pairs[i].path]--;
			agents->pair_count--;
		}
	}
	agent->pair_count = kept;
}

static void take_nat(struct wr_agent *agent, const json_t *nat)
{
	char *text = wr_agent_read_nat(nat);

	if (!text)
		return;
	free(agent->nat);
	agent->nat = text;
}

void wr_agent_report(struct wr_agent *agent, const json_t *message)
{
	const json_t *candidates = json_object_get(message, "candidates");
	const json_t *peers = json_object_get(message, "peers"), *peer;
	const json_t *nat = json_object_get(message, "nat");
	size_t at;

	if (agent->state != WR_AGENT_LIVE || wr_listener_is_gone(agent->listener))
		return;
	pthread_mutex_lock(&agent->agents->mutex);
	take_nat(agent, nat);
	if (json_array_size(peers) > 0)
		drop_pairs_of_gone(agent);
	json_array_foreach(peers, at, peer) take_pair(agent, peer);
	pthread_mutex_unlock(&agent->agents->mutex);
	if (json_is_array(candidates))
		take_candidates(agent, candidates);
}

void wr_agent_forget_report(struct wr_agent *agent)
{
	struct wr_agents *agents = agent->agents;

	for (size_t i = 0; i < agent->pair_count; i++)
		agents->paths[agent->pairs[i].path]--;
	agents->pair_count -= agent->pair_count;
	free(agent->pairs);
	free(agent->nat);
	agent->pairs = NULL;
	agent->nat = NULL;
	agent->pair_count = agent->pair_room = 0;
}

/* --- Showing. --- */

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *pair_json(const struct wr_pair *pair)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:I, s:I}", "machine", pair->uid,
			 "path", wr_pair_paths[pair->path], "reason", text_or_null(pair->reason),
			 "endpoint", text_or_null(pair->endpoint), "latency_us",
			 (json_int_t)pair->latency_us, "loss_permille",
			 (json_int_t)pair->loss_permille, "latest_handshake",
			 wr_json_time(pair->latest_handshake), "rx_bytes",
			 (json_int_t)pair->rx_bytes, "tx_bytes", (json_int_t)pair->tx_bytes);
}

static json_t *agent_json(const struct wr_agent *agent)
{
	json_t *peers = json_array();
	json_t *nat = agent->nat ? json_loads(agent->nat, 0, NULL) : NULL;

	for (size_t i = 0; i < agent->pair_count; i++)
		json_array_append_new(peers, pair_json(&agent->pairs[i]));
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "version", agent->hello.version, "backend",
			 agent->hello.backend, "connected_since",
			 wr_json_time(agent->connected_since), "nat", nat ? nat : json_null(),
			 "peers", peers);
}

json_t *wr_agents_json(struct wr_agents *agents, int64_t machine)
{
	const struct wr_agent *agent;
	json_t *json = NULL;

	pthread_mutex_lock(&agents->mutex);
	agent = wr_map_get(&agents->by_machine, (uint64_t)machine);
	if (agent && agent->connected_since)
		json = agent_json(agent);
	pthread_mutex_unlock(&agents->mutex);
	return json;
}

bool wr_agents_is_connected(struct wr_agents *agents, int64_t machine)
{
	const struct wr_agent *agent;
	bool is_connected;

	pthread_mutex_lock(&agents->mutex);
	agent = wr_map_get(&agents->by_machine, (uint64_t)machine);
	is_connected = agent && agent->connected_since && !agent->is_silent;
	pthread_mutex_unlock(&agents->mutex);
	return is_connected;
}
