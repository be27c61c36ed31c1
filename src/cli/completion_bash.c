/* Completions for bash. */
#include <string.h>

#include "cli/completion.h"
#include "cli/verb.h"

static const char head[] =
	"# bash completion for warren and warren-wg\n"
	"# Made by: warren completion bash\n"
	"\n"
	"# Names of what a server has: machine or org.\n"
	"_warren_names()\n"
	"{\n"
	"\twarren \"$1\" list --json 2>/dev/null |\n"
	"\t\tsed -n 's/^ *\"label\": \"\\([^\"]*\\)\",\\{0,1\\}$/\\1/p'\n"
	"}\n"
	"\n"
	"# Names of interfaces: of running ones with --stats.\n"
	"_warren_interfaces()\n"
	"{\n"
	"\tlocal word names=\"/etc/wireguard/*.conf\" end=.conf\n"
	"\n"
	"\t[[ \" ${COMP_WORDS[*]} \" == *\" --stats \"* ]] && names=\"/var/run/wireguard/*.sock\" end=.sock\n"
	"\tfor word in $names; do\n"
	"\t\tword=${word##*/}\n"
	"\t\t[[ $word == '*'* ]] || echo \"${word%\"$end\"}\"\n"
	"\tdone\n"
	"}\n";

static const char tail[] =
	"\n"
	"# Completes $1 with what is called $2.\n"
	"_warren_complete()\n"
	"{\n"
	"\tcase $2 in\n"
	"\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$1\") ;;\n"
	"\tfolder) mapfile -t COMPREPLY < <(compgen -d -- \"$1\") ;;\n"
	"\tinterface) mapfile -t COMPREPLY < <(compgen -W \"$(_warren_interfaces)\" -- \"$1\") ;;\n"
	"\tmachine | org) mapfile -t COMPREPLY < <(compgen -W \"$(_warren_names \"$2\")\" -- \"$1\") ;;\n"
	"\tverb) mapfile -t COMPREPLY < <(compgen -W \"$(_warren_subs '')\" -- \"$1\") ;;\n"
	"\t*'|'*) mapfile -t COMPREPLY < <(compgen -W \"${2//|/ }\" -- \"$1\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_warren()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} verb='' at=1 subs\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ ${COMP_WORDS[0]##*/} == *-wg ]]; then\n"
	"\t\tverb=wg\n"
	"\telse\n"
	"\t\twhile subs=$(_warren_subs \"$verb\") && [[ -n $subs ]]; do\n"
	"\t\t\tif [[ $COMP_CWORD -le $at ]]; then\n"
	"\t\t\t\t[[ -n $verb ]] || subs+=' --version'\n"
	"\t\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$subs -h --help\" -- \"$current\")\n"
	"\t\t\t\treturn\n"
	"\t\t\tfi\n"
	"\t\t\tverb=\"${verb:+$verb }${COMP_WORDS[at]}\"\n"
	"\t\t\tat=$((at + 1))\n"
	"\t\tdone\n"
	"\tfi\n"
	"\tsubs=$(_warren_value \"$verb ${COMP_WORDS[COMP_CWORD - 1]}\")\n"
	"\tif [[ -n $subs ]]; then\n"
	"\t\t_warren_complete \"$current\" \"$subs\"\n"
	"\telif [[ $current == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_warren_options \"$verb\")\" -- \"$current\")\n"
	"\telse\n"
	"\t\t_warren_complete \"$current\" \"$(_warren_operand \"$verb\")\"\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -F _warren warren warren-wg\n";

static void write_kind(const char *value, FILE *to)
{
	static const char *const kinds[] = {
		[WR_COMPLETE_NOTHING] = "nothing",     [WR_COMPLETE_CHOICES] = NULL,
		[WR_COMPLETE_FILE] = "file",           [WR_COMPLETE_FOLDER] = "folder",
		[WR_COMPLETE_INTERFACE] = "interface", [WR_COMPLETE_VERB] = "verb",
		[WR_COMPLETE_MACHINE] = "machine",     [WR_COMPLETE_ORG] = "org",
	};
	enum wr_completed with = wr_completion_of(value);

	fputs(with == WR_COMPLETE_CHOICES ? value : kinds[with], to);
}

static void for_all(void (*each)(const struct wr_verb *verb, const char *title, FILE *to), FILE *to)
{
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		const struct wr_verb *const *sub = (*verb)->subs;

		if (!sub)
			each(*verb, (*verb)->name, to);
		for (; sub && *sub; sub++) {
			char title[WR_VERB_TITLE_LEN];

			wr_verb_title(*sub, title);
			each(*sub, title, to);
		}
	}
}

static void write_options(const struct wr_verb *verb, const char *title, FILE *to)
{
	fprintf(to, "\t'%s') echo '", title);
	for (size_t i = 0; i < verb->option_count; i++) {
		const struct wr_option *option = &verb->options[i];

		if (option->letter)
			fprintf(to, "%s-%c", i > 0 ? " " : "", option->letter);
		fprintf(to, "%s--%s", i > 0 || option->letter ? " " : "", option->name);
	}
	fprintf(to, "' ;;\n");
}

static void write_values(const struct wr_verb *verb, const char *title, FILE *to)
{
	for (size_t i = 0; i < verb->option_count; i++) {
		const struct wr_option *option = &verb->options[i];

		if (!option->value)
			continue;
		fprintf(to, "\t'%s --%s'", title, option->name);
		if (option->letter)
			fprintf(to, " | '%s -%c'", title, option->letter);
		fprintf(to, ") echo '");
		write_kind(option->value, to);
		fprintf(to, "' ;;\n");
	}
}

static void write_operand(const struct wr_verb *verb, const char *title, FILE *to)
{
	if (wr_completion_of(verb->operand) == WR_COMPLETE_NOTHING)
		return;
	fprintf(to, "\t'%s') echo '", title);
	write_kind(verb->operand, to);
	fprintf(to, "' ;;\n");
}

static void write_names(const char *title, const struct wr_verb *const *verbs, FILE *to)
{
	fprintf(to, "\t'%s') echo '", title);
	for (const struct wr_verb *const *verb = verbs; *verb; verb++)
		fprintf(to, "%s%s", verb == verbs ? "" : " ", (*verb)->name);
	fprintf(to, "' ;;\n");
}

static void begin(const char *name, const char *what, FILE *to)
{
	fprintf(to, "\n# %s\n%s()\n{\n\tcase $1 in\n", what, name);
}

static void end(FILE *to)
{
	fprintf(to, "\tesac\n}\n");
}

void wr_completion_bash(FILE *to)
{
	fputs(head, to);
	begin("_warren_subs", "What follows a group; '' is warren itself.", to);
	write_names("", wr_verbs, to);
	for (const struct wr_verb *const *verb = wr_verbs; *verb; verb++) {
		if ((*verb)->subs)
			write_names((*verb)->name, (*verb)->subs, to);
	}
	end(to);
	begin("_warren_options", "The options of a verb.", to);
	for_all(write_options, to);
	end(to);
	begin("_warren_value", "What the value of an option is.", to);
	for_all(write_values, to);
	end(to);
	begin("_warren_operand", "What the operands of a verb are.", to);
	for_all(write_operand, to);
	end(to);
	fputs(tail, to);
}
