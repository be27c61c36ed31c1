/* The verbs of the command line and their options: one table, out of which come
 * the parser, the help and the completions, and that the manual is checked with.
 *
 * Floor 10.  Constant. */
#pragma once

#include <stdio.h>

#include "base/base.h"
#include "crypto/aead.h"

/* Options stand for a bit each: 1 << their place in the verb's table. */
#define WR_MAX_OPTIONS 32
#define WR_MAX_OPERANDS 64
/* Options with a value that one command line can give. */
#define WR_MAX_GIVEN 64

struct wr_option {
	char letter;      /* 0: only the long name */
	const char *name; /* without its dashes */
	const char *help;
	const char *value; /* what its value is called ("FILE"), or all that it can be
			    * ("closed|invite|open"); NULL: it takes none */
};

/* An option that was given with a value. */
struct wr_given {
	const struct wr_option *option;
	const char *value;
};

struct wr_arguments {
	const struct wr_verb *verb;
	uint32_t options;
	unsigned given_count, operand_count;
	struct wr_given given[WR_MAX_GIVEN]; /* in their order; one may be there again */
	const char *operands[WR_MAX_OPERANDS];
	const struct wr_aead *aead; /* as given to wr_cli_main() */
};

struct wr_verb {
	const char *group; /* "machine" of "warren machine add"; NULL: stands by itself */
	const char *name;
	const char *summary; /* one line */
	const char *usage;   /* lines of "warren NAME ..."; NULL: made of the rest */
	const char *about;   /* further lines of its help; may be NULL */
	const struct wr_option *options;
	size_t option_count;
	const char *operand; /* what its operands are called, as in the usage: "MACHINE [TAG]..." */
	unsigned min_operands, max_operands;
	const struct wr_verb *const *subs; /* verbs of a group; ends with NULL */
	/* Returns the exit status. NULL for a group. */
	int (*run)(const struct wr_arguments *arguments);
};

#define WR_EXIT_DONE 0
#define WR_EXIT_FAILED 1
#define WR_EXIT_USAGE 2

/* All verbs; ends with NULL. */
extern const struct wr_verb *const wr_verbs[];
/* NULL if there is no such verb. */
const struct wr_verb *wr_verb_find(const char *name);
/* The same within a group. */
const struct wr_verb *wr_verb_find_sub(const struct wr_verb *group, const char *name);

#define WR_VERB_TITLE_LEN 48
/* "machine add", "wg". */
void wr_verb_title(const struct wr_verb *verb, char ret_title[WR_VERB_TITLE_LEN]);

/* Every verb has it, in the first place of its table. */
#define WR_OPTION_HELP \
	{ \
		'h', "help", "tell how it is used" \
	}
#define WR_HELP_BIT 1u

/* Reads what follows the verb. "--" ends the options; letters can be joined; "->" is an
 * operand. False, and a line on standard error that says what is wrong. */
bool wr_verb_parse(const struct wr_verb *verb, int count, char *const *words,
		   struct wr_arguments *ret_arguments) WR_MUST_CHECK;

/* Whether the option of this name was given. It must stand in the verb's table, here
 * and below. */
bool wr_is_given(const struct wr_arguments *arguments, const char *name);
/* The value it was given last; NULL if it was not. */
const char *wr_value_of(const struct wr_arguments *arguments, const char *name);
/* One value after another; *at begins with 0. NULL after the last. */
const char *wr_next_value(const struct wr_arguments *arguments, const char *name, unsigned *at);

/* Says on standard error what went wrong; returns WR_EXIT_FAILED. */
int wr_complain(const struct wr_arguments *arguments, const char *format, ...) WR_PRINTF(2, 3);
/* Says what is wrong with the command line; returns WR_EXIT_USAGE. */
int wr_misuse(const struct wr_arguments *arguments, const char *format, ...) WR_PRINTF(2, 3);

/* Writes the verb's or the group's help. */
void wr_verb_help(const struct wr_verb *verb, FILE *to);
