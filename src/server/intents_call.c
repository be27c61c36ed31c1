/* What calls say to the hub, and to agents. */
#include <errno.h>
#include <stdlib.h>

#include "server/agents.h"
#include "server/state.h"
#include "server/telling.h"

static void apply_org_of_call(struct wr_server *server, void *what)
{
	if (server->hub)
		wr_telling_apply_org(server->intents, what);
}

static void free_org(void *what)
{
	wr_org_intent_free(what);
}

int wr_intend_org(struct wr_call *call, int64_t org)
{
	struct wr_telling telling = { .server = call->server, .db = call->db };
	struct wr_org_intent *intent = NULL;
	int error = wr_org_intent_new(call->db, &call->server->vault, org, &intent);

	if (!error)
		error = wr_telling_add_policy(&telling, intent);
	if (error) {
		wr_org_intent_free(intent);
		return wr_call_fail_db(call, error);
	}
	wr_call_then(call, apply_org_of_call, intent, free_org);
	wr_intend_maps_of(call, org);
	return 0;
}

/* Numbers of what is gone, or a policy. */
struct small_intent {
	uint64_t org, machine, version;
	struct wr_policy *policy;
	const char *reason, *text;
};

static void free_small(void *what)
{
	struct small_intent *small = what;

	wr_policy_free(small->policy);
	free(small);
}

static void say_small(struct wr_call *call, void (*apply)(struct wr_server *server, void *what),
		      const struct small_intent *values)
{
	struct small_intent *small = malloc(sizeof(*small));

	if (!small) {
		wr_policy_free(values->policy);
		wr_call_fail_db(call, -ENOMEM);
		return;
	}
	*small = *values;
	wr_call_then(call, apply, small, free_small);
}

static void apply_org_gone(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->hub)
		wr_telling_remove_org(server->intents, small->org);
}

void wr_intend_org_gone(struct wr_call *call, int64_t org)
{
	say_small(call, apply_org_gone, &(struct small_intent){ .org = (uint64_t)org });
	wr_intend_maps_of(call, org);
}

static void apply_machine(struct wr_server *server, void *what)
{
	const struct wr_machine_intent *intent = what;

	if (server->hub)
		wr_machine_intent_apply(server->hub, intent);
	if (server->agents)
		wr_agents_machine_changed(server->agents, (int64_t)intent->machine.org,
					  (int64_t)intent->machine.number);
}

static void free_machine(void *what)
{
	wr_machine_intent_free(what);
}

int wr_intend_machine(struct wr_call *call, int64_t id, bool is_back)
{
	struct wr_machine_intent *intent = NULL;
	struct wr_machine machine = { 0 };
	int found = wr_machine_get(call->db, id, &machine);

	if (found > 0) {
		intent = wr_machine_intent_new(&machine, &call->server->vault, wr_call_time(call),
					       is_back);
		found = intent ? 0 : -ENOMEM;
	}
	wr_machine_done(&machine);
	if (!intent)
		return wr_call_fail_db(call, found ? found : -ENOENT);
	wr_call_then(call, apply_machine, intent, free_machine);
	return 0;
}

static void apply_machine_gone(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->hub)
		wr_hub_remove_machine(server->hub, small->org, small->machine);
}

void wr_intend_machine_gone(struct wr_call *call, int64_t org, int64_t machine)
{
	say_small(call, apply_machine_gone,
		  &(struct small_intent){ .org = (uint64_t)org, .machine = (uint64_t)machine });
}

/* --- What agents are told. --- */

static void apply_maps(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->agents)
		wr_agents_org_changed(server->agents, (int64_t)small->org);
}

void wr_intend_maps_of(struct wr_call *call, int64_t org)
{
	say_small(call, apply_maps, &(struct small_intent){ .org = (uint64_t)org });
}

void wr_intend_maps(struct wr_call *call)
{
	wr_intend_maps_of(call, call->org);
}

static void apply_agent_end(struct wr_server *server, void *what)
{
	const struct small_intent *small = what;

	if (server->agents)
		wr_agents_end(server->agents, (int64_t)small->machine, small->reason, small->text);
}

void wr_intend_agent_end(struct wr_call *call, int64_t machine, const char *reason,
			 const char *text)
{
	say_small(call, apply_agent_end,
		  &(struct small_intent){
			  .machine = (uint64_t)machine, .reason = reason, .text = text });
}

static void apply_policy(struct wr_server *server, void *what)
{
	struct small_intent *small = what;

	if (server->hub)
		wr_hub_set_policy(server->hub, small->org, WR_TAKE(small->policy), small->version);
}

void wr_intend_policy(struct wr_call *call, int64_t org, struct wr_policy *policy, int64_t version)
{
	say_small(call, apply_policy,
		  &(struct small_intent){
			  .org = (uint64_t)org, .version = (uint64_t)version, .policy = policy });
	wr_intend_maps_of(call, org);
}
