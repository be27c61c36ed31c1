#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/view_choice.h"

/* --- A text that grows. --- */

struct writer {
	struct wr_view_choice choice;
	struct wr_view_face *face;
	uint32_t *set_marks; /* by set; 0: none */
	uint32_t *group_numbers;
	char *text;
	size_t len, room;
	bool is_out_of_memory;
};

static bool reserve(struct writer *writer, size_t more)
{
	size_t room = writer->room ? writer->room : 512;
	char *text;

	while (room - writer->len < more)
		room *= 2;
	if (room == writer->room)
		return true;
	text = realloc(writer->text, room);
	if (!text) {
		writer->is_out_of_memory = true;
		return false;
	}
	writer->text = text;
	writer->room = room;
	return true;
}

static void put(struct writer *writer, const char *text)
{
	size_t len = strlen(text);

	if (!reserve(writer, len + 1))
		return;
	memcpy(writer->text + writer->len, text, len + 1);
	writer->len += len;
}

static void put_number(struct writer *writer, const char *before, uint32_t number)
{
	char text[48];

	snprintf(text, sizeof(text), "%s%u", before, number);
	put(writer, text);
}

/* --- Marks. --- */

static const struct wr_view_role *role_of(const struct writer *writer, uint32_t kind)
{
	const struct wr_view *view = writer->choice.view;

	return &view->roles[view->kinds[kind].role];
}

static bool has_too_many_marks(const struct writer *writer)
{
	const struct wr_view *view = writer->choice.view;
	uint32_t at = 0, other;

	while (wr_view_next_other(&writer->choice, &at, &other)) {
		const struct wr_view_role *role = role_of(writer, other);
		size_t used = 0;

		for (uint32_t i = 0; i < role->set_count; i++)
			used += writer->choice.is_set_used[view->role_sets[role->set_first + i]];
		if (used > WR_VIEW_MARKS)
			return true;
	}
	return false;
}

static void mark_sets(struct writer *writer)
{
	struct wr_view_face *face = writer->face;

	for (uint32_t i = 0; i < writer->choice.view->set_count; i++) {
		if (!writer->choice.is_set_used[i])
			continue;
		face->marks[face->mark_count++] = i;
		writer->set_marks[i] = (uint32_t)face->mark_count;
	}
}

/* Kinds stand in the order of their roles. */
static void mark_roles(struct writer *writer)
{
	struct wr_view_face *face = writer->face;
	uint32_t at = 0, other;

	face->is_by_role = true;
	while (wr_view_next_other(&writer->choice, &at, &other)) {
		uint32_t role = writer->choice.view->kinds[other].role;

		if (!face->mark_count || face->marks[face->mark_count - 1] != role)
			face->marks[face->mark_count++] = role;
	}
}

static bool make_marks(struct writer *writer)
{
	const struct wr_view *view = writer->choice.view;
	size_t most = view->set_count > view->role_count ? view->set_count : view->role_count;
	uint32_t *kept;

	writer->face->marks = calloc(most + 1, sizeof(uint32_t));
	writer->set_marks = calloc(view->set_count + 1, sizeof(uint32_t));
	if (!writer->face->marks || !writer->set_marks)
		return false;
	if (has_too_many_marks(writer))
		mark_roles(writer);
	else
		mark_sets(writer);
	kept = realloc(writer->face->marks, (writer->face->mark_count + 1) * sizeof(*kept));
	if (kept)
		writer->face->marks = kept;
	return true;
}

static bool is_in_set(const struct wr_view *view, uint32_t role, uint32_t set)
{
	uint32_t low = view->roles[role].set_first, high = low + view->roles[role].set_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (view->role_sets[middle] < set)
			low = middle + 1;
		else
			high = middle;
	}
	return low < view->roles[role].set_first + view->roles[role].set_count &&
	       view->role_sets[low] == set;
}

static void put_set(struct writer *writer, uint32_t set)
{
	const struct wr_view_face *face = writer->face;

	if (!face->is_by_role) {
		put_number(writer, " tag:m", writer->set_marks[set]);
		return;
	}
	for (uint32_t i = 0; i < face->mark_count; i++)
		if (is_in_set(writer->choice.view, face->marks[i], set))
			put_number(writer, " tag:m", i + 1);
}

/* --- Lines. --- */

static void put_prefix(struct writer *writer, const struct wr_prefix *prefix)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_prefix_format(prefix, text);
	put(writer, " ");
	put(writer, text);
}

/* Prefixes and groups of them in which somebody is whom this is about. */
static void put_prefixes(struct writer *writer, const struct wr_side *side, uint8_t who)
{
	const struct wr_view *view = writer->choice.view;

	for (uint32_t i = 0; i < side->count; i++) {
		uint32_t number = view->refs[side->first + i];
		const struct wr_selector *selector = &view->ruleset->selectors.items[number];

		if (selector->kind == WR_SELECT_PREFIX && writer->choice.regions[number + 1] & who)
			put_prefix(writer, &selector->prefix);
		else if (writer->choice.selectors[number] & who)
			put_number(writer, " p", writer->group_numbers[number]);
	}
}

/* `self_way` is the way in which we are on this side. */
static void put_side(struct writer *writer, uint32_t number, unsigned side, uint8_t self_way)
{
	const struct wr_view *view = writer->choice.view;
	const struct wr_rule *rule = &view->ruleset->rules[number];
	const struct wr_view_role *self = role_of(writer, writer->choice.self);
	uint32_t set = view->rule_sets[side][number];
	uint8_t way = writer->choice.ways[number], who = 0;

	if (way & self_way) {
		who |= WR_VIEW_HERE_SELF;
		if (wr_view_is_in(view->ruleset, self->rules[side], number))
			put(writer, " self");
	}
	if (way & ~self_way) {
		who |= WR_VIEW_HERE_OTHERS;
		if (set && writer->choice.is_set_there[set - 1])
			put_set(writer, set - 1);
	}
	put_prefixes(writer, side == WR_VIEW_SRC ? &rule->src : &rule->dst, who);
}

static void put_ports(struct writer *writer, const struct wr_rule *rule)
{
	static const char *const names[WR_TRAFFICS] = { " tcp", " udp", " icmp", "" };

	for (uint32_t i = 0; i < rule->port_count; i++) {
		const struct wr_ports *ports =
			&writer->choice.view->ruleset->ports[rule->port_first + i];
		bool is_first = !i || ports[-1].traffic != ports->traffic;

		if (is_first)
			put(writer, names[ports->traffic]);
		/* From 0 on are all: 0 is no port that can be written. */
		if (!ports->low)
			continue;
		put_number(writer, is_first ? " " : ",", ports->low);
		if (ports->high > ports->low)
			put_number(writer, "-", ports->high);
	}
}

static void put_rule(struct writer *writer, uint32_t number)
{
	const struct wr_rule *rule = &writer->choice.view->ruleset->rules[number];

	put(writer, rule->is_allowed ? "allow" : "deny");
	put_side(writer, number, WR_VIEW_SRC, WR_VIEW_OPENS);
	put(writer, " ->");
	put_side(writer, number, WR_VIEW_DST, WR_VIEW_IS_OPENED);
	put_ports(writer, rule);
	put(writer, "\n");
}

static void put_groups(struct writer *writer)
{
	const struct wr_view *view = writer->choice.view;
	uint32_t count = 0;

	for (size_t i = 0; i < view->group_count; i++) {
		uint32_t group = view->groups[i];

		if (!writer->choice.is_group_used[group])
			continue;
		writer->group_numbers[group] = ++count;
		put_number(writer, "group p", count);
		put(writer, " =");
		put_prefixes(writer, &view->ruleset->selectors.items[group].members,
			     WR_VIEW_HERE_SELF | WR_VIEW_HERE_OTHERS);
		put(writer, "\n");
	}
}

static bool put_all(struct writer *writer)
{
	const struct wr_ruleset *ruleset = writer->choice.view->ruleset;

	writer->group_numbers = calloc(ruleset->selectors.count + 1, sizeof(uint32_t));
	if (!writer->group_numbers || !make_marks(writer))
		return false;
	put_groups(writer);
	for (uint32_t rule = 0; rule < ruleset->rule_count; rule++)
		if (writer->choice.ways[rule])
			put_rule(writer, rule);
	put(writer, ruleset->is_allowed_by_default ? "default allow\n" : "default deny\n");
	return !writer->is_out_of_memory;
}

bool wr_view_write(const struct wr_view *view, uint32_t self, struct wr_view_face *face)
{
	struct writer writer = {
		.choice = { .view = view, .self = self, .connected = face->connected },
		.face = face,
	};
	bool is_done = wr_view_choose(&writer.choice) && put_all(&writer);

	wr_view_choice_done(&writer.choice);
	free(writer.set_marks);
	free(writer.group_numbers);
	if (is_done) {
		char *text = realloc(writer.text, writer.len + 1);

		face->text = text ? text : writer.text;
		return true;
	}
	free(writer.text);
	free(face->marks);
	face->marks = NULL;
	face->mark_count = 0;
	face->is_by_role = false;
	return false;
}
