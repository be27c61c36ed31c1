#include "cli/verb.h"

#include "cli/completion.h"
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

/* A verb with all kinds of options. */
static const struct wr_option options[] = {
	WR_OPTION_HELP,
	{ 'o', "output", "where to", "FILE" },
	{ 't', "tag", "a tag", "TAG" },
	{ 0, "mode", "how", "open|closed" },
	{ 'v', "verbose", "say more" },
};

static const struct wr_verb example = {
	.group = "example",
	.name = "do",
	.summary = "do it",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "NAME...",
	.max_operands = 4,
};

static bool parse(const char *const words[WORDS_MAX], struct wr_arguments *ret_arguments)
{
	char *copies[WORDS_MAX];
	int count = 0;

	for (; count < WORDS_MAX && words[count]; count++)
		memcpy(&copies[count], &words[count], sizeof(copies[count]));
	return wr_verb_parse(&example, count, copies, ret_arguments);
}

static void test_verb_parse_reads_values(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *output, *mode; /* NULL: not given */
		unsigned operand_count;
	} cases[] = {
		{ { "--output", "f" }, "f", NULL, 0 },
		{ { "--output=f" }, "f", NULL, 0 },
		{ { "--output=a=b" }, "a=b", NULL, 0 },
		{ { "--output=" }, "", NULL, 0 },
		{ { "-o", "f" }, "f", NULL, 0 },
		{ { "-of" }, "f", NULL, 0 },
		{ { "-vof" }, "f", NULL, 0 },
		{ { "-vo", "f" }, "f", NULL, 0 },
		{ { "-ov" }, "v", NULL, 0 },
		{ { "--output", "-v" }, "-v", NULL, 0 },
		{ { "--output", "--" }, "--", NULL, 0 },
		{ { "a", "--output", "f", "b" }, "f", NULL, 2 },
		{ { "--output", "a", "--output", "b" }, "b", NULL, 0 },
		{ { "--mode", "open" }, NULL, "open", 0 },
		{ { "--mode=closed" }, NULL, "closed", 0 },
		{ { "--", "--output", "f" }, NULL, NULL, 2 },
		{ { "a", "->", "b" }, NULL, NULL, 3 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_arguments got;
		const char *output, *mode;

		print_message("case %zu\n", i);
		assert_true(parse(cases[i].words, &got));
		output = wr_value_of(&got, "output");
		mode = wr_value_of(&got, "mode");
		assert_int_equal(output != NULL, cases[i].output != NULL);
		assert_int_equal(wr_is_given(&got, "output"), cases[i].output != NULL);
		if (output)
			assert_string_equal(output, cases[i].output);
		assert_int_equal(mode != NULL, cases[i].mode != NULL);
		if (mode)
			assert_string_equal(mode, cases[i].mode);
		assert_int_equal(got.operand_count, cases[i].operand_count);
	}
}

static void test_verb_parse_refuses_bad_values(void **state)
{
	static const char *const bad[][WORDS_MAX] = {
		{ "--output" },
		{ "-o" },
		{ "-vo" },
		{ "--mode", "half" },
		{ "--mode=" },
		{ "--mode=ope" },
		{ "--mode=opened" },
		{ "--verbose=yes" },
		{ "--outpu", "f" },
		{ "--mode", "|" },
		{ "--mode=open|closed" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		struct wr_arguments got;

		print_message("case %zu\n", i);
		assert_false(parse(bad[i], &got));
	}
}

static void test_verb_next_value_gives_all_in_order(void **state)
{
	static const char *const words[WORDS_MAX] = {
		"-ta", "--tag=b", "--output", "f", "-t", "c"
	};
	struct wr_arguments got;
	unsigned at = 0;

	(void)state;
	assert_true(parse(words, &got));
	assert_string_equal(wr_next_value(&got, "tag", &at), "a");
	assert_string_equal(wr_next_value(&got, "tag", &at), "b");
	assert_string_equal(wr_next_value(&got, "tag", &at), "c");
	assert_null(wr_next_value(&got, "tag", &at));
}

static void test_verb_parse_has_room_for_what_it_takes(void **state)
{
	struct wr_arguments got;
	char *words[WR_MAX_GIVEN + 1];
	char word[] = "-tx";

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(words); i++)
		words[i] = word;
	assert_true(wr_verb_parse(&example, WR_MAX_GIVEN, words, &got));
	assert_false(wr_verb_parse(&example, WR_MAX_GIVEN + 1, words, &got));
}

static void test_verb_find_knows_whole_names(void **state)
{
	const struct wr_verb *machine = wr_verb_find("machine");

	(void)state;
	assert_ptr_equal(wr_verb_find("wg"), &wr_verb_wg);
	assert_null(wr_verb_find("w"));
	assert_null(wr_verb_find("wgx"));
	assert_null(wr_verb_find(""));
	assert_ptr_equal(wr_verb_find_sub(machine, "add"), &wr_verb_machine_add);
	assert_null(wr_verb_find_sub(machine, "ad"));
	assert_null(wr_verb_find("add"));
}

/* --- The table. --- */

typedef void check_verb(const struct wr_verb *verb);

static void for_all_verbs(check_verb *check)
{
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		check(*verb);
		for (const struct wr_verb *const *sub = (*verb)->subs; sub && *sub; sub++)
			check(*sub);
	}
}

static void is_sound(const struct wr_verb *verb)
{
	print_message("%s %s\n", verb->group ? verb->group : "", verb->name);
	assert_true((verb->run != NULL) != (verb->subs != NULL));
	assert_true(verb->option_count <= WR_MAX_OPTIONS && verb->max_operands <= WR_MAX_OPERANDS);
	assert_true(verb->min_operands <= verb->max_operands);
	assert_true(verb->max_operands == 0 || verb->operand);
	if (verb->run)
		assert_string_equal(verb->options[0].name, "help");
	for (const struct wr_verb *const *sub = verb->subs; sub && *sub; sub++)
		assert_string_equal((*sub)->group, verb->name);
	for (size_t i = 0; i < verb->option_count; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(verb->options[i].name, verb->options[j].name);
			assert_true(!verb->options[i].letter ||
				    verb->options[i].letter != verb->options[j].letter);
		}
	}
}

static void test_verb_table_is_sound(void **state)
{
	(void)state;
	for_all_verbs(is_sound);
}

/* Programs read listings. */
static void lists_as_json(const struct wr_verb *verb)
{
	bool has_json = false;

	if (strcmp(verb->name, "list") != 0 && strcmp(verb->name, "show") != 0 &&
	    strcmp(verb->name, "history") != 0 && strcmp(verb->name, "audit") != 0)
		return;
	for (size_t i = 0; i < verb->option_count; i++)
		has_json |= strcmp(verb->options[i].name, "json") == 0;
	assert_true(has_json);
}

static void test_verb_listings_have_json(void **state)
{
	(void)state;
	for_all_verbs(lists_as_json);
}

/* --- What people read is made of the same words. --- */

static char *read_file(const char *name)
{
	char path[512];
	char *text = calloc(1, 1 << 18);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", WR_SOURCE_ROOT, name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: cannot be read", path);
	assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
	fclose(file);
	return text;
}

static char *help_of(const struct wr_verb *verb)
{
	char *text = calloc(1, 1 << 18);
	FILE *file = fmemopen(text, 1 << 18, "w");

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

/* Where a verb is told of in full. */
static const char *manual_of(const struct wr_verb *verb)
{
	static const struct wr_verb *const of_agent[] = {
		&wr_verb_join,    &wr_verb_leave,  &wr_verb_status,    &wr_verb_peers,
		&wr_verb_ip,      &wr_verb_ping,   &wr_verb_whois,     &wr_verb_netcheck,
		&wr_verb_refresh, &wr_verb_rotate, &wr_verb_advertise, &wr_verb_agent,
	};

	static const struct wr_verb *const of_mesh[] = {
		&wr_verb_up, &wr_verb_down, &wr_verb_invite, &wr_verb_admit, &wr_verb_revoke,
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(of_agent); i++)
		if (of_agent[i] == verb)
			return "docs/man/warren-agent.8";
	for (size_t i = 0; i < WR_ARRAY_LEN(of_mesh); i++)
		if (of_mesh[i] == verb)
			return "docs/man/warren-mesh.8";
	if (verb == &wr_verb_wg)
		return "docs/man/warren-wg.8";
	return verb == &wr_verb_serve ? "docs/man/warren-serve.8" : "docs/man/warren-admin.1";
}

/* Each as "Fl -name", or as "Fl x , Fl -name". */
static void is_in_its_manual(const struct wr_verb *verb)
{
	const char *file = manual_of(verb);
	char *text = read_file(file);

	for (size_t i = 0; i < verb->option_count; i++)
		assert_has(file, text, "Fl -", verb->options[i].name, "");
	free(text);
}

static void test_verb_options_are_in_manuals(void **state)
{
	(void)state;
	for_all_verbs(is_in_its_manual);
}

static void test_verb_names_are_in_manuals(void **state)
{
	char *all = read_file("docs/man/warren.1");
	char *admin = read_file("docs/man/warren-admin.1");

	(void)state;
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		assert_has("docs/man/warren.1", all, ".It Cm ", (*verb)->name, "");
		for (const struct wr_verb *const *sub = (*verb)->subs; sub && *sub; sub++) {
			char title[WR_VERB_TITLE_LEN];

			wr_verb_title(*sub, title);
			assert_has("docs/man/warren-admin.1", admin, ".It Cm ", title, "");
		}
	}
	free(all);
	free(admin);
}

static void test_verb_completions_are_made_of_the_table(void **state)
{
	static const struct {
		const char *shell, *file;
	} shells[] = { { "bash", "packaging/completions/warren.bash" },
		       { "zsh", "packaging/completions/_warren" },
		       { "fish", "packaging/completions/warren.fish" } };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(shells); i++) {
		char *kept = read_file(shells[i].file);
		char *made = NULL;
		size_t len;
		FILE *to = open_memstream(&made, &len);

		assert_true(wr_completion_write(shells[i].shell, to));
		fclose(to);
		if (strcmp(kept, made) != 0)
			fail_msg("%s is old: warren completion %s >%s", shells[i].file,
				 shells[i].shell, shells[i].file);
		free(kept);
		free(made);
	}
	assert_false(wr_completion_write("csh", stdout));
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
static void is_narrow(const struct wr_verb *verb)
{
	char *help = help_of(verb);

	for (const char *line = help; *line; line += strcspn(line, "\n") + 1) {
		if (strcspn(line, "\n") > 80)
			fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
	}
	free(help);
}

static void test_verb_help_is_narrow(void **state)
{
	(void)state;
	for_all_verbs(is_narrow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verb_parse_reads_a_command_line),
		cmocka_unit_test(test_verb_find_knows_whole_names),
		cmocka_unit_test(test_verb_parse_reads_values),
		cmocka_unit_test(test_verb_parse_refuses_bad_values),
		cmocka_unit_test(test_verb_next_value_gives_all_in_order),
		cmocka_unit_test(test_verb_parse_has_room_for_what_it_takes),
		cmocka_unit_test(test_verb_table_is_sound),
		cmocka_unit_test(test_verb_listings_have_json),
		cmocka_unit_test(test_verb_options_are_in_manuals),
		cmocka_unit_test(test_verb_names_are_in_manuals),
		cmocka_unit_test(test_verb_completions_are_made_of_the_table),
		cmocka_unit_test(test_verb_help_tells_all),
		cmocka_unit_test(test_verb_help_is_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
