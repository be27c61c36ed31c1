#include "cli/verb.h"

#include "cli/verbs.h"
#include "unit.h"

enum {
	HELP = 1,
	FOREGROUND = 2,
	STATS = 4,
	JSON = 8
};

#define WORDS_MAX 8

static void test_verb_parse_reads_a_command_line(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		bool is_good;
		uint32_t options;
		const char *operand;
	} cases[] = {
		{ { "wg0" }, true, 0, "wg0" },
		{ { "-f", "wg0" }, true, FOREGROUND, "wg0" },
		{ { "wg0", "-f" }, true, FOREGROUND, "wg0" },
		{ { "--foreground", "wg0" }, true, FOREGROUND, "wg0" },
		{ { "--stats", "--json", "wg0" }, true, STATS | JSON, "wg0" },
		{ { "-fh", "wg0" }, true, FOREGROUND | HELP, "wg0" },
		{ { "-h" }, true, HELP, NULL },
		{ { "--help" }, true, HELP, NULL },
		{ { "--", "-f" }, true, 0, "-f" },
		{ { "-f", "--", "wg0" }, true, FOREGROUND, "wg0" },
		{ { "-" }, true, 0, "-" },
		{ { NULL }, false, 0, NULL },
		{ { "-f" }, false, 0, NULL },
		{ { "wg0", "wg1" }, false, 0, NULL },
		{ { "--", "wg0", "--" }, false, 0, NULL },
		{ { "-x", "wg0" }, false, 0, NULL },
		{ { "-fx", "wg0" }, false, 0, NULL },
		{ { "--foregroun", "wg0" }, false, 0, NULL },
		{ { "--foreground=1", "wg0" }, false, 0, NULL },
		{ { "--f", "wg0" }, false, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_arguments got = { 0 };
		char *words[WORDS_MAX];
		int count = 0;

		while (cases[i].words[count]) {
			words[count] = strdup(cases[i].words[count]);
			count++;
		}
		print_message("case %zu\n", i);
		assert_int_equal(wr_verb_parse(&wr_verb_wg, count, words, &got), cases[i].is_good);
		assert_int_equal(got.options, cases[i].options);
		assert_int_equal(got.operand_count, cases[i].operand != NULL);
		if (cases[i].operand)
			assert_string_equal(got.operands[0], cases[i].operand);
		while (count)
			free(words[--count]);
	}
}

static void test_verb_find_knows_whole_names(void **state)
{
	(void)state;
	assert_ptr_equal(wr_verb_find("wg"), &wr_verb_wg);
	assert_null(wr_verb_find("w"));
	assert_null(wr_verb_find("wgx"));
	assert_null(wr_verb_find(""));
}

/* --- What people read is made of the same words. --- */

static char *read_file(const char *name)
{
	char path[512];
	char *text = calloc(1, 1 << 16);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", WR_SOURCE_ROOT, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: cannot be read", path);
	assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
	fclose(file);
	return text;
}

static char *help_of(const struct wr_verb *verb)
{
	char *text = calloc(1, 1 << 16);
	FILE *file = fmemopen(text, 1 << 16, "w");

	wr_verb_help(verb, file);
	fclose(file);
	return text;
}

static void assert_has(const char *what, const char *text, const char *before, const char *name,
		       const char *after)
{
	char wanted[128];

	snprintf(wanted, sizeof(wanted), "%s%s%s", before, name, after);
	if (!strstr(text, wanted))
		fail_msg("%s lacks: %s", what, wanted);
}

typedef void check_option(const struct wr_option *option, const char *file, const char *text);

static void for_all_options(const char *file, check_option *check)
{
	char *text = read_file(file);

	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		for (size_t i = 0; i < (*verb)->option_count; i++)
			check(&(*verb)->options[i], file, text);
	}
	free(text);
}

static void in_manual(const struct wr_option *option, const char *file, const char *text)
{
	assert_has(file, text, "Fl -", option->name, "");
}

static void in_bash(const struct wr_option *option, const char *file, const char *text)
{
	assert_has(file, text, "--", option->name, "");
}

static void in_zsh(const struct wr_option *option, const char *file, const char *text)
{
	assert_has(file, text, "--", option->name, "");
	assert_has(file, text, "[", option->help, "]");
}

static void in_fish(const struct wr_option *option, const char *file, const char *text)
{
	char letter[8] = "";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-s %c ", option->letter);
	assert_has(file, text, letter, "-l ", option->name);
	assert_has(file, text, "-d '", option->help, "'");
}

static void test_verb_options_are_in_manuals_and_completions(void **state)
{
	(void)state;
	for_all_options("docs/man/warren-wg.8", in_manual);
	for_all_options("packaging/completions/warren.bash", in_bash);
	for_all_options("packaging/completions/_warren", in_zsh);
	for_all_options("packaging/completions/warren.fish", in_fish);
}

static void test_verb_names_are_in_manuals_and_completions(void **state)
{
	static const char *const completions[] = { "packaging/completions/warren.bash",
						   "packaging/completions/_warren",
						   "packaging/completions/warren.fish" };
	char *manual = read_file("docs/man/warren.1");

	(void)state;
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		assert_has("docs/man/warren.1", manual, ".It Cm ", (*verb)->name, "");
		for (size_t i = 0; i < WR_ARRAY_LEN(completions); i++) {
			char *text = read_file(completions[i]);

			assert_has(completions[i], text, "", (*verb)->name, "");
			if (i > 0)
				assert_has(completions[i], text, "", (*verb)->summary, "'");
			free(text);
		}
	}
	free(manual);
}

static void test_verb_help_tells_all(void **state)
{
	static const char *const variables[] = { "LOG_LEVEL",      "WG_PROCESS_FOREGROUND",
						 "WG_TUN_FD",      "WG_UAPI_FD",
						 "WARREN_WORKERS", "WARREN_LOW_PORTS",
						 "WARREN_AEAD" };
	char *manual = read_file("docs/man/warren-wg.8");
	char *help = help_of(&wr_verb_wg);

	(void)state;
	for (size_t i = 0; i < wr_verb_wg.option_count; i++) {
		assert_has("help", help, "--", wr_verb_wg.options[i].name, " ");
		assert_has("help", help, " ", wr_verb_wg.options[i].help, "\n");
	}
	for (size_t i = 0; i < WR_ARRAY_LEN(variables); i++) {
		assert_has("help", help, "", variables[i], "");
		assert_has("manual", manual, ".It Ev ", variables[i], "\n");
	}
	free(help);
	free(manual);
}

/* Every line fits a terminal. */
static void test_verb_help_is_narrow(void **state)
{
	(void)state;
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		char *help = help_of(*verb);

		for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
			assert_true(strcspn(line, "\n") <= 80);
		free(help);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verb_parse_reads_a_command_line),
		cmocka_unit_test(test_verb_find_knows_whole_names),
		cmocka_unit_test(test_verb_options_are_in_manuals_and_completions),
		cmocka_unit_test(test_verb_names_are_in_manuals_and_completions),
		cmocka_unit_test(test_verb_help_tells_all),
		cmocka_unit_test(test_verb_help_is_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
