#include <stdlib.h>

#include "policy/view_choice.h"

/* --- Groups of prefixes. --- */

static const struct wr_selector *selector_at(const struct wr_view *view, uint32_t number)
{
	return &view->ruleset->selectors.items[number];
}

/* A group holds only groups that are defined above it. */
static int compare_lines(const void *a, const void *b, void *context)
{
	const struct wr_view *view = context;
	unsigned left = selector_at(view, *(const uint32_t *)a)->line;
	unsigned right = selector_at(view, *(const uint32_t *)b)->line;

	return (left > right) - (left < right);
}

static bool holds_prefix(const struct wr_view *view, const bool *has_prefix, uint32_t group)
{
	const struct wr_side *members = &selector_at(view, group)->members;

	for (uint32_t i = 0; i < members->count; i++)
		if (has_prefix[view->refs[members->first + i]])
			return true;
	return false;
}

bool wr_view_make_groups(struct wr_view *view)
{
	size_t count = view->ruleset->selectors.count, kept = 0;
	bool *has_prefix = calloc(count + 1, sizeof(*has_prefix));

	view->groups = calloc(count + 1, sizeof(*view->groups));
	if (!has_prefix || !view->groups) {
		free(has_prefix);
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		has_prefix[i] = selector_at(view, i)->kind == WR_SELECT_PREFIX;
		if (selector_at(view, i)->kind == WR_SELECT_GROUP)
			view->groups[view->group_count++] = i;
	}
	qsort_r(view->groups, view->group_count, sizeof(*view->groups), compare_lines, view);
	for (size_t i = 0; i < view->group_count; i++) {
		uint32_t group = view->groups[i];

		has_prefix[group] = holds_prefix(view, has_prefix, group);
		if (has_prefix[group])
			view->groups[kept++] = group;
	}
	view->group_count = kept;
	free(has_prefix);
	return true;
}

/* --- Who is where. --- */

/* The region and those of the prefixes around it. */
static void mark_regions(struct wr_view_choice *choice, uint32_t region, uint8_t who)
{
	while (region != WR_VIEW_OUTSIDE && !(choice->regions[region] & who)) {
		choice->regions[region] |= who;
		region = choice->view->regions[region].around;
	}
}

static void enter_place(struct wr_view_choice *choice, const struct wr_view_place *place,
			uint64_t *const rules[WR_VIEW_SIDES], uint8_t who)
{
	const struct wr_view_region *region = &choice->view->regions[place->region];

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
		if (region->rules[side] != WR_VECTOR_EMPTY)
			wr_view_unite(choice->view->ruleset, rules[side], region->rules[side]);
	mark_regions(choice, place->region, who);
}

static void enter_self(struct wr_view_choice *choice)
{
	const struct wr_view *view = choice->view;
	const struct wr_view_kind *kind = &view->kinds[choice->self];

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
		wr_view_unite(view->ruleset, choice->self_rules[side],
			      view->roles[kind->role].rules[side]);
	for (uint32_t i = 0; i < kind->place_count; i++)
		enter_place(choice, &view->places[kind->place_first + i], choice->self_rules,
			    WR_VIEW_HERE_SELF);
}

/* Of others' prefixes, most are the same again. */
static void enter_other(struct wr_view_choice *choice, uint32_t other)
{
	const struct wr_view *view = choice->view;
	const struct wr_view_kind *kind = &view->kinds[other];
	const struct wr_view_role *role = &view->roles[kind->role];

	for (uint32_t i = 0; i < role->set_count; i++)
		choice->is_set_there[view->role_sets[role->set_first + i]] = true;
	for (uint32_t i = 0; i < kind->place_count; i++) {
		const struct wr_view_place *place = &view->places[kind->place_first + i];

		if (place->region != WR_VIEW_OUTSIDE)
			enter_place(choice, place, choice->other_rules, WR_VIEW_HERE_OTHERS);
	}
}

bool wr_view_next_other(const struct wr_view_choice *choice, uint32_t *at, uint32_t *ret_other)
{
	const struct wr_view *view = choice->view;

	for (; *at < view->kind_count; ++*at) {
		if (!wr_view_has_bit(choice->connected, *at) ||
		    (*at == choice->self && view->kinds[*at].member_count == 1))
			continue;
		*ret_other = (*at)++;
		return true;
	}
	return false;
}

static uint8_t who_is_in(const struct wr_view_choice *choice, uint32_t selector)
{
	return selector_at(choice->view, selector)->kind == WR_SELECT_PREFIX
		       ? choice->regions[selector + 1]
		       : choice->selectors[selector];
}

static void look_into_groups(struct wr_view_choice *choice)
{
	const struct wr_view *view = choice->view;

	for (size_t i = 0; i < view->group_count; i++) {
		const struct wr_side *members = &selector_at(view, view->groups[i])->members;
		uint8_t who = 0;

		for (uint32_t j = 0; j < members->count; j++)
			who |= who_is_in(choice, view->refs[members->first + j]);
		choice->selectors[view->groups[i]] = who;
	}
}

/* --- Rules. --- */

static bool has_other(const struct wr_view_choice *choice, uint32_t rule, unsigned side)
{
	uint32_t set = choice->view->rule_sets[side][rule];

	return (set && choice->is_set_there[set - 1]) ||
	       wr_view_has_bit(choice->other_rules[side], rule);
}

static uint8_t way_of(const struct wr_view_choice *choice, uint32_t rule)
{
	uint8_t way = 0;

	if (wr_view_has_bit(choice->self_rules[WR_VIEW_SRC], rule) &&
	    has_other(choice, rule, WR_VIEW_DST))
		way |= WR_VIEW_OPENS;
	if (wr_view_has_bit(choice->self_rules[WR_VIEW_DST], rule) &&
	    has_other(choice, rule, WR_VIEW_SRC))
		way |= WR_VIEW_IS_OPENED;
	return way;
}

static void use_set(struct wr_view_choice *choice, uint32_t rule, unsigned side)
{
	uint32_t set = choice->view->rule_sets[side][rule];

	if (set && choice->is_set_there[set - 1])
		choice->is_set_used[set - 1] = true;
}

static void use_groups(struct wr_view_choice *choice, const struct wr_side *side)
{
	for (uint32_t i = 0; i < side->count; i++) {
		uint32_t selector = choice->view->refs[side->first + i];

		choice->is_group_used[selector] |= choice->selectors[selector] != 0;
	}
}

static void use_rule(struct wr_view_choice *choice, uint32_t number)
{
	const struct wr_rule *rule = &choice->view->ruleset->rules[number];

	if (choice->ways[number] & WR_VIEW_OPENS)
		use_set(choice, number, WR_VIEW_DST);
	if (choice->ways[number] & WR_VIEW_IS_OPENED)
		use_set(choice, number, WR_VIEW_SRC);
	use_groups(choice, &rule->src);
	use_groups(choice, &rule->dst);
}

static void choose_rules(struct wr_view_choice *choice)
{
	const struct wr_view *view = choice->view;

	for (uint32_t rule = 0; rule < view->ruleset->rule_count; rule++) {
		choice->ways[rule] = way_of(choice, rule);
		if (choice->ways[rule])
			use_rule(choice, rule);
	}
	/* Groups in groups: outer ones come behind what they hold. */
	for (size_t i = view->group_count; i-- > 0;)
		if (choice->is_group_used[view->groups[i]])
			use_groups(choice, &selector_at(view, view->groups[i])->members);
}

/* --- The whole. --- */

static bool make_room(struct wr_view_choice *choice)
{
	const struct wr_ruleset *ruleset = choice->view->ruleset;
	size_t words = wr_view_words(ruleset->rule_count), selectors = ruleset->selectors.count;
	bool is_done = true;

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		choice->self_rules[side] = calloc(words, sizeof(uint64_t));
		choice->other_rules[side] = calloc(words, sizeof(uint64_t));
		is_done = is_done && choice->self_rules[side] && choice->other_rules[side];
	}
	choice->is_set_there = calloc(choice->view->set_count + 1, sizeof(bool));
	choice->is_set_used = calloc(choice->view->set_count + 1, sizeof(bool));
	choice->regions = calloc(selectors + 1, sizeof(uint8_t));
	choice->selectors = calloc(selectors + 1, sizeof(uint8_t));
	choice->is_group_used = calloc(selectors + 1, sizeof(bool));
	choice->ways = calloc(ruleset->rule_count + 1, sizeof(uint8_t));
	return is_done && choice->is_set_there && choice->is_set_used && choice->regions &&
	       choice->selectors && choice->is_group_used && choice->ways;
}

bool wr_view_choose(struct wr_view_choice *choice)
{
	uint32_t at = 0, other;

	if (!make_room(choice))
		return false;
	enter_self(choice);
	while (wr_view_next_other(choice, &at, &other))
		enter_other(choice, other);
	look_into_groups(choice);
	choose_rules(choice);
	return true;
}

void wr_view_choice_done(struct wr_view_choice *choice)
{
	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		free(choice->self_rules[side]);
		free(choice->other_rules[side]);
	}
	free(choice->is_set_there);
	free(choice->is_set_used);
	free(choice->regions);
	free(choice->selectors);
	free(choice->is_group_used);
	free(choice->ways);
}
