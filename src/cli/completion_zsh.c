/* Completions for zsh. */
#include <string.h>

#include "cli/completion.h"
#include "cli/verb.h"

static const char head[] = "#compdef warren warren-wg\n"
			   "# zsh completion for warren and warren-wg\n"
			   "# Made by: warren completion zsh\n"
			   "\n"
			   "_warren_interfaces()\n"
			   "{\n"
			   "\tlocal -a names\n"
			   "\tif (( ${words[(I)--stats]} )); then\n"
			   "\t\tnames=(/var/run/wireguard/*.sock(N:t:r))\n"
			   "\telse\n"
			   "\t\tnames=(/etc/wireguard/*.conf(N:t:r))\n"
			   "\tfi\n"
			   "\t_describe interface names\n"
			   "}\n"
			   "\n"
			   "_warren_names()\n"
			   "{\n"
			   "\tlocal -a names\n"
			   "\tnames=(${(f)\"$(warren $1 list --json 2>/dev/null |\n"
			   "\t\tsed -n 's/^ *\"label\": \"\\([^\"]*\\)\",\\{0,1\\}$/\\1/p')\"})\n"
			   "\t_describe $1 names\n"
			   "}\n"
			   "\n"
			   "_warren_machines()\n"
			   "{\n"
			   "\t_warren_names machine\n"
			   "}\n"
			   "\n"
			   "_warren_orgs()\n"
			   "{\n"
			   "\t_warren_names org\n"
			   "}\n";

/* In single quotes; as a description, where ':' and brackets mean something. */
static void write_quoted(const char *text, FILE *to)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", to);
		else if (strchr("[]", *text))
			fprintf(to, "\\%c", *text);
		else
			fputc(*text, to);
	}
}

/* "machine add" is part of a function's name: machine_add. */
static void write_function(const struct wr_verb *verb, FILE *to)
{
	char title[WR_VERB_TITLE_LEN];

	wr_verb_title(verb, title);
	fputs("_warren_", to);
	for (const char *c = title; *c; c++)
		fputc(*c == ' ' || *c == '-' ? '_' : *c, to);
}

static void write_action(const char *value, FILE *to)
{
	switch (wr_completion_of(value)) {
	case WR_COMPLETE_CHOICES:
		fputc('(', to);
		for (const char *c = value; *c; c++)
			fputc(*c == '|' ? ' ' : *c, to);
		fputc(')', to);
		break;
	case WR_COMPLETE_FILE: fputs("_files", to); break;
	case WR_COMPLETE_FOLDER: fputs("_files -/", to); break;
	case WR_COMPLETE_INTERFACE: fputs("_warren_interfaces", to); break;
	case WR_COMPLETE_VERB: fputs("_warren_verbs", to); break;
	case WR_COMPLETE_MACHINE: fputs("_warren_machines", to); break;
	case WR_COMPLETE_ORG: fputs("_warren_orgs", to); break;
	case WR_COMPLETE_NOTHING:
	default: fputc(' ', to); break;
	}
}

static void write_option(const struct wr_option *option, bool is_help, FILE *to)
{
	fputs("\t\t'", to);
	if (is_help)
		fputs("(- *)'", to);
	else if (option->letter)
		fprintf(to, "(-%c --%s)'", option->letter, option->name);
	else
		fputs("*", to);
	if (option->letter)
		fprintf(to, "{-%c,--%s}'[", option->letter, option->name);
	else
		fprintf(to, "--%s[", option->name);
	write_quoted(option->help, to);
	fputc(']', to);
	if (option->value) {
		fprintf(to, ":%s:", strchr(option->value, '|') ? "word" : option->value);
		write_action(option->value, to);
	}
	fputs("' \\\n", to);
}

static void write_verb(const struct wr_verb *verb, FILE *to)
{
	fputc('\n', to);
	write_function(verb, to);
	fputs("()\n{\n\t_arguments -s \\\n", to);
	for (size_t i = 0; i < verb->option_count; i++)
		write_option(&verb->options[i], i == 0, to);
	fputs("\t\t'*:", to);
	write_quoted(verb->operand ? "argument" : "nothing more", to);
	fputc(':', to);
	write_action(verb->operand, to);
	fputs("'\n}\n", to);
}

static void write_list(const char *function, const struct wr_verb *const *verbs, FILE *to)
{
	fprintf(to, "\n%s()\n{\n\tlocal -a verbs=(\n", function);
	for (; *verbs; verbs++) {
		fprintf(to, "\t\t'%s:", (*verbs)->name);
		write_quoted((*verbs)->summary, to);
		fputs("'\n", to);
	}
	fputs("\t)\n\t_describe verb verbs\n}\n", to);
}

static void write_dispatch(const struct wr_verb *const *verbs, const char *list, FILE *to)
{
	fprintf(to,
		"\t_arguments -C \\\n"
		"\t\t'(- *)'{-h,--help}'[tell how it is used]' \\\n"
		"%s"
		"\t\t':verb:%s' \\\n"
		"\t\t'*::argument:->argument'\n"
		"\t[[ $state == argument ]] || return\n"
		"\tcase $line[1] in\n",
		verbs == wr_verbs ? "\t\t'(- *)--version[tell the version]' \\\n" : "", list);
	for (; *verbs; verbs++) {
		fprintf(to, "\t%s) ", (*verbs)->name);
		write_function(*verbs, to);
		fputs(" ;;\n", to);
	}
	fputs("\tesac\n}\n", to);
}

static void write_group(const struct wr_verb *group, FILE *to)
{
	char list[64];

	snprintf(list, sizeof(list), "_warren_%.20s_verbs", group->name);
	for (char *c = list; *c; c++)
		*c = *c == '-' ? '_' : *c;
	for (const struct wr_verb *const *verb = group->subs; *verb; verb++)
		write_verb(*verb, to);
	write_list(list, group->subs, to);
	fputc('\n', to);
	write_function(group, to);
	fputs("()\n{\n\tlocal state line\n", to);
	write_dispatch(group->subs, list, to);
}

void wr_completion_zsh(FILE *to)
{
	fputs(head, to);
	write_list("_warren_verbs", wr_verbs, to);
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		if ((*verb)->subs)
			write_group(*verb, to);
		else
			write_verb(*verb, to);
	}
	fputs("\n_warren()\n{\n\tlocal state line\n"
	      "\tif [[ $service == *-wg ]]; then\n\t\t_warren_wg\n\t\treturn\n\tfi\n",
	      to);
	write_dispatch(wr_verbs, "_warren_verbs", to);
	fputs("\n_warren \"$@\"\n", to);
}
