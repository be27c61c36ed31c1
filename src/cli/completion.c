#include "cli/completion.h"

#include <string.h>

#include "cli/verbs.h"

bool wr_completion_write(const char *shell, FILE *to)
{
	static const struct {
		const char *shell;
		void (*write)(FILE *to);
	} shells[] = { { "bash", wr_completion_bash },
		       { "zsh", wr_completion_zsh },
		       { "fish", wr_completion_fish } };

	for (size_t i = 0; i < WR_ARRAY_LEN(shells); i++) {
		if (strcmp(shells[i].shell, shell) == 0) {
			shells[i].write(to);
			return true;
		}
	}
	return false;
}

enum wr_completed wr_completion_of(const char *value)
{
	static const struct {
		const char *begins;
		enum wr_completed with;
	} known[] = {
		{ "FILE", WR_COMPLETE_FILE },       { "[FILE]", WR_COMPLETE_FILE },
		{ "PATH", WR_COMPLETE_FILE },       { "DIR", WR_COMPLETE_FOLDER },
		{ "IFACE", WR_COMPLETE_INTERFACE }, { "[VERB", WR_COMPLETE_VERB },
		{ "MACHINE", WR_COMPLETE_MACHINE }, { "ORG", WR_COMPLETE_ORG },
		{ "[ORG]", WR_COMPLETE_ORG },       { "FROM", WR_COMPLETE_MACHINE },
	};

	if (!value)
		return WR_COMPLETE_NOTHING;
	for (size_t i = 0; i < WR_ARRAY_LEN(known); i++) {
		if (strncmp(value, known[i].begins, strlen(known[i].begins)) == 0)
			return known[i].with;
	}
	return strchr(value, '|') ? WR_COMPLETE_CHOICES : WR_COMPLETE_NOTHING;
}

static const struct wr_option options[] = { WR_OPTION_HELP };

static int run(const struct wr_arguments *arguments)
{
	if (wr_completion_write(arguments->operands[0], stdout))
		return WR_EXIT_DONE;
	return wr_misuse(arguments, "completions are for bash, zsh and fish, not %s",
			 arguments->operands[0]);
}

const struct wr_verb wr_verb_completion = {
	.name = "completion",
	.summary = "print the completions for a shell: bash, zsh or fish",
	.about = "They are installed with the program; this is for homes:\n"
		 "  warren completion bash >~/.local/share/bash-completion/completions/warren\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "bash|zsh|fish",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
