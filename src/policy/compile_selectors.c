#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

/* --- Lists by selector, in two passes: count, then fill. --- */

static bool lists_init(struct wr_lists *lists, size_t count, size_t items)
{
	lists->starts = calloc(count + 2, sizeof(*lists->starts));
	lists->items = calloc(items + 1, sizeof(*lists->items));
	return lists->starts && lists->items;
}

static void lists_done(struct wr_lists *lists)
{
	free(lists->starts);
	free(lists->items);
}

/* Counts stand two places behind their list's, so that filling moves each start to
 * where it belongs. */
static void count_side(struct wr_lists *lists, const struct wr_policy *policy,
		       const struct wr_side *side)
{
	for (uint32_t i = 0; i < side->count; i++)
		lists->starts[policy->refs[side->first + i] + 2]++;
}

static void add_up(struct wr_lists *lists, size_t count)
{
	for (size_t i = 2; i <= count + 1; i++)
		lists->starts[i] += lists->starts[i - 1];
}

static void fill_side(struct wr_lists *lists, const struct wr_policy *policy,
		      const struct wr_side *side, uint32_t number)
{
	for (uint32_t i = 0; i < side->count; i++)
		lists->items[lists->starts[policy->refs[side->first + i] + 1]++] = number;
}

/* --- Groups around selectors. --- */

static bool list_groups(struct wr_compiler *compiler)
{
	const struct wr_policy *policy = compiler->policy;
	struct wr_lists *groups = &compiler->groups;

	if (!lists_init(groups, policy->selectors.count, policy->ref_count))
		return false;
	for (size_t i = 0; i < policy->selectors.count; i++)
		count_side(groups, policy, &policy->selectors.items[i].members);
	add_up(groups, policy->selectors.count);
	for (size_t i = 0; i < policy->selectors.count; i++)
		fill_side(groups, policy, &policy->selectors.items[i].members, (uint32_t)i);
	return true;
}

static size_t reach(struct wr_compiler *compiler, uint32_t selector, size_t count)
{
	if (compiler->marks[selector] == compiler->mark)
		return count;
	compiler->marks[selector] = compiler->mark;
	compiler->walk[count] = selector;
	return count + 1;
}

size_t wr_compile_walk(struct wr_compiler *compiler, const uint32_t *selectors, size_t count)
{
	const struct wr_lists *groups = &compiler->groups;
	size_t reached = 0;

	compiler->mark++;
	for (size_t i = 0; i < count; i++)
		reached = reach(compiler, selectors[i], reached);
	for (size_t i = 0; i < reached; i++) {
		uint32_t selector = compiler->walk[i];

		for (uint32_t j = groups->starts[selector]; j < groups->starts[selector + 1]; j++)
			reached = reach(compiler, groups->items[j], reached);
	}
	return reached;
}

/* --- Rules that a selector stands in. --- */

static const struct wr_side *side_of(const struct wr_rule *rule, bool is_src)
{
	return is_src ? &rule->src : &rule->dst;
}

static void pack(struct wr_compiler *compiler, const struct wr_lists *rules, uint32_t *vectors)
{
	struct wr_vectors *all = &compiler->ruleset->vectors;

	for (size_t i = 0; i < compiler->policy->selectors.count; i++) {
		for (uint32_t j = rules->starts[i]; j < rules->starts[i + 1]; j++)
			wr_vectors_set(all, rules->items[j]);
		vectors[i] = wr_vectors_finish(all);
	}
}

static bool list_rules(struct wr_compiler *compiler, bool is_src, uint32_t *vectors)
{
	const struct wr_policy *policy = compiler->policy;
	struct wr_lists rules = { 0 };
	bool is_done = lists_init(&rules, policy->selectors.count, policy->ref_count);

	if (is_done) {
		for (size_t i = 0; i < policy->rules.count; i++)
			count_side(&rules, policy, side_of(&policy->rules.items[i], is_src));
		add_up(&rules, policy->selectors.count);
		for (size_t i = 0; i < policy->rules.count; i++)
			fill_side(&rules, policy, side_of(&policy->rules.items[i], is_src),
				  (uint32_t)i);
		pack(compiler, &rules, vectors);
	}
	lists_done(&rules);
	return is_done;
}

static void mark_direct(struct wr_compiler *compiler)
{
	const struct wr_policy *policy = compiler->policy;

	for (size_t i = 0; i < policy->direct_count; i++)
		for (uint32_t j = 0; j < policy->direct[i].count; j++)
			compiler->is_direct[policy->refs[policy->direct[i].first + j]] = true;
}

bool wr_compile_selectors(struct wr_compiler *compiler)
{
	size_t count = compiler->policy->selectors.count + 1;

	compiler->src = calloc(count, sizeof(uint32_t));
	compiler->dst = calloc(count, sizeof(uint32_t));
	compiler->marks = calloc(count, sizeof(uint32_t));
	compiler->walk = calloc(count, sizeof(uint32_t));
	compiler->is_direct = calloc(count, sizeof(bool));
	if (!compiler->src || !compiler->dst || !compiler->marks || !compiler->walk ||
	    !compiler->is_direct)
		return false;
	mark_direct(compiler);
	return list_groups(compiler) && list_rules(compiler, true, compiler->src) &&
	       list_rules(compiler, false, compiler->dst);
}
