/* A network for tests of the policy: machines from a table, a policy from a text. */
#pragma once

#include "packets.h"
#include "policy/filter.h"
#include "policy/policy.h"
#include "policy/ruleset.h"
#include "unit.h"

/* Tags are separated by blanks. Its slot is its place in the table. */
struct machine {
	const char *name, *tags, *v4, *v6;
};

#define NETWORK_MACHINES_MAX 16
#define NETWORK_TAGS_MAX 4

struct network {
	struct wr_member members[NETWORK_MACHINES_MAX];
	const char *tags[NETWORK_MACHINES_MAX][NETWORK_TAGS_MAX];
	char tag_text[NETWORK_MACHINES_MAX][64];
	size_t count;
};

void network_init(struct network *network, const struct machine *machines, size_t count);
/* As network_init, for one member. */
void network_set(struct network *network, size_t slot, const struct machine *machine);

struct wr_policy *policy_from(const char *text);
/* Of a text that has no faults; with some slots to spare. */
struct wr_ruleset *ruleset_from(const struct network *network, const char *text);
