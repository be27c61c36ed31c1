#include "policy/terms.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/parsed.h"

struct walk {
	const struct wr_policy *policy;
	uint32_t *seen; /* by selector: the side in which it was met last */
	uint32_t side;
	uint32_t *waiting; /* selectors; room for all */
	struct wr_term *terms[2];
	struct wr_terms_ports *ports;
};

static struct wr_term term_of(const struct wr_selector *selector)
{
	static const enum wr_term_kind kinds[WR_SELECT_KINDS] = {
		[WR_SELECT_ALL] = WR_TERM_ALL,
		[WR_SELECT_MACHINE] = WR_TERM_MACHINE,
		[WR_SELECT_TAG] = WR_TERM_TAG,
		[WR_SELECT_PREFIX] = WR_TERM_PREFIX,
	};

	return (struct wr_term){
		.kind = kinds[selector->kind],
		.name = { (const uint8_t *)selector->name.text, selector->name.len },
		.prefix = selector->prefix,
	};
}

static size_t meet(struct walk *walk, const struct wr_side *side, size_t count)
{
	for (uint32_t i = 0; i < side->count; i++) {
		uint32_t selector = walk->policy->refs[side->first + i];

		if (walk->seen[selector] == walk->side)
			continue;
		walk->seen[selector] = walk->side;
		walk->waiting[count++] = selector;
	}
	return count;
}

/* What a side names, and what the groups hold that it names. */
static size_t expand(struct walk *walk, const struct wr_side *side, struct wr_term *ret_terms)
{
	size_t count, kept = 0;

	walk->side++;
	count = meet(walk, side, 0);
	for (size_t i = 0; i < count; i++) {
		const struct wr_selector *selector =
			&walk->policy->selectors.items[walk->waiting[i]];

		if (selector->kind == WR_SELECT_GROUP)
			count = meet(walk, &selector->members, count);
		else
			ret_terms[kept++] = term_of(selector);
	}
	return kept;
}

static void copy_ports(struct walk *walk, const struct wr_rule *rule)
{
	static const enum wr_terms_protocol protocols[WR_TRAFFICS] = {
		[WR_TRAFFIC_TCP] = WR_TERMS_TCP,
		[WR_TRAFFIC_UDP] = WR_TERMS_UDP,
		[WR_TRAFFIC_ICMP] = WR_TERMS_ICMP,
	};

	for (uint32_t i = 0; i < rule->port_count; i++) {
		const struct wr_ports *ports = &walk->policy->ports[rule->port_first + i];

		walk->ports[i] = (struct wr_terms_ports){ protocols[ports->traffic], ports->low,
							  ports->high };
	}
}

static bool make_room(struct walk *walk)
{
	size_t selectors = walk->policy->selectors.count + 1;

	walk->seen = calloc(selectors, sizeof(*walk->seen));
	walk->waiting = calloc(selectors, sizeof(*walk->waiting));
	walk->terms[0] = calloc(selectors, sizeof(struct wr_term));
	walk->terms[1] = calloc(selectors, sizeof(struct wr_term));
	walk->ports = calloc(walk->policy->port_count + 1, sizeof(*walk->ports));
	return walk->seen && walk->waiting && walk->terms[0] && walk->terms[1] && walk->ports;
}

static int call(struct walk *walk, const struct wr_rule *rule,
		int (*each)(void *context, const struct wr_rule_terms *rule), void *context)
{
	struct wr_rule_terms terms = {
		.is_allowed = rule->is_allowed,
		.src = walk->terms[0],
		.dst = walk->terms[1],
		.ports = walk->ports,
		.port_count = rule->port_count,
	};

	terms.src_count = expand(walk, &rule->src, walk->terms[0]);
	terms.dst_count = expand(walk, &rule->dst, walk->terms[1]);
	copy_ports(walk, rule);
	return each(context, &terms);
}

int wr_policy_walk(const struct wr_policy *policy,
		   int (*each)(void *context, const struct wr_rule_terms *rule), void *context)
{
	struct walk walk = { .policy = policy };
	int status = make_room(&walk) ? 0 : -ENOMEM;

	for (size_t i = 0; status == 0 && i < policy->rules.count; i++)
		status = call(&walk, &policy->rules.items[i], each, context);
	free(walk.seen);
	free(walk.waiting);
	free(walk.terms[0]);
	free(walk.terms[1]);
	free(walk.ports);
	return status;
}

bool wr_policy_allows_by_default(const struct wr_policy *policy)
{
	return policy->is_allowed_by_default;
}
