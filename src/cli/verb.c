#include "cli/verb.h"

#include <stdarg.h>
#include <string.h>

#define NO_OPTION SIZE_MAX

static const struct wr_verb *find_in(const struct wr_verb *const *verbs, const char *name)
{
	for (; *verbs; verbs++) {
		if (strcmp((*verbs)->name, name) == 0)
			return *verbs;
	}
	return NULL;
}

const struct wr_verb *wr_verb_find(const char *name)
{
	return find_in(wr_verbs, name);
}

const struct wr_verb *wr_verb_find_sub(const struct wr_verb *group, const char *name)
{
	return find_in(group->subs, name);
}

void wr_verb_title(const struct wr_verb *verb, char ret_title[WR_VERB_TITLE_LEN])
{
	snprintf(ret_title, WR_VERB_TITLE_LEN, "%s%s%s", verb->group ? verb->group : "",
		 verb->group ? " " : "", verb->name);
}

static size_t find_letter(const struct wr_verb *verb, char letter)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		if (verb->options[i].letter == letter)
			return i;
	}
	return NO_OPTION;
}

static size_t find_name(const struct wr_verb *verb, const char *name, size_t len)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		if (strlen(verb->options[i].name) == len &&
		    memcmp(verb->options[i].name, name, len) == 0)
			return i;
	}
	return NO_OPTION;
}

static bool complain(const struct wr_verb *verb, const char *what, const char *word)
{
	char title[WR_VERB_TITLE_LEN];

	wr_verb_title(verb, title);
	fprintf(stderr, "warren %s: %s%s (try: warren %s --help)\n", title, what, word, title);
	return false;
}

/* --- Reading: words one by one. --- */

struct reading {
	const struct wr_verb *verb;
	int count, at; /* the word that is read */
	char *const *words;
	struct wr_arguments *arguments;
};

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *choice = choices; choice; choice = strchr(choice, '|')) {
		choice += *choice == '|';
		if (strcspn(choice, "|") == len && strncmp(choice, value, len) == 0)
			return true;
	}
	return false;
}

static bool keep_value(struct reading *reading, const struct wr_option *option, const char *value)
{
	struct wr_arguments *arguments = reading->arguments;

	if (strchr(option->value, '|') && !is_choice(option->value, value)) {
		char what[128];

		snprintf(what, sizeof(what), "--%s must be %s, not ", option->name, option->value);
		return complain(reading->verb, what, value);
	}
	if (arguments->given_count == WR_MAX_GIVEN)
		return complain(reading->verb, "too many options at ", value);
	arguments->given[arguments->given_count++] = (struct wr_given){ option, value };
	return true;
}

/* `value` stands in the same word; where it is NULL, it is the next word, if the option
 * takes one. */
static bool take_option(struct reading *reading, size_t place, const char *value)
{
	const struct wr_option *option = &reading->verb->options[place];

	reading->arguments->options |= 1u << place;
	if (!option->value)
		return true;
	if (!value && reading->at + 1 < reading->count)
		value = reading->words[++reading->at];
	if (!value)
		return complain(reading->verb, "a value must follow --", option->name);
	return keep_value(reading, option, value);
}

static bool read_letters(struct reading *reading, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		size_t place = find_letter(reading->verb, *letter);

		if (place == NO_OPTION)
			return complain(reading->verb, "unknown option ", word);
		if (reading->verb->options[place].value)
			return take_option(reading, place, letter[1] ? letter + 1 : NULL);
		if (!take_option(reading, place, NULL))
			return false;
	}
	return true;
}

static bool read_name(struct reading *reading, const char *word)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	size_t place = find_name(reading->verb, name, len);

	if (place == NO_OPTION)
		return complain(reading->verb, "unknown option ", word);
	if (name[len] == '=' && !reading->verb->options[place].value)
		return complain(reading->verb, "takes no value: ", word);
	return take_option(reading, place, name[len] == '=' ? name + len + 1 : NULL);
}

static bool read_operand(struct reading *reading, const char *word)
{
	struct wr_arguments *arguments = reading->arguments;

	if (arguments->operand_count == reading->verb->max_operands)
		return complain(reading->verb, "one too many: ", word);
	arguments->operands[arguments->operand_count++] = word;
	return true;
}

static bool read_word(struct reading *reading, const char *word)
{
	if (word[0] != '-' || word[1] == '\0' || strcmp(word, "->") == 0)
		return read_operand(reading, word);
	if (word[1] == '-')
		return read_name(reading, word);
	return read_letters(reading, word);
}

static bool read_words(struct reading *reading)
{
	bool has_options = true;

	for (; reading->at < reading->count; reading->at++) {
		const char *word = reading->words[reading->at];
		bool is_good = true;

		if (has_options && strcmp(word, "--") == 0)
			has_options = false;
		else if (has_options)
			is_good = read_word(reading, word);
		else
			is_good = read_operand(reading, word);
		if (!is_good)
			return false;
	}
	return true;
}

bool wr_verb_parse(const struct wr_verb *verb, int count, char *const *words,
		   struct wr_arguments *ret_arguments)
{
	struct wr_arguments arguments = { .verb = verb };
	struct reading reading = { verb, count, 0, words, &arguments };

	assert(verb->option_count <= WR_MAX_OPTIONS && verb->max_operands <= WR_MAX_OPERANDS);
	if (!read_words(&reading))
		return false;
	if (!(arguments.options & WR_HELP_BIT) && arguments.operand_count < verb->min_operands)
		return complain(verb, "missing: ", verb->operand);
	*ret_arguments = arguments;
	return true;
}

/* --- What was read. --- */

bool wr_is_given(const struct wr_arguments *arguments, const char *name)
{
	size_t place = find_name(arguments->verb, name, strlen(name));

	assert(place != NO_OPTION);
	return arguments->options & (1u << place);
}

const char *wr_next_value(const struct wr_arguments *arguments, const char *name, unsigned *at)
{
	size_t place = find_name(arguments->verb, name, strlen(name));

	assert(place != NO_OPTION && arguments->verb->options[place].value);
	while (*at < arguments->given_count) {
		const struct wr_given *given = &arguments->given[(*at)++];

		if (given->option == &arguments->verb->options[place])
			return given->value;
	}
	return NULL;
}

const char *wr_value_of(const struct wr_arguments *arguments, const char *name)
{
	const char *last = NULL;
	unsigned at = 0;

	for (const char *value; (value = wr_next_value(arguments, name, &at));)
		last = value;
	return last;
}

/* --- What went wrong. --- */

static void WR_PRINTF(3, 0)
	say(const struct wr_arguments *arguments, bool is_usage, const char *format, va_list values)
{
	char title[WR_VERB_TITLE_LEN];

	wr_verb_title(arguments->verb, title);
	fprintf(stderr, "warren %s: ", title);
	vfprintf(stderr, format, values);
	if (is_usage)
		fprintf(stderr, " (try: warren %s --help)", title);
	fputc('\n', stderr);
}

int wr_complain(const struct wr_arguments *arguments, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	say(arguments, false, format, values);
	va_end(values);
	return WR_EXIT_FAILED;
}

int wr_misuse(const struct wr_arguments *arguments, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	say(arguments, true, format, values);
	va_end(values);
	return WR_EXIT_USAGE;
}
