#include "network.h"

void network_set(struct network *network, size_t slot, const struct machine *machine)
{
	struct wr_member *member = &network->members[slot];
	char *save = NULL;

	assert_true(slot < NETWORK_MACHINES_MAX);
	*member = (struct wr_member){
		.slot = (uint32_t)slot,
		.name = machine->name,
		.tags = network->tags[slot],
	};
	if (machine->v4)
		member->v4 = ip_from(machine->v4);
	if (machine->v6)
		member->v6 = ip_from(machine->v6);
	snprintf(network->tag_text[slot], sizeof(network->tag_text[slot]), "%s",
		 machine->tags ? machine->tags : "");
	for (char *tag = strtok_r(network->tag_text[slot], " ", &save); tag;
	     tag = strtok_r(NULL, " ", &save))
		network->tags[slot][member->tag_count++] = tag;
}

void network_init(struct network *network, const struct machine *machines, size_t count)
{
	memset(network, 0, sizeof(*network));
	network->count = count;
	for (size_t i = 0; i < count; i++)
		network_set(network, i, &machines[i]);
}

static void print_faults(const struct wr_policy_faults *faults)
{
	for (unsigned i = 0; i < faults->count && i < WR_POLICY_FAULTS; i++)
		print_message("line %u: %s\n", faults->faults[i].line, faults->faults[i].text);
}

struct wr_policy *policy_from(const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy =
		wr_policy_parse((struct wr_bytes){ (const uint8_t *)text, strlen(text) }, &faults);

	print_faults(&faults);
	assert_non_null(policy);
	assert_int_equal(faults.count, 0);
	return policy;
}

struct wr_ruleset *ruleset_from(const struct network *network, const char *text)
{
	struct wr_policy_faults faults;
	struct wr_policy *policy = policy_from(text);
	struct wr_ruleset *ruleset = wr_ruleset_compile(policy, network->members, network->count,
							NETWORK_MACHINES_MAX, 1, &faults);

	print_faults(&faults);
	assert_non_null(ruleset);
	wr_policy_free(policy);
	return ruleset;
}
