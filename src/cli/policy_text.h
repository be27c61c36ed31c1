/* A policy's text as lines: rules of a command line, and where they go.
 *
 * Floor 10.  Pure. */
#pragma once

#include "base/base.h"

/* The rule that operands are: "A -> B tcp 22", whether they are that in words, one word, or with
 * "to" for the arrow, which a shell takes for a redirection. A new string, blanks made
 * single; NULL where there is no arrow, or nothing at one side of it. */
char *wr_rule_join(const char *const *operands, unsigned count);

enum wr_rule_place {
	WR_RULE_LAST, /* before the line that closes the rules, "default ..." */
	WR_RULE_FIRST /* before all rules */
};

/* The text with the line "`action` `rule`" ("allow" or "deny") in that place; where a line
 * says the contrary of the same rule, it takes its place. A new string; NULL where the line is
 * there already. */
char *wr_rule_insert(const char *text, const char *action, const char *rule,
		     enum wr_rule_place place);
