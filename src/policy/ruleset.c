#include "policy/ruleset.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"

struct wr_ruleset *wr_ruleset_free(struct wr_ruleset *ruleset)
{
	if (!ruleset)
		return NULL;
	wr_vectors_done(&ruleset->vectors);
	wr_symbols_done(&ruleset->selectors);
	for (unsigned i = 0; i < WR_ARRAY_LEN(ruleset->intervals); i++) {
		free(ruleset->intervals[i].starts);
		free(ruleset->intervals[i].rules);
	}
	free(ruleset->rules);
	free(ruleset->ports);
	free(ruleset->prefixes4.items);
	free(ruleset->prefixes6.items);
	free(ruleset->slots);
	free(ruleset->classes);
	free(ruleset->names);
	free(ruleset->signatures);
	free(ruleset->class_table);
	free(ruleset);
	return NULL;
}

uint64_t wr_ruleset_version(const struct wr_ruleset *ruleset)
{
	return ruleset->version;
}

size_t wr_ruleset_class_count(const struct wr_ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->class_count; i++)
		count += ruleset->classes[i].has_members;
	return count;
}

/* --- Classes. --- */

static int compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static size_t without_repetition(uint32_t *items, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || items[i] != items[kept - 1])
			items[kept++] = items[i];
	return kept;
}

static size_t add_named(const struct wr_symbols *selectors, enum wr_selector_kind kind,
			const char *name, uint32_t *ret)
{
	uint32_t found = wr_symbols_find_named(selectors, kind, name);

	if (found == WR_SYMBOL_NONE)
		return 0;
	*ret = found;
	return 1;
}

size_t wr_signature_of(const struct wr_symbols *selectors, const struct wr_member *member,
		       uint32_t *ret)
{
	size_t count = add_named(selectors, WR_SELECT_ALL, "", ret);

	count += add_named(selectors, WR_SELECT_MACHINE, member->name, ret + count);
	for (size_t i = 0; i < member->tag_count; i++)
		count += add_named(selectors, WR_SELECT_TAG, member->tags[i], ret + count);
	qsort(ret, count, sizeof(*ret), compare);
	return without_repetition(ret, count);
}

static size_t place_of(const struct wr_ruleset *ruleset, const uint32_t *signature, size_t count)
{
	/* SplitMix64's multiplier. */
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		hash = (hash ^ signature[i]) * UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 29;
	}
	return (size_t)hash & ruleset->class_table_mask;
}

static bool has_signature(const struct wr_ruleset *ruleset, uint32_t class,
			  const uint32_t *signature, size_t count)
{
	const struct wr_class *this = &ruleset->classes[class];

	return this->signature_count == count &&
	       (!count || memcmp(ruleset->signatures + this->signature_first, signature,
				 count * sizeof(*signature)) == 0);
}

uint32_t *wr_class_place(const struct wr_ruleset *ruleset, const uint32_t *signature, size_t count)
{
	size_t place = place_of(ruleset, signature, count);

	while (ruleset->class_table[place] &&
	       !has_signature(ruleset, ruleset->class_table[place], signature, count))
		place = (place + 1) & ruleset->class_table_mask;
	return &ruleset->class_table[place];
}

/* --- Changes in place. --- */

static void write_addresses(struct wr_slot *slot, const struct wr_member *member)
{
	uint32_t v4 = 0;
	uint64_t v6[2] = { 0, 0 };

	if (member->v4.family == WR_IPV4)
		memcpy(&v4, member->v4.bytes, sizeof(v4));
	if (member->v6.family == WR_IPV6)
		memcpy(v6, member->v6.bytes, sizeof(v6));
	if (v4 == atomic_load_explicit(&slot->v4, memory_order_relaxed) &&
	    v6[0] == atomic_load_explicit(&slot->v6[0], memory_order_relaxed) &&
	    v6[1] == atomic_load_explicit(&slot->v6[1], memory_order_relaxed))
		return;
	atomic_store_explicit(&slot->class, WR_CLASS_NOBODY, memory_order_relaxed);
	/* Who reads one of these sees that the slot has no class. */
	atomic_store_explicit(&slot->v4, v4, memory_order_release);
	atomic_store_explicit(&slot->v6[0], v6[0], memory_order_release);
	atomic_store_explicit(&slot->v6[1], v6[1], memory_order_release);
}

/* Flows that were judged before are judged again. */
static void move_on(struct wr_ruleset *ruleset)
{
	atomic_fetch_add_explicit(&ruleset->edition, 1, memory_order_release);
}

void wr_slot_write(struct wr_slot *slot, const struct wr_member *member, uint32_t class)
{
	write_addresses(slot, member);
	atomic_store_explicit(&slot->class, class, memory_order_release);
}

/* More tags than this are rare: then all is compiled again. */
#define PLACE_TAGS_MAX 62

bool wr_ruleset_place(struct wr_ruleset *ruleset, const struct wr_member *member)
{
	uint32_t signature[PLACE_TAGS_MAX + 2];
	size_t count;
	uint32_t class;

	if (member->slot >= ruleset->slot_count || member->tag_count > PLACE_TAGS_MAX)
		return false;
	count = wr_signature_of(&ruleset->selectors, member, signature);
	class = *wr_class_place(ruleset, signature, count);
	if (class == WR_CLASS_NOBODY)
		return false;
	wr_slot_write(&ruleset->slots[member->slot], member, class);
	move_on(ruleset);
	return true;
}

void wr_ruleset_vacate(struct wr_ruleset *ruleset, uint32_t slot)
{
	if (slot >= ruleset->slot_count)
		return;
	atomic_store_explicit(&ruleset->slots[slot].class, WR_CLASS_NOBODY, memory_order_release);
	move_on(ruleset);
}

/* --- Of two machines. --- */

static const struct wr_class *class_in(const struct wr_ruleset *ruleset, uint32_t slot)
{
	uint32_t class = slot < ruleset->slot_count
				 ? atomic_load_explicit(&ruleset->slots[slot].class,
							memory_order_acquire)
				 : WR_CLASS_NOBODY;

	return class == WR_CLASS_NOBODY ? NULL : &ruleset->classes[class];
}

static bool is_in(const struct wr_ruleset *ruleset, uint32_t vector, uint32_t rule)
{
	return wr_vector_word(wr_set(ruleset, vector), ruleset->vectors.summary_count, rule / 64) >>
		       rule % 64 &
	       1;
}

static bool may_open(const struct wr_ruleset *ruleset, const struct wr_class *from,
		     const struct wr_class *to)
{
	for (uint32_t i = 0; i < ruleset->rule_count; i++) {
		bool is_from = is_in(ruleset, from->src, i), is_to = is_in(ruleset, to->dst, i);
		const struct wr_rule *rule = &ruleset->rules[i];

		if (!(is_from || is_in(ruleset, ruleset->src_prefix, i)) ||
		    !(is_to || is_in(ruleset, ruleset->dst_prefix, i)))
			continue;
		if (rule->is_allowed)
			return true;
		if (is_from && is_to && !rule->port_count)
			return false;
	}
	return ruleset->is_allowed_by_default;
}

bool wr_ruleset_connects(const struct wr_ruleset *ruleset, uint32_t a, uint32_t b)
{
	const struct wr_class *left = class_in(ruleset, a), *right = class_in(ruleset, b);

	return left && right && (may_open(ruleset, left, right) || may_open(ruleset, right, left));
}

bool wr_ruleset_is_direct(const struct wr_ruleset *ruleset, uint32_t a, uint32_t b)
{
	const struct wr_class *left = class_in(ruleset, a), *right = class_in(ruleset, b);

	if (!left || !right)
		return false;
	return ruleset->topology == WR_TOPOLOGY_MESH || (left->is_direct && right->is_direct);
}
