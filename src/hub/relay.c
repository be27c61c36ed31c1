/* Who may talk through the port unopened: machines that the policy in force connects. */
#include "hub/state.h"

bool wr_hub_may_relay(void *context, const struct wr_peer *from, const struct wr_peer *to)
{
	const struct wr_forwarding *forwarding = wr_engine_forwarding(from->device);

	(void)context;
	return from->device == to->device && forwarding && forwarding->filter &&
	       wr_ruleset_connects(wr_filter_ruleset(forwarding->filter), from->slot, to->slot);
}

void wr_hub_review_relay(struct wr_hub_org_state *org)
{
	wr_engine_review_relay(org->hub->engine, org->device);
}
