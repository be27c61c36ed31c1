/* The help of a verb, made of its table. */
#include <string.h>

#include "cli/verb.h"

#define LEAST_WIDTH 12
#define OPTION_TEXT_LEN 64
/* A choice as long as this is told by its option's help. */
#define WIDEST_OPTION 26

static void option_text(const struct wr_option *option, char ret_text[OPTION_TEXT_LEN])
{
	bool is_choice = option->value && strchr(option->value, '|');
	const char *value = is_choice ? "WORD" : option->value;

	snprintf(ret_text, OPTION_TEXT_LEN, "%s%s%s", option->name, value ? " " : "",
		 value ? value : "");
}

static int options_width(const struct wr_verb *verb)
{
	int width = LEAST_WIDTH;

	for (size_t i = 0; i < verb->option_count; i++) {
		char text[OPTION_TEXT_LEN];

		option_text(&verb->options[i], text);
		if ((int)strlen(text) > width)
			width = (int)strlen(text);
	}
	return width < WIDEST_OPTION ? width : WIDEST_OPTION;
}

static void write_option(const struct wr_option *option, int width, FILE *to)
{
	char text[OPTION_TEXT_LEN];

	option_text(option, text);
	if (option->letter)
		fprintf(to, "  -%c, --%-*s %s\n", option->letter, width, text, option->help);
	else
		fprintf(to, "      --%-*s %s\n", width, text, option->help);
}

static void write_usage(const struct wr_verb *verb, FILE *to)
{
	char title[WR_VERB_TITLE_LEN];

	wr_verb_title(verb, title);
	if (verb->usage)
		fprintf(to, "%s\n", verb->usage);
	else if (verb->subs)
		fprintf(to, "  warren %s VERB [ARGUMENT]...\n", title);
	else
		fprintf(to, "  warren %s [OPTION]...%s%s\n", title, verb->operand ? " " : "",
			verb->operand ? verb->operand : "");
}

static void write_subs(const struct wr_verb *group, FILE *to)
{
	for (const struct wr_verb *const *verb = group->subs; *verb; verb++)
		fprintf(to, "  %-12s %s\n", (*verb)->name, (*verb)->summary);
	fprintf(to, "\nwarren %s VERB --help tells more.\n", group->name);
}

void wr_verb_help(const struct wr_verb *verb, FILE *to)
{
	int width = options_width(verb);

	fprintf(to, "%s\n\nusage:\n", verb->summary);
	write_usage(verb, to);
	fputc('\n', to);
	if (verb->subs)
		write_subs(verb, to);
	for (size_t i = 0; i < verb->option_count; i++)
		write_option(&verb->options[i], width, to);
	if (verb->about)
		fprintf(to, "\n%s", verb->about);
}
