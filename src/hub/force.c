/* Policies into force: compiled when what they depend on has changed, once for all
 * changes that came together. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hub/state.h"

/* Room in a new ruleset for machines to come. */
#define SPARE_SLOTS 64

struct wr_ruleset *wr_hub_nothing(void)
{
	static const char text[] = "default deny\n";
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);
	struct wr_ruleset *ruleset = policy ? wr_ruleset_compile(policy, NULL, 0, 1, 0, &faults)
					    : NULL;

	wr_policy_free(policy);
	if (!ruleset)
		wr_hub_no_memory();
	return ruleset;
}

static struct wr_member member_of(const struct wr_hub_machine_state *machine)
{
	return (struct wr_member){
		.slot = machine->slot,
		.name = machine->label,
		.tags = (const char *const *)machine->tags,
		.tag_count = machine->tag_count,
		.v4 = machine->v4,
		.v6 = machine->v6,
	};
}

void wr_hub_stale(struct wr_hub_org_state *org)
{
	if (!org->is_stale) {
		org->is_stale = true;
		org->stale_next = org->hub->stale;
		org->hub->stale = org;
	}
	wr_hub_unsettle(org->hub);
}

void wr_hub_unstale(struct wr_hub_org_state *org)
{
	struct wr_hub_org_state **at = &org->hub->stale;

	while (*at && *at != org)
		at = &(*at)->stale_next;
	if (*at)
		*at = org->stale_next;
	org->is_stale = false;
}

void wr_hub_place(struct wr_hub_machine_state *machine)
{
	struct wr_hub_org_state *org = machine->org;
	struct wr_member member = member_of(machine);

	if (org->is_stale)
		return;
	if (!org->policy || !wr_ruleset_place(wr_filter_ruleset(org->filter), &member))
		wr_hub_stale(org);
	else
		wr_hub_review_relay(org);
}

static struct wr_member *members_of(const struct wr_hub_org_state *org)
{
	struct wr_member *members = calloc(org->machines.count + 1, sizeof(*members));
	const struct wr_hub_machine_state *machine;
	size_t count = 0, at = 0;

	if (!members)
		wr_hub_no_memory();
	while ((machine = wr_map_next(&org->machines, &at)))
		members[count++] = member_of(machine);
	return members;
}

/* Memory was short, which is all that can go wrong. What was compiled last stays in force: a
 * network goes on by a policy that was good rather than stop. */
static void keep_last(struct wr_hub_org_state *org, const struct wr_policy_faults *faults)
{
	org->hub->policy_faults += !org->has_policy_fault;
	if (!org->has_policy_fault)
		wr_log_error("policy is not in force: org=%s version=%llu line=%u fault=\"%s\"",
			     org->label, (unsigned long long)org->policy_version,
			     faults->faults[0].line, faults->faults[0].text);
	org->has_policy_fault = true;
}

static void compile(struct wr_hub_org_state *org)
{
	struct wr_policy_faults faults = { 0 };
	struct wr_member *members = members_of(org);
	uint32_t slots = org->slot_next + org->slot_next / 4 + SPARE_SLOTS;
	struct wr_ruleset *ruleset;

	ruleset = wr_ruleset_compile_saved(org->policy, members, org->machines.count, slots,
					   ++org->ruleset_version, &faults);
	free(members);
	if (!ruleset) {
		keep_last(org, &faults);
		return;
	}
	org->has_policy_fault = false;
	wr_filter_set_ruleset(org->filter, ruleset, wr_engine_retired(org->hub->engine));
	wr_hub_review_relay(org);
}

void wr_hub_set_policy(struct wr_hub *hub, uint64_t number, struct wr_policy *policy,
		       uint64_t version)
{
	struct wr_hub_org_state *org = wr_hub_org(hub, number);

	if (!org) {
		wr_policy_free(policy);
		return;
	}
	wr_policy_free(org->policy);
	org->policy = policy;
	org->policy_version = version;
	wr_hub_stale(org);
}

/* --- Settling. --- */

static void compile_all(struct wr_hub *hub)
{
	struct wr_hub_org_state *org;

	while ((org = hub->stale)) {
		hub->stale = org->stale_next;
		org->is_stale = false;
		if (org->policy)
			compile(org);
	}
}

static void free_resting_slots(struct wr_hub *hub)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	while ((org = wr_map_next(&hub->orgs, &at)))
		while (org->resting_count)
			org->free_slots[org->free_count++] =
				org->resting_slots[--org->resting_count];
}

static void call_waiters(struct wr_hub *hub)
{
	struct wr_hub_waiter *waiter = hub->waiters;

	hub->waiters = NULL;
	hub->waiters_end = &hub->waiters;
	while (waiter) {
		struct wr_hub_waiter *next = waiter->next;

		waiter->settled(waiter->context);
		free(waiter);
		waiter = next;
	}
}

void wr_hub_settle_now(uv_idle_t *idle)
{
	struct wr_hub *hub = idle->data;

	uv_idle_stop(idle);
	compile_all(hub);
	wr_engine_settle(hub->engine);
	free_resting_slots(hub);
	wr_driver_run(&hub->driver);
	call_waiters(hub);
}

void wr_hub_unsettle(struct wr_hub *hub)
{
	if (!hub->is_closing)
		uv_idle_start(&hub->settle, wr_hub_settle_now);
}

void wr_hub_settle(struct wr_hub *hub, void (*settled)(void *context), void *context)
{
	struct wr_hub_waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		wr_hub_no_memory();
	*waiter = (struct wr_hub_waiter){ settled, context, NULL };
	*hub->waiters_end = waiter;
	hub->waiters_end = &waiter->next;
	wr_hub_unsettle(hub);
}
