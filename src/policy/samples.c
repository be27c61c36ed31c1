#include "policy/samples.h"

#include <stdlib.h>

static const struct wr_interval *around(const struct wr_ruleset *ruleset, const struct wr_ip *ip)
{
	const struct wr_intervals *intervals = ip->family == WR_IPV4 ? &ruleset->prefixes4
								     : &ruleset->prefixes6;

	return wr_intervals_find(intervals, wr_address_of(ip->family, ip->bytes));
}

static void add_member(const struct wr_compiler *compiler, struct wr_samples *all, size_t member,
		       const struct wr_ip *ip)
{
	if (ip->family == WR_FAMILY_NONE)
		return;
	all->items[all->count++] = (struct wr_sample){
		.family = ip->family,
		.class = compiler->member_classes[member],
		.around = around(compiler->ruleset, ip),
		.name = compiler->members[member].name,
		.count = 1,
		.prefix = { *ip, (uint8_t)wr_ip_bits(ip->family) },
	};
}

static int compare(const void *a, const void *b)
{
	const struct wr_sample *left = a, *right = b;

	if (left->family != right->family)
		return left->family < right->family ? -1 : 1;
	if (left->class != right->class)
		return left->class < right->class ? -1 : 1;
	return (left->around > right->around) - (left->around < right->around);
}

/* One of each kind stays, and says how many there were. */
static void unite(struct wr_samples *samples)
{
	size_t kept = 0;

	qsort(samples->items, samples->count, sizeof(*samples->items), compare);
	for (size_t i = 1; i < samples->count; i++) {
		if (compare(&samples->items[kept], &samples->items[i]) == 0)
			samples->items[kept].count++;
		else
			samples->items[++kept] = samples->items[i];
	}
	samples->count = samples->count ? kept + 1 : 0;
}

static void add_prefixes(const struct wr_compiler *compiler, struct wr_samples *all)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;

	for (size_t i = 0; i < selectors->count; i++) {
		const struct wr_selector *selector = &selectors->items[i];

		if (selector->kind != WR_SELECT_PREFIX)
			continue;
		all->items[all->count++] = (struct wr_sample){
			.family = selector->prefix.ip.family,
			.around = around(compiler->ruleset, &selector->prefix.ip),
			.prefix = selector->prefix,
		};
	}
}

void wr_samples_take(const struct wr_compiler *compiler, struct wr_samples *all)
{
	for (size_t i = 0; i < compiler->member_count; i++) {
		add_member(compiler, all, i, &compiler->members[i].v4);
		add_member(compiler, all, i, &compiler->members[i].v6);
	}
	unite(all);
	add_prefixes(compiler, all);
}

/* --- What a side of a test names. --- */

static bool has_mark(const struct wr_compiler *compiler, uint32_t selector)
{
	return compiler->marks[selector] == compiler->mark;
}

/* Marks the selectors of a side and those in its groups. */
static size_t mark_side(struct wr_compiler *compiler, const struct wr_side *side)
{
	const struct wr_policy *policy = compiler->policy;
	size_t count = 0;

	compiler->mark++;
	for (size_t next = 0; next <= count; next++) {
		const struct wr_side *from =
			next ? &policy->selectors.items[compiler->walk[next - 1]].members : side;

		for (uint32_t i = 0; i < from->count; i++) {
			uint32_t selector = policy->refs[from->first + i];

			if (has_mark(compiler, selector))
				continue;
			compiler->marks[selector] = compiler->mark;
			compiler->walk[count++] = selector;
		}
	}
	return count;
}

static bool is_class_named(const struct wr_compiler *compiler, uint32_t number)
{
	const struct wr_class *class = &compiler->ruleset->classes[number];

	for (uint32_t i = 0; i < class->signature_count; i++)
		if (has_mark(compiler, compiler->ruleset->signatures[class->signature_first + i]))
			return true;
	return false;
}

static bool is_inside(const struct wr_prefix *inner, const struct wr_prefix *outer)
{
	wr_address difference;
	unsigned host_bits = wr_ip_bits(outer->ip.family) - outer->length;

	if (inner->ip.family != outer->ip.family || inner->length < outer->length)
		return false;
	difference = wr_address_of(inner->ip.family, inner->ip.bytes) ^
		     wr_address_of(outer->ip.family, outer->ip.bytes);
	return host_bits == 128 || difference >> host_bits == 0;
}

static bool is_prefix_named(const struct wr_compiler *compiler, size_t named,
			    const struct wr_prefix *prefix)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;

	for (size_t i = 0; i < named; i++) {
		const struct wr_selector *selector = &selectors->items[compiler->walk[i]];

		if (selector->kind == WR_SELECT_PREFIX && is_inside(prefix, &selector->prefix))
			return true;
	}
	return false;
}

void wr_samples_choose(struct wr_compiler *compiler, const struct wr_samples *all,
		       const struct wr_side *side, struct wr_samples *chosen)
{
	size_t named = mark_side(compiler, side);

	chosen->count = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct wr_sample *sample = &all->items[i];

		if (is_class_named(compiler, sample->class) ||
		    is_prefix_named(compiler, named, &sample->prefix))
			chosen->items[chosen->count++] = *sample;
	}
}
