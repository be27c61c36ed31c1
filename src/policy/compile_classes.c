#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

/* Classes that no machine is in yet, so that one with a new tag, or none, can be put in
 * its place: of each tag alone, up to this many. */
#define SPARE_CLASSES 4096

/* --- Prefixes. --- */

static void unite_walk(struct wr_compiler *compiler, size_t count, const uint32_t *vectors)
{
	for (size_t i = 0; i < count; i++)
		wr_vectors_unite(&compiler->ruleset->vectors, vectors[compiler->walk[i]]);
}

static void rules_of_prefix(void *context, size_t selector, const struct wr_interval *around,
			    struct wr_interval *ret)
{
	struct wr_compiler *compiler = context;
	struct wr_vectors *vectors = &compiler->ruleset->vectors;
	uint32_t number = (uint32_t)selector;
	size_t count = wr_compile_walk(compiler, &number, 1);

	unite_walk(compiler, count, compiler->src);
	wr_vectors_unite(vectors, around ? around->src : WR_VECTOR_EMPTY);
	ret->src = wr_vectors_finish(vectors);
	unite_walk(compiler, count, compiler->dst);
	wr_vectors_unite(vectors, around ? around->dst : WR_VECTOR_EMPTY);
	ret->dst = wr_vectors_finish(vectors);
}

static void unite_intervals(struct wr_ruleset *ruleset, const struct wr_intervals *intervals,
			    bool is_src)
{
	for (size_t i = 0; i < intervals->count; i++)
		wr_vectors_unite(&ruleset->vectors,
				 is_src ? intervals->items[i].src : intervals->items[i].dst);
}

static uint32_t rules_of_all_prefixes(struct wr_ruleset *ruleset, bool is_src)
{
	unite_intervals(ruleset, &ruleset->prefixes4, is_src);
	unite_intervals(ruleset, &ruleset->prefixes6, is_src);
	return wr_vectors_finish(&ruleset->vectors);
}

bool wr_compile_prefixes(struct wr_compiler *compiler)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;
	struct wr_ruleset *ruleset = compiler->ruleset;
	struct wr_prefix *prefixes = calloc(selectors->count + 1, sizeof(*prefixes));
	bool is_done = false;

	if (prefixes) {
		/* Those of other selectors have no family. */
		for (size_t i = 0; i < selectors->count; i++)
			prefixes[i] = selectors->items[i].prefix;
		is_done = wr_intervals_build(&ruleset->prefixes4, WR_IPV4, prefixes,
					     selectors->count, rules_of_prefix, compiler) &&
			  wr_intervals_build(&ruleset->prefixes6, WR_IPV6, prefixes,
					     selectors->count, rules_of_prefix, compiler);
		ruleset->src_prefix = rules_of_all_prefixes(ruleset, true);
		ruleset->dst_prefix = rules_of_all_prefixes(ruleset, false);
	}
	free(prefixes);
	return is_done;
}

/* --- Classes. --- */

struct room {
	size_t classes, signatures;
};

static size_t count_tags(const struct wr_symbols *selectors)
{
	size_t count = 0;

	for (size_t i = 0; i < selectors->count && count < SPARE_CLASSES; i++)
		count += selectors->items[i].kind == WR_SELECT_TAG;
	return count;
}

static struct room room_for(const struct wr_compiler *compiler)
{
	size_t spare = count_tags(&compiler->policy->selectors);
	struct room room = {
		.classes = compiler->member_count + spare + 2,
		.signatures = spare * 2 + 4,
	};

	for (size_t i = 0; i < compiler->member_count; i++)
		room.signatures += compiler->members[i].tag_count + 2;
	return room;
}

static bool make_room(struct wr_ruleset *ruleset, struct room room)
{
	size_t places = 64;

	while (places < room.classes * 2)
		places *= 2;
	ruleset->class_table_mask = places - 1;
	ruleset->class_table = calloc(places, sizeof(uint32_t));
	ruleset->classes = calloc(room.classes, sizeof(struct wr_class));
	ruleset->signatures = calloc(room.signatures, sizeof(uint32_t));
	ruleset->class_count = 1;
	return ruleset->class_table && ruleset->classes && ruleset->signatures;
}

static void fill_class(struct wr_compiler *compiler, struct wr_class *class)
{
	struct wr_vectors *vectors = &compiler->ruleset->vectors;
	size_t count = wr_compile_walk(compiler,
				       compiler->ruleset->signatures + class->signature_first,
				       class->signature_count);

	unite_walk(compiler, count, compiler->src);
	class->src = wr_vectors_finish(vectors);
	unite_walk(compiler, count, compiler->dst);
	class->dst = wr_vectors_finish(vectors);
	for (size_t i = 0; i < count; i++)
		class->is_direct |= compiler->is_direct[compiler->walk[i]];
}

/* The class of the signature that stands at the end of ruleset->signatures; a new one
 * if there is none yet, and then the signature stays. */
static uint32_t class_of(struct wr_compiler *compiler, size_t *signature_end, size_t count)
{
	struct wr_ruleset *ruleset = compiler->ruleset;
	uint32_t *place = wr_class_place(ruleset, ruleset->signatures + *signature_end, count);
	struct wr_class *class = &ruleset->classes[ruleset->class_count];

	if (*place)
		return *place;
	*class = (struct wr_class){ .signature_first = (uint32_t)*signature_end,
				    .signature_count = (uint32_t)count };
	fill_class(compiler, class);
	*signature_end += count;
	return *place = (uint32_t)ruleset->class_count++;
}

static void add_spare_classes(struct wr_compiler *compiler, size_t *signature_end)
{
	const struct wr_symbols *selectors = &compiler->policy->selectors;
	const struct wr_member plain = { .name = "" };
	size_t tags = 0;

	for (size_t i = 0; i < selectors->count && tags < SPARE_CLASSES; i++) {
		uint32_t *signature = compiler->ruleset->signatures + *signature_end;
		size_t count;

		if (selectors->items[i].kind != WR_SELECT_TAG)
			continue;
		tags++;
		count = wr_signature_of(selectors, &plain, signature);
		signature[count++] = (uint32_t)i;
		if (count == 2 && signature[0] > signature[1]) {
			signature[1] = signature[0];
			signature[0] = (uint32_t)i;
		}
		class_of(compiler, signature_end, count);
	}
}

static void place_members(struct wr_compiler *compiler, size_t *signature_end)
{
	struct wr_ruleset *ruleset = compiler->ruleset;
	const struct wr_symbols *selectors = &compiler->policy->selectors;

	for (size_t i = 0; i < compiler->member_count; i++) {
		const struct wr_member *member = &compiler->members[i];
		size_t count = wr_signature_of(selectors, member,
					       ruleset->signatures + *signature_end);
		uint32_t class = class_of(compiler, signature_end, count);

		assert(member->slot < ruleset->slot_count);
		compiler->member_classes[i] = class;
		ruleset->classes[class].has_members = true;
		wr_slot_write(&ruleset->slots[member->slot], member, class);
	}
}

bool wr_compile_classes(struct wr_compiler *compiler)
{
	struct wr_ruleset *ruleset = compiler->ruleset;
	const struct wr_member plain = { .name = "" };
	size_t signature_end = 0, count;

	ruleset->slots = calloc((size_t)ruleset->slot_count + 1, sizeof(*ruleset->slots));
	compiler->member_classes = calloc(compiler->member_count + 1, sizeof(uint32_t));
	if (!ruleset->slots || !compiler->member_classes || !make_room(ruleset, room_for(compiler)))
		return false;
	count = wr_signature_of(&compiler->policy->selectors, &plain, ruleset->signatures);
	class_of(compiler, &signature_end, count);
	place_members(compiler, &signature_end);
	add_spare_classes(compiler, &signature_end);
	return true;
}
