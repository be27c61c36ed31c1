#include "cli/verb.h"

#include <string.h>

#define NO_OPTION SIZE_MAX

const struct wr_verb *wr_verb_find(const char *name)
{
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	}
	return NULL;
}

static size_t find_letter(const struct wr_verb *verb, char letter)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		if (verb->options[i].letter == letter)
			return i;
	}
	return NO_OPTION;
}

static size_t find_name(const struct wr_verb *verb, const char *name)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		if (strcmp(verb->options[i].name, name) == 0)
			return i;
	}
	return NO_OPTION;
}

static bool complain(const struct wr_verb *verb, const char *what, const char *word)
{
	fprintf(stderr, "warren %s: %s%s (try: warren %s --help)\n", verb->name, what, word,
		verb->name);
	return false;
}

static bool parse_letters(const struct wr_verb *verb, const char *word, uint32_t *options)
{
	for (const char *letter = word + 1; *letter; letter++) {
		size_t at = find_letter(verb, *letter);

		if (at == NO_OPTION)
			return complain(verb, "unknown option ", word);
		*options |= 1u << at;
	}
	return true;
}

static bool parse_name(const struct wr_verb *verb, const char *word, uint32_t *options)
{
	size_t at = find_name(verb, word + 2);

	if (at == NO_OPTION)
		return complain(verb, "unknown option ", word);
	*options |= 1u << at;
	return true;
}

static bool parse_operand(const struct wr_verb *verb, const char *word,
			  struct wr_arguments *arguments)
{
	if (arguments->operand_count == verb->max_operands)
		return complain(verb, "one too many: ", word);
	arguments->operands[arguments->operand_count++] = word;
	return true;
}

static bool parse_word(const struct wr_verb *verb, const char *word, struct wr_arguments *arguments)
{
	if (word[0] != '-' || word[1] == '\0')
		return parse_operand(verb, word, arguments);
	if (word[1] == '-')
		return parse_name(verb, word, &arguments->options);
	return parse_letters(verb, word, &arguments->options);
}

bool wr_verb_parse(const struct wr_verb *verb, int count, char *const *words,
		   struct wr_arguments *ret_arguments)
{
	struct wr_arguments arguments = { 0 };
	bool has_options = true;

	assert(verb->option_count <= WR_MAX_OPTIONS && verb->max_operands <= WR_MAX_OPERANDS);
	for (int i = 0; i < count; i++) {
		bool is_good = true;

		if (has_options && strcmp(words[i], "--") == 0)
			has_options = false;
		else if (has_options)
			is_good = parse_word(verb, words[i], &arguments);
		else
			is_good = parse_operand(verb, words[i], &arguments);
		if (!is_good)
			return false;
	}
	if (!(arguments.options & WR_HELP_BIT) && arguments.operand_count < verb->min_operands)
		return complain(verb, "missing: ", verb->operand);
	*ret_arguments = arguments;
	return true;
}

static void write_option(const struct wr_option *option, FILE *to)
{
	if (option->letter)
		fprintf(to, "  -%c, --%-12s %s\n", option->letter, option->name, option->help);
	else
		fprintf(to, "      --%-12s %s\n", option->name, option->help);
}

void wr_verb_help(const struct wr_verb *verb, FILE *to)
{
	fprintf(to, "%s\n\nusage:\n%s\n\n", verb->summary, verb->usage);
	for (size_t i = 0; i < verb->option_count; i++)
		write_option(&verb->options[i], to);
	if (verb->about)
		fprintf(to, "\n%s", verb->about);
}
