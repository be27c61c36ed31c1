#include <stdlib.h>
#include <string.h>

#include "policy/viewed.h"

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* --- Sets: what names machines in a side, once for all sides that say the same. --- */

/* A side of a rule: its selectors but prefixes, sorted. */
struct said {
	const uint32_t *selectors;
	uint32_t count;
	uint32_t number; /* twice its rule's, and one more for a destination */
	uint64_t hash;
};

struct sides {
	struct said *items;
	struct said **sorted;
	uint32_t *selectors, selector_count;
	size_t count;
};

static const struct wr_side *side_of(const struct wr_rule *rule, unsigned side)
{
	return side == WR_VIEW_SRC ? &rule->src : &rule->dst;
}

static uint64_t hash_of(const uint32_t *selectors, uint32_t count)
{
	uint64_t hash = count;

	/* SplitMix64's multiplier. */
	for (uint32_t i = 0; i < count; i++) {
		hash = (hash ^ selectors[i]) * UINT64_C(0xbf58476d1ce4e5b9);
		hash ^= hash >> 29;
	}
	return hash;
}

static void add_side(const struct wr_view *view, struct sides *sides, uint32_t rule, unsigned which)
{
	const struct wr_side *side = side_of(&view->ruleset->rules[rule], which);
	uint32_t *selectors = sides->selectors + sides->selector_count, count = 0;

	for (uint32_t i = 0; i < side->count; i++) {
		uint32_t selector = view->refs[side->first + i];

		if (view->ruleset->selectors.items[selector].kind != WR_SELECT_PREFIX)
			selectors[count++] = selector;
	}
	if (!count)
		return;
	qsort(selectors, count, sizeof(*selectors), compare_numbers);
	sides->selector_count += count;
	sides->items[sides->count++] = (struct said){ selectors, count, rule * 2 + which,
						      hash_of(selectors, count) };
}

static int compare_sides(const struct said *left, const struct said *right)
{
	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	if (left->count != right->count)
		return left->count < right->count ? -1 : 1;
	return memcmp(left->selectors, right->selectors, left->count * sizeof(uint32_t));
}

/* Equal ones in the order of the policy. */
static int compare_said(const void *a, const void *b)
{
	const struct said *const *left = a, *const *right = b;
	int order = compare_sides(*left, *right);

	return order ? order
		     : ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

/* The first that says the same stands for all; sets are numbered in the order of the policy. */
static void number_sets(struct wr_view *view, struct sides *sides)
{
	struct said *first = NULL;

	for (size_t i = 0; i < sides->count; i++) {
		struct said *said = sides->sorted[i];

		if (!first || compare_sides(first, said) != 0)
			first = said;
		view->rule_sets[said->number % 2][said->number / 2] = first->number;
	}
	for (size_t i = 0; i < sides->count; i++) {
		uint32_t number = sides->items[i].number;
		uint32_t *set = &view->rule_sets[number % 2][number / 2];
		uint32_t leader = *set;

		*set = leader == number ? (uint32_t)++view->set_count
					: view->rule_sets[leader % 2][leader / 2];
	}
}

static void sides_done(struct sides *sides)
{
	free(sides->items);
	free(sides->sorted);
	free(sides->selectors);
}

static size_t count_refs(const struct wr_ruleset *ruleset)
{
	size_t count = 0;

	for (size_t i = 0; i < ruleset->rule_count; i++)
		count += ruleset->rules[i].src.count + ruleset->rules[i].dst.count;
	return count;
}

bool wr_view_make_sets(struct wr_view *view)
{
	const struct wr_ruleset *ruleset = view->ruleset;
	size_t rules = ruleset->rule_count;
	struct sides sides = {
		.items = calloc(rules * 2 + 1, sizeof(struct said)),
		.sorted = calloc(rules * 2 + 1, sizeof(struct said *)),
		.selectors = calloc(count_refs(ruleset) + 1, sizeof(uint32_t)),
	};
	bool is_done = sides.items && sides.sorted && sides.selectors;

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		view->rule_sets[side] = calloc(rules + 1, sizeof(uint32_t));
		is_done = is_done && view->rule_sets[side];
	}
	if (is_done) {
		for (uint32_t rule = 0; rule < rules; rule++)
			for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
				add_side(view, &sides, rule, side);
		for (size_t i = 0; i < sides.count; i++)
			sides.sorted[i] = &sides.items[i];
		qsort(sides.sorted, sides.count, sizeof(struct said *), compare_said);
		number_sets(view, &sides);
	}
	sides_done(&sides);
	return is_done;
}

/* --- Roles: classes of the ruleset that the same rules name. --- */

static size_t vector_len(const struct wr_ruleset *ruleset, const uint64_t *set)
{
	size_t len = ruleset->vectors.summary_count;

	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++)
		len += (size_t)__builtin_popcountll(set[i]);
	return len;
}

static int compare_vectors(const struct wr_ruleset *ruleset, uint32_t a, uint32_t b)
{
	const uint64_t *left = wr_set(ruleset, a), *right = wr_set(ruleset, b);
	size_t summary = ruleset->vectors.summary_count;
	int order = a == b ? 0 : memcmp(left, right, summary * sizeof(*left));

	if (a == b || order)
		return order;
	/* The summaries are equal, and so are the lengths. */
	return memcmp(left, right, vector_len(ruleset, left) * sizeof(*left));
}

static int compare_classes(const void *a, const void *b, void *context)
{
	const struct wr_ruleset *ruleset = context;
	const struct wr_class *left = &ruleset->classes[*(const uint32_t *)a];
	const struct wr_class *right = &ruleset->classes[*(const uint32_t *)b];
	int order = compare_vectors(ruleset, left->src, right->src);

	if (!order)
		order = compare_vectors(ruleset, left->dst, right->dst);
	return order ? order : left->is_direct - right->is_direct;
}

/* For each set, the side that stands for it, as rules. */
struct leaders {
	uint64_t *rules[WR_VIEW_SIDES];
};

static bool find_leaders(const struct wr_view *view, struct leaders *leaders)
{
	size_t rules = view->ruleset->rule_count, next = 1;

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		leaders->rules[side] = calloc(wr_view_words(rules), sizeof(uint64_t));
		if (!leaders->rules[side])
			return false;
	}
	for (size_t rule = 0; rule < rules; rule++)
		for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
			if (view->rule_sets[side][rule] == next) {
				wr_view_set_bit(leaders->rules[side], rule);
				next++;
			}
	return true;
}

/* Calls for each rule that is in both sets; the second one is written out. */
static size_t each_common(const struct wr_ruleset *ruleset, uint32_t vector, const uint64_t *dense,
			  const uint32_t *rule_sets, uint32_t *ret_sets)
{
	const uint64_t *set = wr_set(ruleset, vector);
	const uint64_t *words = set + ruleset->vectors.summary_count;
	size_t count = 0;

	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++) {
		for (uint64_t there = set[i]; there; there &= there - 1) {
			uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(there);
			uint64_t word = *words++ & dense[index];

			for (; word; word &= word - 1) {
				uint32_t rule = index * 64 + (uint32_t)__builtin_ctzll(word);

				if (ret_sets)
					ret_sets[count] = rule_sets[rule] - 1;
				count++;
			}
		}
	}
	return count;
}

/* How many there are; into `ret_sets` unless it is NULL. */
static size_t sets_of_role(const struct wr_view *view, const struct wr_view_role *role,
			   const struct leaders *leaders, uint32_t *ret_sets)
{
	size_t count = 0;

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
		count += each_common(view->ruleset, role->rules[side], leaders->rules[side],
				     view->rule_sets[side], ret_sets ? ret_sets + count : NULL);
	if (ret_sets)
		qsort(ret_sets, count, sizeof(*ret_sets), compare_numbers);
	return count;
}

static bool list_sets(struct wr_view *view, const struct leaders *leaders)
{
	size_t count = 0;

	for (size_t i = 0; i < view->role_count; i++) {
		struct wr_view_role *role = &view->roles[i];

		role->set_first = (uint32_t)count;
		role->set_count = (uint32_t)sets_of_role(view, role, leaders, NULL);
		count += role->set_count;
	}
	view->role_sets = calloc(count + 1, sizeof(*view->role_sets));
	if (!view->role_sets)
		return false;
	for (size_t i = 0; i < view->role_count; i++)
		sets_of_role(view, &view->roles[i], leaders,
			     view->role_sets + view->roles[i].set_first);
	return true;
}

static void unite_classes(struct wr_view *view, const uint32_t *sorted, size_t count,
			  uint32_t *ret_roles)
{
	const struct wr_ruleset *ruleset = view->ruleset;

	for (size_t i = 0; i < count; i++) {
		const struct wr_class *class = &ruleset->classes[sorted[i]];

		if (!i || compare_classes(&sorted[i - 1], &sorted[i], view->ruleset) != 0)
			view->roles[view->role_count++] = (struct wr_view_role){
				.rules = { class->src, class->dst },
				.is_direct = class->is_direct,
			};
		ret_roles[sorted[i]] = (uint32_t)view->role_count - 1;
	}
}

static size_t list_classes(const struct wr_ruleset *ruleset, uint32_t *ret_classes)
{
	size_t count = 0;

	for (uint32_t i = 0; i < ruleset->class_count; i++)
		if (ruleset->classes[i].has_members)
			ret_classes[count++] = i;
	return count;
}

bool wr_view_make_roles(struct wr_view *view, uint32_t *ret_roles)
{
	struct wr_ruleset *ruleset = view->ruleset;
	uint32_t *sorted = calloc(ruleset->class_count + 1, sizeof(*sorted));
	struct leaders leaders = { 0 };
	bool is_done;

	view->roles = calloc(ruleset->class_count + 1, sizeof(*view->roles));
	is_done = sorted && view->roles && find_leaders(view, &leaders);
	if (is_done) {
		size_t count = list_classes(ruleset, sorted);

		qsort_r(sorted, count, sizeof(*sorted), compare_classes, ruleset);
		unite_classes(view, sorted, count, ret_roles);
		is_done = list_sets(view, &leaders);
	}
	for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
		free(leaders.rules[side]);
	free(sorted);
	return is_done;
}
