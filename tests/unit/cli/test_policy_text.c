#include "cli/policy_text.h"

#include "unit.h"

#define WORDS_MAX 10

static void test_policy_text_joins_a_rule(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *rule; /* NULL: none */
	} cases[] = {
		{ { "a", "->", "b" }, "a -> b" },
		{ { "a", "->", "b", "tcp", "22" }, "a -> b tcp 22" },
		{ { "a -> b tcp 22,80-90" }, "a -> b tcp 22,80-90" },
		{ { "  a\t->  b " }, "a -> b" },
		{ { "a", "to", "b", "tcp", "22" }, "a -> b tcp 22" },
		{ { "tag:web", "x", "to", "tag:db", "*" }, "tag:web x -> tag:db *" },
		{ { "a", "->", "to" }, "a -> to" },
		{ { "a", "b" }, NULL },
		{ { "a", "-" }, NULL },
		{ { "a", "->" }, NULL },
		{ { "->", "b" }, NULL },
		{ { "a->b" }, NULL },
		{ { "a -> b\nallow c -> d" }, NULL },
		{ { "a -> b # c" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		unsigned count = 0;
		char *rule;

		while (count < WORDS_MAX && cases[i].words[count])
			count++;
		rule = wr_rule_join(cases[i].words, count);
		print_message("case %zu\n", i);
		assert_int_equal(rule != NULL, cases[i].rule != NULL);
		if (rule)
			assert_string_equal(rule, cases[i].rule);
		free(rule);
	}
}

static void test_policy_text_gets_a_line(void **state)
{
	static const struct {
		const char *text, *action, *rule;
		enum wr_rule_place place;
		const char *after; /* NULL: it is there already */
	} cases[] = {
		{ "", "allow", "a -> b", WR_RULE_LAST, "allow a -> b\n" },
		{ "default deny\n", "allow", "a -> b", WR_RULE_LAST,
		  "allow a -> b\ndefault deny\n" },
		{ "default deny", "allow", "a -> b", WR_RULE_LAST, "allow a -> b\ndefault deny\n" },
		{ "# c\nallow x -> y\n\ndefault deny\ntest x -> y allow\n", "deny", "a -> b",
		  WR_RULE_LAST,
		  "# c\nallow x -> y\n\ndeny a -> b\ndefault deny\ntest x -> y allow\n" },
		{ "group g = x\nallow x -> y\ndefault deny\n", "deny", "a -> b", WR_RULE_FIRST,
		  "group g = x\ndeny a -> b\nallow x -> y\ndefault deny\n" },
		{ "allow  a ->  b # why\ndefault deny\n", "allow", "a -> b", WR_RULE_LAST, NULL },
		/* The contrary goes, wherever it stands. */
		{ "allow a -> b\nallow x -> y\ndefault deny\n", "deny", "a -> b", WR_RULE_LAST,
		  "deny a -> b\nallow x -> y\ndefault deny\n" },
		{ "allow a -> b tcp 22\ndefault deny\n", "deny", "a -> b", WR_RULE_LAST,
		  "allow a -> b tcp 22\ndeny a -> b\ndefault deny\n" },
		{ "allow a -> b\nallow a -> b\n", "deny", "a -> b", WR_RULE_LAST, "deny a -> b\n" },
		/* Words that only begin so. */
		{ "defaults x\nallowed\n", "allow", "a -> b", WR_RULE_LAST,
		  "defaults x\nallowed\nallow a -> b\n" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		char *after = wr_rule_insert(cases[i].text, cases[i].action, cases[i].rule,
					     cases[i].place);

		print_message("case %zu\n", i);
		assert_int_equal(after != NULL, cases[i].after != NULL);
		if (after)
			assert_string_equal(after, cases[i].after);
		free(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_text_joins_a_rule),
		cmocka_unit_test(test_policy_text_gets_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
