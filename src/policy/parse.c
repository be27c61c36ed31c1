#include <stdlib.h>
#include <string.h>

#include "policy/list.h"
#include "policy/parser.h"

/* --- One line. --- */

static bool expect(struct wr_parser *parser, const char *mark, const char *shape)
{
	if (wr_word_is(wr_word_peek(&parser->line), mark)) {
		wr_word_next(&parser->line);
		return true;
	}
	WR_PARSER_FAULT(parser, "'%s' is missing: write %s", mark, shape);
	return false;
}

static bool expect_end(struct wr_parser *parser)
{
	struct wr_word word = wr_word_peek(&parser->line);

	if (!word.len)
		return true;
	WR_PARSER_FAULT(parser, "'%.*s' is too much on this line: take it away",
			WR_FAULT_WORD(word.len), word.text);
	return false;
}

static bool is_answer(struct wr_word word)
{
	return wr_word_is(word, "allow") || wr_word_is(word, "deny");
}

/* The side behind "->". */
static bool is_behind_target(struct wr_word word)
{
	return wr_is_protocol(word) || is_answer(word);
}

static bool append(struct wr_parser *parser, struct wr_rules *rules, const struct wr_rule *rule)
{
	struct wr_rule *items = wr_list_grow(rules->items, &rules->room, rules->count,
					     sizeof(*items));

	if (!items) {
		parser->is_out_of_memory = true;
		return false;
	}
	rules->items = items;
	items[rules->count++] = *rule;
	return true;
}

/* FROM -> TO [PROTOCOLS] */
static bool read_pair(struct wr_parser *parser, const char *shape,
		      bool (*is_end)(struct wr_word word), struct wr_rule *rule)
{
	return wr_parse_selectors(parser, "nobody stands before '->'", NULL, &rule->src) &&
	       expect(parser, "->", shape) &&
	       wr_parse_selectors(parser, "nobody stands behind '->'", is_behind_target,
				  &rule->dst) &&
	       wr_parse_protocols(parser, is_end, rule);
}

static void read_rule(struct wr_parser *parser, bool is_allowed)
{
	struct wr_rule rule = { .line = parser->line.number, .is_allowed = is_allowed };

	if (parser->default_line) {
		WR_PARSER_FAULT(
			parser,
			"a rule behind the default: move it above line %u, where the default "
			"is",
			parser->default_line);
		return;
	}
	if (parser->policy->rules.count == WR_POLICY_RULES_MAX) {
		WR_PARSER_FAULT(
			parser,
			"more than %d rules: put selectors that share a rule on one line, or "
			"into a group",
			WR_POLICY_RULES_MAX);
		return;
	}
	if (read_pair(parser, "allow FROM -> TO, or deny FROM -> TO", NULL, &rule))
		append(parser, &parser->policy->rules, &rule);
}

static void read_allow(struct wr_parser *parser)
{
	read_rule(parser, true);
}

static void read_deny(struct wr_parser *parser)
{
	read_rule(parser, false);
}

static bool read_answer(struct wr_parser *parser, const char *shape, bool *ret_is_allowed)
{
	struct wr_word word = wr_word_next(&parser->line);

	if (!is_answer(word)) {
		WR_PARSER_FAULT(parser, "allow or deny is missing: write %s", shape);
		return false;
	}
	*ret_is_allowed = wr_word_is(word, "allow");
	return expect_end(parser);
}

static void read_test(struct wr_parser *parser)
{
	static const char shape[] = "test FROM -> TO tcp 22 allow, or deny at the end";
	struct wr_rule test = { .line = parser->line.number };

	if (read_pair(parser, shape, is_answer, &test) &&
	    read_answer(parser, shape, &test.is_allowed))
		append(parser, &parser->policy->tests, &test);
}

static void read_default(struct wr_parser *parser)
{
	struct wr_policy *policy = parser->policy;

	if (parser->default_line)
		WR_PARSER_FAULT(parser, "a second default: keep this one or that of line %u",
				parser->default_line);
	else if (read_answer(parser, "default allow, or default deny",
			     &policy->is_allowed_by_default))
		policy->default_line = parser->default_line = parser->line.number;
}

static void read_topology(struct wr_parser *parser)
{
	struct wr_word word = wr_word_next(&parser->line);

	if (parser->topology_line) {
		WR_PARSER_FAULT(parser, "a second topology: keep this one or that of line %u",
				parser->topology_line);
		return;
	}
	if (!wr_word_is(word, "mesh") && !wr_word_is(word, "star")) {
		WR_PARSER_FAULT(parser, "write topology mesh, or topology star");
		return;
	}
	parser->topology_line = parser->line.number;
	if (wr_word_is(word, "star"))
		parser->policy->topology = WR_TOPOLOGY_STAR;
	expect_end(parser);
}

/* A prefix has no key, so nothing can go to it directly. */
static bool has_prefix(const struct wr_policy *policy, const struct wr_side *side)
{
	for (uint32_t i = 0; i < side->count; i++)
		if (policy->selectors.items[policy->refs[side->first + i]].kind == WR_SELECT_PREFIX)
			return true;
	return false;
}

static void read_direct(struct wr_parser *parser)
{
	struct wr_policy *policy = parser->policy;
	struct wr_side *direct = wr_list_grow(policy->direct, &policy->direct_room,
					      policy->direct_count, sizeof(*direct));
	struct wr_side side;

	if (!direct) {
		parser->is_out_of_memory = true;
		return;
	}
	policy->direct = direct;
	if (!wr_parse_selectors(parser, "direct names nobody", NULL, &side) || !expect_end(parser))
		return;
	if (has_prefix(policy, &side))
		WR_PARSER_FAULT(parser, "direct is for machines: take the prefix away");
	else
		direct[policy->direct_count++] = side;
}

/* --- Groups. --- */

static const struct wr_selector *group_named(const struct wr_parser *parser, struct wr_word name)
{
	struct wr_selector wanted = wr_selector_named(WR_SELECT_GROUP, name, 0);
	uint32_t found = wr_symbols_find(&parser->groups, &wanted);

	return found == WR_SYMBOL_NONE ? NULL : &parser->groups.items[found];
}

/* Groups of groups are read upwards, so that none holds itself. */
static bool check_members(struct wr_parser *parser, const struct wr_side *side)
{
	const struct wr_policy *policy = parser->policy;

	for (uint32_t i = 0; i < side->count; i++) {
		const struct wr_selector *member =
			&policy->selectors.items[policy->refs[side->first + i]];
		const struct wr_selector *group = member->kind == WR_SELECT_GROUP
							  ? group_named(parser, member->name)
							  : NULL;

		if (!group || group->line < parser->line.number)
			continue;
		WR_PARSER_FAULT(
			parser,
			"group '%.*s' is defined on line %u: a group can hold only groups that "
			"are defined above it",
			WR_FAULT_WORD(group->name.len), group->name.text, group->line);
		return false;
	}
	return true;
}

static void read_group(struct wr_parser *parser)
{
	struct wr_word name = wr_word_next(&parser->line);
	struct wr_selector group = wr_selector_named(WR_SELECT_GROUP, name, parser->line.number);
	const struct wr_selector *first = group_named(parser, name);

	if (!wr_is_label(name)) {
		WR_PARSER_FAULT(
			parser,
			"'%.*s' is no name of a group: write group NAME = SELECTORS, with a to "
			"z, 0 to 9 and '-' in the name",
			WR_FAULT_WORD(name.len), name.text);
		return;
	}
	if (first && first->line != parser->line.number) {
		WR_PARSER_FAULT(parser,
				"group '%.*s' is defined on line %u already: give this one another "
				"name, or put its selectors there",
				WR_FAULT_WORD(name.len), name.text, first->line);
		return;
	}
	if (!expect(parser, "=", "group NAME = SELECTORS") ||
	    !wr_parse_selectors(parser, "the group is empty", NULL, &group.members) ||
	    !expect_end(parser) || !check_members(parser, &group.members))
		return;
	if (!wr_symbols_add(&parser->policy->selectors, &group))
		parser->is_out_of_memory = true;
}

/* --- All lines. --- */

static const struct statement {
	const char *word;
	void (*read)(struct wr_parser *parser);
} statements[] = {
	{ "allow", read_allow },   { "deny", read_deny },       { "group", read_group },
	{ "test", read_test },     { "default", read_default }, { "topology", read_topology },
	{ "direct", read_direct },
};

static void read_line(struct wr_parser *parser)
{
	struct wr_word word = wr_word_next(&parser->line);

	if (!word.len)
		return;
	for (size_t i = 0; i < WR_ARRAY_LEN(statements); i++) {
		if (wr_word_is(word, statements[i].word)) {
			statements[i].read(parser);
			return;
		}
	}
	WR_PARSER_FAULT(
		parser,
		"'%.*s' begins no line: write group, allow, deny, default, topology, direct "
		"or test",
		WR_FAULT_WORD(word.len), word.text);
}

/* Names of groups are known before the first line that speaks of them. */
static void find_groups(struct wr_parser *parser, struct wr_bytes text)
{
	struct wr_lines lines = wr_lines_of(text);
	struct wr_line line;

	while (wr_lines_next(&lines, &line)) {
		struct wr_selector group;

		if (!wr_word_is(wr_word_next(&line), "group"))
			continue;
		group = wr_selector_named(WR_SELECT_GROUP, wr_word_next(&line), line.number);
		if (!wr_symbols_add(&parser->groups, &group))
			parser->is_out_of_memory = true;
	}
	if (!wr_symbols_sort(&parser->groups, NULL))
		parser->is_out_of_memory = true;
}

static void read_lines(struct wr_parser *parser, struct wr_bytes text)
{
	struct wr_lines lines = wr_lines_of(text);

	while (!parser->is_out_of_memory && wr_lines_next(&lines, &parser->line)) {
		if (wr_line_is_plain(&parser->line))
			read_line(parser);
		else
			WR_PARSER_FAULT(parser,
					"characters that are not plain ASCII: only comments "
					"may have them");
	}
}

/* References become those of the sorted selectors, of which there is one each. */
static void sort_selectors(struct wr_parser *parser)
{
	struct wr_policy *policy = parser->policy;
	uint32_t *places = calloc(policy->selectors.count + 1, sizeof(*places));

	if (!places || !wr_symbols_sort(&policy->selectors, places))
		parser->is_out_of_memory = true;
	else
		for (size_t i = 0; i < policy->ref_count; i++)
			policy->refs[i] = places[policy->refs[i]];
	free(places);
}

static struct wr_policy *copy_of(struct wr_bytes text)
{
	struct wr_policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return NULL;
	policy->text = malloc(text.len + 1);
	if (!policy->text)
		return wr_policy_free(policy);
	if (text.len)
		memcpy(policy->text, text.data, text.len);
	policy->text[text.len] = '\0';
	policy->text_len = text.len;
	return policy;
}

static struct wr_policy *fail(struct wr_policy *policy, struct wr_policy_faults *faults,
			      const char *text)
{
	if (text)
		wr_faults_add(faults, 0, "%s", text);
	return wr_policy_free(policy);
}

static void read_policy(struct wr_parser *parser)
{
	struct wr_bytes text = wr_policy_text(parser->policy);

	find_groups(parser, text);
	if (!parser->is_out_of_memory)
		read_lines(parser, text);
	if (!parser->is_out_of_memory)
		sort_selectors(parser);
	wr_symbols_done(&parser->groups);
}

struct wr_policy *wr_policy_parse(struct wr_bytes text, struct wr_policy_faults *ret_faults)
{
	struct wr_parser parser = { .faults = ret_faults };

	*ret_faults = (struct wr_policy_faults){ 0 };
	if (text.len > WR_POLICY_TEXT_MAX)
		return fail(NULL, ret_faults, "the text is longer than 4 MiB: make it shorter");
	parser.policy = copy_of(text);
	if (!parser.policy)
		return fail(NULL, ret_faults, "out of memory");
	read_policy(&parser);
	if (parser.is_out_of_memory)
		return fail(parser.policy, ret_faults, "out of memory");
	return ret_faults->count ? fail(parser.policy, ret_faults, NULL) : parser.policy;
}
