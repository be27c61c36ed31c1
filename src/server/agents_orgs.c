/* Organisations with agents, and who gets in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/clock.h"
#include "server/agents_state.h"

/* --- Life. --- */

struct wr_agents_org *wr_agents_org(const struct wr_agents *agents, int64_t org)
{
	return wr_map_get(&agents->orgs, (uint64_t)org);
}

static struct wr_agents_org *new_org(struct wr_agents *agents, int64_t number)
{
	struct wr_agents_org *org = calloc(1, sizeof(*org));

	if (!org)
		return NULL;
	org->agents = agents;
	org->org = number;
	org->world = wr_world_new(&agents->hub);
	if (!org->world || !wr_map_put(&agents->orgs, (uint64_t)number, org)) {
		wr_world_free(org->world);
		free(org);
		return NULL;
	}
	org->next = agents->org_list;
	if (org->next)
		org->next->prev = org;
	agents->org_list = org;
	return org;
}

void wr_agents_org_free(struct wr_agents_org *org)
{
	struct wr_agents *agents = org->agents;

	if (org->prev)
		org->prev->next = org->next;
	else
		agents->org_list = org->next;
	if (org->next)
		org->next->prev = org->prev;
	wr_map_take(&agents->orgs, (uint64_t)org->org);
	wr_world_free(org->world);
	free(org);
}

/* Nobody is at home, and nothing holds it. */
void wr_agents_org_done(struct wr_agents_org *org)
{
	if (!org->count && !org->is_busy && !org->is_wanting && !org->is_due &&
	    !org->machine_changes)
		wr_agents_org_free(org);
}

/* --- Who gets in. --- */

const char *wr_agents_off_reason(const struct wr_reading *reading, int64_t machine,
				 const char **ret_text)
{
	const struct wr_reading_machine *entry = wr_reading_find(reading, machine);

	if (!entry) {
		*ret_text = "The machine is not in the network any more. Join it again with a new "
			    "key.";
		return "unknown";
	}
	*ret_text = "The machine was disabled. Whoever administers the network can enable it.";
	if (reading->is_disabled || entry->off == WR_READING_DISABLED)
		return "disabled";
	*ret_text = "The machine's time in the network is over.";
	if (entry->off == WR_READING_EXPIRED)
		return "expired";
	*ret_text = "The machine waits for approval: `warren machine approve` on the server's "
		    "side.";
	return entry->off == WR_READING_PENDING ? "pending" : NULL;
}

static json_t *observed_of(struct wr_agent *agent)
{
	struct wr_sight sight = wr_sights_of(agent->agents->server->sights, agent->machine);
	char text[WR_ENDPOINT_TEXT_LEN];

	if (sight.endpoint.ip.family == WR_FAMILY_NONE ||
	    wr_member_datagrams_is_own(&sight.endpoint.ip))
		return json_null();
	wr_endpoint_format(&sight.endpoint, text);
	return json_string(text);
}

static void welcome(struct wr_agent *agent, const struct wr_reading *reading)
{
	wr_agent_send_json(agent,
			   json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "type", "welcome", "machine",
				     agent->uid, "epoch", reading->epoch, "generation",
				     (json_int_t)reading->generation, "server_version", WR_VERSION,
				     "observed", observed_of(agent)));
}

/* One that has the newest map already is told so; others get it in their turn. */
static void begin(struct wr_agent *agent, const struct wr_reading *reading)
{
	static const char same[] = "{\"type\":\"same\"}";

	agent->state = WR_AGENT_LIVE;
	agent->agents->live++;
	pthread_mutex_lock(&agent->agents->mutex);
	agent->connected_since = (int64_t)(wr_clock_wall().ns / 1000000000);
	pthread_mutex_unlock(&agent->agents->mutex);
	welcome(agent, reading);
	wr_agent_came(agent);
	wr_agents_note(agent->agents, agent->machine, agent->hello.version, NULL);
	if (agent->state != WR_AGENT_LIVE)
		return;
	if (strcmp(agent->hello.epoch, reading->epoch) == 0 &&
	    wr_listener_is_at(agent->home->world, agent->listener, agent->hello.map))
		(void)wr_agent_send(agent, same, sizeof(same) - 1);
	wr_agents_org_due(agent->home);
}

/* What was read may be older than what let it in: then it is read once more. */
static void refuse_or_recheck(struct wr_agent *agent, const char *reason, const char *text)
{
	struct wr_agents_org *org = agent->home;

	if (agent->is_rechecked) {
		wr_agent_refuse(agent, reason, text);
		return;
	}
	agent->is_rechecked = true;
	agent->state = WR_AGENT_WAITING;
	agent->waiting_next = org->waiting;
	org->waiting = agent;
	wr_agents_want(org);
}

static void enter(struct wr_agent *agent)
{
	struct wr_world *world = agent->home->world;
	const struct wr_reading *reading = wr_world_reading(world);
	const struct wr_reading_machine *entry = wr_reading_find(reading, agent->machine);
	const char *text, *reason = wr_agents_off_reason(reading, agent->machine, &text);

	if (!reason && !entry->is_agent) {
		reason = "revoked";
		text = "The machine has no agent any more.";
	}
	if (reason) {
		refuse_or_recheck(agent, reason, text);
		return;
	}
	snprintf(agent->uid, sizeof(agent->uid), "%s", entry->uid);
	if (!agent->candidates && entry->candidates)
		agent->candidates = strdup(entry->candidates);
	agent->listener = wr_world_listen(world, agent->machine, agent);
	if (agent->listener)
		begin(agent, reading);
	else
		wr_agent_end(agent, 1013, "the server is short of memory");
}

static void wait_for_reading(struct wr_agent *agent)
{
	agent->state = WR_AGENT_WAITING;
	agent->waiting_next = agent->home->waiting;
	agent->home->waiting = agent;
	if (!agent->home->is_busy)
		wr_agents_want(agent->home);
}

void wr_agent_settle(struct wr_agent *agent)
{
	struct wr_agents *agents = agent->agents;
	struct wr_agents_org *org = wr_agents_org(agents, agent->org);
	bool is_listed;

	if (!org)
		org = new_org(agents, agent->org);
	pthread_mutex_lock(&agents->mutex);
	is_listed = org && wr_map_put(&agents->by_machine, (uint64_t)agent->machine, agent);
	pthread_mutex_unlock(&agents->mutex);
	if (!is_listed) {
		if (org)
			wr_agents_org_done(org);
		wr_agent_end(agent, 1013, "the server is short of memory");
		return;
	}
	agent->home = org;
	org->count++;
	if (org->is_read)
		enter(agent);
	else
		wait_for_reading(agent);
}

static void stop_waiting(struct wr_agent *agent)
{
	struct wr_agent **at = &agent->home->waiting;

	while (*at && *at != agent)
		at = &(*at)->waiting_next;
	if (*at)
		*at = WR_TAKE(agent->waiting_next);
}

static void forget(struct wr_agent *agent)
{
	struct wr_agents *agents = agent->agents;

	pthread_mutex_lock(&agents->mutex);
	if (wr_map_get(&agents->by_machine, (uint64_t)agent->machine) == agent)
		wr_map_take(&agents->by_machine, (uint64_t)agent->machine);
	wr_agent_forget_report(agent);
	pthread_mutex_unlock(&agents->mutex);
}

void wr_agent_unsettle(struct wr_agent *agent)
{
	struct wr_agents_org *org = agent->home;

	if (org) {
		stop_waiting(agent);
		if (agent->listener)
			wr_world_unlisten(org->world, agent->listener);
		agent->listener = NULL;
		forget(agent);
		agent->home = NULL;
		org->count--;
		if (agent->state == WR_AGENT_LIVE) {
			wr_member_datagrams_end(agent->agents->datagrams, agent->machine);
			agent->agents->live--;
			wr_agent_went(agent);
			wr_agents_note(agent->agents, agent->machine, "", NULL);
		}
		wr_agents_org_done(org);
	}
	wr_agent_rival_gone(agent);
}

void wr_agents_org_admit(struct wr_agents_org *org)
{
	struct wr_agent *agent = WR_TAKE(org->waiting);

	while (agent) {
		struct wr_agent *next = WR_TAKE(agent->waiting_next);

		/* It may have been ended meanwhile, by its rival. */
		if (agent->home == org && agent->state == WR_AGENT_WAITING)
			enter(agent);
		agent = next;
	}
}
