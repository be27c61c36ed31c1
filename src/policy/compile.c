#include "policy/compile.h"

#include <stdlib.h>
#include <string.h>

/* --- Names that nobody has. --- */

/* In the order of the lines, each name once. */
static void fault_unknown(struct wr_compiler *compiler, bool *is_known)
{
	const struct wr_policy *policy = compiler->policy;

	for (size_t i = 0; i < policy->ref_count; i++) {
		const struct wr_selector *selector = &policy->selectors.items[policy->refs[i]];

		if (selector->kind != WR_SELECT_MACHINE || is_known[policy->refs[i]])
			continue;
		is_known[policy->refs[i]] = true;
		wr_faults_add(compiler->faults, selector->line,
			      "there is no machine '%.*s': mend the name, add the machine, or "
			      "define a group of that name",
			      WR_FAULT_WORD(selector->name.len), selector->name.text);
	}
}

static void fault_ambiguous(struct wr_compiler *compiler, const bool *is_known)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;

	for (size_t i = 0; i < selectors->count; i++) {
		const struct wr_selector *selector = &selectors->items[i];

		if (selector->kind == WR_SELECT_GROUP && is_known[i])
			wr_faults_add(compiler->faults, selector->line,
				      "'%.*s' is a group and also a machine: give the group "
				      "another name",
				      WR_FAULT_WORD(selector->name.len), selector->name.text);
	}
}

static void know(const struct wr_symbols *selectors, enum wr_selector_kind kind, const char *name,
		 bool *is_known)
{
	uint32_t found = wr_symbols_find_named(selectors, kind, name);

	if (found != WR_SYMBOL_NONE)
		is_known[found] = true;
}

/* A machine that is named like a group makes a text ambiguous. */
static bool check_names(struct wr_compiler *compiler)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;
	bool *is_known = calloc(selectors->count + 1, sizeof(*is_known));

	if (!is_known)
		return false;
	for (size_t i = 0; i < compiler->member_count; i++) {
		know(selectors, WR_SELECT_MACHINE, compiler->members[i].name, is_known);
		know(selectors, WR_SELECT_GROUP, compiler->members[i].name, is_known);
	}
	fault_unknown(compiler, is_known);
	fault_ambiguous(compiler, is_known);
	free(is_known);
	return true;
}

/* --- What a ruleset keeps of its policy. --- */

static void *copy_of(const void *items, size_t count, size_t size)
{
	void *copy = calloc(count + 1, size);

	if (copy && count)
		memcpy(copy, items, count * size);
	return copy;
}

/* Names point into the text. */
static bool copy_selectors(struct wr_ruleset *ruleset, const struct wr_policy *policy)
{
	const struct wr_symbols *from = &policy->selectors;

	ruleset->names = copy_of(policy->text, policy->text_len, 1);
	if (!ruleset->names || !wr_symbols_copy(from, &ruleset->selectors))
		return false;
	for (size_t i = 0; i < from->count; i++)
		if (from->items[i].name.text)
			ruleset->selectors.items[i].name.text =
				ruleset->names + (from->items[i].name.text - policy->text);
	return true;
}

static bool copy_policy(struct wr_ruleset *ruleset, const struct wr_policy *policy)
{
	ruleset->rule_count = policy->rules.count;
	ruleset->rules = copy_of(policy->rules.items, policy->rules.count, sizeof(struct wr_rule));
	ruleset->ports = copy_of(policy->ports, policy->port_count, sizeof(struct wr_ports));
	ruleset->is_allowed_by_default = policy->is_allowed_by_default;
	ruleset->default_line = policy->default_line;
	ruleset->topology = policy->topology;
	return ruleset->rules && ruleset->ports && copy_selectors(ruleset, policy);
}

/* --- The whole. --- */

static void compiler_done(struct wr_compiler *compiler)
{
	free(compiler->groups.starts);
	free(compiler->groups.items);
	free(compiler->src);
	free(compiler->dst);
	free(compiler->is_direct);
	free(compiler->marks);
	free(compiler->walk);
	free(compiler->member_classes);
}

/* False where memory is short. */
static bool compile(struct wr_compiler *compiler)
{
	struct wr_ruleset *ruleset = compiler->ruleset;

	if (!wr_vectors_init(&ruleset->vectors, compiler->policy->rules.count) ||
	    !copy_policy(ruleset, compiler->policy) || !wr_compile_selectors(compiler) ||
	    !wr_compile_ports(compiler) || !wr_compile_prefixes(compiler) ||
	    !wr_compile_classes(compiler) || ruleset->vectors.is_out_of_memory)
		return false;
	wr_vectors_seal(&ruleset->vectors);
	return true;
}

static struct wr_ruleset *finish(struct wr_compiler *compiler, bool is_done)
{
	if (!is_done)
		wr_faults_add(compiler->faults, 0, "out of memory");
	compiler_done(compiler);
	return compiler->faults->count ? wr_ruleset_free(compiler->ruleset) : compiler->ruleset;
}

static bool start(struct wr_compiler *compiler, uint32_t slots, uint64_t version)
{
	struct wr_ruleset *ruleset = calloc(1, sizeof(*ruleset));

	*compiler->faults = (struct wr_policy_faults){ 0 };
	compiler->ruleset = ruleset;
	if (!ruleset)
		return false;
	ruleset->version = version;
	ruleset->slot_count = slots;
	atomic_init(&ruleset->edition, 1);
	return true;
}

struct wr_ruleset *wr_ruleset_compile(const struct wr_policy *policy,
				      const struct wr_member *members, size_t member_count,
				      uint32_t slots, uint64_t version,
				      struct wr_policy_faults *ret_faults)
{
	struct wr_compiler compiler = {
		.policy = policy,
		.members = members,
		.member_count = member_count,
		.faults = ret_faults,
	};
	bool is_done = start(&compiler, slots, version) && check_names(&compiler) &&
		       compile(&compiler) && wr_compile_tests(&compiler);

	return finish(&compiler, is_done);
}

struct wr_ruleset *wr_ruleset_compile_saved(const struct wr_policy *policy,
					    const struct wr_member *members, size_t member_count,
					    uint32_t slots, uint64_t version,
					    struct wr_policy_faults *ret_faults)
{
	struct wr_compiler compiler = {
		.policy = policy,
		.members = members,
		.member_count = member_count,
		.faults = ret_faults,
	};
	bool is_done = start(&compiler, slots, version) && compile(&compiler);

	return finish(&compiler, is_done);
}
