#include <stdlib.h>

#include "policy/viewed.h"

/* Roles in all lists of one side: 16 MiB. */
#define INDEX_MAX 4000000

/* The rules of a vector as numbers, into `ret_rules` with room for all; returns how many. */
static size_t list_rules(const struct wr_ruleset *ruleset, uint32_t vector, uint32_t *ret_rules)
{
	const uint64_t *set = wr_set(ruleset, vector);
	const uint64_t *words = set + ruleset->vectors.summary_count;
	size_t count = 0;

	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++) {
		for (uint64_t there = set[i]; there; there &= there - 1) {
			uint32_t first = (i * 64 + (uint32_t)__builtin_ctzll(there)) * 64;

			for (uint64_t word = *words++; word; word &= word - 1)
				ret_rules[count++] = first + (uint32_t)__builtin_ctzll(word);
		}
	}
	return count;
}

/* Counts stand two places behind their list's, so that filling moves each start to where it
 * belongs. False if there are too many. */
static bool count_roles(const struct wr_view *view, unsigned side, uint32_t *rules,
			uint32_t *starts, size_t *ret_count)
{
	size_t total = 0;

	for (size_t role = 0; role < view->role_count; role++) {
		size_t count = list_rules(view->ruleset, view->roles[role].rules[side], rules);

		total += count;
		if (total > INDEX_MAX)
			return false;
		for (size_t i = 0; i < count; i++)
			starts[rules[i] + 2]++;
	}
	*ret_count = total;
	return true;
}

static void fill(const struct wr_view *view, unsigned side, uint32_t *rules,
		 struct wr_view_index *index)
{
	for (size_t i = 2; i <= view->ruleset->rule_count + 1; i++)
		index->starts[i] += index->starts[i - 1];
	for (uint32_t role = 0; role < view->role_count; role++) {
		size_t count = list_rules(view->ruleset, view->roles[role].rules[side], rules);

		for (size_t i = 0; i < count; i++)
			index->items[index->starts[rules[i] + 1]++] = role;
	}
}

static bool make_side(const struct wr_view *view, unsigned side, uint32_t *rules,
		      struct wr_view_index *index)
{
	size_t count;

	index->starts = calloc(view->ruleset->rule_count + 2, sizeof(*index->starts));
	if (!index->starts)
		return false;
	if (!count_roles(view, side, rules, index->starts, &count))
		return true;
	index->items = calloc(count + 1, sizeof(*index->items));
	if (!index->items)
		return false;
	fill(view, side, rules, index);
	return true;
}

bool wr_view_make_index(struct wr_view *view)
{
	uint32_t *rules = calloc(view->ruleset->rule_count + 1, sizeof(*rules));
	bool is_done = rules &&
		       make_side(view, WR_VIEW_SRC, rules, &view->rule_roles[WR_VIEW_SRC]) &&
		       make_side(view, WR_VIEW_DST, rules, &view->rule_roles[WR_VIEW_DST]);

	free(rules);
	return is_done;
}
