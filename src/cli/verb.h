/* The verbs of the command line and their options: one table, out of which come
 * the parser and the help, and that the manual and completions are checked with.
 *
 * Floor 9.  Constant. */
#pragma once

#include <stdio.h>

#include "base/base.h"
#include "crypto/aead.h"

/* Options stand for a bit each: 1 << their place in the verb's table. */
#define WR_MAX_OPTIONS 32
#define WR_MAX_OPERANDS 4

struct wr_option {
	char letter;      /* 0: only the long name */
	const char *name; /* without its dashes */
	const char *help;
};

struct wr_arguments {
	uint32_t options;
	unsigned operand_count;
	const char *operands[WR_MAX_OPERANDS];
	const struct wr_aead *aead; /* as given to wr_cli_main() */
};

struct wr_verb {
	const char *name;
	const char *summary; /* one line */
	const char *usage;   /* lines of "warren NAME ..." */
	const char *about;   /* further lines of its help; may be NULL */
	const struct wr_option *options;
	size_t option_count;
	const char *operand; /* what the first that is needed is called */
	unsigned min_operands, max_operands;
	int (*run)(const struct wr_arguments *arguments); /* returns the exit status */
};

#define WR_EXIT_DONE 0
#define WR_EXIT_FAILED 1
#define WR_EXIT_USAGE 2

/* All verbs; ends with NULL. */
extern const struct wr_verb *const wr_verbs[];
/* NULL if there is no such verb. */
const struct wr_verb *wr_verb_find(const char *name);

/* Every verb has it, in the first place of its table. */
#define WR_OPTION_HELP \
	{ \
		'h', "help", "tell how it is used" \
	}
#define WR_HELP_BIT 1u

/* Reads what follows the verb. "--" ends the options; letters can be joined.
 * False, and a line on standard error that says what is wrong. */
bool wr_verb_parse(const struct wr_verb *verb, int count, char *const *words,
		   struct wr_arguments *ret_arguments) WR_MUST_CHECK;
/* Writes the verb's help. */
void wr_verb_help(const struct wr_verb *verb, FILE *to);
