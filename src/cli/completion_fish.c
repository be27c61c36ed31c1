/* Completions for fish. */
#include <string.h>

#include "cli/completion.h"
#include "cli/verb.h"

static const char head[] =
	"# fish completion for warren and warren-wg\n"
	"# Made by: warren completion fish\n"
	"\n"
	"function __warren_interfaces\n"
	"    if contains -- --stats (commandline -opc)\n"
	"        set names /var/run/wireguard/*.sock\n"
	"    else\n"
	"        set names /etc/wireguard/*.conf\n"
	"    end\n"
	"    for name in $names\n"
	"        string replace -r '\\.[a-z]+$' '' (basename $name)\n"
	"    end\n"
	"end\n"
	"\n"
	"function __warren_names\n"
	"    warren $argv[1] list --json 2>/dev/null | string replace -rf '^ *\"label\": \"([^\"]*)\",?$' '$1'\n"
	"end\n"
	"\n"
	"# The words so far begin with these.\n"
	"function __warren_is\n"
	"    set words (commandline -opc)\n"
	"    set last (math 1 + (count $argv))\n"
	"    test (count $words) -ge $last; and test \"$words[2..$last]\" = \"$argv\"\n"
	"end\n"
	"\n"
	"# They are exactly these.\n"
	"function __warren_ends\n"
	"    set words (commandline -opc)\n"
	"    test \"$words[2..]\" = \"$argv\"\n"
	"end\n"
	"\n"
	"complete -c warren -f\n"
	"complete -c warren-wg -f\n"
	"complete -c warren -n __fish_use_subcommand -l version -d 'tell the version'\n"
	"complete -c warren -s h -l help -d 'tell how it is used'\n";

static void write_quoted(const char *text, FILE *to)
{
	fputc('\'', to);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('\'', to);
}

/* " -a '...'", or nothing. */
static void write_action(const char *value, FILE *to)
{
	switch (wr_completion_of(value)) {
	case WR_COMPLETE_CHOICES:
		fputs(" -a '", to);
		for (const char *c = value; *c; c++)
			fputc(*c == '|' ? ' ' : *c, to);
		fputc('\'', to);
		break;
	case WR_COMPLETE_FILE: fputs(" -F", to); break;
	case WR_COMPLETE_FOLDER: fputs(" -a '(__fish_complete_directories)'", to); break;
	case WR_COMPLETE_INTERFACE: fputs(" -a '(__warren_interfaces)'", to); break;
	case WR_COMPLETE_MACHINE: fputs(" -a '(__warren_names machine)'", to); break;
	case WR_COMPLETE_ORG: fputs(" -a '(__warren_names org)'", to); break;
	case WR_COMPLETE_VERB:
		fputs(" -a '", to);
		for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++)
			fprintf(to, "%s%s", verb == wr_verbs ? "" : " ", (*verb)->name);
		fputc('\'', to);
		break;
	case WR_COMPLETE_NOTHING:
	default: break;
	}
}

static bool takes_files(const char *value)
{
	return wr_completion_of(value) == WR_COMPLETE_FILE;
}

static void write_options(const char *begin, const struct wr_verb *verb, size_t first, FILE *to)
{
	for (size_t i = first; i < verb->option_count; i++) {
		const struct wr_option *option = &verb->options[i];

		fputs(begin, to);
		if (option->letter)
			fprintf(to, " -s %c", option->letter);
		fprintf(to, " -l %s", option->name);
		if (option->value) {
			fputs(takes_files(option->value) ? " -r" : " -x", to);
			write_action(option->value, to);
		}
		fputs(" -d ", to);
		write_quoted(option->help, to);
		fputc('\n', to);
	}
}

static void write_operand(const char *begin, const struct wr_verb *verb, FILE *to)
{
	if (wr_completion_of(verb->operand) == WR_COMPLETE_NOTHING)
		return;
	fputs(begin, to);
	write_action(verb->operand, to);
	fputc('\n', to);
}

static void write_verb(const struct wr_verb *verb, FILE *to)
{
	char title[WR_VERB_TITLE_LEN], begin[128];

	wr_verb_title(verb, title);
	snprintf(begin, sizeof(begin), "complete -c warren -n '__warren_is %s'", title);
	fputc('\n', to);
	write_options(begin, verb, 1, to);
	write_operand(begin, verb, to);
}

static void write_name(const char *condition, const struct wr_verb *verb, FILE *to)
{
	fprintf(to, "complete -c warren -n %s -a %s -d ", condition, verb->name);
	write_quoted(verb->summary, to);
	fputc('\n', to);
}

static void write_group(const struct wr_verb *group, FILE *to)
{
	char condition[64];

	snprintf(condition, sizeof(condition), "'__warren_ends %.20s'", group->name);
	fputc('\n', to);
	for (const struct wr_verb *const *verb = group->subs; *verb; verb++)
		write_name(condition, *verb, to);
	for (const struct wr_verb *const *verb = group->subs; *verb; verb++)
		write_verb(*verb, to);
}

void wr_completion_fish(FILE *to)
{
	static const char alone[] = "complete -c warren-wg";

	fputs(head, to);
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++)
		write_name("__fish_use_subcommand", *verb, to);
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		if ((*verb)->subs)
			write_group(*verb, to);
		else
			write_verb(*verb, to);
	}
	fputc('\n', to);
	write_options(alone, wr_verb_find("wg"), 0, to);
	write_operand(alone, wr_verb_find("wg"), to);
}
